// From float to integer in a way that no compiler flag and no machine can change: one IEEE 754 product, its magnitude
// clamped through the bit pattern, truncation toward zero. Every decision that shapes the bytes starts here.
//
// Why through the bits: under -ffast-math a compiler may drop comparisons with NaN and infinity, and converting a float
// that an int cannot hold is undefined. Integers have neither problem. The product of two floats is exact in the wider
// formats of x87, and reading its bits forces the one rounding to float there as well. Nothing is added to the product
// in floating point, so that contraction to a fused multiply-add has nothing to fuse.
//
// Loops of a fixed trip count over these functions have no branches and become vector code at -O2.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace aecnn {

static_assert(std::numeric_limits<float>::is_iec559 && sizeof(float) == 4, "aecnn needs IEEE 754 binary32 floats");

/// The largest magnitude that to_fixed gives: the largest float below 2^30.
inline constexpr std::int32_t fixed_limit = 1073741760;

/// Elements that the block functions take at once.
inline constexpr std::size_t fixed_block = 64;

namespace detail {
/// x * scale, where x is not a product that -ffast-math may regroup, a * (b * scale): clang obeys here in every case,
/// g++ 12 only in scalar code, hence the rule of to_fixed that x was read from memory.
inline float single_product(float x, float scale) noexcept {
#if defined(__clang__)
#pragma clang fp reassociate(off)
  return x * scale;
#elif defined(__GNUC__) && __GNUC__ >= 12
  return __builtin_assoc_barrier(x) * scale;
#else
  return x * scale;
#endif
}
} // namespace detail

/// x * scale, rounded once to float and then truncated toward zero to an integer, within +-fixed_limit. An infinity
/// gives +-fixed_limit, a NaN one of the two (reject it with all_finite before).
/// `x` is a value read from memory or exact in float, not the result of arithmetic in the same expression.
/// `scale` is a normal number of magnitude at most 2^100, given as bits or as a power of two, never as a quotient
/// computed on the spot: flush-to-zero modes then make no difference, and neither does an approximate division.
inline std::int32_t to_fixed(float x, float scale) noexcept {
  const auto bits = std::bit_cast<std::int32_t>(detail::single_product(x, scale));
  const std::int32_t sign = bits >> 31; // 0 or -1
  const std::int32_t magnitude = bits & 0x7fffffff;
  constexpr std::int32_t top = 0x4e7fffff; // the bits of fixed_limit
  const auto whole = static_cast<std::int32_t>(std::bit_cast<float>(magnitude < top ? magnitude : top));
  return (whole ^ sign) - sign;
}

/// a * b of two positive normal numbers as a scale for to_fixed: at most 2^100, which saturates every number that it is
/// applied to but 0 and denormals. Without the bound the product could be infinite, and 0 times infinity is a NaN whose sign
/// differs between machines.
inline float joint_scale(float a, float b) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(detail::single_product(a, b));
  constexpr std::uint32_t top = 0x71800000; // the bits of 2^100
  return std::bit_cast<float>(bits < top ? bits : top);
}

/// to_fixed of 64 elements.
inline void to_fixed_block(const float* in, float scale, std::int32_t* out) noexcept {
  for (std::size_t i = 0; i < fixed_block; ++i) out[i] = to_fixed(in[i], scale);
}

/// 2^exponent as a float, for exponent in -126..127.
constexpr float power_of_two(int exponent) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(exponent + 127) << 23);
}

/// Whether x is a normal number above 0 and at most `largest` (finite, above 0); by the bits, so that a NaN fails under
/// -ffast-math, too.
inline bool positive_normal(float x, float largest) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return bits >= 0x00800000U && bits <= std::bit_cast<std::uint32_t>(largest);
}

namespace detail {
/// A word whose top bit says that x is an infinity or a NaN; words of several elements are joined by "or".
inline std::uint32_t not_finite_bit(float x) noexcept {
  return (std::bit_cast<std::uint32_t>(x) & 0x7fffffffU) + 0x00800000U;
}
} // namespace detail

/// Whether none of n elements is an infinity or a NaN, also under -ffast-math.
inline bool all_finite(const float* x, std::size_t n) noexcept {
  std::uint32_t seen = 0;
  for (; n >= fixed_block; n -= fixed_block, x += fixed_block)
    for (std::size_t i = 0; i < fixed_block; ++i) seen |= detail::not_finite_bit(x[i]);
  for (std::size_t i = 0; i < n; ++i) seen |= detail::not_finite_bit(x[i]);
  return (seen >> 31) == 0;
}

} // namespace aecnn
