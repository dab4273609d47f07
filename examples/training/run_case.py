#!/usr/bin/env python3
"""Train everything that is compared for one configuration: the library's method and the reference
with several seeds, the rivals with one.

    run_case.py CONFIG --program AECNN [--data DIR] [--out DIR] [--seeds N] [--methods aecnn,image]

Each training has a folder in OUT; run again after an interruption it continues. Writes
OUT/results.json: accuracy and bytes on the test images, of every method and operating point.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

import train_codec
import train_images
from aecnn_training import command

METHODS = (*train_codec.METHODS, "image")


def run(arguments: argparse.Namespace) -> dict:
    settings = train_codec.read_settings(arguments)
    first = settings["training"].seed
    rows: list[dict] = []
    for method in train_codec.METHODS:
        if method not in arguments.methods:
            continue
        several = method in ("aecnn", "reference")
        for seed in range(first, first + (arguments.seeds if several else 1)):
            training = dataclasses.replace(settings["training"], seed=seed)
            out = arguments.out / f"{method}.{seed}"
            if (out / "codec.json").exists():
                result = json.loads((out / "codec.json").read_text(encoding="utf-8"))
            else:
                print(f"{method}, seed {seed}", file=sys.stderr)
                result = train_codec.train({**settings, "training": training}, method, out, arguments)
            rows += _rows(method, seed, result)
    if "image" in arguments.methods:
        rows += _image_rows(settings, arguments)
    return _write(settings, rows, arguments)


def _image_rows(settings: dict, arguments: argparse.Namespace) -> list[dict]:
    out = arguments.out / "image"
    if (out / "images.json").exists():
        sent = json.loads((out / "images.json").read_text(encoding="utf-8"))
    else:
        sent = train_images.run(settings, out, arguments.cache, command.library(arguments))
    return [{"method": "image", "seed": settings["training"].seed, **entry} for entry in sent]


def _rows(method: str, seed: int, result: dict) -> list[dict]:
    rows = []
    for point, figures in result["test"].items():
        row = {"method": method, "seed": seed, "point": point, **figures}
        if (library := result.get("library", {}).get(point)) is not None:
            # What the library does is what counts; what PyTorch does stands beside it.
            row |= {f"pytorch_{key}": value for key, value in figures.items()}
            row |= library["test"]
            row["equal_symbols"] = library["trained_step"]["symbols"]
        if "seconds" in result.get("validation", {}):
            row["minutes"] = result["validation"]["seconds"] / 60
        rows.append(row)
    return rows


def _write(settings: dict, rows: list[dict], arguments: argparse.Namespace) -> dict:
    training = settings["training"]
    result = {
        "case": arguments.config.stem,
        "split": settings["split"].layer,
        "steps": training.decoder_steps + training.fine_tune_steps,
        "batch_size": training.batch_size,
        "points": {point.name: point.bytes for point in settings["point"]},
        "rows": rows,
    }
    file = arguments.out / "results.json"
    file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def main() -> int:
    parser = command.codec_parser("Train everything that is compared for one configuration.")
    parser.add_argument("--seeds", type=int, default=3, help="of method aecnn and the reference (3)")
    parser.add_argument("--methods", default=",".join(METHODS), help="which, separated by commas")

    def program(arguments: argparse.Namespace) -> dict:
        arguments.methods = arguments.methods.split(",")
        for method in arguments.methods:
            if method not in METHODS:
                raise ValueError(f"--methods: '{method}', expected {', '.join(METHODS)}")
        return run(arguments)

    return command.run(parser.parse_args(), program)


if __name__ == "__main__":
    sys.exit(main())
