#include <aecnn/calibrate/pack.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/nn/build.hpp>

#include <catch_compat.hpp>

namespace nn = aecnn::nn;
using aecnn::errc;

namespace {

/// Four tensors [3,4,6]: channel 0 is -8 to 8, channel 1 is 100 to 103, channel 2 is constant.
struct samples {
  std::vector<std::vector<float>> values;
  std::vector<aecnn::tensor_view<const float>> tensors;
  explicit samples(bool negative = true) {
    for (int t = 0; t < 4; ++t) {
      std::vector<float> x;
      for (int i = 0; i < 24; ++i) x.push_back(static_cast<float>((i * 7 + t * 5) % 17) - (negative ? 8.0F : 0.0F));
      for (int i = 0; i < 24; ++i) x.push_back(100 + static_cast<float>((i * 5 + t) % 13) / 4);
      for (int i = 0; i < 24; ++i) x.push_back(2.5F);
      values.push_back(std::move(x));
    }
    for (const auto& x : values) tensors.push_back(aecnn::tensor_view<const float>::chw(x.data(), 3, 4, 6));
  }
};

/// 1x1 convolution that puts latent l into channel to[l].
nn::graph scatter(std::vector<std::size_t> to, std::size_t channels) {
  nn::graph g = nn::start("net", "z");
  std::vector<float> w(to.size() * channels);
  for (std::size_t l = 0; l < to.size(); ++l) w[to[l] * to.size() + l] = 1;
  nn::finish(g, nn::conv(g, "z", {static_cast<std::int64_t>(channels), static_cast<std::int64_t>(to.size()), 1, 1}, w));
  return g;
}

/// Convolution of stride 2 from 3 channels to 2 latents: the sum of channel 0's and of channel 1's four pixels, biased.
nn::graph sums() {
  nn::graph g = nn::start("analysis");
  std::vector<float> w(2 * 3 * 4);
  for (std::size_t i = 0; i < 4; ++i) w[i] = w[12 + 4 + i] = 1;
  nn::finish(g, nn::conv(g, "x", {2, 3, 2, 2}, w, {7, -9}, {.strides = {2, 2}}));
  return g;
}

float worst(const aecnn::profile& p, const samples& s, std::size_t channel) {
  aecnn::codec c(p);
  float most = 0;
  for (const auto& x : s.tensors) {
    const auto y = c.decode(c.encode(x));
    for (std::size_t i = 0; i < 4; ++i)
      for (std::size_t j = 0; j < 6; ++j) most = std::max(most, std::abs(y(channel, i, j) - x(channel, i, j)));
  }
  return most;
}

} // namespace

TEST_CASE("pack: each channel gets the range of its values", "[pack]") {
  const samples s;
  aecnn::pack_options o{.name = "n", .decoder = scatter({0, 1, 2}, 3), .channels = {}, .analysis = {}, .bits = 6};
  const auto p = aecnn::pack(s.tensors, o);
  CHECK(p.name == "n");
  CHECK(p.shape == aecnn::shape3{3, 4, 6});
  CHECK(p.hash == aecnn::content_hash(p));
  const auto& point = p.operating_points[0];
  CHECK(point.selector.channels == std::vector<std::uint16_t>{0, 1, 2});
  CHECK(point.quantizer.levels == 64);
  CHECK(point.quantizer.zero < 64);
  CHECK(point.expected_bytes > 4);
  // Half a step, and half a step for what is clipped: ranges 16, 3 and none.
  CHECK(worst(p, s, 0) <= 16.0F / 63);
  CHECK(worst(p, s, 1) <= 3.0F / 63);
  CHECK(worst(p, s, 2) < 1e-3F);
  CHECK(aecnn::try_verify_probe(p));
  // One bit more halves the error.
  o.bits = 7;
  const double finer = aecnn::pack(s.tensors, o).operating_points[0].expected_error;
  CHECK(finer < 0.5 * point.expected_error);
  CHECK(point.expected_error < 1e-5);
}

TEST_CASE("pack: values that are never negative have 0 as the lowest level", "[pack]") {
  const samples s(false);
  const auto p =
      aecnn::pack(s.tensors, {.name = {}, .decoder = scatter({0}, 3), .channels = {0}, .analysis = {}, .bits = 4});
  const auto& q = p.operating_points[0].quantizer;
  CHECK(q.zero == 0);
  CHECK(q.offset.empty());
  // 15 steps to 16, and channels 1 and 2 are lost.
  CHECK(q.unit[0] * 256 > 0.9F);
  CHECK(q.unit[0] * 256 < 1.1F);
  double lost = 0, all = 0;
  for (const auto& x : s.values)
    for (std::size_t i = 0; i < x.size(); ++i) {
      all += static_cast<double>(x[i]) * static_cast<double>(x[i]);
      lost += i < 24 ? 0 : static_cast<double>(x[i]) * static_cast<double>(x[i]);
    }
  CHECK(p.operating_points[0].expected_error > lost / all);
  CHECK(p.operating_points[0].expected_error < lost / all + 1e-3);
}

TEST_CASE("pack: a convolution becomes the projection, its bias goes to the decoder", "[pack]") {
  const samples s;
  const auto layer = aecnn::try_analysis_layer(sums());
  REQUIRE(layer);
  CHECK(layer->stride == 2);
  CHECK(layer->rows.rows() == 2);
  CHECK(layer->rows(1, 4) == 1);
  CHECK(layer->rows(1, 3) == 0);
  CHECK(layer->bias(1) == -9);
  // Every pixel of channels 0 and 1 becomes its block's sum as the network gives it, bias included.
  nn::graph g = nn::start("net", "z");
  std::vector<float> w(2 * 3 * 4);
  for (std::size_t i = 0; i < 4; ++i) w[i] = w[12 + 4 + i] = 1;
  nn::finish(g, nn::conv_transpose(g, "z", {2, 3, 2, 2}, w, {}, {.strides = {2, 2}}));
  g.input_shapes = {{1, 2, 2, 3}};
  aecnn::pack_options o{.name = {}, .decoder = g, .channels = {}, .analysis = *layer, .bits = 12};
  const auto p = aecnn::pack(s.tensors, o);
  CHECK(p.operating_points[0].stride() == 2);
  CHECK(p.operating_points[0].latents() == 2);
  aecnn::codec c(p);
  for (const auto& x : s.tensors) {
    const auto y = c.decode(c.encode(x));
    for (std::size_t k = 0; k < 2; ++k)
      for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t j = 0; j < 6; ++j) {
          const std::size_t top = i / 2 * 2, left = j / 2 * 2;
          const float sum = x(k, top, left) + x(k, top, left + 1) + x(k, top + 1, left) + x(k, top + 1, left + 1);
          CHECK(std::abs(y(k, i, j) - (sum + (k == 0 ? 7.0F : -9.0F))) < 0.1F);
        }
  }
  // For some of the channels the layer must have as many inputs.
  o.channels = {0, 1};
  CHECK(aecnn::try_pack(s.tensors, o).error().code == errc::bad_shape);
}

TEST_CASE("pack: a given step rounds channels", "[pack]") {
  const samples s;
  aecnn::pack_options o{.name = {}, .decoder = scatter({0, 1}, 3), .channels = {0, 1}, .analysis = {}};
  o.step = 0.5;
  o.lambda = 7;
  auto p = aecnn::pack(s.tensors, o);
  const auto& q = p.operating_points[0].quantizer;
  // -16 to 16 and 200 to 206 steps, and one more on each side.
  CHECK(p.operating_points[0].name == "step 0.5");
  CHECK(q.zero == 17);
  CHECK(q.levels == 17 + 1 + 206 + 1);
  CHECK(q.offset.empty());
  CHECK(p.operating_points[0].lambda == 7);
  p.operating_points[0].lambda = 0;
  aecnn::seal(p);
  aecnn::codec c(p);
  for (const auto& x : s.tensors) {
    const auto y = c.decode(c.encode(x));
    for (std::size_t k = 0; k < 2; ++k)
      for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t j = 0; j < 6; ++j) {
          const double nearest = std::floor(std::abs(static_cast<double>(x(k, i, j))) * 2 + 0.5);
          CHECK(static_cast<double>(y(k, i, j)) == std::copysign(nearest / 2, static_cast<double>(x(k, i, j))));
          CHECK(c.encoder_side().symbols()[k * 24 + i * 6 + j] ==
                17 + std::copysign(nearest, static_cast<double>(x(k, i, j))));
        }
  }
  // Without negative values 0 is the lowest level.
  const samples positive(false);
  const auto unsigned_levels = aecnn::pack(positive.tensors, o).operating_points[0].quantizer;
  CHECK(unsigned_levels.zero == 0);
  CHECK(unsigned_levels.levels == 206 + 2);

  const auto code = [&](double step) {
    o.step = step;
    const auto r = aecnn::try_pack(s.tensors, o);
    return r ? errc{} : r.error().code;
  };
  CHECK(code(1e-3) == errc::invalid_argument); // 111000 levels
  CHECK(code(0) == errc::invalid_argument);
  CHECK(code(-1) == errc::invalid_argument);
  CHECK(code(std::nan("")) == errc::invalid_argument);
  CHECK(code(1e9) == errc{}); // two levels and zero
}

TEST_CASE("pack: the decoder gets multiples of the given step, bias or not", "[pack]") {
  const samples s;
  // Decodes latents into channels 0 and 1, each for its four pixels.
  nn::graph g = nn::start("net", "z");
  std::vector<float> w(2 * 3 * 4);
  for (std::size_t i = 0; i < 4; ++i) w[i] = w[12 + 4 + i] = 1;
  nn::finish(g, nn::conv_transpose(g, "z", {2, 3, 2, 2}, w, {}, {.strides = {2, 2}}));
  auto layer = *aecnn::try_analysis_layer(sums());
  layer.rows /= 16;
  // No sum of quarters over 16 and bias is near the middle between two steps.
  const std::vector<std::pair<double, double>> biases{{0.30, -9.37}, {0, 0}};
  for (const auto& [first, second] : biases)
    for (const double step : {1.0, 0.6}) {
      layer.bias(0) = first;
      layer.bias(1) = second;
      aecnn::pack_options o{.name = {}, .decoder = g, .channels = {}, .analysis = layer};
      o.step = step;
      const auto p = aecnn::pack(s.tensors, o);
      CHECK(p.networks[0].nodes.size() == 1);
      CHECK(p.operating_points[0].projection->bias.empty() == (first == 0));
      const int zero = static_cast<int>(p.operating_points[0].quantizer.zero);
      double low = 0, high = 0;
      aecnn::codec c(p);
      for (const auto& x : s.tensors) {
        const auto y = c.decode(c.encode(x));
        for (std::size_t k = 0; k < 2; ++k)
          for (std::size_t i = 0; i < 4; i += 2)
            for (std::size_t j = 0; j < 6; j += 2) {
              const double sum = static_cast<double>(x(k, i, j)) + static_cast<double>(x(k, i, j + 1)) +
                                 static_cast<double>(x(k, i + 1, j)) + static_cast<double>(x(k, i + 1, j + 1));
              const double v = (sum / 16 + layer.bias(static_cast<Eigen::Index>(k))) / step;
              if (std::abs(std::abs(v - std::floor(v)) - 0.5) < 0.001) continue;
              const double nearest = aecnn::detail::nearest_symbol(v);
              low = std::min(low, nearest);
              high = std::max(high, nearest);
              CHECK(c.encoder_side().symbols()[k * 6 + i / 2 * 3 + j / 2] == zero + nearest);
              CHECK(std::abs(static_cast<double>(y(k, i, j)) - nearest * step) <= (step == 1.0 ? 0 : 4e-6 * step));
            }
      }
      CHECK(zero == 1 - low);
      CHECK(p.operating_points[0].quantizer.levels == static_cast<std::uint32_t>(high - low) + 3);
    }
  aecnn::pack_options fine{.name = {}, .decoder = g, .channels = {}, .analysis = layer};
  fine.step = 1e-3;
  CHECK(aecnn::try_pack(s.tensors, fine));
  fine.step = 1e-5;
  CHECK(aecnn::try_pack(s.tensors, fine).error().code == errc::invalid_argument);
  fine.step = 1;
  fine.analysis->bias(0) = std::nan("");
  CHECK(aecnn::try_pack(s.tensors, fine).error().code == errc::not_finite);
}

TEST_CASE("pack: a decoder in float16", "[pack]") {
  const samples s;
  nn::graph g = scatter({0, 1, 2}, 3);
  auto& w = g.weights[0].values;
  w[0] = 0.1F;
  w[4] = 1.0F + 0x1p-11F; // a tie
  aecnn::pack_options o{.name = {}, .decoder = g, .channels = {}, .analysis = {}, .bits = 6};
  CHECK(aecnn::pack(s.tensors, o).networks[0].weights[0].values == w);
  o.float16 = true;
  const auto p = aecnn::pack(s.tensors, o);
  const auto& rounded = p.networks[0].weights[0].values;
  CHECK(rounded[0] == 0x1.998p-4F);
  CHECK(rounded[4] == 1.0F);
  CHECK(aecnn::try_verify_probe(p)); // made with these weights
  o.decoder.weights[0].values[0] = 65519;
  CHECK(aecnn::try_pack(s.tensors, o));
  o.decoder.weights[0].values[0] = -65520;
  const auto refused = aecnn::try_pack(s.tensors, o);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::invalid_argument);
  CHECK(refused.error().message.find("element 0") != std::string::npos);
}

TEST_CASE("pack: analysis networks that the device cannot compute", "[pack]") {
  const auto code = [](auto change) {
    nn::graph g = sums();
    change(g);
    const auto r = aecnn::try_analysis_layer(g);
    return r ? errc{} : r.error().code;
  };
  const auto set = [](const char* key, nn::attribute value) {
    return [=](nn::graph& g) {
      std::erase_if(g.nodes[0].attributes, [&](const auto& a) { return a.first == key; });
      g.nodes[0].attributes.emplace_back(key, value);
    };
  };
  using ints = std::vector<std::int64_t>;
  CHECK(code([](nn::graph&) {}) == errc{});
  CHECK(code(set("auto_pad", std::string("VALID"))) == errc{});
  CHECK(code(set("auto_pad", std::string("SAME_UPPER"))) == errc::unsupported);
  CHECK(code(set("pads", ints{0, 0, 1, 1})) == errc::unsupported);
  CHECK(code(set("strides", ints{1, 1})) == errc::unsupported);
  CHECK(code(set("dilations", ints{2, 2})) == errc::unsupported);
  CHECK(code(set("group", std::int64_t{2})) == errc::unsupported);
  CHECK(code(set("kernel_shape", ints{3, 3})) == errc::unsupported);
  CHECK(code(set("other", std::int64_t{1})) == errc::unsupported);
  CHECK(code([](nn::graph& g) {
          std::erase_if(g.nodes[0].attributes, [](const auto& a) { return a.first == "strides"; });
        }) == errc::unsupported);
  CHECK(code([](nn::graph& g) { nn::finish(g, nn::relu(g, g.outputs[0])); }) == errc::unsupported);
  CHECK(code([](nn::graph& g) { g.nodes.clear(); }) == errc::unsupported);
  CHECK(code([](nn::graph& g) { g.weights.clear(); }) == errc::unsupported);
  CHECK(code([](nn::graph& g) { g.weights[0].shape = {2, 3, 2, 1}; }) != errc{});
  CHECK(code([](nn::graph& g) { g.weights[1].values.pop_back(); }) == errc::bad_shape);
}

TEST_CASE("pack: a Resize with empty inputs, as exporters write it, becomes one without them", "[pack]") {
  const samples s;
  nn::graph g = scatter({0, 1, 2}, 3);
  g.weights.push_back({"roi", {0}, {}});
  g.weights.push_back({"scales", {4}, {1, 1, 1, 1}});
  g.nodes.push_back({"Resize", "resize", {g.outputs[0], "roi", "scales"}, {"resized"}});
  nn::finish(g, "resized");
  const auto p = aecnn::pack(s.tensors, {.name = {}, .decoder = g, .channels = {}, .analysis = {}});
  const nn::graph& stored = p.networks[0];
  CHECK(stored.nodes.back().inputs == std::vector<std::string>{g.nodes[0].outputs[0], "", "scales"});
  CHECK(std::none_of(stored.weights.begin(), stored.weights.end(), [](const nn::weight& w) { return w.name == "roi"; }));
  CHECK(aecnn::try_verify_probe(p));
}

TEST_CASE("pack: what does not fit is refused", "[pack]") {
  samples s;
  const aecnn::pack_options good{.name = {}, .decoder = scatter({0, 1}, 3), .channels = {0, 1}, .analysis = {}};
  const auto code = [&](auto change) {
    aecnn::pack_options o = good;
    change(o);
    const auto r = aecnn::try_pack(s.tensors, o);
    return r ? errc{} : r.error().code;
  };
  CHECK(code([](auto&) {}) == errc{});
  CHECK(code([](auto& o) { o.open_extents = true; }) == errc{});
  CHECK(code([](auto& o) { o.bits = 0; }) == errc::invalid_argument);
  CHECK(code([](auto& o) { o.bits = 17; }) == errc::invalid_argument);
  CHECK(code([](auto& o) { o.channels = {1, 0}; }) == errc::invalid_argument);
  CHECK(code([](auto& o) { o.channels = {0, 3}; }) == errc::invalid_argument);
  CHECK(code([](auto& o) { o.channels = {0}; }) == errc::bad_shape);
  CHECK(code([](auto& o) { o.decoder = scatter({0, 1}, 4); }) == errc::bad_shape);
  CHECK(code([](auto& o) { o.decoder.input_shapes = {{1, 2, 4, 5}}; }) == errc::bad_shape);
  CHECK(code([](auto& o) { o.decoder.input_shapes = {{-1, 2, -1, 6}}; }) == errc{});
  CHECK(code([](auto& o) { o.decoder.outputs.push_back(o.decoder.outputs[0]); }) == errc::unsupported);
  CHECK(code([](auto& o) { o.decoder.nodes[0].op_type = "Nothing"; }) == errc::unsupported);
  CHECK(code([](auto& o) { o.decoder.weights[0].values[0] = std::numeric_limits<float>::infinity(); }) ==
        errc::not_finite);
  CHECK(code([](auto& o) { // loses a border, which is no whole number of times fewer pixels
          nn::graph g = nn::start("analysis");
          nn::finish(g, nn::conv(g, "x", {2, 2, 3, 3}, std::vector<float>(36, 1.0F)));
          o.analysis_network = g;
        }) == errc::bad_shape);
  const auto far = [&](float bias) {
    nn::graph g = nn::start("analysis");
    nn::finish(g, nn::conv(g, "x", {2, 2, 1, 1}, {1, 0, 0, 1}, {bias, 0}));
    aecnn::pack_options o = good;
    o.analysis = aecnn::try_analysis_layer(g).value();
    o.step = 1;
    return aecnn::try_pack(s.tensors, o);
  };
  CHECK(far(59000));
  REQUIRE_FALSE(far(61000));
  CHECK(far(61000).error().code == errc::invalid_argument);
  CHECK(far(61000).error().message.find("a bias of 61000") != std::string::npos);
  s.values[1][5] = 2e18F;
  CHECK(code([](auto&) {}) == errc::invalid_argument);
  const auto view = s.tensors[2];
  s.tensors[2] = aecnn::tensor_view<const float>::chw(s.values[2].data(), 3, 6, 4);
  CHECK(code([](auto&) {}) == errc::bad_shape);
  s.tensors[2] = view;
  s.values[1][5] = std::nanf("");
  CHECK(code([](auto&) {}) == errc::not_finite);
  s.tensors.clear();
  CHECK(code([](auto&) {}) == errc::invalid_argument);
  CHECK_THROWS_AS(aecnn::pack(s.tensors, good), aecnn::error);
}
