// MaxPool and AveragePool on [N,C,L] and [N,C,H,W], and the global pools. Padding never wins a maximum; it counts in an
// average only with count_include_pad, and then only as far as the declared pads reach (not where ceil_mode reaches
// beyond them). Cost: taps operations an output pixel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include <aecnn/nn/operators/arithmetic.hpp>
#include <aecnn/nn/operators/common.hpp>
#include <aecnn/nn/operators/window.hpp>

namespace aecnn::nn::detail {

class sliding_pool final : public operation {
public:
  sliding_pool(extents out, const pooling& p, const plane& input)
      : operation(one(floats(std::move(out)))), pooling_(p), input_(input) {}
  const pooling* as_pooling() const override { return &pooling_; }
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    const extents& shape = outputs()[0].shape;
    const plane output = plane_of(shape);
    const std::size_t planes = product(shape, 0, 2);
    const float* x = in[0].floats;
    float* y = out[0].floats;
    for (std::size_t n = 0; n < planes; ++n, x += input_.extent[0] * input_.extent[1])
      for (std::int64_t row = 0; row < output.extent[0]; ++row, y += output.extent[1]) {
        if (pooling_.maximum)
          maximum_row(x, y, row, output.extent[1]);
        else
          average_row(x, y, row, output.extent[1]);
      }
  }

private:
  /// Calls f(row of the input, offset of the tap, the outputs it reaches) for each tap.
  template <class Function>
  void taps_of(const float* x, std::int64_t row, std::int64_t columns, Function f) const noexcept {
    const window& a = pooling_.area;
    for (std::int64_t i = 0; i < a.kernel[0]; ++i) {
      const std::int64_t y = row * a.strides[0] + i * a.dilations[0] - a.before[0];
      if (y < 0 || y >= input_.extent[0]) continue;
      for (std::int64_t j = 0; j < a.kernel[1]; ++j) {
        const std::int64_t left = j * a.dilations[1] - a.before[1];
        f(x + y * input_.extent[1] + left, inside(left, a.strides[1], input_.extent[1], columns));
      }
    }
  }
  void maximum_row(const float* x, float* y, std::int64_t row, std::int64_t columns) const noexcept {
    const std::int64_t stride = pooling_.area.strides[1];
    for (std::int64_t o = 0; o < columns; ++o) y[o] = -std::numeric_limits<float>::infinity();
    taps_of(x, row, columns, [=](const float* from, const range& c) {
      for (std::int64_t o = c.first; o < c.last; ++o) y[o] = detail::maximum(y[o], from[o * stride]);
    });
  }
  void average_row(const float* x, float* y, std::int64_t row, std::int64_t columns) const noexcept {
    const std::int64_t stride = pooling_.area.strides[1];
    for (std::int64_t o = 0; o < columns; ++o) y[o] = 0;
    taps_of(x, row, columns, [=](const float* from, const range& c) {
      for (std::int64_t o = c.first; o < c.last; ++o) y[o] += from[o * stride];
    });
    const std::int64_t height = counted(0, row);
    for (std::int64_t o = 0; o < columns; ++o) y[o] /= static_cast<float>(height * counted(1, o));
  }
  /// Pixels along an axis that count in the divisor of output o.
  std::int64_t counted(std::size_t axis, std::int64_t o) const noexcept {
    const window& a = pooling_.area;
    std::int64_t first = o * a.strides[axis] - a.before[axis], last = first + a.kernel[axis];
    const std::int64_t least = pooling_.count_padding ? -a.before[axis] : 0;
    const std::int64_t most = input_.extent[axis] + (pooling_.count_padding ? a.after[axis] : 0);
    first = first < least ? least : first;
    last = last > most ? most : last;
    return last - first;
  }

  pooling pooling_;
  plane input_;
};

inline made_operation finish_pool(node_reader& r, bool maximum) {
  r.expect_float(0);
  r.expect_rank(0, 3, 4);
  const bool ceiling = r.integer("ceil_mode", 0, 0, 1) != 0;
  pooling p;
  p.maximum = maximum;
  p.count_padding = r.integer("count_include_pad", 0, 0, 1) != 0;
  const auto_padding mode = read_auto_padding(r);
  if (r.failed()) return r.error();
  const plane input = plane_of(r.shape(0));
  p.area = read_window(r, input.axes, {});
  resolve_padding(p.area, mode, input.extent);
  if (input.axes == 1) p.area.before[0] = p.area.after[0] = 0;
  std::int64_t extent[2] = {1, 1};
  for (std::size_t i = 0; i < 2; ++i) {
    if (p.area.before[i] >= span_of(p.area, i) || p.area.after[i] >= span_of(p.area, i))
      r.fail(errc::bad_field, "attribute 'pads' has ", p.area.before[i], " and ", p.area.after[i],
             ", expected less than the kernel, which spans ", span_of(p.area, i));
    extent[i] = positions(r, p.area, i, input.extent[i], ceiling);
  }
  extents shape = plane_shape(r.shape(0)[0], r.shape(0)[1], input.axes, extent);
  if (!admit(r, shape)) return r.error();
  return finish<sliding_pool>(r, std::move(shape), p, input);
}

inline made_operation make_max_pool(node_reader& r) {
  if (r.output_count() == 2) r.fail(errc::unsupported, "output 1 (Indices) is not supported");
  expect(r, 1, 1, {"auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides"});
  r.integer("storage_order", 0, 0, 1); // only the order of the indices
  return finish_pool(r, true);
}

inline made_operation make_average_pool(node_reader& r) {
  expect(r, 1, 1, {"auto_pad", "ceil_mode", "count_include_pad", "kernel_shape", "pads", "strides"});
  return finish_pool(r, false);
}

/// The sum of a row in 16 independent sums.
inline float sum_row(const float* x, std::size_t n) noexcept {
  float sums[vector_block] = {};
  std::size_t i = 0;
  for (; i + vector_block <= n; i += vector_block)
    for (std::size_t j = 0; j < vector_block; ++j) sums[j] += x[i + j];
  float total = 0;
  for (; i < n; ++i) total += x[i];
  for (std::size_t width = vector_block / 2; width > 0; width /= 2)
    for (std::size_t j = 0; j < width; ++j) sums[j] += sums[j + width];
  return total + sums[0];
}
/// The largest of a row, -infinity where it is empty; NaN where it holds one.
inline float maximum_of_row(const float* x, std::size_t n) noexcept {
  float largest[vector_block];
  for (float& v : largest) v = -std::numeric_limits<float>::infinity();
  std::size_t i = 0;
  for (; i + vector_block <= n; i += vector_block)
    for (std::size_t j = 0; j < vector_block; ++j) largest[j] = maximum(largest[j], x[i + j]);
  float y = -std::numeric_limits<float>::infinity();
  for (; i < n; ++i) y = maximum(y, x[i]);
  for (const float v : largest) y = maximum(y, v);
  return y;
}

class global_pool final : public operation {
public:
  global_pool(extents out, std::size_t area, bool maximum, std::optional<pooling> p)
      : operation(one(floats(std::move(out)))), area_(area), maximum_(maximum), pooling_(p) {}
  const pooling* as_pooling() const override { return pooling_ ? &*pooling_ : nullptr; }
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    const std::size_t planes = element_count(outputs()[0].shape);
    const float divisor = static_cast<float>(area_);
    for (std::size_t n = 0; n < planes; ++n) {
      const float* x = in[0].floats + n * area_;
      out[0].floats[n] = maximum_ ? maximum_of_row(x, area_) : sum_row(x, area_) / divisor;
    }
  }

private:
  std::size_t area_;
  bool maximum_;
  std::optional<pooling> pooling_;
};

template <bool Maximum>
made_operation make_global_pool(node_reader& r) {
  expect(r, 1, 1, {});
  r.expect_float(0);
  r.expect_rank(0, 3, static_cast<std::int64_t>(max_rank));
  if (r.failed()) return r.error();
  const extents& x = r.shape(0);
  if (!admit(r, x)) return r.error();
  const std::size_t area = product(x, 2, x.size());
  if (area == 0) r.fail(errc::bad_shape, "input 0 has shape ", to_string(x), ", without elements");
  std::optional<pooling> hook;
  if (x.size() <= 4 && x.back() <= window_limit && x[2] <= window_limit) {
    hook.emplace();
    hook->maximum = Maximum;
    const plane p = plane_of(x);
    for (std::size_t i = 0; i < 2; ++i) hook->area.kernel[i] = p.extent[i];
  }
  extents shape(x.size(), 1);
  shape[0] = x[0];
  shape[1] = x[1];
  return finish<global_pool>(r, std::move(shape), area, Maximum, hook);
}

} // namespace aecnn::nn::detail
