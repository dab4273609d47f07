// logit(t) = ln(t / (1 - t)) in integers, so that an attention threshold means the same number on every machine.
#pragma once

#include <bit>
#include <cstdint>

#include <aecnn/core/fixed_point.hpp>

namespace aecnn::detail {

/// log2(v) in units of 2^-32, truncated; v > 0. One bit of the fraction per squaring of the mantissa in [1, 2).
constexpr std::int64_t binary_logarithm(std::uint32_t v) noexcept {
  const int whole = static_cast<int>(std::bit_width(v)) - 1;
  std::uint64_t mantissa = std::uint64_t{v} << (31 - whole); // units of 2^-31
  std::int64_t log = whole;
  for (int i = 0; i < 32; ++i) {
    mantissa = (mantissa * mantissa) >> 31;
    log *= 2;
    if (mantissa >> 32 != 0) {
      mantissa >>= 1;
      ++log;
    }
  }
  return log;
}

/// The logit of t in units of 2^-fraction_bits, within one unit; 0 < t < 1, fraction_bits 0..24. t is first truncated
/// to a multiple of 2^-30 and kept within 2^-30 of 0 and 1.
inline std::int32_t fixed_logit(float t, int fraction_bits) noexcept {
  constexpr std::int32_t one = 1 << 30;
  std::int32_t v = to_fixed(t, power_of_two(30));
  v = v < 1 ? 1 : (v > one - 1 ? one - 1 : v);
  const std::int64_t log = binary_logarithm(static_cast<std::uint32_t>(v)) -
                           binary_logarithm(static_cast<std::uint32_t>(one - v)); // below 2^37
  constexpr std::int64_t natural = 46516320;                                      // ln 2 in units of 2^-26
  const int drop = 32 - fraction_bits;
  // In two steps, because the product with all bits of ln 2 would not fit: 2^37 / 2^4 * 2^26 = 2^59.
  return static_cast<std::int32_t>(((log >> 4) * natural) >> (drop + 22));
}

} // namespace aecnn::detail
