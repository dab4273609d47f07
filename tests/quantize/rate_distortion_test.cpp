#include <aecnn/quantize/rate_distortion.hpp>

#include <cstdint>
#include <set>
#include <vector>

#include <catch_compat.hpp>
#include <random.hpp>

using aecnn::rate_distortion_choice;
using aecnn::symbol;
using aecnn::uniform_parameters;
using aecnn::uniform_quantizer;

namespace {

uniform_quantizer quantizer_of(std::uint32_t levels, std::uint32_t zero, std::int16_t shift = 0) {
  uniform_parameters p;
  p.levels = levels;
  p.zero = zero;
  p.scale = {256};
  p.unit = {1.0F / 256};
  p.rounding = {128};
  p.shift.assign(6, shift);
  return uniform_quantizer::create(p, 1, true).value();
}

} // namespace

TEST_CASE("the choice is the cheapest of nearest, next toward zero, and zero") {
  random_integers random(1);
  for (int n = 0; n < 20000; ++n) {
    const std::uint32_t zero = random.below(10), levels = zero + 1 + 1 + random.below(10);
    const auto q = quantizer_of(levels, zero, static_cast<std::int16_t>(random.between(-40, 40)));
    const std::int32_t latents[] = {random.between(-4000, 4000)};
    const std::uint32_t lambda = random.below(100000);
    std::vector<std::uint32_t> prices;
    for (std::uint32_t s = 0; s < levels; ++s) prices.push_back(random.below(3000));
    std::set<symbol> asked;
    const rate_distortion_choice<uniform_quantizer> choose(q, latents, lambda);
    const symbol found = choose(0, 0, [&](symbol s) {
      asked.insert(s);
      return prices.at(s);
    });
    const symbol nearest = q.quantise(0, latents[0]);
    const auto cost = [&](symbol s) {
      const double e = latents[0] - q.point(0, s);
      return e * e / 65536 + lambda / 65536.0 * prices[s] / 256.0;
    };
    std::set<symbol> candidates = {nearest};
    if (nearest != zero) {
      candidates.insert(static_cast<symbol>(zero));
      candidates.insert(static_cast<symbol>(nearest > zero ? nearest - 1 : nearest + 1));
    }
    REQUIRE(candidates.count(found) == 1);
    for (const symbol s : candidates) REQUIRE(cost(found) <= cost(s) + 1e-9);
    for (const symbol s : asked) REQUIRE(candidates.count(s) == 1);
  }
}

TEST_CASE("lambda 0 keeps the nearest symbol and asks for no price") {
  const auto q = quantizer_of(9, 4);
  for (std::int32_t v = -1500; v <= 1500; v += 7) {
    const std::int32_t latents[] = {v};
    const rate_distortion_choice<uniform_quantizer> choose(q, latents, 0);
    bool asked = false;
    REQUIRE(choose(0, 0, [&](symbol) {
              asked = true;
              return std::uint32_t{0};
            }) == q.quantise(0, v));
    REQUIRE_FALSE(asked);
  }
}

TEST_CASE("equal costs keep the nearest symbol") {
  const auto q = quantizer_of(3, 1);
  const std::int32_t latents[] = {128}; // as far from 0 as from 256
  const rate_distortion_choice<uniform_quantizer> choose(q, latents, 1000);
  CHECK(choose(0, 0, [](symbol) { return std::uint32_t{256}; }) == 2);
  CHECK(choose(0, 0, [](symbol s) { return std::uint32_t{s == 1 ? 255U : 256U}; }) == 1);
}

TEST_CASE("the largest latents, prices and lambda do not overflow") {
  const auto q = quantizer_of(65536, 32768);
  for (const std::int32_t v : {aecnn::fixed_limit + (1 << 24), -aecnn::fixed_limit - (1 << 24)}) {
    const std::int32_t latents[] = {v};
    const rate_distortion_choice<uniform_quantizer> choose(q, latents, 0xffffffff);
    // All are too far to tell; the nearest costs the most: the comparison must still be one of sums, not of wrapped ones.
    const symbol nearest = q.quantise(0, v);
    CHECK(choose(0, 0, [&](symbol s) { return s == nearest ? 0xffffffU : 0U; }) != nearest);
    CHECK(choose(0, 0, [&](symbol s) { return s == nearest ? 0U : 0xffffffU; }) == nearest);
  }
}

TEST_CASE("a larger lambda never chooses dearer symbols") {
  const auto q = quantizer_of(31, 15);
  random_integers random(2);
  for (int n = 0; n < 2000; ++n) {
    const std::int32_t latents[] = {random.between(-3900, 3900)};
    std::vector<std::uint32_t> prices;
    for (int s = 0; s < 31; ++s) prices.push_back(random.below(4000));
    std::uint32_t last = 0xffffffff;
    for (std::uint32_t lambda = 0; lambda < 200000; lambda += 5000) {
      const rate_distortion_choice<uniform_quantizer> choose(q, latents, lambda);
      const std::uint32_t price = prices[choose(0, 0, [&](symbol s) { return prices[s]; })];
      REQUIRE(price <= last);
      last = price;
    }
  }
}
