#!/usr/bin/env bash
# Measures and writes docs/results.md and docs/figures anew.
# Usage: bash bench/report/results.sh rates|speeds [FEATURES.npy...]
#   rates   rate and distortion on each of the files, and on the shipped examples/data/resnet56_stage2.npy
#   speeds  the ratios of speeds; wants a machine that does nothing else
# Measurements are kept in BUILD/report, so that rates may be measured file by file; remove the folder to start over.
# BUILD (build/release) is where the benchmarks are built, PYTHON (python3) draws. Needs libzstd-dev and python3-matplotlib.
set -euo pipefail
cd "$(dirname "$0")/../.."

what=${1:-}
if [ "$what" != rates ] && [ "$what" != speeds ]; then
  sed -n '2,8p' "$0" >&2
  exit 2
fi
files=()
for file in "${@:2}"; do files+=("$(realpath -- "$file")"); done
build=${BUILD:-build/release}
folder=$build/report
python=${PYTHON:-python3}
export PYTHONDONTWRITEBYTECODE=1
if [ ! -e "$build/CMakeCache.txt" ]; then
  cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DAECNN_BUILD_BENCHMARKS=ON
fi
mkdir -p "$folder" docs/figures

if [ "$what" = rates ]; then
  cmake --build "$build" --target bench_rate_distortion
  for file in examples/data/resnet56_stage2.npy "${files[@]}"; do
    out=$folder/$(basename "$file" .npy).csv
    "$build/bench/bench_rate_distortion" "$file" >"$out.part"
    mv "$out.part" "$out"
  done
  for file in "$folder"/*.csv; do
    # Only the figures that the page shows.
    if grep -q "figures/rate_distortion_$(basename "$file" .csv).svg" docs/results.md; then
      "$python" bench/report/plot.py "$file" docs/figures
    fi
  done
else
  cmake --build "$build" --target quantize_bench entropy_bench codec_bench
  for pair in quantize:quantise entropy:entropy codec:codec; do
    out=$folder/${pair#*:}.json
    "$build/bench/${pair%:*}_bench" --benchmark_repetitions=5 --benchmark_report_aggregates_only=true \
      --benchmark_out="$out.part" --benchmark_out_format=json
    mv "$out.part" "$out"
  done
fi
"$python" bench/report/update_results.py docs/results.md "$folder"
