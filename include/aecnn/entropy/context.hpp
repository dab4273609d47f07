// Contexts of a symbol from its causal neighbourhood: left W, upper N, upper right NE, upper left NW, and the same place
// in an earlier channel (the reference). What is coded is the distance d = symbol - zero: its token, then its sign, then
// the bits of the magnitude below the leading one, of which two are modelled and the rest plain.
//
// Token: |d| where no magnitude exceeds 15, else the number of bits of |d| (Exp-Golomb classes, Teuhola, 1978). It is coded
// as a walk over thresholds "token >= k" that starts at the token expected here and goes up or down, so that few decisions
// are needed and most of them are unlikely to surprise.
//
// Contexts: the local activity 8/7 (3|W| + 3|N| + 2|NE| - |NW|), quantised logarithmically with four steps an octave,
// finer near zero; for the threshold 1 ("not zero") also which of W and N are zero and how large the reference is; for the
// sign the sign of the same sum over signed values, and the token.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/entropy/parameters.hpp>
#include <aecnn/entropy/range_coder.hpp>

namespace aecnn {

/// Sizes and offsets of the models of one class, all derived from levels and zero.
class context_layout {
public:
  constexpr context_layout() = default;
  constexpr context_layout(std::uint32_t levels, std::uint32_t zero) noexcept
      : max_(zero > levels - 1 - zero ? zero : levels - 1 - zero), signed_(zero != 0) {
    activities_ = quantise(8 * max_) + 2; // one more for the first symbol of a channel
    tokens_ = unary() ? max_ : static_cast<std::uint32_t>(std::bit_width(max_));
    sign_ = activities_ * 16;
    magnitude_ = sign_ + (signed_ ? 15U : 0U);
    magnitude_models_ = tokens_ - 1 + (unary() ? 0 : 4 * (tokens_ + 1));
    states_ = magnitude_ + activities_ * magnitude_models_;
    for (std::uint32_t a = 0; a + 1 < activities_; ++a) {
      // The mean magnitude that the activity stands for.
      const std::uint32_t mean = (smallest(a) + 4) / 8;
      const std::uint32_t t = unary() ? mean : static_cast<std::uint32_t>(std::bit_width(mean));
      expected_[a] = static_cast<std::uint8_t>(t < 1 ? 1 : t < tokens_ ? t : tokens_);
    }
    expected_[activities_ - 1] = 1;
  }
  /// The largest magnitude that is a token of its own.
  static constexpr std::uint32_t max_unary = 15;

  /// Models of one class.
  constexpr std::uint32_t state_count() const noexcept { return states_; }
  constexpr std::uint32_t max_magnitude() const noexcept { return max_; }
  constexpr bool is_signed() const noexcept { return signed_; }
  constexpr bool unary() const noexcept { return max_ <= max_unary; }
  /// The largest token, at least 1.
  constexpr std::uint32_t max_token() const noexcept { return tokens_; }
  constexpr std::uint32_t token(std::uint32_t magnitude) const noexcept {
    return unary() ? magnitude : static_cast<std::uint32_t>(std::bit_width(2 * magnitude | 1)) - 1;
  }
  /// The smallest magnitude of a token.
  constexpr std::uint32_t smallest_of(std::uint32_t token) const noexcept {
    return unary() || token < 2 ? token : 1U << (token - 1);
  }

  /// Number of activities, with the one of symbols without neighbours, which is the last.
  constexpr std::uint32_t activities() const noexcept { return activities_; }
  constexpr std::uint32_t first_activity() const noexcept { return activities_ - 1; }
  /// Four steps an octave of activity / 2.
  static constexpr std::uint32_t quantise(std::uint32_t activity) noexcept {
    const std::uint32_t t = activity >> 1;
    if (t < 4) return t;
    const auto e = static_cast<std::uint32_t>(std::bit_width(t)) - 3;
    return (e << 2) + (t >> e);
  }
  /// The context of the sum 3|W| + 3|N| + 2|NE| - |NW|.
  [[gnu::noinline]] constexpr std::uint32_t activity(std::int32_t sum) const noexcept {
    if (sum == no_neighbours()) return first_activity();
    const std::uint32_t a = sum < 0 ? 0 : static_cast<std::uint32_t>(sum) * 8 / 7;
    return quantise(a < 8 * max_ ? a : 8 * max_);
  }
  /// A sum that no neighbours have: the symbol has none.
  constexpr std::int32_t no_neighbours() const noexcept { return static_cast<std::int32_t>(8 * max_ + 1); }
  /// The smallest activity that is quantised to q.
  static constexpr std::uint32_t smallest(std::uint32_t q) noexcept {
    return 2 * (q < 4 ? q : ((q & 3) + 4) << ((q >> 2) - 1));
  }
  /// Where the walk over thresholds starts: 1 to max_token().
  constexpr std::uint32_t expected_token(std::uint32_t activity) const noexcept { return expected_[activity]; }

  /// The model of threshold 1.
  constexpr std::uint32_t zero_model(std::uint32_t activity, std::uint32_t pattern) const noexcept {
    return activity * 16 + pattern;
  }
  /// The model of threshold k, 2 to max_token(), is k - 2 further; after these come four for each token from 0 on, of which
  /// the second is for the bit below the leading one and the third and fourth are for the next bit.
  constexpr std::uint32_t magnitude_model(std::uint32_t activity) const noexcept {
    return magnitude_ + activity * magnitude_models_;
  }
  constexpr std::uint32_t sign_model(std::uint32_t expectation, std::uint32_t token) const noexcept {
    return sign_ + expectation * 3 + (token < 3 ? token : 3) - 1;
  }

private:
  std::uint32_t max_ = 1, activities_ = 0, tokens_ = 1, magnitude_models_ = 0, sign_ = 0, magnitude_ = 0, states_ = 0;
  bool signed_ = false;
  std::array<std::uint8_t, 72> expected_{}; ///< activities_ of them: 69 for 65536 levels
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

/// Codes a distance d with an encoder or a cost_counter; |d| <= layout.max_magnitude(). Inlined, as is get_distance, so
/// that the coder's state stays in registers.
template <bool Signed, class BitEncoder, class Models>
[[gnu::always_inline]] inline void put_distance(BitEncoder& coder, Models* models, const context_layout& layout,
                                                const symbol_context& c, std::int32_t d) {
  Models& zero = models[layout.zero_model(c.activity, c.pattern)];
  Models* const m = models + layout.magnitude_model(c.activity);
  const auto value = static_cast<std::uint32_t>(Signed && d < 0 ? -d : d);
  const std::uint32_t token = layout.token(value), top = layout.max_token(), start = layout.expected_token(c.activity);
  if (token >= start) {
    coder.encode(1, start == 1 ? zero : m[start - 2]);
    for (Models *k = m + (start - 1), *end = m + (token - 1); k != end; ++k) coder.encode(1, *k);
    if (token < top) coder.encode(0, m[token - 1]);
  } else {
    for (Models *k = m + (start - 1), *end = m + (token > 1 ? token - 1 : 0); k != end;) coder.encode(0, *--k);
    if (token == 0) return coder.encode(0, zero);
    coder.encode(1, token == 1 ? zero : m[token - 2]);
  }
  if (token == 0) return;
  if constexpr (Signed) coder.encode(d < 0, models[layout.sign_model(expectation(c.expected), token)]);
  if (layout.unary() || token < 2) return;
  Models* const low = m + (top - 1) + token * 4;
  const std::uint32_t below = token - 1; // bits below the leading one
  const unsigned first = (value >> (below - 1)) & 1;
  coder.encode(first, low[1]);
  if (below < 2) return;
  coder.encode((value >> (below - 2)) & 1, low[2 + first]);
  if (below > 2) coder.encode_bits(value & ((1U << (below - 2)) - 1), static_cast<int>(below) - 2);
}

/// The inverse of put_distance; the result may exceed max_magnitude where the bytes are corrupt.
template <bool Signed, class BitDecoder, class BitModel>
[[gnu::always_inline]] inline std::int32_t get_distance(BitDecoder& coder, BitModel* models, const context_layout& layout,
                                                        const symbol_context& c) {
  BitModel& zero = models[layout.zero_model(c.activity, c.pattern)];
  BitModel* const m = models + layout.magnitude_model(c.activity);
  const std::uint32_t top = layout.max_token();
  std::uint32_t token = layout.expected_token(c.activity);
  if (coder.decode(token == 1 ? zero : m[token - 2])) {
    while (token < top && coder.decode(m[token - 1])) ++token;
  } else {
    if (token == 1) return 0;
    for (--token; token > 1 && !coder.decode(m[token - 2]);) --token;
    if (token == 1 && !coder.decode(zero)) return 0;
  }
  bool negative = false;
  if constexpr (Signed) negative = decode_even(coder, models[layout.sign_model(expectation(c.expected), token)]) != 0;
  std::uint32_t value = layout.smallest_of(token);
  if (!layout.unary() && token > 1) {
    BitModel* const low = m + (top - 1) + token * 4;
    const std::uint32_t below = token - 1;
    const unsigned first = decode_even(coder, low[1]);
    value = 2 + first;
    if (below >= 2) {
      value = 2 * value + decode_even(coder, low[2 + first]);
      if (below > 2) value = (value << (below - 2)) | coder.decode_bits(static_cast<int>(below) - 2);
    }
  }
  return negative ? -static_cast<std::int32_t>(value) : static_cast<std::int32_t>(value);
}

/// The same where the layout is to say whether there are signs.
template <class BitEncoder, class Models>
inline void put_distance(BitEncoder& coder, Models* models, const context_layout& layout, const symbol_context& c,
                         std::int32_t d) {
  layout.is_signed() ? put_distance<true>(coder, models, layout, c, d) : put_distance<false>(coder, models, layout, c, d);
}
template <class BitDecoder, class BitModel>
inline std::int32_t get_distance(BitDecoder& coder, BitModel* models, const context_layout& layout,
                                 const symbol_context& c) {
  return layout.is_signed() ? get_distance<true>(coder, models, layout, c) : get_distance<false>(coder, models, layout, c);
}

} // namespace detail

} // namespace aecnn
