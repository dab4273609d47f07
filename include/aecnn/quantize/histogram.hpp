// The distribution of values in sample tensors: a first pass finds the range, a second one counts. Both accumulate
// exactly, so that shards merge to the same bits in any order and partition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/fixed_point.hpp>

namespace aecnn {

/// The least and the largest value.
class range_accumulator {
public:
  /// errc::not_finite where x holds an infinity or a NaN; the range is then as before.
  status add(std::span<const float> x) {
    if (!all_finite(x.data(), x.size()))
      return detail::fail(errc::not_finite, "one of ", x.size(), " values is an infinity or a NaN");
    for (const float v : x) {
      low_ = v < low_ ? v : low_;
      high_ = v > high_ ? v : high_;
    }
    count_ += x.size();
    return {};
  }
  void merge(const range_accumulator& other) noexcept {
    low_ = other.low_ < low_ ? other.low_ : low_;
    high_ = other.high_ > high_ ? other.high_ : high_;
    count_ += other.count_;
  }
  std::uint64_t count() const noexcept { return count_; }
  /// 0 before the first value.
  float low() const noexcept { return count_ == 0 ? 0.0f : low_; }
  float high() const noexcept { return count_ == 0 ? 0.0f : high_; }

private:
  float low_ = std::numeric_limits<float>::max(), high_ = std::numeric_limits<float>::lowest();
  std::uint64_t count_ = 0;
};

/// A discrete distribution: values with weights of any scale, 0 or more. What quantisers are designed from.
struct distribution {
  std::vector<double> values;  ///< increasing
  std::vector<double> weights; ///< of the same length
};

/// Counts in bins of equal width over a range. Values outside count in the first or last bin, values that are exactly 0
/// apart from the bins: after a ReLU they are most of all.
class histogram {
public:
  /// errc::invalid_argument where a bound is not finite, high - low is not within 2^-60..2^60, or bins is not within
  /// 1..2^24.
  static result<histogram> create(float low, float high, std::size_t bins = 2048) {
    using detail::fail;
    const float bounds[] = {low, high};
    const float width = all_finite(bounds, 2) ? high - low : 0.0f;
    if (!(width >= power_of_two(-60) && width <= power_of_two(60)))
      return fail(errc::invalid_argument, "histogram range ", low, " to ", high, ": expected a width of 2^-60 to 2^60");
    if (bins == 0 || bins > (std::size_t{1} << 24))
      return fail(errc::invalid_argument, "histogram bins: ", bins, ", expected 1 to 2^24");
    histogram h;
    h.low_ = low;
    h.high_ = high;
    h.scale_ = static_cast<float>(bins) / width;
    h.counts_.resize(bins);
    return h;
  }
  /// errc::not_finite where x holds an infinity or a NaN; the counts are then as before.
  status add(std::span<const float> x) {
    if (!all_finite(x.data(), x.size()))
      return detail::fail(errc::not_finite, "one of ", x.size(), " values is an infinity or a NaN");
    const auto last = static_cast<std::int32_t>(counts_.size()) - 1;
    for (const float v : x) {
      if (v == 0) {
        ++zeros_;
        continue;
      }
      std::int32_t bin = to_fixed(v - low_, scale_);
      bin = bin < 0 ? 0 : bin > last ? last : bin;
      ++counts_[static_cast<std::size_t>(bin)];
    }
    return {};
  }
  /// errc::invalid_argument where ranges or bins differ.
  status merge(const histogram& other) {
    if (other.low_ != low_ || other.high_ != high_ || other.counts_.size() != counts_.size())
      return detail::fail(errc::invalid_argument, "histogram of ", other.counts_.size(), " bins over ", other.low_,
                          " to ", other.high_, " merged into one of ", counts_.size(), " over ", low_, " to ", high_);
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    zeros_ += other.zeros_;
    return {};
  }
  float low() const noexcept { return low_; }
  float high() const noexcept { return high_; }
  std::span<const std::uint64_t> counts() const noexcept { return counts_; }
  std::uint64_t zeros() const noexcept { return zeros_; }

  /// The middles of the bins that are not empty, and 0 among them.
  distribution values() const {
    distribution d;
    const double start = static_cast<double>(low_);
    const double width = (static_cast<double>(high_) - start) / static_cast<double>(counts_.size());
    bool zero_left = zeros_ > 0;
    const auto push = [&](double value, std::uint64_t count) {
      d.values.push_back(value);
      d.weights.push_back(static_cast<double>(count));
    };
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      const double middle = start + (static_cast<double>(i) + 0.5) * width;
      if (zero_left && middle >= 0) {
        zero_left = false;
        push(0, zeros_ + (middle > 0 ? 0 : counts_[i]));
        if (!(middle > 0)) continue;
      }
      if (counts_[i] > 0) push(middle, counts_[i]);
    }
    if (zero_left) push(0, zeros_);
    return d;
  }

private:
  histogram() = default;
  float low_ = 0, high_ = 0, scale_ = 0;
  std::vector<std::uint64_t> counts_;
  std::uint64_t zeros_ = 0;
};

} // namespace aecnn
