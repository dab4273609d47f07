// A matrix of float weights as integers with a common power-of-two scale, exactly defined: each weight is rounded to
// nearest (halves away from zero) at the finest scale, 2^30 at most, at which no row's magnitudes add up above a bound.
// The bound makes 64-bit products and sums safe without a check at run time.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/fixed_point.hpp>

namespace aecnn::detail {

/// Largest magnitude of a weight or bias of channel attention.
inline constexpr float largest_weight = 1048576.0f; // 2^20

/// Whether |w| <= largest_weight, by the bits: false for NaN under any compiler flag.
inline bool weight_in_range(float w) noexcept {
  return (std::bit_cast<std::uint32_t>(w) & 0x7fffffffU) <= std::bit_cast<std::uint32_t>(largest_weight);
}

/// w * 2^bits rounded to nearest, halves away from zero; |w| <= 2^20, bits 0..30. The scaled double is exact.
inline std::int64_t round_scaled(float w, int bits) noexcept {
  const double twice = static_cast<double>(w) * static_cast<double>(power_of_two(bits + 1));
  const auto t = static_cast<std::int64_t>(twice);
  return (t + 1 + (t >> 63)) >> 1;
}

/// v / 2^bits rounded to nearest, halves up.
constexpr std::int64_t shift_rounded(std::int64_t v, int bits) noexcept {
  return bits == 0 ? v : (v + (std::int64_t{1} << (bits - 1))) >> bits;
}

constexpr std::int64_t clamp_to(std::int64_t v, std::int64_t bound) noexcept {
  return v > bound ? bound : v < -bound ? -bound : v;
}

struct fixed_layer {
  std::vector<std::int32_t> weights; ///< [rows, columns]
  int bits = 0;                      ///< weight = integer / 2^bits

  /// Every weight is within weight_in_range. `bound` is at most 2^31 - 1. errc::bad_field where even integers of unit
  /// scale add up above it.
  template <class Weights>
  static result<fixed_layer> create(std::string_view name, const Weights& weights, std::size_t rows,
                                    std::size_t columns, std::int64_t bound) {
    fixed_layer layer;
    // Halving the scale halves a row's sum but for the rounding of its columns: 2^30, then one step finer than what
    // the largest row asks for at most, hence a few steps only.
    for (layer.bits = 30; layer.bits >= 0; --layer.bits) {
      std::int64_t largest = 0;
      for (std::size_t r = 0; r < rows; ++r) {
        std::int64_t sum = 0;
        for (std::size_t c = 0; c < columns; ++c) {
          const std::int64_t v = round_scaled(weights[r * columns + c], layer.bits);
          sum += v < 0 ? -v : v;
        }
        largest = sum > largest ? sum : largest;
      }
      if (largest <= bound) break;
    }
    if (layer.bits < 0)
      return fail(errc::bad_field, "attention ", name, ": the magnitudes of a row add up to more than ", bound);
    layer.weights.resize(weights.size());
    for (std::size_t i = 0; i < weights.size(); ++i)
      layer.weights[i] = static_cast<std::int32_t>(round_scaled(weights[i], layer.bits));
    return layer;
  }
};

} // namespace aecnn::detail
