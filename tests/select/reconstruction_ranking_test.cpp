#include <aecnn/select/reconstruction_ranking.hpp>

#include <catch_compat.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using aecnn::errc;
using aecnn::reconstruction_ranking;

namespace {

using matrix = std::vector<double>;

/// L L^T for random L [c, rank].
matrix random_covariance(std::size_t c, std::size_t rank, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  matrix l(c * rank), s(c * c);
  for (auto& v : l) v = normal(engine);
  for (std::size_t i = 0; i < c; ++i)
    for (std::size_t j = 0; j < c; ++j)
      for (std::size_t r = 0; r < rank; ++r) s[i * c + j] += l[i * rank + r] * l[j * rank + r];
  return s;
}

/// trace(S - S_cK (S_KK + ridge I)^-1 S_Kc) by Gaussian elimination: the definition.
double residual(const matrix& s, std::size_t c, const std::vector<std::size_t>& kept, double ridge) {
  const std::size_t k = kept.size();
  matrix a(k * k), b(k * c);
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < k; ++j) a[i * k + j] = s[kept[i] * c + kept[j]] + (i == j ? ridge : 0);
    for (std::size_t j = 0; j < c; ++j) b[i * c + j] = s[kept[i] * c + j];
  }
  const matrix right = b;
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t r = 0; r < k; ++r) {
      if (r == i) continue;
      const double f = a[r * k + i] / a[i * k + i];
      for (std::size_t j = 0; j < k; ++j) a[r * k + j] -= f * a[i * k + j];
      for (std::size_t j = 0; j < c; ++j) b[r * c + j] -= f * b[i * c + j];
    }
  double trace = 0;
  for (std::size_t j = 0; j < c; ++j) {
    trace += s[j * c + j];
    for (std::size_t i = 0; i < k; ++i) trace -= right[i * c + j] * b[i * c + j] / a[i * k + i];
  }
  return trace;
}

} // namespace

TEST_CASE("every step chooses the channel that lowers the residual variance most", "[select]") {
  const std::size_t c = 13;
  const matrix s = random_covariance(c, 20, 3);
  double total = 0;
  for (std::size_t i = 0; i < c; ++i) total += s[i * c + i];
  for (const double ridge : {0.0, 0.7}) {
    const auto order = reconstruction_ranking(s, c, 8, ridge).value();
    REQUIRE(order.channels.size() == 8);
    REQUIRE(order.explained.size() == 8);
    std::vector<std::size_t> kept;
    for (std::size_t step = 0; step < 8; ++step) {
      std::size_t best = c;
      double least = std::numeric_limits<double>::max();
      for (std::size_t i = 0; i < c; ++i) {
        if (std::find(kept.begin(), kept.end(), i) != kept.end()) continue;
        auto tried = kept;
        tried.push_back(i);
        const double r = residual(s, c, tried, ridge);
        if (r < least) {
          least = r;
          best = i;
        }
      }
      CHECK(order.channels[step] == best);
      CHECK(order.explained[step] == Approx(1 - least / total).margin(1e-10));
      kept.push_back(order.channels[step]);
    }
  }
}

TEST_CASE("channels of low rank are explained by as many", "[select]") {
  const std::size_t c = 24;
  const auto order = reconstruction_ranking(random_covariance(c, 5, 9), c, c).value();
  CHECK(order.explained[3] < 0.9999);
  CHECK(order.explained[4] == Approx(1).margin(1e-9));
  CHECK(order.explained.back() == Approx(1).margin(1e-9));
  std::vector<std::uint16_t> sorted = order.channels;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < c; ++i) CHECK(sorted[i] == i); // each channel once
  for (std::size_t i = 1; i < c; ++i) CHECK(order.explained[i] >= order.explained[i - 1] - 1e-12);
}

TEST_CASE("a copy of a chosen channel comes last", "[select]") {
  // Channels 0 and 1 are equal and strong, 2 is independent and weak.
  const matrix s = {9, 9, 0, 9, 9, 0, 0, 0, 1};
  const auto order = reconstruction_ranking(s, 3, 3).value();
  CHECK(order.channels == std::vector<std::uint16_t>{0, 2, 1}); // 0 before 1: ties go to the lower channel
  CHECK(order.explained[0] == Approx(18.0 / 19));
  CHECK(order.explained[1] == Approx(1));
  // With noise of variance 9, a second look at the strong pair beats the weak channel.
  CHECK(reconstruction_ranking(s, 3, 2, 9).value().channels == std::vector<std::uint16_t>{0, 1});
}

TEST_CASE("degenerate covariances have an order", "[select]") {
  const auto zero = reconstruction_ranking(matrix(9, 0.0), 3, 2).value();
  CHECK(zero.channels == std::vector<std::uint16_t>{0, 1});
  CHECK(zero.explained == std::vector<double>{1, 1});
  CHECK(reconstruction_ranking(matrix{}, 0, 0).value().channels.empty());
  const auto none = reconstruction_ranking(matrix{2}, 1, 0).value();
  CHECK(none.channels.empty());
}

TEST_CASE("arguments of the ranking that are wrong are refused", "[select]") {
  CHECK(reconstruction_ranking(matrix(8), 3, 1).error().code == errc::bad_shape);
  CHECK(reconstruction_ranking(matrix(9), 3, 4).error().code == errc::invalid_argument);
  CHECK(reconstruction_ranking(matrix(9), 3, 1, -1).error().code == errc::invalid_argument);
}
