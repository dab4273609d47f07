#include <aecnn/entropy/logistic.hpp>

#include <cmath>
#include <cstdint>

#include <catch_compat.hpp>

TEST_CASE("squash is the logistic function, to half a unit and within its bounds") {
  for (std::int32_t x = -3000; x <= 3000; ++x) {
    const double cut = x < -2047 ? -2047 : x > 2047 ? 2047 : x;
    double exact = 65536 / (1 + std::exp(-cut / 256));
    if (exact < 32) exact = 32;
    if (exact > 65504) exact = 65504;
    CAPTURE(x);
    REQUIRE(std::abs(static_cast<double>(aecnn::squash(x)) - exact) <= 1.01);
    REQUIRE(aecnn::squash(x) + aecnn::squash(-x) == 65536);
  }
  CHECK(aecnn::squash(std::int64_t{1} << 60) == 65504);
  CHECK(aecnn::squash(-(std::int64_t{1} << 60)) == 32);
  CHECK(aecnn::squash(0) == 32768);
}

TEST_CASE("squash never falls and stretch is its inverse") {
  for (std::int32_t x = -2047; x < 2047; ++x) REQUIRE(aecnn::squash(x) <= aecnn::squash(x + 1));
  std::int32_t before = -2047;
  for (std::uint32_t p = 0; p < 65536; ++p) {
    const std::int32_t x = aecnn::stretch(p);
    REQUIRE(x >= before);
    REQUIRE(std::abs(x) <= aecnn::max_stretch);
    before = x;
    // Within the 16 probabilities that share a stretch, and half of the steps of squash, which are at most 64.
    if (p >= 64 && p < 65472) REQUIRE(std::abs(static_cast<double>(aecnn::squash(x)) - p) <= 16 + 64);
    if (p >= 64 && p < 65472) {
      const double exact = 256 * std::log((p + 0.5) / (65535.5 - p));
      REQUIRE(std::abs(x - exact) <= 256.0 * 16 * 65536 / (static_cast<double>(p) * (65536.0 - p)) + 1);
    }
  }
}
