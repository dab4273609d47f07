// ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceProd, ReduceSumSquare, ReduceL1 and ReduceL2 over any axes; sum,
// mean, maximum, minimum and product also of integers. One pass over the input in the order of memory. Cost: one
// operation a element.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/nn/operators/arithmetic.hpp>
#include <aecnn/nn/operators/common.hpp>
#include <aecnn/nn/operators/loops.hpp>
#include <aecnn/nn/operators/shape.hpp>

namespace aecnn::nn::detail {

enum class reduction : std::uint8_t { sum, mean, maximum, minimum, product, square_sum, absolute_sum, norm };

class reduce final : public operation {
public:
  /// Operand 0 of the loops is the input, operand 1 the output, whose stride is 0 along reduced axes.
  reduce(tensor_type out, reduction kind, std::size_t count, const loops<2>& l)
      : operation(one(std::move(out))), kind_(kind), count_(count), loops_(l) {}
  std::uint64_t multiply_adds() const override { return count_ * element_count(outputs()[0].shape); }
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    with_elements(outputs()[0].type, [&](auto zero) {
      using element = decltype(zero);
      apply(elements<element>(in[0]), elements<element>(out[0]));
    });
  }

private:
  template <class T>
  static T plus(T a, T b) noexcept {
    if constexpr (std::same_as<T, float>)
      return a + b;
    else
      return wrap(bits(a) + bits(b));
  }
  template <class T>
  static T times(T a, T b) noexcept {
    if constexpr (std::same_as<T, float>)
      return a * b;
    else
      return wrap(bits(a) * bits(b));
  }
  template <class T>
  void apply(const T* x, T* y) const noexcept {
    using bounds = std::numeric_limits<T>;
    const T largest = bounds::has_infinity ? bounds::infinity() : bounds::max();
    const T lowest = bounds::has_infinity ? -bounds::infinity() : bounds::lowest();
    const auto same = [](T v) { return v; };
    const auto sum = [](T a, T b) { return plus(a, b); };
    switch (kind_) {
    case reduction::sum:
      return pass(x, y, T{0}, same, sum);
    case reduction::mean:
      pass(x, y, T{0}, same, sum);
      return finish_all(y, [n = count_](T v) {
        if constexpr (std::same_as<T, float>)
          return v / static_cast<float>(n);
        else
          return integer_quotient(v, static_cast<std::int64_t>(n));
      });
    case reduction::maximum:
      return pass(x, y, lowest, same, [](T a, T b) { return detail::maximum(a, b); });
    case reduction::minimum:
      return pass(x, y, largest, same, [](T a, T b) { return detail::minimum(a, b); });
    case reduction::product:
      return pass(x, y, T{1}, same, [](T a, T b) { return times(a, b); });
    case reduction::square_sum:
      return pass(
          x, y, T{0}, [](T v) { return times(v, v); }, sum);
    case reduction::absolute_sum:
      return pass(
          x, y, T{0}, [](T v) { return v < 0 ? times(v, T{-1}) : v; }, sum);
    case reduction::norm:
      pass(
          x, y, T{0}, [](T v) { return times(v, v); }, sum);
      return finish_all(y, [](T v) {
        if constexpr (std::same_as<T, float>)
          return std::sqrt(v);
        else
          return to_integer(std::sqrt(static_cast<double>(v)));
      });
    }
  }
  /// y = join(y, term(x)) over all elements, from `start`.
  template <class T, class Term, class Join>
  void pass(const T* x, T* y, T start, Term term, Join join) const noexcept {
    const std::size_t size = element_count(outputs()[0].shape), n = loops_.row();
    for (std::size_t i = 0; i < size; ++i) y[i] = start;
    const bool along = loops_.step(1) == 0;
    loops_.rows([&](const loops<2>::offsets& at) {
      const T* from = x + at[0];
      T* to = y + at[1];
      if (along)
        *to = join(*to, folded(from, n, start, term, join));
      else
        zip_row(to, from, to, n, [term, join](T a, T b) { return join(a, term(b)); });
    });
  }
  /// A row joined in 16 independent parts.
  template <class T, class Term, class Join>
  static T folded(const T* x, std::size_t n, T start, Term term, Join join) noexcept {
    T parts[vector_block];
    for (T& p : parts) p = start;
    std::size_t i = 0;
    for (; i + vector_block <= n; i += vector_block)
      for (std::size_t j = 0; j < vector_block; ++j) parts[j] = join(parts[j], term(x[i + j]));
    T y = start;
    for (; i < n; ++i) y = join(y, term(x[i]));
    for (const T p : parts) y = join(y, p);
    return y;
  }
  template <class T, class Function>
  void finish_all(T* y, Function f) const noexcept {
    map_row(y, y, element_count(outputs()[0].shape), f);
  }

  reduction kind_;
  std::size_t count_;
  loops<2> loops_;
};

template <reduction Kind>
made_operation make_reduce(node_reader& r) {
  expect(r, 1, 2, {"axes", "keepdims", "noop_with_empty_axes"});
  const bool keep = r.integer("keepdims", 1, 0, 1) != 0, nothing = r.integer("noop_with_empty_axes", 0, 0, 1) != 0;
  if (r.failed() || !admit(r, r.shape(0))) return r.error();
  const extents& x = r.shape(0);
  bool given = false;
  std::vector<bool> marks = read_axes(r, r.rank(0), given);
  if (!given) marks.assign(x.size(), !nothing);
  extents shape, kept = x;
  std::size_t count = 1;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (marks[i]) {
      count *= static_cast<std::size_t>(x[i]);
      kept[i] = 1;
    }
    if (!marks[i] || keep) shape.push_back(kept[i]);
  }
  if (count == 0 && Kind != reduction::sum && Kind != reduction::product)
    r.fail(errc::bad_shape, "input 0 has shape ", to_string(x), ", without elements to reduce");
  if (r.failed() || !admit(r, shape)) return r.error();
  const loops<2> l(x, std::array<extents, 2>{contiguous_strides(x), broadcast_strides(kept, x)});
  return finish<reduce>(r, tensor_type{r.type(0), std::move(shape)}, Kind, count, l);
}

} // namespace aecnn::nn::detail
