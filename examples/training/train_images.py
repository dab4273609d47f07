#!/usr/bin/env python3
"""The rival without a split: how accurate the network is on images sent as JPEG or WebP.

    train_images.py CONFIG [--data DIR] [--out DIR] [--cache DIR] [--seed S] [--threads T]

For the size of every operating point of the configuration, the format, image size and quality that
are best on the validation part are searched; then the network behind the split layer is fine-tuned on
such images, with the steps and losses that the codec's tail gets. Writes OUT/images.json.
Run again after an interruption it continues.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

import torch
from torch import nn

from aecnn_training import bottleneck, command, data, export, features, images, procedure
from aecnn_training.features import FeatureSet
from aecnn_training.prepared import Prepared, prepare
from train_codec import PointConfig, read_settings


def search(prepared: Prepared, settings: images.ImagesConfig, largest: float, file: Path) -> list:
    """(coding, mean bytes, top-1) on the validation part of everything that takes at most twice
    `largest` bytes; what was measured is kept in `file`."""
    tried = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    known = {tuple(entry[0]) for entry in tried}
    for coding in images.codings(settings, prepared.backbone.image_size):
        if dataclasses.astuple(coding) in known:
            continue
        sample, size = images.send(prepared.images.validation.images[:40], coding)
        top1 = 0.0
        if size <= 2 * largest:
            top1, size = _accuracy(prepared, prepared.images.validation, coding)
        tried.append((dataclasses.astuple(coding), size, top1))
        file.write_text(json.dumps(tried), encoding="utf-8")
        print(f"{coding}: {size:.0f} bytes, top-1 {top1:.4f}", file=sys.stderr)
    return [(images.Coding(*entry[0]), entry[1], entry[2]) for entry in tried]


@torch.no_grad()
def _accuracy(prepared: Prepared, part: data.ImageSet, coding: images.Coding) -> tuple[float, float]:
    right, total = 0, 0.0
    backbone = prepared.backbone
    for begin in range(0, len(part), 100):
        batch = part.part(begin, min(begin + 100, len(part)))
        received, size = images.send(batch.images, coding)
        logits = prepared.tail(
            prepared.run_head(data.normalise(received, backbone.mean, backbone.std))
        )
        right += int((logits.argmax(1) == batch.labels).sum())
        total += size * len(batch)
    return right / len(part), total / len(part)


def adapt(
    prepared: Prepared,
    coding: images.Coding,
    settings: dict,
    cache: Path,
    folder: Path,
) -> dict[str, float]:
    """Fine-tunes the tail on images coded so; top-1 (0 to 1) and mean bytes of the test part."""
    training: procedure.TrainingConfig = settings["training"]
    stem = f"{settings['split'].layer}.{coding.format}.{coding.size}.{coding.quality}"
    computed: dict[str, FeatureSet] = {}
    for name in ("train", "validation", "test"):
        computed[name] = features.compute(
            prepared.run_head,
            getattr(prepared.images, name),
            prepared.backbone.mean,
            prepared.backbone.std,
            cache / f"{stem}.{name}.npy",
            key={**prepared.key, "coding": list(dataclasses.astuple(coding))},
            augmentation=settings["data"].augmentation if name == "train" else "none",
            copies=training.copies if name == "train" else 1,
            transmit=lambda batch: images.send(batch, coding)[0],
        )
    _, size = images.send(prepared.images.test.images, coding)
    case = procedure.Case(
        nn.ModuleDict({"image": bottleneck.Identity()}),
        ["image"],
        prepared.tail,
        procedure.RateControl({"image": float("inf")}),
        prepared.train,
        computed["validation"],
        computed["train"],
    )
    procedure.Training(case, training, folder).fine_tune()
    top1, _ = procedure.validate(case.points["image"], case.tail, computed["test"])
    return {"top1": top1, "bytes": size}


def run(
    settings: dict, out: Path, cache: Path, aecnn: export.Program | None = None
) -> list[dict]:
    out.mkdir(parents=True, exist_ok=True)
    prepared = prepare(settings, settings["training"].copies, cache, aecnn)
    points: list[PointConfig] = settings["point"]
    tried = search(prepared, settings["images"], max(p.bytes for p in points), out / "search.json")
    start = {key: value.clone() for key, value in prepared.tail.state_dict().items()}
    results = []
    for point in points:
        best = images.best_under(tried, point.bytes)
        if best is None:
            smallest = min(size for _, size, _ in tried)
            results.append({"point": point.name, "smallest_bytes": smallest})
            continue
        coding, _, before = best
        prepared.tail.load_state_dict(start)
        measured = adapt(prepared, coding, settings, cache, out / point.name)
        results.append(
            {
                "point": point.name,
                **dataclasses.asdict(coding),
                "validation_top1_before": before,
                **measured,
            }
        )
        (out / "images.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return results


def main() -> int:
    parser = command.codec_parser("Accuracy on images sent as JPEG or WebP.")

    def program(arguments: argparse.Namespace) -> list[dict]:
        settings = read_settings(arguments)
        return run(settings, arguments.out, arguments.cache, command.library(arguments))

    return command.run(parser.parse_args(), program)


if __name__ == "__main__":
    sys.exit(main())
