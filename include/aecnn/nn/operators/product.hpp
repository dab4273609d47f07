// Gemm (y = alpha A B + beta C) and MatMul (batched, broadcasting, vectors). A row of y is a sum of rows of B, or,
// where B is transposed, each element is one dot product; both run over contiguous memory. A Gemm with constant,
// transposed B is also a 1x1 convolution (as_convolution). Cost: M * N * K multiply-adds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/nn/operators/broadcasting.hpp>
#include <aecnn/nn/operators/common.hpp>
#include <aecnn/nn/operators/loops.hpp>

namespace aecnn::nn::detail {

/// The dot product in 16 independent sums, two blocks at a time.
inline float dot(const float* a, const float* b, std::size_t n) noexcept {
  float sums[vector_block] = {};
  std::size_t i = 0;
  for (; i + vector_block <= n; i += vector_block)
    for (std::size_t j = 0; j < vector_block; ++j) sums[j] += a[i + j] * b[i + j];
  float total = 0;
  for (; i < n; ++i) total += a[i] * b[i];
  for (std::size_t width = vector_block / 2; width > 0; width /= 2)
    for (std::size_t j = 0; j < width; ++j) sums[j] += sums[j + width];
  return total + sums[0];
}

/// y += factor * x
inline void accumulate(const float* x, float* y, std::size_t n, float factor) noexcept {
  zip_row(x, y, y, n, [factor](float u, float v) { return factor * u + v; });
}

class gemm final : public operation {
public:
  struct form {
    std::size_t m = 0, n = 0, k = 0;
    bool a_transposed = false, b_transposed = false;
    float alpha = 1, beta = 1;
    std::int64_t row = 0, column = 0; ///< strides of C
  };
  gemm(extents out, const form& f, const convolution& c)
      : operation(one(floats(std::move(out)))), form_(f), convolution_(c) {}
  const convolution* as_convolution() const override {
    return convolution_.weights == nullptr ? nullptr : &convolution_;
  }
  std::size_t workspace() const override { return form_.a_transposed ? form_.k : 0; }
  std::uint64_t multiply_adds() const override { return std::uint64_t{form_.m} * form_.n * form_.k; }
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out,
           float* workspace) const noexcept override {
    const form& f = form_;
    const float* bias = in.size() > 2 ? in[2].floats : nullptr;
    for (std::size_t i = 0; i < f.m; ++i) {
      const float* a = in[0].floats + i * f.k;
      if (f.a_transposed) {
        for (std::size_t k = 0; k < f.k; ++k) workspace[k] = in[0].floats[k * f.m + i];
        a = workspace;
      }
      float* y = out[0].floats + i * f.n;
      if (bias == nullptr) {
        for (std::size_t j = 0; j < f.n; ++j) y[j] = 0;
      } else {
        const float* c = bias + static_cast<std::int64_t>(i) * f.row;
        for (std::size_t j = 0; j < f.n; ++j) y[j] = f.beta * c[static_cast<std::int64_t>(j) * f.column];
      }
      if (f.b_transposed)
        for (std::size_t j = 0; j < f.n; ++j) y[j] += f.alpha * dot(a, in[1].floats + j * f.k, f.k);
      else
        for (std::size_t k = 0; k < f.k; ++k) accumulate(in[1].floats + k * f.n, y, f.n, f.alpha * a[k]);
    }
  }

private:
  form form_;
  convolution convolution_;
};

inline made_operation make_gemm(node_reader& r) {
  expect(r, 2, 3, {"alpha", "beta", "transA", "transB"});
  gemm::form f;
  f.alpha = r.number("alpha", 1);
  f.beta = r.number("beta", 1);
  f.a_transposed = r.integer("transA", 0, INT64_MIN, INT64_MAX) != 0;
  f.b_transposed = r.integer("transB", 0, INT64_MIN, INT64_MAX) != 0;
  expect_floats(r, 0, 2);
  r.expect_rank(0, 2, 2);
  r.expect_rank(1, 2, 2);
  if (r.failed() || !admit(r, r.shape(0)) || !admit(r, r.shape(1))) return r.error();
  const extents &a = r.shape(0), &b = r.shape(1);
  const std::int64_t m = a[f.a_transposed ? 1 : 0], k = a[f.a_transposed ? 0 : 1];
  const std::int64_t n = b[f.b_transposed ? 0 : 1];
  if (b[f.b_transposed ? 1 : 0] != k)
    r.fail(errc::bad_shape, "inputs of shapes ", to_string(a), " and ", to_string(b), " have no product");
  const extents shape{m, n};
  if (r.failed() || !admit(r, shape)) return r.error();
  if (r.has_input(2)) {
    if (r.rank(2) > 2 || broadcast_shape(r, r.shape(2), shape) != shape)
      r.fail(errc::bad_shape, "input 2 has shape ", to_string(r.shape(2)), ", expected one that broadcasts to ",
             to_string(shape));
    if (r.failed()) return r.error();
    const extents stride = broadcast_strides(r.shape(2), shape);
    f.row = stride[0];
    f.column = stride[1];
  }
  f.m = static_cast<std::size_t>(m);
  f.n = static_cast<std::size_t>(n);
  f.k = static_cast<std::size_t>(k);
  convolution c;
  const bool bias_fits = !r.has_input(2) || (r.is_constant(2) && f.beta == 1 && element_count(r.shape(2)) == f.n &&
                                             (f.column == 1 || f.n == 1));
  if (!f.a_transposed && f.b_transposed && f.alpha == 1 && bias_fits && r.is_constant(1) && f.k != 0 && f.n != 0) {
    c.inputs = f.k;
    c.outputs = f.n;
    c.weights = r.constant(1).floats;
    c.bias = r.constant(2).floats;
  }
  return finish<gemm>(r, shape, f, c);
}

class matrix_product final : public operation {
public:
  matrix_product(extents out, std::size_t m, std::size_t n, std::size_t k, const loops<2>& batch)
      : operation(one(floats(std::move(out)))), m_(m), n_(n), k_(k), batch_(batch) {}
  std::uint64_t multiply_adds() const override { return element_count(outputs()[0].shape) * std::uint64_t{k_}; }
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    float* y = out[0].floats;
    if (element_count(outputs()[0].shape) == 0) return;
    batch_.rows([&](const loops<2>::offsets& at) {
      for (std::size_t i = 0; i < batch_.row(); ++i) {
        const std::int64_t step = static_cast<std::int64_t>(i);
        multiply(in[0].floats + at[0] + step * batch_.step(0), in[1].floats + at[1] + step * batch_.step(1), y);
        y += m_ * n_;
      }
    });
  }

private:
  void multiply(const float* a, const float* b, float* y) const noexcept {
    for (std::size_t i = 0; i < m_; ++i, a += k_, y += n_) {
      if (n_ == 1) {
        *y = dot(a, b, k_);
        continue;
      }
      for (std::size_t j = 0; j < n_; ++j) y[j] = 0;
      for (std::size_t k = 0; k < k_; ++k) accumulate(b + k * n_, y, n_, a[k]);
    }
  }

  std::size_t m_, n_, k_;
  loops<2> batch_;
};

inline made_operation make_matrix_product(node_reader& r) {
  expect(r, 2, 2, {});
  expect_floats(r, 0, 1);
  r.expect_rank(0, 1, static_cast<std::int64_t>(max_rank));
  r.expect_rank(1, 1, static_cast<std::int64_t>(max_rank));
  if (r.failed() || !admit(r, r.shape(0)) || !admit(r, r.shape(1))) return r.error();
  extents a = r.shape(0), b = r.shape(1);
  const bool row = a.size() == 1, column = b.size() == 1;
  if (row) a.insert(a.begin(), 1);
  if (column) b.push_back(1);
  const std::int64_t m = a[a.size() - 2], k = a.back(), n = b.back();
  if (b[b.size() - 2] != k) {
    r.fail(errc::bad_shape, "inputs of shapes ", to_string(r.shape(0)), " and ", to_string(r.shape(1)),
           " have no product");
    return r.error();
  }
  a.resize(a.size() - 2);
  b.resize(b.size() - 2);
  const extents batch = broadcast_shape(r, a, b);
  extents shape = batch;
  if (!row) shape.push_back(m);
  if (!column) shape.push_back(n);
  if (r.failed() || !admit(r, shape)) return r.error();
  // Strides of whole matrices. Without batch axes the loops run once, with a step that is not used.
  extents stride_a = broadcast_strides(a, batch), stride_b = broadcast_strides(b, batch);
  for (std::int64_t& s : stride_a) s *= m * k;
  for (std::int64_t& s : stride_b) s *= k * n;
  const loops<2> l(batch, std::array<extents, 2>{std::move(stride_a), std::move(stride_b)});
  return finish<matrix_product>(r, std::move(shape), static_cast<std::size_t>(m), static_cast<std::size_t>(n),
                                static_cast<std::size_t>(k), l);
}

} // namespace aecnn::nn::detail
