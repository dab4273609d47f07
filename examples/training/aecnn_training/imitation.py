"""A light copy of a part of the tail: some of its modules, narrower, that learn what all of them give.

The device runs the copy before the linear analysis. Between a split and the layers that know most of
what is in an image there may be more modules than a device has time for; residual ones among them
change their input little, and are left out.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Iterator, Sequence

import torch
from torch import Tensor, fx, nn

from . import data, loop, mixing, split
from .features import FeatureSet


def light_copy(tail: fx.GraphModule, layers: Sequence[str], width: float) -> nn.Module:
    """Copies of these modules of the tail, one after the other, those between them left out.

    width: share of the channels between a module's first and last convolution that are kept, those
    of the largest weights.
    """
    modules = []
    for layer in layers:
        part = copy.deepcopy(split.module_of(tail, layer))
        if width < 1:
            narrow(part, width)
        modules.append(part)
    return modules[0] if len(modules) == 1 else nn.Sequential(*modules)


def imitate(
    copied: nn.Module,
    wanted: nn.Module,
    features: FeatureSet,
    steps: int,
    seed: int,
    folder: Path,
    learning_rate: float = 1e-3,
    batch_size: int = 48,
) -> None:
    """Trains `copied` to give what `wanted` gives, also of mixtures (mixing.py)."""
    generator = torch.Generator().manual_seed(seed)
    batches = data.Batches(len(features), batch_size, seed)
    wanted.requires_grad_(False)
    with torch.no_grad():
        deviation = wanted(features.batch(torch.arange(min(128, len(features))))).std((0, 2, 3))

    def step(number: int) -> dict[str, Tensor]:
        rows = batches.rows(number)
        copies = torch.randint(features.copies, (len(rows),), generator=generator)
        mixture = mixing.draw(len(rows), 0.5, features.shape[1:], generator)
        x = mixture.features(features.batch(rows, copies))
        with loop.compute_precision(x.device, "bfloat16"):
            target, found = wanted(x), copied(x)
        errors = (found.float() - target.float()) / deviation.reshape(-1, 1, 1)
        return {"loss": errors.square().mean()}

    loop.fit(
        "imitation",
        {"copy": copied},
        loop.decayed_groups([copied], learning_rate, 1e-4),
        step,
        loop.FitOptions(steps=steps, warmup_steps=min(50, steps), average=0.99),
        folder=folder,
        generator=generator,
    )
    wanted.requires_grad_(True)


@torch.no_grad()
def narrow(module: fx.GraphModule, share: float) -> None:
    """Drops channels of every depthwise convolution between two others, in the two too."""
    nodes = [node for node in module.graph.nodes if _is_convolution(module, node)]
    for first, middle, last in zip(nodes, nodes[1:], nodes[2:]):
        weights = [_weight(module, node) for node in (first, middle, last)]
        channels = len(weights[1])
        if weights[1].shape[1] != 1 or weights[0].shape[0] != channels:
            continue
        if weights[2].shape[1] != channels:
            continue
        sizes = weights[2].flatten(2).norm(dim=(0, 2))
        kept = sizes.argsort(descending=True)[: max(1, round(share * channels))].sort().values
        for node in (first, middle):
            _keep(module, node, kept, 0)
        _keep(module, last, kept, 1)
        _set_groups(module, middle, len(kept))
    module.recompile()


def _is_convolution(module: fx.GraphModule, node: fx.Node) -> bool:
    if node.op == "call_module":
        return isinstance(module.get_submodule(node.target), nn.Conv2d)
    return node.target in (torch.conv2d, nn.functional.conv2d)


def _parameters(module: fx.GraphModule, node: fx.Node) -> Iterator[tuple[nn.Module, str]]:
    """Weight and bias: the modules that have them and their names there."""
    if node.op == "call_module":
        yield from ((module.get_submodule(node.target), name) for name in ("weight", "bias"))
        return
    for argument in node.args[1:3]:
        parent, _, name = argument.target.rpartition(".")
        yield module.get_submodule(parent), name


def _weight(module: fx.GraphModule, node: fx.Node) -> Tensor:
    return getattr(*next(_parameters(module, node)))


def _keep(module: fx.GraphModule, node: fx.Node, kept: Tensor, axis: int) -> None:
    for parent, name in _parameters(module, node):
        value = getattr(parent, name)
        if value is not None and axis < value.dim():
            setattr(parent, name, nn.Parameter(value.index_select(axis, kept)))


def _set_groups(module: fx.GraphModule, node: fx.Node, groups: int) -> None:
    if node.op == "call_module":
        conv = module.get_submodule(node.target)
        conv.groups = conv.in_channels = conv.out_channels = groups
    elif len(node.args) > 6:
        node.args = (*node.args[:6], groups)
    else:
        node.kwargs = {**node.kwargs, "groups": groups}
