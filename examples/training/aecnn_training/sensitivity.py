"""Where in the space of features errors hurt: the metric in which a linear codec should be best."""

from __future__ import annotations

from typing import Mapping, Sequence

import torch
from torch import Tensor, fx, nn

from .bottleneck import Scale
from .features import FeatureSet
from .split import tail_with_features


def sensitivity(
    tail: fx.GraphModule,
    features: FeatureSet,
    scale: Scale,
    patches: Sequence[int],
    most: int = 384,
    draws: int = 3,
) -> Mapping[int, Tensor]:
    """For each patch side r the matrix E[g g^T], [D,D] with D = C*r*r (order channel, row, column;
    float64, mean diagonal 1), of gradients g of random projections of the tail's last features.

    That is the Gauss-Newton matrix J^T J of the squared error of these features (relative to their
    variance), averaged over patches: an error e of standardised features costs about e^T (E[g g^T]) e.
    A share of the identity is added, since `most` images say little about rare directions.
    """
    network = tail_with_features(tail).eval()
    wanted = [p.requires_grad for p in network.parameters()]
    network.requires_grad_(False)
    sums = {r: torch.zeros(0) for r in patches}
    rows = torch.linspace(0, len(features) - 1, min(most, len(features))).long()
    for part in rows.split(32):
        x = scale.standardise(features.batch(part)).requires_grad_(True)
        last = network(scale.restore(x))[1]
        deviation = last.detach().std((0, 2, 3), keepdim=True) + 0.1 * last.detach().std()
        for draw in range(draws):
            projection = (last / deviation * torch.randn_like(last)).sum()
            (gradient,) = torch.autograd.grad(projection, x, retain_graph=draw + 1 < draws)
            for r in patches:
                vectors = _patches(gradient, r)
                product = vectors.T @ vectors
                sums[r] = product if sums[r].numel() == 0 else sums[r] + product
    for parameter, value in zip(network.parameters(), wanted):
        parameter.requires_grad_(value)
    return {r: _regularised(total) for r, total in sums.items()}


def _patches(x: Tensor, side: int) -> Tensor:
    height, width = (extent // side * side for extent in x.shape[2:])
    columns = nn.functional.unfold(x[:, :, :height, :width], side, stride=side)
    return columns.transpose(1, 2).reshape(-1, x.shape[1] * side * side).double()


def _regularised(matrix: Tensor, share: float = 0.05) -> Tensor:
    matrix = matrix / matrix.diagonal().mean()
    return (matrix + share * torch.eye(len(matrix), dtype=matrix.dtype)) / (1 + share)
