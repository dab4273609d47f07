#include <aecnn/entropy/adaptive_map.hpp>

#include <cmath>
#include <cstdint>

#include <catch_compat.hpp>
#include <random.hpp>

TEST_CASE("an adaptive map starts as the identity") {
  aecnn::adaptive_map map(3);
  aecnn::adaptive_map::place at;
  for (std::int32_t x = -2047; x <= 2047; ++x) {
    const double p = aecnn::squash(x), refined = map.refine(2, x, at);
    CAPTURE(x);
    // Interpolation between points half a nat apart.
    REQUIRE(std::abs(refined - p) <= 0.035 * std::min(p, 65536 - p) + 40);
  }
}

TEST_CASE("an adaptive map corrects a predictor that is too sure or not sure enough, in its own context only") {
  for (const std::int32_t said : {-700, -100, 0, 400, 1500}) {
    for (const std::uint32_t truth : {3000U, 30000U, 62000U}) {
      aecnn::adaptive_map map(2);
      aecnn::adaptive_map::place at;
      random_integers random(truth);
      double sum = 0;
      const std::uint32_t other = map.refine(0, said, at);
      for (int n = 0; n < 6000; ++n) {
        const std::uint32_t p = map.refine(1, said, at);
        if (n >= 2000) sum += p / 4000.0;
        aecnn::adaptive_map::update(at, random.below(65536) < truth ? 1 : 0);
      }
      CAPTURE(said, truth);
      CHECK(std::abs(sum - truth) < 2500);
      CHECK(map.refine(0, said, at) == other);
      map.reset();
      CHECK(map.refine(1, said, at) == other);
    }
  }
}

TEST_CASE("points stay probabilities whatever comes") {
  aecnn::adaptive_map map(1);
  aecnn::adaptive_map::place at;
  for (const unsigned bit : {1U, 0U})
    for (int n = 0; n < 20000; ++n) {
      const std::uint32_t p = map.refine(0, (n % 33) * 124 - 2047, at);
      REQUIRE(p <= 65535);
      aecnn::adaptive_map::update(at, bit);
    }
}
