#!/usr/bin/env bash
# Which lines of include/ the tests reach: builds them with clang's source-based coverage, runs them, and prints covered lines of all
# lines for each folder and in all. A line of a template, or of the kernels that are compiled once for each instruction set, counts as
# covered where any instantiation reaches it.
# Usage: bash tests/coverage.sh [--report]   --report counts the last run again, without building and running
# Installs what is missing. The exit status is 0 only where every test passes and AECNN_COVERAGE_LEAST percent (95) of the lines are
# covered. Build folder: build/coverage; uncovered.txt there has a line FILE:LINE: TEXT for each line that nothing reached.
# AECNN_JOBS sets the number of parallel jobs (2).
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
source tests/support/packages.sh

least=${AECNN_COVERAGE_LEAST:-95}
jobs=${AECNN_JOBS:-2}
build=build/coverage
log=$build/test.log

# Catch2 programs, run once each; the others are run by CTest, by label.
catch=(allocation bitstream calibrate codec core entropy golden io nn nn_kernels nn_operators nn_quantized nn_steps quantize select)
catch=("${catch[@]/#/tests/aecnn_test_}")
others=(tests/fuzz/aecnn_fuzz_replay tests/conformance/aecnn_onnx_node_tests tests/no_exceptions/aecnn_test_no_exceptions
  tests/emit_header/aecnn_emit_header tests/emit_header/aecnn_emit_header_device tests/emit_header/aecnn_emit_header_file
  tests/reference/aecnn_reference_vectors)
labels='^(fuzz|conformance|no_exceptions|emit_header|reference)$'

build_tests() {
  need_packages clang llvm libclang-rt-14-dev cmake ninja-build libeigen3-dev libxtensor-dev nlohmann-json3-dev catch2 \
    python3 python3-numpy libprotozero-dev libonnx-testdata || return 1
  mkdir -p "$build"
  export LLVM_PROFILE_FILE=/dev/null # of programs that the build runs
  if ! cmake --preset coverage >"$build/configure.log" 2>&1; then
    tail -n 20 "$build/configure.log"
    return 1
  fi
  if ! cmake --build "$build" -j "$jobs" --target "${catch[@]}" "${others[@]}" >"$build/build.log" 2>&1; then
    grep -A 8 'error:' "$build/build.log" | head -n 60
    return 1
  fi
}

run_tests() {
  local program status=0
  rm -rf "$build/profiles"
  mkdir -p "$build/profiles"
  : >"$log"
  for program in "${catch[@]}"; do
    if ! LLVM_PROFILE_FILE=$PWD/$build/profiles/${program##*/}.profraw "$build/$program" --warn NoAssertions >>"$log" 2>&1; then
      echo "$program failed, see $log"
      status=1
    fi
  done
  # %m: one file a program, which its runs add to.
  if ! LLVM_PROFILE_FILE=$PWD/$build/profiles/%m.profraw ctest --test-dir "$build" -L "$labels" -j "$jobs" --output-on-failure \
    --timeout 900 >>"$log" 2>&1; then
    grep -A 40 'The following tests FAILED' "$log"
    status=1
  fi
  return $status
}

# Each program's lines on their own, then added up: one program's function may differ from another's of the same name.
count_lines() {
  local program
  llvm-profdata merge -sparse "$build"/profiles/*.profraw -o "$build/coverage.profdata" || return 1
  for program in "${catch[@]}" "${others[@]}"; do
    llvm-cov export --format=lcov --skip-functions --instr-profile="$build/coverage.profdata" "$build/$program" 2>>"$log" || return 1
  done | awk -v root="$PWD/include/" '
    /^SF:/ { file = substr($0, 4); ours = index(file, root) == 1; file = "include/" substr(file, length(root) + 1) }
    ours && /^DA:/ { split(substr($0, 4), count, ","); covered[file " " count[1]] += count[2] > 0 }
    END { for (line in covered) print line, (covered[line] > 0) }' | sort -k 1,1 -k 2,2n >"$build/lines.txt"
  [ -s "$build/lines.txt" ] || return 1
  awk '!$3 {
    if ($1 != file) { close(file); file = $1; at = 0 }
    for (; at < $2; ++at) getline text <file
    print file ":" $2 ": " text }' "$build/lines.txt" >"$build/uncovered.txt"
  awk -v least="$least" '
    function figure(name, part, whole) { return sprintf("%-34s %6d of %6d lines, %6.2f %%", name, part, whole, 100 * part / whole) }
    { folder = $1; sub("/[^/]*$", "", folder); ++all[folder]; covered[folder] += $3; ++total; reached += $3 }
    END {
      for (folder in all) print figure(folder, covered[folder], all[folder]) | "sort"
      close("sort")
      print figure("all", reached, total)
      if (100 * reached >= least * total) exit 0
      print "less than " least " %"
      exit 1
    }' "$build/lines.txt"
}

status=0
if [ "${1:-}" != --report ]; then
  build_tests || exit 1
  run_tests || status=1
fi
count_lines || status=1
exit $status
