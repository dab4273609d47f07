// The cost of a binary decision in 1/256 bit, by table: what rate-distortion decisions are made of. Integers only, so
// that the same decisions are taken on every machine.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include <aecnn/entropy/bit_model.hpp>

namespace aecnn {
namespace detail {
/// round(256 log2(1 + (2 i + 1) / 256)) for i in 0..127, by repeated squaring of the 1.31 fixed-point mantissa.
constexpr std::array<std::uint8_t, 128> make_logarithms() {
  std::array<std::uint8_t, 128> table{};
  for (std::uint32_t i = 0; i < 128; ++i) {
    std::uint64_t mantissa = static_cast<std::uint64_t>(257 + 2 * i) << 23;
    std::uint32_t fraction = 0;
    for (int b = 0; b < 9; ++b) {
      mantissa = (mantissa * mantissa) >> 31;
      fraction <<= 1;
      if ((mantissa >> 32) != 0) {
        fraction |= 1;
        mantissa >>= 1;
      }
    }
    table[i] = static_cast<std::uint8_t>((fraction + 1) / 2 < 255 ? (fraction + 1) / 2 : 255);
  }
  return table;
}
inline constexpr std::array<std::uint8_t, 128> logarithms = make_logarithms();
} // namespace detail

/// Cost, in 1/256 bit, of coding `bit` where a one has probability p1 / 65536; within 2/256 bit of the ideal.
constexpr std::uint32_t bit_cost(unsigned bit, std::uint32_t p1) noexcept {
  const std::uint32_t p = bit ? p1 : 65536 - p1;
  const auto exponent = static_cast<std::uint32_t>(std::bit_width(p | 1)) - 1;
  return ((16 - exponent) << 8) - detail::logarithms[((p << 7) >> exponent) & 127];
}

/// Stands in for an encoder: adds up costs and leaves the models as they are.
struct cost_counter {
  std::uint32_t total = 0; ///< in 1/256 bit
  template <class Model>
  void encode(unsigned bit, const Model& m) noexcept { total += bit_cost(bit, m.p1()); }
  void encode_bits(std::uint32_t, int count) noexcept { total += static_cast<std::uint32_t>(count) << 8; }
};

} // namespace aecnn
