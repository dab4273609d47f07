// Operators of one input that apply a function to each element: Relu, LeakyRelu, Clip, Sigmoid, Tanh, Exp, Sqrt and
// others. Cost: one call a element; those with a polynomial or simple arithmetic vectorise.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/nn/operators/broadcasting.hpp>
#include <aecnn/nn/operators/common.hpp>
#include <aecnn/nn/operators/functions.hpp>

namespace aecnn::nn {
namespace detail {

/// An element-wise operator on floats.
class elementwise final : public operation {
public:
  elementwise(extents shape, elementwise_function f, std::optional<activation> a = {})
      : operation(one(floats(std::move(shape)))), function_(f), activation_(a) {}
  const elementwise_function* as_elementwise() const override { return &function_; }
  const activation* as_activation() const override { return activation_ ? &*activation_ : nullptr; }
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    function_.apply(in[0].floats, out[0].floats, element_count(outputs()[0].shape), function_.parameters);
  }

private:
  elementwise_function function_;
  std::optional<activation> activation_;
};

/// An element-wise operator on integers.
class integer_elementwise final : public operation {
public:
  using function = std::int64_t (*)(std::int64_t) noexcept;
  integer_elementwise(extents shape, function f) : operation(one(integers(std::move(shape)))), function_(f) {}
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    const std::size_t n = element_count(outputs()[0].shape);
    for (std::size_t i = 0; i < n; ++i) out[0].integers[i] = function_(in[0].integers[i]);
  }

private:
  function function_;
};

/// `Function`: float(float x, const float* parameters), without state.
template <auto Function>
void apply_function(const float* x, float* y, std::size_t n, const float* parameters) noexcept {
  const float p[4] = {parameters[0], parameters[1], parameters[2], parameters[3]};
  map_row(x, y, n, [&p](float v) { return Function(v, p); });
}

namespace function {
inline float leaky(float x, const float* p) noexcept { return x < 0 ? p[0] * x : x; }
inline float clip(float x, const float* p) noexcept { return clamp(x, p[0], p[1]); }
inline float sigmoid(float x, const float*) noexcept { return detail::sigmoid(x); }
inline float hard_sigmoid(float x, const float* p) noexcept { return clamp(p[0] * x + p[1], 0, 1); }
inline float hard_swish(float x, const float*) noexcept { return x * clamp(x * (1.0F / 6.0F) + 0.5F, 0, 1); }
inline float tanh(float x, const float*) noexcept { return hyperbolic_tangent(x); }
inline float elu(float x, const float* p) noexcept { return x < 0 ? p[0] * std::expm1(x) : x; }
inline float exp(float x, const float*) noexcept { return exponential(x); }
inline float log(float x, const float*) noexcept { return std::log(x); }
inline float sqrt(float x, const float*) noexcept { return std::sqrt(x); }
inline float erf(float x, const float*) noexcept { return std::erf(x); }
inline float absolute(float x, const float*) noexcept { return std::fabs(x); }
inline float negative(float x, const float*) noexcept { return -x; }
inline float reciprocal(float x, const float*) noexcept { return 1.0F / x; }
inline float floor(float x, const float*) noexcept { return std::floor(x); }
inline float ceil(float x, const float*) noexcept { return std::ceil(x); }
inline float round(float x, const float*) noexcept { return std::nearbyint(x); }
inline float softplus(float x, const float*) noexcept {
  return std::fmax(x, 0.0F) + std::log1p(std::exp(-std::fabs(x))) + (x - x);
}
inline std::int64_t integer_absolute(std::int64_t x) noexcept { return x < 0 ? wrap(0 - bits(x)) : x; }
inline std::int64_t integer_negative(std::int64_t x) noexcept { return wrap(0 - bits(x)); }
inline std::int64_t integer_not(std::int64_t x) noexcept { return x == 0; }
} // namespace function

/// An operator without attributes.
template <auto Function>
made_operation make_elementwise(node_reader& r) {
  expect(r, 1, 1, {});
  r.expect_float(0);
  return finish<elementwise>(r, r.shape(0), elementwise_function{apply_function<Function>});
}
/// One that takes floats or integers.
template <auto Function, integer_elementwise::function IntegerFunction>
made_operation make_arithmetic(node_reader& r) {
  if (r.type(0) == element_type::float32) return make_elementwise<Function>(r);
  expect(r, 1, 1, {});
  return finish<integer_elementwise>(r, r.shape(0), IntegerFunction);
}

inline made_operation make_not(node_reader& r) {
  expect(r, 1, 1, {});
  if (r.type(0) != element_type::int64) r.fail(errc::bad_field, "input 0 holds floats, expected truth values");
  return finish<integer_elementwise>(r, r.shape(0), function::integer_not);
}

inline made_operation finish_clip(node_reader& r, float low, float high) {
  activation a{activation::kind::clip};
  a.low = low;
  a.high = high;
  return finish<elementwise>(r, r.shape(0), elementwise_function{apply_function<function::clip>, {low, high}}, a);
}

inline made_operation make_relu(node_reader& r) {
  expect(r, 1, 1, {});
  r.expect_float(0);
  return finish_clip(r, 0, std::numeric_limits<float>::infinity());
}

inline made_operation make_leaky_relu(node_reader& r) {
  expect(r, 1, 1, {"alpha"});
  r.expect_float(0);
  activation a{activation::kind::leaky};
  a.alpha = r.number("alpha", 0.01F);
  return finish<elementwise>(r, r.shape(0), elementwise_function{apply_function<function::leaky>, {a.alpha}}, a);
}

inline made_operation make_hard_sigmoid(node_reader& r) {
  expect(r, 1, 1, {"alpha", "beta"});
  r.expect_float(0);
  const float alpha = r.number("alpha", 0.2F), beta = r.number("beta", 0.5F);
  return finish<elementwise>(r, r.shape(0),
                             elementwise_function{apply_function<function::hard_sigmoid>, {alpha, beta}});
}

inline made_operation make_elu(node_reader& r) {
  expect(r, 1, 1, {"alpha"});
  r.expect_float(0);
  const float alpha = r.number("alpha", 1.0F);
  return finish<elementwise>(r, r.shape(0), elementwise_function{apply_function<function::elu>, {alpha}});
}

} // namespace detail
} // namespace aecnn::nn
