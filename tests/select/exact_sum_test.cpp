#include <aecnn/select/exact_sum.hpp>

#include <catch_compat.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using aecnn::detail::exact_sum;

namespace {
double sum_of(std::initializer_list<double> values) {
  exact_sum s;
  for (const double v : values) s.add(v);
  return s.value();
}
} // namespace

TEST_CASE("sums are exact where double additions are not", "[select]") {
  CHECK(sum_of({}) == 0);
  CHECK(sum_of({1.5, -0.25}) == 1.25);
  CHECK(sum_of({1e20, 1.0, -1e20}) == 1.0);
  CHECK(sum_of({-1e20, -1.0, 1e20}) == -1.0);
  CHECK(sum_of({0x1p90, 0x1p-100, -0x1p90}) == 0x1p-100);
  CHECK(sum_of({-0x1p-128}) == -0x1p-128);
  CHECK(sum_of({0x1.8p-128, 0x1.8p-128}) == 0x1p-127); // each keeps its multiple of 2^-128
  CHECK(sum_of({0x1p-129, 0x1p-1022, 0x1p-1074, 0.0, -0.0}) == 0);
  CHECK(sum_of({0x1.fffffffffffffp63, 0x1p11}) == 0x1p64); // a carry over three words
}

TEST_CASE("what is too large saturates", "[select]") {
  CHECK(sum_of({1e300}) == 0x1p94);
  CHECK(sum_of({-std::numeric_limits<double>::max()}) == -0x1p94);
  CHECK(sum_of({0x1.fffffffffffffp93}) == 0x1.fffffffffffffp93);
}

TEST_CASE("order and partition do not change a bit", "[select]") {
  std::mt19937_64 engine(5);
  std::vector<double> values(1000);
  for (auto& v : values)
    v = std::ldexp(std::uniform_real_distribution<double>(-1, 1)(engine), static_cast<int>(engine() % 160) - 90);
  exact_sum all;
  for (const double v : values) all.add(v);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(values.begin(), values.end(), engine);
    exact_sum parts[3];
    for (const double v : values) parts[engine() % 3].add(v);
    parts[1].merge(parts[2]);
    parts[0].merge(parts[1]);
    REQUIRE(parts[0] == all);
    REQUIRE(parts[0].value() == all.value());
  }
}
