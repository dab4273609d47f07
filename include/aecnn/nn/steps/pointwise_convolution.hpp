// 1x1 convolution whose output is channels-first: vectors lie over the pixels, so that the output needs no
// rearrangement. The input may be channels-first or channels-last; a panel of two vectors of pixels is gathered once
// and multiplied by all rows of weights.
// Cost: M * C multiply-adds a pixel.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include <aecnn/nn/kernels/kernel_set.hpp>
#include <aecnn/nn/steps/fused_convolution.hpp>
#include <aecnn/nn/steps/step.hpp>

namespace aecnn::nn {

class pointwise_convolution final : public step {
public:
  /// `layout` is the input's; `channels_first` tells whether it is stored so (then it has no border).
  pointwise_convolution(const fused_convolution& f, const kernel_set& kernels, std::size_t in,
                        const plane_layout& layout, bool channels_first, std::size_t out)
      : kernels_(kernels), in_(in), out_(out), layout_(layout), channels_first_(channels_first), depth_(f.spec.inputs),
        outputs_(f.spec.outputs), after_(to_kernel(f.after)), bias_(f.bias) {
    reads = {in};
    writes = {out};
    // As many panels as stay in the first-level cache, for longer runs of stores, but enough groups for several
    // threads.
    const std::size_t pixels = 2 * kernels.width, panels = (layout.height * layout.width + pixels - 1) / pixels;
    together_ = std::clamp<std::size_t>((std::size_t{32} << 10) / (depth_ * pixels * sizeof(float)), 1,
                                        std::clamp<std::size_t>(panels / 16, 1, 4));
    // Rows of as equal size as the tiles allow.
    const std::size_t most = kernels.most_rows, groups = (outputs_ + most - 1) / most;
    weights_.resize(outputs_ * depth_);
    std::size_t first = 0;
    for (std::size_t g = 0; g < groups; ++g) {
      const std::size_t n = std::min(outputs_ - first, (outputs_ - first + groups - g - 1) / (groups - g));
      for (std::size_t k = 0; k < depth_; ++k)
        for (std::size_t i = 0; i < n; ++i) weights_[first * depth_ + k * n + i] = f.weight(first + i, k, 0);
      rows_.push_back(n);
      first += n;
    }
  }
  std::size_t units() const override { return layout_.batch * groups(); }
  std::size_t workspace() const override { return together_ * depth_ * 2 * kernels_.width; }
  void run(buffer_table buffers, std::size_t first, std::size_t last, float* workspace) const noexcept override {
    const std::size_t area = layout_.height * layout_.width, wide = 2 * kernels_.width;
    row_tile_arguments a{};
    a.depth = depth_;
    a.plane = area;
    a.act = after_.act;
    a.low = after_.low;
    a.high = after_.high;
    for (std::size_t u = first; u < last; ++u) {
      const std::size_t item = u / groups(), begin = u % groups() * together_ * wide,
                        end = std::min(area, begin + together_ * wide);
      for (std::size_t pixel = begin; pixel < end; pixel += wide)
        fill(buffers[in_], item, pixel, std::min(wide, area - pixel), workspace + (pixel - begin) * depth_);
      float* const out = buffers[out_] + item * outputs_ * area;
      std::size_t row = 0;
      for (const std::size_t n : rows_) {
        a.weights = weights_.data() + row * depth_;
        a.bias = bias_.data() + row;
        for (std::size_t pixel = begin; pixel < end; pixel += wide) {
          a.panel = workspace + (pixel - begin) * depth_;
          a.pixels = std::min(wide, area - pixel);
          a.out = out + row * area + pixel;
          kernels_.rows[n - 1](a);
        }
        row += n;
      }
    }
  }

private:
  /// Groups of panels that go through the weights together.
  std::size_t groups() const noexcept {
    const std::size_t pixels = together_ * 2 * kernels_.width;
    return (layout_.height * layout_.width + pixels - 1) / pixels;
  }
  void fill(const float* in, std::size_t item, std::size_t pixel, std::size_t n, float* panel) const noexcept {
    const std::size_t wide = 2 * kernels_.width, area = layout_.height * layout_.width;
    if (channels_first_) {
      const float* from = in + item * depth_ * area + pixel;
      if (n == wide) return kernels_.gather(from, area, depth_, panel, together_ * wide);
      for (std::size_t k = 0; k < depth_; ++k, from += area, panel += wide) {
        std::memcpy(panel, from, n * sizeof(float));
        std::memset(panel + n, 0, (wide - n) * sizeof(float));
      }
      return;
    }
    if (n < wide)
      for (std::size_t i = 0; i < depth_ * wide; ++i) panel[i] = 0;
    for (std::size_t i = 0; i < n;) { // runs of pixels that lie in one row
      const std::size_t y = (pixel + i) / layout_.width, x = (pixel + i) % layout_.width;
      const std::size_t run = layout_.border == 0 ? n - i : std::min(n - i, layout_.width - x);
      kernels_.transpose(in + layout_.at(item, static_cast<std::ptrdiff_t>(y), static_cast<std::ptrdiff_t>(x)),
                         layout_.channels, run, depth_, panel + i, wide);
      i += run;
    }
  }

  const kernel_set& kernels_;
  std::size_t in_, out_;
  plane_layout layout_;
  bool channels_first_;
  std::size_t depth_, outputs_, together_ = 1;
  kernel_activation after_;
  std::vector<float> weights_, bias_;
  std::vector<std::size_t> rows_;
};

} // namespace aecnn::nn
