// Feature tensors made by a formula, for shapes of which no real ones are at hand: smooth random fields shared by
// several channels, a little noise, and a bias and ReLU that leave about half of the elements zero. Close to real ones
// in what costs time (sparsity, correlation between channels and between neighbours), not in what a network sees in
// them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <aecnn/core/tensor_view.hpp>

namespace bench {

/// SplitMix64 (Steele, Lea, Flood, 2014): the same numbers on every machine.
class random_numbers {
public:
  explicit random_numbers(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  /// In -1..1.
  float uniform() {
    return static_cast<float>(static_cast<std::int64_t>(next() >> 40) - (1 << 23)) / static_cast<float>(1 << 23);
  }
  /// Bell-shaped, variance 1.
  float bell() { return uniform() + uniform() + uniform(); }

private:
  std::uint64_t state_;
};

struct feature_tensors {
  aecnn::shape3 shape;
  std::vector<std::vector<float>> values; ///< [C,H,W] each

  aecnn::tensor_view<const float> operator[](std::size_t i) const {
    return aecnn::tensor_view<const float>::chw(values[i].data(), shape.channels, shape.height, shape.width);
  }
  std::vector<aecnn::tensor_view<const float>> views() const {
    std::vector<aecnn::tensor_view<const float>> v;
    for (std::size_t i = 0; i < values.size(); ++i) v.push_back((*this)[i]);
    return v;
  }
};

/// A random field that changes over about four pixels: bell-shaped numbers on a coarse grid, interpolated.
inline std::vector<float> smooth_field(random_numbers& random, std::size_t height, std::size_t width) {
  constexpr std::size_t pitch = 4;
  const std::size_t columns = width / pitch + 2, rows = height / pitch + 2;
  std::vector<float> grid(rows * columns), field(height * width);
  for (float& v : grid) v = random.bell();
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x) {
      const float* g = grid.data() + y / pitch * columns + x / pitch;
      const float v = static_cast<float>(y % pitch) / pitch, h = static_cast<float>(x % pitch) / pitch;
      field[y * width + x] = (1 - v) * ((1 - h) * g[0] + h * g[1]) + v * ((1 - h) * g[columns] + h * g[columns + 1]);
    }
  return field;
}

/// `count` tensors of one imaginary network; the same ones every time.
inline feature_tensors synthetic_features(aecnn::shape3 shape, std::size_t count) {
  feature_tensors t{shape, {}};
  random_numbers network(shape.channels);
  const std::size_t sources = std::clamp<std::size_t>(shape.channels / 4, 1, 16);
  std::vector<float> mixing(shape.channels * sources), bias(shape.channels);
  for (float& v : mixing) v = network.bell() / 2;
  for (float& v : bias) v = network.uniform();
  for (std::size_t n = 0; n < count; ++n) {
    random_numbers random(n + 1);
    std::vector<std::vector<float>> fields;
    for (std::size_t s = 0; s < sources; ++s) fields.push_back(smooth_field(random, shape.height, shape.width));
    std::vector<float> x(shape.size());
    for (std::size_t c = 0; c < shape.channels; ++c) {
      float* channel = x.data() + c * shape.area();
      for (std::size_t i = 0; i < shape.area(); ++i) {
        float v = bias[c] + 0.2F * random.bell();
        for (std::size_t s = 0; s < sources; ++s) v += mixing[c * sources + s] * fields[s][i];
        channel[i] = std::max(v, 0.0F);
      }
    }
    t.values.push_back(std::move(x));
  }
  return t;
}

/// A tensor [C,H,W] in the order [H,W,C].
inline std::vector<float> channels_last(const std::vector<float>& x, aecnn::shape3 shape) {
  std::vector<float> y(x.size());
  for (std::size_t c = 0; c < shape.channels; ++c)
    for (std::size_t i = 0; i < shape.area(); ++i) y[i * shape.channels + c] = x[c * shape.area() + i];
  return y;
}

} // namespace bench
