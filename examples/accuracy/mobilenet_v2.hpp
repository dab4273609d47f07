// MobileNetV2 as Keras defines it, with batch normalisation folded into the convolutions, up to a layer: a head whose
// weights come from a safetensors file instead of an ONNX file.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <aecnn/io/safetensors.hpp>
#include <aecnn/nn/build.hpp>

#include "input_error.hpp"

namespace accuracy {

class mobilenet_v2 {
public:
  /// The network from the image [3,H,W] to the output of `layer`, features.0 to features.18; `file` is for messages.
  static aecnn::nn::graph head(const aecnn::io::safetensors& weights, const std::filesystem::path& file,
                               std::string_view layer) {
    constexpr std::string_view prefix = "features.";
    std::size_t last = 0;
    const auto digits = layer.substr(layer.starts_with(prefix) ? prefix.size() : 0);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), last);
    if (!layer.starts_with(prefix) || parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size() ||
        last > 18)
      fail(file, "no layer '" + std::string(layer) + "' in mobilenet_v2_keras, expected features.0 to features.18");
    mobilenet_v2 m(weights, file);
    std::string x = m.rectified(m.convolution("x", "features.0", 3, 2, 1));
    std::size_t inputs = m.outputs_;
    for (std::size_t i = 1; i <= last && i < 18; ++i) {
      x = m.block(std::move(x), prefixed(i), inputs, stride_of(i));
      inputs = m.outputs_;
    }
    if (last == 18) x = m.rectified(m.convolution(std::move(x), "features.18", 1, 1, 1));
    aecnn::nn::finish(m.graph_, x);
    return std::move(m.graph_);
  }

private:
  mobilenet_v2(const aecnn::io::safetensors& weights, const std::filesystem::path& file)
      : weights_(weights), file_(file), graph_(aecnn::nn::start("mobilenet_v2_keras")) {}

  static std::string prefixed(std::size_t i) { return "features." + std::to_string(i); }
  /// Of the inverted residual block i: 2 for the first of those with 24, 32, 64 and 160 channels.
  static std::int64_t stride_of(std::size_t i) { return i == 2 || i == 4 || i == 7 || i == 14 ? 2 : 1; }

  std::string rectified(std::string x) { return aecnn::nn::clip(graph_, std::move(x), 0, 6); }

  /// Inverted residual: expand, filter each channel, project; plus the input where the shape stays the same.
  std::string block(std::string x, const std::string& name, std::size_t inputs, std::int64_t stride) {
    std::string y = x;
    std::size_t channels = inputs;
    if (weights_.find(name + ".expand.weight") != nullptr) {
      y = rectified(convolution(std::move(y), name + ".expand", 1, 1, 1));
      channels = outputs_;
    }
    y = rectified(convolution(std::move(y), name + ".depthwise", 3, stride, static_cast<std::int64_t>(channels)));
    y = convolution(std::move(y), name + ".project", 1, 1, 1);
    return stride == 1 && inputs == outputs_ ? aecnn::nn::add(graph_, std::move(x), std::move(y)) : y;
  }

  /// A convolution with bias; Keras pads even extents at stride 2 below and to the right alone.
  std::string convolution(std::string x, const std::string& name, std::size_t kernel, std::int64_t stride,
                          std::int64_t groups) {
    const auto shape = in_file(file_, weights_.shape(name + ".weight"));
    if (shape.size() != 4 || shape[2] != kernel || shape[3] != kernel)
      fail(file_, "tensor '" + name + ".weight' has not the shape [M,C," + std::to_string(kernel) + "," +
                      std::to_string(kernel) + "]");
    outputs_ = shape[0];
    aecnn::nn::conv_options o;
    o.strides = {stride, stride};
    o.groups = groups;
    if (kernel == 3) {
      const std::int64_t before = stride == 1 ? 1 : 0;
      o.pads = {before, before, 1, 1};
    }
    return aecnn::nn::conv(graph_, std::move(x), {shape.begin(), shape.end()},
                           in_file(file_, weights_.floats(name + ".weight")),
                           in_file(file_, weights_.floats(name + ".bias")), o);
  }

  const aecnn::io::safetensors& weights_;
  const std::filesystem::path& file_;
  aecnn::nn::graph graph_;
  std::size_t outputs_ = 0; ///< channels of the last convolution
};

} // namespace accuracy
