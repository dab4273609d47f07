// What the entropy coder is told beforehand: the alphabet, which earlier channel to look at, and the states that its
// models start from. Plain data; part of a profile's operating point.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/entropy/bit_model.hpp>

namespace aecnn {

/// Parameters of context_coder for planes of a given number of channels.
struct context_parameters {
  /// No reference channel.
  static constexpr std::uint16_t no_reference = 0xffff;

  std::uint32_t levels = 2; ///< symbols are 0..levels-1; 2 to 65536
  std::uint32_t zero = 0;   ///< the symbol that stands for zero; its distance is what is coded; below levels
  std::uint8_t classes = 1; ///< sets of models, at least 1
  std::vector<std::uint16_t> reference;     ///< [channels] an earlier channel or no_reference; empty: none has one
  std::vector<std::uint8_t> channel_class;  ///< [channels] below classes; empty: all 0
  std::vector<std::uint16_t> initial;       ///< [classes * state_count()] packed states; empty: nothing is known
  std::vector<std::uint16_t> mask_prior;    ///< [channels] probability/65536 that a channel is sent, 32..65504; empty: all are

  /// The largest distance of a symbol from zero.
  constexpr std::uint32_t max_magnitude() const noexcept { return zero > levels - 1 - zero ? zero : levels - 1 - zero; }
  constexpr bool is_signed() const noexcept { return zero != 0; }
};

/// The counts that a packed state can name.
inline constexpr std::uint8_t packed_counts[16] = {0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64, 127};

/// A model in 16 bits: probability in 1/4096 (upper 12 bits), index into packed_counts (lower 4 bits).
constexpr std::uint16_t pack_state(std::uint32_t p1, unsigned count_index) noexcept {
  std::uint32_t p = p1 >> 4;
  if (p < 2) p = 2;
  if (p > 4093) p = 4093;
  return static_cast<std::uint16_t>((p << 4) | (count_index & 15));
}
constexpr bit_model unpack_state(std::uint16_t packed) noexcept {
  return bit_model::from(static_cast<std::uint16_t>((packed & 0xfff0) + 8), packed_counts[packed & 15]);
}

} // namespace aecnn
