#!/usr/bin/env python3
"""Runs known networks through `aecnn run` and compares with PyTorch: the largest difference relative to the largest output, and top-1,
also in int8.

    python3 check_networks.py PROGRAM [DATA]     PROGRAM: build/.../examples/cli/aecnn; needs PyTorch, torchvision, onnx, Pillow

DATA holds backbones/resnet{20,56}_cifar10_jpeg.safetensors (PyTorch parameter names) and cifar10/{train,test}_images.npz (jpeg, offsets,
labels); without it only torchvision's networks with random weights are compared. Exits with 1 where a difference is above 1e-4, a top-1 differs
or int8, calibrated with the first 64 training images, loses more than 0.5 points of it.
"""
import io
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import torch
import torchvision
from PIL import Image
from torch import nn

LIMIT = 1e-4
INT8_LOSS = 0.5  # points of top-1
CALIBRATION_IMAGES = 64


class Basic(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.new = outputs - inputs
        stride = 2 if self.new else 1
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        if self.new:
            x = nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.new // 2, self.new // 2))
        return torch.relu(x + y)


class CifarResNet(nn.Module):
    """He et al. 2015, section 4.2, shortcut A."""

    def __init__(self, depth):
        super().__init__()
        blocks = (depth - 2) // 6
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        for i, (inputs, outputs) in enumerate([(16, 16), (16, 32), (32, 64)]):
            layer = [Basic(inputs if b == 0 else outputs, outputs) for b in range(blocks)]
            setattr(self, f"layer{i + 1}", nn.Sequential(*layer))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))


class Normalisation(nn.Module):
    """Generalised divisive normalisation (Balle et al. 2016) and its inverse, written as compression networks export it: constrained
    parameters, a 1x1 convolution of the squares, a square root."""

    def __init__(self, channels, inverse):
        super().__init__()
        self.inverse = inverse
        self.beta = nn.Parameter(torch.rand(channels) + 0.5)
        self.gamma = nn.Parameter(torch.rand(channels, channels) * 0.1 + 0.1 * torch.eye(channels))

    def forward(self, x):
        channels = x.size(1)
        pedestal = 2.0 ** -36
        beta = torch.max(self.beta, torch.full_like(self.beta, 1e-3)) ** 2 - pedestal
        gamma = torch.max(self.gamma, torch.full_like(self.gamma, 2.0 ** -18)) ** 2 - pedestal
        norm = nn.functional.conv2d(x ** 2, gamma.reshape(channels, channels, 1, 1), beta)
        return x * torch.sqrt(norm) if self.inverse else x * torch.rsqrt(norm)


def synthesis():
    return nn.Sequential(nn.Conv2d(3, 24, 5, 2, 2), Normalisation(24, False), nn.Conv2d(24, 24, 5, 2, 2),
                         nn.ConvTranspose2d(24, 24, 5, 2, 2, output_padding=1), Normalisation(24, True),
                         nn.ConvTranspose2d(24, 3, 5, 2, 2, output_padding=1), nn.GELU())


def safetensors(path):
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:8 + size])
    header.pop("__metadata__", None)
    out = {}
    for name, t in header.items():
        first, last = t["data_offsets"]
        values = numpy.frombuffer(raw[8 + size + first:8 + size + last], numpy.float32).reshape(t["shape"])
        out[name] = torch.from_numpy(values.copy())
    return out


def images(path, count=None):
    """The first so many images, or all, as the networks take them, and their labels."""
    z = numpy.load(path)
    offsets = z["offsets"][:None if count is None else count + 1]
    jpeg = z["jpeg"].tobytes()
    pixels = numpy.stack([numpy.asarray(Image.open(io.BytesIO(jpeg[a:b])).convert("RGB")) for a, b in zip(offsets, offsets[1:])])
    x = (pixels / 255.0 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    return numpy.ascontiguousarray(x.transpose(0, 3, 1, 2), numpy.float32), z["labels"][:count]


def compare(program, name, network, x, samples=None):
    """The outputs of both, the largest difference relative to the largest output, and the program's output in int8 where it is
    calibrated with samples, else None."""
    network.eval()
    integers = None
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        files = [str(pathlib.Path(folder) / f) for f in ("net.onnx", "in.npy", "out.npy", "samples.npy")]
        torch.onnx.export(network, torch.from_numpy(x[:1]), files[0], opset_version=13)
        numpy.save(files[1], x)
        expected = torch.cat([network(torch.from_numpy(b)) for b in numpy.array_split(x, max(1, len(x) // 100))]).numpy()
        subprocess.run([program, "run", files[0], files[1], "-o", files[2]], check=True, stdout=subprocess.DEVNULL)
        found = numpy.load(files[2])
        if samples is not None:
            numpy.save(files[3], samples)
            subprocess.run([program, "run", *files[:2], "-o", files[2], "--int8", files[3]], check=True, stdout=subprocess.DEVNULL)
            integers = numpy.load(files[2])
    if found.shape != expected.shape:
        sys.exit(f"{name}: shape {found.shape}, expected {expected.shape}")
    return found, expected, float(numpy.abs(found - expected).max() / numpy.abs(expected).max()), integers


def main():
    program = sys.argv[1]
    failed = False
    torch.manual_seed(4)
    if len(sys.argv) > 2:
        data = pathlib.Path(sys.argv[2])
        x, labels = images(data / "cifar10/test_images.npz")
        samples, _ = images(data / "cifar10/train_images.npz", CALIBRATION_IMAGES)
        for depth in (20, 56):
            network = CifarResNet(depth)
            weights = safetensors(data / f"backbones/resnet{depth}_cifar10_jpeg.safetensors")
            missing, unexpected = network.load_state_dict(weights, strict=False)
            if unexpected or any(not m.endswith("num_batches_tracked") for m in missing):
                sys.exit(f"resnet{depth}: weights do not fit: {missing} {unexpected}")
            found, expected, difference, integers = compare(program, f"resnet{depth}", network, x, samples)
            ours, theirs, int8 = ((out.argmax(1) == labels).mean() * 100 for out in (found, expected, integers))
            print(f"resnet{depth}_cifar10_jpeg: difference {difference:.1e}, top-1 {ours:.2f} %, PyTorch {theirs:.2f} %, int8 {int8:.2f} %, "
                  f"{len(x)} images")
            failed = failed or not difference <= LIMIT or abs(ours - theirs) > 0.02 or not ours - int8 <= INT8_LOSS
    for name in ("resnet50", "mobilenet_v2", "vgg16", "squeezenet1_1", "efficientnet_b0", "densenet121", "gdn"):
        network = synthesis() if name == "gdn" else getattr(torchvision.models, name)()
        _, _, difference, _ = compare(program, name, network, numpy.random.default_rng(5).random((2, 3, 224, 224), numpy.float32) - 0.5)
        print(f"{name}: difference {difference:.1e}")
        failed = failed or not difference <= LIMIT
    sys.exit(failed)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main()
