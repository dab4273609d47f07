// The rate of a channel, from transfers that were acknowledged, with its uncertainty: a Kalman filter of the logarithm of the rate, which
// wanders between observations. Observations far from what was expected pull no more than those at the edge of it (Huber), until several
// in a row say the same: then the channel has changed, and the filter follows. O(1) time and memory; times are the caller's, so that the
// same calls give the same estimates.
//
// A transfer of b bytes that took t seconds until its acknowledgement says that the rate is 8 b / (t - round trip). Where the round trip
// is most of t that is known the worse, and it counts the less.
#pragma once

#include <cmath>
#include <cstddef>

#include <aecnn/offload/normal_distribution.hpp>

namespace aecnn::offload {

struct rate_options {
  double first_rate = 1e6;   ///< bits a second that are thought likely before the first transfer
  double first_spread = 1.5; ///< standard deviation of its logarithm: 1.5 is a factor of 4.5 up or down
  double drift = 0.35;       ///< standard deviation of the change of the logarithm within a second
  double noise = 0.1;        ///< least standard deviation of the logarithm of one transfer's rate
};

class rate_estimator {
public:
  explicit rate_estimator(const rate_options& options = {})
      : options_(options), level_(std::log(options.first_rate)), variance_(options.first_spread * options.first_spread),
        scatter_(options.noise * options.noise) {}

  /// A message too small to take time was answered after `seconds`.
  void add_round_trip(double seconds) {
    if (!(seconds >= 0) || seconds > largest) return;
    // The least one follows slowly what makes all of them longer.
    round_trip_ = round_trips_ == 0 || seconds < round_trip_ ? seconds : round_trip_ + (seconds - round_trip_) / 64;
    const double beyond = seconds - round_trip_;
    jitter_ += (beyond - jitter_) / (round_trips_ < 16 ? static_cast<double>(round_trips_ + 1) : 16.0);
    ++round_trips_;
  }

  /// `bytes`, on the wire, were acknowledged `seconds` after their first was sent, at time `now` (seconds of any clock that does not go
  /// back). Values that cannot be are left out.
  void add(double bytes, double seconds, double now) {
    if (!(bytes > 0) || !(seconds > 0) || seconds > largest || !(bytes < largest * largest)) return;
    advance(now);
    const double least = 0.05 * seconds + 1e-6; // a transfer takes some of its time
    const double sending = seconds - round_trip_ > least ? seconds - round_trip_ : least;
    const double unsure = (jitter_ + (sending <= least ? seconds : 0)) / sending;
    observe(std::log(8 * bytes / sending), unsure * unsure);
    ++transfers_;
  }

  /// `bytes` were not acknowledged within `seconds`: the rate was at most that.
  void add_timeout(double bytes, double seconds, double now) {
    if (!(bytes > 0) || !(seconds > 0) || seconds > largest || !(bytes < largest * largest)) return;
    advance(now);
    const double most = std::log(8 * bytes / seconds);
    if (most < level_) observe(most, 0);
    ++transfers_;
  }

  /// Transfers and timeouts that were taken.
  std::size_t transfers() const noexcept { return transfers_; }
  /// Bits a second that the next transfer gets or not, with equal probability.
  double rate() const { return std::exp(level_); }
  /// Bits a second that a transfer at time `now` gets with probability p, 0 < p < 1.
  double rate(double p, double now) const { return std::exp(level_ - detail::normal_quantile(p) * spread(now)); }
  /// Standard deviation of the logarithm of a transfer's rate at time `now`.
  double spread(double now) const {
    const double passed = now > time_ ? now - time_ : 0;
    return std::sqrt(variance_ + scatter_ + options_.drift * options_.drift * passed);
  }
  /// Seconds; 0 where none was told.
  double round_trip() const noexcept { return round_trip_; }
  /// Mean seconds of a round trip beyond the least.
  double jitter() const noexcept { return jitter_; }

private:
  static constexpr double largest = 1e6;
  static constexpr double edge = 2; // standard deviations
  static constexpr int few = 2;

  void advance(double now) {
    if (transfers_ > 0 && now > time_) variance_ += options_.drift * options_.drift * (now - time_);
    if (transfers_ == 0 || now > time_) time_ = now;
  }

  void observe(double value, double unsure) {
    const double noise = scatter_ + unsure;
    double change = value - level_;
    const double expected = std::sqrt(variance_ + noise);
    const bool outside = std::abs(change) > edge * expected;
    repeated_ = outside && (change > 0) == above_ ? repeated_ + 1 : outside ? 1 : 0;
    above_ = change > 0;
    if (repeated_ >= few) {
      // The channel is another one.
      variance_ += change * change;
      repeated_ = 0;
    } else if (outside) {
      change = change > 0 ? edge * expected : -edge * expected;
    }
    const double gain = variance_ / (variance_ + noise);
    // What transfers scatter beyond what drift and jitter explain.
    const double least = options_.noise * options_.noise;
    const double seen = change * change * (1 - gain) - unsure;
    scatter_ += ((seen > least ? seen : least) - scatter_) / 12;
    level_ += gain * change;
    variance_ *= 1 - gain;
  }

  rate_options options_;
  double level_, variance_, scatter_;
  double time_ = 0, round_trip_ = 0, jitter_ = 0;
  std::size_t transfers_ = 0, round_trips_ = 0;
  int repeated_ = 0;
  bool above_ = false;
};

} // namespace aecnn::offload
