#!/usr/bin/env bash
# Builds all fuzz targets with clang, AddressSanitizer, UndefinedBehaviorSanitizer and libFuzzer and runs each for a while, from the committed
# corpus and what earlier runs found (build/fuzz/corpus).
# Usage: bash tests/fuzz/run.sh [SECONDS [TARGET...]]   SECONDS a target (60); all targets
# Prints executions and what was found, a line a target; the exit status is 0 only where nothing was. An input that broke a rule lies in
# build/fuzz/found; committed as tests/fuzz/corpus/TARGET/NAME it is a regression test.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
seconds=${1:-60}
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(end_to_end npy onnx profile record_file safetensors stream symbols)

out=build/fuzz
mkdir -p "$out/found"
cmake --preset sanitizers -B "$out" -DAECNN_FUZZ=ON \
  -DCMAKE_CXX_FLAGS="-O2 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all" \
  >"$out/configure.log" 2>&1 || { tail -n 20 "$out/configure.log"; exit 1; }
cmake --build "$out" --parallel "${AECNN_JOBS:-2}" $(printf -- '--target aecnn_fuzz_%s ' "${targets[@]}") >"$out/build.log" 2>&1 ||
  { grep -A 5 'error' "$out/build.log" | head -n 40; exit 1; }

status=0
run() {
  local target=$1 log=$out/$1.log
  mkdir -p "$out/corpus/$target"
  "$out/tests/fuzz/aecnn_fuzz_$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -entropic=0 -print_final_stats=1 \
    -artifact_prefix="$out/found/$target-" "$out/corpus/$target" "tests/fuzz/corpus/$target" >"$log" 2>&1
  local code=$? executed
  executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  printf '%-12s %12s executions in %s s, %s\n' "$target" "${executed:-?}" "$seconds" "$([ $code -eq 0 ] && echo nothing found || echo "FOUND, see $log")"
  return $code
}
for target in "${targets[@]}"; do
  run "$target" || status=1
done
exit $status
