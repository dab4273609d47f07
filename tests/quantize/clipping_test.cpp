#include <aecnn/quantize/clipping.hpp>

#include <catch_compat.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

using aecnn::choose_clipping;
using aecnn::clipping_zero;
using aecnn::distribution;
using aecnn::errc;
using aecnn::uniform_error;

namespace {

distribution gaussian() {
  distribution d;
  for (int i = -4000; i <= 4000; ++i) {
    const double x = i / 500.0;
    d.values.push_back(x);
    d.weights.push_back(std::exp(-x * x / 2));
  }
  return d;
}

/// The least error over a fine grid of ranges with these lower limits.
double exhaustive(const distribution& d, std::size_t levels, const std::vector<double>& lows) {
  double least = 1e300;
  for (const double low : lows)
    for (int i = 1; i <= 2000; ++i) {
      const double high = low + (d.values.back() - low) * i / 2000.0;
      least = std::min(least, uniform_error(d, low, high, levels));
    }
  return least;
}

} // namespace

TEST_CASE("uniform_error is the error of the nearest level", "[quantize]") {
  const distribution d{{-1, 0.2, 0.5, 0.9, 4}, {1, 1, 2, 1, 1}};
  // Levels 0, 1, 2: errors 1, 0.2, 0.5 (twice), 0.1, 2.
  CHECK(uniform_error(d, 0, 2, 3) == Approx((1 + 0.04 + 2 * 0.25 + 0.01 + 4) / 6));
  CHECK(uniform_error(distribution{}, 0, 1, 2) == 0);
}

TEST_CASE("the range for a Gaussian is the one of the optimal uniform quantiser", "[quantize]") {
  // Max 1960, table II: for 2, 4, 8, 16 levels the steps 1.596, 0.9957, 0.5860, 0.3352 and the errors below.
  const double steps[] = {1.596, 0.9957, 0.5860, 0.3352}, errors[] = {0.3634, 0.1188, 0.03744, 0.01154};
  const auto d = gaussian();
  for (int bits = 1; bits <= 4; ++bits) {
    const auto r = choose_clipping(d, bits).value();
    const double step = (r.high - r.low) / ((1 << bits) - 1);
    CAPTURE(bits, r.low, r.high);
    CHECK(r.mse == Approx(errors[bits - 1]).epsilon(0.005));
    CHECK(step == Approx(steps[bits - 1]).epsilon(0.03));
    CHECK(r.low + r.high == Approx(0).margin(0.1));
    CHECK(r.mse == Approx(uniform_error(d, r.low, r.high, std::size_t{1} << bits)));
  }
}

TEST_CASE("the range beats or equals every range of a grid", "[quantize]") {
  // After a ReLU: many zeros, a decaying density, a few outliers.
  distribution relu{{0}, {5000}};
  for (int i = 1; i <= 600; ++i) {
    relu.values.push_back(i / 100.0);
    relu.weights.push_back(20 * std::exp(-i / 80.0));
  }
  relu.values.push_back(30);
  relu.weights.push_back(0.2);
  for (int bits = 1; bits <= 6; ++bits) {
    CAPTURE(bits);
    const std::size_t levels = std::size_t{1} << bits;
    const auto r = choose_clipping(relu, bits, clipping_zero::at_low).value();
    CHECK(r.low == 0);
    CHECK(r.high < 29);
    CHECK(r.mse <= 1.01 * exhaustive(relu, levels, {0}));
    CHECK(choose_clipping(relu, bits, clipping_zero::anywhere).value().mse <= 1.01 * r.mse);
  }
}

TEST_CASE("0 lies on the grid where that is asked for", "[quantize]") {
  distribution d = gaussian();
  for (double& v : d.values) v = 0.7 * v + 0.9;
  for (int bits = 1; bits <= 6; ++bits) {
    const auto free = choose_clipping(d, bits).value(), r = choose_clipping(d, bits, clipping_zero::on_grid).value();
    const double level = -r.low / (r.high - r.low) * ((1 << bits) - 1);
    CAPTURE(bits, r.low, r.high);
    CHECK(level == Approx(std::round(level)).margin(1e-9));
    CHECK(level >= -1e-9);
    CHECK(level <= (1 << bits) - 1 + 1e-9);
    CHECK(r.mse >= 0.99 * free.mse);
    if (bits >= 4) CHECK(r.mse <= 1.2 * free.mse);
  }
  // Only negative values: 0 is the highest level.
  for (double& v : d.values) v -= 9;
  const auto negative = choose_clipping(d, 4, clipping_zero::on_grid).value();
  CHECK(negative.high == Approx(0).margin(1e-12));
  CHECK(negative.low < -4);
}

TEST_CASE("constant and empty distributions", "[quantize]") {
  const auto c = choose_clipping(distribution{{2.5}, {7}}, 4).value();
  CHECK(c.low == 2.5);
  CHECK(c.high == 2.5);
  CHECK(c.mse == 0);
  CHECK(choose_clipping(distribution{{0}, {7}}, 4, clipping_zero::at_low).value().high == 0);
  CHECK(choose_clipping(distribution{{-2}, {7}}, 4, clipping_zero::at_low).value().mse == Approx(4));
  CHECK(choose_clipping(distribution{}, 4).error().code == errc::invalid_argument);
  CHECK(choose_clipping(distribution{{1}, {0}}, 4).error().code == errc::invalid_argument);
  CHECK(choose_clipping(distribution{{1, 2}, {1}}, 4).error().code == errc::invalid_argument);
  CHECK(choose_clipping(gaussian(), 0).error().code == errc::invalid_argument);
  CHECK(choose_clipping(gaussian(), 17).error().code == errc::invalid_argument);
}

TEST_CASE("a histogram gives the range of its samples", "[quantize]") {
  std::mt19937 engine(2);
  std::normal_distribution<float> normal;
  std::vector<float> x(200000);
  for (auto& v : x) v = std::max(0.0f, normal(engine));
  auto h = aecnn::histogram::create(0, 6).value();
  h.add(x).value();
  const auto r = choose_clipping(h, 4, clipping_zero::at_low).value();
  double error = 0;
  for (const float v : x) {
    const double step = r.high / 15, level = std::min(15.0, std::floor(static_cast<double>(v) / step + 0.5));
    error += std::pow(static_cast<double>(v) - level * step, 2) / static_cast<double>(x.size());
  }
  CHECK(r.mse == Approx(error).epsilon(0.02));
}
