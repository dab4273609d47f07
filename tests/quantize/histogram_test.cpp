#include <aecnn/quantize/histogram.hpp>

#include <catch_compat.hpp>

#include <cmath>
#include <limits>
#include <vector>

using aecnn::errc;
using aecnn::histogram;
using aecnn::range_accumulator;

namespace {
std::vector<std::uint64_t> counts(const histogram& h) { return {h.counts().begin(), h.counts().end()}; }
} // namespace

TEST_CASE("a range is the least and the largest value", "[quantize]") {
  range_accumulator a, b, empty;
  CHECK(a.low() == 0);
  CHECK(a.high() == 0);
  a.add(std::vector<float>{3, 5, 4}).value();
  b.add(std::vector<float>{-2, 4.5f}).value();
  CHECK(a.low() == 3);
  CHECK(a.high() == 5);
  a.merge(empty);
  CHECK(a.low() == 3);
  empty.merge(a);
  CHECK(empty.high() == 5);
  a.merge(b);
  CHECK(a.low() == -2);
  CHECK(a.high() == 5);
  CHECK(a.count() == 5);
  CHECK(a.add(std::vector<float>{9, std::numeric_limits<float>::quiet_NaN()}).error().code == errc::not_finite);
  CHECK(a.high() == 5);
}

TEST_CASE("values count in their bin, zeros apart", "[quantize]") {
  auto h = histogram::create(-1, 3, 4).value();
  CHECK(h.low() == -1);
  CHECK(h.high() == 3);
  h.add(std::vector<float>{-1, -0.5f, 0, -0.0f, 0.25f, 1, 1.5f, 2.99f, 3, 17, -6}).value();
  CHECK(counts(h) == std::vector<std::uint64_t>{3, 1, 2, 3});
  CHECK(h.zeros() == 2);
  const auto d = h.values();
  CHECK(d.values == std::vector<double>{-0.5, 0, 0.5, 1.5, 2.5});
  CHECK(d.weights == std::vector<double>{3, 2, 1, 2, 3});
}

TEST_CASE("empty bins are left out and zeros find their place", "[quantize]") {
  auto above = histogram::create(1, 5, 2).value();
  above.add(std::vector<float>{0, 4}).value();
  CHECK(above.values().values == std::vector<double>{0, 4});
  auto below = histogram::create(-5, -1, 2).value();
  below.add(std::vector<float>{0, -4, -4}).value();
  CHECK(below.values().values == std::vector<double>{-4, 0});
  CHECK(below.values().weights == std::vector<double>{2, 1});
  auto middle = histogram::create(-3, 3, 3).value(); // the middle of the second bin is 0
  middle.add(std::vector<float>{0, 0, 0.5f, -3}).value();
  CHECK(middle.values().values == std::vector<double>{-2, 0});
  CHECK(middle.values().weights == std::vector<double>{1, 3});
}

TEST_CASE("histograms of one range merge", "[quantize]") {
  auto a = histogram::create(0, 8, 8).value(), b = a;
  a.add(std::vector<float>{1, 2, 0}).value();
  b.add(std::vector<float>{2, 7.5f, 0}).value();
  a.merge(b).value();
  CHECK(counts(a) == std::vector<std::uint64_t>{0, 1, 2, 0, 0, 0, 0, 1});
  CHECK(a.zeros() == 2);
  CHECK(a.merge(histogram::create(0, 8, 9).value()).error().code == errc::invalid_argument);
  CHECK(a.merge(histogram::create(0, 7, 8).value()).error().code == errc::invalid_argument);
}

TEST_CASE("histogram arguments that are wrong are refused", "[quantize]") {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(histogram::create(1, 1, 8).error().code == errc::invalid_argument);
  CHECK(histogram::create(1, 0, 8).error().code == errc::invalid_argument);
  CHECK(histogram::create(0, infinity, 8).error().code == errc::invalid_argument);
  CHECK(histogram::create(nan, 1, 8).error().code == errc::invalid_argument);
  CHECK(histogram::create(-3e38f, 3e38f, 8).error().code == errc::invalid_argument);
  CHECK(histogram::create(0, 1, 0).error().code == errc::invalid_argument);
  auto h = histogram::create(0, 1, 2).value();
  CHECK(h.add(std::vector<float>{0.5f, infinity}).error().code == errc::not_finite);
  CHECK(counts(h) == std::vector<std::uint64_t>{0, 0});
}
