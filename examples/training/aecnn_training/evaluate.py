"""Top-1 accuracy of a network on an image set."""

from __future__ import annotations

from typing import Callable, Sequence

import torch
from torch import Tensor

from . import data


@torch.no_grad()
def top1(
    network: Callable[[Tensor], Tensor],
    images: data.ImageSet,
    mean: Sequence[float],
    std: Sequence[float],
    device: torch.device,
    batch_size: int = 250,
) -> float:
    """Share of images whose largest logit is their label's, 0 to 1; the network is used as it
    is."""
    right = 0
    for begin in range(0, len(images), batch_size):
        part = images.part(begin, min(begin + batch_size, len(images)))
        logits = network(data.normalise(part.images.to(device), mean, std))
        right += int((logits.argmax(1) == part.labels.to(device)).sum())
    return right / len(images)
