// An adaptive probability of one binary decision: two exponential averages of the bits seen, a quick and a slow one,
// averaged. Both start with the arithmetic mean of what they saw (rate 1/(n+1.5)) and settle at rates 1/16 and 1/128,
// so that a new context learns quickly and an old one is precise. Integers only; O(1) per bit.
//
// Sources: state counting as in lpaq (Mahoney, 2007); two-rate averaging as in VVC (ITU-T H.266, 9.3.4.3.2).
#pragma once

#include <array>
#include <cstdint>

namespace aecnn {

/// The number of bits of a probability handed to the coder: p1 / 65536 is the probability of a one.
inline constexpr int probability_bits = 16;

namespace detail {
/// 65536 / (n + 1.5), the rate after n bits.
constexpr std::array<std::uint16_t, 128> make_rates() {
  std::array<std::uint16_t, 128> r{};
  for (std::uint32_t n = 0; n < 128; ++n) r[n] = static_cast<std::uint16_t>(131072u / (2 * n + 3));
  return r;
}
inline constexpr std::array<std::uint16_t, 128> rates = make_rates();
inline constexpr std::int32_t quick_rate = 65536 / 16;
inline constexpr std::int32_t slow_rate = 65536 / 128;
} // namespace detail

/// The state of one binary context.
struct bit_model {
  std::uint16_t quick = 32768; ///< probability of a one, quick average, in 1/65536
  std::uint16_t slow = 32768;  ///< the same, slow average
  std::uint16_t count = 0;     ///< bits seen, at most 127: confidence

  /// The largest count: the slow average's rate is then 1/128.
  static constexpr std::uint16_t max_count = 127;

  /// A state that believes in probability p1/65536 as if it had seen `count` bits.
  static constexpr bit_model from(std::uint16_t p1, std::uint16_t count) noexcept { return {p1, p1, count}; }

  /// Probability of a one in 1/65536, in 32..65504, so that no decision costs more than 11 bits.
  constexpr std::uint32_t p1() const noexcept {
    const std::uint32_t p = (static_cast<std::uint32_t>(quick) + slow) >> 1;
    return p < 32 ? 32 : p > 65504 ? 65504 : p;
  }
  /// Learns a bit (0 or 1).
  constexpr void update(unsigned bit) noexcept {
    const std::int32_t target = bit ? 65535 : 0;
    const std::int32_t rate = detail::rates[count];
    const std::int32_t quick_step = rate > detail::quick_rate ? rate : detail::quick_rate;
    const std::int32_t slow_step = rate > detail::slow_rate ? rate : detail::slow_rate;
    // |target - p| < 2^16 and steps < 2^16: the products need 33 bits.
    quick = static_cast<std::uint16_t>(
        quick + static_cast<std::int32_t>((static_cast<std::int64_t>(target - quick) * quick_step) >> 16));
    slow = static_cast<std::uint16_t>(
        slow + static_cast<std::int32_t>((static_cast<std::int64_t>(target - slow) * slow_step) >> 16));
    count = static_cast<std::uint16_t>(count + (count < max_count));
  }
};

/// What the range coder asks of a model: bit_model or one that learns otherwise.
template <class M>
concept adaptive_bit_model = requires(M& m, unsigned bit) {
  m.p1();
  m.update(bit);
};

} // namespace aecnn
