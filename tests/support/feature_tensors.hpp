// Feature tensors for tests, by integer arithmetic: every element is a multiple of 1/8 of magnitude below 16, so that
// float, double, the 16-bit floating-point types and 8-bit integers with scale 1/8 hold it exactly.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/core/tensor_view.hpp>

#include <random.hpp>

namespace feature_tensors {

inline constexpr float unit = 0.125F;

/// Elements [C,H,W] in eighths, -127..127: a few smooth patterns mixed into all channels, with noise; the later channels
/// are weaker. Negative elements become 0 where `rectified`, as behind a ReLU.
inline std::vector<std::int8_t> eighths(aecnn::shape3 shape, std::uint64_t seed, bool rectified) {
  random_integers random(seed);
  constexpr std::size_t patterns = 4, coarse = 5;
  // Patterns are bilinear between random numbers on a coarse grid.
  std::int32_t grid[patterns][coarse][coarse];
  for (auto& pattern : grid)
    for (auto& row : pattern)
      for (auto& v : row) v = random.between(-100, 100);
  const auto at = [&](std::size_t k, std::size_t y, std::size_t x) {
    const auto place = [](std::size_t i, std::size_t n, std::size_t& cell) {
      const std::size_t p = n > 1 ? i * (coarse - 1) * 16 / (n - 1) : 0;
      cell = p / 16 < coarse - 1 ? p / 16 : coarse - 2;
      return static_cast<std::int32_t>(p - cell * 16);
    };
    std::size_t cy = 0, cx = 0;
    const std::int32_t fy = place(y, shape.height, cy), fx = place(x, shape.width, cx);
    return (grid[k][cy][cx] * (16 - fy) * (16 - fx) + grid[k][cy][cx + 1] * (16 - fy) * fx + grid[k][cy + 1][cx] * fy * (16 - fx) +
            grid[k][cy + 1][cx + 1] * fy * fx) / 256;
  };
  std::vector<std::int32_t> smooth(patterns * shape.area());
  for (std::size_t k = 0; k < patterns; ++k)
    for (std::size_t y = 0; y < shape.height; ++y)
      for (std::size_t x = 0; x < shape.width; ++x) smooth[(k * shape.height + y) * shape.width + x] = at(k, y, x);
  std::vector<std::int8_t> out(shape.size());
  // The mixture is a property of the network, not of the tensor.
  random_integers mixture(77);
  for (std::size_t c = 0; c < shape.channels; ++c) {
    std::int32_t gain[patterns];
    for (auto& g : gain) g = mixture.between(-60, 60);
    const auto weaker = static_cast<std::int32_t>(1 + c * 3 / shape.channels);
    for (std::size_t i = 0; i < shape.area(); ++i) {
      std::int32_t v = random.between(-300, 300);
      for (std::size_t k = 0; k < patterns; ++k) v += gain[k] * smooth[k * shape.area() + i];
      v /= 64 * weaker;
      v = v > 127 ? 127 : v < -127 ? -127 : v;
      out[c * shape.area() + i] = static_cast<std::int8_t>(rectified && v < 0 ? 0 : v);
    }
  }
  return out;
}

/// The same as numbers.
template <class T = float>
std::vector<T> values(const std::vector<std::int8_t>& elements) {
  std::vector<T> out;
  out.reserve(elements.size());
  for (const auto v : elements) out.push_back(static_cast<T>(static_cast<float>(v) * unit));
  return out;
}
inline std::vector<float> make(aecnn::shape3 shape, std::uint64_t seed, bool rectified = false) {
  return values(eighths(shape, seed, rectified));
}

/// A view of contiguous channels-first values.
inline aecnn::tensor_view<const float> view(const std::vector<float>& v, aecnn::shape3 s) {
  return aecnn::tensor_view<const float>::chw(v.data(), s.channels, s.height, s.width);
}

/// The same elements in another memory layout. `order` lists the axes (0 channel, 1 row, 2 column) from the outermost to the
/// innermost, `gap` elements lie between neighbours of each axis, and axes named in `reversed` (bits) run backwards.
template <class T>
class relaid {
public:
  relaid(const std::vector<T>& chw, aecnn::shape3 shape, const int (&order)[3], std::ptrdiff_t gap, unsigned reversed, T filler)
      : shape_(shape) {
    const std::size_t extents[3] = {shape.channels, shape.height, shape.width};
    std::ptrdiff_t stride = 1 + gap;
    for (int i = 2; i >= 0; --i) {
      strides_[static_cast<std::size_t>(order[i])] = stride;
      stride = stride * static_cast<std::ptrdiff_t>(extents[order[i]]) + gap;
    }
    memory_.assign(static_cast<std::size_t>(stride) + 1, filler);
    for (std::size_t a = 0; a < 3; ++a)
      if ((reversed >> a) & 1U) {
        origin_ += strides_[a] * static_cast<std::ptrdiff_t>(extents[a] - 1);
        strides_[a] = -strides_[a];
      }
    const auto v = view();
    for (std::size_t c = 0; c < shape.channels; ++c)
      for (std::size_t y = 0; y < shape.height; ++y)
        for (std::size_t x = 0; x < shape.width; ++x) v(c, y, x) = chw[(c * shape.height + y) * shape.width + x];
  }
  aecnn::tensor_view<T> view() { return {memory_.data() + origin_, shape_, strides_}; }
  const std::vector<T>& memory() const { return memory_; }

private:
  aecnn::shape3 shape_;
  std::array<std::ptrdiff_t, 3> strides_{};
  std::ptrdiff_t origin_ = 0;
  std::vector<T> memory_;
};

} // namespace feature_tensors
