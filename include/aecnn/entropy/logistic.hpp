// Probabilities in the logistic domain: stretch(p) = ln(p / (1 - p)) and its inverse squash(x) = 1 / (1 + exp(-x)), both by
// table, made from integers alone. x is in 1/256 nats, -2047 to 2047; probabilities are in 1/65536, 32 to 65504.
//
// Source: Mahoney, "Adaptive weighing of context models for lossless data compression", 2005, for mixing in this domain.
#pragma once

#include <array>
#include <cstdint>

namespace aecnn {

/// The largest magnitude of a stretched probability: 8 nats.
inline constexpr std::int32_t max_stretch = 2047;

namespace detail {

/// squash(x) for x = -2047..2047 at index x + 2047.
constexpr std::array<std::uint16_t, 4095> make_squash() {
  // exp(-1/256) and exp(-1) in 1/2^32: exp(-x/256) is a product of at most 255 and 7 of them, exact to 2^-24.
  constexpr std::uint64_t small_step = 4278222805u, large_step = 1580030169u;
  std::array<std::uint16_t, 4095> table{};
  std::uint64_t whole = std::uint64_t{1} << 32;
  for (std::uint32_t i = 0; i < 8; ++i, whole = (whole * large_step) >> 32) {
    std::uint64_t e = whole;
    for (std::uint32_t j = 0; j < 256 && 256 * i + j <= 2047; ++j, e = (e * small_step) >> 32) {
      const std::uint64_t p = (std::uint64_t{1} << 48) / ((std::uint64_t{1} << 32) + e);
      const std::uint64_t top = p > 65504 ? 65504 : p;
      table[2047 + 256 * i + j] = static_cast<std::uint16_t>(top);
      table[2047 - 256 * i - j] = static_cast<std::uint16_t>(65536 - top);
    }
  }
  return table;
}
inline constexpr std::array<std::uint16_t, 4095> squash_table = make_squash();

/// stretch of the middle of [16 i, 16 i + 16): the smallest x whose squash is not below it.
constexpr std::array<std::int16_t, 4096> make_stretch() {
  std::array<std::int16_t, 4096> table{};
  std::int32_t x = -max_stretch;
  for (std::uint32_t i = 0; i < 4096; ++i) {
    while (x < max_stretch && squash_table[static_cast<std::uint32_t>(x + 2047)] < 16 * i + 8) ++x;
    table[i] = static_cast<std::int16_t>(x);
  }
  return table;
}
inline constexpr std::array<std::int16_t, 4096> stretch_table = make_stretch();

} // namespace detail

/// ln(p / (65536 - p)) in 1/256 nats; p below 65536.
constexpr std::int32_t stretch(std::uint32_t p) noexcept { return detail::stretch_table[p >> 4]; }

/// 65536 / (1 + exp(-x / 256)), in 32..65504; x is cut to [-max_stretch, max_stretch].
constexpr std::uint32_t squash(std::int64_t x) noexcept {
  const auto cut = static_cast<std::int32_t>(x < -max_stretch ? -max_stretch : x > max_stretch ? max_stretch : x);
  return detail::squash_table[static_cast<std::uint32_t>(cut + max_stretch)];
}

} // namespace aecnn
