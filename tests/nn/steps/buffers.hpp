// Buffers for the tests of single steps: channels-last tensors from and to row-major ones, and runs of a step unit by unit.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include <aecnn/nn/kernels/kernels.hpp>
#include <aecnn/nn/steps/fused_convolution.hpp>
#include <aecnn/nn/steps/step.hpp>

#include "../reference.hpp"

namespace steps {

using namespace reference;

/// What no step computes: marks floats that must stay as they are.
constexpr float untouched = 12345;

inline nn::plane_layout layout_of(const extents& shape, std::size_t border = 0) {
  const auto u = [](std::int64_t v) { return static_cast<std::size_t>(v); };
  return {u(shape[0]), u(shape[2]), u(shape[3]), u(shape[1]), border};
}

/// A tensor as a channels-last buffer with zeros around.
inline std::vector<float> to_last(const values& x, std::size_t border = 0) {
  const nn::plane_layout l = layout_of(x.shape, border);
  std::vector<float> out(l.size());
  for (std::int64_t n = 0; n < x.shape[0]; ++n)
    for (std::int64_t c = 0; c < x.shape[1]; ++c)
      for (std::int64_t y = 0; y < x.shape[2]; ++y)
        for (std::int64_t w = 0; w < x.shape[3]; ++w)
          out[static_cast<std::size_t>(l.at(static_cast<std::size_t>(n), y, w)) + static_cast<std::size_t>(c)] =
              static_cast<float>(x.at(n, c, y, w));
  return out;
}
/// The tensor in a channels-last buffer whose border nothing has written.
inline values from_last(const std::vector<float>& data, const extents& shape, std::size_t border = 0) {
  const nn::plane_layout l = layout_of(shape, border);
  REQUIRE(data.size() == l.size());
  values x = zeros(shape);
  std::vector<bool> inner(data.size());
  for (std::int64_t n = 0; n < shape[0]; ++n)
    for (std::int64_t c = 0; c < shape[1]; ++c)
      for (std::int64_t y = 0; y < shape[2]; ++y)
        for (std::int64_t w = 0; w < shape[3]; ++w) {
          const std::size_t i =
              static_cast<std::size_t>(l.at(static_cast<std::size_t>(n), y, w)) + static_cast<std::size_t>(c);
          x.at(n, c, y, w) = static_cast<double>(data[i]);
          inner[i] = true;
        }
  bool kept = true;
  for (std::size_t i = 0; i < data.size(); ++i) kept = kept && (inner[i] || data[i] == untouched);
  CHECK(kept);
  return x;
}
inline std::vector<float> fresh(std::size_t n) { return std::vector<float>(n, untouched); }

/// The buffers of a step.
class buffers {
public:
  std::size_t add(std::vector<float> data) {
    data_.push_back(std::move(data));
    return data_.size() - 1;
  }
  const std::vector<float>& operator[](std::size_t i) const { return data_[i]; }
  /// Runs every unit by itself, in an order that `seed` shuffles, each with fresh scratch memory.
  void run(const nn::step& s, unsigned seed = 1) {
    std::vector<float*> table;
    for (auto& d : data_) table.push_back(d.data());
    std::vector<std::size_t> order(s.units());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::shuffle(order.begin(), order.end(), std::mt19937(seed));
    for (const std::size_t u : order) {
      // Scratch memory is aligned to 64 bytes and ends where the step says.
      void* start = nullptr;
      std::vector<float> memory(s.workspace() + 16, std::nanf(""));
      start = memory.data();
      std::size_t space = memory.size() * sizeof(float);
      std::align(64, s.workspace() * sizeof(float), start, space);
      s.run(table.data(), u, u + 1, static_cast<float*>(start));
    }
  }

private:
  std::vector<std::vector<float>> data_;
};

/// A convolution and what a reference needs of it.
struct layer {
  extents shape;
  std::vector<float> weights;
  nn::conv_options options;
  nn::fused_convolution fused;
  layer(const extents& s, const nn::conv_options& o, bool transposed, random_source& random)
      : shape(s), weights(random.reals(s[0] * s[1] * s[2] * s[3])), options(o) {
    nn::convolution& c = fused.spec;
    c.transposed = transposed;
    c.groups = static_cast<std::size_t>(o.groups);
    c.inputs = static_cast<std::size_t>(transposed ? s[0] : s[1] * o.groups);
    c.outputs = static_cast<std::size_t>(transposed ? s[1] * o.groups : s[0]);
    c.weights = weights.data();
    for (std::size_t i = 0; i < 2; ++i) {
      c.area.kernel[i] = s[i + 2];
      c.area.strides[i] = o.strides[i];
      c.area.dilations[i] = o.dilations[i];
      c.area.before[i] = o.pads[i];
      c.area.after[i] = o.pads[i + 2] - o.output_padding[i];
    }
    fused.bias = random.reals(static_cast<std::int64_t>(c.outputs));
  }
  layer(const layer&) = delete;
  layer& operator=(const layer&) = delete;
  values of(const values& x) const {
    return fused.spec.transposed ? conv_transpose(x, shape, weights, fused.bias, options)
                                 : conv(x, shape, weights, fused.bias, options);
  }
};

} // namespace steps
