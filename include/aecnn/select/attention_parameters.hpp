// What channel attention is made of, as it is loaded from a profile, and the check of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/select/fixed_layer.hpp>

namespace aecnn {

enum class attention_kind : std::uint8_t {
  cbam, ///< average and maximum pooling through a shared two-layer perceptron, added (Woo et al. 2018, section 3)
  se,   ///< average pooling through a two-layer perceptron (Hu et al. 2018, section 3)
  eca   ///< average pooling, one convolution over neighbouring channels, zero padded (Wang et al. 2020, section 3)
};

/// Weights of channel attention. The perceptron computes w2 max(0, w1 a + b1) + b2.
struct attention_parameters {
  attention_kind kind = attention_kind::cbam;
  std::size_t channels = 0;
  std::size_t hidden = 0;    ///< rows of w1; 0 for eca
  std::vector<float> w1;     ///< [hidden, channels]
  std::vector<float> b1;     ///< [hidden], or empty for 0
  std::vector<float> w2;     ///< [channels, hidden]
  std::vector<float> b2;     ///< [channels], or empty for 0
  std::vector<float> kernel; ///< [k], k odd, only for eca
  /// Pooled values, hidden values and logits are integers in units of 2^-input_exponent, and saturate at 2^30 units;
  /// 8 to 24. The default keeps magnitudes up to 16384 with a resolution of 1.5e-5.
  int input_exponent = 16;
};

/// errc::bad_field names the field that has a wrong size or value, errc::limit_exceeded one above `bounds`.
inline status check(const attention_parameters& p, const limits& bounds = {}) {
  using detail::fail;
  if (p.channels == 0) return fail(errc::bad_field, "attention channels: 0, expected at least 1");
  if (p.channels > bounds.max_channels)
    return fail(errc::limit_exceeded, "attention channels: ", p.channels, ", limit ", bounds.max_channels);
  if (p.input_exponent < 8 || p.input_exponent > 24)
    return fail(errc::bad_field, "attention input_exponent: ", p.input_exponent, ", expected 8 to 24");
  const auto weights = [](std::string_view name, const std::vector<float>& w, std::size_t expected,
                          bool may_be_empty) -> status {
    if (w.size() != expected && !(may_be_empty && w.empty()))
      return fail(errc::bad_field, "attention ", name, ": ", w.size(), " elements, expected ", expected);
    for (std::size_t i = 0; i < w.size(); ++i)
      if (!detail::weight_in_range(w[i]))
        return fail(errc::bad_field, "attention ", name, "[", i, "]: not finite or of magnitude above 2^20");
    return {};
  };
  std::size_t matrix = 0;
  switch (p.kind) {
  case attention_kind::eca:
    if (p.hidden != 0) return fail(errc::bad_field, "attention hidden: ", p.hidden, ", expected 0 for eca");
    if (p.kernel.size() % 2 == 0 || p.kernel.size() >= 2 * p.channels + 1)
      return fail(errc::bad_field, "attention kernel: ", p.kernel.size(), " elements, expected an odd number below ",
                  2 * p.channels + 1);
    break;
  case attention_kind::cbam:
  case attention_kind::se:
    if (p.hidden == 0 || p.hidden > bounds.max_channels)
      return fail(errc::bad_field, "attention hidden: ", p.hidden, ", expected 1 to ", bounds.max_channels);
    if (!detail::multiply(p.hidden, p.channels, matrix) || matrix > bounds.max_elements)
      return fail(errc::limit_exceeded, "attention w1: ", p.hidden, " by ", p.channels, " elements, limit ",
                  bounds.max_elements);
    break;
  default:
    return fail(errc::bad_field, "attention kind: ", static_cast<int>(p.kind), ", expected cbam, se or eca");
  }
  if (auto s = weights("w1", p.w1, matrix, false); !s) return s;
  if (auto s = weights("w2", p.w2, matrix, false); !s) return s;
  if (auto s = weights("b1", p.b1, p.hidden, true); !s) return s;
  if (auto s = weights("b2", p.b2, p.kind == attention_kind::eca ? 0 : p.channels, true); !s) return s;
  const std::size_t kernel = p.kind == attention_kind::eca ? p.kernel.size() : 0;
  return weights("kernel", p.kernel, kernel, false);
}

} // namespace aecnn
