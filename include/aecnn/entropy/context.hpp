// Contexts of a symbol from its causal neighbourhood: left W, upper N, upper right NE, upper left NW, and the same place
// in an earlier channel (the reference). What is coded is the distance d = symbol - zero: is it zero; its sign; its
// magnitude minus 1, in unary where no magnitude exceeds 15, else by Exp-Golomb classes (Teuhola, 1978) with the two
// bits below the leading one modelled and the rest plain.
//
// Contexts: the local activity 8/7 (3|W| + 3|N| + 2|NE| - |NW|), quantised logarithmically with four steps an octave,
// finer near zero; for the zero flag also which of W and N are zero and how large the reference is; for the sign the
// sign of the same sum over signed values; for the magnitude whether the sign was the expected one.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/entropy/parameters.hpp>

namespace aecnn {

/// Sizes and offsets of the models of one class, all derived from levels and zero.
class context_layout {
public:
  constexpr context_layout() = default;
  constexpr context_layout(std::uint32_t levels, std::uint32_t zero) noexcept
      : max_(zero > levels - 1 - zero ? zero : levels - 1 - zero), signed_(zero != 0) {
    activities_ = quantise(8 * max_) + 2; // one more for the first symbol of a channel
    bits_ = static_cast<std::uint32_t>(std::bit_width(max_));
    magnitude_models_ = max_ <= max_unary ? (max_ > 1 ? max_ - 1 : 0) : bits_ * 5;
    sign_ = activities_ * 16;
    magnitude_ = sign_ + (signed_ ? 5u : 0u);
    states_ = magnitude_ + (signed_ ? 2u : 1u) * activities_ * magnitude_models_;
  }
  /// The largest magnitude that is coded in unary.
  static constexpr std::uint32_t max_unary = 15;

  /// Models of one class.
  constexpr std::uint32_t state_count() const noexcept { return states_; }
  constexpr std::uint32_t max_magnitude() const noexcept { return max_; }
  constexpr bool is_signed() const noexcept { return signed_; }
  constexpr bool unary() const noexcept { return max_ <= max_unary; }
  /// Bits of the largest magnitude: the number of Exp-Golomb classes.
  constexpr std::uint32_t magnitude_bits() const noexcept { return bits_; }

  /// The context of a symbol without neighbours.
  constexpr std::uint32_t first_activity() const noexcept { return activities_ - 1; }
  /// Four steps an octave of activity / 2.
  static constexpr std::uint32_t quantise(std::uint32_t activity) noexcept {
    const std::uint32_t t = activity >> 1;
    if (t < 4) return t;
    const auto e = static_cast<std::uint32_t>(std::bit_width(t)) - 3;
    return (e << 2) + (t >> e);
  }
  constexpr std::uint32_t zero_model(std::uint32_t activity, std::uint32_t pattern) const noexcept {
    return activity * 16 + pattern;
  }
  constexpr std::uint32_t sign_model(std::uint32_t expectation) const noexcept { return sign_ + expectation; }
  constexpr std::uint32_t magnitude_model(std::uint32_t activity, bool unexpected_sign) const noexcept {
    return magnitude_ + ((unexpected_sign ? activities_ : 0u) + activity) * magnitude_models_;
  }

private:
  std::uint32_t max_ = 1, activities_ = 0, bits_ = 1, magnitude_models_ = 0, sign_ = 0, magnitude_ = 0, states_ = 0;
  bool signed_ = false;
};

/// The contexts of one symbol.
struct symbol_context {
  std::uint32_t activity = 0; ///< quantised
  std::uint32_t pattern = 0;  ///< bit 0: W is not zero, bit 1: N is not zero, bits 2-3: reference class
  std::int32_t expected = 0;  ///< signed sum of neighbours
};

/// 0: no reference, 1: it is zero, 2: its magnitude is 1, 3: larger.
constexpr std::uint32_t reference_class(std::uint32_t magnitude) noexcept { return magnitude > 2 ? 3 : magnitude + 1; }

namespace detail {

/// 0: none, 1/2: weakly positive/negative, 3/4: strongly.
constexpr std::uint32_t expectation(std::int32_t sum) noexcept {
  return sum == 0 ? 0u : sum > 0 ? (sum > 7 ? 3u : 1u) : (sum < -7 ? 4u : 2u);
}

/// Codes a distance d with an encoder or a cost_counter; |d| <= layout.max_magnitude().
template <class BitEncoder, class Models>
inline void put_distance(BitEncoder& coder, Models* models, const context_layout& layout, const symbol_context& c,
                         std::int32_t d) {
  coder.encode(d != 0, models[layout.zero_model(c.activity, c.pattern)]);
  if (d == 0) return;
  bool unexpected = false;
  if (layout.is_signed()) {
    coder.encode(d < 0, models[layout.sign_model(expectation(c.expected))]);
    unexpected = (d < 0) != (c.expected < 0) && c.expected != 0;
  }
  auto* m = models + layout.magnitude_model(c.activity, unexpected);
  const std::uint32_t rest = static_cast<std::uint32_t>(d < 0 ? -d : d) - 1;
  if (layout.unary()) {
    for (std::uint32_t k = 0; k + 1 < layout.max_magnitude(); ++k) {
      coder.encode(rest > k, m[k]);
      if (rest <= k) return;
    }
    return;
  }
  const std::uint32_t value = rest + 1; // 1..max
  const auto top = static_cast<std::uint32_t>(std::bit_width(value)) - 1;
  for (std::uint32_t k = 0; k + 1 < layout.magnitude_bits(); ++k) {
    coder.encode(top > k, m[k]);
    if (top <= k) break;
  }
  auto* low = m + layout.magnitude_bits() + top * 4;
  if (top >= 1) {
    const unsigned first = (value >> (top - 1)) & 1;
    coder.encode(first, low[1]);
    if (top >= 2) {
      coder.encode((value >> (top - 2)) & 1, low[2 + first]);
      if (top > 2) coder.encode_bits(value & ((1u << (top - 2)) - 1), static_cast<int>(top) - 2);
    }
  }
}

/// The inverse of put_distance; the result may exceed max_magnitude where the bytes are corrupt.
template <class BitDecoder, class BitModel>
inline std::int32_t get_distance(BitDecoder& coder, BitModel* models, const context_layout& layout,
                                 const symbol_context& c) {
  if (!coder.decode(models[layout.zero_model(c.activity, c.pattern)])) return 0;
  bool negative = false, unexpected = false;
  if (layout.is_signed()) {
    negative = coder.decode(models[layout.sign_model(expectation(c.expected))]) != 0;
    unexpected = negative != (c.expected < 0) && c.expected != 0;
  }
  BitModel* m = models + layout.magnitude_model(c.activity, unexpected);
  std::uint32_t value = 1;
  if (layout.unary()) {
    for (std::uint32_t k = 0; k + 1 < layout.max_magnitude() && coder.decode(m[k]); ++k) ++value;
  } else {
    std::uint32_t top = 0;
    while (top + 1 < layout.magnitude_bits() && coder.decode(m[top])) ++top;
    BitModel* low = m + layout.magnitude_bits() + top * 4;
    if (top >= 1) {
      const unsigned first = coder.decode(low[1]);
      value = 2 + first;
      if (top >= 2) {
        value = 2 * value + coder.decode(low[2 + first]);
        if (top > 2) value = (value << (top - 2)) | coder.decode_bits(static_cast<int>(top) - 2);
      }
    }
  }
  return negative ? -static_cast<std::int32_t>(value) : static_cast<std::int32_t>(value);
}

} // namespace detail

} // namespace aecnn
