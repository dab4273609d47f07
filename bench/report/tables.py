#!/usr/bin/env python3
"""Prints the tables of docs/results.md from the CSV files of bench_rate_distortion.

usage: tables.py FILE.csv...

For each file: the alternative and both transforms at equal bytes, and the ladder. For all files together: the ratio of
the squared errors at equal bytes, and how far payloads are from the ideal code length.
"""
import sys

from measurements import load, select

RATES = ["8 bit", "6 bit", "4 bit", "2 bit"]


def number(v):
    """Three significant digits, without an exponent where that is readable."""
    return f"{v:.2e}" if v < 1e-4 else f"{v:.3g}" if v < 1000 else f"{v:.0f}"


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def at_equal_bytes(rows):
    lines = []
    for rate in RATES:
        (zstd,) = select(rows, part="equal", codec="zstd", rate=rate)
        line = [rate, f"{zstd['bytes']:.0f}", number(zstd["mse"])]
        for codec in ("select", "klt"):
            (ours,) = select(rows, part="equal", codec=codec, rate=rate)
            line += [f"{ours['bytes']:.0f}", number(ours["mse"]), f"{ours['mse'] / zstd['mse']:.2f}"]
        lines.append(line)
    table(["rate of zstd -19", "bytes", "mse", "select bytes", "mse", "ratio", "klt bytes", "mse", "ratio"], lines)


def ladder(rows):
    lines = []
    for select_row in select(rows, part="ladder", codec="select"):
        (klt,) = select(rows, part="ladder", codec="klt", rate=select_row["rate"])
        line = [select_row["rate"]]
        for r in (select_row, klt):
            line += [f"{r['bytes']:.1f}", f"{r['relative_error']:.4f}"]
        lines.append(line)
    table(["target", "select bytes", "relative error", "klt bytes", "relative error"], lines)


def overview(files):
    lines = []
    for rows in files:
        line = [rows[0]["data"]]
        for codec in ("select", "klt"):
            for rate in RATES:
                (ours,) = select(rows, part="equal", codec=codec, rate=rate)
                line.append(f"{ours['mse'] / ours['zstd_mse']:.2f}")
        lines.append(line)
    table(["data"] + [f"{codec} {rate}" for codec in ("select", "klt") for rate in RATES], lines)


def code_length(files):
    ours = [r for rows in files for r in rows if r["codec"] != "zstd"]
    print(f"Largest payload less ideal code length, over {len(ours)} operating points: "
          f"{max(r['excess_bytes'] for r in ours):.2f} bytes.")
    print(f"Largest distance of a payload from it, as a share of 2 % + 4 bytes: {max(r['allowance_payload'] for r in ours):.3f}.")
    whole = [r for r in ours if r["allowance_stream"] > 1]
    print(f"Operating points with a whole stream, header included, beyond 2 % + 4 bytes: {len(whole)}"
          + (f", the largest of {max(r['bytes'] for r in whole):.0f} bytes on average." if whole else "."))


def main(arguments):
    if not arguments:
        raise SystemExit(__doc__)
    files = [load(name) for name in arguments]
    for rows in files:
        print(f"## {rows[0]['data']}\n")
        at_equal_bytes(rows)
        ladder(rows)
    if len(files) > 1:
        print("## Squared error as a share of the alternative's, at equal bytes\n")
        overview(files)
    print("## Code length\n")
    code_length(files)


if __name__ == "__main__":
    main(sys.argv[1:])
