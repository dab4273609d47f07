#include <aecnn/nn/quantized/calibrate.hpp>

#include <random>

#include "integer_reference.hpp"

using namespace integer_reference;
using coverage = nn::quantization_options::coverage;

namespace {

std::vector<float> gaussian(std::size_t n, unsigned seed, float deviation = 1) {
  std::mt19937 engine(seed);
  std::vector<float> v;
  for (std::size_t i = 0; i < n; ++i) {
    float sum = 0;
    for (int k = 0; k < 12; ++k) sum += static_cast<float>(engine() >> 8) * 0x1p-24F;
    v.push_back((sum - 6) * deviation);
  }
  return v;
}

/// A residual decoder, [6,h,w] to [12,2h,2w].
nn::graph decoder() {
  nn::graph g = nn::start("decoder");
  const nn::conv_options same{.pads = {1, 1, 1, 1}};
  std::string v = nn::relu(g, nn::conv(g, "x", {16, 6, 3, 3}, gaussian(16 * 54, 1, 0.2F), gaussian(16, 2, 0.1F), same));
  std::string r = nn::conv(g, v, {16, 16, 3, 3}, gaussian(16 * 144, 3, 0.1F), {}, same);
  r = nn::batch_normalization(g, r, gaussian(16, 4), gaussian(16, 5), gaussian(16, 6), std::vector<float>(16, 0.5F));
  v = nn::relu(g, nn::add(g, r, v));
  v = nn::relu(g, nn::conv_transpose(g, v, {16, 16, 4, 4}, gaussian(4096, 7, 0.1F), {},
                                     {.strides = {2, 2}, .pads = {1, 1, 1, 1}}));
  nn::finish(g, nn::conv(g, v, {12, 16, 1, 1}, gaussian(12 * 16, 8, 0.2F), gaussian(12, 9, 0.1F)));
  return g;
}

double signal_to_noise(const std::vector<float>& found, const std::vector<float>& wanted) {
  double noise = 0, power = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const double w = static_cast<double>(wanted[i]), d = static_cast<double>(found[i]) - w;
    noise += d * d;
    power += w * w;
  }
  return 10 * std::log10(power / noise);
}

} // namespace

TEST_CASE("a calibrated decoder is close to the float network for inputs it has not seen") {
  const nn::graph g = decoder();
  std::vector<std::vector<float>> samples;
  std::vector<std::span<const float>> spans;
  for (unsigned i = 0; i < 4; ++i) samples.push_back(gaussian(6 * 80, 20 + i));
  for (const auto& s : samples) spans.emplace_back(s);
  const extents shape{1, 6, 8, 10};
  auto net = nn::network::create(g).value();
  net.prepare({6, 8, 10}).value();
  const std::vector<float> x = gaussian(6 * 80, 30);
  std::vector<float> wanted(12 * 320);
  net.run_to(x, wanted).value();
  for (const coverage c : {coverage::everything, coverage::percentile, coverage::squared_error}) {
    nn::quantization_options o;
    o.ranges = c;
    const nn::quantization q = nn::calibrate_quantization(g, spans, shape, o).value();
    auto integer = nn::quantized_network::create(g, q).value();
    integer.prepare({6, 8, 10}).value();
    std::vector<float> y(wanted.size());
    integer.run_to(x, y).value();
    INFO("coverage " << static_cast<int>(c));
    CHECK(signal_to_noise(y, wanted) > 33);
    CHECK(nn::calibrate_quantization(g, spans, shape, o).value() == q);
  }
}

TEST_CASE("ranges and weights are quantised as documented") {
  nn::graph g = nn::start("one");
  nn::finish(g, nn::conv(g, "x", {2, 1, 1, 1}, {0.5F, 0}, {0.25F, -3}));
  const std::vector<float> x{-1, 0, 1.55F, 0.5F};
  const std::span<const float> sample = x;
  const extents shape{1, 1, 2, 2};
  nn::quantization_options o;
  o.ranges = coverage::everything;
  const nn::quantization q = nn::calibrate_quantization(g, std::span(&sample, 1), shape, o).value();
  REQUIRE(q.values.size() == 2);
  REQUIRE(q.convolutions.size() == 1);
  CHECK(q.values[0].name == "x");
  CHECK(q.values[0].scale == Approx(0.01));
  CHECK(q.values[0].zero == 100);
  const auto& c = q.convolutions[0];
  CHECK(c.output == g.outputs[0]);
  CHECK(c.weights == std::vector<std::int8_t>{127, 0});
  CHECK(c.scales[0] == Approx(0.5 / 127));
  CHECK(c.bias[0] == std::lround(0.25 / (0.01 * 0.5 / 127)));
  CHECK(std::abs(c.bias[1] + (1 << 28)) <= 32); // the least scale that holds it, rounded to float
  CHECK(static_cast<double>(c.bias[1]) * static_cast<double>(c.scales[1]) * 0.01 == Approx(-3));
}

TEST_CASE("tails and outliers are left out on request") {
  nn::graph g = nn::start("relu");
  nn::finish(g, nn::relu(g, "x"));
  std::vector<float> x = gaussian(10000, 3);
  x[17] = 1000;
  const std::span<const float> sample = x;
  const extents shape{1, 1, 100, 100};
  nn::quantization_options o;
  const auto scale = [&](coverage c) {
    o.ranges = c;
    return nn::calibrate_quantization(g, std::span(&sample, 1), shape, o).value().values[0].scale;
  };
  CHECK(scale(coverage::everything) * 255 > 1000);
  CHECK(scale(coverage::percentile) * 255 < 20);
  CHECK(scale(coverage::squared_error) * 255 <= scale(coverage::everything) * 255);
}

TEST_CASE("calibration refuses what it cannot use") {
  const nn::graph g = decoder();
  const std::vector<float> x = gaussian(6 * 80, 20);
  std::vector<float> bad = x;
  bad[5] = std::numeric_limits<float>::quiet_NaN();
  const std::span<const float> sample = x, not_finite = bad, short_one = sample.first(10);
  const extents shape{1, 6, 8, 10}, wrong{1, 5, 8, 12};
  const auto code = [&](std::span<const std::span<const float>> s, const extents& e,
                        const nn::quantization_options& o = {}) {
    const auto q = nn::calibrate_quantization(g, s, e, o);
    REQUIRE(!q);
    return q.error().code;
  };
  CHECK(code({}, shape) == errc::invalid_argument);
  CHECK(code(std::span(&short_one, 1), shape) == errc::bad_shape);
  CHECK(code(std::span(&not_finite, 1), shape) == errc::not_finite);
  CHECK(code(std::span(&sample, 1), wrong) == errc::bad_shape);
  nn::quantization_options o;
  o.tails = 0.5;
  CHECK(code(std::span(&sample, 1), shape, o) == errc::invalid_argument);
  nn::graph two = nn::start("two");
  two.inputs.push_back("z");
  nn::finish(two, nn::add(two, "x", "z"));
  CHECK(nn::calibrate_quantization(two, std::span(&sample, 1), shape).error().code == errc::unsupported);
  nn::graph large = nn::start("large");
  nn::finish(large, nn::conv(large, "x", {1, 6, 1, 1}, std::vector<float>(6, 3e38F)));
  const auto infinite = nn::calibrate_quantization(large, std::span(&sample, 1), shape);
  REQUIRE(!infinite);
  CHECK(infinite.error().code == errc::not_finite);
  CHECK(infinite.error().message == "value '" + large.outputs[0] + "' becomes a NaN or an infinity");
}

TEST_CASE("whatever only moves values keeps their quantisation") {
  nn::graph g = nn::start("moves");
  g.nodes.push_back({"MaxPool", "pool", {"x"}, {"pool"}, {{"kernel_shape", extents{2, 2}}}});
  nn::finish(g, nn::depth_to_space(g, nn::identity(g, "pool"), 2));
  const std::vector<float> x = gaussian(4 * 80, 21);
  const std::span<const float> sample = x;
  const auto q = nn::calibrate_quantization(g, std::span(&sample, 1), extents{1, 4, 8, 10}).value();
  REQUIRE(q.values.size() >= 3);
  for (const auto& v : q.values) {
    CHECK(v.scale == q.values[0].scale);
    CHECK(v.zero == q.values[0].zero);
  }
}
