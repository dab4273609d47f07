#!/usr/bin/env python3
"""Draws accuracy against bytes an image from what examples/training/run_case.py wrote.

usage: plot_accuracy.py RESULTS.json... FOLDER

Writes FOLDER/accuracy_CASE.svg for every file. Needs matplotlib. The same JSON gives the same file.
"""
import json
import os
import sys

import matplotlib.pyplot as plt

import accuracy
from plot import finish  # which also sets matplotlib up for such files

COLOURS = {"aecnn": "#2a6fb5", "calibration": "#2f8f5b", "selection": "#8a5bb5", "bottlenet++": "#b5482a", "image": "#8a8a8a"}
MARKERS = {"aecnn": "o", "calibration": "^", "selection": "D", "bottlenet++": "s", "image": "v"}


def draw(result, path):
    figure, axes = plt.subplots(figsize=(6.4, 4.2))
    for method in accuracy.METHODS:
        points = sorted((bytes_, top1) for _, bytes_, top1, *_ in accuracy.means(result, method))
        if not points:
            continue
        axes.plot(*zip(*points), marker=MARKERS[method], markersize=4.5, linewidth=1.3, color=COLOURS[method], label=accuracy.METHODS[method])
        for row in accuracy.rows(result, method):
            axes.plot(row["bytes"], 100 * row["top1"], marker=".", markersize=3, color=COLOURS[method], alpha=0.5)
    reference = accuracy.reference(result)
    if reference is not None:
        axes.axhline(reference, color="#444444", linewidth=0.8, linestyle="--", label="uncompressed features, tail fine-tuned")
    axes.set_xscale("log")
    axes.set_xticks(list(result["points"].values()), [f"{size:g}" for size in result["points"].values()])
    axes.minorticks_off()
    axes.set_xlabel("bytes an image")
    axes.set_ylabel("top-1 on the test images, %")
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    finish(figure, axes, path)


def main(arguments):
    if len(arguments) < 2:
        raise SystemExit(__doc__)
    for name in arguments[:-1]:
        with open(name, encoding="utf-8") as file:
            result = json.load(file)
        draw(result, os.path.join(arguments[-1], f"accuracy_{result['case']}.svg"))


if __name__ == "__main__":
    main(sys.argv[1:])
