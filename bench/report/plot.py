#!/usr/bin/env python3
"""Draws squared error against bytes from the CSV of bench_rate_distortion.

usage: plot.py FILE.csv... FOLDER

Writes FOLDER/rate_distortion_DATA.svg for every file. Needs matplotlib. The same CSV gives the same file.
"""
import os
import sys

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "aecnn"
matplotlib.rcParams["svg.fonttype"] = "none"
import matplotlib.pyplot as plt

from measurements import load, select

CODECS = [
    ("zstd", "min-max quantisation + zstd -19", "#b5482a", "s"),
    ("select", "aecnn, selected channels", "#2a6fb5", "o"),
    ("klt", "aecnn, block transform", "#2f8f5b", "^"),
]


def finish(figure, axes, path):
    """Writes a figure of one panel; the same figure gives the same file."""
    axes.grid(True, which="major", linewidth=0.4, alpha=0.6)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def draw(rows, path):
    figure, axes = plt.subplots(figsize=(6.4, 4.2))
    for codec, label, colour, marker in CODECS:
        points = sorted((r["bytes"], r["mse"]) for r in select(rows, codec=codec))
        axes.plot(*zip(*points), marker=marker, markersize=4.5, linewidth=1.3, color=colour, label=label)
    for r in select(rows, part="equal", codec="zstd"):
        axes.annotate(r["rate"], (r["bytes"], r["mse"]), textcoords="offset points", xytext=(6, 4), fontsize=8)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.margins(x=0.09)
    axes.set_xlabel("bytes a tensor")
    axes.set_ylabel("mean squared error")
    axes.legend(frameon=False, fontsize=9)
    finish(figure, axes, path)


def main(arguments):
    if len(arguments) < 2:
        raise SystemExit(__doc__)
    for name in arguments[:-1]:
        rows = load(name)
        draw(rows, os.path.join(arguments[-1], f"rate_distortion_{rows[0]['data']}.svg"))


if __name__ == "__main__":
    main(sys.argv[1:])
