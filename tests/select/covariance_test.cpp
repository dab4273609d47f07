#include <aecnn/select/covariance.hpp>

#include <catch_compat.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using aecnn::covariance_accumulator;
using aecnn::errc;
using aecnn::tensor_view;

namespace {

std::vector<float> tensor(std::size_t c, std::size_t area, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(c * area);
  for (std::size_t i = 0; i < area; ++i) {
    const float common = normal(engine);
    for (std::size_t k = 0; k < c; ++k) x[k * area + i] = 2.0f + common * static_cast<float>(k % 5) + normal(engine);
  }
  return x;
}

} // namespace

TEST_CASE("means and covariances agree with their definitions", "[select]") {
  struct extent {
    std::size_t c, h, w;
  };
  for (const auto [c, h, w] :
       {extent{1, 1, 1}, extent{3, 7, 7}, extent{16, 8, 8}, extent{17, 5, 13}, extent{37, 20, 21}}) {
    CAPTURE(c, h, w);
    const std::size_t area = h * w;
    covariance_accumulator a(c);
    CHECK(a.channels() == c);
    std::vector<std::vector<float>> data = {tensor(c, area, 1), tensor(c, area, 2), tensor(c, area, 3)};
    for (const auto& x : data) a.add(tensor_view<const float>::chw(x.data(), c, h, w)).value();
    const double n = static_cast<double>(3 * area);
    CHECK(a.count() == 3 * area);
    std::vector<double> mean(c);
    for (const auto& x : data)
      for (std::size_t i = 0; i < x.size(); ++i) mean[i / area] += static_cast<double>(x[i]) / n;
    const auto found_mean = a.mean(), covariance = a.covariance(), moment = a.second_moment();
    REQUIRE(covariance.size() == c * c);
    double worst_mean = 0, worst = 0, worst_moment = 0;
    for (std::size_t i = 0; i < c; ++i) {
      worst_mean = std::max(worst_mean, std::abs(found_mean[i] - mean[i]));
      for (std::size_t j = 0; j < c; ++j) {
        double sum = 0, product = 0;
        for (const auto& x : data)
          for (std::size_t p = 0; p < area; ++p) {
            const double u = static_cast<double>(x[i * area + p]), v = static_cast<double>(x[j * area + p]);
            sum += (u - mean[i]) * (v - mean[j]);
            product += u * v;
          }
        worst = std::max(worst, std::abs(covariance[i * c + j] - sum / n));
        worst_moment = std::max(worst_moment, std::abs(moment[i * c + j] - product / n));
        REQUIRE(covariance[i * c + j] == covariance[j * c + i]);
      }
    }
    CHECK(worst_mean < 1e-13);
    CHECK(worst < 5e-6); // variances are up to 17
    CHECK(worst_moment < 5e-6);
  }
}

TEST_CASE("shards merge", "[select]") {
  const std::size_t c = 19, h = 6, w = 11;
  covariance_accumulator all(c), a(c), b(c);
  for (unsigned i = 0; i < 7; ++i) {
    const auto x = tensor(c, h * w, i);
    const auto view = tensor_view<const float>::chw(x.data(), c, h, w);
    all.add(view).value();
    (i % 3 == 0 ? a : b).add(view).value();
  }
  covariance_accumulator ab = a, ba = b;
  ab.merge(b).value();
  ba.merge(a).value();
  CHECK(ab.count() == all.count());
  CHECK(ab.covariance() == ba.covariance());
  const auto expected = all.covariance(), found = ab.covariance();
  double worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i) worst = std::max(worst, std::abs(found[i] - expected[i]));
  CHECK(worst < 1e-12);
}

TEST_CASE("channels-last memory gives the same covariance", "[select]") {
  const std::size_t c = 70, h = 4, w = 9;
  const auto x = tensor(c, h * w, 4);
  const auto chw = tensor_view<const float>::chw(x.data(), c, h, w);
  std::vector<float> last(x.size());
  const auto hwc = tensor_view<float>::hwc(last.data(), c, h, w);
  for (std::size_t k = 0; k < c; ++k)
    for (std::size_t y = 0; y < h; ++y)
      for (std::size_t i = 0; i < w; ++i) hwc(k, y, i) = chw(k, y, i);
  covariance_accumulator a(c), b(c);
  a.add(chw).value();
  b.add(hwc).value();
  CHECK(a.covariance() == b.covariance());
}

TEST_CASE("the covariance refuses what does not fit and stays as it was", "[select]") {
  covariance_accumulator a(3), other(4);
  CHECK(a.covariance() == std::vector<double>(9, 0.0));
  CHECK(a.mean() == std::vector<double>(3, 0.0));
  auto x = tensor(3, 4, 1);
  a.add(tensor_view<const float>::chw(x.data(), 3, 2, 2)).value();
  const auto before = a.covariance();
  CHECK(a.add(tensor_view<const float>::chw(x.data(), 4, 1, 3)).error().code == errc::bad_shape);
  x[11] = std::numeric_limits<float>::quiet_NaN();
  CHECK(a.add(tensor_view<const float>::chw(x.data(), 3, 2, 2)).error().code == errc::not_finite);
  CHECK(a.merge(other).error().code == errc::bad_shape);
  CHECK(a.covariance() == before);
  CHECK(a.count() == 4);
  a.add(tensor_view<const float>::chw(x.data(), 3, 0, 2)).value();
  CHECK(a.covariance() == before);
}
