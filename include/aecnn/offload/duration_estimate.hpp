// How long something takes, from how long it took: mean and variance with exponential forgetting. A single outlier (a page fault, another
// process) counts as three standard deviations at most, a lasting change is followed within a few samples (Huber, "Robust estimation of
// a location parameter", 1964). O(1) time and memory.
#pragma once

#include <chrono>
#include <cmath>
#include <cstddef>

namespace aecnn::offload {

class duration_estimate {
public:
  /// memory: samples after which one counts a third of what it did at first.
  explicit duration_estimate(double memory = 20) : memory_(memory) {}
  /// One that is known already, as from an earlier session: seconds and their variance.
  static duration_estimate known(double mean, double variance = 0, double memory = 20) {
    duration_estimate e(memory);
    e.mean_ = mean;
    e.variance_ = variance;
    e.count_ = memory;
    return e;
  }

  /// Takes a sample in seconds; negative and not finite ones are left out.
  void add(double seconds) {
    if (!(seconds >= 0) || seconds > largest) return;
    count_ = count_ + 1 < memory_ ? count_ + 1 : memory_;
    double change = seconds - mean_;
    if (count_ >= few) {
      const double most = 3 * std::sqrt(variance_) + 0.02 * mean_;
      const bool outside = change > most || change < -most;
      // What stays outside is no outlier.
      repeated_ = outside && (change > 0) == above_ ? repeated_ + 1 : outside ? 1 : 0;
      above_ = change > 0;
      if (outside && repeated_ < few) change = change > 0 ? most : -most;
      if (repeated_ >= few) count_ = 2;
    }
    const double weight = 1 / count_;
    mean_ += weight * change;
    variance_ = (1 - weight) * (variance_ + weight * change * change);
  }

  /// Whether there was a sample.
  bool informed() const noexcept { return count_ > 0; }
  /// Seconds; 0 without a sample.
  double mean() const noexcept { return mean_; }
  /// Squared seconds, of one more sample about the mean.
  double variance() const noexcept { return variance_; }

private:
  static constexpr double largest = 1e6;
  static constexpr int few = 3;

  double memory_, mean_ = 0, variance_ = 0, count_ = 0;
  int repeated_ = 0;
  bool above_ = false;
};

/// Runs `work` once for nothing and then `repeat` times, and adds how long each took. Clock: as std::chrono::steady_clock.
template <class Clock = std::chrono::steady_clock, class Work>
void measure(duration_estimate& estimate, std::size_t repeat, Work&& work) {
  work();
  for (std::size_t i = 0; i < repeat; ++i) {
    const auto start = Clock::now();
    work();
    estimate.add(std::chrono::duration<double>(Clock::now() - start).count());
  }
}

} // namespace aecnn::offload
