#!/usr/bin/env python3
"""Train a codec for the feature tensors of a split network, step by step, and export it.

    train_codec.py CONFIG [--data DIR] [--out DIR] [--method METHOD] [--seed S] [--threads T]

Run again after an interruption it continues from the last checkpoint. The validation part decides
about everything; the test images are used once, at the end. Writes OUT/codec.json (the figures),
OUT/codec.pt (all weights), OUT/tail.onnx and, for the library's own method and with --program,
OUT/codec.aecnn: a profile of all operating points, compared with what was trained.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Mapping

import torch
from torch import nn

from aecnn_training import (
    attention,
    backbones,
    bottleneck,
    command,
    config,
    data,
    export,
    features,
    images,
    imitation,
    procedure,
    sensitivity,
    split,
)
from aecnn_training.prepared import SplitConfig, prepare


@dataclass(frozen=True)
class PointConfig:
    """An operating point, [[point]].

    bytes: wanted mean size of a stream, header included.
    latents, stride: of the analysis; analysis_layers: modules of the tail, such as "features.14", of
    which the device runs copies before the linear analysis, trained with it. Where the tail begins
    with others, or analysis_width, the share of inner channels that are kept, is below 1, the copies
    first learn to give what the tail gives up to the last of them (imitation.py).
    width, blocks, kernel: of the decoder.
    bits: of a symbol, where channels are sent as they are (method "selection").
    turns: batches in each round over all operating points; hard ones learn from more.
    mode: the entropy coder with which streams meet their size: default; fast, which takes less time and
    some percent more bytes; or max.
    """

    name: str
    bytes: float
    latents: int
    stride: int = 2
    analysis_layers: str = ""
    analysis_width: float = 1.0
    width: int = 64
    blocks: int = 0
    kernel: int = 3
    bits: int = 2
    turns: int = 1
    mode: str = "default"
    overhead: ClassVar[float] = 5.0  # bytes: the default header's 4 and the end of the code

    def __post_init__(self) -> None:
        if self.bytes < 8:
            raise ValueError(f"bytes: expected at least 8, found {self.bytes}")
        if not 0 < self.analysis_width <= 1:
            raise ValueError(f"analysis_width: expected above 0 to 1, found {self.analysis_width}")
        if self.turns < 1:
            raise ValueError(f"turns: expected at least 1, found {self.turns}")
        if self.mode not in export.MODES:
            raise ValueError(f"mode: '{self.mode}', expected {' or '.join(export.MODES)}")

    @property
    def payload(self) -> float:
        """Bytes that symbols may take."""
        return self.bytes - self.overhead


METHODS = ("aecnn", "selection", "bottlenet++", "calibration", "reference")
Method = Literal["aecnn", "selection", "bottlenet++", "calibration", "reference"]


def analysis_inputs(
    points: list[PointConfig],
    tail: torch.fx.GraphModule,
    train: features.FeatureSet,
    scale: bottleneck.Scale,
    channels: list[int],
    training: procedure.TrainingConfig,
    out: Path,
) -> dict[str, bottleneck.AnalysisInput]:
    """What the analysis of every operating point sees, by the point's name."""
    inputs = {}
    for layers, width in sorted({(p.analysis_layers, p.analysis_width) for p in points}):
        sees = [p for p in points if (p.analysis_layers, p.analysis_width) == (layers, width)]
        first, rest, seen, its_scale, used = None, tail, train, scale, channels
        if layers:
            names = layers.split()
            wanted, rest = split.divide(tail, names[-1])
            first = imitation.light_copy(tail, names, width)
            x = train.batch(torch.arange(2))
            with torch.no_grad():
                exact = torch.equal(first(x), wanted(x))
            if not exact:
                folder = out / f"imitation {layers} {width:g}"
                imitation.imitate(
                    first, wanted, train, training.imitation_steps, training.seed, folder
                )
            seen = features.through(first, train, copies=2)
            its_scale, used = bottleneck.Scale.of(seen), list(range(seen.shape[0]))
        strides = sorted({point.stride for point in sees})
        metrics = sensitivity.sensitivity(rest, seen, its_scale, strides)
        for point in sees:
            inputs[point.name] = bottleneck.AnalysisInput(
                seen, its_scale, used, metrics[point.stride], first
            )
    return inputs


def make_point(
    method: Method,
    point: PointConfig,
    train: features.FeatureSet,
    scale: bottleneck.Scale,
    ranked: list[int],
    inputs: Mapping[str, bottleneck.AnalysisInput],
) -> nn.Module:
    if method == "aecnn":
        return bottleneck.LatentBottleneck(
            train,
            scale,
            inputs[point.name],
            point.payload,
            point.latents,
            point.stride,
            point.width,
            point.blocks,
            point.kernel,
        )
    if method == "selection":
        return bottleneck.SelectionBottleneck(
            train, scale, ranked, point.payload, point.bits, point.width, point.blocks
        )
    if method == "bottlenet++":
        return bottleneck.BottleNetPlusPlus(train, scale, point.bytes)
    return bottleneck.Identity()


def read_settings(arguments: argparse.Namespace) -> dict:
    """The configuration, with --seed, and --cache's default set."""
    settings = config.read(
        arguments.config,
        {
            "data": data.DataConfig,
            "backbone": backbones.BackboneConfig,
            "split": SplitConfig,
            "training": procedure.TrainingConfig,
            "images": images.ImagesConfig,
            "point": config.Many(PointConfig, least=1),
        },
        arguments.data,
    )
    if arguments.seed is not None:
        settings["training"] = dataclasses.replace(settings["training"], seed=arguments.seed)
    arguments.cache = arguments.cache or arguments.out / "features"
    return settings


def train(settings: dict, method: Method, out: Path, arguments: argparse.Namespace) -> dict:
    """Everything of one method; what OUT/codec.json holds."""
    if method == "calibration":
        return calibrate(settings, out, arguments)
    return run(settings, method, out, arguments)


def run(settings: dict, method: Method, out: Path, arguments: argparse.Namespace) -> dict:
    training: procedure.TrainingConfig = settings["training"]
    where: SplitConfig = settings["split"]
    program = command.library(arguments)
    prepared = prepare(settings, training.copies, arguments.cache, program)
    train, tail = prepared.train, prepared.tail
    scale = bottleneck.Scale.of(train)
    out.mkdir(parents=True, exist_ok=True)
    example = torch.zeros(1, 3, prepared.backbone.image_size, prepared.backbone.image_size)
    export.write_onnx(prepared.head, example, out / "head.onnx", ("image", "features"))
    ranked = list(range(train.shape[0]))
    if method == "selection" or (method == "aecnn" and where.channels):
        weights = None
        if where.select == "attention":
            weights = procedure.train_attention(tail, train, training, out)
        ranked = attention.rank(where.select, train, weights)
    torch.manual_seed(training.seed)
    points: list[PointConfig] = settings["point"][:1] if method == "reference" else settings["point"]
    inputs = {}
    if method == "aecnn":
        channels = ranked[: where.channels or None]
        inputs = analysis_inputs(points, tail, train, scale, channels, training, out)
    modules = nn.ModuleDict(
        {
            point.name: make_point(method, point, train, scale, ranked, inputs)
            for point in points
        }
    )
    wanted = {
        point.name: 8 * point.payload if method == "aecnn" else float("inf") for point in points
    }
    case = procedure.Case(
        modules,
        procedure.rounds({point.name: point.turns for point in points}),
        tail,
        procedure.RateControl(wanted),
        train,
        prepared.validation,
    )
    steps = procedure.Training(case, training, out)
    if method != "reference":
        steps.decoders()
    exporter = None
    if program is not None and method == "aecnn":
        exporter = make_exporter(program, case, out / "export")
        correct_rates(exporter, points, case, out / "rates.json")
    figures = steps.fine_tune()
    # What is measured is what is written.
    steps.round_tail()
    if method == "aecnn":
        for point in points:
            modules[point.name] = modules[point.name].folded()
    export.write_onnx(
        tail,
        torch.zeros(1, *train.shape),
        out / "tail.onnx",
        ("features", "scores"),
        training.tail_weights,
    )
    result = {"method": method, "seed": training.seed, "validation": figures, "test": {}}
    for point in points:
        top1, size = procedure.validate(modules[point.name], tail, prepared.test)
        result["test"][point.name] = {"top1": top1, "bytes": size}
    if exporter is not None:
        name = f"{settings['backbone'].name} {where.layer}"
        result["library"] = export_profile(exporter, name, points, case, prepared.test, out)
    torch.save({"points": modules.state_dict(), "tail": tail.state_dict()}, out / "codec.pt")
    return write_result(result, out)


def write_result(result: dict, out: Path) -> dict:
    (out / "codec.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def calibrate(settings: dict, out: Path, arguments: argparse.Namespace, most: int = 2500) -> dict:
    """The profile that the library makes of `most` training features without any training, and how
    it does with the unchanged tail."""
    program = command.library(arguments)
    if program is None:
        raise ValueError("method calibration: needs --program")
    prepared = prepare(settings, settings["training"].copies, arguments.cache, program)
    points: list[PointConfig] = settings["point"]
    folder = out / "export"
    folder.mkdir(parents=True, exist_ok=True)
    export.write_onnx(
        prepared.tail, torch.zeros(1, *prepared.train.shape), out / "tail.onnx", ("features", "scores"),
        settings["training"].tail_weights,
    )  # fmt: skip
    sample = export.write_features(folder / "calibration.npy", prepared.train, most)
    sizes = ",".join(f"{point.bytes:g}" for point in points)
    program("calibrate", sample, "--transform", "klt", "--bytes", sizes, "-o", out / "codec.aecnn")
    sample.unlink()
    measured = export.evaluate(program, out / "codec.aecnn", out / "tail.onnx", prepared.test, folder)
    return write_result({"method": "calibration", "test": named(points, measured)}, out)


def named(points: list[PointConfig], measured: list[dict]) -> dict[str, dict[str, float]]:
    """What `aecnn eval` said, by operating point."""
    return {
        point.name: {"top1": found["top1"], "bytes": found["mean_bytes"]}
        for point, found in zip(points, measured)
    }


def make_exporter(
    program: export.Program, case: procedure.Case, folder: Path
) -> export.PointExporter:
    folder.mkdir(exist_ok=True)
    calibration = export.write_features(folder / "calibration.npy", case.train, 600)
    validation = export.write_features(folder / "validation.npy", case.validation, 500)
    return export.PointExporter(program, case.train.shape, calibration, validation, folder)


def correct_rates(
    exporter: export.PointExporter, points: list[PointConfig], case: procedure.Case, file: Path
) -> None:
    """Let the rate control aim where the library's coder, which is better than the rate model, meets
    the wanted sizes. What was measured is kept in `file`, for a resumed run."""
    if file.exists():
        wanted = json.loads(file.read_text(encoding="utf-8"))
    else:
        wanted = {}
        for point in points:
            module = case.points[point.name]
            exporter.write_networks(point.name, module)
            coded = exporter.size(exporter.pack(point.name, module, 1.0), point.mode)
            _, modelled = procedure.validate(module, case.tail, case.validation)
            wanted[point.name] = 8 * point.payload * modelled / (coded - point.overhead)
        file.write_text(json.dumps(wanted), encoding="utf-8")
    for name, bits in wanted.items():
        case.control.want(name, bits)


def export_profile(
    exporter: export.PointExporter,
    name: str,
    points: list[PointConfig],
    case: procedure.Case,
    test: features.FeatureSet,
    out: Path,
) -> dict:
    """Write OUT/codec.aecnn and return how the library does on the test images."""
    folder, program = exporter.folder, exporter.program
    profiles, report = [], {}
    for point in points:
        module = case.points[point.name]
        exporter.write_networks(point.name, module)
        trained = exporter.pack(point.name, module, 1.0)
        same = export.compare(program, trained, module, out / "tail.onnx", test, folder)
        # Other images may take a little more than those of the validation part.
        profile, step, size = exporter.pack_to_size(
            point.name, module, 0.99 * point.bytes, point.mode
        )
        report[point.name] = {
            "trained_step": dataclasses.asdict(same),
            "step": step,
            "validation_bytes": size,
        }
        profiles.append(profile)
    export.merge(program, profiles, name, out / "codec.aecnn")
    measured = export.evaluate(program, out / "codec.aecnn", out / "tail.onnx", test, folder)
    every = export.write_features(folder / "evaluated.npy", test)
    for point, figures in zip(points, named(points, measured).values()):
        if point.mode != "default":  # the same tensors from other bytes
            figures["bytes"] = export.mean_bytes(
                program, every, out / "codec.aecnn", folder, point.mode, point.name
            )
        report[point.name]["test"] = figures
    every.unlink()
    return report


def main() -> int:
    parser = command.codec_parser("Train a codec for a split network.")
    parser.add_argument("--method", choices=METHODS, default="aecnn")

    def program(arguments: argparse.Namespace) -> dict:
        settings = read_settings(arguments)
        return train(settings, arguments.method, arguments.out, arguments)["test"]

    return command.run(parser.parse_args(), program)


if __name__ == "__main__":
    sys.exit(main())
