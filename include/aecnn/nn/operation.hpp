// What a compiled network calls for each node: the interface of an operator, without its implementation.
//
// A node becomes an operation when the shapes of its inputs are known (node_reader.hpp). The operation then knows the
// types of its outputs, and `run` computes them from contiguous row-major tensors. That is enough for an operator to
// work, and all that an operator of your own must bring. The operators that matter for speed also tell what they are
// (`as_...`), so that the compiler folds them into a convolution or runs them on channels-last tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/nn/graph.hpp>

namespace aecnn::nn {

/// The elements of one value, row-major and contiguous; the pointer of its element type is set.
struct tensor_data {
  float* floats = nullptr;
  std::int64_t* integers = nullptr;
};
struct const_tensor_data {
  const float* floats = nullptr;
  const std::int64_t* integers = nullptr;
};

/// An element-wise function that a convolution can apply to its output before it stores it. NaN stays NaN.
struct activation {
  enum class kind : std::uint8_t { none, clip, leaky };
  kind type = kind::none;
  float low = 0, high = 0; ///< clip: min(max(x, low), high); Relu is clip from 0 to infinity
  float alpha = 0;         ///< leaky: x where x >= 0, else alpha * x
};

/// Any element-wise function: apply(x, y, n, parameters) sets y[i] = f(x[i]); x may be y.
struct elementwise_function {
  void (*apply)(const float* x, float* y, std::size_t n, const float* parameters) noexcept = nullptr;
  float parameters[4] = {};
};

/// y = scale * x + shift, per channel (axis 1), or for all elements where both hold one element. Kept in double so that
/// folding it into weights rounds once.
struct channel_affine {
  std::vector<double> scale, shift;
};

/// An operator of two tensors, element by element with broadcasting.
enum class binary_kind : std::uint8_t { add, subtract, multiply, divide, minimum, maximum, power };

/// A window that slides over the last two axes of [N,C,H,W]; index 0 is vertical, 1 horizontal. Pads before and after
/// are resolved: no auto_pad is left. For [N,C,L] the height is 1.
struct window {
  std::int64_t kernel[2] = {1, 1}, strides[2] = {1, 1}, dilations[2] = {1, 1};
  std::int64_t before[2] = {0, 0}, after[2] = {0, 0};
};

/// MaxPool, AveragePool and the global pools (whose window is the whole plane).
struct pooling {
  bool maximum = false;      ///< else the average
  bool count_padding = true; ///< average: whether padding counts in the divisor
  window area;
};

/// y[i] = x[start + step * (i - offset)] on each axis, `fill` where that lies outside: Slice, constant Pad, and both
/// after another.
struct strided_copy {
  struct axis {
    std::int64_t offset = 0;                     ///< first output index that reads x
    std::int64_t start = 0, step = 1, count = 0; ///< `count` indices are read
  };
  std::vector<axis> axes;
  float fill = 0;
};

/// DepthToSpace.
struct block_rearrangement {
  std::int64_t block = 1;
  bool column_row_depth = false; ///< mode CRD (PyTorch's pixel shuffle); else DCR
};

/// Conv and ConvTranspose whose weights are constants. `weights` is [M, C / groups, kh, kw], for ConvTranspose
/// [C, M / groups, kh, kw]; they belong to the graph. `bias` has M elements or is null.
struct convolution {
  bool transposed = false;
  std::size_t inputs = 0, outputs = 0, groups = 1;
  window area;
  const float* weights = nullptr;
  const float* bias = nullptr;
};

/// One operator on inputs of known types. Constant while the network runs, so that threads share it.
class operation {
public:
  explicit operation(std::vector<tensor_type> outputs) : outputs_(std::move(outputs)) {}
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;
  virtual ~operation() = default;

  /// Element types and shapes of the outputs; every extent is known.
  std::span<const tensor_type> outputs() const noexcept { return outputs_; }
  /// Floats of scratch memory that `run` needs.
  virtual std::size_t workspace() const { return 0; }
  /// Multiply-adds of one run.
  virtual std::uint64_t multiply_adds() const { return 0; }
  /// Computes the outputs from the inputs, in the order of the node's; an input that is left out has null pointers.
  /// Allocates nothing. `workspace` is aligned to 64 bytes. No output overlaps an input.
  virtual void run(std::span<const const_tensor_data> inputs, std::span<const tensor_data> outputs,
                   float* workspace) const noexcept = 0;

  /// Whether the outputs follow from the inputs' types alone, so that they are constants (Shape).
  virtual bool needs_types_only() const { return false; }
  /// Whether the first output has the elements of the first input in the same order (Reshape, Identity).
  virtual bool is_view() const { return false; }
  virtual const convolution* as_convolution() const { return nullptr; }
  virtual const activation* as_activation() const { return nullptr; }
  /// Of input 0; the other inputs are constants.
  virtual const channel_affine* as_affine() const { return nullptr; }
  /// Of input 0, the only one.
  virtual const elementwise_function* as_elementwise() const { return nullptr; }
  /// Of two inputs.
  virtual const binary_kind* as_binary() const { return nullptr; }
  virtual const pooling* as_pooling() const { return nullptr; }
  /// Of input 0; the other inputs are constants.
  virtual const strided_copy* as_strided_copy() const { return nullptr; }
  virtual const block_rearrangement* as_depth_to_space() const { return nullptr; }
  /// Whether it joins its inputs along axis 1.
  virtual bool is_channel_concat() const { return false; }

private:
  std::vector<tensor_type> outputs_;
};

} // namespace aecnn::nn
