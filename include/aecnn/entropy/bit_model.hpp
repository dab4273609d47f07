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
/// What a number of bits seen means for the next one: rates of both averages in 1/65536, and the number then.
struct alignas(8) learning_step {
  std::uint16_t quick, slow;
  std::uint16_t next;
};
/// 1/(n + 1.5) after n bits, but at least 1/16 and 1/128.
constexpr std::array<learning_step, 128> make_learning_steps() {
  std::array<learning_step, 128> steps{};
  for (std::uint32_t n = 0; n < 128; ++n) {
    const std::uint32_t rate = 131072u / (2 * n + 3);
    steps[n] = {static_cast<std::uint16_t>(rate > 4096 ? rate : 4096), static_cast<std::uint16_t>(rate > 512 ? rate : 512),
                static_cast<std::uint16_t>(n < 127 ? n + 1 : n)};
  }
  return steps;
}
inline constexpr std::array<learning_step, 128> learning_steps = make_learning_steps();

#if defined(__SSE2__) && defined(__has_builtin)
#if __has_builtin(__builtin_ia32_pmulhuw128) && __has_builtin(__builtin_ia32_psubusw128)
#define AECNN_DETAIL_PAIRED_LEARNING
/// Moves both averages of a model at once. p1 and rate: quick and slow of a state and of a step, in one word each.
[[gnu::always_inline]] inline std::uint32_t learn(std::uint32_t p1, std::uint32_t rate, unsigned bit) noexcept {
  using words = std::uint16_t __attribute__((vector_size(16)));
  using doubles = std::uint32_t __attribute__((vector_size(16)));
  using shorts = short __attribute__((vector_size(16)));
  const auto p = reinterpret_cast<words>(doubles{p1}), r = reinterpret_cast<words>(doubles{rate});
  const auto zero = reinterpret_cast<words>(doubles{bit - 1}); // all ones where the bit is 0
  // p + floor((65535 - p) r / 2^16) after a one; after a zero p - ceil(p r / 2^16) = p + floor((65536 - p) r / 2^16) - r,
  // where saturation takes care of p = 0.
  const auto step = reinterpret_cast<words>(
      __builtin_ia32_pmulhuw128(reinterpret_cast<shorts>(~p - zero), reinterpret_cast<shorts>(r)));
  const auto moved = __builtin_ia32_psubusw128(reinterpret_cast<shorts>(p + step), reinterpret_cast<shorts>(r & zero));
  return reinterpret_cast<doubles>(moved)[0];
}
#endif
#endif
} // namespace detail

/// The state of one binary context; a power of two in size, which makes its address cheap.
struct alignas(8) bit_model {
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
    if (p - 32 > 65504 - 32) [[unlikely]] return p < 32 ? 32 : 65504;
    return p;
  }
  /// Learns a bit (0 or 1).
  constexpr void update(unsigned bit) noexcept {
    const detail::learning_step& step = detail::learning_steps[count];
#if defined(AECNN_DETAIL_PAIRED_LEARNING)
    if (!__builtin_is_constant_evaluated()) {
      std::uint32_t p = 0, rate = 0;
      __builtin_memcpy(&p, this, 4);
      __builtin_memcpy(&rate, &step, 4);
      p = detail::learn(p, rate, bit);
      __builtin_memcpy(this, &p, 4);
      count = step.next;
      return;
    }
#endif
    // p + floor((target - p) rate / 2^16), of which 16 bits are kept: what a product loses above 32 bits does not matter.
    const std::uint32_t target = bit ? 65535 : 0;
    quick = static_cast<std::uint16_t>(quick + (((target - quick) * step.quick) >> 16));
    slow = static_cast<std::uint16_t>(slow + (((target - slow) * step.slow) >> 16));
    count = step.next;
  }
};

/// What the range coder asks of a model: bit_model or one that learns otherwise.
template <class M>
concept adaptive_bit_model = requires(M& m, unsigned bit) {
  m.p1();
  m.update(bit);
};

} // namespace aecnn
#undef AECNN_DETAIL_PAIRED_LEARNING
