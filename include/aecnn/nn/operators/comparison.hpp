// Equal, Less, Greater and their like, And, Or, and Where. Truth values are integers, 0 or 1; comparisons with NaN are
// false.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <aecnn/nn/operators/arithmetic.hpp>
#include <aecnn/nn/operators/broadcasting.hpp>
#include <aecnn/nn/operators/common.hpp>
#include <aecnn/nn/operators/loops.hpp>

namespace aecnn::nn::detail {

enum class relation : std::uint8_t { equal, less, less_or_equal, greater, greater_or_equal, both, either };

class comparison final : public operation {
public:
  comparison(extents shape, element_type from, relation kind, const loops<2>& l)
      : operation(one(integers(std::move(shape)))), from_(from), kind_(kind), loops_(l) {}
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    with_elements(from_, [&](auto zero) {
      using element = decltype(zero);
      zip(elements<element>(in[0]), elements<element>(in[1]), out[0].integers, loops_,
          [kind = kind_](element a, element b) { return std::int64_t{holds(kind, a, b)}; });
    });
  }

private:
  template <class T>
  static bool holds(relation kind, T a, T b) noexcept {
    switch (kind) {
    case relation::equal:
      return a == b;
    case relation::less:
      return a < b;
    case relation::less_or_equal:
      return a <= b;
    case relation::greater:
      return a > b;
    case relation::greater_or_equal:
      return a >= b;
    case relation::both:
      return a != 0 && b != 0;
    case relation::either:
      return a != 0 || b != 0;
    }
    return false;
  }

  element_type from_;
  relation kind_;
  loops<2> loops_;
};

template <relation Kind>
made_operation make_comparison(node_reader& r) {
  expect(r, 2, 2, {});
  if (r.failed()) return r.error();
  const element_type type = common_type(r, 0, 1);
  extents shape = broadcast_shape(r, r.shape(0), r.shape(1));
  if (r.failed() || !admit(r, shape)) return r.error();
  const loops<2> l = binary_loops(r.shape(0), r.shape(1), shape);
  return finish<comparison>(r, std::move(shape), type, Kind, l);
}

/// x where the condition is not 0, else y.
class where final : public operation {
public:
  where(tensor_type out, const loops<3>& l) : operation(one(std::move(out))), loops_(l) {}
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    with_elements(outputs()[0].type, [&](auto zero) {
      using element = decltype(zero);
      const element *x = elements<element>(in[1]), *y = elements<element>(in[2]);
      element* to = elements<element>(out[0]);
      const std::int64_t n = static_cast<std::int64_t>(loops_.row());
      loops_.rows([&](const loops<3>::offsets& at) {
        for (std::int64_t i = 0; i < n; ++i)
          *to++ = in[0].integers[at[0] + i * loops_.step(0)] != 0 ? x[at[1] + i * loops_.step(1)]
                                                                  : y[at[2] + i * loops_.step(2)];
      });
    });
  }

private:
  loops<3> loops_;
};

inline made_operation make_where(node_reader& r) {
  expect(r, 3, 3, {});
  if (r.failed()) return r.error();
  if (r.type(0) != element_type::int64)
    r.fail(errc::bad_field, "input 0 (condition) holds floats, expected truth values");
  const element_type type = common_type(r, 1, 2);
  extents shape = broadcast_shape(r, r.shape(0), r.shape(1));
  if (!r.failed()) shape = broadcast_shape(r, shape, r.shape(2));
  if (r.failed() || !admit(r, shape)) return r.error();
  const loops<3> l(shape,
                   std::array<extents, 3>{broadcast_strides(r.shape(0), shape), broadcast_strides(r.shape(1), shape),
                                          broadcast_strides(r.shape(2), shape)});
  return finish<where>(r, tensor_type{type, std::move(shape)}, l);
}

} // namespace aecnn::nn::detail
