#!/usr/bin/env python3
"""Draws bits a symbol against the size of a tensor, cold and trained, from the JSON of bench_entropy_priors.

usage: plot_priors.py priors_DATA.json FOLDER

Writes FOLDER/priors_DATA.svg. Needs matplotlib. The same JSON gives the same file.
"""
import os
import sys

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "aecnn"
matplotlib.rcParams["svg.fonttype"] = "none"
import matplotlib.pyplot as plt

from tables import load_json

LINES = [("default_cold", "default, cold", "#b5482a", "--"), ("default_trained", "default, trained", "#b5482a", "-"),
         ("max_cold", "max, cold", "#2a6fb5", "--"), ("max_trained", "max, trained", "#2a6fb5", "-")]


def draw(rows, path):
    depths = list(dict.fromkeys(r["bits"] for r in rows))
    figure, panels = plt.subplots(1, len(depths), figsize=(3.0 * len(depths), 3.4))
    for axes, bits in zip(panels, depths):
        points = [r for r in rows if r["bits"] == bits]
        for key, label, colour, style in LINES:
            axes.plot([r["symbols"] for r in points], [r[key] for r in points], style, color=colour, marker="o", markersize=3,
                      linewidth=1.2, label=label)
        axes.set_xscale("log", base=2)
        axes.set_title(f"{bits} bit", fontsize=9)
        axes.set_xlabel("symbols of a tensor")
        axes.grid(True, which="major", linewidth=0.4, alpha=0.6)
    panels[0].set_ylabel("bits a symbol")
    panels[-1].legend(frameon=False, fontsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def main(arguments):
    if len(arguments) != 2:
        raise SystemExit(__doc__)
    name = os.path.basename(arguments[0]).removesuffix(".json")
    draw(load_json(arguments[0]), os.path.join(arguments[1], f"{name}.svg"))


if __name__ == "__main__":
    main(sys.argv[1:])
