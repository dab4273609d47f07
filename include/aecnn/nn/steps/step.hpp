// What a network runs: steps that read and write buffers. A step's work is divided into units that may be computed in
// any order and by several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/nn/kernels/kernel_set.hpp>
#include <aecnn/nn/operation.hpp>

namespace aecnn::nn {

/// A channels-last tensor: [batch][border + height + border][border + width + border][channels], the border zero.
struct plane_layout {
  std::size_t batch = 1, height = 1, width = 1, channels = 1, border = 0;

  std::size_t row() const noexcept { return (width + 2 * border) * channels; }
  std::size_t plane() const noexcept { return (height + 2 * border) * row(); }
  std::size_t size() const noexcept { return batch * plane(); }
  std::size_t pixels() const noexcept { return batch * height * width; }
  /// Floats from the start to a pixel; it may lie in the border.
  std::ptrdiff_t at(std::size_t n, std::ptrdiff_t y, std::ptrdiff_t x) const noexcept {
    const auto b = static_cast<std::ptrdiff_t>(border);
    return static_cast<std::ptrdiff_t>(n * plane()) + (y + b) * static_cast<std::ptrdiff_t>(row()) +
           (x + b) * static_cast<std::ptrdiff_t>(channels);
  }
  /// Row `r` of all rows of the batch: floats from the start to its first pixel.
  std::ptrdiff_t row_at(std::size_t r) const noexcept {
    return at(r / height, static_cast<std::ptrdiff_t>(r % height), 0);
  }
};

/// An activation as the kernels take it.
struct kernel_activation {
  int act = 0;
  float low = 0, high = 0;
};
inline kernel_activation to_kernel(const activation& a) noexcept {
  switch (a.type) {
  case activation::kind::clip:
    return {a.high == std::numeric_limits<float>::infinity() ? 3 : 1, a.low, a.high};
  case activation::kind::leaky:
    return {2, a.alpha, 0};
  case activation::kind::none:
    break;
  }
  return {};
}

/// The buffers of a network by number; the pointers of those that a step writes are not const in effect.
using buffer_table = float* const*;

class step {
public:
  step() = default;
  step(const step&) = delete;
  step& operator=(const step&) = delete;
  virtual ~step() = default;

  /// Units of work; at least 1.
  virtual std::size_t units() const { return 1; }
  /// Floats of scratch memory that one call of `run` needs.
  virtual std::size_t workspace() const { return 0; }
  /// Computes units first to last - 1. Allocates nothing. `workspace` is aligned to 64 bytes.
  virtual void run(buffer_table buffers, std::size_t first, std::size_t last, float* workspace) const noexcept = 0;

  std::vector<std::size_t> reads, writes; ///< buffers, for the memory plan
  /// Buffers whose border is to be made zero before this step writes them.
  std::vector<std::pair<std::size_t, plane_layout>> borders;
  std::string label; ///< for messages and profiles
  std::uint64_t multiply_adds = 0;
};

/// Makes the border of a channels-last buffer zero.
inline void clear_border(float* data, const plane_layout& l) noexcept {
  if (l.border == 0) return;
  const std::size_t edge = l.border * l.channels, inner = l.width * l.channels;
  const auto zero = [](float* p, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) p[i] = 0;
  };
  for (std::size_t n = 0; n < l.batch; ++n, data += l.plane()) {
    zero(data, l.border * l.row() + edge);
    float* p = data + l.border * l.row() + edge + inner;
    for (std::size_t y = 0; y + 1 < l.height; ++y, p += l.row()) zero(p, 2 * edge);
    zero(p, edge + l.border * l.row());
  }
}

} // namespace aecnn::nn
