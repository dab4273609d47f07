// Plain double-precision references of the operators, written from the ONNX documentation with one loop an index, and
// helpers to compare a network with them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/nn/build.hpp>
#include <aecnn/nn/network.hpp>
#include <catch_compat.hpp>

namespace reference {

namespace nn = aecnn::nn;
using extents = std::vector<std::int64_t>;

/// A small row-major tensor in double.
struct values {
  extents shape;
  std::vector<double> data;
  std::size_t index(std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x) const {
    return static_cast<std::size_t>(((n * shape[1] + c) * shape[2] + y) * shape[3] + x);
  }
  double& at(std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x) { return data[index(n, c, y, x)]; }
  double at(std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x) const { return data[index(n, c, y, x)]; }
};

inline values zeros(extents shape) {
  const std::size_t n = nn::element_count(shape);
  return {std::move(shape), std::vector<double>(n)};
}

class random_source {
public:
  explicit random_source(unsigned seed) : engine_(seed) {}
  std::int64_t integer(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(engine_);
  }
  bool coin() { return integer(0, 1) == 1; }
  float real() { return std::uniform_real_distribution<float>(-1, 1)(engine_); }
  std::vector<float> reals(std::int64_t n, float scale = 1) {
    std::vector<float> v(static_cast<std::size_t>(n));
    for (float& x : v) x = scale * real();
    return v;
  }
  values tensor(extents shape) {
    values v = zeros(std::move(shape));
    for (double& x : v.data) x = static_cast<double>(real());
    return v;
  }

private:
  std::mt19937 engine_;
};

inline double number(const std::vector<float>& v, std::int64_t i) {
  return static_cast<double>(v[static_cast<std::size_t>(i)]);
}

/// f of every element.
template <class Function>
values map(values x, Function f) {
  for (double& v : x.data) v = f(v);
  return x;
}
inline values relu(const values& x) {
  return map(x, [](double v) { return v > 0 ? v : 0; });
}
inline values sigmoid(const values& x) {
  return map(x, [](double v) { return 1 / (1 + std::exp(-v)); });
}
/// a + b or a * b, where b may have extents of 1.
template <class Function>
values combine(const values& a, const values& b, Function f) {
  values y = a;
  for (std::int64_t n = 0; n < a.shape[0]; ++n)
    for (std::int64_t c = 0; c < a.shape[1]; ++c)
      for (std::int64_t i = 0; i < a.shape[2]; ++i)
        for (std::int64_t j = 0; j < a.shape[3]; ++j)
          y.at(n, c, i, j) = f(a.at(n, c, i, j), b.at(b.shape[0] == 1 ? 0 : n, b.shape[1] == 1 ? 0 : c,
                                                      b.shape[2] == 1 ? 0 : i, b.shape[3] == 1 ? 0 : j));
  return y;
}
inline values add(const values& a, const values& b) {
  return combine(a, b, [](double x, double y) { return x + y; });
}
inline values mul(const values& a, const values& b) {
  return combine(a, b, [](double x, double y) { return x * y; });
}
/// scale[c] * x + shift[c]
inline values affine(const values& x, const std::vector<double>& scale, const std::vector<double>& shift) {
  values y = x;
  for (std::int64_t n = 0; n < x.shape[0]; ++n)
    for (std::int64_t c = 0; c < x.shape[1]; ++c)
      for (std::int64_t i = 0; i < x.shape[2]; ++i)
        for (std::int64_t j = 0; j < x.shape[3]; ++j)
          y.at(n, c, i, j) = scale[static_cast<std::size_t>(c)] * x.at(n, c, i, j) + shift[static_cast<std::size_t>(c)];
  return y;
}

/// Conv. `w` is [M, C / groups, kh, kw]; pads are top, left, bottom, right.
inline values conv(const values& x, const extents& ws, const std::vector<float>& w, const std::vector<float>& b,
                   const nn::conv_options& o) {
  const std::int64_t height = x.shape[2], width = x.shape[3];
  const std::int64_t span_y = o.dilations[0] * (ws[2] - 1) + 1, span_x = o.dilations[1] * (ws[3] - 1) + 1;
  const std::int64_t oh = (height + o.pads[0] + o.pads[2] - span_y) / o.strides[0] + 1;
  const std::int64_t ow = (width + o.pads[1] + o.pads[3] - span_x) / o.strides[1] + 1;
  values y = zeros({x.shape[0], ws[0], oh, ow});
  for (std::int64_t n = 0; n < x.shape[0]; ++n)
    for (std::int64_t m = 0; m < ws[0]; ++m)
      for (std::int64_t i = 0; i < oh; ++i)
        for (std::int64_t j = 0; j < ow; ++j) {
          double sum = b.empty() ? 0.0 : number(b, m);
          for (std::int64_t c = 0; c < ws[1]; ++c)
            for (std::int64_t p = 0; p < ws[2]; ++p)
              for (std::int64_t q = 0; q < ws[3]; ++q) {
                const std::int64_t r = i * o.strides[0] - o.pads[0] + p * o.dilations[0];
                const std::int64_t s = j * o.strides[1] - o.pads[1] + q * o.dilations[1];
                if (r < 0 || r >= height || s < 0 || s >= width) continue;
                sum += number(w, ((m * ws[1] + c) * ws[2] + p) * ws[3] + q) *
                       x.at(n, m / (ws[0] / o.groups) * ws[1] + c, r, s);
              }
          y.at(n, m, i, j) = sum;
        }
  return y;
}

/// ConvTranspose. `w` is [C, M / groups, kh, kw].
inline values conv_transpose(const values& x, const extents& ws, const std::vector<float>& w,
                             const std::vector<float>& b, const nn::conv_options& o) {
  const std::int64_t height = x.shape[2], width = x.shape[3];
  const std::int64_t oh =
      o.strides[0] * (height - 1) + o.output_padding[0] + o.dilations[0] * (ws[2] - 1) + 1 - o.pads[0] - o.pads[2];
  const std::int64_t ow =
      o.strides[1] * (width - 1) + o.output_padding[1] + o.dilations[1] * (ws[3] - 1) + 1 - o.pads[1] - o.pads[3];
  const std::int64_t outputs = ws[1] * o.groups, group_inputs = ws[0] / o.groups;
  values y = zeros({x.shape[0], outputs, oh, ow});
  for (std::int64_t n = 0; n < x.shape[0]; ++n)
    for (std::int64_t m = 0; m < outputs; ++m)
      for (std::int64_t i = 0; i < oh; ++i)
        for (std::int64_t j = 0; j < ow; ++j) {
          double sum = b.empty() ? 0.0 : number(b, m);
          for (std::int64_t k = 0; k < group_inputs; ++k)
            for (std::int64_t p = 0; p < ws[2]; ++p)
              for (std::int64_t q = 0; q < ws[3]; ++q) {
                const std::int64_t r = i + o.pads[0] - p * o.dilations[0], s = j + o.pads[1] - q * o.dilations[1];
                if (r < 0 || s < 0 || r % o.strides[0] != 0 || s % o.strides[1] != 0) continue;
                if (r / o.strides[0] >= height || s / o.strides[1] >= width) continue;
                const std::int64_t c = m / ws[1] * group_inputs + k;
                sum += number(w, ((c * ws[1] + m % ws[1]) * ws[2] + p) * ws[3] + q) *
                       x.at(n, c, r / o.strides[0], s / o.strides[1]);
              }
          y.at(n, m, i, j) = sum;
        }
  return y;
}

/// DepthToSpace; crd: the channel is the slowest of the three parts of the input's channel.
inline values depth_to_space(const values& x, std::int64_t block, bool crd) {
  const std::int64_t depth = x.shape[1] / (block * block);
  values y = zeros({x.shape[0], depth, x.shape[2] * block, x.shape[3] * block});
  for (std::int64_t n = 0; n < x.shape[0]; ++n)
    for (std::int64_t c = 0; c < depth; ++c)
      for (std::int64_t i = 0; i < y.shape[2]; ++i)
        for (std::int64_t j = 0; j < y.shape[3]; ++j) {
          const std::int64_t part = i % block * block + j % block;
          y.at(n, c, i, j) = x.at(n, crd ? c * block * block + part : part * depth + c, i / block, j / block);
        }
  return y;
}

/// Constant padding of all axes, `pads` as ONNX has them: all begins, then all ends. May be negative.
inline values pad(const values& x, const extents& pads, double fill) {
  values y = zeros({x.shape[0] + pads[0] + pads[4], x.shape[1] + pads[1] + pads[5], x.shape[2] + pads[2] + pads[6],
                    x.shape[3] + pads[3] + pads[7]});
  for (std::int64_t n = 0; n < y.shape[0]; ++n)
    for (std::int64_t c = 0; c < y.shape[1]; ++c)
      for (std::int64_t i = 0; i < y.shape[2]; ++i)
        for (std::int64_t j = 0; j < y.shape[3]; ++j) {
          const std::int64_t from[] = {n - pads[0], c - pads[1], i - pads[2], j - pads[3]};
          bool inside = true;
          for (std::size_t k = 0; k < 4; ++k) inside = inside && from[k] >= 0 && from[k] < x.shape[k];
          y.at(n, c, i, j) = inside ? x.at(from[0], from[1], from[2], from[3]) : fill;
        }
  return y;
}

/// MaxPool or AveragePool with equal kernels, strides and pads on both axes.
inline values pool(const values& x, bool maximum, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                   bool count_padding) {
  const auto extent = [&](std::int64_t n) { return (n + 2 * padding - kernel) / stride + 1; };
  values y = zeros({x.shape[0], x.shape[1], extent(x.shape[2]), extent(x.shape[3])});
  for (std::int64_t n = 0; n < y.shape[0]; ++n)
    for (std::int64_t c = 0; c < y.shape[1]; ++c)
      for (std::int64_t i = 0; i < y.shape[2]; ++i)
        for (std::int64_t j = 0; j < y.shape[3]; ++j) {
          double sum = 0, most = -std::numeric_limits<double>::infinity(), count = 0;
          for (std::int64_t p = 0; p < kernel; ++p)
            for (std::int64_t q = 0; q < kernel; ++q) {
              const std::int64_t r = i * stride + p - padding, s = j * stride + q - padding;
              if (r < 0 || s < 0 || r >= x.shape[2] || s >= x.shape[3]) continue;
              sum += x.at(n, c, r, s);
              most = std::max(most, x.at(n, c, r, s));
              ++count;
            }
          if (count_padding) count = static_cast<double>(kernel * kernel);
          y.at(n, c, i, j) = maximum ? most : sum / count;
        }
  return y;
}
/// Average or maximum of every plane.
inline values global_pool(const values& x, bool maximum) {
  values y = zeros({x.shape[0], x.shape[1], 1, 1});
  for (std::int64_t n = 0; n < x.shape[0]; ++n)
    for (std::int64_t c = 0; c < x.shape[1]; ++c) {
      double sum = 0, most = x.at(n, c, 0, 0);
      for (std::int64_t i = 0; i < x.shape[2]; ++i)
        for (std::int64_t j = 0; j < x.shape[3]; ++j) {
          sum += x.at(n, c, i, j);
          most = std::max(most, x.at(n, c, i, j));
        }
      y.at(n, c, 0, 0) = maximum ? most : sum / static_cast<double>(x.shape[2] * x.shape[3]);
    }
  return y;
}
inline values concat(const std::vector<values>& parts) {
  extents shape = parts[0].shape;
  for (std::size_t p = 1; p < parts.size(); ++p) shape[1] += parts[p].shape[1];
  values y = zeros(shape);
  for (std::int64_t n = 0; n < shape[0]; ++n) {
    std::int64_t to = 0;
    for (const values& x : parts)
      for (std::int64_t c = 0; c < x.shape[1]; ++c, ++to)
        for (std::int64_t i = 0; i < shape[2]; ++i)
          for (std::int64_t j = 0; j < shape[3]; ++j) y.at(n, to, i, j) = x.at(n, c, i, j);
  }
  return y;
}

inline std::vector<float> floats(const values& v) {
  std::vector<float> f;
  for (const double x : v.data) f.push_back(static_cast<float>(x));
  return f;
}

/// A network prepared for the inputs' shapes; fails the test where it cannot be.
inline nn::network prepared(const nn::graph& g, const std::vector<values>& inputs,
                            const nn::network_options& options = {}) {
  auto net = nn::network::create(g, options);
  if (!net) FAIL(net.error().message);
  std::vector<extents> shapes;
  for (const values& x : inputs) shapes.push_back(x.shape);
  if (auto s = net->prepare(shapes); !s) FAIL(s.error().message);
  return std::move(*net);
}

/// Runs a prepared network once. What it leaves unwritten is NaN.
inline std::vector<values> run(nn::network& net, const std::vector<values>& inputs) {
  std::vector<std::vector<float>> in, out;
  for (const values& x : inputs) in.push_back(floats(x));
  for (const extents& e : net.output_shapes()) out.emplace_back(nn::element_count(e), std::nanf(""));
  std::vector<std::span<const float>> from(in.begin(), in.end());
  std::vector<std::span<float>> to(out.begin(), out.end());
  if (auto s = net.run_to(from, to); !s) FAIL(s.error().message);
  std::vector<values> results;
  for (std::size_t i = 0; i < out.size(); ++i)
    results.push_back({net.output_shapes()[i], std::vector<double>(out[i].begin(), out[i].end())});
  return results;
}
inline std::vector<values> run_all(const nn::graph& g, const std::vector<values>& inputs,
                                   const nn::network_options& options = {}) {
  nn::network net = prepared(g, inputs, options);
  return run(net, inputs);
}
/// The first output for one input.
inline values run(const nn::graph& g, const values& x, const nn::network_options& options = {}) {
  return run_all(g, {x}, options)[0];
}

/// All levels that this processor has.
inline std::vector<aecnn::instruction_set> levels() {
  std::vector<aecnn::instruction_set> all;
  for (const auto l : {aecnn::instruction_set::portable, aecnn::instruction_set::vector4, aecnn::instruction_set::avx2,
                       aecnn::instruction_set::avx512})
    if (l <= aecnn::best_instruction_set()) all.push_back(l);
  return all;
}
inline nn::network_options at_level(aecnn::instruction_set level, bool exact = false) {
  nn::network_options o;
  o.highest = level;
  o.exact = exact;
  return o;
}

/// The largest difference, relative to the largest magnitude expected; NaN must meet NaN.
inline double error(const values& found, const values& expected) {
  REQUIRE(found.shape == expected.shape);
  double largest = 1e-30, difference = 0;
  for (std::size_t i = 0; i < found.data.size(); ++i) {
    if (std::isnan(expected.data[i]) != std::isnan(found.data[i])) return 1e30;
    if (std::isnan(expected.data[i])) continue;
    largest = std::max(largest, std::abs(expected.data[i]));
    if (found.data[i] != expected.data[i])
      difference = std::max(difference, std::abs(found.data[i] - expected.data[i]));
  }
  return difference / largest;
}

/// The error at every level with and without Winograd.
inline double worst_error(const nn::graph& g, const std::vector<values>& inputs, const std::vector<values>& expected) {
  double worst = 0;
  for (const auto level : levels())
    for (const bool exact : {true, false}) {
      const auto found = run_all(g, inputs, at_level(level, exact));
      REQUIRE(found.size() == expected.size());
      for (std::size_t i = 0; i < found.size(); ++i) worst = std::max(worst, error(found[i], expected[i]));
    }
  return worst;
}

/// The failure of create or prepare; its message must hold `part`. A code of 0 where there is none.
inline aecnn::errc failure_of(const nn::graph& g, const std::string& part, const extents& input = {1, 2, 3, 3},
                              const aecnn::limits& bounds = {}) {
  auto net = nn::network::create(g, bounds);
  aecnn::failure f;
  if (!net) {
    f = net.error();
  } else {
    const std::vector<extents> shapes(net->source()->inputs.size(), input);
    auto s = net->prepare(shapes);
    if (s) return aecnn::errc{};
    f = s.error();
  }
  INFO(f.message);
  CHECK(f.message.find(part) != std::string::npos);
  return f.code;
}

} // namespace reference
