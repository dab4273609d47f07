#!/usr/bin/env bash
# Everything that tests promises of docs/security.md, more than a change needs each time: all stages of tests/run.sh, all corruptions, static
# analysis, coverage and a soak. On a bare Debian 12 too. Takes hours on two cores; logs are below build.
# Usage: bash tests/matrix.sh [SOAK_SECONDS]   (600)
# Prints a line a stage; the exit status is 0 only where nothing failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
soak=${1:-600}
status=0
mkdir -p build

# step NAME COMMAND...: the last line of what it prints, and its log where it fails.
step() {
  local name=$1 start=$SECONDS
  shift
  if "$@" >"build/matrix_$name.log" 2>&1; then
    printf '%-11s %s, %d s\n' "$name" "$(tail -n 1 "build/matrix_$name.log")" $((SECONDS - start))
  else
    printf '%-11s FAILED, %d s, see build/matrix_%s.log:\n' "$name" $((SECONDS - start)) "$name"
    tail -n 20 "build/matrix_$name.log"
    status=1
  fi
}

bash tests/run.sh gcc portable valgrind native debug clang sanitizers threads aarch64 armhf i686 s390x exactness || status=1
step streams build/gcc/tests/corruption/aecnn_corruption streams tests/data/golden
step profiles build/gcc/tests/corruption/aecnn_corruption profiles tests/data/golden
step random build/gcc/tests/corruption/aecnn_corruption random tests/data/golden 10000000
step soak build/gcc/tests/soak/aecnn_soak "$soak" 4
step analysis bash tests/analysis.sh
step coverage bash tests/coverage.sh
exit $status
