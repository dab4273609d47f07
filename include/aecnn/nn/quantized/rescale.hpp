// From one integer scale to another without floating point. A factor f becomes an integer multiplier m and a left shift
// e, m = round(f * 2^(32 - e)) < 2^31 with the smallest such e, and
//
//   f * x  =  (limit(x) * 2^e * m + 2^31) >> 32
//
// a 64-bit product, rounded half up. e is 0 for every f below a half, which is what convolutions have; limit cuts |x|
// to 2^(31-e) - 1 so that the shift cannot overflow. The multiplier comes from the bits of the scales by integer
// division, so that no machine's floating point has a say in it. Source of the method: Jacob et al., "Quantization and
// Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference" (2018).
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <aecnn/core/fixed_point.hpp>

namespace aecnn::nn::detail {

/// A factor of rescaling.
struct fixed_factor {
  std::int32_t multiplier = 0, shift = 0;
  friend bool operator==(const fixed_factor&, const fixed_factor&) = default;
};

/// A positive number as mantissa * 2^exponent.
struct exact_number {
  std::uint64_t mantissa = 1;
  int exponent = 0;
};
inline exact_number exact(float x) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return {(bits & 0x7fffffU) | 0x800000U, static_cast<int>(bits >> 23 & 0xff) - 150};
}
inline exact_number product(exact_number a, exact_number b) noexcept { // of two numbers of at most 32 bits
  return {a.mantissa * b.mantissa, a.exponent + b.exponent};
}

/// a / b = mantissa * 2^exponent with a mantissa of 40 bits, cut off.
inline exact_number quotient(exact_number a, exact_number b) noexcept {
  const int up = std::countl_zero(a.mantissa) - 1, down = std::countl_zero(b.mantissa) - 1;
  std::uint64_t rest = a.mantissa << up, divisor = b.mantissa << down; // both in [2^62, 2^63)
  int exponent = a.exponent - up - b.exponent + down;
  if (rest < divisor) {
    rest <<= 1;
    --exponent;
  }
  std::uint64_t q = 0;
  for (int i = 0; i < 40; ++i) {
    q <<= 1;
    if (rest >= divisor) {
      rest -= divisor;
      q |= 1;
    }
    rest <<= 1;
  }
  return {q, exponent - 39};
}

/// round(x * 2^scale), half up; `limit` where it is larger.
inline std::uint64_t to_integer(exact_number x, int scale, std::uint64_t limit) noexcept {
  const int shift = x.exponent + scale;
  if (shift < -63) return 0;
  if (shift <= 0) {
    const std::uint64_t v = shift == 0 ? x.mantissa : (x.mantissa >> -shift) + (x.mantissa >> (-shift - 1) & 1);
    return std::min(v, limit);
  }
  return shift >= std::countl_zero(x.mantissa) ? limit : std::min(x.mantissa << shift, limit);
}

inline constexpr std::int32_t largest_multiplier = 0x7fffffff;

/// The factor a / b; saturates at 2^29.
inline fixed_factor make_factor(exact_number a, exact_number b) noexcept {
  const exact_number q = quotient(a, b);
  for (int e = 0; e <= 30; ++e) {
    const std::uint64_t m = to_integer(q, 32 - e, std::uint64_t{1} << 40);
    if (m <= static_cast<std::uint64_t>(largest_multiplier)) return {static_cast<std::int32_t>(m), e};
  }
  return {largest_multiplier, 30};
}

/// f * x as above.
inline std::int32_t rescale(std::int32_t x, fixed_factor f) noexcept {
  if (f.shift != 0) {
    const std::int32_t limit = largest_multiplier >> f.shift;
    x = std::clamp(x, -limit, limit) * (std::int32_t{1} << f.shift);
  }
  return static_cast<std::int32_t>((std::int64_t{x} * f.multiplier + (std::int64_t{1} << 31)) >> 32);
}

/// The multiplier of a difference of two activations, (q - zero) * 2^8, when a residual is added: round(a / b * 2^24).
/// `ratio_limit` and above are not possible.
inline constexpr std::int32_t ratio_limit = 64;
inline std::int32_t activation_multiplier(float a, float b) noexcept {
  return static_cast<std::int32_t>(to_integer(quotient(exact(a), exact(b)), 24, std::uint64_t{ratio_limit} << 24));
}

/// 1 / x rounded to float; x is normal, and so is the result where x lies in 2^-100..2^100. No float lies so near above a
/// power of two that its reciprocal would be rounded up to one.
inline float reciprocal(float x) noexcept {
  const exact_number q = quotient({std::uint64_t{1} << 40, -40}, exact(x));
  const std::uint64_t m = (q.mantissa >> 16) + (q.mantissa >> 15 & 1); // 24 bits
  return std::bit_cast<float>(static_cast<std::uint32_t>(q.exponent + 166) << 23 |
                              (static_cast<std::uint32_t>(m) & 0x7fffffU));
}

/// The integer of a float: x / scale, computed as one float product with the reciprocal, rounded half away from zero,
/// plus zero, within 0..255. `steps` is 256 / scale: the product is cut to 1/256 before the integer rounding, which
/// does not change it.
inline std::int32_t to_byte(float x, float steps, std::int32_t zero) noexcept {
  const std::int32_t v = to_fixed(x, steps), sign = v >> 31;
  const std::int32_t q = ((((v ^ sign) - sign + 128) >> 8) ^ sign) - sign + zero;
  return q < 0 ? 0 : q > 255 ? 255 : q;
}
/// 256 / scale.
inline float steps_of(float scale) noexcept { return reciprocal(scale) * 256.0F; }

} // namespace aecnn::nn::detail
