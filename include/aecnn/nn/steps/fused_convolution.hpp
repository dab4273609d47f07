// A convolution as the compiler hands it to the steps: weights and bias of its own once something was folded into them, what is
// applied after it, and its cost.
#pragma once

#include <cstddef>
#include <vector>

#include <aecnn/nn/operation.hpp>

namespace aecnn::nn {

struct fused_convolution {
  convolution spec;
  std::vector<float> weights; ///< where they differ from spec.weights; else empty
  std::vector<float> bias;    ///< `spec.outputs` values
  activation after{};
  bool has_residual = false;      ///< added before the activation
  depth_to_space rearrange{1, false}; ///< applied last

  const float* weight_data() const noexcept { return weights.empty() ? spec.weights : weights.data(); }
  std::size_t taps() const noexcept {
    return static_cast<std::size_t>(spec.area.kernel[0]) * static_cast<std::size_t>(spec.area.kernel[1]);
  }
  std::size_t group_inputs() const noexcept { return spec.inputs / spec.groups; }
  std::size_t group_outputs() const noexcept { return spec.outputs / spec.groups; }
  bool depthwise() const noexcept { return !spec.transposed && spec.groups == spec.inputs && spec.groups == spec.outputs; }
  /// The weight from input channel i of the group to output channel o of all, at tap t.
  float weight(std::size_t o, std::size_t i, std::size_t t) const noexcept {
    if (!spec.transposed) return weight_data()[(o * group_inputs() + i) * taps() + t];
    const std::size_t group = o / group_outputs();
    return weight_data()[((group * group_inputs() + i) * group_outputs() + o % group_outputs()) * taps() + t];
  }
};

} // namespace aecnn::nn
