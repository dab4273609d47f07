// Rate-distortion optimised choice of symbols: of the quantiser's own choice, the next one toward zero, and zero, the symbol with
// the least  distortion + lambda * rate,  where the rate is what the entropy coder would charge at this very place (the
// greedy form of rate-distortion optimised quantisation; Karczewicz, Ye, Chong, VCEG-AH21, 2008). Fixed point throughout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <aecnn/quantize/uniform_quantizer.hpp>

namespace aecnn {

/// Picks symbols for context_coder::encode_chosen. `lambda` is in steps squared per bit, times 65536; 0 keeps the
/// quantiser's own choice.
template <class Quantizer>
class rate_distortion_choice {
public:
  rate_distortion_choice(const Quantizer& quantizer, std::span<const std::int32_t> latents, std::uint32_t lambda) noexcept
      : quantizer_(&quantizer), latents_(latents), lambda_(lambda) {}

  /// The symbol for latent `index` of `channel`; `price(symbol)` is its rate in 1/256 bit.
  template <class Price>
  symbol operator()(std::size_t index, std::size_t channel, const Price& price) const {
    const std::int32_t latent = latents_[index];
    const symbol nearest = quantizer_->quantise(channel, latent);
    const auto zero = static_cast<symbol>(quantizer_->zero());
    if (nearest == zero || lambda_ == 0) return nearest;
    symbol best = nearest;
    std::uint64_t least = total(channel, latent, nearest, price);
    const auto inner = static_cast<symbol>(nearest > zero ? nearest - 1 : nearest + 1);
    if (const auto t = total(channel, latent, inner, price); t < least) {
      least = t;
      best = inner;
    }
    if (inner != zero)
      if (const auto t = total(channel, latent, zero, price); t < least) best = zero;
    return best;
  }

private:
  template <class Price>
  std::uint64_t total(std::size_t channel, std::int32_t latent, symbol s, const Price& price) const {
    // Units squared (65536 of them a step squared) with 8 more bits, as lambda * (cost / 256) has.
    const std::int64_t e = std::int64_t{latent} - quantizer_->point(channel, s);
    const auto m = static_cast<std::uint64_t>(e < 0 ? -e : e);
    const std::uint64_t bounded = m < (1U << 26) ? m : (1U << 26);
    return ((bounded * bounded) << 8) + std::uint64_t{lambda_} * price(s);
  }
  const Quantizer* quantizer_;
  std::span<const std::int32_t> latents_;
  std::uint32_t lambda_;
};

} // namespace aecnn
