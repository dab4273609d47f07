// Operators of two or more inputs, element by element with broadcasting: Add, Sub, Mul, Div, Min, Max, Pow, Sum, Mod,
// PRelu. Minimum and maximum propagate NaN. Integers wrap on overflow; a division by zero gives 0.
#pragma once

#include <array>
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
#include <aecnn/nn/operators/elementwise.hpp>

namespace aecnn::nn::detail {

/// The quotient, truncated toward zero.
inline std::int64_t integer_quotient(std::int64_t a, std::int64_t b) noexcept {
  return b == 0 ? 0 : b == -1 ? wrap(0 - bits(a)) : a / b;
}
inline std::int64_t integer_power(std::int64_t base, std::int64_t exponent) noexcept {
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
  std::uint64_t y = 1;
  for (std::uint64_t b = bits(base); exponent > 0; exponent >>= 1, b *= b)
    if ((exponent & 1) != 0) y *= b;
  return wrap(y);
}

inline float minimum(float a, float b) noexcept { return b < a || b != b ? b : a; }
inline float maximum(float a, float b) noexcept { return b > a || b != b ? b : a; }
inline std::int64_t minimum(std::int64_t a, std::int64_t b) noexcept { return b < a ? b : a; }
inline std::int64_t maximum(std::int64_t a, std::int64_t b) noexcept { return b > a ? b : a; }

inline void zip_binary(binary_kind kind, const float* a, const float* b, float* y, const loops<2>& l) noexcept {
  switch (kind) {
  case binary_kind::add:
    return zip(a, b, y, l, [](float u, float v) { return u + v; });
  case binary_kind::subtract:
    return zip(a, b, y, l, [](float u, float v) { return u - v; });
  case binary_kind::multiply:
    return zip(a, b, y, l, [](float u, float v) { return u * v; });
  case binary_kind::divide:
    return zip(a, b, y, l, [](float u, float v) { return u / v; });
  case binary_kind::minimum:
    return zip(a, b, y, l, [](float u, float v) { return minimum(u, v); });
  case binary_kind::maximum:
    return zip(a, b, y, l, [](float u, float v) { return maximum(u, v); });
  case binary_kind::power:
    return zip(a, b, y, l, [](float u, float v) { return v == 2.0F ? u * u : std::pow(u, v); });
  }
}
inline void zip_binary(binary_kind kind, const std::int64_t* a, const std::int64_t* b, std::int64_t* y,
                       const loops<2>& l) noexcept {
  using integer = std::int64_t;
  switch (kind) {
  case binary_kind::add:
    return zip(a, b, y, l, [](integer u, integer v) { return wrap(bits(u) + bits(v)); });
  case binary_kind::subtract:
    return zip(a, b, y, l, [](integer u, integer v) { return wrap(bits(u) - bits(v)); });
  case binary_kind::multiply:
    return zip(a, b, y, l, [](integer u, integer v) { return wrap(bits(u) * bits(v)); });
  case binary_kind::divide:
    return zip(a, b, y, l, [](integer u, integer v) { return integer_quotient(u, v); });
  case binary_kind::minimum:
    return zip(a, b, y, l, [](integer u, integer v) { return minimum(u, v); });
  case binary_kind::maximum:
    return zip(a, b, y, l, [](integer u, integer v) { return maximum(u, v); });
  case binary_kind::power:
    return zip(a, b, y, l, [](integer u, integer v) { return integer_power(u, v); });
  }
}

inline loops<2> binary_loops(const extents& a, const extents& b, const extents& out) {
  return {out, std::array<extents, 2>{broadcast_strides(a, out), broadcast_strides(b, out)}};
}

class binary final : public operation {
public:
  binary(tensor_type out, binary_kind kind, const loops<2>& l, channel_affine affine)
      : operation(one(std::move(out))), kind_(kind), loops_(l), affine_(std::move(affine)) {}
  const binary_kind* as_binary() const override {
    return outputs()[0].type == element_type::float32 ? &kind_ : nullptr;
  }
  const channel_affine* as_affine() const override { return affine_.scale.empty() ? nullptr : &affine_; }
  std::uint64_t multiply_adds() const override { return element_count(outputs()[0].shape); }
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    if (outputs()[0].type == element_type::float32)
      zip_binary(kind_, in[0].floats, in[1].floats, out[0].floats, loops_);
    else
      zip_binary(kind_, in[0].integers, in[1].integers, out[0].integers, loops_);
  }

private:
  binary_kind kind_;
  loops<2> loops_;
  channel_affine affine_;
};

/// Min, Max, Sum of any number of inputs but two: the output starts as a copy of the first.
class variadic final : public operation {
public:
  variadic(tensor_type out, binary_kind kind, float factor, std::vector<loops<2>> l)
      : operation(one(std::move(out))), kind_(kind), factor_(factor), loops_(std::move(l)) {}
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    with_elements(outputs()[0].type, [&](auto zero) {
      using element = decltype(zero);
      element* y = elements<element>(out[0]);
      const element* x = elements<element>(in[0]);
      zip(x, x, y, loops_[0], [](element u, element) { return u; });
      for (std::size_t i = 1; i < loops_.size(); ++i) zip_binary(kind_, y, elements<element>(in[i]), y, loops_[i]);
    });
    if (factor_ != 1) {
      const float f = factor_;
      map_row(out[0].floats, out[0].floats, element_count(outputs()[0].shape), [f](float v) { return v * f; });
    }
  }

private:
  binary_kind kind_;
  float factor_;
  std::vector<loops<2>> loops_;
};

/// The operator as scale * x + shift, where one input is a constant with one element or one a channel (axis 1) and the
/// other has the output's shape; empty where it is not.
inline channel_affine affine_of(const node_reader& r, binary_kind kind, const extents& out) {
  if (kind > binary_kind::divide || r.is_constant(0) == r.is_constant(1)) return {};
  const std::size_t c = r.is_constant(0) ? 0 : 1;
  if (c == 0 && (kind == binary_kind::subtract || kind == binary_kind::divide)) return {};
  const extents& shape = r.shape(c);
  const std::size_t count = element_count(shape);
  if (r.shape(1 - c) != out || count == 0) return {};
  if (count != 1) {
    if (out.size() < 2 || shape.size() + 1 < out.size()) return {};
    for (std::size_t i = 0; i < shape.size(); ++i)
      if (i + out.size() - shape.size() != 1 && shape[i] != 1) return {};
  }
  channel_affine f{std::vector<double>(count, 1.0), std::vector<double>(count, 0.0)};
  const float* v = r.constant(c).floats;
  for (std::size_t i = 0; i < count; ++i) {
    if (kind == binary_kind::add) f.shift[i] = v[i];
    if (kind == binary_kind::subtract) f.shift[i] = -static_cast<double>(v[i]);
    if (kind == binary_kind::multiply) f.scale[i] = v[i];
    if (kind == binary_kind::divide) f.scale[i] = 1.0 / static_cast<double>(v[i]);
  }
  return f;
}

inline made_operation finish_binary(node_reader& r, binary_kind kind) {
  if (r.failed()) return r.error();
  const element_type type = common_type(r, 0, 1);
  extents shape = broadcast_shape(r, r.shape(0), r.shape(1));
  if (r.failed() || !admit(r, shape)) return r.error();
  const loops<2> l = binary_loops(r.shape(0), r.shape(1), shape);
  channel_affine f = type == element_type::float32 ? affine_of(r, kind, shape) : channel_affine{};
  return finish<binary>(r, tensor_type{type, std::move(shape)}, kind, l, std::move(f));
}

template <binary_kind Kind>
made_operation make_binary(node_reader& r) {
  expect(r, 2, 2, {});
  return finish_binary(r, Kind);
}

template <binary_kind Kind, bool Mean = false>
made_operation make_variadic(node_reader& r) {
  expect(r, 1, node_reader::any_number, {});
  for (std::size_t i = 1; i < r.input_count(); ++i)
    if (!r.has_input(i)) r.fail(errc::missing_field, "input ", i, " is missing");
  if (r.failed()) return r.error();
  const std::size_t n = r.input_count();
  if (n == 2 && !Mean) return finish_binary(r, Kind);
  const element_type type = common_type(r, 0, n - 1);
  if (Mean) r.expect_float(0);
  extents shape = r.shape(0);
  for (std::size_t i = 1; i < n && !r.failed(); ++i) shape = broadcast_shape(r, shape, r.shape(i));
  if (r.failed() || !admit(r, shape)) return r.error();
  std::vector<loops<2>> l;
  l.reserve(n);
  l.push_back(binary_loops(r.shape(0), r.shape(0), shape));
  for (std::size_t i = 1; i < n; ++i) l.push_back(binary_loops(shape, r.shape(i), shape));
  return finish<variadic>(r, tensor_type{type, std::move(shape)}, Kind, Mean ? 1.0F / static_cast<float>(n) : 1.0F,
                          std::move(l));
}

} // namespace aecnn::nn::detail
