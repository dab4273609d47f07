#include <aecnn/quantize/lloyd_max.hpp>

#include <catch_compat.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using aecnn::code_lengths;
using aecnn::design_scalar_quantizer;
using aecnn::distribution;
using aecnn::errc;
using aecnn::lloyd_max_options;
using aecnn::scalar_codebook;

namespace {

template <class Density>
distribution sampled(double low, double high, Density&& density) {
  distribution d;
  constexpr int n = 40000;
  for (int i = 0; i < n; ++i) {
    d.values.push_back(low + (high - low) * (i + 0.5) / n);
    d.weights.push_back(density(d.values.back()));
  }
  return d;
}
distribution gaussian() {
  return sampled(-8, 8, [](double x) { return std::exp(-x * x / 2); });
}
distribution laplacian() {
  return sampled(-16, 16, [](double x) { return std::exp(-std::sqrt(2.0) * std::abs(x)); });
}

/// Probabilities of the cells, and the mean squared error, by the thresholds alone.
struct measured {
  std::vector<double> probability, mean;
  double mse = 0;
};
measured measure(const scalar_codebook& c, const distribution& d) {
  measured m{std::vector<double>(c.points.size()), std::vector<double>(c.points.size())};
  double total = 0;
  for (const double w : d.weights) total += w;
  for (std::size_t i = 0; i < d.values.size(); ++i) {
    std::size_t k = 0;
    while (k < c.thresholds.size() && static_cast<float>(d.values[i]) >= c.thresholds[k]) ++k;
    m.probability[k] += d.weights[i] / total;
    m.mean[k] += d.weights[i] / total * d.values[i];
    m.mse += d.weights[i] / total * std::pow(d.values[i] - static_cast<double>(c.points[k]), 2);
  }
  for (std::size_t k = 0; k < m.mean.size(); ++k) m.mean[k] /= m.probability[k];
  return m;
}

void check_points(const scalar_codebook& c, const std::vector<double>& positive) {
  const std::size_t n = positive.size();
  REQUIRE(c.points.size() == 2 * n);
  REQUIRE(c.thresholds.size() == 2 * n - 1);
  for (std::size_t i = 0; i < n; ++i) {
    CHECK(c.points[n + i] == Approx(positive[i]).margin(0.003));
    CHECK(c.points[n - 1 - i] == Approx(-positive[i]).margin(0.003));
  }
  CHECK(c.thresholds[n - 1] == Approx(0).margin(0.003));
}

lloyd_max_options with(std::size_t levels, double lambda = 0) {
  lloyd_max_options o;
  o.levels = levels;
  o.lambda = lambda;
  return o;
}

} // namespace

TEST_CASE("a Gaussian gives the quantisers of Max 1960", "[quantize]") {
  const auto d = gaussian();
  const auto two = design_scalar_quantizer(d, with(2)).value();
  check_points(two, {0.7979});
  CHECK(two.mse == Approx(0.3634).epsilon(0.001));
  CHECK(two.rate == Approx(1).epsilon(0.001));
  const auto four = design_scalar_quantizer(d, with(4)).value();
  check_points(four, {0.4528, 1.510});
  CHECK(four.thresholds[2] == Approx(0.9816).margin(0.003));
  CHECK(four.mse == Approx(0.1175).epsilon(0.001));
  CHECK(four.rate == Approx(1.911).epsilon(0.002));
  const auto eight = design_scalar_quantizer(d, with(8)).value();
  check_points(eight, {0.2451, 0.7560, 1.344, 2.152});
  CHECK(eight.mse == Approx(0.03454).epsilon(0.001));
  CHECK(eight.rate == Approx(2.825).epsilon(0.002));
}

TEST_CASE("a Laplacian gives its Lloyd-Max quantisers", "[quantize]") {
  // Unit variance; values as tabulated by Adams and Giesler 1978.
  const auto d = laplacian();
  const auto two = design_scalar_quantizer(d, with(2)).value();
  check_points(two, {0.7071});
  CHECK(two.mse == Approx(0.5).epsilon(0.001));
  const auto four = design_scalar_quantizer(d, with(4)).value();
  check_points(four, {0.4198, 1.8340});
  CHECK(four.thresholds[2] == Approx(1.1269).margin(0.003));
  CHECK(four.mse == Approx(0.1762).epsilon(0.001));
  const auto eight = design_scalar_quantizer(d, with(8)).value();
  check_points(eight, {0.2334, 0.8330, 1.6725, 3.0867});
  CHECK(eight.mse == Approx(0.0545).epsilon(0.002));
}

TEST_CASE("mse and rate are those of the codebook", "[quantize]") {
  for (const auto& d : {gaussian(), laplacian()})
    for (const double lambda : {0.0, 0.02, 0.1}) {
      const auto c = design_scalar_quantizer(d, with(8, lambda)).value();
      const auto m = measure(c, d);
      double entropy = 0;
      for (const double p : m.probability) entropy -= p * std::log2(p);
      CHECK(c.mse == Approx(m.mse).epsilon(1e-4));
      CHECK(c.rate == Approx(entropy).epsilon(1e-4));
      for (std::size_t i = 0; i < c.points.size(); ++i)
        CHECK(static_cast<double>(c.points[i]) == Approx(m.mean[i]).margin(2e-3)); // centroids
      // Thresholds are where the costs of the neighbours meet.
      for (std::size_t i = 0; i + 1 < c.points.size(); ++i) {
        const double y = static_cast<double>(c.points[i]), z = static_cast<double>(c.points[i + 1]);
        const double t = (y + z) / 2 + lambda * std::log2(m.probability[i] / m.probability[i + 1]) / (2 * (z - y));
        CHECK(static_cast<double>(c.thresholds[i]) == Approx(t).margin(5e-3));
      }
    }
}

TEST_CASE("more iterations never cost more", "[quantize]") {
  for (const auto lengths : {code_lengths::entropy, code_lengths::truncated_unary})
    for (const double lambda : {0.0, 0.01, 0.1, 0.5}) {
      const auto d = sampled(0, 9, [](double x) { return std::exp(-x) + 0.3 * std::exp(-std::pow(x - 5, 2)); });
      double before = std::numeric_limits<double>::max(), start = 0;
      for (const int iterations : {0, 1, 2, 3, 5, 8, 13, 40, 200}) {
        auto o = with(8, lambda);
        o.lengths = lengths;
        o.iterations = iterations;
        const auto c = design_scalar_quantizer(d, o).value();
        const double cost = c.mse + lambda * c.rate;
        if (iterations == 0) start = cost;
        CHECK(cost <= before * (1 + 1e-12));
        before = cost;
      }
      CHECK(before < 0.97 * start);
    }
}

TEST_CASE("the entropy constraint trades error for rate as theory says", "[quantize]") {
  const auto d = gaussian();
  double rate = 10, mse = 0;
  for (const double lambda : {0.0, 0.002, 0.01, 0.05, 0.2}) {
    const auto c = design_scalar_quantizer(d, with(32, lambda)).value();
    CHECK(c.rate < rate);
    CHECK(c.mse > mse);
    rate = c.rate;
    mse = c.mse;
  }
  // At high rate the error of entropy-constrained quantisation is pi e / 6 times the rate-distortion function, and the
  // slope of the curve, -2 ln 2 mse, is -lambda.
  const auto fine = design_scalar_quantizer(d, with(64, 0.005)).value();
  CHECK(fine.mse * std::exp2(2 * fine.rate) == Approx(1.4233).epsilon(0.01));
  CHECK(fine.mse == Approx(0.005 / (2 * std::log(2.0))).epsilon(0.05));
  // Lloyd-Max with 8 levels takes 2.825 bits; at its error the entropy constraint saves about 0.1 bit.
  double constrained = 10;
  for (double lambda = 0.03; lambda < 0.06; lambda += 0.001) {
    const auto c = design_scalar_quantizer(d, with(32, lambda)).value();
    if (c.mse <= 0.03454) constrained = std::min(constrained, c.rate);
  }
  CHECK(constrained < 2.74);
  CHECK(constrained > 2.60);
}

TEST_CASE("a large lambda leaves one level", "[quantize]") {
  const auto c = design_scalar_quantizer(gaussian(), with(8, 1000)).value();
  REQUIRE(c.points.size() == 1);
  CHECK(c.thresholds.empty());
  CHECK(c.points[0] == Approx(0).margin(1e-6));
  CHECK(c.mse == Approx(1).epsilon(1e-3));
  CHECK(c.rate == 0);
}

TEST_CASE("pinned points stay at the clipping limits", "[quantize]") {
  const auto d = sampled(0, 10, [](double x) { return std::exp(-x); });
  auto o = with(4, 0.05);
  o.pin_low = o.pin_high = true;
  o.low = 0;
  o.high = 5;
  for (const auto lengths : {code_lengths::entropy, code_lengths::truncated_unary}) {
    o.lengths = lengths;
    const auto c = design_scalar_quantizer(d, o).value();
    REQUIRE(c.points.size() == 4);
    CHECK(c.points[0] == 0);
    CHECK(c.points[3] == 5);
    const auto m = measure(c, d);
    for (const std::size_t i : {std::size_t{1}, std::size_t{2}}) CHECK(c.points[i] == Approx(m.mean[i]).margin(2e-3));
    CHECK(c.mse == Approx(m.mse).epsilon(1e-3));
    o.pin_low = o.pin_high = false;
    const auto free = design_scalar_quantizer(d, o).value();
    CHECK(free.mse + 0.05 * free.rate < c.mse + 0.05 * c.rate);
    o.pin_low = o.pin_high = true;
  }
}

TEST_CASE("truncated unary lengths favour low symbols", "[quantize]") {
  const auto d = sampled(0, 10, [](double x) { return std::exp(-x); });
  auto o = with(4, 0.05);
  o.lengths = code_lengths::truncated_unary;
  const auto c = design_scalar_quantizer(d, o).value();
  const auto p = measure(c, d).probability;
  REQUIRE(p.size() == 4);
  CHECK(c.rate == Approx(p[0] + 2 * p[1] + 3 * (p[2] + p[3])).epsilon(1e-4));
  // The last two symbols have one length: their threshold is halfway; the others are shifted by lambda / (2 distance).
  const auto& y = c.points;
  CHECK(c.thresholds[2] == Approx((y[2] + y[3]) / 2).margin(1e-5));
  CHECK(c.thresholds[0] == Approx((y[0] + y[1]) / 2 + 0.05f / (2 * (y[1] - y[0]))).margin(1e-5));
}

TEST_CASE("few values, many levels", "[quantize]") {
  const distribution d{{-1, 0, 0.5, 7}, {1, 5, 0, 2}};
  const auto c = design_scalar_quantizer(d, with(16)).value();
  CHECK(c.mse == Approx(0).margin(1e-15));
  CHECK(c.points == std::vector<float>{-1, 0, 7});
  CHECK(std::is_sorted(c.thresholds.begin(), c.thresholds.end()));
  const auto one = design_scalar_quantizer(distribution{{3}, {2}}, with(4)).value();
  CHECK(one.points == std::vector<float>{3});
  CHECK(one.rate == 0);
}

TEST_CASE("samples give the quantiser of their distribution", "[quantize]") {
  std::mt19937 engine(8);
  std::normal_distribution<float> normal;
  std::vector<float> x(400000);
  for (auto& v : x) v = normal(engine);
  const auto c = design_scalar_quantizer(std::span<const float>(x), with(4)).value();
  REQUIRE(c.points.size() == 4);
  CHECK(c.points[3] == Approx(1.510).margin(0.01));
  CHECK(c.points[1] == Approx(-0.4528).margin(0.01));
  CHECK(c.mse == Approx(0.1175).epsilon(0.01));
  const std::vector<float> same(5, -2.0f);
  CHECK(design_scalar_quantizer(std::span<const float>(same), with(4)).value().points == std::vector<float>{-2});
  x[7] = std::numeric_limits<float>::infinity();
  CHECK(design_scalar_quantizer(std::span<const float>(x), with(4)).error().code == errc::not_finite);
  CHECK(design_scalar_quantizer(std::span<const float>{}, with(4)).error().code == errc::invalid_argument);
}

TEST_CASE("design options that are wrong are refused", "[quantize]") {
  const distribution d{{0, 1, 2}, {1, 1, 1}};
  CHECK(design_scalar_quantizer(d, with(1)).error().code == errc::invalid_argument);
  CHECK(design_scalar_quantizer(d, with(70000)).error().code == errc::invalid_argument);
  CHECK(design_scalar_quantizer(d, with(4, -1)).error().code == errc::invalid_argument);
  CHECK(design_scalar_quantizer(distribution{{0, 0}, {1, 1}}, with(4)).error().code == errc::invalid_argument);
  CHECK(design_scalar_quantizer(distribution{{0, 1}, {1}}, with(4)).error().code == errc::invalid_argument);
  CHECK(design_scalar_quantizer(distribution{{0, 1}, {0, 0}}, with(4)).error().code == errc::invalid_argument);
  auto o = with(4);
  o.pin_low = o.pin_high = true;
  CHECK(design_scalar_quantizer(d, o).error().code == errc::invalid_argument); // both at 0
  o.low = 3;
  o.high = 4;
  CHECK(design_scalar_quantizer(d, o).error().code == errc::invalid_argument); // outside of the values
}
