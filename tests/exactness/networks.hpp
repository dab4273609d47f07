// Networks that exactness.cpp runs: one in integers, whose output must be the same bit for bit, one in floats, within
// rounding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/nn/build.hpp>
#include <aecnn/nn/network.hpp>
#include <aecnn/nn/quantized_network.hpp>

namespace networks {

namespace nn = aecnn::nn;

/// The same numbers on every machine: a linear congruential generator's upper bits.
class numbers {
public:
  std::int32_t between(std::int32_t least, std::int32_t most) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return least + static_cast<std::int32_t>((state_ >> 33) % static_cast<std::uint64_t>(most - least + 1));
  }
  std::vector<float> floats(std::size_t n, float unit) {
    std::vector<float> v(n);
    for (float& x : v) x = static_cast<float>(between(-1000, 1000)) * unit;
    return v;
  }

private:
  std::uint64_t state_ = 1;
};

/// 3x3, 3x3 and 1x1 convolutions with channels that fill no vector.
inline std::vector<float> run_integers() {
  numbers random;
  nn::graph g = nn::start("integers");
  nn::quantization q;
  q.values.push_back({"x", 0.015625F, 77});
  const auto add = [&](const std::string& x, std::int64_t outputs, std::int64_t inputs, std::int64_t kernel,
                       float scale) {
    const auto count = static_cast<std::size_t>(outputs * inputs * kernel * kernel);
    const std::int64_t pad = kernel / 2;
    const std::string y = nn::relu(g, nn::conv(g, x, {outputs, inputs, kernel, kernel}, std::vector<float>(count), {},
                                               {.pads = {pad, pad, pad, pad}}));
    nn::convolution_quantization c;
    c.output = y;
    for (std::size_t i = 0; i < count; ++i) c.weights.push_back(static_cast<std::int8_t>(random.between(-127, 127)));
    for (std::int64_t o = 0; o < outputs; ++o) {
      c.bias.push_back(random.between(-9999, 9999));
      c.scales.push_back(static_cast<float>(random.between(100, 300)) / 1024);
    }
    q.convolutions.push_back(std::move(c));
    q.values.push_back({y, scale, 0});
    return y;
  };
  std::string x = add("x", 33, 7, 3, 4);
  x = add(x, 21, 33, 3, 1024);
  nn::finish(g, add(x, 50, 21, 1, 65536));
  const std::vector<float> in = random.floats(7 * 13 * 19, 1 / 512.0F);
  std::vector<float> out(50 * 13 * 19);
  auto net = nn::quantized_network::create(g, q).value();
  net.prepare(aecnn::shape3{7, 13, 19}).value();
  net.run_to(in, out).value();
  return out;
}

/// Transposed, Winograd's, strided, depthwise and grouped convolutions, a residual sum, DepthToSpace, attention by
/// channel.
inline std::vector<float> run_floats() {
  numbers random;
  nn::graph g = nn::start("floats");
  // One statement each: the order in which a call's arguments are computed differs between compilers.
  const auto weights = [&](std::size_t n) { return random.floats(n, 1 / 8192.0F); };
  const auto up = weights(5 * 40 * 16), up_bias = weights(40), same = weights(40 * 40 * 9), same_bias = weights(40),
             deep = weights(40 * 9), grouped = weights(64 * 10 * 9), last = weights(11 * 16), last_bias = weights(11);
  std::string x = nn::relu(
      g, nn::conv_transpose(g, "x", {5, 40, 4, 4}, up, up_bias, {.strides = {2, 2}, .pads = {1, 1, 1, 1}}));
  const std::string shortcut = x;
  x = nn::leaky_relu(g, nn::conv(g, x, {40, 40, 3, 3}, same, same_bias, {.pads = {1, 1, 1, 1}}), 0.125F);
  x = nn::conv(g, x, {40, 1, 3, 3}, deep, {}, {.pads = {1, 1, 1, 1}, .groups = 40});
  x = nn::relu(g, nn::add(g, x, shortcut));
  x = nn::conv(g, x, {64, 10, 3, 3}, grouped, {}, {.strides = {2, 1}, .pads = {1, 0, 1, 2}, .groups = 4});
  x = nn::depth_to_space(g, x, 2, "CRD");
  nn::finish(g, nn::conv(g, x, {11, 16, 1, 1}, last, last_bias));
  const std::vector<float> in = random.floats(5 * 9 * 11, 1 / 512.0F);
  auto net = nn::network::create(g).value();
  net.prepare(aecnn::shape3{5, 9, 11}).value();
  std::vector<float> out(net.output_shape().size());
  net.run_to(std::span<const float>(in), std::span<float>(out)).value();
  return out;
}

} // namespace networks
