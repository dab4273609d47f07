// Operators that work element by element: Relu, Clip, LeakyRelu, Sigmoid, BatchNormalization, Add and Mul.
// Add and Mul take two computed values of equal shape, or one of them of shape [C,1,1] or [1,1,1], or a weight that holds
// one element or one a channel. NaN stays NaN. Cost: one pass over the output.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/instruction_set.hpp>
#include <aecnn/nn/node_reader.hpp>
#include <aecnn/nn/operation.hpp>

namespace aecnn::nn {

/// Relu, Clip and LeakyRelu where nothing before them could take them over.
class activation_operation final : public operation {
public:
  explicit activation_operation(const activation& a) : activation_(a) {}
  result<shape3> output_shape(std::span<const shape3> in) const override { return in[0]; }
  void run(std::span<const operand> in, float* out, shape3 shape, float*) const noexcept override {
    if (in[0].data != out) std::copy_n(in[0].data, shape.size(), out);
    activation_.apply(out, shape.size());
  }
  bool in_place() const override { return true; }
  const activation* as_activation() const override { return &activation_; }

private:
  activation activation_;
};

/// 1 / (1 + exp(-x)).
class sigmoid_operation final : public operation {
public:
  result<shape3> output_shape(std::span<const shape3> in) const override { return in[0]; }
  void run(std::span<const operand> in, float* out, shape3 shape, float*) const noexcept override {
    for (std::size_t i = 0; i < shape.size(); ++i) out[i] = 1.0F / (1.0F + std::exp(-in[0].data[i]));
  }
  bool in_place() const override { return true; }
};

/// y = scale * x + shift per channel: BatchNormalization, and Add or Mul with a weight.
class affine_operation final : public operation {
public:
  explicit affine_operation(channel_affine f) : affine_(std::move(f)) {}
  result<shape3> output_shape(std::span<const shape3> in) const override {
    if (affine_.scale.size() != 1 && affine_.scale.size() != in[0].channels)
      return aecnn::detail::fail(errc::bad_shape, "input has ", in[0].channels, " channels, expected ",
                                 affine_.scale.size());
    return in[0];
  }
  void run(std::span<const operand> in, float* out, shape3 shape, float*) const noexcept override {
    const std::size_t area = shape.area();
    for (std::size_t c = 0; c < shape.channels; ++c) {
      const std::size_t k = affine_.scale.size() == 1 ? 0 : c;
      const auto scale = static_cast<float>(affine_.scale[k]), shift = static_cast<float>(affine_.shift[k]);
      for (std::size_t i = c * area; i < (c + 1) * area; ++i) out[i] = scale * in[0].data[i] + shift;
    }
  }
  std::uint64_t multiply_adds(std::span<const shape3> in) const override { return in[0].size(); }
  bool in_place() const override { return true; }
  const channel_affine* as_affine() const override { return &affine_; }

private:
  channel_affine affine_;
};

/// Add or Mul of two computed values.
template <class Function>
class binary_operation final : public operation {
public:
  result<shape3> output_shape(std::span<const shape3> in) const override {
    if (in[0] == in[1] || broadcasts(in[1], in[0])) return in[0];
    if (broadcasts(in[0], in[1])) return in[1];
    return aecnn::detail::fail(errc::bad_shape, "inputs have shapes ", aecnn::to_string(in[0]), " and ",
                               aecnn::to_string(in[1]), ", expected equal shapes, or one of them Cx1x1 or 1x1x1");
  }
  void run(std::span<const operand> in, float* out, shape3 shape, float*) const noexcept override {
    const operand &a = in[0], &b = in[1];
    if (a.shape == b.shape) {
      for (std::size_t i = 0; i < shape.size(); ++i) out[i] = Function{}(a.data[i], b.data[i]);
      return;
    }
    const bool swapped = a.shape != shape;
    const operand &whole = swapped ? b : a, &small = swapped ? a : b;
    for (std::size_t c = 0; c < shape.channels; ++c) {
      const float s = small.data[small.shape.channels == 1 ? 0 : c];
      const std::size_t begin = c * shape.area();
      for (std::size_t i = begin; i < begin + shape.area(); ++i) out[i] = Function{}(whole.data[i], s);
    }
  }
  bool in_place() const override { return true; }

private:
  static bool broadcasts(const shape3& small, const shape3& whole) noexcept {
    return small.height == 1 && small.width == 1 && (small.channels == 1 || small.channels == whole.channels);
  }
};

struct sum_of {
  float operator()(float a, float b) const noexcept { return a + b; }
};
struct product_of {
  float operator()(float a, float b) const noexcept { return a * b; }
};

inline result<std::unique_ptr<operation>> make_activation(node_reader& r, const activation& a) {
  r.expect_activation(0);
  if (r.failed()) return r.error();
  return std::unique_ptr<operation>(std::make_unique<activation_operation>(a));
}

inline result<std::unique_ptr<operation>> make_relu(node_reader& r, instruction_set) {
  r.expect_attributes({});
  r.expect_inputs(1, 1);
  return make_activation(r, {activation::kind::clip, 0, std::numeric_limits<float>::infinity(), 0});
}

inline result<std::unique_ptr<operation>> make_leaky_relu(node_reader& r, instruction_set) {
  r.expect_attributes({"alpha"});
  r.expect_inputs(1, 1);
  return make_activation(r, {activation::kind::leaky, 0, 0, r.number("alpha", 0.01F)});
}

inline result<std::unique_ptr<operation>> make_clip(node_reader& r, instruction_set) {
  r.expect_attributes({});
  r.expect_inputs(1, 3);
  const auto bound = [&](std::size_t i, const char* role, float otherwise) {
    if (!r.has_input(i)) return otherwise;
    const weight* w = r.required_weight(i, role);
    if (w == nullptr) return otherwise;
    if (w->values.size() != 1)
      r.fail(errc::bad_shape, role, " '", w->name, "' has ", w->values.size(), " elements, expected 1");
    return w->values.empty() ? otherwise : w->values[0];
  };
  const float infinity = std::numeric_limits<float>::infinity();
  const float low = bound(1, "min", -infinity), high = bound(2, "max", infinity);
  return make_activation(r, {activation::kind::clip, low, high, 0});
}

inline result<std::unique_ptr<operation>> make_sigmoid(node_reader& r, instruction_set) {
  r.expect_attributes({});
  r.expect_inputs(1, 1);
  r.expect_activation(0);
  if (r.failed()) return r.error();
  return std::unique_ptr<operation>(std::make_unique<sigmoid_operation>());
}

inline result<std::unique_ptr<operation>> make_batch_normalization(node_reader& r, instruction_set) {
  r.expect_attributes({"epsilon", "momentum", "training_mode"});
  r.expect_inputs(5, 5);
  r.expect_activation(0);
  const double epsilon = r.number("epsilon", 1e-5F);
  if (r.integer("training_mode", 0, 0, 1) != 0) r.fail(errc::unsupported, "attribute 'training_mode' is 1, expected 0");
  const weight* first = r.required_weight(1, "scale");
  if (first == nullptr) return r.error();
  const std::size_t n = first->values.size();
  const auto scale = r.vector(1, "scale", n, true), bias = r.vector(2, "bias", n, true);
  const auto mean = r.vector(3, "mean", n, true), variance = r.vector(4, "variance", n, true);
  if (r.failed()) return r.error();
  channel_affine f;
  for (std::size_t c = 0; c < n; ++c) {
    const double v = variance[c] + epsilon;
    if (!(v > 0)) {
      r.fail(errc::bad_field, "variance plus epsilon of channel ", c, " is ", v, ", expected above 0");
      return r.error();
    }
    const double s = scale[c] / std::sqrt(v);
    f.scale.push_back(s);
    f.shift.push_back(bias[c] - mean[c] * s);
  }
  return std::unique_ptr<operation>(std::make_unique<affine_operation>(std::move(f)));
}

/// Add or Mul, where `Function` is sum_of or product_of.
template <class Function>
result<std::unique_ptr<operation>> make_binary(node_reader& r, instruction_set) {
  r.expect_attributes({});
  r.expect_inputs(2, 2);
  if (!r.has_input(0) || !r.has_input(1)) r.fail(errc::missing_field, "an input is missing");
  if (r.failed()) return r.error();
  const weight *a = r.optional_weight(0), *b = r.optional_weight(1);
  if (a == nullptr && b == nullptr) return std::unique_ptr<operation>(std::make_unique<binary_operation<Function>>());
  const weight& w = a == nullptr ? *b : *a;
  // Broadcasting aligns the last dimensions: one a channel is [C,1,1] or [1,C,1,1].
  const std::size_t rank = w.shape.size();
  const bool by_channel =
      (rank == 3 || (rank == 4 && w.shape[0] == 1)) && w.shape[rank - 1] == 1 && w.shape[rank - 2] == 1;
  if (a != nullptr && b != nullptr)
    r.fail(errc::unsupported, "both inputs are weights, expected at least one computed value");
  else if (rank > 4 || (w.values.size() != 1 && !by_channel))
    r.fail(errc::unsupported, "weight '", w.name, "' has shape ", to_string(w.shape),
           ", expected one element, [C,1,1] or [1,C,1,1]");
  if (r.failed()) return r.error();
  channel_affine f;
  for (const float v : w.values) {
    constexpr bool sum = std::is_same_v<Function, sum_of>;
    f.scale.push_back(sum ? 1.0 : v);
    f.shift.push_back(sum ? v : 0.0);
  }
  return std::unique_ptr<operation>(std::make_unique<affine_operation>(std::move(f)));
}

} // namespace aecnn::nn
