// Simulated channels for the tests of offload.
#pragma once

#include <cmath>

#include <random.hpp>

namespace channels {

/// A standard normal number, by the sum of twelve uniform ones: the same on every machine.
inline double normal(random_integers& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += static_cast<double>(random.below(1U << 24)) / 16777216.0;
  return sum;
}

/// Fades: the logarithm of the rate returns slowly to its middle, and now and then falls into a hole for some seconds.
class fading {
public:
  fading(double middle, std::uint64_t seed) : middle_(std::log(middle)), level_(middle_), random_(seed) {}
  /// `seconds` later.
  void advance(double seconds) {
    level_ += (middle_ - level_) * (1 - std::exp(-seconds / 20)) + 0.3 * std::sqrt(seconds) * normal(random_);
    if (hole_ > 0)
      hole_ -= seconds;
    else if (random_.below(1000000) < seconds * 20000)
      hole_ = 2 + random_.below(6);
  }
  /// Bits a second now.
  double rate() const { return std::exp(level_ - (hole_ > 0 ? 2.0 : 0.0)); }

private:
  double middle_, level_, hole_ = 0;
  random_integers random_;
};

} // namespace channels
