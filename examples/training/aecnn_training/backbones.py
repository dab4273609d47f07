"""Classification networks that can be split: our own small ones and torchvision's."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, fx, nn


class BackboneError(ValueError):
    """A network or weights file that cannot be used; the message says which and why."""


@dataclass(frozen=True)
class BackboneConfig:
    """The section [backbone].

    name: cifar_resnet20, cifar_resnet56, mobilenet_v2_keras or a network of torchvision.models.
    weights: torchvision's name of its weights, such as "DEFAULT"; downloaded where not at hand yet.
    weights_file: .safetensors or .pth file (a state dictionary) instead. Neither: random weights.
    image_size, mean, std: of the input; an image u8 enters as (u8 / 255 - mean) / std.
    """

    name: str
    image_size: int
    weights: str = ""
    weights_file: Path | None = None
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)

    def __post_init__(self) -> None:
        if self.weights and self.weights_file:
            raise ValueError("weights and weights_file exclude each other")
        if self.image_size < 1:
            raise ValueError(f"image_size: expected at least 1, found {self.image_size}")
        if min(self.std) <= 0:
            raise ValueError(f"std: expected positive numbers, found {list(self.std)}")


@dataclass(frozen=True)
class Backbone:
    """A network in eval mode, [N,3,image_size,image_size] to logits [N,classes], and its input's
    scale."""

    model: nn.Module
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    image_size: int
    classes: int


def load(config: BackboneConfig, classes: int) -> Backbone:
    """Build a network for so many classes and load its weights.

    A classifier of another class count (ImageNet's 1000, say) is replaced by a random one.
    Raises BackboneError for an unknown name or weights that do not fit.
    """
    own = {
        "cifar_resnet20": lambda: CifarResNet(3, classes),
        "cifar_resnet56": lambda: CifarResNet(9, classes),
        "mobilenet_v2_keras": lambda: KerasMobileNetV2(classes),
    }
    if config.name in own:
        if config.weights:
            raise BackboneError(f"weights: {config.name} is not torchvision's; use weights_file")
        model = own[config.name]()
        if config.weights_file:
            _load_weights(model, config.weights_file)
    else:
        model = _torchvision_model(config, classes)
    return Backbone(model.eval(), config.mean, config.std, config.image_size, classes)


class _Block(nn.Module):
    """Two 3x3 convolutions and a shortcut without parameters (option A of the ResNet paper)."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.stride, self.added = stride, channels - channels_in

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
        if self.added:
            x = functional.pad(x, (0, 0, 0, 0, self.added // 2, self.added - self.added // 2))
        return self.relu(y + x)


class CifarResNet(nn.Module):
    """The ResNet for 32x32 images (He et al., 2016, section 4.2) with 6 * blocks + 2 layers."""

    def __init__(self, blocks: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        self.layer1 = self._stage(16, 16, 1, blocks)
        self.layer2 = self._stage(16, 32, 2, blocks)
        self.layer3 = self._stage(32, 64, 2, blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(64, classes)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight)

    @staticmethod
    def _stage(channels_in: int, channels: int, stride: int, blocks: int) -> nn.Sequential:
        return nn.Sequential(
            _Block(channels_in, channels, stride),
            *(_Block(channels, channels, 1) for _ in range(blocks - 1)),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.pool(self.layer3(self.layer2(self.layer1(x))))
        return self.linear(torch.flatten(x, 1))


class _ClampedGradient(torch.autograd.Function):
    """The gradient of clamp without its comparisons and selections, which take a quarter of a
    training step; nn.ReLU6 has none in bfloat16 on CPUs in PyTorch 1.13."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        y = torch.clamp(x, 0, 6)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        threshold = torch.ops.aten.threshold_backward
        return threshold(threshold(gradient, y, 0), 6 - y, 0)


def relu6(x: Tensor) -> Tensor:
    """min(max(x, 0), 6)."""
    if torch.is_grad_enabled() and x.requires_grad:
        return _ClampedGradient.apply(x)
    return torch.clamp(x, 0, 6)


fx.wrap("relu6")


class ReLU6(nn.Module):
    """`relu6` as a module."""

    def forward(self, x: Tensor) -> Tensor:
        return relu6(x)


class _KerasConv(nn.Conv2d):
    """A convolution that at stride 2 pads one row below and one column to the right only, as Keras
    does."""

    def __init__(
        self, channels_in: int, channels: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(channels_in, channels, kernel, stride, padding, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] == 2:
            x = functional.pad(x, (0, 1, 0, 1))
        return super().forward(x)


class _InvertedResidual(nn.Module):
    def __init__(self, channels_in: int, channels: int, expansion: int, stride: int) -> None:
        super().__init__()
        hidden = channels_in * expansion
        if expansion > 1:
            self.expand = _KerasConv(channels_in, hidden, 1)
        self.depthwise = _KerasConv(hidden, hidden, 3, stride, groups=hidden)
        self.project = _KerasConv(hidden, channels, 1)
        self.relu6 = ReLU6()
        self.expands, self.adds = expansion > 1, stride == 1 and channels_in == channels

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu6(self.expand(x)) if self.expands else x
        y = self.project(self.relu6(self.depthwise(y)))
        return x + y if self.adds else y


class KerasMobileNetV2(nn.Module):
    """MobileNetV2 1.0 as Keras has it, its batch normalisations folded into the convolutions."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        stages = (
            (1, 16, 1, 1),
            (6, 24, 2, 2),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 1),
            (6, 160, 3, 2),
            (6, 320, 1, 1),
        )
        layers: list[nn.Module] = [_KerasConv(3, 32, 3, 2)]
        channels = 32
        for expansion, width, count, stride in stages:
            for index in range(count):
                layers.append(
                    _InvertedResidual(channels, width, expansion, stride if index == 0 else 1)
                )
                channels = width
        layers.append(_KerasConv(channels, 1280, 1))
        self.features = nn.ModuleList(layers)
        self.relu6 = ReLU6()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(1280, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu6(self.features[0](x))
        for block in self.features[1:-1]:
            x = block(x)
        x = self.relu6(self.features[-1](x))
        return self.classifier(torch.flatten(self.pool(x), 1))


def _torchvision_model(config: BackboneConfig, classes: int) -> nn.Module:
    from torchvision import models

    # Names such as resnet50 are functions; modules and classes of the same package are not
    # networks.
    build = getattr(models, config.name, None)
    if not config.name.islower() or not callable(build) or isinstance(build, type):
        raise BackboneError(
            f"name: '{config.name}' is neither cifar_resnet20, cifar_resnet56, "
            "mobilenet_v2_keras nor a network of torchvision.models"
        )
    tensors = read_weights(config.weights_file) if config.weights_file else None
    try:
        model = build(weights=config.weights or None)
    except (ValueError, KeyError) as error:
        raise BackboneError(
            f"weights: torchvision has no '{config.weights}' of {config.name}: {error}"
        ) from error
    if tensors is not None:
        # The file decides how many classes its classifier has.
        name, layer = _classifier(model, config.name)
        stored = tensors.get(f"{name}.weight")
        if stored is not None and len(stored) != layer.weight.shape[0]:
            _replace_classifier(model, name, layer, len(stored))
        _load_tensors(model, tensors, config.weights_file)
    name, layer = _classifier(model, config.name)
    if layer.weight.shape[0] != classes:
        _replace_classifier(model, name, layer, classes)
    return model


def _classifier(model: nn.Module, network: str) -> tuple[str, nn.Module]:
    """The last linear (or 1x1 convolution, as in SqueezeNet) layer below fc, classifier, heads or
    head."""
    for top in ("fc", "classifier", "heads", "head"):
        found = getattr(model, top, None)
        if isinstance(found, nn.Module):
            layers = [
                (f"{top}.{inner}" if inner else top, layer)
                for inner, layer in found.named_modules()
                if isinstance(layer, (nn.Linear, nn.Conv2d))
            ]
            if layers:
                return layers[-1]
    raise BackboneError(f"name: {network} has no classifier named fc, classifier, heads or head")


def _replace_classifier(model: nn.Module, name: str, old: nn.Module, classes: int) -> None:
    if isinstance(old, nn.Conv2d):
        new: nn.Module = nn.Conv2d(
            old.in_channels, classes, old.kernel_size, old.stride, old.padding
        )
    else:
        new = nn.Linear(old.in_features, classes)
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, new)
    if hasattr(model, "num_classes"):
        model.num_classes = classes  # SqueezeNet and some others reshape by it


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name from a .safetensors file or a .pth file that holds a state dictionary."""
    if path.suffix == ".safetensors":
        return load_safetensors(path)[0]
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises many kinds, none documented
        raise BackboneError(f"{path}: cannot be read: {error}") from error
    content = content.get("state_dict", content) if isinstance(content, dict) else content
    if not isinstance(content, dict) or not all(
        isinstance(value, Tensor) for value in content.values()
    ):
        raise BackboneError(f"{path}: expected a dictionary of tensors by parameter name")
    return {name.removeprefix("module."): value for name, value in content.items()}


def _load_weights(model: nn.Module, path: Path) -> None:
    _load_tensors(model, read_weights(path), path)


def _load_tensors(model: nn.Module, tensors: Mapping[str, Tensor], path: Path | None) -> None:
    wanted = model.state_dict()
    # Files may leave out the counters of batch normalisation: nothing is computed from them.
    missing = [
        key for key in wanted if key not in tensors and not key.endswith("num_batches_tracked")
    ]
    unknown = [key for key in tensors if key not in wanted]
    if missing or unknown:
        raise BackboneError(
            f"{path}: other parameter names: {len(missing)} missing ({', '.join(missing[:3])}), "
            f"{len(unknown)} unknown ({', '.join(unknown[:3])})"
        )
    for key, value in tensors.items():
        if value.shape != wanted[key].shape:
            raise BackboneError(
                f"{path}: {key}: expected shape {list(wanted[key].shape)}, "
                f"found {list(value.shape)}"
            )
    model.load_state_dict(dict(tensors), strict=False)


_DTYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U8": np.uint8,
    "BOOL": np.bool_,
}


def load_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors by name, in their stored types, and the file's metadata."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise BackboneError(f"{path}: cannot be read: {error}") from error
    try:
        (length,) = struct.unpack_from("<Q", data)
        if length > len(data) - 8:
            raise ValueError(f"header of {length} bytes in a file of {len(data)}")
        header = json.loads(data[8 : 8 + length])
        metadata = header.pop("__metadata__", {})
        body = memoryview(data)[8 + length :]
        tensors: dict[str, Tensor] = {}
        for name, entry in header.items():
            dtype, shape, (begin, end) = (
                np.dtype(_DTYPES[entry["dtype"]]),
                entry["shape"],
                entry["data_offsets"],
            )
            if not 0 <= begin <= end <= len(body) or end - begin != dtype.itemsize * int(
                np.prod(shape)
            ):
                raise ValueError(
                    f"{name}: bytes {begin} to {end} do not hold {entry['dtype']} {shape}"
                )
            array = (
                np.frombuffer(body[begin:end], dtype.newbyteorder("<")).astype(dtype).reshape(shape)
            )
            tensors[name] = torch.from_numpy(array)
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise BackboneError(
            f"{path}: not a safetensors file that is understood: {error}"
        ) from error
    return tensors, metadata


def save_safetensors(
    path: Path,
    tensors: Mapping[str, Tensor],
    dtype: torch.dtype = torch.float32,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write tensors; floating-point ones as `dtype` (float32 or float16), others as they are."""
    if dtype not in (torch.float32, torch.float16):
        raise BackboneError(f"{path}: dtype: expected float32 or float16, found {dtype}")
    names = {np.dtype(kind): name for name, kind in _DTYPES.items()}
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    pieces: list[bytes] = []
    offset = 0
    for name, tensor in tensors.items():
        tensor = tensor.detach().cpu()
        tensor = tensor.to(dtype) if tensor.is_floating_point() else tensor
        array = np.ascontiguousarray(tensor.numpy())
        piece = array.astype(array.dtype.newbyteorder("<")).tobytes()
        header[name] = {
            "dtype": names[array.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(piece)],
        }
        pieces.append(piece)
        offset += len(piece)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(pieces))
