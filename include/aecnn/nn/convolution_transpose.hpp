// ConvTranspose: every input pixel adds its value times the kernel to the output, `strides` apart (ONNX, opset 13; auto_pad
// NOTSET or VALID). Extent: stride * (in - 1) + output_padding + dilation * (kernel - 1) + 1 - pads.
// A direct loop over taps and rows. Cost: C * M/groups * taps multiply-adds an input pixel.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include <aecnn/core/error.hpp>
#include <aecnn/nn/convolution.hpp>
#include <aecnn/nn/node_reader.hpp>
#include <aecnn/nn/operation.hpp>
#include <aecnn/nn/window.hpp>

namespace aecnn::nn {

class convolution_transpose final : public operation {
public:
  convolution_transpose(convolution_weights weights, const window& w, std::array<std::int64_t, 2> output_padding)
      : weights_(std::move(weights)), window_(w), output_padding_(output_padding) {}

  result<shape3> output_shape(std::span<const shape3> in) const override {
    if (auto s = weights_.expect_channels(in[0].channels); !s) return s.error();
    const std::int64_t extent[2] = {static_cast<std::int64_t>(in[0].height), static_cast<std::int64_t>(in[0].width)};
    std::int64_t out[2];
    for (std::size_t i = 0; i < 2; ++i) {
      out[i] = window_.strides[i] * (extent[i] - 1) + output_padding_[i] + window_.span(i) - window_.pads[i] -
               window_.pads[i + 2];
      if (out[i] < 1)
        return aecnn::detail::fail(errc::bad_shape, "input of ", aecnn::to_string(in[0]),
                                   " leaves no output after the padding is cut off");
    }
    return shape3{weights_.outputs, static_cast<std::size_t>(out[0]), static_cast<std::size_t>(out[1])};
  }

  std::uint64_t multiply_adds(std::span<const shape3> in) const override {
    return std::uint64_t{in[0].area()} * weights_.values.size();
  }

  void run(std::span<const operand> in, float* out, shape3 shape, float*) const noexcept override {
    const std::size_t group_inputs = weights_.inputs / weights_.groups, taps = window_.taps();
    const std::size_t group_outputs = weights_.outputs / weights_.groups, area = in[0].shape.area();
    for (std::size_t m = 0; m < weights_.outputs; ++m, out += shape.area()) {
      std::fill_n(out, shape.area(), weights_.bias[m]);
      const std::size_t first = m / group_outputs * group_inputs;
      for (std::size_t c = first; c < first + group_inputs; ++c) {
        const float* w = weights_.values.data() + (c * group_outputs + m % group_outputs) * taps;
        for (std::size_t t = 0; t < taps; ++t) add_tap(in[0].data + c * area, in[0].shape, w[t], t, out, shape);
      }
      weights_.after.apply(out, shape.area());
    }
  }

  bool fold(const channel_affine& f) override {
    const std::size_t taps = window_.taps(), group_outputs = weights_.outputs / weights_.groups;
    const std::size_t group_inputs = weights_.inputs / weights_.groups;
    return weights_.fold(f, [=](std::size_t i) {
      const std::size_t c = i / (taps * group_outputs);
      return c / group_inputs * group_outputs + i / taps % group_outputs;
    });
  }
  bool fuse(const activation& a) override { return weights_.fuse(a); }
  void seal() override {
    if (weights_.bias.empty()) weights_.bias.resize(weights_.outputs);
  }

private:
  /// The input positions that tap offset `tap` (dilated, before the padding is cut off) maps into 0..out_extent.
  static std::array<std::int64_t, 2> covered(std::int64_t offset, std::int64_t stride, std::size_t in_extent,
                                             std::size_t out_extent) noexcept {
    const std::int64_t begin = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
    const std::int64_t room = static_cast<std::int64_t>(out_extent) - 1 - offset;
    const std::int64_t end = room < 0 ? 0 : std::min(static_cast<std::int64_t>(in_extent), room / stride + 1);
    return {begin, end};
  }

  void add_tap(const float* in, const shape3& from, float w, std::size_t tap, float* out,
               const shape3& to) const noexcept {
    const std::int64_t ky = static_cast<std::int64_t>(tap) / window_.kernel[1];
    const std::int64_t kx = static_cast<std::int64_t>(tap) % window_.kernel[1];
    const std::int64_t dy = ky * window_.dilations[0] - window_.pads[0];
    const std::int64_t dx = kx * window_.dilations[1] - window_.pads[1];
    const std::int64_t sy = window_.strides[0], sx = window_.strides[1];
    const auto rows = covered(dy, sy, from.height, to.height), columns = covered(dx, sx, from.width, to.width);
    for (std::int64_t y = rows[0]; y < rows[1]; ++y) {
      const float* p = in + y * static_cast<std::int64_t>(from.width);
      float* q = out + (y * sy + dy) * static_cast<std::int64_t>(to.width);
      for (std::int64_t x = columns[0]; x < columns[1]; ++x) q[x * sx + dx] += w * p[x];
    }
  }

  convolution_weights weights_;
  window window_;
  std::array<std::int64_t, 2> output_padding_;
};

inline result<std::unique_ptr<operation>> make_convolution_transpose(node_reader& r, instruction_set) {
  r.expect_attributes({"auto_pad", "dilations", "group", "kernel_shape", "output_padding", "pads", "strides"});
  const weight* w = read_convolution_weight(r);
  if (w == nullptr) return r.error();
  convolution_weights weights = read_convolution_weights(r, *w, true);
  const window window = read_window(r, w->shape);
  const auto output_padding = r.integers<2>("output_padding", 0, 0, window_limit);
  if (window.mode == window::padding::same_upper || window.mode == window::padding::same_lower)
    r.fail(errc::unsupported, "attribute 'auto_pad' SAME_UPPER and SAME_LOWER are not supported, use 'pads'");
  for (std::size_t i = 0; i < 2; ++i)
    if (output_padding[i] >= std::max(window.strides[i], window.dilations[i]))
      r.fail(errc::bad_field, "attribute 'output_padding' is ", output_padding[i],
             ", expected less than the stride or the dilation");
  if (r.failed()) return r.error();
  return std::unique_ptr<operation>(
      std::make_unique<convolution_transpose>(std::move(weights), window, output_padding));
}

} // namespace aecnn::nn
