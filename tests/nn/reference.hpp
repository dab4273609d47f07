// Plain double-precision references of the operators, written from the ONNX documentation with one loop an index, and
// helpers to compare a network with them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <aecnn/nn/build.hpp>
#include <aecnn/nn/network.hpp>
#include <catch_compat.hpp>

namespace reference {

using aecnn::shape3;
namespace nn = aecnn::nn;

/// A small tensor in double.
struct values {
  shape3 shape;
  std::vector<double> data;
  double& at(std::size_t c, std::size_t y, std::size_t x) { return data[(c * shape.height + y) * shape.width + x]; }
  double at(std::size_t c, std::size_t y, std::size_t x) const {
    return data[(c * shape.height + y) * shape.width + x];
  }
};

inline values zeros(shape3 s) { return {s, std::vector<double>(s.size())}; }

class random_source {
public:
  explicit random_source(unsigned seed) : engine_(seed) {}
  std::size_t integer(std::size_t least, std::size_t most) {
    return std::uniform_int_distribution<std::size_t>(least, most)(engine_);
  }
  float real() { return std::uniform_real_distribution<float>(-1, 1)(engine_); }
  std::vector<float> reals(std::size_t n) {
    std::vector<float> v(n);
    for (float& x : v) x = real();
    return v;
  }
  values tensor(shape3 s) {
    values v = zeros(s);
    for (double& x : v.data) x = real();
    return v;
  }

private:
  std::mt19937 engine_;
};

/// Conv. `w` is [M, C / groups, kh, kw]; pads are top, left, bottom, right.
inline values conv(const values& x, const std::vector<std::int64_t>& ws, const std::vector<float>& w,
                   const std::vector<float>& b, const nn::conv_options& o) {
  const auto height = static_cast<std::int64_t>(x.shape.height), width = static_cast<std::int64_t>(x.shape.width);
  const std::int64_t span_y = o.dilations[0] * (ws[2] - 1) + 1, span_x = o.dilations[1] * (ws[3] - 1) + 1;
  const std::int64_t oh = (height + o.pads[0] + o.pads[2] - span_y) / o.strides[0] + 1;
  const std::int64_t ow = (width + o.pads[1] + o.pads[3] - span_x) / o.strides[1] + 1;
  values y = zeros({static_cast<std::size_t>(ws[0]), static_cast<std::size_t>(oh), static_cast<std::size_t>(ow)});
  for (std::int64_t m = 0; m < ws[0]; ++m)
    for (std::int64_t i = 0; i < oh; ++i)
      for (std::int64_t j = 0; j < ow; ++j) {
        double sum = b.empty() ? 0.0 : b[static_cast<std::size_t>(m)];
        for (std::int64_t c = 0; c < ws[1]; ++c)
          for (std::int64_t p = 0; p < ws[2]; ++p)
            for (std::int64_t q = 0; q < ws[3]; ++q) {
              const std::int64_t r = i * o.strides[0] - o.pads[0] + p * o.dilations[0];
              const std::int64_t s = j * o.strides[1] - o.pads[1] + q * o.dilations[1];
              if (r < 0 || r >= height || s < 0 || s >= width) continue;
              const std::int64_t channel = m / (ws[0] / o.groups) * ws[1] + c;
              sum += static_cast<double>(w[static_cast<std::size_t>(((m * ws[1] + c) * ws[2] + p) * ws[3] + q)]) *
                     x.at(static_cast<std::size_t>(channel), static_cast<std::size_t>(r), static_cast<std::size_t>(s));
            }
        y.at(static_cast<std::size_t>(m), static_cast<std::size_t>(i), static_cast<std::size_t>(j)) = sum;
      }
  return y;
}

/// ConvTranspose. `w` is [C, M / groups, kh, kw].
inline values conv_transpose(const values& x, const std::vector<std::int64_t>& ws, const std::vector<float>& w,
                             const std::vector<float>& b, const nn::conv_options& o) {
  const auto height = static_cast<std::int64_t>(x.shape.height), width = static_cast<std::int64_t>(x.shape.width);
  const std::int64_t oh =
      o.strides[0] * (height - 1) + o.output_padding[0] + o.dilations[0] * (ws[2] - 1) + 1 - o.pads[0] - o.pads[2];
  const std::int64_t ow =
      o.strides[1] * (width - 1) + o.output_padding[1] + o.dilations[1] * (ws[3] - 1) + 1 - o.pads[1] - o.pads[3];
  const std::int64_t outputs = ws[1] * o.groups, group_inputs = ws[0] / o.groups;
  values y = zeros({static_cast<std::size_t>(outputs), static_cast<std::size_t>(oh), static_cast<std::size_t>(ow)});
  for (std::int64_t m = 0; m < outputs; ++m)
    for (std::int64_t i = 0; i < oh; ++i)
      for (std::int64_t j = 0; j < ow; ++j) {
        double sum = b.empty() ? 0.0 : b[static_cast<std::size_t>(m)];
        for (std::int64_t k = 0; k < group_inputs; ++k)
          for (std::int64_t p = 0; p < ws[2]; ++p)
            for (std::int64_t q = 0; q < ws[3]; ++q) {
              const std::int64_t r = i + o.pads[0] - p * o.dilations[0], s = j + o.pads[1] - q * o.dilations[1];
              if (r < 0 || s < 0 || r % o.strides[0] != 0 || s % o.strides[1] != 0) continue;
              if (r / o.strides[0] >= height || s / o.strides[1] >= width) continue;
              const std::int64_t c = m / ws[1] * group_inputs + k;
              sum +=
                  static_cast<double>(w[static_cast<std::size_t>(((c * ws[1] + m % ws[1]) * ws[2] + p) * ws[3] + q)]) *
                  x.at(static_cast<std::size_t>(c), static_cast<std::size_t>(r / o.strides[0]),
                       static_cast<std::size_t>(s / o.strides[1]));
            }
        y.at(static_cast<std::size_t>(m), static_cast<std::size_t>(i), static_cast<std::size_t>(j)) = sum;
      }
  return y;
}

inline std::vector<float> floats(const values& v) { return std::vector<float>(v.data.begin(), v.data.end()); }

/// Runs a graph once; fails the test where any step of it fails.
inline values run(const nn::graph& g, const values& x, aecnn::instruction_set level = aecnn::best_instruction_set()) {
  auto net = nn::network::create(g, {}, level);
  if (!net) FAIL(net.error().message);
  if (auto s = net->prepare(x.shape); !s) FAIL(s.error().message);
  std::vector<float> out(net->output_shape().size(), std::nanf(""));
  if (auto s = net->run_to(floats(x), out); !s) FAIL(s.error().message);
  return {net->output_shape(), std::vector<double>(out.begin(), out.end())};
}

/// The largest difference, relative to the largest magnitude expected; NaN must meet NaN.
inline double error(const values& found, const values& expected) {
  REQUIRE(found.shape == expected.shape);
  double largest = 1e-30, difference = 0;
  for (std::size_t i = 0; i < found.data.size(); ++i) {
    if (std::isnan(expected.data[i]) != std::isnan(found.data[i])) return 1e30;
    if (std::isnan(expected.data[i]) || found.data[i] == expected.data[i]) continue;
    largest = std::max(largest, std::abs(expected.data[i]));
    difference = std::max(difference, std::abs(found.data[i] - expected.data[i]));
  }
  return difference / largest;
}

/// The code of create's or prepare's failure; the message must hold `part`.
inline aecnn::errc failure_of(const nn::graph& g, const std::string& part, shape3 input = {2, 3, 3},
                              const aecnn::limits& bounds = {}) {
  auto net = nn::network::create(g, bounds);
  aecnn::failure f;
  if (!net) {
    f = net.error();
  } else {
    auto s = net->prepare(input);
    if (s) return aecnn::errc{};
    f = s.error();
  }
  INFO(f.message);
  CHECK(f.message.find(part) != std::string::npos);
  return f.code;
}

} // namespace reference
