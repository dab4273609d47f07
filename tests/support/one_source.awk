# Prints one source: the given files, each behind the headers of this project that it includes. Line n of the output is the
# place in line n of the file `places`.
# Usage: awk -v places=FILE -f one_source.awk SOURCE...   from the repository root
function exists(file, line) {
  if ((getline line < file) < 0) return 0
  close(file)
  return 1
}
# The file of <name>, or "" where it is another project's.
function project_file(name, i) {
  for (i = 1; i <= folders; ++i)
    if (exists(folder[i] name)) return folder[i] name
  return ""
}
function add(file, line, lines, n, i, header, own) {
  if (file in added) return
  added[file] = 1
  own = file
  sub(/[^\/]*$/, "", own)
  n = 0
  while ((getline line < file) > 0) lines[++n] = line
  close(file)
  for (i = 1; i <= n; ++i) {
    if (lines[i] ~ /^ *#include [<"].*\.hpp[>"]/) {
      header = lines[i]
      sub(/^[^<"]*[<"]/, "", header)
      sub(/[>"].*/, "", header)
      header = lines[i] ~ /"/ ? own header : project_file(header)
      if (header == "") continue
      add(header)
      lines[i] = ""
    } else if (lines[i] ~ /^#pragma once/) {
      lines[i] = ""
    }
  }
  for (i = 1; i <= n; ++i) {
    print lines[i]
    print file ":" i > places
  }
}
BEGIN {
  folders = split("include/ tests/support/ tests/fuzz/", folder, " ")
  for (i = 1; i < ARGC; ++i) add(ARGV[i])
}
