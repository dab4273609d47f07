#!/usr/bin/env python3
"""Prints speeds as ratios within one run, from Google Benchmark's JSON (--benchmark_out=FILE.json).

usage: speed.py QUANTIZE.json ENTROPY.json

QUANTIZE.json: quantize_bench; selecting and quantising as a share of memcpy's speed. ENTROPY.json: entropy_bench; the
coder's speed as a multiple of zstd -19's and -3's on the same symbols.
"""
import json
import sys

from tables import table


def load(path):
    with open(path, encoding="utf-8") as file:
        entries = json.load(file)["benchmarks"]
    medians = [b for b in entries if b.get("aggregate_name") == "median"]
    return {b["run_name"]: b for b in medians or entries}


def quantise(runs):
    rows = [[name.split("/")[3].replace("_", " "), f"{b['memcpy_share']:.2f}"] for name, b in runs.items()
            if name.startswith("quantise/")]
    table(["elements", "share of memcpy's speed"], rows)


def entropy(runs):
    rows = []
    for bits in ("8", "4", "2"):
        ours = {way: runs[f"{way}/trained/bits:{bits}"] for way in ("encode", "decode")}
        row = [bits, f"{ours['encode']['bits_per_symbol']:.3f}"]
        for level in ("19", "3"):
            zstd = {way: runs[f"zstd_{way}/bits:{bits}/level:{level}"] for way in ("encode", "decode")}
            row.append(f"{zstd['encode']['bits_per_symbol']:.3f}")
            for way in ("encode", "decode"):
                row.append(f"{ours[way]['items_per_second'] / zstd[way]['items_per_second']:.3g}")
        rows.append(row)
    table(["bits", "bits a symbol", "zstd -19", "encode", "decode", "zstd -3", "encode", "decode"], rows)


def main(arguments):
    if len(arguments) != 2:
        raise SystemExit(__doc__)
    quantise(load(arguments[0]))
    entropy(load(arguments[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
