// What a compiled network calls for each node: the interface of an operator, without its implementation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/tensor_view.hpp>

namespace aecnn::nn {

/// A value as an operator reads it: contiguous [C,H,W].
struct operand {
  const float* data = nullptr;
  shape3 shape{};
};

/// An element-wise function that a convolution can apply to its output before it stores it. NaN stays NaN.
struct activation {
  enum class kind { none, clip, leaky };
  kind type = kind::none;
  float low = 0, high = 0; ///< clip: min(max(x, low), high); Relu is clip from 0 to infinity
  float alpha = 0;         ///< leaky: x where x >= 0, else alpha * x

  /// Applies it to n elements in place.
  void apply(float* x, std::size_t n) const noexcept {
    switch (type) {
    case kind::none:
      break;
    case kind::clip:
      for (std::size_t i = 0; i < n; ++i) {
        const float v = x[i] < low ? low : x[i];
        x[i] = v > high ? high : v;
      }
      break;
    case kind::leaky:
      for (std::size_t i = 0; i < n; ++i) x[i] = x[i] < 0 ? alpha * x[i] : x[i];
      break;
    }
  }
};

/// y = scale * x + shift, per channel, or for all channels where both hold one element. Kept in double so that folding
/// it into weights rounds once.
struct channel_affine {
  std::vector<double> scale, shift;
};

/// One operator with its weights. Constant while the network runs, so that threads share it.
///
/// Building: the network offers each following Relu, BatchNormalization, ... to the operator that makes its input
/// (`fuse`, `fold`), then calls `seal` once. Running: `run` only, with the shapes that `output_shape` has accepted.
class operation {
public:
  operation() = default;
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;
  virtual ~operation() = default;

  /// The shape of the output, or why the inputs' shapes do not fit (errc::bad_shape).
  virtual result<shape3> output_shape(std::span<const shape3> inputs) const = 0;
  /// Floats of scratch memory that `run` needs.
  virtual std::uint64_t workspace(std::span<const shape3>) const { return 0; }
  /// Multiply-adds of one run.
  virtual std::uint64_t multiply_adds(std::span<const shape3>) const { return 0; }
  /// Computes the output. Allocates nothing. `workspace` is aligned to 64 bytes.
  virtual void run(std::span<const operand> inputs, float* output, shape3 output_shape,
                   float* workspace) const noexcept = 0;
  /// Whether the output may overwrite the first input where both have the same shape.
  virtual bool in_place() const { return false; }

  /// This operator as a function that another may fuse, or null.
  virtual const activation* as_activation() const { return nullptr; }
  virtual const channel_affine* as_affine() const { return nullptr; }
  /// Takes over a following activation; false where it cannot.
  virtual bool fuse(const activation&) { return false; }
  /// Takes over a following scale and shift; false where it cannot.
  virtual bool fold(const channel_affine&) { return false; }
  /// Called once when nothing more will be fused: packs weights.
  virtual void seal() {}
};

} // namespace aecnn::nn
