#!/usr/bin/env bash
# What <aecnn/encoder.hpp> costs to compile: a file that includes it against a file that includes <vector>, <string>, <cmath>,
# <span> and <stdexcept>, compiled in turn (each round both, in changing order), median of the rounds.
# Usage: bash bench/compile_time.sh [HEADER] [MAXIMUM]
#   HEADER   aecnn/encoder.hpp unless given
#   MAXIMUM  exit status 1 where the ratio is above it
# CXX (g++), CXXFLAGS (-O2) and ROUNDS (15, at least 9) come from the environment.
set -euo pipefail
cd "$(dirname "$0")/.."

compiler=${CXX:-g++}
read -ra flags <<<"${CXXFLAGS:--O2}"
rounds=${ROUNDS:-15}
header=${1:-aecnn/encoder.hpp}
maximum=${2:-}
if [ "$rounds" -lt 9 ]; then
  echo "ROUNDS is $rounds, at least 9 are needed for a median" >&2
  exit 2
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printf '#include <%s>\n' vector string cmath span stdexcept >"$folder/standard.cpp"
printf '#include <%s>\n' "$header" >"$folder/library.cpp"

# compile NAME: microseconds of wall-clock time, appended to NAME.times.
compile() {
  local start end
  start=$(date +%s%N)
  "$compiler" -std=c++20 "${flags[@]}" -I include -c "$folder/$1.cpp" -o "$folder/$1.o"
  end=$(date +%s%N)
  echo $(((end - start) / 1000)) >>"$folder/$1.times"
}
median() { sort -n "$1" | awk '{t[NR] = $1} END {m = NR % 2 ? t[(NR + 1) / 2] : (t[NR / 2] + t[NR / 2 + 1]) / 2; print m / 1000}'; }

compile standard && compile library # fills the file cache
rm "$folder"/*.times
for ((round = 0; round < rounds; ++round)); do
  if ((round % 2)); then compile standard && compile library; else compile library && compile standard; fi
done

standard=$(median "$folder/standard.times")
library=$(median "$folder/library.times")
awk -v s="$standard" -v l="$library" -v n="$rounds" -v c="$compiler" -v f="${flags[*]}" -v h="$header" -v m="$maximum" 'BEGIN {
  printf "%s %s, median of %d: standard headers %.1f ms, <%s> %.1f ms, ratio %.3f\n", c, f, n, s, h, l, l / s
  exit (m != "" && l / s > m)
}'
