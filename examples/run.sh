#!/usr/bin/env bash
# Builds the examples (Release) and runs quickstart on the feature tensors of examples/data, on a bare Debian 12 too.
# Usage: bash examples/run.sh   AECNN_JOBS sets the number of parallel jobs (2).
# The build folder is build/examples, or build/gcc where bash tests/run.sh has built the examples there already.
set -euo pipefail
cd "$(dirname "$0")/.."
source tests/support/packages.sh
need_packages g++ cmake ninja-build libeigen3-dev libxtensor-dev nlohmann-json3-dev libcli11-dev libprotozero-dev

targets=(--target aecnn_quickstart --target aecnn_custom_component --target aecnn_cli)
if [ -x build/gcc/examples/quickstart/quickstart ]; then
  build=build/gcc
  configure=(cmake --preset gcc)
else
  build=build/examples
  configure=(cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DAECNN_BUILD_TESTS=OFF -DAECNN_BUILD_EXAMPLES=ON)
fi
mkdir -p "$build"
if ! { "${configure[@]}" && cmake --build "$build" -j "${AECNN_JOBS:-2}" "${targets[@]}"; } >"$build/examples.log" 2>&1; then
  tail -n 40 "$build/examples.log" >&2
  exit 1
fi
"$build/examples/quickstart/quickstart" examples/data
