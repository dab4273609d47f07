// Symbols as tokens and plain bits. The distance of a symbol from `zero` becomes a value v: 0, then +1, -1, +2, -2, ... as long as
// both exist, then the rest of the longer side. Alphabets of at most 16 levels have a token for each value; in others values
// below 8 have their own token, and above it every octave has four tokens, followed by the bits that they leave open.
//
//   v < 8: token v, no bits      v >= 8: r = len(v) - 3 bits, token 4 r + (v >> r)
//
// Source: the hybrid integers of JPEG XL (ISO/IEC 18181-1, C.2.5), with other constants. O(1).
#pragma once

#include <bit>
#include <cstdint>

#include <aecnn/core/symbol.hpp>
#include <aecnn/entropy/rans.hpp>

namespace aecnn::detail {

class token_layout {
public:
  constexpr token_layout() = default;
  constexpr token_layout(std::uint32_t levels, std::uint32_t zero) noexcept
      : levels_(levels), zero_(zero), both_(2 * (zero < levels - 1 - zero ? zero : levels - 1 - zero)),
        rest_negative_(zero > levels - 1 - zero), direct_(levels <= 16) {
    tokens_ = token(levels - 1) + 1;
  }
  static constexpr std::uint32_t max_tokens = 60;

  constexpr std::uint32_t levels() const noexcept { return levels_; }
  constexpr std::uint32_t zero() const noexcept { return zero_; }
  /// Number of tokens: 2 to max_tokens.
  constexpr std::uint32_t count() const noexcept { return tokens_; }
  /// Whether every value has its own token.
  constexpr bool direct() const noexcept { return direct_; }
  /// Values up to this one alternate between the sides of zero.
  constexpr std::uint32_t alternating() const noexcept { return both_; }
  constexpr bool rest_negative() const noexcept { return rest_negative_; }
  /// Plain bits coded together with a token, at most.
  constexpr int joint_bits() const noexcept {
    const int r = bits(tokens_ - 1);
    return r < rans_plain_bits ? r : rans_plain_bits;
  }
  /// The states' base is 2^base().
  constexpr int base() const noexcept { return rans_precision + joint_bits(); }
  /// Whether some token has more plain bits than one step takes.
  constexpr bool deep() const noexcept { return bits(tokens_ - 1) > rans_plain_bits; }

  constexpr std::uint32_t token(std::uint32_t v) const noexcept {
    if (direct_ || v < 8) return v;
    const auto r = static_cast<std::uint32_t>(std::bit_width(v)) - 3;
    return 4 * r + (v >> r);
  }
  /// Plain bits after a token.
  constexpr int bits(std::uint32_t token) const noexcept { return direct_ || token < 8 ? 0 : static_cast<int>(token >> 2) - 1; }
  /// The least value of a token.
  constexpr std::uint32_t first(std::uint32_t token) const noexcept {
    return direct_ || token < 8 ? token : (4 | (token & 3)) << ((token >> 2) - 1);
  }

  constexpr std::uint32_t value(symbol s) const noexcept {
    const std::uint32_t m = magnitude(s);
    if (m > both_ / 2) return m + both_ / 2;
    return s > zero_ ? 2 * m - 1 : 2 * m;
  }
  /// Distance of a symbol from zero, without its sign.
  constexpr std::uint32_t magnitude(symbol s) const noexcept { return s > zero_ ? s - zero_ : zero_ - s; }
  constexpr std::uint32_t magnitude_of_value(std::uint32_t v) const noexcept { return v <= both_ ? (v + 1) >> 1 : v - both_ / 2; }
  /// The symbol of a value below levels.
  constexpr symbol symbol_of_value(std::uint32_t v) const noexcept {
    const bool negative = v <= both_ ? (v & 1) == 0 : rest_negative_;
    const std::uint32_t m = magnitude_of_value(v);
    return static_cast<symbol>(negative ? zero_ - m : zero_ + m);
  }

private:
  std::uint32_t levels_ = 2, zero_ = 0, both_ = 0, tokens_ = 2;
  bool rest_negative_ = false, direct_ = true;
};

} // namespace aecnn::detail
