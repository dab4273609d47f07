#!/usr/bin/env python3
"""Train a backbone from scratch (or from given weights) as the network that is split later.

    train_backbone.py CONFIG [--data DIR] [--out DIR] [--epochs E] [--threads T]

Validation accuracy is logged while it trains; the test images are used once, at the end. Writes
OUT/backbone.safetensors (float32, batch normalisation kept) and OUT/backbone.json (the figures).
Run again after an interruption it continues from the last checkpoint.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as functional

from aecnn_training import backbones, command, config, data, evaluate, loop


@dataclass(frozen=True)
class TrainingConfig:
    """The section [training]."""

    epochs: int = 28
    batch_size: int = 128
    learning_rate: float = 0.1
    warmup_epochs: float = 1.0
    weight_decay: float = 5e-4
    label_smoothing: float = 0.0
    average: float = 0.0
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    seed: int = 1

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ValueError(f"epochs: expected at least 1, found {self.epochs}")
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(
                f"label_smoothing: expected 0 to below 1, found {self.label_smoothing}"
            )


def train(settings: dict, epochs: int, out: Path, device: torch.device) -> dict[str, float | int]:
    """Train the network of a configuration and write it; returns the figures of backbone.json."""
    training: TrainingConfig = settings["training"]
    torch.manual_seed(training.seed)
    parts = data.load_parts(settings["data"], settings["backbone"].image_size)
    backbone = backbones.load(settings["backbone"], parts.train.classes)
    model = backbone.model.to(device).to(memory_format=torch.channels_last)
    train_set, augment = parts.train.to(device), data.AUGMENTATIONS[settings["data"].augmentation]
    generator = torch.Generator().manual_seed(training.seed)
    batches = data.Batches(len(train_set), training.batch_size, training.seed)

    def step(number: int) -> dict[str, torch.Tensor]:
        rows = batches.rows(number).to(device)
        images = augment(train_set.images[rows], generator)
        with loop.compute_precision(device, training.precision):
            logits = model(data.normalise(images, backbone.mean, backbone.std))
        loss = functional.cross_entropy(
            logits.float(), train_set.labels[rows], label_smoothing=training.label_smoothing
        )
        return {"loss": loss}

    def accuracy(images: data.ImageSet) -> float:
        model.eval()
        result = evaluate.top1(model, images, backbone.mean, backbone.std, device)
        model.train()
        return result

    steps = epochs * batches.steps_per_epoch
    options = loop.FitOptions(
        steps=steps,
        optimizer="sgd",
        warmup_steps=min(steps, round(training.warmup_epochs * batches.steps_per_epoch)),
        average=training.average,
        evaluate_every=batches.steps_per_epoch,
        checkpoint_every=100,
        log_every=50,
    )
    model.train()
    figures = loop.fit(
        "backbone",
        {"model": model},
        loop.decayed_groups([model], training.learning_rate, training.weight_decay),
        step,
        options,
        folder=out,
        generator=generator,
        evaluate=lambda: {"validation": accuracy(parts.validation)},
    )
    result = {
        "network": settings["backbone"].name,
        "classes": backbone.classes,
        "epochs": epochs,
        "seed": training.seed,
        "validation_top1": figures["validation"],
        "test_top1": accuracy(parts.test),
        "train_images": len(parts.train),
        "test_images": len(parts.test),
        "seconds": round(figures["seconds"]),
    }
    weights = {
        key: value
        for key, value in model.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    backbones.save_safetensors(
        out / "backbone.safetensors",
        weights,
        metadata={key: str(value) for key, value in result.items()},
    )
    (out / "backbone.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def main() -> int:
    parser = command.parser("Train a backbone.")
    parser.add_argument("--epochs", type=int, help="instead of the configuration's")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")

    def program(arguments: argparse.Namespace) -> dict[str, float | int]:
        settings = config.read(
            arguments.config,
            {
                "data": data.DataConfig,
                "backbone": backbones.BackboneConfig,
                "training": TrainingConfig,
            },
            arguments.data,
        )
        epochs = arguments.epochs or settings["training"].epochs
        return train(settings, epochs, arguments.out, torch.device(arguments.device))

    return command.run(parser.parse_args(), program)


if __name__ == "__main__":
    sys.exit(main())
