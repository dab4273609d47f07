// The cost of a binary decision in 1/256 bit, by table: what rate-distortion decisions are made of. Integers only, so
// that the same decisions are taken on every machine.
#pragma once

#include <array>
#include <cstdint>

#include <aecnn/entropy/bit_model.hpp>

namespace aecnn {
namespace detail {
/// round(-256 log2((2 i + 1) / 8192)) for i in 0..4095, by repeated squaring of the 1.31 fixed-point mantissa.
constexpr std::array<std::uint16_t, 4096> make_costs() {
  std::array<std::uint16_t, 4096> table{};
  for (std::uint32_t i = 0; i < 4096; ++i) {
    const std::uint32_t v = 2 * i + 1;
    int exponent = 0;
    while ((v >> (exponent + 1)) != 0) ++exponent;
    std::uint64_t mantissa = static_cast<std::uint64_t>(v) << (31 - exponent);
    std::uint32_t fraction = 0;
    for (int b = 0; b < 9; ++b) {
      mantissa = (mantissa * mantissa) >> 31;
      fraction <<= 1;
      if (mantissa >> 32) {
        fraction |= 1;
        mantissa >>= 1;
      }
    }
    // log2(v) in 1/512, rounded to 1/256.
    const std::uint32_t log_v = static_cast<std::uint32_t>(exponent) * 512 + fraction;
    table[i] = static_cast<std::uint16_t>((13 * 512 - log_v + 1) / 2);
  }
  return table;
}
inline constexpr std::array<std::uint16_t, 4096> costs = make_costs();
} // namespace detail

/// Cost, in 1/256 bit, of coding `bit` where a one has probability p1 / 65536; within 0.6 % of a bit of the ideal for
/// the probabilities that bit_model gives.
constexpr std::uint32_t bit_cost(unsigned bit, std::uint32_t p1) noexcept {
  return detail::costs[(bit ? p1 : 65536 - p1) >> 4];
}

/// Stands in for an encoder: adds up costs and leaves the models as they are.
struct cost_counter {
  std::uint32_t total = 0; ///< in 1/256 bit
  void encode(unsigned bit, const bit_model& m) noexcept { total += bit_cost(bit, m.p1()); }
  void encode_bits(std::uint32_t, int count) noexcept { total += static_cast<std::uint32_t>(count) << 8; }
};

} // namespace aecnn
