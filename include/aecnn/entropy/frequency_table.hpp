// A probability table as the format sends it: the logarithm of each token's share in steps of 1, 1/2 or 1/4 octave, 0 for tokens
// that do not occur. What a decoder does with it: powers of two, scaled to a sum of 2^10, every token that occurs at least 1.
// Integers only; O(tokens).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <aecnn/entropy/rans.hpp>

namespace aecnn::detail {

/// 2^16 log2(n) for n >= 1, by table and linear interpolation, within 2^-14.
constexpr std::array<std::uint32_t, 129> make_binary_logarithms() {
  std::array<std::uint32_t, 129> table{};
  for (std::uint32_t i = 0; i <= 128; ++i) {
    std::uint64_t mantissa = static_cast<std::uint64_t>(128 + i) << 24; // 1.31, 2^31 stands for 1
    std::uint32_t fraction = 0;
    for (int b = 0; b < 16; ++b) {
      mantissa = (mantissa * mantissa) >> 31;
      fraction <<= 1;
      if ((mantissa >> 32) != 0) {
        fraction |= 1;
        mantissa >>= 1;
      }
    }
    table[i] = i == 128 ? 65536 : fraction;
  }
  return table;
}
inline constexpr std::array<std::uint32_t, 129> binary_logarithms = make_binary_logarithms();

constexpr std::uint32_t fixed_log2(std::uint64_t n) noexcept {
  const auto e = static_cast<std::uint32_t>(std::bit_width(n | 1)) - 1;
  const auto fraction = static_cast<std::uint32_t>((e < 31 ? n << (31 - e) : n >> (e - 31)) & 0x7fffffff);
  const std::uint32_t i = fraction >> 24, below = fraction & 0xffffff;
  const std::uint32_t step = binary_logarithms[i + 1] - binary_logarithms[i];
  return (e << 16) + binary_logarithms[i] + static_cast<std::uint32_t>((static_cast<std::uint64_t>(step) * below) >> 24);
}

/// Steps an octave are 1 << detail_level.
inline constexpr int detail_levels = 3;

/// The largest step: the one of a token that has everything.
constexpr std::uint32_t top_step(int detail_level) noexcept { return (static_cast<std::uint32_t>(rans_precision) << detail_level) + 1; }

/// The step of a token with n of total occurrences.
constexpr std::uint32_t step_of(std::uint32_t n, std::uint32_t total, int detail_level) noexcept {
  if (n == 0) return 0;
  const std::uint32_t below = fixed_log2(total) - fixed_log2(n);
  const std::uint32_t steps = ((below << detail_level) + 32768) >> 16;
  const std::uint32_t top = top_step(detail_level);
  return steps + 1 >= top ? 1 : top - steps;
}

/// Shares from weights: out[t] = max(1, floor(weights[t] 2^10 / sum)) where the weight is not 0; what is missing or too much goes
/// to the first token of largest share. All weights below 2^40, at least one above 0; at most 64 tokens.
inline void scale_to_total(const std::uint64_t* weights, std::uint32_t tokens, std::uint16_t* out) noexcept {
  std::uint64_t sum = 0;
  for (std::uint32_t t = 0; t < tokens; ++t) sum += weights[t];
  std::uint32_t given = 0, largest = 0;
  for (std::uint32_t t = 0; t < tokens; ++t) {
    std::uint32_t f = 0;
    if (weights[t] != 0) {
      f = static_cast<std::uint32_t>((weights[t] << rans_precision) / sum);
      if (f == 0) f = 1;
    }
    out[t] = static_cast<std::uint16_t>(f);
    given += f;
    if (f > out[largest]) largest = t;
  }
  while (given > rans_total) {
    // Rare tokens were raised to 1 at the cost of the others; one token may not be able to pay for all of them.
    const std::uint32_t excess = given - rans_total, half = out[largest] / 2u;
    const std::uint32_t paid = excess < half ? excess : half;
    out[largest] = static_cast<std::uint16_t>(out[largest] - paid);
    given -= paid;
    for (std::uint32_t t = 0; t < tokens; ++t)
      if (out[t] > out[largest]) largest = t;
  }
  out[largest] = static_cast<std::uint16_t>(out[largest] + rans_total - given);
}

/// Shares from steps, at least one of which is not 0.
inline void shares_of_steps(const std::uint8_t* steps, std::uint32_t tokens, int detail_level, std::uint16_t* out) noexcept {
  // round(2^16 2^(i/4))
  constexpr std::uint32_t quarter_octaves[4] = {65536, 77936, 92682, 110218};
  std::uint64_t weights[64] = {};
  for (std::uint32_t t = 0; t < tokens; ++t) {
    if (steps[t] == 0) continue;
    const std::uint32_t s = steps[t] - 1u;
    const std::uint32_t part = (s << (2 - detail_level)) & 3;
    weights[t] = static_cast<std::uint64_t>(quarter_octaves[part]) << (s >> detail_level);
  }
  scale_to_total(weights, tokens, out);
}

/// Slots that fill_slots() may write beyond a table.
inline constexpr std::size_t slot_margin = 8;

/// A decoder's table has 2^10 slots: bits 0 to 9 the slot's place in its token's share, 10 to 19 the share minus 1, from 20 the token.
/// Tables that follow each other in memory are filled in this order; slot_margin more elements follow the last.
inline void fill_slots(const std::uint16_t* shares, std::uint32_t tokens, std::uint32_t* slots) noexcept {
  for (std::uint32_t t = 0; t < tokens; ++t) {
    const std::uint32_t f = shares[t];
    std::uint32_t e = (t << 20) | ((f - 1) << 10);
    // Eight at a time, into the next token's slots, which are filled afterwards.
    for (std::uint32_t i = 0; i < f; i += 8, e += 8)
      for (std::uint32_t j = 0; j < 8; ++j) slots[i + j] = e + j;
    slots += f;
  }
}

} // namespace aecnn::detail
