#!/usr/bin/env bash
# Static analysis of the library, of the command-line program and of the fuzz targets. Nothing may be found.
#   headers     clang-tidy on every header of include/, with the checks of .clang-tidy but the path-sensitive ones
#   paths       the path-sensitive ones, clang-analyzer-*. They look only at functions of a source itself, so all headers, program and fuzz
#               targets, which instantiate the templates, are written into one
#   cppcheck    cppcheck on every header, as g++ on x86-64 sees them and as an unknown compiler does
# Usage: bash tests/analysis.sh [STAGE...]   all stages
# What each found is in build/analysis/STAGE.log; paths takes about seven minutes of a core, the others one each. A line a stage; the exit
# status is 0 only where nothing was found.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
source tests/support/packages.sh

stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=(headers paths cppcheck)
need_packages clang clang-tidy cppcheck libeigen3-dev libxtensor-dev nlohmann-json3-dev libcli11-dev libprotozero-dev || exit 1

out=build/analysis
mkdir -p "$out"
mapfile -t headers < <(find include -name '*.hpp' | LC_ALL=C sort)
printf '#include <%s>\n' "${headers[@]#include/}" >"$out/headers.cpp"
flags=(-std=c++20 -Iinclude -isystem /usr/include/eigen3 -DAECNN_WITH_ONNX -DPROGRAM_READS_ONNX=1)

# The targets of tests/fuzz name the library's namespace with using, so they come last.
programs=(examples/cli/*.cpp)
for source in tests/fuzz/*.cpp; do
  case ${source##*/} in
    libfuzzer.cpp | memory.cpp | replay.cpp | seeds.cpp) ;; # no targets
    *) programs+=("$source") ;;
  esac
done

tidy_headers() { clang-tidy --quiet --config-file=.clang-tidy --checks='-clang-analyzer-*' "$out/headers.cpp" -- "${flags[@]}"; }

tidy_paths() {
  awk -v places="$out/places" -f tests/support/one_source.awk "${headers[@]}" "${programs[@]}" >"$out/one_source.cpp"
  local checks
  checks=$(sed -n 's/^ *\(-\{0,1\}clang-analyzer-[^ ,]*\).*/\1/p' .clang-tidy | paste -sd,)
  clang-tidy --quiet --config-file=.clang-tidy --checks="-*,$checks" "$out/one_source.cpp" -- "${flags[@]}" |
    awk -v places="$out/places" '
      BEGIN { while ((getline line < places) > 0) place[++n] = line }
      match($0, /^[^ ]*one_source\.cpp:[0-9]+/) {
        split(substr($0, 1, RLENGTH), part, ":")
        $0 = place[part[2]] substr($0, RLENGTH + 1)
      }
      { print }'
}

check() {
  cppcheck --quiet --language=c++ --std=c++20 --enable=warning,performance,portability --inline-suppr \
    --suppressions-list=tests/cppcheck.suppressions --error-exitcode=1 --template='{file}:{line}: {severity}: {message} [{id}]' \
    -Iinclude "$@" "$out/headers.cpp"
}
cppcheck_headers() {
  check -D__GNUC__=12 -D__x86_64__=1 -D__cpp_exceptions=199711L && check -D__cpp_exceptions=199711L -U__GNUC__
}

status=0
# run STAGE COMMAND WHAT
run() {
  local start=$SECONDS found=0
  "$2" >"$out/$1.log" 2>&1 || found=1
  # Diagnostics count whatever the exit status says.
  if [ $found -ne 0 ] || grep -qE ': (error|warning|performance|portability): ' "$out/$1.log"; then
    status=1
    grep -E ': (error|warning|performance|portability): ' "$out/$1.log" | sort -u
    printf '%-10s %s, FOUND, see %s\n' "$1" "$3" "$out/$1.log"
  else
    printf '%-10s %s, nothing found, %d s\n' "$1" "$3" $((SECONDS - start))
  fi
}
for stage in "${stages[@]}"; do
  case $stage in
    headers) run headers tidy_headers "clang-tidy: ${#headers[@]} headers" ;;
    paths) run paths tidy_paths "clang-tidy: paths through ${#headers[@]} headers and ${#programs[@]} sources" ;;
    cppcheck) run cppcheck cppcheck_headers "cppcheck: ${#headers[@]} headers, 2 configurations" ;;
    *)
      echo "unknown stage $stage; there are headers, paths, cppcheck" >&2
      exit 2
      ;;
  esac
done
exit $status
