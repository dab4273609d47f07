// A convolution as the compiler hands it to the steps: weights and bias of its own once something was folded into them,
// what is applied after it, and its cost.
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
  bool has_residual = false;               ///< added before the activation
  block_rearrangement rearrange{1, false}; ///< applied last

  const float* weight_data() const noexcept { return weights.empty() ? spec.weights : weights.data(); }
  std::size_t taps() const noexcept {
    return static_cast<std::size_t>(spec.area.kernel[0]) * static_cast<std::size_t>(spec.area.kernel[1]);
  }
  std::size_t group_inputs() const noexcept { return spec.inputs / spec.groups; }
  std::size_t group_outputs() const noexcept { return spec.outputs / spec.groups; }
  bool depthwise() const noexcept {
    return !spec.transposed && spec.groups == spec.inputs && spec.groups == spec.outputs;
  }
  /// The weight from input channel i of the group to output channel o of all, at tap t.
  float weight(std::size_t o, std::size_t i, std::size_t t) const noexcept {
    if (!spec.transposed) return weight_data()[(o * group_inputs() + i) * taps() + t];
    const std::size_t group = o / group_outputs();
    return weight_data()[((group * group_inputs() + i) * group_outputs() + o % group_outputs()) * taps() + t];
  }
};

/// Where the output channels of a convolution lie when a DepthToSpace follows: in memory order, [row of the
/// block][column of the block][channel], so that one row of the block is one run of an output row.
class output_order {
public:
  /// `row`: floats of a row of the output tensor, borders included.
  output_order(const fused_convolution& f, std::size_t row)
      : parts_(static_cast<std::size_t>(f.rearrange.block * f.rearrange.block)), part_(f.spec.outputs / parts_),
        run_(part_ * static_cast<std::size_t>(f.rearrange.block)), row_(row),
        column_row_depth_(f.rearrange.column_row_depth) {}
  /// The convolution's output channel that is number i in memory.
  std::size_t channel(std::size_t i) const noexcept { return column_row_depth_ ? i % part_ * parts_ + i / part_ : i; }
  /// Floats from the first channel of the output pixel to channel number i.
  std::ptrdiff_t place(std::size_t i) const noexcept { return static_cast<std::ptrdiff_t>(i / run_ * row_ + i % run_); }

private:
  std::size_t parts_, part_, run_, row_;
  bool column_row_depth_;
};

} // namespace aecnn::nn
