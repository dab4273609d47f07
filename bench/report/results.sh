#!/usr/bin/env bash
# Measures and writes docs/results.md and docs/figures anew.
# Usage: bash bench/report/results.sh rates|coders|priors|networks|accuracy|speeds [FILE...]
#   rates   rate and distortion on each of the files of features, and on the shipped examples/data/resnet56_stage2.npy
#   coders  the entropy coders and their peers on each of the lists of planes (FOLDER/list.txt, see make_planes.py), and on the shipped
#           tensors; takes a minute for a million symbols where JPEG XL is found; wants a machine that does nothing else
#   priors  what initial states bring on the files of features together, and on the shipped one
#   networks  the networks in the folder FILE (export_networks.py) beside ONNX Runtime, whose library AECNN_ONNXRUNTIME names
#   accuracy  the results.json that examples/training/run_case.py wrote, and in the folder of data FILE..., if one is among them, the time and
#           accuracy of the shipped cases (examples/accuracy)
#   speeds  the other ratios of speeds
# Measurements are kept in BUILD/report, so that rates may be measured file by file; remove the folder to start over.
# BUILD (build/release) is where the benchmarks are built, PYTHON (python3) draws. Needs libzstd-dev and python3-matplotlib.
set -euo pipefail
cd "$(dirname "$0")/../.."

what=${1:-}
if ! [[ $what =~ ^(rates|coders|priors|networks|accuracy|speeds)$ ]]; then
  sed -n '2,14p' "$0" >&2
  exit 2
fi
files=()
for file in "${@:2}"; do files+=("$(realpath -s -- "$file")"); done
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
elif [ "$what" = coders ]; then
  cmake --build "$build" --target entropy_bench
  for list in "" "${files[@]}"; do
    data=resnet56_stage2
    if [ -n "$list" ]; then
      data=$(basename "$(dirname "$list")")
      export AECNN_BENCH_PLANES=$list
    fi
    out=$folder/coders_$data.json
    AECNN_BENCH_SLOW=1 "$build/bench/entropy_bench" --benchmark_min_time=0.5 --benchmark_out="$out.part" \
      --benchmark_out_format=json
    mv "$out.part" "$out"
    if grep -q "figures/coders_$data.svg" docs/results.md; then "$python" bench/report/plot_coders.py "$out" docs/figures; fi
  done
elif [ "$what" = priors ]; then
  cmake --build "$build" --target bench_entropy_priors
  "$build/bench/bench_entropy_priors" examples/data/resnet56_stage2.npy >"$folder/priors_resnet56_stage2.json"
  if [ ${#files[@]} -gt 0 ]; then "$build/bench/bench_entropy_priors" "${files[@]}" >"$folder/priors_features.json"; fi
  for data in resnet56_stage2 features; do
    if [ -e "$folder/priors_$data.json" ] && grep -q "figures/priors_$data.svg" docs/results.md; then
      "$python" bench/report/plot_priors.py "$folder/priors_$data.json" docs/figures
    fi
  done
elif [ "$what" = networks ]; then
  cmake --build "$build" --target bench_networks
  program=$build/bench/bench_networks
  out=$folder/networks.json
  {
    "$program" "${files[0]}" --seconds 2
    "$program" "${files[0]}" --seconds 2 --threads 2
    AECNN_ONNXRUNTIME='' AECNN_INSTRUCTION_SET=avx2 "$program" "${files[0]}"
    AECNN_ONNXRUNTIME='' "$program" "${files[0]}" --exact
    "$program" "${files[0]}" --seconds 2 --int8
  } >"$out.part"
  mv "$out.part" "$out"
elif [ "$what" = accuracy ]; then
  for file in "${files[@]}"; do
    if [ -d "$file" ]; then
      bash examples/accuracy/run.sh "$file" --threads 1 >"$folder/accuracy.jsonl.part"
      mv "$folder/accuracy.jsonl.part" "$folder/accuracy.jsonl"
    else
      out=$folder/accuracy_$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["case"])' "$file").json
      cp -- "$file" "$out"
      "$python" bench/report/plot_accuracy.py "$out" docs/figures
    fi
  done
else
  cmake --build "$build" --target quantize_bench codec_bench
  for pair in quantize:quantise codec:codec; do
    out=$folder/${pair#*:}.json
    "$build/bench/${pair%:*}_bench" --benchmark_repetitions=5 --benchmark_report_aggregates_only=true \
      --benchmark_out="$out.part" --benchmark_out_format=json
    mv "$out.part" "$out"
  done
fi
"$python" bench/report/update_results.py docs/results.md "$folder"
