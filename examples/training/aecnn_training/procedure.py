"""The step-by-step training of a codec between a frozen head and a tail.

1. attention: channel attention in place, head and tail frozen (task loss, and a term for sparsity);
2. decoder: analysis and decoder networks, head and tail frozen;
3. fine_tune: the same and the tail, at a smaller rate.

All operating points are trained together, a batch each in turn, so that one tail serves all.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Mapping

import torch
import torch.nn.functional as functional
from torch import Tensor, fx, nn

from . import data, export, loop, mixing
from .attention import ChannelAttention
from .bottleneck import Transmission
from .features import FeatureSet
from .split import tail_with_features


@dataclass(frozen=True)
class TrainingConfig:
    """The section [training].

    attention_steps, decoder_steps, fine_tune_steps: optimiser steps of the three parts;
    imitation_steps: of a light copy of tail layers, where an operating point has one.
    learning_rate: of analysis and decoder; tail_rate: of the tail while it is fine-tuned,
    and of the copies of its layers in the analysis.
    feature_weight: of the squared error of the rebuilt features, relative to their variance;
    tail_feature_weight: of that of the tail's last features, averaged over their positions, against
    the uncompressed network's;
    distillation_weight, temperature: of the divergence of the softened scores from that network's;
    label_weight, label_smoothing: of the cross-entropy with the labels.
    average: decay of the moving average of all weights that is used in the end; 0 for none.
    mixed: share of every batch that becomes mixtures of two feature tensors (mixing.py).
    copies: augmented copies of the training images.
    tail_weights: how those of the tail are stored; where it is "int8", `settle_steps` follow in which
    codec and biases make up for the rounding.
    """

    attention_steps: int = 150
    decoder_steps: int = 300
    fine_tune_steps: int = 2000
    imitation_steps: int = 1000
    batch_size: int = 32
    learning_rate: float = 2e-3
    tail_rate: float = 1e-4
    weight_decay: float = 1e-4
    feature_weight: float = 1.0
    tail_feature_weight: float = 2.0
    distillation_weight: float = 2.0
    temperature: float = 2.0
    label_weight: float = 0.5
    label_smoothing: float = 0.05
    sparsity_weight: float = 0.3
    average: float = 0.998
    mixed: float = 0.5
    copies: int = 8
    tail_weights: Literal["float16", "int8"] = "float16"
    settle_steps: int = 300
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("attention_steps", "decoder_steps", "fine_tune_steps", "settle_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, found {getattr(self, name)}")
        if not 0 <= self.mixed < 1:
            raise ValueError(f"mixed: expected 0 to below 1, found {self.mixed}")
        if self.copies < 1:
            raise ValueError(f"copies: expected at least 1, found {self.copies}")


class RateControl(nn.Module):
    """The price of a bit for every operating point, steered so that rounded symbols take what is
    wanted."""

    def __init__(self, wanted: Mapping[str, float]) -> None:
        """wanted: mean bits of an item for every operating point; infinite: no price."""
        super().__init__()
        self.names = list(wanted)
        # 0 stands for no price: buffers are averaged, and the mean of infinities is none.
        sizes = [0.0 if math.isinf(wanted[name]) else wanted[name] for name in self.names]
        self.register_buffer("wanted", torch.tensor(sizes))
        self.register_buffer("log_price", torch.full((len(self.names),), math.log(1e-3)))

    @torch.no_grad()
    def want(self, name: str, bits: float) -> None:
        self.wanted[self.names.index(name)] = bits

    def price(self, name: str) -> Tensor:
        """Loss for a bit an item; relative to the wanted number of bits, so that one size fits all."""
        i = self.names.index(name)
        if not float(self.wanted[i]) > 0:
            return self.wanted.new_zeros(())
        return self.log_price[i].exp() * 1000 / self.wanted[i]

    @torch.no_grad()
    def observe(self, name: str, bits: Tensor) -> None:
        """Bits of a batch's rounded symbols, [N]."""
        i = self.names.index(name)
        if not float(self.wanted[i]) > 0:
            return
        excess = torch.log(bits.mean().clamp_min(1.0) / self.wanted[i]).clamp(-1.0, 1.0)
        self.log_price[i] = (self.log_price[i] + 0.04 * excess).clamp(math.log(1e-7), math.log(10))


@dataclass
class Case:
    """What is trained: one bottleneck for every operating point, and the tail behind them.

    order: the operating points of the batches, over and over.
    received: what a server has in the place of the training features where something other than
    features is sent: of the same images and copies. The only point is then `Identity`.
    """

    points: nn.ModuleDict
    order: list[str]
    tail: fx.GraphModule
    control: RateControl
    train: FeatureSet
    validation: FeatureSet
    received: FeatureSet | None = None


def rounds(turns: Mapping[str, int]) -> list[str]:
    """One round of batches in which every name has its turns, spread evenly."""
    places = [((i + 0.5) / count, name) for name, count in turns.items() for i in range(count)]
    return [name for _, name in sorted(places, key=lambda place: place[0])]


def train_attention(
    tail: nn.Module, features: FeatureSet, config: TrainingConfig, folder: Path
) -> ChannelAttention:
    """Step 1: attention between head and tail, both frozen."""
    generator = torch.Generator().manual_seed(config.seed)
    torch.manual_seed(config.seed)
    attention = ChannelAttention(features.shape[0])
    frozen = copy.deepcopy(tail).eval().requires_grad_(False)
    batches = data.Batches(len(features), config.batch_size, config.seed)

    def step(number: int) -> dict[str, Tensor]:
        rows = batches.rows(number)
        x = features.batch(rows, torch.randint(features.copies, (len(rows),), generator=generator))
        weights = attention.weights(x)
        with loop.compute_precision(x.device, config.precision):
            logits = frozen(x * weights[:, :, None, None])
        task = functional.cross_entropy(logits.float(), features.labels[rows])
        return {
            "loss": task + config.sparsity_weight * weights.mean(),
            "task": task,
            "weights": weights.mean(),
        }

    options = loop.FitOptions(steps=config.attention_steps, checkpoint_every=0)
    loop.fit(
        "attention",
        {"attention": attention},
        loop.decayed_groups([attention], 3e-3, 0.0),
        step,
        options,
        folder=folder,
        generator=generator,
    )
    return attention.eval()


class Training:
    """Steps 2 and 3: `decoders`, then `fine_tune`. The case's modules hold the results."""

    def __init__(self, case: Case, config: TrainingConfig, folder: Path) -> None:
        torch.manual_seed(config.seed)
        self.case, self.config, self.folder = case, config, folder
        self.generator = torch.Generator().manual_seed(config.seed + 1)
        self.batches = data.Batches(len(case.train), config.batch_size, config.seed)
        case.tail.eval()  # batch normalisation is folded or keeps its statistics
        self.teacher = tail_with_features(copy.deepcopy(case.tail)).eval().requires_grad_(False)
        self.student = tail_with_features(case.tail)  # shares the tail's weights

    def decoders(self) -> None:
        """Trains analysis and decoders, the tail frozen."""
        self.case.tail.requires_grad_(False)
        steps = self.config.decoder_steps
        options = loop.FitOptions(
            steps=steps, schedule="constant", warmup_steps=min(50, steps), gradient_norm=5.0
        )
        self._fit("decoder", codec_parameter_groups(self.case.points, self.config), options)

    def fine_tune(self) -> dict[str, float]:
        """Trains all together; returns top-1 (0 to 1) and bytes of every operating point on the
        validation part, and the seconds it took."""
        config = self.config
        self.case.tail.requires_grad_(True)
        options = loop.FitOptions(
            steps=config.fine_tune_steps,
            warmup_steps=min(50, config.fine_tune_steps),
            average=config.average,
            gradient_norm=5.0,
            evaluate_every=500,
        )
        groups = codec_parameter_groups(self.case.points, config)
        groups += loop.decayed_groups([self.case.tail], config.tail_rate, config.weight_decay)
        return self._fit("fine_tune", groups, options)

    def round_tail(self) -> None:
        """Rounds the tail's weights to what is stored. 8 bits change them enough that the rest, which
        stays in floats, learns again at a tenth of its rate."""
        config, tail = self.config, self.case.tail
        if config.tail_weights == "float16":
            tail.half().float()
            return
        export.round_to_int8(tail)
        steps = config.settle_steps
        options = loop.FitOptions(steps=steps, warmup_steps=min(50, steps), gradient_norm=5.0)
        slow = dataclasses.replace(
            config, learning_rate=0.1 * config.learning_rate, tail_rate=config.tail_rate
        )
        for parameter in tail.parameters():
            parameter.requires_grad_(parameter.dim() <= 1)
        groups = codec_parameter_groups(self.case.points, slow)
        groups += loop.decayed_groups([tail], config.tail_rate, 0.0)
        self._fit("settle", groups, options)

    def _fit(self, name: str, groups: list[dict], options: loop.FitOptions) -> dict[str, float]:
        case = self.case
        modules = {"points": case.points, "tail": case.tail, "control": case.control}
        case.points.train()
        figures = loop.fit(
            name,
            modules,
            groups,
            self._step,
            options,
            folder=self.folder,
            generator=self.generator,
            evaluate=self._evaluate,
        )
        case.points.eval()
        return figures

    def _step(self, number: int) -> dict[str, Tensor]:
        case, config = self.case, self.config
        rows = self.batches.rows(number)
        copies = torch.randint(case.train.copies, (len(rows),), generator=self.generator)
        mixture = mixing.draw(len(rows), config.mixed, case.train.shape[1:], self.generator)
        x = mixture.features(case.train.batch(rows, copies))
        received = x
        if case.received:
            received = mixture.features(case.received.batch(rows, copies))
        name = case.order[number % len(case.order)]
        with loop.compute_precision(x.device, config.precision):
            with torch.no_grad():
                wanted_logits, wanted_features = self.teacher(x)
            sent = case.points[name](received)
            logits, tail_features = self.student(sent.features)
        labels = mixture.labels(case.train.labels[rows], logits.shape[1])
        terms = losses(
            config, x, sent, logits, tail_features, wanted_logits, wanted_features, labels
        )
        # Mixtures are not what will be sent: their size does not count.
        terms["loss"] = terms["loss"] + case.control.price(name) * sent.bits[mixture.count :].mean()
        case.control.observe(name, sent.rounded_bits[mixture.count :])
        terms[f"{name}.price"] = case.control.price(name)
        return terms

    def _evaluate(self) -> dict[str, float]:
        points = self.case.points.eval()
        figures = {}
        for name, point in points.items():
            top1, size = validate(point, self.case.tail, self.case.validation)
            figures |= {f"{name}.top1": top1, f"{name}.bytes": size}
        points.train()
        return figures


def codec_parameter_groups(points: nn.ModuleDict, config: TrainingConfig) -> list[dict]:
    """All parameters of the bottlenecks; gains and rate models, few and on a logarithmic scale,
    learn five times faster, copies of the tail's layers like the tail."""
    rates: dict[str, float] = {
        "log_gain": 5 * config.learning_rate,
        "rate.": 5 * config.learning_rate,
        "analysis.layers.": config.tail_rate,
    }
    taken: dict[int, float] = {}
    for point in points.values():
        for name, parameter in point.named_parameters():
            for prefix, rate in rates.items():
                if name.startswith(prefix):
                    taken[id(parameter)] = rate
    groups = loop.decayed_groups([points], config.learning_rate, config.weight_decay)
    for group in groups:
        group["params"] = [p for p in group["params"] if id(p) not in taken]
    for rate in sorted(set(taken.values())):
        some = [p for p in points.parameters() if taken.get(id(p)) == rate]
        groups.append({"params": some, "lr": rate, "weight_decay": 0.0})
    return [group for group in groups if group["params"]]


def losses(
    config: TrainingConfig,
    x: Tensor,
    sent: Transmission,
    logits: Tensor,
    tail_features: Tensor,
    wanted_logits: Tensor,
    wanted_features: Tensor,
    labels: Tensor,
) -> dict[str, Tensor]:
    """The terms of the loss without the rate's, "loss" their weighted sum; labels: the share of
    every class, [N,K]."""
    logits, wanted_logits = logits.float(), wanted_logits.float()
    t = config.temperature
    terms = {
        "features": relative_error(sent.features, x),
        "tail_features": relative_error(averaged(tail_features), averaged(wanted_features)),
        "distillation": t
        * t
        * functional.kl_div(
            functional.log_softmax(logits / t, 1),
            functional.log_softmax(wanted_logits / t, 1),
            reduction="batchmean",
            log_target=True,
        ),
        "labels": functional.cross_entropy(
            logits, labels, label_smoothing=config.label_smoothing
        ),
    }
    weights = {
        "features": config.feature_weight,
        "tail_features": config.tail_feature_weight,
        "distillation": config.distillation_weight,
        "labels": config.label_weight,
    }
    return {"loss": sum(weights[key] * terms[key] for key in weights), **terms}


def averaged(features: Tensor) -> Tensor:
    """What a classifier behind a global average sees of features [N,C,H,W]: [N,C,1,1]."""
    return features.float().mean((2, 3), keepdim=True)


def relative_error(found: Tensor, wanted: Tensor) -> Tensor:
    """Squared error relative to the variance of every channel over the batch, averaged."""
    errors = (found - wanted).square().mean((0, 2, 3))
    variances = wanted.var((0, 2, 3))
    # Channels that hardly ever differ from their mean must not decide.
    return (errors / (variances + 0.1 * variances.mean() + 1e-12)).mean()


@torch.no_grad()
def validate(point: nn.Module, tail: nn.Module, features: FeatureSet) -> tuple[float, float]:
    """Top-1 (0 to 1) and mean bytes, as the rate model counts them, on unaugmented features."""
    right, bits = 0, 0.0
    for rows in torch.arange(len(features)).split(250):
        sent = point(features.batch(rows))
        right += int((tail(sent.features).argmax(1) == features.labels[rows]).sum())
        bits += float(sent.rounded_bits.sum())
    return right / len(features), bits / 8 / len(features)
