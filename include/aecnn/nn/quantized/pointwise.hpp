// A 1x1 convolution at the end of an integer network: pixels instead of channels lie in the vectors, so that the floats
// are stored channels-first without a pass of their own. The values are those of the byte convolution and the
// dequantisation after it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/nn/quantized/convolution.hpp>
#include <aecnn/nn/quantized/kernel_set.hpp>
#include <aecnn/nn/quantized/steps.hpp>

namespace aecnn::nn {

class pointwise_floats final : public step {
public:
  /// `quantized` tells the output's scale and zero point; its buffer is not used.
  pointwise_floats(const integer_convolution& c, const quantized_kernel_set& kernels, const byte_operand& from,
                   const byte_operand& quantized, std::size_t to)
      : kernels_(kernels), from_(from), rule_(detail::make_rule(c.shape.after, quantized, nullptr)),
        scale_(quantized.scale), to_(to), outputs_(c.shape.spec.outputs), groups_((c.shape.spec.inputs + 3) / 4),
        rows_(best_tile(outputs_, kernels.most_pixels)) {
    reads = {from.buffer};
    writes = {to};
    const std::size_t depth = c.shape.spec.inputs;
    weights_.resize(outputs_ * groups_ * 4);
    for (std::size_t first = 0; first < outputs_; first += rows_) {
      const std::size_t n = std::min(rows_, outputs_ - first);
      std::int8_t* to_weights = weights_.data() + first * groups_ * 4;
      for (std::size_t m = 0; m < n; ++m) {
        std::int32_t sum = 0;
        for (std::size_t k = 0; k < depth; ++k) {
          const std::int32_t w = c.weight(first + m, k, 0);
          sum += w;
          to_weights[(k / 4 * n + m) * 4 + k % 4] = static_cast<std::int8_t>(w);
        }
        bias_.push_back(c.integers.bias[first + m] - from.zero * sum);
        tables_.add(detail::channel_factor(from.scale, c.integers.scales[first + m], quantized.scale));
      }
    }
  }

  std::size_t units() const override { return from_.layout.batch * strips(); }
  std::size_t workspace() const override { return groups_ * width(); }
  void run(buffer_table buffers, std::size_t first, std::size_t last, float* workspace) const noexcept override {
    auto* panel = reinterpret_cast<std::uint8_t*>(workspace);
    const plane_layout& l = from_.layout;
    const std::size_t area = l.height * l.width;
    for (std::size_t u = first; u < last; ++u) {
      const std::size_t n = u / strips(), start = strip_of(u), pixels = std::min(width(), row_end(start) - start);
      const auto y = static_cast<std::ptrdiff_t>(start / l.width), x = static_cast<std::ptrdiff_t>(start % l.width);
      kernels_.gather(from_.data(buffers) + l.at(n, y, x), l.channels, pixels, groups_, panel);
      quantized_rows a{};
      a.panel = panel;
      a.groups = groups_;
      a.rule = rule_;
      a.scale = scale_;
      a.plane = area;
      a.pixels = pixels;
      for (std::size_t m = 0; m < outputs_; m += rows_) {
        a.weights = weights_.data() + m * groups_ * 4;
        a.bias = bias_.data() + m;
        a.rule.multipliers = tables_.multipliers.data() + m;
        a.rule.shifts = tables_.shifted ? tables_.shifts.data() + m : nullptr;
        a.out = buffers[to_] + (n * outputs_ + m) * area + start;
        kernels_.rows[std::min(rows_, outputs_ - m) - 1](a);
      }
    }
  }

private:
  std::size_t width() const noexcept { return quantized_lanes * kernels_.most_vectors; }
  /// A strip is part of the plane, or of a row where there is a border between the rows.
  bool flat() const noexcept { return from_.layout.border == 0; }
  std::size_t line() const noexcept { return flat() ? from_.layout.height * from_.layout.width : from_.layout.width; }
  std::size_t strips_of_line() const noexcept { return (line() + width() - 1) / width(); }
  std::size_t strips() const noexcept { return flat() ? strips_of_line() : strips_of_line() * from_.layout.height; }
  std::size_t strip_of(std::size_t unit) const noexcept {
    const std::size_t s = unit % strips();
    return s / strips_of_line() * line() + s % strips_of_line() * width();
  }
  std::size_t row_end(std::size_t pixel) const noexcept { return (pixel / line() + 1) * line(); }

  const quantized_kernel_set& kernels_;
  byte_operand from_;
  output_rule rule_;
  float scale_;
  std::size_t to_, outputs_, groups_, rows_;
  std::vector<std::int8_t> weights_;
  std::vector<std::int32_t> bias_;
  detail::rescale_tables tables_;
};

} // namespace aecnn::nn
