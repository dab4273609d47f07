"""Mixtures of two feature tensors: more to learn from where images are few.

A codec that is trained on a few thousand images knows them by heart long before it serves others.
The tail tells what any tensor means, also one that no image has: a mixture's target is what the
uncompressed network makes of it (Beyer et al., "Knowledge distillation: a good teacher is patient
and consistent", 2022, section 3.1), and the labels' shares (Zhang et al., "mixup", 2018; Yun et
al., "CutMix", 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Mixing:
    """The first `count` of a batch become mixtures: own share masks[i], the rest partners[i]'s.

    partners: int64 [count], rows of the batch; masks: [count,1,H,W] or [count,1,1,1], 0 to 1.
    """

    partners: Tensor
    masks: Tensor

    @property
    def count(self) -> int:
        return len(self.partners)

    def features(self, x: Tensor) -> Tensor:
        """The batch [N,C,H,W] with its first items mixed."""
        if not self.count:
            return x
        own, other = x[: self.count], x[self.partners]
        return torch.cat((other + self.masks * (own - other), x[self.count :]))

    def labels(self, labels: Tensor, classes: int) -> Tensor:
        """The share of every class, [N,classes]; labels int64 [N]."""
        shares = torch.nn.functional.one_hot(labels, classes).float()
        if not self.count:
            return shares
        part = self.masks.mean((1, 2, 3)).unsqueeze(1)
        mixed = part * shares[: self.count] + (1 - part) * shares[self.partners]
        return torch.cat((mixed, shares[self.count :]))


def draw(batch: int, share: float, extents: tuple[int, int], generator: torch.Generator) -> Mixing:
    """Mixtures in `share` of a batch (0 to below 1; one item at least stays as it is).

    Every second batch blends whole tensors, the others take a rectangle from the partner; extents:
    height and width of the tensors.
    """
    count = min(int(share * batch + 0.5), batch - 1)
    partners = torch.randperm(batch, generator=generator)[:count]
    if torch.rand((), generator=generator) < 0.5:
        return Mixing(partners, torch.rand(count, 1, 1, 1, generator=generator))
    side = (1 - torch.rand(count, generator=generator)).sqrt()
    masks = torch.ones(count, 1, *extents)
    places = torch.rand(count, 2, generator=generator)
    for mask, part, place in zip(masks, side.tolist(), places.tolist()):
        size = [int(part * extent + 0.5) for extent in extents]
        top, left = (int(p * (e - s + 1)) for p, e, s in zip(place, extents, size))
        mask[:, top : top + size[0], left : left + size[1]] = 0
    return Mixing(partners, masks)
