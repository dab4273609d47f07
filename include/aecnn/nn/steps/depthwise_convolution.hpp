// Depthwise convolution on channels-last tensors: one filter a channel, vectors over the channels. Cost: taps
// multiply-adds an output element.
#pragma once

#include <cstddef>
#include <vector>

#include <aecnn/nn/kernels/kernel_set.hpp>
#include <aecnn/nn/steps/fused_convolution.hpp>
#include <aecnn/nn/steps/step.hpp>

namespace aecnn::nn {

class depthwise_convolution final : public step {
public:
  /// The input's border is at least required_border; a residual has the output's size.
  depthwise_convolution(const fused_convolution& f, const kernel_set& kernels, std::size_t in,
                        const plane_layout& in_layout, std::size_t out, const plane_layout& out_layout,
                        std::size_t residual, const plane_layout& residual_layout)
      : kernels_(kernels), in_(in), out_(out), residual_(residual), has_residual_(f.has_residual),
        in_layout_(in_layout), out_layout_(out_layout), residual_layout_(residual_layout), after_(to_kernel(f.after)),
        bias_(f.bias) {
    reads = {in};
    if (has_residual_) reads.push_back(residual);
    writes = {out};
    const window& w = f.spec.area;
    step_y_ = w.strides[0];
    step_x_ = w.strides[1];
    const std::size_t channels = f.spec.outputs, taps = f.taps(), kernel_width = static_cast<std::size_t>(w.kernel[1]);
    weights_.resize(taps * channels);
    for (std::size_t t = 0; t < taps; ++t) {
      const auto y = static_cast<std::int64_t>(t / kernel_width) * w.dilations[0] - w.before[0];
      const auto x = static_cast<std::int64_t>(t % kernel_width) * w.dilations[1] - w.before[1];
      offsets_.push_back(y * static_cast<std::ptrdiff_t>(in_layout.row()) +
                         x * static_cast<std::ptrdiff_t>(in_layout.channels));
      for (std::size_t c = 0; c < channels; ++c) weights_[t * channels + c] = f.weight(c, 0, t);
    }
  }
  std::size_t units() const override { return out_layout_.batch * out_layout_.height; }
  void run(buffer_table buffers, std::size_t first, std::size_t last, float*) const noexcept override {
    depthwise_arguments a{};
    a.in_pixel = step_x_ * static_cast<std::ptrdiff_t>(in_layout_.channels);
    a.offsets = offsets_.data();
    a.taps = offsets_.size();
    a.channels = out_layout_.channels;
    a.weights = weights_.data();
    a.bias = bias_.data();
    a.pixels = out_layout_.width;
    a.act = after_.act;
    a.low = after_.low;
    a.high = after_.high;
    for (std::size_t r = first; r < last; ++r) {
      const auto y = static_cast<std::ptrdiff_t>(r % out_layout_.height);
      a.in = buffers[in_] + in_layout_.at(r / out_layout_.height, y * step_y_, 0);
      a.out = buffers[out_] + out_layout_.row_at(r);
      a.residual = has_residual_ ? buffers[residual_] + residual_layout_.row_at(r) : nullptr;
      kernels_.depthwise(a);
    }
  }

private:
  const kernel_set& kernels_;
  std::size_t in_, out_, residual_;
  bool has_residual_;
  plane_layout in_layout_, out_layout_, residual_layout_;
  kernel_activation after_;
  std::ptrdiff_t step_y_ = 1, step_x_ = 1;
  std::vector<std::ptrdiff_t> offsets_;
  std::vector<float> weights_, bias_;
};

} // namespace aecnn::nn
