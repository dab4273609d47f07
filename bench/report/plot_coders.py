#!/usr/bin/env python3
"""Draws bits a symbol against encoding speed from the JSON of entropy_bench, a panel for each bit depth.

usage: plot_coders.py coders_DATA.json FOLDER

Writes FOLDER/coders_DATA.svg. Needs matplotlib.
"""
import os
import sys

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "aecnn"
matplotlib.rcParams["svg.fonttype"] = "none"
import matplotlib.pyplot as plt

from tables import load_runs

WAYS = [("encode", "encoding", "o", True), ("decode", "decoding", "o", False)]


def draw(runs, path):
    depths = list(dict.fromkeys(name.split("/")[2] for name in runs))
    names = list(dict.fromkeys(name.split("/")[1] for name in runs))
    figure, panels = plt.subplots(1, len(depths), figsize=(3.6 * len(depths), 4.0))
    for axes, depth in zip(panels, depths):
        for name in names:
            ours = name.startswith("aecnn")
            colour = "#2a6fb5" if ours else "#8a8a8a"
            size = runs[f"encode/{name}/{depth}"]["bits_per_symbol"]
            speeds = [runs[f"{way}/{name}/{depth}"]["bytes_per_second"] / 1e6 for way, *_ in WAYS]
            axes.plot(speeds, [size, size], color=colour, linewidth=0.8, alpha=0.6)
            for speed, (_, _, marker, filled) in zip(speeds, WAYS):
                axes.plot(speed, size, marker=marker, markersize=5, color=colour, fillstyle="full" if filled else "none")
            axes.annotate(name.removesuffix(" rANS 32x16 order-1"), (min(speeds), size), textcoords="offset points", xytext=(0, 4), fontsize=6.5,
                          color=colour, fontweight="bold" if ours else "normal")
        axes.set_xscale("log")
        axes.set_xlim(0.03, 3000)
        axes.set_title(depth, fontsize=9)
        axes.set_xlabel("MB of symbols a second, on one core")
        axes.grid(True, which="major", linewidth=0.4, alpha=0.6)
    panels[0].set_ylabel("bits a symbol (filled: encoding, hollow: decoding)")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def main(arguments):
    if len(arguments) != 2:
        raise SystemExit(__doc__)
    name = os.path.basename(arguments[0]).removesuffix(".json")
    draw(load_runs(arguments[0]), os.path.join(arguments[1], f"{name}.svg"))


if __name__ == "__main__":
    main(sys.argv[1:])
