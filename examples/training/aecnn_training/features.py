"""Feature tensors of augmented copies of an image set, computed once and kept in a file.

The head is frozen while a codec is trained, so what it makes of the images is needed many times.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from . import data


@dataclass(frozen=True)
class FeatureSet:
    """float16 features [copies,N,C,H,W] (copy 0 is not augmented) and labels int64 [N]."""

    features: np.ndarray
    labels: Tensor

    @property
    def copies(self) -> int:
        return self.features.shape[0]

    @property
    def shape(self) -> tuple[int, int, int]:
        """C, H, W of one feature tensor."""
        return tuple(self.features.shape[2:])

    def __len__(self) -> int:
        return self.features.shape[1]

    def batch(self, rows: Tensor, copies: Tensor | int = 0) -> Tensor:
        """float32 features [len(rows),C,H,W] of these images, each from the copy given for it."""
        chosen = copies.numpy() if isinstance(copies, Tensor) else copies
        return torch.from_numpy(self.features[chosen, rows.numpy()].astype(np.float32))


@torch.no_grad()
def through(layers: Callable[[Tensor], Tensor], features: FeatureSet, copies: int) -> FeatureSet:
    """What layers make of the first `copies` copies of the features, in memory."""
    made = [
        torch.cat(
            [layers(features.batch(rows, copy)).half() for rows in torch.arange(len(features)).split(128)]
        )
        for copy in range(min(copies, features.copies))
    ]
    return FeatureSet(torch.stack(made).numpy(), features.labels)


@torch.no_grad()
def compute(
    head: Callable[[Tensor], Tensor],
    images: data.ImageSet,
    mean: Sequence[float],
    std: Sequence[float],
    file: Path,
    *,
    key: dict,
    augmentation: str = "none",
    copies: int = 1,
    seed: int = 0,
    transmit: Callable[[Tensor], Tensor] | None = None,
    device: torch.device = torch.device("cpu"),
    batch_size: int = 128,
) -> FeatureSet:
    """The head's features of `copies` copies of the images, from `file` if it holds them already.

    key: what the features depend on beside the arguments here (backbone, weights, layer); features
    that were made with another key, or whose computation was interrupted, are made anew.
    transmit: what happens to augmented images u8 [N,3,H,W] before the head sees them.
    """
    description = {
        **key,
        "images": len(images),
        "augmentation": augmentation,
        "copies": copies,
        "seed": seed,
    }
    note = file.with_suffix(".json")
    if note.exists() and json.loads(note.read_text(encoding="utf-8")) == description:
        return FeatureSet(np.load(file, mmap_mode="r"), images.labels)
    file.parent.mkdir(parents=True, exist_ok=True)
    note.unlink(missing_ok=True)
    generator = torch.Generator().manual_seed(seed)
    array: np.ndarray | None = None
    for copy in range(copies):
        augment = data.AUGMENTATIONS[augmentation if copy else "none"]
        for begin in range(0, len(images), batch_size):
            part = images.images[begin : begin + batch_size].to(device)
            part = augment(part, generator)
            received = transmit(part) if transmit else part
            values = head(data.normalise(received, mean, std)).float().cpu()
            if array is None:
                shape = (copies, len(images), *values.shape[1:])
                array = np.lib.format.open_memmap(file, "w+", np.float16, shape)
            array[copy, begin : begin + len(part)] = values.numpy()
    assert array is not None
    array.flush()
    temporary = note.with_suffix(".tmp")
    temporary.write_text(json.dumps(description), encoding="utf-8")
    os.replace(temporary, note)
    return FeatureSet(array, images.labels)
