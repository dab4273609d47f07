#!/usr/bin/env bash
# Compiles exactness.cpp in many ways, runs all of the programs on the same tensors and compares: symbols, streams and networks in
# integers must be identical, decoded tensors and networks in floats within 1e-5 of their largest magnitude. Programs for other machines run under qemu-user.
# Usage: bash tests/exactness/run.sh [FEATURES.npy PROFILE.aecnn]   more tensors than the golden vectors and the examples'
# Needs g++; other compilers are left out, and listed, where they are missing. AECNN_JOBS sets the number of parallel jobs (2);
# AECNN_EXACTNESS_COUNT the tensors of a file of features (16; a quarter of it under qemu-user).
# Build folder: build/exactness. Exit status 0 where nothing differs.
set -uo pipefail
more=()
for path in "$@"; do more+=("$(realpath "$path")"); done
cd "$(dirname "$0")/../.." || exit 1

jobs=${AECNN_JOBS:-2}
count=${AECNN_EXACTNESS_COUNT:-16}
build=build/exactness
golden=tests/data/golden
features=(examples/data/resnet56_stage2.npy "$golden/calibrated.aecnn" "${more[@]}")
rm -rf "$build"
mkdir -p "$build"

# A build a line: name, command that runs its programs ("-": directly), compiler and flags. The first is what others are compared with.
builds=(
  "gcc-O2 - g++ -O2"
  "gcc-O0 - g++ -O0"
  "gcc-O3-native-fast-math - g++ -O3 -march=native -ffast-math"
  "clang-O3-fast-math - clang++ -O3 -ffast-math"
  "i686-O2-sse - i686-linux-gnu-g++ -O2 -msse2 -mfpmath=sse -static"
  "i686-O2-x87 - i686-linux-gnu-g++ -O2 -mfpmath=387 -static"
  "armhf-O2 qemu-arm-static arm-linux-gnueabihf-g++ -O2 -static"
  "aarch64-O1 qemu-aarch64-static aarch64-linux-gnu-g++ -O1 -static"
  "aarch64-O2-fast-math qemu-aarch64-static aarch64-linux-gnu-g++ -O2 -ffast-math -static"
  "s390x-O1 qemu-s390x-static s390x-linux-gnu-g++ -O1 -static"
)

# Header-only packages of the build machine serve the others too, after the compiler's own headers.
includes=(-I include -I tests/support -isystem /usr/include/eigen3 -idirafter /usr/include)

# available EMULATOR COMPILER FLAG...: whether that compiler makes programs here that run here.
available() {
  local emulator=$1
  shift
  command -v "$1" >/dev/null || return 1
  [ "$emulator" = - ] || command -v "$emulator" >/dev/null || return 1
  echo '#include <vector>
int main() { return static_cast<int>(std::vector<int>(2).size()) - 2; }' >"$build/probe.cpp"
  "$@" "$build/probe.cpp" -o "$build/probe" >/dev/null 2>&1 || return 1
  if [ "$emulator" = - ]; then "$build/probe"; else "$emulator" "$build/probe"; fi >/dev/null 2>&1
}

# run_program NAME EMULATOR COUNT OUT: lines to OUT.txt, tensors to OUT.bin.
run_program() {
  local name=$1 emulator=$2 n=$3 out=$4
  local run=("$build/$name")
  if [ "$emulator" != - ]; then run=("$emulator" "$build/$name"); fi
  "${run[@]}" run "$golden" "$out.bin" "$n" "${features[@]}" >"$out.txt"
}

names=() emulators=() left_out=()
for line in "${builds[@]}"; do
  read -r name emulator command <<<"$line"
  # shellcheck disable=SC2086 # words of the command are meant to be split
  if ! available "$emulator" $command; then
    left_out+=("$name")
    continue
  fi
  names+=("$name")
  emulators+=("$emulator")
  while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
  (
    # shellcheck disable=SC2086
    $command -std=c++20 -w "${includes[@]}" tests/exactness/exactness.cpp -o "$build/$name" >"$build/$name.log" 2>&1 ||
      rm -f "$build/$name"
  ) &
done
wait

reference=${names[0]}
few=$(((count + 3) / 4))
if [ "$reference" != gcc-O2 ] || [ ! -x "$build/$reference" ]; then
  echo "g++ -O2 does not compile tests/exactness/exactness.cpp:"
  head -n 20 "$build/gcc-O2.log"
  exit 1
fi
if ! run_program "$reference" - "$count" "$build/all" || ! run_program "$reference" - "$few" "$build/few"; then exit 1; fi

failed=0
for i in "${!names[@]}"; do
  name=${names[i]}
  expected=$build/all n=$count
  if [ "${emulators[i]}" != - ]; then expected=$build/few n=$few; fi
  if [ ! -x "$build/$name" ]; then
    echo "$name: does not compile:"
    grep -E 'error' "$build/$name.log" | head -n 5
    failed=1
  elif ! run_program "$name" "${emulators[i]}" "$n" "$build/$name"; then
    echo "$name: failed"
    failed=1
  elif ! cmp -s "$expected.txt" "$build/$name.txt"; then
    echo "$name: other symbols or streams:"
    diff "$expected.txt" "$build/$name.txt" | head -n 6
    failed=1
  else
    if difference=$("$build/$reference" compare "$expected.bin" "$build/$name.bin"); then
      echo "$name: $(wc -l <"$build/$name.txt") streams identical, tensors within $difference"
    else
      echo "$name: decoded tensors differ by $difference of the largest magnitude"
      failed=1
    fi
  fi
done
if [ ${#left_out[@]} -gt 0 ]; then echo "left out, no such compiler here: ${left_out[*]}"; fi
exit $failed
