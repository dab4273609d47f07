#include <aecnn/core/fixed_point.hpp>

#include <catch_compat.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace {

float from_bits(std::uint32_t b) { return std::bit_cast<float>(b); }

/// The definition in integers alone: the exact 48-bit product of the significands, rounded to 24 bits (ties to even),
/// truncated and clamped. Covers finite numbers whose product is normal or truncates to zero.
std::int32_t reference(std::uint32_t x, std::uint32_t y) {
  const bool negative = ((x ^ y) >> 31) != 0;
  const auto significand = [](std::uint32_t b) {
    const std::uint32_t e = (b >> 23) & 0xff;
    return std::uint64_t{(b & 0x7fffff) | (e == 0 ? 0u : 0x800000u)};
  };
  const auto exponent = [](std::uint32_t b) {
    const auto e = static_cast<int>((b >> 23) & 0xff);
    return (e == 0 ? 1 : e) - 150;
  };
  std::uint64_t m = significand(x) * significand(y);
  int e = exponent(x) + exponent(y);
  if (m == 0) return 0;
  const int drop = static_cast<int>(std::bit_width(m)) - 24;
  if (drop > 0) {
    const std::uint64_t rest = m & ((std::uint64_t{1} << drop) - 1), half = std::uint64_t{1} << (drop - 1);
    m >>= drop;
    e += drop;
    if (rest > half || (rest == half && (m & 1) != 0)) ++m;
  }
  std::int64_t v = aecnn::fixed_limit;
  if (e <= -63)
    v = 0;
  else if (e <= 0)
    v = static_cast<std::int64_t>(m >> -e);
  else if (static_cast<int>(std::bit_width(m)) + e <= 31)
    v = static_cast<std::int64_t>(m << e);
  if (v > aecnn::fixed_limit) v = aecnn::fixed_limit;
  return static_cast<std::int32_t>(negative ? -v : v);
}

std::uint32_t next(std::uint64_t& state) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<std::uint32_t>(state >> 32);
}

} // namespace

TEST_CASE("to_fixed truncates toward zero", "[core]") {
  CHECK(aecnn::to_fixed(0.0f, 8.0f) == 0);
  CHECK(aecnn::to_fixed(-0.0f, 8.0f) == 0);
  CHECK(aecnn::to_fixed(0.124f, 8.0f) == 0);
  CHECK(aecnn::to_fixed(0.125f, 8.0f) == 1);
  CHECK(aecnn::to_fixed(-0.125f, 8.0f) == -1);
  CHECK(aecnn::to_fixed(-0.2499f, 8.0f) == -1);
  CHECK(aecnn::to_fixed(3.75f, 1.0f) == 3);
  CHECK(aecnn::to_fixed(-3.75f, 1.0f) == -3);
  CHECK(aecnn::to_fixed(16777215.0f, 1.0f) == 16777215);
}

TEST_CASE("to_fixed clamps at the largest float below 2^30", "[core]") {
  CHECK(aecnn::fixed_limit == (1 << 30) - 64);
  CHECK(aecnn::to_fixed(1073741760.0f, 1.0f) == aecnn::fixed_limit);
  CHECK(aecnn::to_fixed(1073741824.0f, 1.0f) == aecnn::fixed_limit);
  CHECK(aecnn::to_fixed(-1073741824.0f, 1.0f) == -aecnn::fixed_limit);
  CHECK(aecnn::to_fixed(from_bits(0x7f7fffff), 65536.0f) == aecnn::fixed_limit);
  CHECK(aecnn::to_fixed(from_bits(0xff7fffff), 65536.0f) == -aecnn::fixed_limit);
  CHECK(aecnn::to_fixed(from_bits(0x7f800000), 1.0f) == aecnn::fixed_limit);  // infinity
  CHECK(aecnn::to_fixed(from_bits(0xff800000), 1.0f) == -aecnn::fixed_limit); // -infinity
  for (const std::uint32_t nan : {0x7f800001u, 0x7fc00000u, 0x7fffffffu, 0xffc00000u, 0xffffffffu}) {
    const std::int32_t v = aecnn::to_fixed(from_bits(nan), 1.0f);
    CHECK((v == aecnn::fixed_limit || v == -aecnn::fixed_limit));
  }
}

TEST_CASE("to_fixed of denormals and tiny products is 0", "[core]") {
  CHECK(aecnn::to_fixed(from_bits(0x00000001), aecnn::power_of_two(100)) == 0);
  CHECK(aecnn::to_fixed(from_bits(0x807fffff), aecnn::power_of_two(100)) == 0);
  CHECK(aecnn::to_fixed(from_bits(0x00800000), aecnn::power_of_two(-126)) == 0);
}

TEST_CASE("to_fixed equals the integer definition on random bits", "[core]") {
  std::uint64_t state = 1;
  std::uint64_t hash = 0;
  int wrong = 0;
  for (int i = 0; i < 200000; ++i) {
    // Exponents 2^-30..2^33 for x and 2^-8..2^23 for the scale: every regime from 0 to the clamp.
    const std::uint32_t rx = next(state), ry = next(state);
    const std::uint32_t x = (rx & 0x807fffffu) | ((97 + ((rx >> 23) & 63)) << 23);
    const std::uint32_t y = (ry & 0x007fffffu) | ((119 + ((ry >> 23) & 31)) << 23);
    const std::int32_t v = aecnn::to_fixed(from_bits(x), from_bits(y));
    if (v != reference(x, y)) ++wrong;
    hash = (hash ^ static_cast<std::uint32_t>(v)) * 1099511628211u;
  }
  CHECK(wrong == 0);
  CHECK(hash == 0x0db6c5a1059a8291u); // the same on every machine
}

TEST_CASE("the block form equals the scalar form", "[core]") {
  std::uint64_t state = 7;
  for (int round = 0; round < 200; ++round) {
    float in[aecnn::fixed_block];
    std::int32_t out[aecnn::fixed_block];
    const float scale = from_bits(0x3f000000u + (next(state) >> 5));
    // Any bits but NaN: its sign may differ between scalar and vector code.
    for (float& v : in) {
      const std::uint32_t b = next(state);
      v = from_bits((b & 0x7f800000u) == 0x7f800000u ? b & 0xff800000u : b);
    }
    aecnn::to_fixed_block(in, scale, out);
    int wrong = 0;
    for (std::size_t i = 0; i < aecnn::fixed_block; ++i)
      if (out[i] != aecnn::to_fixed(in[i], scale)) ++wrong;
    REQUIRE(wrong == 0);
  }
}

TEST_CASE("power_of_two gives exact powers", "[core]") {
  CHECK(aecnn::power_of_two(0) == 1.0f);
  CHECK(aecnn::power_of_two(16) == 65536.0f);
  CHECK(aecnn::power_of_two(-3) == 0.125f);
  CHECK(std::bit_cast<std::uint32_t>(aecnn::power_of_two(-126)) == 0x00800000u);
}

TEST_CASE("all_finite finds one infinity or NaN at any position", "[core]") {
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{200}}) {
    std::vector<float> x(n, from_bits(0x7f7fffff)); // the largest finite float
    for (std::size_t i = 0; i < n; ++i)
      if (i % 3 == 0) x[i] = from_bits(0x80000001u); // a negative denormal
    CHECK(aecnn::all_finite(x.data(), n));
    for (const std::uint32_t bad : {0x7f800000u, 0xff800000u, 0x7fc00000u, 0xffffffffu, 0x7f800001u}) {
      int missed = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const float keep = x[i];
        x[i] = from_bits(bad);
        if (aecnn::all_finite(x.data(), n)) ++missed;
        x[i] = keep;
      }
      CHECK(missed == 0);
    }
  }
}
