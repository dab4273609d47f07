// Integer networks computed in the plainest way, one loop an index, from the documented rules; factors come from long
// double instead of the library's integer division.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/nn/build.hpp>
#include <aecnn/nn/quantized_network.hpp>
#include <aecnn/nn/thread_pool.hpp>
#include <catch_compat.hpp>
#include <random.hpp>

namespace integer_reference {

namespace nn = aecnn::nn;
using aecnn::errc;
using aecnn::instruction_set;
using extents = std::vector<std::int64_t>;

/// A tensor of bytes, [N,C,H,W], with its scale.
struct bytes {
  extents shape;
  float scale = 1;
  std::int64_t zero = 0;
  std::vector<std::int64_t> data{};

  std::size_t size() const { return static_cast<std::size_t>(shape[0] * shape[1] * shape[2] * shape[3]); }
  std::size_t index(std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x) const {
    return static_cast<std::size_t>(((n * shape[1] + c) * shape[2] + y) * shape[3] + x);
  }
  /// The integer that stands for 0 outside the planes.
  std::int64_t at(std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x) const {
    if (y < 0 || x < 0 || y >= shape[2] || x >= shape[3]) return zero;
    return data[index(n, c, y, x)];
  }
  std::vector<float> floats() const {
    std::vector<float> f;
    for (const std::int64_t q : data) f.push_back(static_cast<float>(q - zero) * scale);
    return f;
  }
};

inline bytes random_bytes(random_integers& random, extents shape, float scale, std::int32_t zero) {
  bytes b{std::move(shape), scale, zero};
  for (std::size_t i = 0; i < b.size(); ++i) b.data.push_back(random.between(0, 255));
  return b;
}

/// 2^-k times a number within 1..2.
inline float random_scale(random_integers& random, int k) {
  const auto m = static_cast<float>(random.between(0, 1 << 20)) / static_cast<float>(1 << 20);
  return std::ldexp(1 + m, -k);
}
inline std::int32_t random_zero(random_integers& random) {
  const std::uint32_t kind = random.below(4);
  return kind == 0 ? 0 : kind == 1 ? 255 : random.between(1, 254);
}

/// floor(a * b / 2^32 + 1/2) of the factor f, with the documented multiplier and shift.
struct factor {
  std::int64_t multiplier = 0;
  int shift = 0;
  explicit factor(long double f) {
    const auto m = [&] { return std::floor(std::ldexp(f, 32 - shift) + 0.5L); };
    while (m() > 2147483647.0L) ++shift;
    multiplier = static_cast<std::int64_t>(m());
  }
  std::int64_t product(std::int64_t x) const {
    if (shift > 0) {
      const std::int64_t limit = std::int64_t{0x7fffffff} >> shift;
      x = std::clamp(x, -limit, limit) * (std::int64_t{1} << shift);
    }
    return x * multiplier;
  }
};
inline std::int64_t round_32(std::int64_t x) {
  const std::int64_t unit = std::int64_t{1} << 32;
  x += unit / 2;
  return x >= 0 ? x / unit : -((-x + unit - 1) / unit);
}
/// (q - zero) * 2^8 times round(from / to * 2^24).
inline std::int64_t activation_part(std::int64_t q, const bytes& from, const bytes& to) {
  const auto m =
      static_cast<std::int64_t>(std::floor(static_cast<long double>(from.scale) / to.scale * (1 << 24) + 0.5L));
  return (q - from.zero) * 256 * m;
}

struct layer {
  bool transposed = false;
  std::int64_t outputs = 1, groups = 1;
  std::int64_t kernel[2] = {1, 1};
  nn::conv_options options{};
  std::int64_t low = 0, high = 255;
  bool residual = false;
  nn::convolution_quantization integers{};
};

/// The convolution of x into a tensor of the given scale and zero point.
inline bytes convolve(const bytes& x, const layer& l, float scale, std::int32_t zero, const bytes* residual = nullptr) {
  const auto& o = l.options;
  extents shape{x.shape[0], l.outputs, 0, 0};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t in = x.shape[2 + i], span = o.dilations[i] * (l.kernel[i] - 1), pads = o.pads[i] + o.pads[i + 2];
    shape[2 + i] = l.transposed ? (in - 1) * o.strides[i] + span + 1 - pads + o.output_padding[i]
                                : (in + pads - span - 1) / o.strides[i] + 1;
  }
  bytes y{shape, scale, zero};
  y.data.resize(y.size());
  const std::int64_t inputs = x.shape[1] / l.groups, outputs = l.outputs / l.groups, taps = l.kernel[0] * l.kernel[1];
  for (std::int64_t n = 0; n < shape[0]; ++n)
    for (std::int64_t c = 0; c < l.outputs; ++c) {
      const std::int64_t group = c / outputs;
      const factor f(static_cast<long double>(x.scale) * l.integers.scales[static_cast<std::size_t>(c)] / scale);
      for (std::int64_t v = 0; v < shape[2]; ++v)
        for (std::int64_t u = 0; u < shape[3]; ++u) {
          std::int64_t sum = l.integers.bias[static_cast<std::size_t>(c)];
          for (std::int64_t k = 0; k < inputs; ++k)
            for (std::int64_t i = 0; i < l.kernel[0]; ++i)
              for (std::int64_t j = 0; j < l.kernel[1]; ++j) {
                std::int64_t iy = v * o.strides[0] + i * o.dilations[0] - o.pads[0],
                             ix = u * o.strides[1] + j * o.dilations[1] - o.pads[1];
                std::int64_t at = (c * inputs + k) * taps + i * l.kernel[1] + j;
                if (l.transposed) {
                  iy = v + o.pads[0] - i * o.dilations[0];
                  ix = u + o.pads[1] - j * o.dilations[1];
                  if (iy % o.strides[0] != 0 || ix % o.strides[1] != 0) continue;
                  iy /= o.strides[0];
                  ix /= o.strides[1];
                  at = ((group * inputs + k) * outputs + c % outputs) * taps + i * l.kernel[1] + j;
                }
                sum +=
                    (x.at(n, group * inputs + k, iy, ix) - x.zero) * l.integers.weights[static_cast<std::size_t>(at)];
              }
          std::int64_t product = f.product(sum);
          if (residual != nullptr) product += activation_part(residual->at(n, c, v, u), *residual, y);
          y.data[y.index(n, c, v, u)] = std::clamp(round_32(product) + zero, l.low, l.high);
        }
    }
  return y;
}

inline nn::value_quantization value(std::string name, const bytes& b) {
  return {std::move(name), b.scale, static_cast<std::int32_t>(b.zero)};
}

inline nn::convolution_quantization random_integers_for(random_integers& random, const layer& l, std::int64_t inputs,
                                                        int scale) {
  nn::convolution_quantization q;
  const std::int64_t count = l.outputs * (inputs / l.groups) * l.kernel[0] * l.kernel[1];
  for (std::int64_t i = 0; i < count; ++i) q.weights.push_back(static_cast<std::int8_t>(random.between(-127, 127)));
  for (std::int64_t o = 0; o < l.outputs; ++o) {
    q.bias.push_back(random.between(-20000, 20000));
    q.scales.push_back(random_scale(random, scale));
  }
  return q;
}

/// Appends the layer to a graph with weights of no meaning: the integers are what counts.
inline std::string append(nn::graph& g, const std::string& x, const layer& l, std::int64_t inputs) {
  const std::int64_t a = l.transposed ? inputs : l.outputs, b = (l.transposed ? l.outputs : inputs) / l.groups;
  const extents shape{a, b, l.kernel[0], l.kernel[1]};
  std::vector<float> w(static_cast<std::size_t>(a * b * l.kernel[0] * l.kernel[1]), 0.5F);
  return l.transposed ? nn::conv_transpose(g, x, shape, w, {}, l.options) : nn::conv(g, x, shape, w, {}, l.options);
}

/// Runs a graph with every instruction set, with one thread and with two, and compares with the expected bytes, bit by
/// bit.
inline void check(const nn::graph& g, const nn::quantization& q, const bytes& x, const bytes& expected) {
  const std::vector<float> in = x.floats(), want = expected.floats();
  nn::thread_pool pool(2, 0);
  for (const instruction_set level :
       {instruction_set::portable, instruction_set::vector4, instruction_set::avx2, instruction_set::avx512}) {
    nn::network_options options;
    options.highest = level;
    auto net = nn::quantized_network::create(g, q, options);
    if (!net) FAIL(net.error().message);
    if (auto s = net->prepare(std::span(&x.shape, 1)); !s) FAIL(s.error().message);
    for (const bool threads : {false, true}) {
      net->use(threads ? &pool : nullptr);
      std::vector<float> y(want.size(), -1.0F);
      if (auto s = net->run_to(in, y); !s) FAIL(s.error().message);
      const auto differs = std::mismatch(y.begin(), y.end(), want.begin());
      INFO("level " << static_cast<int>(level) << ", threads " << threads << ", element " << differs.first - y.begin()
                    << " of " << y.size() << ", output " << nn::to_string(expected.shape));
      REQUIRE(y == want);
    }
  }
}

} // namespace integer_reference
