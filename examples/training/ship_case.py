#!/usr/bin/env python3
"""Put what run_case.py trained where examples/accuracy measures it: profile, tails, description.

    ship_case.py CONFIG --data DIR --out OUT --to examples/accuracy/cases [--demo IMAGES]

OUT is that of run_case.py. Takes the trainings of the configuration's own seed. The head is copied
as ONNX, but for the networks that come with the data: the program builds those itself. With --demo
also writes a case of the first IMAGES test images' features, which needs no other files.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

import numpy as np

import train_codec
from aecnn_training import command, data
from aecnn_training.prepared import prepare

# Backbones that examples/accuracy builds from their safetensors.
BUILT = ("mobilenet_v2_keras",)


def ship(arguments: argparse.Namespace) -> dict:
    settings = train_codec.read_settings(arguments)
    backbone, where = settings["backbone"], settings["split"]
    name, to, seed = arguments.config.stem, arguments.to, settings["training"].seed
    trained, reference = (arguments.out / f"{m}.{seed}" for m in ("aecnn", "reference"))
    to.mkdir(parents=True, exist_ok=True)

    def put(file: Path, suffix: str) -> str:
        shutil.copyfile(file, to / f"{name}{suffix}")
        return f"{name}{suffix}"

    def below_data(path: Path) -> str:
        return str(path.relative_to(arguments.data))

    test: data.DataConfig = settings["data"]
    head: dict[str, str]
    if backbone.name in BUILT:
        head = {
            "safetensors": below_data(backbone.weights_file),
            "build": backbone.name,
            "layer": where.layer,
        }
    else:
        head = {"onnx": put(trained / "head.onnx", "_head.onnx")}
    common = {"data": name.split("_")[0], "backbone": backbone.name, "split": where.layer}
    modes = [
        {"name": point.name, "mode": point.mode}
        for point in settings["point"]
        if point.mode != "default"
    ]
    coding = {
        "reference_tail": put(reference / "tail.onnx", "_reference.onnx"),
        "methods": [
            {
                "method": "aecnn",
                "profile": put(trained / "codec.aecnn", ".aecnn"),
                "tail": put(trained / "tail.onnx", "_tail.onnx"),
                **({"points": modes} if modes else {}),
            }
        ],
    }
    images = {
        "images": below_data(Path(test.test)),
        "mean": list(backbone.mean),
        "std": list(backbone.std),
        "head": head,
    }
    _write(to / f"{name}.json", {**common, **images, **coding})
    written = [f"{name}.json"]
    if arguments.demo:
        prepared = prepare(settings, settings["training"].copies, arguments.cache)
        count = arguments.demo
        np.save(to / f"{name}_demo_features.npy", prepared.test.features[0, :count])
        np.save(to / f"{name}_demo_labels.npy", prepared.test.labels[:count].numpy())
        demo = {"features": f"{name}_demo_features.npy", "labels": f"{name}_demo_labels.npy"}
        _write(to / f"{name}_demo.json", {**common, **demo, **coding})
        written.append(f"{name}_demo.json")
    return {"written": written}


def _write(file: Path, description: dict) -> None:
    file.write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    parser = command.codec_parser("Put a trained case where examples/accuracy measures it.")
    parser.add_argument("--to", type=Path, required=True, help="folder of the cases")
    parser.add_argument("--demo", type=int, default=0, help="test images of a case without data")
    return command.run(parser.parse_args(), ship)


if __name__ == "__main__":
    sys.exit(main())
