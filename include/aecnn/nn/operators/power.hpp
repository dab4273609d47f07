// Operators of two inputs beyond plain arithmetic: Pow (also with mixed element types), Mod, PRelu.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <aecnn/nn/operators/arithmetic.hpp>
#include <aecnn/nn/operators/common.hpp>
#include <aecnn/nn/operators/elementwise.hpp>
#include <aecnn/nn/operators/loops.hpp>

namespace aecnn::nn::detail {

/// x^y where the exponent has the other element type than the base; the result has the base's.
class mixed_power final : public operation {
public:
  mixed_power(tensor_type out, const loops<2>& l) : operation(one(std::move(out))), loops_(l) {}
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    if (outputs()[0].type == element_type::float32)
      apply(in[0].floats, in[1].integers, out[0].floats);
    else
      apply(in[0].integers, in[1].floats, out[0].integers);
  }

private:
  template <class Base, class Exponent>
  void apply(const Base* x, const Exponent* exponent, Base* y) const noexcept {
    const std::int64_t n = static_cast<std::int64_t>(loops_.row());
    loops_.rows([&](const loops<2>::offsets& at) {
      for (std::int64_t i = 0; i < n; ++i)
        *y++ = power(x[at[0] + i * loops_.step(0)], exponent[at[1] + i * loops_.step(1)]);
    });
  }
  static float power(float x, std::int64_t y) noexcept {
    return static_cast<float>(std::pow(static_cast<double>(x), static_cast<double>(y)));
  }
  static std::int64_t power(std::int64_t x, float y) noexcept {
    return to_integer(std::pow(static_cast<double>(x), static_cast<double>(y)));
  }

  loops<2> loops_;
};

inline made_operation make_power(node_reader& r) {
  if (r.type(0) == r.type(1)) return make_binary<binary_kind::power>(r);
  expect(r, 2, 2, {});
  if (r.failed()) return r.error();
  extents shape = broadcast_shape(r, r.shape(0), r.shape(1));
  if (r.failed() || !admit(r, shape)) return r.error();
  const loops<2> l = binary_loops(r.shape(0), r.shape(1), shape);
  return finish<mixed_power>(r, tensor_type{r.type(0), std::move(shape)}, l);
}

/// The remainder: with `truncated` it has the dividend's sign (C's fmod), else the divisor's (Python's %).
class modulo final : public operation {
public:
  modulo(tensor_type out, const loops<2>& l, bool truncated)
      : operation(one(std::move(out))), loops_(l), truncated_(truncated) {}
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    if (outputs()[0].type == element_type::float32)
      return zip(in[0].floats, in[1].floats, out[0].floats, loops_, [](float a, float b) { return std::fmod(a, b); });
    zip(in[0].integers, in[1].integers, out[0].integers, loops_, [t = truncated_](std::int64_t a, std::int64_t b) {
      if (b == 0 || b == -1) return std::int64_t{0};
      const std::int64_t m = a % b;
      return !t && m != 0 && (m < 0) != (b < 0) ? m + b : m;
    });
  }

private:
  loops<2> loops_;
  bool truncated_;
};

inline made_operation make_modulo(node_reader& r) {
  expect(r, 2, 2, {"fmod"});
  const bool truncated = r.integer("fmod", 0, 0, 1) != 0;
  if (r.failed()) return r.error();
  const element_type type = common_type(r, 0, 1);
  if (type == element_type::float32 && !truncated) r.fail(errc::bad_field, "attribute 'fmod' is 0, floats need 1");
  extents shape = broadcast_shape(r, r.shape(0), r.shape(1));
  if (r.failed() || !admit(r, shape)) return r.error();
  const loops<2> l = binary_loops(r.shape(0), r.shape(1), shape);
  return finish<modulo>(r, tensor_type{type, std::move(shape)}, l, truncated);
}

/// x where x >= 0, else slope * x.
class parametric_relu final : public operation {
public:
  parametric_relu(extents shape, const loops<2>& l) : operation(one(floats(std::move(shape)))), loops_(l) {}
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    zip(in[0].floats, in[1].floats, out[0].floats, loops_, [](float x, float slope) { return x < 0 ? slope * x : x; });
  }

private:
  loops<2> loops_;
};

/// One constant slope makes it a LeakyRelu.
inline made_operation make_parametric_relu(node_reader& r) {
  expect(r, 2, 2, {});
  expect_floats(r, 0, 1);
  if (r.failed()) return r.error();
  const extents& x = r.shape(0);
  extents shape = broadcast_shape(r, x, r.shape(1));
  if (!r.failed() && shape != x)
    r.fail(errc::bad_shape, "input 1 (slope) has shape ", to_string(r.shape(1)), ", which does not broadcast to ",
           to_string(x));
  if (r.failed() || !admit(r, shape)) return r.error();
  if (r.is_constant(1) && element_count(r.shape(1)) == 1) {
    activation a{activation::kind::leaky};
    a.alpha = r.constant(1).floats[0];
    return finish<elementwise>(r, std::move(shape), elementwise_function{apply_function<function::leaky>, {a.alpha}},
                               a);
  }
  const loops<2> l = binary_loops(x, r.shape(1), shape);
  return finish<parametric_relu>(r, std::move(shape), l);
}

} // namespace aecnn::nn::detail
