#!/usr/bin/env bash
# Builds the examples (Release) and runs quickstart on the feature tensors of examples/data, on a bare Debian 12 too.
# Usage: bash examples/run.sh   The build folder is build/examples; AECNN_JOBS sets the number of parallel jobs (2).
set -euo pipefail
cd "$(dirname "$0")/.."
source tests/support/packages.sh
need_packages g++ cmake ninja-build libeigen3-dev libxtensor-dev nlohmann-json3-dev libcli11-dev

build=build/examples
mkdir -p "$build"
if ! { cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DAECNN_BUILD_TESTS=OFF -DAECNN_BUILD_EXAMPLES=ON &&
  cmake --build "$build" -j "${AECNN_JOBS:-2}"; } >"$build/build.log" 2>&1; then
  tail -n 40 "$build/build.log" >&2
  exit 1
fi
"$build/examples/quickstart/quickstart" examples/data
