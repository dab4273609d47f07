// How important each channel is, averaged over sample tensors: mean attention (the ranking of AECNN: Li, Iosifidis,
// Zhang, ICC 2023), energy and variance. All three accumulate with
//   add(x)      one feature tensor; a failure leaves the accumulator as it was
//   merge(a)    another accumulator's tensors; associative and commutative
//   scores()    one number a channel, larger is more important: input of rank_channels
// Sums over tensors are exact integers, so that shards merge to the same bits in any order and partition. Time
// O(C*H*W).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/fixed_point.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/select/channel_attention.hpp>
#include <aecnn/select/element_blocks.hpp>
#include <aecnn/select/exact_sum.hpp>
#include <aecnn/select/ranking.hpp>

namespace aecnn {

/// The mean over tensors of the attention weight, sigmoid(logit), of every channel.
class attention_importance {
public:
  explicit attention_importance(channel_attention attention)
      : attention_(std::move(attention)), sums_(attention_.channels()) {}

  /// errc::bad_shape where x has another number of channels than the attention.
  template <class View>
  status add(const View& x) {
    weights_.resize(sums_.size());
    if (auto s = attention_.weights(x, std::span<float>(weights_), workspace_); !s) return s;
    for (std::size_t c = 0; c < sums_.size(); ++c) sums_[c].add(static_cast<double>(weights_[c]));
    ++tensors_;
    return {};
  }
  /// errc::bad_shape where the numbers of channels differ. Both have the same attention.
  status merge(const attention_importance& other) {
    if (other.sums_.size() != sums_.size())
      return detail::fail(errc::bad_shape, "attention of ", other.sums_.size(), " channels merged into one of ",
                          sums_.size());
    for (std::size_t c = 0; c < sums_.size(); ++c) sums_[c].merge(other.sums_[c]);
    tensors_ += other.tensors_;
    return {};
  }
  std::uint64_t tensors() const noexcept { return tensors_; }
  /// Mean attention, 0..1; zeros before the first tensor.
  std::vector<double> scores() const {
    std::vector<double> mean(sums_.size());
    for (std::size_t c = 0; c < mean.size(); ++c)
      mean[c] = tensors_ == 0 ? 0.0 : sums_[c].value() / static_cast<double>(tensors_);
    return mean;
  }

private:
  channel_attention attention_;
  std::vector<detail::exact_sum> sums_;
  std::uint64_t tensors_ = 0;
  std::vector<float> weights_;
  attention_workspace workspace_;
};

/// Sums of the elements and of their squares, per channel. A tensor's own sums are made in double precision.
class channel_moments {
public:
  explicit channel_moments(std::size_t channels) : sums_(channels), squares_(channels) {}

  /// errc::bad_shape where x has another number of channels, errc::not_finite where it holds an infinity or a NaN.
  template <class View>
  status add(const View& x) {
    const auto source = detail::source_of(x);
    const shape3& shape = source.elements.shape;
    if (shape.channels != sums_.size())
      return detail::fail(errc::bad_shape, "tensor of ", to_string(shape), ", expected ", sums_.size(), " channels");
    const float* p = detail::planar(source, planar_);
    const std::size_t area = shape.area();
    if (!all_finite(p, shape.size()))
      return detail::fail(errc::not_finite, "tensor of ", to_string(shape), " holds an infinity or a NaN");
    for (std::size_t c = 0; c < sums_.size(); ++c, p += area) add_channel(c, p, area);
    elements_ += area;
    return {};
  }
  /// errc::bad_shape where the numbers of channels differ.
  status merge(const channel_moments& other) {
    if (other.sums_.size() != sums_.size())
      return detail::fail(errc::bad_shape, "statistics of ", other.sums_.size(), " channels merged into those of ",
                          sums_.size());
    for (std::size_t c = 0; c < sums_.size(); ++c) {
      sums_[c].merge(other.sums_[c]);
      squares_[c].merge(other.squares_[c]);
    }
    elements_ += other.elements_;
    return {};
  }
  std::size_t channels() const noexcept { return sums_.size(); }
  /// Elements per channel seen so far.
  std::uint64_t elements() const noexcept { return elements_; }
  double mean(std::size_t c) const noexcept { return elements_ == 0 ? 0.0 : sums_[c].value() / count(); }
  /// Mean of the squares.
  double energy(std::size_t c) const noexcept { return elements_ == 0 ? 0.0 : squares_[c].value() / count(); }
  /// Mean squared distance from the mean.
  double variance(std::size_t c) const noexcept {
    const double v = energy(c) - mean(c) * mean(c);
    return v > 0 ? v : 0;
  }

private:
  double count() const noexcept { return static_cast<double>(elements_); }

  void add_channel(std::size_t c, const float* x, std::size_t n) noexcept {
    constexpr std::size_t lanes = 16; // independent sums, so that the loop becomes vector code
    double sum[lanes] = {}, square[lanes] = {};
    for (; n >= lanes; n -= lanes, x += lanes)
      for (std::size_t i = 0; i < lanes; ++i) {
        const double v = static_cast<double>(x[i]);
        sum[i] += v;
        square[i] += v * v;
      }
    for (std::size_t i = 0; i < n; ++i) {
      const double v = static_cast<double>(x[i]);
      sum[i] += v;
      square[i] += v * v;
    }
    for (std::size_t i = 1; i < lanes; ++i) {
      sum[0] += sum[i];
      square[0] += square[i];
    }
    sums_[c].add(sum[0]);
    squares_[c].add(square[0]);
  }

  std::vector<detail::exact_sum> sums_, squares_;
  std::uint64_t elements_ = 0;
  std::vector<float> planar_;
};

/// The mean square of every channel.
class energy_importance : public channel_moments {
public:
  using channel_moments::channel_moments;
  std::vector<double> scores() const {
    std::vector<double> s(channels());
    for (std::size_t c = 0; c < s.size(); ++c) s[c] = energy(c);
    return s;
  }
};

/// The variance of every channel: a constant channel carries no information, however large it is.
class variance_importance : public channel_moments {
public:
  using channel_moments::channel_moments;
  std::vector<double> scores() const {
    std::vector<double> s(channels());
    for (std::size_t c = 0; c < s.size(); ++c) s[c] = variance(c);
    return s;
  }
};

} // namespace aecnn
