"""How many bits symbols take: a differentiable model of what the library's entropy coder does.

The coder's models adapt to the magnitudes of the neighbours on the left and above (docs/bitstream.md,
context models). Here the same neighbours set the scale of a distribution per latent; its logarithm
is smooth in the latents, so that a rate term can be minimised (Balle, Laparra, Simoncelli, "End-to-end
optimized image compression", 2017: uniform noise stands for rounding).
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn


class RateModel(nn.Module):
    """Code length of latents [N,L,h,w] in steps of 1: for each latent a mixture of two logistic
    distributions whose scale follows the neighbours' magnitudes."""

    def __init__(self, latents: int) -> None:
        super().__init__()
        shape = (latents, 1, 1)
        self.mean = nn.Parameter(torch.zeros(shape))
        self.log_scale = nn.Parameter(torch.full(shape, -1.0))
        self.slope = nn.Parameter(torch.full(shape, 0.3))
        self.widening = nn.Parameter(torch.full(shape, 1.0))
        self.share = nn.Parameter(torch.full(shape, -1.5))

    @torch.no_grad()
    def start(self, latents: Tensor) -> None:
        """Set scales near those of sample latents."""
        size = latents.abs().mean((0, 2, 3)).clamp_min(0.03)
        self.log_scale.copy_(torch.log(size / 1.4).reshape(-1, 1, 1))

    def forward(self, latents: Tensor) -> Tensor:
        """Bits of every item, [N]; `latents` are rounded, or carry noise of -0.5 to 0.5 instead."""
        size = latents.abs()
        left = functional.pad(size[..., :-1], (1, 0))
        above = functional.pad(size[..., :-1, :], (0, 0, 1, 0))
        narrow = self.log_scale + self.slope * torch.log1p(left + above)
        wide = narrow + functional.softplus(self.widening)
        share = torch.sigmoid(self.share)
        distance = (latents - self.mean).abs()
        likelihood = (1 - share) * _interval(distance, narrow) + share * _interval(distance, wide)
        return -torch.log2(likelihood.clamp_min(1e-9)).sum((1, 2, 3))


def _interval(distance: Tensor, log_scale: Tensor) -> Tensor:
    """Probability of the interval of width 1 around a value at this distance from the centre."""
    factor = torch.exp(-log_scale.clamp(-5.0, 8.0))
    # Of the two tails the smaller one is subtracted from: no cancellation far from the centre.
    return torch.sigmoid((0.5 - distance) * factor) - torch.sigmoid((-0.5 - distance) * factor)
