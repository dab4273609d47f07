#include <aecnn/nn/convolution_transpose.hpp>

#include "reference.hpp"

using namespace reference;
using aecnn::errc;

TEST_CASE("convolution_transpose: example of the ONNX documentation", "[nn]") {
  values x = zeros({1, 3, 3});
  for (std::size_t i = 0; i < 9; ++i) x.data[i] = static_cast<double>(i);
  nn::graph g = nn::start("test");
  nn::finish(g, nn::conv_transpose(g, "x", {1, 2, 3, 3}, std::vector<float>(18, 1.0F)));
  const values y = run(g, x);
  const std::vector<double> one{0, 1, 3, 3, 2, 3, 8, 15, 12, 7, 9, 21, 36, 27, 15, 9, 20, 33, 24, 13, 6, 13, 21, 15, 8};
  std::vector<double> both = one;
  both.insert(both.end(), one.begin(), one.end());
  CHECK(y.shape == shape3{2, 5, 5});
  CHECK(y.data == both);
}

TEST_CASE("convolution_transpose: random parameters, with a folded scale and a fused activation", "[nn]") {
  random_source random(1);
  int checked = 0;
  for (int i = 0; i < 300; ++i) {
    const auto pick = [&](std::size_t least, std::size_t most) {
      return static_cast<std::int64_t>(random.integer(least, most));
    };
    nn::conv_options o;
    o.groups = pick(1, 3);
    const std::int64_t inputs = pick(1, 4), outputs = pick(1, 4);
    const std::vector<std::int64_t> shape{inputs * o.groups, outputs, pick(1, 4), pick(1, 4)};
    for (auto& v : o.strides) v = pick(1, 3);
    for (auto& v : o.dilations) v = pick(1, 2);
    for (auto& v : o.pads) v = pick(0, 2);
    for (std::size_t k = 0; k < 2; ++k)
      o.output_padding[k] = pick(0, static_cast<std::size_t>(std::max(o.strides[k], o.dilations[k]) - 1));
    const values x = random.tensor({static_cast<std::size_t>(shape[0]), random.integer(1, 6), random.integer(1, 6)});
    const auto w = random.reals(static_cast<std::size_t>(shape[0] * shape[1] * shape[2] * shape[3]));
    const auto m = static_cast<std::size_t>(outputs * o.groups);
    const auto b = i % 2 == 0 ? random.reals(m) : std::vector<float>{};
    const auto scale = random.reals(m);
    bool empty = false;
    for (std::size_t k = 0; k < 2; ++k)
      empty = empty || o.strides[k] * (static_cast<std::int64_t>(k == 0 ? x.shape.height : x.shape.width) - 1) +
                               o.output_padding[k] + o.dilations[k] * (shape[2 + k] - 1) + 1 - o.pads[k] -
                               o.pads[k + 2] <
                           1;
    nn::graph g = nn::start("test");
    std::string v = nn::conv_transpose(g, "x", shape, w, b, o);
    if (i % 3 == 0) v = nn::leaky_relu(g, nn::mul(g, v, scale), 0.25F);
    nn::finish(g, v);
    if (empty) {
      CHECK(failure_of(g, "leaves no output", x.shape) == errc::bad_shape);
      continue;
    }
    values expected = conv_transpose(x, shape, w, b, o);
    if (i % 3 == 0)
      for (std::size_t k = 0; k < expected.data.size(); ++k) {
        double& e = expected.data[k];
        e *= scale[k / expected.shape.area()];
        e = e < 0 ? 0.25 * e : e;
      }
    CHECK(error(run(g, x), expected) < 2e-6);
    ++checked;
  }
  CHECK(checked > 200);
}

TEST_CASE("convolution_transpose: errors", "[nn]") {
  const auto graph = [](nn::conv_options o) {
    nn::graph g = nn::start("test");
    nn::finish(g, nn::conv_transpose(g, "x", {2, 1, 2, 2}, std::vector<float>(8), {}, o));
    return g;
  };
  CHECK(failure_of(graph({}), "") == errc{});
  CHECK(failure_of(graph({.output_padding = {1, 0}}), "'output_padding' is 1") == errc::bad_field);
  CHECK(failure_of(graph({}), "3 channels, expected 2", {3, 2, 2}) == errc::bad_shape);
  nn::graph g = graph({});
  std::erase_if(g.nodes[0].attributes, [](const auto& a) { return a.first == "pads"; });
  g.nodes[0].attributes.emplace_back("auto_pad", std::string("SAME_UPPER"));
  CHECK(failure_of(g, "SAME_UPPER") == errc::unsupported);
  g.nodes[0].attributes.back() = {"output_shape", std::vector<std::int64_t>{4, 4}};
  CHECK(failure_of(g, "'output_shape' is not supported") == errc::unsupported);
}
