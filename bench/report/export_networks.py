#!/usr/bin/env python3
"""Writes the networks of bench_networks: NAME.onnx (opset 13, batch 1, random weights), NAME.in.npy and NAME.out.npy, what
PyTorch computes in double precision.

    python3 export_networks.py FOLDER        needs PyTorch, torchvision and onnx (Debian: python3-torch python3-torchvision python3-onnx)

D1 to D4 rebuild feature tensors (1x1; 1x1, 3x3, 1x1; transposed 4x4, 3x3, 1x1; two 3x3, pixel shuffle, 3x3), D5 is what follows the first
stage of a ResNet-20 for CIFAR, D6 is channel attention, D7 what follows the first stage of a ResNet-50. D2.qlinear.onnx is D2 in
integers (QLinearConv), for ONNX Runtime to be timed in int8.
"""
import pathlib
import sys

import numpy
import onnx
import torch
import torchvision
from onnx import helper, numpy_helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def block(inputs, outputs, kernel):
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


class Residual(nn.Module):
    """Basic block of He et al. 2015 with shortcut A: every second pixel, zeros for the channels that are new."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.new = outputs - inputs
        self.stride = 2 if self.new else 1
        self.main = nn.Sequential(nn.Conv2d(inputs, outputs, 3, self.stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
                                  nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x
        if self.new:
            shortcut = nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.new // 2, self.new // 2))
        return torch.relu(self.main(x) + shortcut)


class Attention(nn.Module):
    """Channel attention of Woo et al., CBAM, 2018."""

    def __init__(self, channels, hidden):
        super().__init__()
        self.shared = nn.Sequential(nn.Conv2d(channels, hidden, 1, bias=False), nn.ReLU(), nn.Conv2d(hidden, channels, 1, bias=False))

    def forward(self, x):
        average = self.shared(nn.functional.adaptive_avg_pool2d(x, 1))
        return x * torch.sigmoid(average + self.shared(nn.functional.adaptive_max_pool2d(x, 1)))


def networks():
    resnet50 = torchvision.models.resnet50()
    yield "D1", block(64, 256, 1), (64, 56, 56)
    yield "D2", nn.Sequential(block(32, 128, 1), block(128, 128, 3), block(128, 512, 1)), (32, 28, 28)
    yield "D3", nn.Sequential(nn.ConvTranspose2d(16, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(), block(64, 64, 3),
                              nn.Conv2d(64, 256, 1)), (16, 14, 14)
    yield "D4", nn.Sequential(block(4, 32, 3), block(32, 32, 3), nn.PixelShuffle(2), nn.Conv2d(8, 16, 3, padding=1)), (4, 8, 8)
    yield "D5", nn.Sequential(Residual(16, 32), Residual(32, 32), Residual(32, 32), Residual(32, 64), Residual(64, 64),
                              Residual(64, 64), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)), (16, 32, 32)
    yield "D6", Attention(256, 16), (256, 56, 56)
    yield "D7", nn.Sequential(resnet50.layer2, resnet50.layer3, resnet50.layer4, resnet50.avgpool, nn.Flatten(), resnet50.fc), (256, 56, 56)


def value_range(values):
    """Scale and zero point that map the range of the values, 0 included, to uint8."""
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    scale = (high - low) / 255 or 1.0
    return numpy.float32(scale), numpy.uint8(round(-low / scale))


def integer_form(blocks, x):
    """A chain of blocks (convolution, normalisation, rectifier; stride 1) as QuantizeLinear, one QLinearConv a block and DequantizeLinear:
    uint8 values by their range for the input x [1,C,H,W], int8 weights by the largest of each output channel. The rectifiers are the
    lower ends of the ranges."""
    nodes, constants, y = [], [], x

    def constant(name, value):
        constants.append(numpy_helper.from_array(numpy.asarray(value), name))
        return name

    def quantized(name, values):
        scale, zero = value_range(values)
        return scale, [constant(f"{name}_scale", scale), constant(f"{name}_zero", zero)]

    scale, parameters = quantized("x", x)
    nodes.append(helper.make_node("QuantizeLinear", ["x", *parameters], ["x_quantized"]))
    name = "x"
    for i, (convolution, normalisation, _) in enumerate(blocks):
        fused = fuse_conv_bn_eval(convolution, normalisation)
        weight, bias = fused.weight.detach().numpy(), fused.bias.detach().numpy()
        steps = (numpy.abs(weight).max(axis=(1, 2, 3)) / 127).astype(numpy.float32)
        y = torch.relu(fused(y)).detach()
        output = f"y{i}"
        inputs = [f"{name}_quantized", *parameters,
                  constant(f"{output}_weight", numpy.rint(weight / steps[:, None, None, None]).astype(numpy.int8)),
                  constant(f"{output}_steps", steps), constant(f"{output}_offsets", numpy.zeros(len(steps), numpy.int8))]
        units = scale * steps
        scale, parameters = quantized(output, y)
        inputs += [*parameters, constant(f"{output}_bias", numpy.rint(bias / units).astype(numpy.int32))]
        nodes.append(helper.make_node("QLinearConv", inputs, [f"{output}_quantized"], kernel_shape=list(convolution.kernel_size),
                                      pads=2 * list(convolution.padding)))
        name = output
    nodes.append(helper.make_node("DequantizeLinear", [f"{name}_quantized", *parameters], ["y"]))
    shapes = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, list(v.shape)) for n, v in (("x", x), ("y", y))]
    graph = helper.make_graph(nodes, "integers", shapes[:1], shapes[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7  # what opset 13 came with; helper takes the newest, which older engines refuse
    onnx.checker.check_model(model)
    return model


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(20)
    for name, network, shape in networks():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):  # as after training
                nn.init.normal_(module.running_mean, std=0.1)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
        network.eval()
        x = torch.rand(1, *shape) - 0.3
        torch.onnx.export(network, x, str(folder / f"{name}.onnx"), opset_version=13, input_names=["x"], output_names=["y"])
        if name == "D2":
            onnx.save(integer_form(network, x), str(folder / f"{name}.qlinear.onnx"))
        with torch.no_grad():
            y = network.double()(x.double())
        numpy.save(folder / f"{name}.in.npy", x.numpy())
        numpy.save(folder / f"{name}.out.npy", y.float().numpy())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
