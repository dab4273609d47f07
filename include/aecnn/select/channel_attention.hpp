// Channel attention evaluated from loaded weights: one logit a channel, which says how important the channel is for
// this input (CBAM, squeeze-and-excitation or ECA; see attention_parameters.hpp for the sources).
//
// The logits decide which channels are sent, and so shape the bytes: they are computed in integers, after one product
// per element (core/fixed_point.hpp), and are the same on every machine and for every compiler flag. Precision: pooled
// and hidden values carry input_exponent fraction bits (16: within 1.5e-5 of the real value), weights 30 or as many as
// keep a row's sum below 2^31 (2^29 in the second layer); values saturate instead of overflowing.
// Time: one pass over the tensor and 2 * channels * hidden products.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/core/buffer.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/fixed_point.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/select/attention_parameters.hpp>
#include <aecnn/select/channel_pooling.hpp>
#include <aecnn/select/element_blocks.hpp>
#include <aecnn/select/fixed_layer.hpp>

namespace aecnn {

/// Memory that one thread uses while it evaluates attention; it grows in the first call.
struct attention_workspace {
  std::vector<std::int32_t> average, maximum; ///< [channels]
  std::vector<std::int64_t> hidden;           ///< [hidden]
  std::vector<std::int32_t> logits;           ///< [channels], for weights() and selectors
};

class channel_attention {
public:
  using workspace = attention_workspace;

  /// Checks the parameters and converts the weights to integers; errc::bad_field or errc::limit_exceeded.
  template <class Parameters = attention_parameters>
  static result<channel_attention> create(const Parameters& p, const limits& bounds = {}) {
    if (auto s = check(p, bounds); !s) return s.error();
    channel_attention a;
    a.kind_ = p.kind;
    a.channels_ = p.channels;
    a.fraction_bits_ = p.input_exponent;
    if (p.kind == attention_kind::eca) {
      auto kernel = detail::fixed_layer::create("kernel", p.kernel, 1, p.kernel.size(), first_bound);
      if (!kernel) return kernel.error();
      a.first_ = std::move(*kernel);
    } else {
      auto first = detail::fixed_layer::create("w1", p.w1, p.hidden, p.channels, first_bound);
      if (!first) return first.error();
      auto second = detail::fixed_layer::create("w2", p.w2, p.channels, p.hidden, second_bound);
      if (!second) return second.error();
      a.first_ = std::move(*first);
      a.second_ = std::move(*second);
      for (const float b : p.b1) a.first_bias_.push_back(detail::round_scaled(b, p.input_exponent));
      for (const float b : p.b2) a.second_bias_.push_back(detail::round_scaled(b, p.input_exponent));
    }
    return a;
  }

  attention_kind kind() const noexcept { return kind_; }
  std::size_t channels() const noexcept { return channels_; }
  /// A logit of 1 is the integer 2^fraction_bits().
  int fraction_bits() const noexcept { return fraction_bits_; }

  /// The attention logits of x [C,H,W] into out [C]. Does not allocate after the first call with this workspace.
  /// errc::bad_shape where the channels differ from channels() or H*W is 2^32 or more, errc::invalid_argument where
  /// `out` has another size or a quantised tensor's scale is no normal number of 2^-100 to 2^60.
  /// x may hold infinities and NaN: they saturate.
  template <class View>
  status logits(const View& x, std::span<std::int32_t> out, workspace& w) const {
    const auto source = detail::source_of(x);
    const shape3& shape = source.elements.shape;
    if (shape.channels != channels())
      return detail::fail(errc::bad_shape, "tensor of ", to_string(shape), ", the attention expects ", channels(),
                          " channels");
    if (shape.height != 0 && shape.width > 0xffffffffU / shape.height)
      return detail::fail(errc::bad_shape, "tensor of ", to_string(shape), ": 2^32 pixels or more");
    if (out.size() != channels())
      return detail::fail(errc::invalid_argument, "span of ", out.size(), " logits, expected ", channels());
    if (!(source.factor >= power_of_two(-100) && source.factor <= power_of_two(60)))
      return detail::fail(errc::invalid_argument, "scale of a quantised tensor: ", source.factor,
                          ", expected 2^-100 to 2^60");
    const float scale = source.factor * power_of_two(fraction_bits_);
    detail::resize(w.average, channels());
    if (kind_ == attention_kind::cbam) {
      detail::resize(w.maximum, channels());
      detail::pool_channels<true>(source, scale, detail::span_of(w.average), detail::span_of(w.maximum));
    } else {
      detail::pool_channels<false>(source, scale, detail::span_of(w.average), {});
    }
    if (kind_ == attention_kind::eca) {
      convolve(w.average, out);
    } else {
      detail::resize(w.hidden, first_.weights.size() / channels());
      perceptron(w, out);
    }
    return {};
  }

  /// The attention weights in 0..1, sigmoid(logit), of x [C,H,W] into out [C]; errors as logits(). Made for users and
  /// for statistics; decisions are made on the logits.
  template <class View>
  status weights(const View& x, std::span<float> out, workspace& w) const {
    if (out.size() != channels())
      return detail::fail(errc::invalid_argument, "span of ", out.size(), " weights, expected ", channels());
    detail::resize(w.logits, channels());
    if (auto s = logits(x, detail::span_of(w.logits), w); !s) return s;
    const double unit = static_cast<double>(power_of_two(-fraction_bits()));
    for (std::size_t c = 0; c < channels(); ++c)
      out[c] = static_cast<float>(1.0 / (1.0 + std::exp(-unit * static_cast<double>(w.logits[c]))));
    return {};
  }

private:
  // Bounds of a row's sum of weights: pooled values are below 2^30 and their products with a row below 2^61; hidden
  // values, after adding two, are at most 2^32, and their products with a row below 2^61, too.
  static constexpr std::int64_t first_bound = 0x7fffffff, second_bound = 0x1fffffff;
  static constexpr std::int64_t value_bound = 0x7fffffff;

  channel_attention() = default;

  void perceptron(workspace& w, std::span<std::int32_t> out) const {
    const std::size_t n = channels(), hidden = w.hidden.size();
    const auto unit = [&](std::size_t j, const std::vector<std::int32_t>& pooled) {
      const std::int32_t* row = first_.weights.data() + j * n;
      std::int64_t sum = 0;
      for (std::size_t c = 0; c < n; ++c) sum += std::int64_t{row[c]} * pooled[c];
      sum = detail::shift_rounded(sum, first_.bits) + (first_bias_.empty() ? 0 : first_bias_[j]);
      return sum < 0 ? 0 : (sum > value_bound ? value_bound : sum);
    };
    // The second layer is linear: it is applied once to the sum of the two branches, with its bias doubled.
    const bool both = kind_ == attention_kind::cbam;
    for (std::size_t j = 0; j < hidden; ++j) w.hidden[j] = unit(j, w.average) + (both ? unit(j, w.maximum) : 0);
    for (std::size_t c = 0; c < n; ++c) {
      const std::int32_t* row = second_.weights.data() + c * hidden;
      std::int64_t sum = 0;
      for (std::size_t j = 0; j < hidden; ++j) sum += row[j] * w.hidden[j];
      sum = detail::shift_rounded(sum, second_.bits);
      if (!second_bias_.empty()) sum += second_bias_[c] * (both ? 2 : 1);
      out[c] = static_cast<std::int32_t>(detail::clamp_to(sum, value_bound));
    }
  }

  void convolve(const std::vector<std::int32_t>& average, std::span<std::int32_t> out) const {
    const std::size_t n = channels(), size = first_.weights.size(), half = size / 2;
    for (std::size_t c = 0; c < n; ++c) {
      std::int64_t sum = 0;
      for (std::size_t i = c < half ? half - c : 0; i < size && c + i < n + half; ++i)
        sum += std::int64_t{first_.weights[i]} * average[c + i - half];
      out[c] = static_cast<std::int32_t>(detail::clamp_to(detail::shift_rounded(sum, first_.bits), value_bound));
    }
  }

  attention_kind kind_ = attention_kind::cbam;
  std::size_t channels_ = 0;
  int fraction_bits_ = 16;
  detail::fixed_layer first_, second_; ///< for eca, first_ is the kernel
  std::vector<std::int64_t> first_bias_, second_bias_;
};

} // namespace aecnn
