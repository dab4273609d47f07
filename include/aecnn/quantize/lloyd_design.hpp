// The iteration behind lloyd_max.hpp: points and the cells of values that go to them, improved in turns.
//   lambda = 0: Lloyd-Max (Max 1960, Lloyd 1982): thresholds halfway between points, points at their cells' means.
//   lambda > 0: entropy constrained (Chou, Lookabaugh, Gray 1989; for intermediate features Cohen, Choi, Bajic, arXiv
//   2105.07102): minimises mse + lambda * rate. A value goes to the point with the least (x - y_i)^2 + lambda * r_i, so
//   that neighbours y_i, y_j meet at t = (y_i + y_j) / 2 + lambda * (r_j - r_i) / (2 (y_j - y_i)).
// Each iteration lowers the cost or leaves it. Time: levels * log(values) per iteration.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <aecnn/quantize/histogram.hpp>

namespace aecnn {

/// Point i stands for the values from thresholds[i-1] up to, but without, thresholds[i].
struct scalar_codebook {
  std::vector<float> thresholds; ///< increasing, one less than points
  std::vector<float> points;     ///< increasing
  double mse = 0;                ///< mean squared error over the distribution
  double rate = 0;               ///< mean code length, in bits per value
};

/// What a symbol costs.
enum class code_lengths : std::uint8_t {
  entropy,        ///< -log2 of the symbol's probability: an adaptive arithmetic coder
  truncated_unary ///< symbol i takes i+1 bits, the last one as many as the one before (arXiv 2105.07102)
};

struct lloyd_max_options {
  std::size_t levels = 4; ///< 2 to 65536; the result has fewer where a level is worth no value
  double lambda = 0;      ///< squared error that one bit is worth, 0 or more
  code_lengths lengths = code_lengths::entropy;
  bool pin_low = false;     ///< keep the first point at `low`, so that what was clipped there is met exactly
  bool pin_high = false;    ///< keep the last point at `high`
  double low = 0, high = 0; ///< the clipping limits, only for pinned points
  int iterations = 1000;    ///< at most
};

namespace detail {

/// One quantiser while it is designed: points and what they cost.
class lloyd_design {
public:
  lloyd_design(const distribution& d, const lloyd_max_options& options)
      : d_(&d), options_(&options), pin_low_(options.pin_low), pin_high_(options.pin_high) {
    const std::size_t n = d.values.size();
    weight_.resize(n + 1);
    first_.resize(n + 1);
    second_.resize(n + 1);
    // Moments about the middle of the range: differences of prefix sums then lose little.
    centre_ = 0.5 * (d.values.front() + d.values.back());
    for (std::size_t i = 0; i < n; ++i) {
      const double x = d.values[i] - centre_;
      weight_[i + 1] = weight_[i] + d.weights[i];
      first_[i + 1] = first_[i] + d.weights[i] * x;
      second_[i + 1] = second_[i] + d.weights[i] * x * x;
    }
  }

  /// Iterates from these increasing points until the cost settles. Returns the cost.
  double run(std::vector<double> points) {
    points_ = std::move(points);
    pin();
    partition(std::vector<double>(points_.size(), 0.0));
    double cost = this->cost();
    for (int i = 0; i < options_->iterations; ++i) {
      const std::vector<double> points_before = points_, thresholds_before = thresholds_;
      const std::vector<std::size_t> ends_before = ends_;
      move_points();
      partition(lengths());
      const double now = this->cost();
      if (now > cost) { // rounding only: the previous state was the minimum
        points_ = points_before;
        thresholds_ = thresholds_before;
        ends_ = ends_before;
        break;
      }
      const bool settled = ends_ == ends_before && points_ == points_before;
      cost = now;
      if (settled) break;
    }
    return cost;
  }

  double cost() const { return mse() + options_->lambda * rate(); }

  double mse() const {
    double sum = 0;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const double y = points_[i] - centre_, w = mass(i), m = part(first_, i), s = part(second_, i);
      sum += s - 2 * y * m + y * y * w;
    }
    return sum > 0 ? sum / weight_.back() : 0;
  }

  double rate() const {
    const auto r = lengths();
    double sum = 0;
    for (std::size_t i = 0; i < points_.size(); ++i)
      if (mass(i) > 0) sum += mass(i) * r[i];
    return sum / weight_.back();
  }

  scalar_codebook codebook() const {
    scalar_codebook c;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      c.points.push_back(static_cast<float>(points_[i]));
      if (i > 0) c.thresholds.push_back(static_cast<float>(thresholds_[i - 1]));
    }
    c.mse = mse();
    c.rate = rate();
    return c;
  }

private:
  double part(const std::vector<double>& prefix, std::size_t i) const {
    return prefix[ends_[i]] - prefix[i == 0 ? 0 : ends_[i - 1]];
  }
  double mass(std::size_t i) const { return part(weight_, i); }

  void pin() {
    if (pin_low_) points_.front() = options_->low;
    if (pin_high_) points_.back() = options_->high;
  }

  // Each free point to the mean of its cell, which is never empty.
  void move_points() {
    for (std::size_t i = 0; i < points_.size(); ++i) points_[i] = centre_ + part(first_, i) / mass(i);
    pin();
  }

  std::vector<double> lengths() const {
    const std::size_t n = points_.size();
    std::vector<double> r(n);
    for (std::size_t i = 0; i < n; ++i)
      r[i] = options_->lengths == code_lengths::truncated_unary ? static_cast<double>(i + 1 < n ? i + 1 : i)
                                                                : std::log2(weight_.back() / mass(i));
    return r;
  }

  double meeting(std::size_t i, std::size_t j, const std::vector<double>& r) const {
    return 0.5 * (points_[i] + points_[j]) + options_->lambda * (r[j] - r[i]) / (2 * (points_[j] - points_[i]));
  }

  std::size_t position(double t) const { // the first value at or above t
    std::size_t low = 0, high = d_->values.size();
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      (d_->values[middle] < t ? low : high) = middle + (d_->values[middle] < t ? 1 : 0);
    }
    return low;
  }

  // Gives every value to its cheapest point: as functions of x the costs are parabolas of one shape, which differ by
  // straight lines, so the cheapest ones are found as the lower envelope of lines. Points that get no value are dropped
  // (with all their bits), which changes no other assignment.
  void partition(const std::vector<double>& r) {
    std::vector<std::size_t> kept;
    std::vector<double> t;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      while (!kept.empty()) {
        const std::size_t last = kept.back();
        if (!(points_[i] > points_[last])) { // a point on top of another: the cheaper one stays
          if (r[i] >= r[last]) break;
        } else if (t.empty() || meeting(last, i, r) > t.back()) {
          break;
        }
        kept.pop_back();
        if (!t.empty()) t.pop_back();
      }
      if (!kept.empty()) {
        if (!(points_[i] > points_[kept.back()])) continue;
        t.push_back(meeting(kept.back(), i, r));
      }
      kept.push_back(i);
    }
    std::vector<double> points;
    thresholds_.clear();
    ends_.clear();
    std::size_t begin = 0, previous = 0;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const std::size_t end = i < t.size() ? position(t[i]) : d_->values.size();
      if (!(weight_[end] - weight_[begin] > 0)) continue;
      if (!points.empty()) thresholds_.push_back(meeting(previous, kept[i], r));
      if (points.empty() && kept[i] != 0) pin_low_ = false;
      points.push_back(points_[kept[i]]);
      ends_.push_back(end);
      begin = end;
      previous = kept[i];
    }
    if (previous + 1 != points_.size()) pin_high_ = false;
    points_ = std::move(points);
  }

  const distribution* d_;
  const lloyd_max_options* options_;
  bool pin_low_, pin_high_;                     ///< until the pinned point is dropped
  std::vector<double> weight_, first_, second_; ///< sums of the weights, times x and x^2, before each value
  double centre_ = 0;
  std::vector<double> points_, thresholds_;
  std::vector<std::size_t> ends_; ///< one past the last value of each cell
};

/// `levels` points at equal shares of the integral of density^(1/3), the optimum for many levels (Panter, Dite 1951).
inline std::vector<double> companded_points(const distribution& d, std::size_t levels) {
  const std::size_t n = d.values.size();
  std::vector<double> share(n + 1);
  for (std::size_t i = 0; i < n; ++i) {
    const double before = i > 0 ? d.values[i] - d.values[i - 1] : 0,
                 after = i + 1 < n ? d.values[i + 1] - d.values[i] : 0;
    const double width = 0.5 * (before + after);
    share[i + 1] = share[i] + std::cbrt(d.weights[i] * width * width);
  }
  std::vector<double> points;
  std::size_t i = 0;
  for (std::size_t k = 0; k < levels; ++k) {
    const double target = (static_cast<double>(k) + 0.5) / static_cast<double>(levels) * share[n];
    while (i + 1 < n && share[i + 1] < target) ++i;
    if (points.empty() || d.values[i] > points.back()) points.push_back(d.values[i]);
  }
  return points;
}

} // namespace detail

} // namespace aecnn
