#include <aecnn/entropy/mixer.hpp>

#include <cmath>
#include <cstdint>

#include <aecnn/entropy/code_length.hpp>

#include <catch_compat.hpp>
#include <random.hpp>

namespace {

using mixer3 = aecnn::mixer<3>;

/// A bit that is one with probability p / 65536.
unsigned draw(random_integers& random, std::uint32_t p) { return random.below(65536) < p ? 1U : 0U; }

} // namespace

TEST_CASE("a mixer starts with the weighted sum of its inputs") {
  mixer3 m(2);
  m.reset({mixer3::one, mixer3::one / 2, 0});
  CHECK(m.mix(0, {100, 50, 999}) == 125);
  CHECK(m.mix(1, {-100, 0, 0}) == -100);
  CHECK(m.mix(0, {2047, 2047, 0}) == aecnn::max_stretch);
  CHECK(m.mix(0, {-2047, -2047, 0}) == -aecnn::max_stretch);
}

TEST_CASE("a mixer learns which input to trust, set by set, and comes near the cost of the right one") {
  random_integers random(1);
  mixer3 m(2);
  m.reset({mixer3::one / 3, mixer3::one / 3, mixer3::one / 3});
  double mixed[2] = {0, 0}, ideal[2] = {0, 0};
  std::uint32_t cost = 0;
  for (int n = 0; n < 20000; ++n) {
    const std::size_t set = random.below(2);
    const std::uint32_t truth = random.below(2) ? 60000 : 5000, noise = 1000 + random.below(63000), other = 1000 + random.below(63000);
    mixer3::inputs x = {aecnn::stretch(noise), aecnn::stretch(other), 77};
    x[set] = aecnn::stretch(truth);
    const unsigned bit = draw(random, truth);
    const std::uint32_t p = aecnn::squash(m.mix(set, x));
    const auto bits = [&](std::uint32_t p1) { return -std::log2((bit ? p1 : 65536 - p1) / 65536.0); };
    if (n >= 4000) {
      mixed[set] += bits(p);
      ideal[set] += bits(truth);
    }
    cost += aecnn::bit_cost(bit, p);
    m.update(set, x, bit, p);
  }
  for (int set = 0; set < 2; ++set) CHECK(mixed[set] < 1.05 * ideal[set]);
  CHECK(cost > 0);
}

TEST_CASE("weights stay within their bounds whatever comes") {
  mixer3 m(1);
  m.reset({0, 0, 0});
  for (int n = 0; n < 200000; ++n) {
    const mixer3::inputs x = {2047, -2047, 2047};
    const std::uint32_t p = aecnn::squash(m.mix(0, x));
    m.update(0, x, n % 3 == 0, n % 2 ? 32 : 65504); // not even its own prediction
    REQUIRE(p >= 32);
    REQUIRE(p <= 65504);
  }
}

TEST_CASE("reset forgets") {
  mixer3 a(3), b(3);
  const mixer3::inputs start = {1000, 2000, 3000}, x = {500, -300, 77};
  a.reset(start);
  for (int n = 0; n < 100; ++n) a.update(1, x, 1, 20000);
  CHECK(a.mix(1, x) != b.mix(1, x));
  a.reset(start);
  b.reset(start);
  for (int n = 0; n < 50; ++n) {
    REQUIRE(a.mix(1, x) == b.mix(1, x));
    a.update(1, x, n % 2 == 1, 30000);
    b.update(1, x, n % 2 == 1, 30000);
  }
}
