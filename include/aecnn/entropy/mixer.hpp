// Mixes stretched probabilities: p = squash(sum of w_i x_i), and moves the weights along the gradient of the code length,
// w_i += rate (bit - p) x_i (Mahoney 2005, 2.1). Several sets of weights, of which the caller picks one for each decision; a
// set learns quickly at first and more slowly as it has seen more. Integers only; O(inputs) per decision.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/core/buffer.hpp>
#include <aecnn/entropy/logistic.hpp>

namespace aecnn {

template <std::size_t Inputs>
class mixer {
public:
  /// A weight of 1.
  static constexpr std::int32_t one = 65536;
  using inputs = std::array<std::int32_t, Inputs>;

  mixer() = default;
  explicit mixer(std::size_t sets) { detail::resize(sets_, sets); }

  /// Gives all sets the same weights and forgets how much they saw; where the weights are known to fit, `settled` sets learn as slowly as
  /// if they had seen much.
  void reset(const inputs& weights, bool settled = false) noexcept {
    const auto count = static_cast<std::uint32_t>(settled ? rates.size() - 1 : 0);
    for (std::size_t i = 0; i < sets_.size(); ++i) sets_[i] = {weights, count};
  }

  /// The mixed prediction in the logistic domain, in 1/256 nats.
  std::int32_t mix(std::size_t set, const inputs& x) const noexcept {
    const inputs& w = sets_[set].weights;
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < Inputs; ++i) sum += static_cast<std::int64_t>(w[i]) * x[i];
    sum >>= 16;
    return static_cast<std::int32_t>(sum < -max_stretch ? -max_stretch : sum > max_stretch ? max_stretch : sum);
  }

  /// Learns that `bit` came where mix() of the same inputs gave squash() = p1.
  void update(std::size_t set, const inputs& x, unsigned bit, std::uint32_t p1) noexcept {
    weight_set& s = sets_[set];
    const std::int32_t error = static_cast<std::int32_t>(bit << 16) - static_cast<std::int32_t>(p1);
    const std::int32_t step = error * rates[s.count] / 16; // below 2^17, and x below 2^11
    if (s.count + 1U < rates.size()) ++s.count;
    for (std::size_t i = 0; i < Inputs; ++i) {
      const std::int32_t w = s.weights[i] + ((x[i] * step + 32768) >> 16);
      s.weights[i] = w < -max_weight ? -max_weight : w > max_weight ? max_weight : w;
    }
  }

private:
  static constexpr std::int32_t max_weight = 8 * one;
  // In 1/4096 of a weight per nat: the rate falls from 30 to 10, half way after 32 decisions.
  static constexpr std::array<std::uint8_t, 640> rates = [] {
    std::array<std::uint8_t, 640> r{};
    for (std::uint32_t n = 0; n < 640; ++n) r[n] = static_cast<std::uint8_t>(10 + 640 / (32 + n));
    return r;
  }();
  struct weight_set {
    inputs weights{};
    std::uint32_t count = 0;
  };
  std::vector<weight_set> sets_;
};

} // namespace aecnn
