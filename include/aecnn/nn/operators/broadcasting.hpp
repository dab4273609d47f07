// Broadcasting as in NumPy: shapes are aligned at the right, an extent of 1 is repeated. And element-wise loops over
// two rows that vectorise with plain -O2.
#pragma once

#include <cstddef>
#include <cstdint>

#include <aecnn/nn/operators/common.hpp>
#include <aecnn/nn/operators/loops.hpp>

namespace aecnn::nn::detail {

/// The shape that two shapes broadcast to; errc::bad_shape where they do not.
inline extents broadcast_shape(node_reader& r, const extents& a, const extents& b) {
  const extents& longer = a.size() >= b.size() ? a : b;
  const extents& shorter = a.size() >= b.size() ? b : a;
  extents out = longer;
  const std::size_t lead = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    std::int64_t& extent = out[i + lead];
    if (extent == 1)
      extent = shorter[i];
    else if (shorter[i] != 1 && shorter[i] != extent) {
      r.fail(errc::bad_shape, "shapes ", to_string(a), " and ", to_string(b), " do not broadcast");
      return {};
    }
  }
  return out;
}

/// The inputs' common type; a failure where they differ.
inline element_type common_type(node_reader& r, std::size_t first, std::size_t last) {
  for (std::size_t i = first + 1; i <= last; ++i)
    if (r.type(i) != r.type(first))
      r.fail(errc::bad_field, "input ", i, " holds ", r.type(i) == element_type::float32 ? "floats" : "integers",
             ", input ", first, " does not");
  return r.type(first);
}

/// Elements that a loop of known length handles at once, which compilers turn into vector instructions at -O2 too.
inline constexpr std::size_t vector_block = 16;

/// y[i] = f(x[i]); x may be y.
template <class T, class Function>
void map_row(const T* x, T* y, std::size_t n, Function f) noexcept {
  std::size_t i = 0;
  for (; i + vector_block <= n; i += vector_block) {
    T block[vector_block];
    for (std::size_t j = 0; j < vector_block; ++j) block[j] = f(x[i + j]);
    for (std::size_t j = 0; j < vector_block; ++j) y[i + j] = block[j];
  }
  for (; i < n; ++i) y[i] = f(x[i]);
}

/// y[i] = f(a[i], b[i]); y may be a or b.
template <class T, class Result, class Function>
void zip_row(const T* a, const T* b, Result* y, std::size_t n, Function f) noexcept {
  std::size_t i = 0;
  for (; i + vector_block <= n; i += vector_block) {
    Result block[vector_block];
    for (std::size_t j = 0; j < vector_block; ++j) block[j] = f(a[i + j], b[i + j]);
    for (std::size_t j = 0; j < vector_block; ++j) y[i + j] = block[j];
  }
  for (; i < n; ++i) y[i] = f(a[i], b[i]);
}

/// y = f(a, b) with broadcasting.
template <class T, class Result, class Function>
void zip(const T* a, const T* b, Result* y, const loops<2>& l, Function f) noexcept {
  const std::size_t n = l.row();
  const std::int64_t step_a = l.step(0), step_b = l.step(1);
  l.rows([&](const loops<2>::offsets& at) {
    const T* p = a + at[0];
    const T* q = b + at[1];
    if (step_a == 1 && step_b == 1) {
      zip_row(p, q, y, n, f);
    } else if (step_a == 1) {
      const T v = *q;
      zip_row(p, p, y, n, [v, f](T u, T) { return f(u, v); });
    } else if (step_b == 1) {
      const T u = *p;
      zip_row(q, q, y, n, [u, f](T v, T) { return f(u, v); });
    } else {
      const Result v = f(*p, *q);
      for (std::size_t i = 0; i < n; ++i) y[i] = v;
    }
    y += n;
  });
}

} // namespace aecnn::nn::detail
