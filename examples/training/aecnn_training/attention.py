"""Which channels are worth sending: channel attention trained in place, and a greedy ranking."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from .features import FeatureSet


class ChannelAttention(nn.Module):
    """Channel attention of CBAM (Woo et al., 2018, section 3.1): a weight of 0 to 1 for every
    channel from its mean and its maximum, which share one small perceptron."""

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        hidden = max(4, channels // reduction)
        self.perceptron = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels)
        )
        # A temperature below 1 keeps a short training away from the sigmoid's flat ends.
        self.temperature = 0.5

    def weights(self, features: Tensor) -> Tensor:
        """[N,C] for features [N,C,H,W]."""
        means, maxima = features.mean((2, 3)), features.amax((2, 3))
        return torch.sigmoid(
            self.temperature * (self.perceptron(means) + self.perceptron(maxima))
        )

    def forward(self, features: Tensor) -> Tensor:
        return features * self.weights(features)[:, :, None, None]


@torch.no_grad()
def mean_attention(attention: ChannelAttention, features: FeatureSet) -> np.ndarray:
    """The attention of every channel, averaged over the unaugmented features, [C]."""
    total = torch.zeros(features.shape[0], dtype=torch.float64)
    for begin in range(0, len(features), 256):
        rows = torch.arange(begin, min(begin + 256, len(features)))
        total += attention.weights(features.batch(rows)).double().sum(0)
    return (total / len(features)).numpy()


def covariance(features: FeatureSet, patch: int = 1, most: int = 4000) -> tuple[Tensor, Tensor]:
    """Mean [D] and covariance [D,D] (float64) of patches of patch x patch pixels, D = C*patch*patch
    in the order channel, row, column; extents that `patch` does not divide lose their last rows."""
    channels, height, width = features.shape
    rows = torch.linspace(0, len(features) - 1, min(most, len(features))).long()
    total = torch.zeros(channels * patch * patch, dtype=torch.float64)
    products = torch.zeros(len(total), len(total), dtype=torch.float64)
    count = 0
    for part in rows.split(200):
        x = features.batch(part)[:, :, : height // patch * patch, : width // patch * patch]
        x = nn.functional.unfold(x, patch, stride=patch).transpose(1, 2).reshape(-1, len(total))
        total += x.double().sum(0)
        products += (x.T @ x).double()
        count += len(x)
    mean = total / count
    return mean, products / count - torch.outer(mean, mean)


def rank_by_reconstruction(matrix: Tensor) -> list[int]:
    """All channels, best first: each predicts, together with those before it, most of the variance
    of all channels (relative to each channel's own), from their covariance [C,C]."""
    deviation = matrix.diagonal().clamp_min(1e-12).sqrt()
    residual = (matrix / torch.outer(deviation, deviation)).clone()
    order: list[int] = []
    left = list(range(len(matrix)))
    while left:
        own = residual.diagonal()
        gains = (residual[:, left] ** 2).sum(0) / own[left].clamp_min(1e-9)
        best = left[int(gains.argmax())]
        order.append(best)
        left.remove(best)
        column = residual[:, best].clone()
        if own[best] > 1e-9:
            residual = residual - torch.outer(column, column) / own[best]
    return order


def rank(
    method: Literal["attention", "reconstruction"],
    features: FeatureSet,
    attention: ChannelAttention | None = None,
) -> list[int]:
    """All channels, the most important first; "attention" needs the trained attention."""
    if method == "reconstruction":
        return rank_by_reconstruction(covariance(features)[1])
    assert attention is not None
    return np.argsort(-mean_attention(attention, features), kind="stable").tolist()
