#include <aecnn/nn/quantized/convolution.hpp>

#include "integer_reference.hpp"

using namespace integer_reference;

namespace {

layer random_layer(random_integers& random, std::int64_t inputs, bool transposed) {
  layer l;
  l.transposed = transposed;
  l.groups = inputs % 2 == 0 && random.below(3) == 0 ? 2 : 1;
  l.outputs = l.groups * random.between(1, 40);
  for (std::size_t i = 0; i < 2; ++i) {
    l.kernel[i] = random.between(1, 3);
    l.options.strides[i] = random.between(1, 2);
    l.options.dilations[i] = random.between(1, 2);
    l.options.pads[i] = random.between(0, 1);
    l.options.pads[i + 2] = random.between(0, 1);
    if (transposed)
      l.options.output_padding[i] = random.between(0, static_cast<std::int32_t>(l.options.strides[i]) - 1);
  }
  l.options.groups = l.groups;
  return l;
}

} // namespace

TEST_CASE("integer convolutions of random shapes equal the reference on every instruction set") {
  random_integers random(41);
  for (int round = 0; round < 60; ++round) {
    const bool transposed = round % 3 == 2;
    const std::int64_t inputs = random.between(1, 21), batch = random.between(1, 2);
    const std::int64_t height = random.between(5, 9), width = random.between(5, 20);
    const float scale = random_scale(random, 6), out_scale = random_scale(random, 5);
    const std::int32_t zero = random_zero(random), out_zero = random_zero(random);
    layer l = random_layer(random, inputs, transposed);
    l.integers = random_integers_for(random, l, inputs, 9);
    const bytes x = random_bytes(random, {batch, inputs, height, width}, scale, zero);
    nn::graph g = nn::start("one");
    l.integers.output = append(g, "x", l, inputs);
    nn::finish(g, l.integers.output);
    const bytes y = convolve(x, l, out_scale, out_zero);
    INFO("round " << round << ", input " << nn::to_string(x.shape));
    check(g, {{value("x", x), value(l.integers.output, y)}, {l.integers}}, x, y);
  }
}

TEST_CASE("integer chains with residual, activation and 1x1 convolutions equal the reference") {
  random_integers random(42);
  for (int round = 0; round < 30; ++round) {
    const std::int64_t inputs = random.between(1, 19), channels = random.between(1, 50),
                       outputs = random.between(1, 70);
    const float s0 = random_scale(random, 6), s1 = random_scale(random, 4), s2 = random_scale(random, 4),
                s3 = random_scale(random, 3);
    const std::int32_t z0 = random_zero(random), z1 = random_zero(random), z2 = random.between(0, 200),
                       z3 = random_zero(random);
    const std::int64_t height = random.between(1, 8), width = random.between(1, 18);
    const bytes x = random_bytes(random, {1, inputs, height, width}, s0, z0);
    layer a, b, c;
    a.outputs = b.outputs = channels;
    c.outputs = outputs;
    b.kernel[0] = b.kernel[1] = round % 2 == 0 ? 3 : 1;
    const std::int64_t pad = round % 2 == 0 ? 1 : 0;
    b.options.pads = {pad, pad, pad, pad};
    a.integers = random_integers_for(random, a, inputs, 8);
    b.integers = random_integers_for(random, b, channels, 8);
    c.integers = random_integers_for(random, c, channels, 8);
    nn::graph g = nn::start("three");
    a.integers.output = append(g, "x", a, inputs);
    b.integers.output = nn::relu(g, nn::add(g, append(g, a.integers.output, b, channels), a.integers.output));
    c.integers.output = append(g, b.integers.output, c, channels);
    if (round % 3 == 0) c.integers.output = nn::clip(g, c.integers.output, -0.5F, 2);
    nn::finish(g, c.integers.output);
    const bytes first = convolve(x, a, s1, z1);
    b.low = z2;
    const bytes second = convolve(first, b, s2, z2, &first);
    if (round % 3 == 0) {
      const auto bound = [&](float v) { return std::clamp<std::int64_t>(std::llround(v / s3) + z3, 0, 255); };
      c.low = bound(-0.5F);
      c.high = bound(2);
    }
    const bytes third = convolve(second, c, s3, z3);
    INFO("round " << round << ", input " << nn::to_string(x.shape));
    check(g,
          {{value("x", x), value(a.integers.output, first), value(b.integers.output, second),
            value(c.integers.output, third)},
           {a.integers, b.integers, c.integers}},
          x, third);
  }
}

TEST_CASE("integer depthwise convolutions equal the reference") {
  random_integers random(43);
  for (int round = 0; round < 20; ++round) {
    const std::int64_t channels = random.between(2, 40), height = random.between(4, 8), width = random.between(4, 9);
    const float s0 = random_scale(random, 6), s1 = random_scale(random, 5);
    const std::int32_t z0 = random_zero(random), z1 = random.between(0, 100);
    layer l;
    l.outputs = l.groups = l.options.groups = channels;
    l.kernel[0] = l.kernel[1] = 3;
    l.options.pads = {1, 1, 1, 1};
    l.options.strides = {random.between(1, 2), 1};
    l.integers = random_integers_for(random, l, channels, 8);
    const bytes x = random_bytes(random, {2, channels, height, width}, s0, z0);
    nn::graph g = nn::start("depthwise");
    std::string v = append(g, "x", l, channels);
    const bool residual = l.options.strides[0] == 1;
    if (residual) v = nn::add(g, v, "x");
    l.integers.output = nn::relu(g, v);
    nn::finish(g, l.integers.output);
    l.low = z1;
    const bytes y = convolve(x, l, s1, z1, residual ? &x : nullptr);
    check(g, {{value("x", x), value(l.integers.output, y)}, {l.integers}}, x, y);
  }
}

TEST_CASE("a convolution stored rearranged equals the rearranged reference") {
  random_integers random(44);
  for (const bool pixel_shuffle : {false, true}) {
    const float s0 = random_scale(random, 6), s1 = random_scale(random, 4);
    layer l;
    l.outputs = 32;
    l.kernel[0] = l.kernel[1] = 3;
    l.options.pads = {1, 1, 1, 1};
    l.integers = random_integers_for(random, l, 6, 8);
    const bytes x = random_bytes(random, {1, 6, 5, 7}, s0, 100);
    nn::graph g = nn::start("shuffle");
    l.integers.output = nn::depth_to_space(g, append(g, "x", l, 6), 2, pixel_shuffle ? "CRD" : "DCR");
    nn::finish(g, l.integers.output);
    const bytes before = convolve(x, l, s1, 90);
    bytes y{{1, 8, 10, 14}, s1, 90};
    y.data.resize(y.size());
    for (std::int64_t c = 0; c < 8; ++c)
      for (std::int64_t v = 0; v < 10; ++v)
        for (std::int64_t u = 0; u < 14; ++u) {
          const std::int64_t part = v % 2 * 2 + u % 2;
          y.data[y.index(0, c, v, u)] = before.at(0, pixel_shuffle ? c * 4 + part : part * 8 + c, v / 2, u / 2);
        }
    check(g, {{value("x", x), value(l.integers.output, y)}, {l.integers}}, x, y);
  }
}

TEST_CASE("the largest sums that fit 32 bits are exact") {
  // 255 * 127 * depth near 2^31, with all weights at one end; rescaled so that the result is inside the range.
  for (const std::int32_t weight : {-127, 127})
    for (const std::int32_t zero : {0, 255}) {
      random_integers random(45);
      layer l;
      l.outputs = 17;
      const std::int64_t depth = 33001; // 33001 * 255 * 127 * 2 > 2^31 > 33001 * 255 * 127
      l.integers = random_integers_for(random, l, depth, 1);
      for (auto& w : l.integers.weights) w = static_cast<std::int8_t>(weight);
      for (auto& s : l.integers.scales) s *= 0x1p-20F;
      bytes x = random_bytes(random, {1, depth, 1, 2}, 1, zero);
      for (std::size_t i = 0; i < x.data.size(); ++i) x.data[i] = zero == 0 ? 255 : 0;
      nn::graph g = nn::start("deep");
      l.integers.output = append(g, "x", l, depth);
      nn::finish(g, l.integers.output);
      const bytes y = convolve(x, l, 32, 128);
      REQUIRE(std::any_of(y.data.begin(), y.data.end(), [](auto q) { return q > 0 && q < 255 && q != 128; }));
      check(g, {{value("x", x), value(l.integers.output, y)}, {l.integers}}, x, y);
    }
}

TEST_CASE("factors of a half and above are shifted and saturate") {
  random_integers random(46);
  // A 1x1 convolution alone is stored as floats at once; a window and a depthwise one become bytes first.
  for (int k = 0; k < 36; ++k) {
    layer l;
    l.outputs = 20;
    if (k >= 12) {
      l.kernel[0] = l.kernel[1] = 3;
      l.options.pads = {1, 1, 1, 1};
    }
    if (k >= 24) l.outputs = l.groups = l.options.groups = 3;
    l.integers = random_integers_for(random, l, 3, 0);
    for (std::size_t i = 0; i < l.integers.bias.size(); ++i)
      l.integers.bias[i] = random.between(-3, 3) * (k % 12 < 6 ? 1 : 1000);
    for (std::size_t i = 0; i < l.integers.weights.size(); ++i)
      l.integers.weights[i] = static_cast<std::int8_t>(random.between(-1, 1));
    bytes x = random_bytes(random, {1, 3, 2, 9}, 1, 127);
    for (auto& q : x.data) q = 127 + q % 3 - 1;
    nn::graph g = nn::start("coarse");
    l.integers.output = append(g, "x", l, 3);
    nn::finish(g, l.integers.output);
    const bytes y = convolve(x, l, std::ldexp(1.0F, -(k % 12)), 128);
    check(g, {{value("x", x), value(l.integers.output, y)}, {l.integers}}, x, y);
  }
}
