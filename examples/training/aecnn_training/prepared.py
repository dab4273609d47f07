"""What every codec training starts from: a split backbone and the features of all images."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Literal

import torch
from torch import Tensor, fx

from . import backbones, data, export, features, split
from .features import FeatureSet


@dataclass(frozen=True)
class SplitConfig:
    """The section [split]: after which layer, and which channels may be sent.

    select: "attention" or "reconstruction" (a greedy ranking); channels: how many, 0 for all.
    """

    layer: str
    select: Literal["attention", "reconstruction"] = "attention"
    channels: int = 0


@dataclass(frozen=True)
class Prepared:
    """Head and tail (batch normalisation folded), the images and the features of the three parts;
    the training part's has augmented copies. key: what features of this split depend on; run_head:
    computes them."""

    key: dict
    backbone: backbones.Backbone
    head: fx.GraphModule
    run_head: Callable[[Tensor], Tensor]
    tail: fx.GraphModule
    images: data.Parts
    train: FeatureSet
    validation: FeatureSet
    test: FeatureSet


def prepare(
    settings: dict, copies: int, cache: Path, program: export.Program | None = None
) -> Prepared:
    """Loads and splits the backbone of [data], [backbone] and [split]; features are kept in the
    folder `cache`, and computed by the library where its program is given."""
    where: SplitConfig = settings["split"]
    parts = data.load_parts(settings["data"], settings["backbone"].image_size)
    backbone = backbones.load(settings["backbone"], parts.train.classes)
    example = torch.zeros(1, 3, backbone.image_size, backbone.image_size)
    head, tail = split.split(backbone.model, where.layer, example)
    head, tail = split.fold_batch_norm(head), split.fold_batch_norm(tail)
    run_head: Callable[[Tensor], Tensor] = head
    if program is not None:
        run_head = export.LibraryNetwork(program, head, example)
    for part in (head, tail):
        part.eval().to(memory_format=torch.channels_last)
    key = {
        name: dataclasses.asdict(settings[name]) for name in ("data", "backbone")
    } | {"layer": where.layer}
    key = json.loads(json.dumps(key, default=str))
    computed = {}
    for name in ("train", "validation", "test"):
        augmented = name == "train"
        computed[name] = features.compute(
            run_head,
            getattr(parts, name),
            backbone.mean,
            backbone.std,
            cache / f"{where.layer}.{name}.npy",
            key=key,
            augmentation=settings["data"].augmentation if augmented else "none",
            copies=copies if augmented else 1,
        )
    return Prepared(key, backbone, head, run_head, tail, parts, **computed)
