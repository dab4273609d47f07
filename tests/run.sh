#!/usr/bin/env bash
# Builds and runs every test, on a bare Debian 12 too: installs what is missing, then
#   gcc         g++ -O1: the whole suite, consumer projects, examples
#   sanitizers  clang++ with AddressSanitizer and UndefinedBehaviorSanitizer: the unit tests and golden vectors
#   s390x       cross-compiled, big-endian, under qemu-user: the parts that shape the bytes
#   exactness   symbols and streams of differently compiled programs are identical (tests/exactness/run.sh), of those compilers that are there
# and, only where it is named:
#   benchmarks  builds the benchmarks as well and runs each of them for a moment
#   clang       clang++ -O1 without sanitizers: the whole suite
#   debug       g++ -O0 with the standard library's assertions, the unit tests and golden vectors; and so
#   native      g++ -O3 -march=native -ffast-math
#   portable    the programs of the stage gcc without vector instructions (AECNN_INSTRUCTION_SET)
#   threads     clang++ with ThreadSanitizer: the evaluator and the soak program
#   valgrind    the quickstart of the stage gcc under valgrind
#   aarch64, armhf, i686   as s390x; exactness already compares streams of such programs
# Usage: bash tests/run.sh [--quick | STAGE...]   --quick is the stage gcc alone
# Build folders and logs are build/<stage>. AECNN_JOBS sets the number of parallel jobs (2).
# The last line is "N passed, N failed"; the exit status is 0 only where nothing failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
source tests/support/packages.sh

jobs=${AECNN_JOBS:-2}
stages=(gcc sanitizers s390x exactness)
if [ "${1:-}" = --quick ]; then
  stages=(gcc)
elif [ $# -gt 0 ]; then
  stages=("$@")
fi

passed=0
failed=0

# count LOG: adds the totals of a CTest log; a log without totals counts as one failure.
count() {
  local line fail total
  line=$(grep -E '^[0-9]+% tests passed, [0-9]+ tests failed out of [0-9]+' "$1" | tail -n 1)
  if [[ $line =~ ,\ ([0-9]+)\ tests\ failed\ out\ of\ ([0-9]+) ]]; then
    fail=${BASH_REMATCH[1]} total=${BASH_REMATCH[2]}
  else
    fail=1 total=1
  fi
  stage_tests=$total stage_failed=$fail
  failed=$((failed + fail))
  passed=$((passed + total - fail))
}

# report STAGE SECONDS
report() { printf '%-11s %4d tests, %d failed, %d s\n' "$1" "$stage_tests" "$stage_failed" "$2"; }

# stage_failed_at WHAT LOG: something other than a test failed; shows the compiler's messages, else the log's end.
stage_failed_at() {
  echo "$1 failed, see $2:"
  grep -E -A 8 'error:|Error ' "$2" | grep -vE '^\[[0-9]+/[0-9]+\]|^ninja: ' | head -n 60 || tail -n 20 "$2"
  stage_tests=1 stage_failed=1
  failed=$((failed + 1))
}

# run_preset PRESET [BUILD TARGETS -- CTEST ARGUMENTS]
run_preset() {
  local preset=$1 start=$SECONDS log=build/$1
  shift
  local targets=() arguments=("$@")
  while [ $# -gt 0 ]; do
    if [ "$1" = -- ]; then
      shift
      arguments=("$@")
      break
    fi
    targets+=(--target "$1")
    shift
  done
  mkdir -p "$log"
  if ! cmake --preset "$preset" >"$log/configure.log" 2>&1; then
    stage_failed_at "$preset: configuring" "$log/configure.log"
  elif ! cmake --build --preset "$preset" -j "$jobs" "${targets[@]}" >"$log/build.log" 2>&1; then
    stage_failed_at "$preset: building" "$log/build.log"
  else
    ctest --preset "$preset" -j "$jobs" "${arguments[@]}" >"$log/test.log" 2>&1
    local status=$?
    count "$log/test.log"
    if [ $status -ne 0 ] && [ $stage_failed -eq 0 ]; then
      stage_failed_at "$preset: ctest" "$log/test.log"
    elif [ $stage_failed -ne 0 ]; then
      # What failed and why, without the list of what passed and the list of what failed at the end.
      sed -e '/% tests passed/,$d' -e '/ Passed \+[0-9.]\+ sec$/d' -e '/^ \+Start \+[0-9]\+: /d' -e '/^$/d' "$log/test.log" |
        head -n 200
    fi
  fi
  report "$preset" $((SECONDS - start))
}

# run_folders PRESET FOLDER...: builds and runs the unit tests of these folders alone.
run_folders() {
  local preset=$1 folder targets=() label
  shift
  label=$(IFS='|'; echo "$*")
  for folder in "$@"; do targets+=("aecnn_test_${folder//\//_}"); done
  run_preset "$preset" "${targets[@]}" -- -L "^($label)\$"
}
# The tests of these folders decide about bytes and need no dependency that is slow to compile.
cross_folders=(core select quantize entropy bitstream)

# What reads files and streams, and what computes addresses: what compiles headers, programs and scripts is the stage gcc's, and the
# allocation tests replace malloc, as sanitizers do.
unit_folders=("${cross_folders[@]}" io nn nn/kernels codec golden)

# run_command STAGE COMMAND...: one test, by the exit status of a command. Its log lies beside the folder that it may make anew.
run_command() {
  local name=$1 start=$SECONDS log=build/$1.log
  shift
  mkdir -p build
  if "$@" >"$log" 2>&1; then
    stage_tests=1 stage_failed=0 passed=$((passed + 1))
  else
    stage_failed_at "$name" "$log"
  fi
  report "$name" $((SECONDS - start))
}

run_portable() {
  cmake --preset gcc && cmake --build --preset gcc -j "$jobs" && AECNN_INSTRUCTION_SET=portable ctest --preset gcc -j "$jobs" \
    -L "^($(IFS='|'; echo "${unit_folders[*]}"))\$"
}
run_valgrind() {
  cmake --preset gcc && cmake --build --preset gcc -j "$jobs" --target aecnn_quickstart &&
    valgrind --error-exitcode=1 --leak-check=full --show-leak-kinds=definite,indirect,possible --errors-for-leak-kinds=definite,indirect,possible \
      build/gcc/examples/quickstart/quickstart examples/data
}

packages=(g++ cmake ninja-build libeigen3-dev libxtensor-dev nlohmann-json3-dev catch2 libcli11-dev libbenchmark-dev
  libzstd-dev zstd python3 python3-numpy libprotozero-dev libonnx-testdata libjpeg62-turbo-dev libzip-dev)
for stage in "${stages[@]}"; do
  case $stage in
    gcc | benchmarks | debug | native | portable) ;;
    clang | sanitizers | threads) packages+=(clang libclang-rt-14-dev) ;;
    valgrind) packages+=(valgrind) ;;
    aarch64 | i686 | s390x) packages+=("g++-$stage-linux-gnu" qemu-user-static) ;;
    armhf) packages+=(g++-arm-linux-gnueabihf qemu-user-static) ;;
    exactness) packages+=(clang g++-aarch64-linux-gnu g++-s390x-linux-gnu qemu-user-static) ;;
    *)
      echo "unknown stage $stage; there are gcc, benchmarks, clang, debug, native, portable, sanitizers, threads, valgrind, aarch64," \
        "armhf, i686, s390x, exactness" >&2
      exit 2
      ;;
  esac
done
if ! need_packages "${packages[@]}"; then
  echo "0 passed, 1 failed"
  exit 1
fi

for stage in "${stages[@]}"; do
  case $stage in
    gcc) run_preset gcc ;;
    benchmarks) run_preset release all -- -L '^bench$' ;;
    clang) run_preset clang all -- -LE '^consumer$' ;;
    debug | native | sanitizers) run_folders "$stage" "${unit_folders[@]}" ;;
    portable | valgrind) run_command "$stage" "run_$stage" ;;
    threads) run_preset threads aecnn_test_nn aecnn_soak -- -L '^(nn|soak)$' ;;
    aarch64 | armhf | i686 | s390x) run_folders "$stage" "${cross_folders[@]}" ;;
    exactness) run_command exactness bash tests/exactness/run.sh ;;
  esac
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
