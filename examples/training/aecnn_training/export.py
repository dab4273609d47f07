"""From trained modules to what the library runs: ONNX networks and a profile.

Analysis and decoder of every operating point become ONNX files, `aecnn pack` makes a profile of each
(with the entropy coder's initial states from calibration features) and `aecnn merge` one of all.
"""

from __future__ import annotations

import copy
import json
import math
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Sequence

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from .bottleneck import LatentBottleneck
from .features import FeatureSet

# The library's entropy coders that points may ask for.
MODES = ("default", "fast", "max")


class ExportError(RuntimeError):
    """The command-line program failed; the message is its own."""


@dataclass(frozen=True)
class Program:
    """The library's command-line program."""

    path: Path

    def __call__(self, *arguments: object) -> dict:
        """Runs `aecnn ARGUMENTS --json` and returns what it prints."""
        command = [str(self.path), *(str(argument) for argument in arguments), "--json"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise ExportError(f"{' '.join(command[:2])}: {done.stderr.strip()}")
        return json.loads(done.stdout)


def write_onnx(
    module: nn.Module,
    example: Tensor,
    path: Path,
    names: tuple[str, str],
    weights: Literal["float32", "float16", "int8"] = "float32",
) -> None:
    """A module of one input and one output as ONNX (opset 13), the batch open.

    weights: how they are stored; "float16" with a Cast to float32, "int8" (all but vectors) with a
    DequantizeLinear by output channels, which any engine folds. `example` and all computation stay
    float32.
    """
    module = module.eval().float().to(memory_format=torch.contiguous_format)
    torch.onnx.export(
        module,
        example.contiguous(),
        str(path),
        opset_version=13,
        input_names=[names[0]],
        output_names=[names[1]],
        dynamic_axes={names[0]: {0: "batch"}, names[1]: {0: "batch"}},
    )
    model = onnx.load(str(path))
    if weights != "float32":
        _store(model.graph, weights)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _store(graph: onnx.GraphProto, as_type: Literal["float16", "int8"]) -> None:
    nodes = []
    for weight in list(graph.initializer):
        if weight.data_type != onnx.TensorProto.FLOAT:
            continue
        name, stored = weight.name, f"{weight.name}.{as_type}"
        values = numpy_helper.to_array(weight)
        if as_type == "float16":
            weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
            nodes.append(helper.make_node("Cast", [stored], [name], name=name, to=onnx.TensorProto.FLOAT))
        elif values.ndim > 1:
            integers, scales = to_int8(torch.from_numpy(values.copy()))
            weight.CopyFrom(numpy_helper.from_array(integers.numpy(), stored))
            graph.initializer.append(numpy_helper.from_array(scales.numpy(), f"{name}.scale"))
            inputs = [stored, f"{name}.scale"]
            nodes.append(helper.make_node("DequantizeLinear", inputs, [name], name=name, axis=0))
    for node in reversed(nodes):
        graph.node.insert(0, node)


def to_int8(weights: Tensor) -> tuple[Tensor, Tensor]:
    """Integers of -127 to 127 and the scale of every row: weights[i] is about integers[i] * scale[i]."""
    rows = weights.reshape(len(weights), -1)
    scales = rows.abs().amax(1).clamp_min(1e-30) / 127
    integers = torch.round(rows / scales[:, None]).to(torch.int8)
    return integers.reshape(weights.shape), scales


@torch.no_grad()
def round_to_int8(module: nn.Module) -> None:
    """Replace all weights but vectors by what `write_onnx` with "int8" stores."""
    for weight in module.parameters():
        if weight.dim() > 1:
            integers, scales = to_int8(weight)
            weight.copy_(integers * scales.reshape(-1, *[1] * (weight.dim() - 1)))


class LibraryNetwork:
    """A module of one input and one output that the library runs: several times as fast as PyTorch
    on a CPU, and what devices compute.

    example: a batch of one. Calls take float32 batches [N,...] of any N.
    """

    def __init__(self, program: Program, module: nn.Module, example: Tensor) -> None:
        self.program = program
        self.temporary = tempfile.TemporaryDirectory(prefix="aecnn")
        self.folder = Path(self.temporary.name)
        self.network = self.folder / "network.onnx"
        write_onnx(module, example, self.network, ("input", "output"))

    def __call__(self, x: Tensor) -> Tensor:
        given, made = self.folder / "input.npy", self.folder / "output.npy"
        np.save(given, x.contiguous().float().numpy())
        self.program("run", self.network, given, "-o", made, "--threads", torch.get_num_threads())
        return torch.from_numpy(np.load(made))


def write_features(path: Path, features: FeatureSet, count: int | None = None) -> Path:
    """The first `count` unaugmented feature tensors (all, if None) as float32 .npy."""
    total = len(features) if count is None else min(count, len(features))
    np.save(path, features.batch(torch.arange(total)).numpy())
    return path


def mean_bytes(
    program: Program, features: Path, profile: Path, folder: Path, mode: str, point: str | int = 0
) -> float:
    """Of a stream of the features (.npy) at an operating point, header included."""
    streams = folder / "streams"
    done = program(
        "encode", features, "--profile", profile, "--op", point, "--mode", mode, "-o", streams
    )
    return done["mean_bytes"]


class PointExporter:
    """Profiles of single operating points, from trained bottlenecks.

    calibration: feature tensors for the entropy coder's initial states; validation: those on which
    sizes are measured. Both are .npy files.
    """

    def __init__(
        self,
        program: Program,
        shape: tuple[int, int, int],
        calibration: Path,
        validation: Path,
        folder: Path,
    ) -> None:
        self.program, self.shape, self.folder = program, shape, folder
        self.calibration, self.validation = calibration, validation

    def write_networks(self, name: str, point: LatentBottleneck) -> None:
        """The folded point's analysis and decoder as ONNX."""
        point = point.folded().eval()
        selected = torch.zeros(1, len(point.channels), *self.shape[1:])
        latents = torch.zeros_like(point.analysis(selected))
        network: nn.Module = point.analysis
        if point.analysis.layers is None:  # the library pads by itself
            network, stride = point.analysis.linear, point.analysis.stride
            selected = torch.zeros(*selected.shape[:2], *(stride * e for e in latents.shape[2:]))
        write_onnx(network, selected, self.folder / f"{name}.analysis.onnx", ("features", "latents"))
        decoder: nn.Module = point.decoder
        if point.expansion is not None:
            decoder = nn.Sequential(point.decoder, point.expansion)
        write_onnx(decoder, latents, self.folder / f"{name}.decoder.onnx", ("latents", "features"))

    def pack(self, name: str, point: LatentBottleneck, step: float) -> Path:
        """The profile with this quantiser step; the networks were written before."""
        profile = self.folder / f"{name}.aecnn"
        channels = ",".join(str(int(channel)) for channel in point.channels)
        self.program(
            "pack", "--decoder", self.folder / f"{name}.decoder.onnx",
            "--analysis", self.folder / f"{name}.analysis.onnx", "--channels", channels,
            "--step", step, "--float16", "--calibrate", self.calibration, "--name", name,
            "-o", profile,
        )  # fmt: skip
        return profile

    def size(self, profile: Path, mode: str = "default") -> float:
        """Mean bytes of a stream on the validation features, header included."""
        return mean_bytes(self.program, self.validation, profile, self.folder, mode)

    def pack_to_size(
        self, name: str, point: LatentBottleneck, most_bytes: float, mode: str = "default"
    ) -> tuple[Path, float, float]:
        """The profile with the smallest quantiser step whose streams take at most `most_bytes`; with
        that step and the mean size. The networks were written before.

        Training meets a size but for some percent; a step a little beside the trained one of 1 makes
        up for it. Raises ExportError where twice the step is not enough.
        """
        low, high = 0.8, 2.0
        profile = self.pack(name, point, high)
        if (size := self.size(profile, mode)) > most_bytes:
            raise ExportError(
                f"operating point '{name}': {size:.1f} bytes at twice the trained step, wanted at "
                f"most {most_bytes:.1f}; train with a smaller rate"
            )
        for _ in range(7):
            middle = math.sqrt(low * high)
            if self.size(self.pack(name, point, middle), mode) > most_bytes:
                low = middle
            else:
                high = middle
        profile = self.pack(name, point, high)
        return profile, high, self.size(profile, mode)


def merge(program: Program, profiles: Sequence[Path], name: str, output: Path) -> None:
    """One profile of the operating points of all, named like their files."""
    names = ",".join(profile.stem for profile in profiles)
    program("merge", *profiles, "-o", output, "--name", name, "--names", names)


@dataclass(frozen=True)
class Agreement:
    """How the library and the trained modules compare on the same features."""

    symbols: float  # share of positions with the same symbol
    bytes: float  # mean, default header
    top1: float  # of the library's path, 0 to 1


@torch.no_grad()
def compare(
    program: Program,
    profile: Path,
    point: LatentBottleneck,
    tail: Path,
    features: FeatureSet,
    folder: Path,
    count: int = 500,
) -> Agreement:
    """Runs the library over the features: its symbols against the modules' on the first `count`,
    size and accuracy on all. The profile has one operating point, with the trained step of 1, so
    that symbols mean the same."""
    some = write_features(folder / "some.npy", features, count)
    symbols = folder / "symbols.npy"
    program(
        "encode", some, "--profile", profile, "--op", 0, "-o", folder / "streams",
        "--symbols", symbols,
    )  # fmt: skip
    found = torch.from_numpy(np.load(symbols).astype(np.float32))
    expected = point(features.batch(torch.arange(len(found)))).symbols
    zero = torch.median(found - expected)
    (result,) = evaluate(program, profile, tail, features, folder)
    return Agreement(
        float((found - zero == expected).float().mean()), result["mean_bytes"], result["top1"]
    )


def evaluate(
    program: Program, profile: Path, tail: Path, features: FeatureSet, folder: Path
) -> list[dict]:
    """What `aecnn eval` says of every operating point, on all features."""
    every = write_features(folder / "evaluated.npy", features)
    np.save(folder / "labels.npy", features.labels.numpy())
    done = program(
        "eval", every, "--profile", profile, "--tail", tail, "--labels", folder / "labels.npy"
    )
    every.unlink()
    return done["operating_points"]
