#!/usr/bin/env bash
# Builds examples/accuracy (Release) and measures the cases of examples/accuracy/cases, on a bare Debian 12 too: image,
# head, encoder, bytes, decoder, tail, top-1. One JSON object a line; needs neither Python nor PyTorch.
# Usage: bash examples/accuracy/run.sh [DATA_DIR] [--case NAME] [--threads T] [--limit N]
# Without DATA_DIR only the cases that need no other files. AECNN_JOBS sets the number of parallel jobs (2).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
source "$root/tests/support/packages.sh"
need_packages g++ cmake ninja-build libeigen3-dev libxtensor-dev nlohmann-json3-dev libcli11-dev libprotozero-dev \
  libjpeg62-turbo-dev libzip-dev >&2

build=$root/build/examples
mkdir -p "$build"
if ! { cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DAECNN_BUILD_TESTS=OFF \
  -DAECNN_BUILD_EXAMPLES=ON && cmake --build "$build" -j "${AECNN_JOBS:-2}" --target aecnn_accuracy; } \
  >"$build/accuracy.log" 2>&1; then
  tail -n 40 "$build/accuracy.log" >&2
  exit 1
fi
exec "$build/examples/accuracy/accuracy" "$root/examples/accuracy/cases" "$@"
