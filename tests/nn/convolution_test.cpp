#include <aecnn/nn/convolution.hpp>

#include <limits>

#include "reference.hpp"

using namespace reference;
using aecnn::errc;

namespace {

struct example {
  shape3 in;
  std::vector<std::int64_t> shape;
  nn::conv_options options;
};

double error_of(const example& e, random_source& random, bool with_bias, aecnn::instruction_set level) {
  const values x = random.tensor(e.in);
  const auto w = random.reals(static_cast<std::size_t>(e.shape[0] * e.shape[1] * e.shape[2] * e.shape[3]));
  const auto b = with_bias ? random.reals(static_cast<std::size_t>(e.shape[0])) : std::vector<float>{};
  nn::graph g = nn::start("test");
  nn::finish(g, nn::conv(g, "x", e.shape, w, b, e.options));
  return error(run(g, x, level), conv(x, e.shape, w, b, e.options));
}

} // namespace

TEST_CASE("convolution: example of the ONNX documentation", "[nn]") {
  values x = zeros({1, 5, 5});
  for (std::size_t i = 0; i < 25; ++i) x.data[i] = static_cast<double>(i);
  nn::graph g = nn::start("test");
  nn::finish(
      g, nn::conv(g, "x", {1, 1, 3, 3}, std::vector<float>(9, 1.0F), {}, {.strides = {2, 2}, .pads = {1, 1, 1, 1}}));
  const values y = run(g, x);
  CHECK(y.shape == shape3{1, 3, 3});
  CHECK(y.data == std::vector<double>{12, 27, 24, 63, 108, 81, 72, 117, 84});
}

TEST_CASE("convolution: random parameters on every instruction set", "[nn]") {
  random_source random(1);
  for (int i = 0; i < 600; ++i) {
    example e;
    const auto pick = [&](std::size_t least, std::size_t most) {
      return static_cast<std::int64_t>(random.integer(least, most));
    };
    e.options.groups = pick(1, 4);
    const std::int64_t inputs = pick(1, 9), outputs = pick(1, 10);
    e.in = {static_cast<std::size_t>(e.options.groups * inputs), random.integer(1, 20), random.integer(1, 20)};
    e.shape = {e.options.groups * outputs, inputs, pick(1, 4), pick(1, 4)};
    for (auto& v : e.options.strides) v = pick(0, 2) > 0 ? 1 : pick(1, 3);
    for (auto& v : e.options.dilations) v = pick(0, 2) > 0 ? 1 : pick(1, 3);
    for (auto& v : e.options.pads) v = pick(0, 3);
    if (static_cast<std::int64_t>(e.in.height) + e.options.pads[0] + e.options.pads[2] <=
            e.options.dilations[0] * (e.shape[2] - 1) ||
        static_cast<std::int64_t>(e.in.width) + e.options.pads[1] + e.options.pads[3] <=
            e.options.dilations[1] * (e.shape[3] - 1))
      continue;
    INFO("in " << to_string(e.in) << " weight " << nn::to_string(e.shape) << " groups " << e.options.groups
               << " strides " << e.options.strides[0] << ' ' << e.options.strides[1] << " dilations "
               << e.options.dilations[0] << ' ' << e.options.dilations[1]);
    CHECK(error_of(e, random, i % 2 == 0, static_cast<aecnn::instruction_set>(i % 4)) < 2e-6);
  }
}

TEST_CASE("convolution: shapes of real decoders", "[nn]") {
  random_source random(2);
  const nn::conv_options same{.pads = {1, 1, 1, 1}};
  CHECK(error_of({{16, 32, 32}, {64, 16, 3, 3}, same}, random, true, aecnn::best_instruction_set()) < 2e-6);
  CHECK(error_of({{64, 14, 14}, {256, 64, 1, 1}, {}}, random, true, aecnn::best_instruction_set()) < 2e-6);
  // Weights above the cache, so that several strips are held at once.
  CHECK(error_of({{160, 7, 7}, {130, 160, 3, 3}, same}, random, true, aecnn::best_instruction_set()) < 2e-6);
  CHECK(error_of({{600, 5, 9}, {300, 600, 1, 1}, {}}, random, true, aecnn::best_instruction_set()) < 2e-6);
}

TEST_CASE("convolution: depthwise, with several outputs a channel, strides and dilations", "[nn]") {
  random_source random(3);
  for (const std::int64_t multiplier : {1, 3})
    for (const std::int64_t stride : {1, 2, 5})
      for (const std::int64_t dilation : {1, 2})
        for (const std::size_t width : {6U, 16U, 35U}) {
          const example e{{5, 11, width},
                          {5 * multiplier, 1, 3, 3},
                          {.strides = {1, stride}, .pads = {1, 2, 0, 1}, .dilations = {1, dilation}, .groups = 5}};
          CHECK(error_of(e, random, true, aecnn::best_instruction_set()) < 2e-6);
        }
}

TEST_CASE("convolution: auto_pad equals the pads it stands for", "[nn]") {
  random_source random(4);
  const auto w = random.reals(2 * 3 * 4 * 3);
  // Height 7, stride 2, kernel 4: out 4, total 2*3 + 4 - 7 = 3. Width 6, stride 3, kernel 3: out 2, total 0.
  const values x = random.tensor({3, 7, 6});
  const auto with_mode = [&](const char* mode) {
    nn::graph g = nn::start("test");
    nn::finish(g, nn::conv(g, "x", {2, 3, 4, 3}, w, {}, {.strides = {2, 3}}));
    auto& attributes = g.nodes[0].attributes;
    std::erase_if(attributes, [](const auto& a) { return a.first == "pads"; });
    attributes.emplace_back("auto_pad", std::string(mode));
    return run(g, x);
  };
  const auto expected = [&](std::array<std::int64_t, 4> pads) {
    return conv(x, {2, 3, 4, 3}, w, {}, {.strides = {2, 3}, .pads = pads});
  };
  CHECK(error(with_mode("SAME_UPPER"), expected({1, 0, 2, 0})) < 2e-6);
  CHECK(error(with_mode("SAME_LOWER"), expected({2, 0, 1, 0})) < 2e-6);
  CHECK(error(with_mode("VALID"), expected({0, 0, 0, 0})) < 2e-6);
  CHECK(error(with_mode("NOTSET"), expected({0, 0, 0, 0})) < 2e-6);
}

TEST_CASE("convolution: NaN and infinity reach exactly the outputs under which they lie", "[nn]") {
  random_source random(5);
  for (const std::int64_t groups : {1, 4})
    for (const double special : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
      values x = random.tensor({4, 9, 10});
      x.at(1, 8, 9) = special;
      const std::vector<std::int64_t> shape{4, 4 / groups, 3, 3};
      const auto w = random.reals(static_cast<std::size_t>(16 / groups * 9));
      const nn::conv_options options{.pads = {1, 1, 1, 1}, .groups = groups};
      nn::graph g = nn::start("test");
      nn::finish(g, nn::relu(g, nn::conv(g, "x", shape, w, {}, options)));
      values expected = conv(x, shape, w, {}, options);
      for (double& v : expected.data) v = v < 0 ? 0 : v;
      CHECK(error(run(g, x), expected) < 2e-6);
    }
}

TEST_CASE("convolution: a following scale is folded, a following activation fused", "[nn]") {
  random_source random(6);
  const values x = random.tensor({3, 6, 7});
  const std::vector<std::int64_t> shape{5, 3, 3, 3};
  const auto w = random.reals(5 * 3 * 9), b = random.reals(5), scale = random.reals(5), shift = random.reals(5);
  const nn::conv_options options{.pads = {1, 1, 1, 1}};
  nn::graph g = nn::start("test");
  auto v = nn::mul(g, nn::conv(g, "x", shape, w, b, options), scale);
  nn::finish(g, nn::clip(g, nn::add(g, v, shift), -0.5F, 0.75F));
  values expected = conv(x, shape, w, b, options);
  for (std::size_t i = 0; i < expected.data.size(); ++i)
    expected.data[i] = std::clamp(expected.data[i] * scale[i / 42] + shift[i / 42], -0.5, 0.75);
  CHECK(error(run(g, x), expected) < 2e-6);
  CHECK(nn::compile(g, {}, aecnn::best_instruction_set()).value()->steps.size() == 1);
}

TEST_CASE("convolution: errors", "[nn]") {
  random_source random(7);
  const auto graph = [&](std::vector<std::int64_t> shape, std::vector<float> bias = {}, nn::conv_options o = {}) {
    std::size_t n = 1;
    for (const auto e : shape) n *= static_cast<std::size_t>(e);
    nn::graph g = nn::start("test");
    nn::finish(g, nn::conv(g, "x", std::move(shape), random.reals(n), std::move(bias), o));
    return g;
  };
  CHECK(failure_of(graph({2, 2, 3, 3}), "") == errc{});
  CHECK(failure_of(graph({2, 2, 3}), "[2,2,3]") == errc::bad_shape);
  CHECK(failure_of(graph({2, 3, 3, 3}), "2 channels, expected 3") == errc::bad_shape);
  CHECK(failure_of(graph({2, 2, 4, 3}), "4x3") == errc::bad_shape);
  CHECK(failure_of(graph({2, 2, 3, 3}, {1, 2, 3}), "bias 'conv0.bias' has shape [3], expected [2]") == errc::bad_shape);
  CHECK(failure_of(graph({3, 1, 3, 3}, {}, {.groups = 2}), "2 groups") == errc::bad_shape);
  CHECK(failure_of(graph({2, 2, 3, 3}, {}, {.strides = {0, 1}}), "node 'conv0' (Conv): attribute 'strides' is 0") ==
        errc::bad_field);
  CHECK(failure_of(graph({2, 2, 3, 3}, {}, {.pads = {0, -1, 0, 0}}), "'pads' is -1") == errc::bad_field);
  CHECK(failure_of(graph({2, 2, 3, 3}, {}, {.dilations = {1 << 20, 1}}), "'dilations'") == errc::bad_field);
  CHECK(failure_of(graph({2, 2, 3, 3}, {}, {.groups = 0}), "'group' is 0") == errc::bad_field);

  nn::graph g = graph({2, 2, 3, 3});
  g.nodes[0].attributes.emplace_back("kernel_shape", std::vector<std::int64_t>{3, 2});
  CHECK(failure_of(g, "kernel_shape") == errc::bad_shape);
  g.nodes[0].attributes.back() = {"kernel_shape", std::vector<std::int64_t>{3}};
  CHECK(failure_of(g, "has 1 elements, expected 2") == errc::bad_field);
  g.nodes[0].attributes.back() = {"auto_pad", std::string("SAME")};
  CHECK(failure_of(g, "'SAME'") == errc::bad_field);
  g.nodes[0].attributes.back() = {"auto_pad", std::string("VALID")};
  CHECK(failure_of(g, "exclude") == errc::bad_field); // the builder wrote pads
  g.nodes[0].attributes.back() = {"auto_pad", std::int64_t{1}};
  CHECK(failure_of(g, "another type") == errc::bad_field);
  g.nodes[0].attributes.back() = {"activation", std::string("relu")};
  CHECK(failure_of(g, "'activation' is not supported") == errc::unsupported);
  g.nodes[0].attributes.back() = g.nodes[0].attributes.front();
  CHECK(failure_of(g, "occurs twice") == errc::duplicate_name);
  g = graph({2, 2, 3, 3});
  g.nodes[0].inputs.resize(1);
  CHECK(failure_of(g, "has 1 inputs") == errc::missing_field);
  g.nodes[0].inputs.push_back("x");
  CHECK(failure_of(g, "computed, expected a weight") == errc::unsupported);
  g.nodes[0].inputs = {"conv0.weight", "conv0.weight"};
  CHECK(failure_of(g, "is a weight, expected a computed value") == errc::unsupported);
}
