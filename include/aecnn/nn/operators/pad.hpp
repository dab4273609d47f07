// Pad: constant, reflect (without repeating the border) and edge; negative pads cut off. Pads are a constant input
// (opset 11 and later). Cost: one copy a element.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <aecnn/nn/operators/common.hpp>
#include <aecnn/nn/operators/loops.hpp>

namespace aecnn::nn::detail {

enum class padding_mode : std::uint8_t { constant, reflect, edge };

class pad final : public operation {
public:
  pad(tensor_type out, extents input, extents before, padding_mode mode, std::optional<strided_copy> hook)
      : operation(one(std::move(out))), input_(std::move(input)), stride_(contiguous_strides(input_)),
        before_(std::move(before)), mode_(mode), hook_(std::move(hook)) {}
  const strided_copy* as_strided_copy() const override { return hook_ ? &*hook_ : nullptr; }
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    with_elements(outputs()[0].type, [&](auto zero) {
      using element = decltype(zero);
      element fill = 0;
      if (in.size() > 2 && elements<element>(in[2]) != nullptr) fill = *elements<element>(in[2]);
      copy(elements<element>(in[0]), elements<element>(out[0]), fill);
    });
  }

private:
  /// The index of the input that output index i of an axis reads, -1 where it reads none.
  std::int64_t source(std::size_t axis, std::int64_t i) const noexcept {
    const std::int64_t last = input_[axis] - 1;
    i -= before_[axis];
    if (i >= 0 && i <= last) return i;
    if (mode_ == padding_mode::constant) return -1;
    if (mode_ == padding_mode::edge) return i < 0 ? 0 : last;
    return i < 0 ? -i : 2 * last - i;
  }
  template <class T>
  void copy(const T* x, T* y, T fill) const noexcept {
    const extents& shape = outputs()[0].shape;
    if (element_count(shape) == 0) return;
    if (shape.empty()) {
      *y = *x;
      return;
    }
    const std::size_t last = shape.size() - 1;
    // The middle of a row, which comes straight from the input.
    const std::int64_t columns = shape[last];
    std::int64_t first = before_[last] > 0 ? before_[last] : 0, end = before_[last] + input_[last];
    first = first < columns ? first : columns;
    end = end < first ? first : end > columns ? columns : end;
    std::array<std::int64_t, max_rank> index{};
    for (;;) {
      std::int64_t at = 0;
      bool outside = false;
      for (std::size_t axis = 0; axis < last; ++axis) {
        const std::int64_t s = source(axis, index[axis]);
        outside = outside || s < 0;
        at += s * stride_[axis];
      }
      if (outside) {
        for (std::int64_t i = 0; i < columns; ++i) y[i] = fill;
      } else {
        const auto border = [&](std::int64_t i) {
          const std::int64_t s = source(last, i);
          y[i] = s < 0 ? fill : x[at + s];
        };
        for (std::int64_t i = 0; i < first; ++i) border(i);
        if (end > first)
          std::memcpy(y + first, x + at + (first - before_[last]), static_cast<std::size_t>(end - first) * sizeof(T));
        for (std::int64_t i = end; i < columns; ++i) border(i);
      }
      y += columns;
      std::size_t axis = last;
      do {
        if (axis == 0) return;
        index[axis] = 0; // the last axis has no index of its own: its 0 stays
        --axis;
      } while (++index[axis] == shape[axis]);
    }
  }

  extents input_, stride_, before_;
  padding_mode mode_;
  std::optional<strided_copy> hook_;
};

inline made_operation make_pad(node_reader& r) {
  expect(r, 2, 3, {"mode"});
  const std::string name = r.text("mode", "constant");
  padding_mode mode = padding_mode::constant;
  if (name == "reflect")
    mode = padding_mode::reflect;
  else if (name == "edge")
    mode = padding_mode::edge;
  else if (name != "constant")
    r.fail(name == "wrap" ? errc::unsupported : errc::bad_field, "attribute 'mode' is '", name,
           "', expected constant, reflect or edge");
  const std::span<const std::int64_t> pads = r.constant_integers(1, "pads");
  const extents& input = r.shape(0);
  const std::size_t rank = input.size();
  if (pads.size() != 2 * rank)
    r.fail(errc::bad_field, "input 1 (pads) has ", pads.size(), " elements, expected ", 2 * rank);
  if (r.has_input(2)) {
    if (r.type(2) != r.type(0))
      r.fail(errc::bad_field, "input 2 (constant_value) has another element type than input 0");
    if (element_count(r.shape(2)) != 1)
      r.fail(errc::bad_shape, "input 2 (constant_value) has shape ", to_string(r.shape(2)), ", expected a scalar");
  }
  if (r.failed()) return r.error();
  extents shape(rank), before(rank);
  std::optional<strided_copy> hook;
  if (mode == padding_mode::constant && r.type(0) == element_type::float32 && (!r.has_input(2) || r.is_constant(2)))
    hook.emplace();
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t a = pads[i], b = pads[rank + i];
    if (a < -max_extent || a > max_extent || b < -max_extent || b > max_extent || input[i] + a + b < 0)
      r.fail(errc::bad_field, "pads ", a, " and ", b, " do not fit axis ", i, " of input 0, shape ", to_string(input));
    else if (mode == padding_mode::reflect && (a >= input[i] || b >= input[i]) && (a > 0 || b > 0))
      r.fail(errc::bad_field, "pads ", a, " and ", b, " of axis ", i, " must be less than its extent of ", input[i],
             " to reflect");
    else if (mode == padding_mode::edge && input[i] == 0 && (a > 0 || b > 0))
      r.fail(errc::bad_field, "axis ", i, " of input 0 has no elements to repeat");
    if (r.failed()) return r.error();
    shape[i] = input[i] + a + b;
    before[i] = a;
    if (a < 0 || b < 0) hook.reset();
    if (hook) hook->axes.push_back({a, 0, 1, input[i]});
  }
  if (r.failed() || !admit(r, shape)) return r.error();
  if (hook) hook->fill = r.has_input(2) ? *r.constant(2).floats : 0.0F;
  return finish<pad>(r, tensor_type{r.type(0), std::move(shape)}, input, std::move(before), mode, std::move(hook));
}

} // namespace aecnn::nn::detail
