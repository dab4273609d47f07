#include <aecnn/nn/elementwise.hpp>

#include <limits>

#include "reference.hpp"

using namespace reference;
using aecnn::errc;

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Builds x -> value, and compares with `expected` on a random 3x4x5 input that also holds NaN, infinities and zeros.
template <class Build, class Expected>
void check(Build build, Expected expected) {
  random_source random(1);
  values x = random.tensor({3, 4, 5});
  x.data[7] = nan;
  x.data[8] = std::numeric_limits<double>::infinity();
  x.data[9] = -x.data[8];
  x.data[10] = 0.0;
  x.data[11] = -0.0;
  // Alone, and after another operator, so that it also runs in place.
  for (const bool in_place : {false, true}) {
    nn::graph g = nn::start("test");
    std::string v = "x";
    if (in_place) v = nn::identity(g, v);
    v = build(g, v);
    if (in_place) v = nn::identity(g, v);
    nn::finish(g, v);
    values y = x;
    for (std::size_t i = 0; i < y.data.size(); ++i) y.data[i] = expected(x.data[i], i / 20);
    CHECK(error(run(g, x), y) < 1e-6);
  }
}

} // namespace

TEST_CASE("elementwise: activations", "[nn]") {
  using G = nn::graph;
  check([](G& g, std::string v) { return nn::relu(g, v); }, [](double x, std::size_t) { return x < 0 ? 0 : x; });
  check([](G& g, std::string v) { return nn::leaky_relu(g, v, 0.125F); },
        [](double x, std::size_t) { return x < 0 ? 0.125 * x : x; });
  check([](G& g, std::string v) { return nn::clip(g, v, -0.25F, 0.5F); },
        [](double x, std::size_t) { return x < -0.25 ? -0.25
                                           : x > 0.5 ? 0.5
                                                     : x; });
  check([](G& g, std::string v) { return nn::sigmoid(g, v); },
        [](double x, std::size_t) { return 1 / (1 + std::exp(-x)); });
}

TEST_CASE("elementwise: clip with one bound, and with its lower bound above the upper", "[nn]") {
  const auto clip = [](std::vector<std::string> bounds) {
    return [bounds](nn::graph& g, std::string v) {
      g.weights.push_back({"a", {}, {0.25F}});
      g.weights.push_back({"b", {1}, {-0.25F}});
      g.nodes.push_back({"Clip", "clip", {v}, {"y"}, {}});
      for (const auto& b : bounds) g.nodes.back().inputs.push_back(b);
      return std::string("y");
    };
  };
  check(clip({}), [](double x, std::size_t) { return x; });
  check(clip({"a"}), [](double x, std::size_t) { return x < 0.25 ? 0.25 : x; });
  check(clip({"", "b"}), [](double x, std::size_t) { return x > -0.25 ? -0.25 : x; });
  // min(max(x, 0.25), -0.25), as ONNX defines it.
  check(clip({"a", "b"}), [](double x, std::size_t) { return std::isnan(x) ? x : -0.25; });
}

TEST_CASE("elementwise: constants, one a channel or one for all", "[nn]") {
  const std::vector<float> c{0.5F, -2, 3};
  check([&](nn::graph& g, std::string v) { return nn::add(g, v, c); },
        [&](double x, std::size_t k) { return x + c[k]; });
  check([&](nn::graph& g, std::string v) { return nn::mul(g, v, c); },
        [&](double x, std::size_t k) { return x * c[k]; });
  check([](nn::graph& g, std::string v) { return nn::add(g, v, std::vector<float>{3}); },
        [](double x, std::size_t) { return x + 3; });
  check(
      [](nn::graph& g, std::string v) {
        g.weights.push_back({"scalar", {}, {4}});
        return nn::mul(g, "scalar", v);
      },
      [](double x, std::size_t) { return 4 * x; });
}

TEST_CASE("elementwise: batch normalisation", "[nn]") {
  const std::vector<float> scale{1, 2, -1}, bias{0, 1, 2}, mean{0.5F, 0, -1}, variance{1, 0.25F, 4};
  check([&](nn::graph& g, std::string v) { return nn::batch_normalization(g, v, scale, bias, mean, variance, 1e-3F); },
        [&](double x, std::size_t c) { return scale[c] * (x - mean[c]) / std::sqrt(variance[c] + 1e-3) + bias[c]; });
}

TEST_CASE("elementwise: two computed values, equal shapes and broadcast", "[nn]") {
  random_source random(2);
  const values x = random.tensor({3, 4, 5});
  nn::graph g = nn::start("test");
  const std::string r = nn::relu(g, "x");
  nn::finish(g, nn::add(g, nn::mul(g, "x", r), nn::add(g, r, r)));
  values y = x;
  for (double& v : y.data) v = v * std::max(v, 0.0) + 2 * std::max(v, 0.0);
  CHECK(error(run(g, x), y) < 1e-6);

  // A 4x5 convolution leaves one pixel a channel, a 1-channel one a single value.
  for (const std::int64_t outputs : {3, 1})
    for (const bool swapped : {false, true}) {
      const auto w = random.reals(static_cast<std::size_t>(outputs) * 60);
      g = nn::start("test");
      const std::string s = nn::conv(g, "x", {outputs, 3, 4, 5}, w);
      nn::finish(g, swapped ? nn::mul(g, s, "x") : nn::mul(g, "x", s));
      const values small = conv(x, {outputs, 3, 4, 5}, w, {}, {});
      y = x;
      for (std::size_t i = 0; i < y.data.size(); ++i) y.data[i] *= small.data[outputs == 1 ? 0 : i / 20];
      CHECK(error(run(g, x), y) < 2e-6);
    }
}

TEST_CASE("elementwise: errors", "[nn]") {
  const auto with_weight = [](std::vector<std::int64_t> shape, std::size_t n) {
    nn::graph g = nn::start("test");
    g.weights.push_back({"w", std::move(shape), std::vector<float>(n)});
    nn::finish(g, nn::add(g, "x", "w"));
    return g;
  };
  CHECK(failure_of(with_weight({2, 1, 1}, 2), "") == errc{});
  CHECK(failure_of(with_weight({1, 1, 1, 1}, 1), "") == errc{});
  CHECK(failure_of(with_weight({3}, 3), "[3]") == errc::unsupported); // would broadcast along the width
  CHECK(failure_of(with_weight({2, 1, 1, 1}, 2), "[2,1,1,1]") == errc::unsupported);
  CHECK(failure_of(with_weight({4, 1, 1}, 4), "node 'add0' (Add): input has 2 channels, expected 4") ==
        errc::bad_shape);
  nn::graph g = nn::start("test");
  nn::finish(g, nn::add(g, "x", nn::conv(g, "x", {2, 2, 2, 2}, std::vector<float>(16))));
  CHECK(failure_of(g, "2x3x3 and 2x2x2") == errc::bad_shape);
  g = nn::start("test");
  g.weights = {{"a", {}, {1}}, {"b", {}, {1}}};
  nn::finish(g, nn::mul(g, "a", "b"));
  CHECK(failure_of(g, "both inputs are weights") == errc::unsupported);
  g = nn::start("test");
  nn::finish(g, nn::add(g, "x", ""));
  CHECK(failure_of(g, "missing") == errc::missing_field);

  const auto normalised = [](std::vector<float> mean, std::vector<float> variance) {
    nn::graph n = nn::start("test");
    nn::finish(n, nn::batch_normalization(n, "x", {1, 1}, {0, 0}, std::move(mean), std::move(variance)));
    return n;
  };
  CHECK(failure_of(normalised({0, 0}, {1, 1}), "") == errc{});
  CHECK(failure_of(normalised({0}, {1, 1}), "mean") == errc::bad_shape);
  CHECK(failure_of(normalised({0, 0}, {1, -1}), "channel 1") == errc::bad_field);
  g = normalised({0, 0}, {1, 1});
  g.nodes[0].attributes.emplace_back("training_mode", std::int64_t{1});
  CHECK(failure_of(g, "training_mode") == errc::unsupported);
  g.nodes[0].attributes.pop_back();
  g.nodes[0].attributes[0].second = std::numeric_limits<float>::infinity();
  CHECK(failure_of(g, "'epsilon' is not finite") == errc::bad_field);
  g.nodes[0].inputs.pop_back();
  CHECK(failure_of(g, "has 4 inputs, expected 5") == errc::missing_field);

  g = nn::start("test");
  nn::finish(g, nn::clip(g, "x", 0, 1));
  g.weights[0] = {"clip0.min", {2}, {0, 1}};
  CHECK(failure_of(g, "expected 1") == errc::bad_shape);
}
