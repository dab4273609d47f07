#include <aecnn/select/logit.hpp>

#include <catch_compat.hpp>

#include <cmath>
#include <cstdint>
#include <limits>

TEST_CASE("binary_logarithm counts in units of 2^-32", "[select]") {
  CHECK(aecnn::detail::binary_logarithm(1) == 0);
  CHECK(aecnn::detail::binary_logarithm(1u << 30) == std::int64_t{30} << 32);
  for (const std::uint32_t v : {2u, 3u, 5u, 1000u, 123456789u, 0xffffffffu}) {
    const double expected = std::log2(static_cast<double>(v));
    CHECK(std::abs(std::ldexp(static_cast<double>(aecnn::detail::binary_logarithm(v)), -32) - expected) < 1e-7);
  }
}

TEST_CASE("fixed_logit is the logit within one unit", "[select]") {
  for (const int bits : {0, 8, 16, 24})
    for (const float t : {1e-6f, 0.001f, 0.1f, 0.3f, 0.5f, 0.731f, 0.9f, 0.999f, 0.99999f}) {
      // The multiple of 2^-30 that stands for t.
      const double exact = std::floor(std::ldexp(static_cast<double>(t), 30)) * std::ldexp(1.0, -30);
      const double expected = std::ldexp(std::log(exact / (1 - exact)), bits);
      CAPTURE(bits, t);
      CHECK(std::abs(aecnn::detail::fixed_logit(t, bits) - expected) <= 1.0 + std::abs(expected) * 1e-7);
    }
  CHECK(aecnn::detail::fixed_logit(0.5f, 16) == 0);
  CHECK(aecnn::detail::fixed_logit(0.25f, 16) == -71999); // floor(-ln 3 * 65536)
  CHECK(aecnn::detail::fixed_logit(0.75f, 16) == 71998);
  CHECK(aecnn::detail::fixed_logit(std::numeric_limits<float>::min(), 16) == aecnn::detail::fixed_logit(1e-9f, 16));
}
