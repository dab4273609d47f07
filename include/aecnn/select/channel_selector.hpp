// The default selector: a fixed set of channels, or, for each input, the k candidates with the largest channel
// attention or those whose attention reaches a threshold (AECNN: Li, Iosifidis, Zhang, ICC 2023, ranks by attention;
// the choice per input is an extension). Ties go to the lower channel. The attention is evaluated in integers, so that
// every machine chooses the same channels. Time: O(1) per candidate for a fixed set, else that of channel_attention.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/core/buffer.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/core/optional.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/select/channel_attention.hpp>
#include <aecnn/select/logit.hpp>
#include <aecnn/select/selector.hpp>

namespace aecnn {

enum class selection_kind : std::uint8_t {
  fixed,    ///< all of `channels`, for every input
  top_k,    ///< the k of `channels` with the largest attention
  threshold ///< those of `channels` whose attention is at least `threshold`, and in any case the largest
};

/// Parameters of channel_selector.
struct selector_parameters {
  selection_kind kind = selection_kind::fixed;
  std::vector<std::uint16_t> channels; ///< increasing, each below the tensor's channels, at least one
  std::size_t k = 0;                   ///< for top_k: 1 to channels.size(); otherwise 0
  float threshold = 0;                 ///< for threshold: above 0 and below 1; otherwise 0
  attention_parameters attention;      ///< not looked at for a fixed set
};

template <class Attention>
class basic_channel_selector {
public:
  using parameters = selector_parameters;
  using workspace = typename Attention::workspace;

  /// Checks p for tensors of `tensor_channels` channels. errc::bad_field names the field at fault.
  static result<basic_channel_selector> create(const selector_parameters& p, std::size_t tensor_channels,
                                               const limits& bounds = {}) {
    using detail::fail;
    if (p.channels.empty()) return fail(errc::bad_field, "selector channels: none, expected at least 1");
    for (std::size_t i = 0; i < p.channels.size(); ++i) {
      if (p.channels[i] >= tensor_channels)
        return fail(errc::bad_field, "selector channels[", i, "]: ", p.channels[i], ", expected below ",
                    tensor_channels);
      if (i > 0 && p.channels[i] <= p.channels[i - 1])
        return fail(errc::bad_field, "selector channels[", i, "]: ", p.channels[i], " after ", p.channels[i - 1],
                    ", expected increasing numbers");
    }
    basic_channel_selector s;
    s.kind_ = p.kind;
    s.tensor_channels_ = tensor_channels;
    s.k_ = p.k;
    if (p.kind != selection_kind::fixed && p.kind != selection_kind::top_k && p.kind != selection_kind::threshold)
      return fail(errc::bad_field, "selector kind: ", static_cast<int>(p.kind), ", expected fixed, top_k or threshold");
    if (p.kind == selection_kind::top_k ? p.k < 1 || p.k > p.channels.size() : p.k != 0)
      return fail(errc::bad_field, "selector k: ", p.k, ", expected ",
                  p.kind == selection_kind::top_k ? "1 to the number of channels" : "0 for this kind");
    // By the bits, so that a NaN fails under -ffast-math as well: positive floats are ordered like their bits.
    const auto bits = std::bit_cast<std::uint32_t>(p.threshold);
    const bool inside = bits > 0 && bits < std::bit_cast<std::uint32_t>(1.0f);
    if (p.kind == selection_kind::threshold ? !inside : bits != 0)
      return fail(errc::bad_field, "selector threshold: ", p.threshold, ", expected ",
                  p.kind == selection_kind::threshold ? "above 0 and below 1" : "0 for this kind");
    if (p.kind != selection_kind::fixed) {
      if (p.attention.channels != tensor_channels)
        return fail(errc::bad_field, "selector attention: ", p.attention.channels, " channels, expected ",
                    tensor_channels);
      auto attention = Attention::create(p.attention, bounds);
      if (!attention) return attention.error();
      s.attention_ = std::move(*attention);
      if (p.kind == selection_kind::threshold) s.cut_ = detail::fixed_logit(p.threshold, p.attention.input_exponent);
    }
    s.channels_ = p.channels;
    return s;
  }

  bool per_input() const noexcept { return kind_ != selection_kind::fixed; }
  std::span<const std::uint16_t> candidates() const noexcept { return detail::span_of(channels_); }
  /// The most channels that choose() sends.
  std::size_t most_sent() const noexcept { return kind_ == selection_kind::top_k ? k_ : channels_.size(); }

  /// Sets mask[i] to 1 where candidates()[i] is sent for the tensor x, to 0 elsewhere. errc::bad_shape where x has
  /// another number of channels, errc::invalid_argument where mask has not candidates().size() elements.
  template <class View>
  status choose(const View& x, std::span<std::uint8_t> mask, workspace& w) const {
    if (mask.size() != channels_.size())
      return detail::fail(errc::invalid_argument, "mask of ", mask.size(), " elements, expected ", channels_.size());
    if (const shape3& shape = detail::source_of(x).elements.shape; shape.channels != tensor_channels_)
      return detail::fail(errc::bad_shape, "tensor of ", to_string(shape), ", the selector expects ", tensor_channels_,
                          " channels");
    if (!attention_) {
      for (auto& m : mask) m = 1;
      return {};
    }
    detail::resize(w.logits, tensor_channels_);
    if (auto s = attention_->logits(x, detail::span_of(w.logits), w); !s) return s;
    if (kind_ == selection_kind::top_k)
      take_largest(w.logits, k_, mask);
    else if (take_above(w.logits, cut_, mask) == 0)
      take_largest(w.logits, 1, mask);
    return {};
  }

private:
  basic_channel_selector() = default;

  std::size_t take_above(const std::vector<std::int32_t>& logits, std::int64_t cut,
                         std::span<std::uint8_t> mask) const {
    std::size_t taken = 0;
    for (std::size_t i = 0; i < mask.size(); ++i) {
      mask[i] = logits[channels_[i]] >= cut ? 1 : 0;
      taken += mask[i];
    }
    return taken;
  }

  // Finds the k-th largest logit by bisection over its 32 bits: no sorting, no memory.
  void take_largest(const std::vector<std::int32_t>& logits, std::size_t k, std::span<std::uint8_t> mask) const {
    std::int64_t low = -(std::int64_t{1} << 31), high = std::int64_t{1} << 31; // at least k reach low, fewer reach high
    while (high - low > 1) {
      const std::int64_t middle = low + (high - low) / 2;
      std::size_t reaching = 0;
      for (const auto c : channels_) reaching += logits[c] >= middle ? 1 : 0;
      (reaching >= k ? low : high) = middle;
    }
    std::size_t ties = k - take_above(logits, low + 1, mask);
    for (std::size_t i = 0; ties > 0; ++i) {
      if (logits[channels_[i]] != low) continue;
      mask[i] = 1;
      --ties;
    }
  }

  selection_kind kind_ = selection_kind::fixed;
  std::size_t tensor_channels_ = 0, k_ = 0;
  std::int32_t cut_ = 0;
  std::vector<std::uint16_t> channels_;
  optional<Attention> attention_;
};

using channel_selector = basic_channel_selector<channel_attention>;

} // namespace aecnn
