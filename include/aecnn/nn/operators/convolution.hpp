// Conv and ConvTranspose, one- and two-dimensional, any groups, strides, dilations and padding, in the direct form:
// each tap adds a scaled row of the input to a row of the output. This is the reference; a network whose weights are
// constants runs them on the library's channels-last kernels (as_convolution). Cost: M * C / groups * taps
// multiply-adds an output pixel (ConvTranspose: an input pixel).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/nn/operators/common.hpp>
#include <aecnn/nn/operators/window.hpp>

namespace aecnn::nn::detail {

class direct_convolution final : public operation {
public:
  /// `input` is the input's plane. `c.weights` is null where the weights are computed.
  direct_convolution(extents out, const convolution& c, const plane& input)
      : operation(one(floats(std::move(out)))), convolution_(c), input_(input) {}

  const convolution* as_convolution() const override {
    return convolution_.weights == nullptr ? nullptr : &convolution_;
  }
  std::uint64_t multiply_adds() const override {
    const convolution& c = convolution_;
    const plane output = plane_of(outputs()[0].shape);
    const plane& p = c.transposed ? input_ : output;
    const auto u = [](std::int64_t v) { return static_cast<std::uint64_t>(v); };
    return u(outputs()[0].shape[0]) * u(p.extent[0] * p.extent[1]) * u(taps(c.area)) * (c.inputs / c.groups) *
           c.outputs;
  }
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    const plane output = plane_of(outputs()[0].shape);
    const std::int64_t in_area = input_.extent[0] * input_.extent[1], area = output.extent[0] * output.extent[1];
    const std::int64_t inputs = static_cast<std::int64_t>(convolution_.inputs);
    const std::int64_t channels = static_cast<std::int64_t>(convolution_.outputs);
    const std::int64_t groups = static_cast<std::int64_t>(convolution_.groups);
    const std::int64_t group_inputs = inputs / groups, group_outputs = channels / groups;
    const std::int64_t kernel = taps(convolution_.area), batch = outputs()[0].shape[0];
    const float* bias = in.size() > 2 ? in[2].floats : nullptr;
    for (std::int64_t n = 0; n < batch; ++n) {
      for (std::int64_t m = 0; m < channels; ++m) {
        float* y = out[0].floats + (n * channels + m) * area;
        const float start = bias != nullptr ? bias[m] : 0.0F;
        for (std::int64_t i = 0; i < area; ++i) y[i] = start;
        const std::int64_t group = m / group_outputs;
        for (std::int64_t i = 0; i < group_inputs; ++i) {
          const std::int64_t c = group * group_inputs + i;
          const float* x = in[0].floats + (n * inputs + c) * in_area;
          if (convolution_.transposed)
            scatter(x, in[1].floats + (c * group_outputs + m % group_outputs) * kernel, y, output);
          else
            gather(x, in[1].floats + (m * group_inputs + i) * kernel, y, output);
        }
      }
    }
  }

private:
  /// y[o] += w[tap] * x[o * stride + tap * dilation - before]
  void gather(const float* x, const float* w, float* y, const plane& output) const noexcept {
    const window& a = convolution_.area;
    for (std::int64_t i = 0; i < a.kernel[0]; ++i) {
      const std::int64_t top = i * a.dilations[0] - a.before[0];
      const range rows = inside(top, a.strides[0], input_.extent[0], output.extent[0]);
      for (std::int64_t j = 0; j < a.kernel[1]; ++j) {
        const std::int64_t left = j * a.dilations[1] - a.before[1];
        const range columns = inside(left, a.strides[1], input_.extent[1], output.extent[1]);
        const float weight = w[i * a.kernel[1] + j];
        for (std::int64_t row = rows.first; row < rows.last; ++row) {
          const float* from = x + (row * a.strides[0] + top) * input_.extent[1] + left;
          float* to = y + row * output.extent[1];
          if (a.strides[1] == 1)
            for (std::int64_t o = columns.first; o < columns.last; ++o) to[o] += weight * from[o];
          else
            for (std::int64_t o = columns.first; o < columns.last; ++o) to[o] += weight * from[o * a.strides[1]];
        }
      }
    }
  }
  /// y[i * stride + tap * dilation - before] += w[tap] * x[i]
  void scatter(const float* x, const float* w, float* y, const plane& output) const noexcept {
    const window& a = convolution_.area;
    for (std::int64_t i = 0; i < a.kernel[0]; ++i) {
      const std::int64_t top = i * a.dilations[0] - a.before[0];
      const range rows = inside(top, a.strides[0], output.extent[0], input_.extent[0]);
      for (std::int64_t j = 0; j < a.kernel[1]; ++j) {
        const std::int64_t left = j * a.dilations[1] - a.before[1];
        const range columns = inside(left, a.strides[1], output.extent[1], input_.extent[1]);
        const float weight = w[i * a.kernel[1] + j];
        for (std::int64_t row = rows.first; row < rows.last; ++row) {
          const float* from = x + row * input_.extent[1];
          float* to = y + (row * a.strides[0] + top) * output.extent[1] + left;
          for (std::int64_t o = columns.first; o < columns.last; ++o) to[o * a.strides[1]] += weight * from[o];
        }
      }
    }
  }

  convolution convolution_;
  plane input_;
};

/// Reads what Conv and ConvTranspose share and checks input, weight and bias against another.
inline convolution read_convolution(node_reader& r, bool transposed) {
  convolution c;
  c.transposed = transposed;
  for (std::size_t i = 0; i < 3; ++i) r.expect_float(i);
  r.expect_rank(0, 3, 4);
  r.expect_rank(1, r.rank(0), r.rank(0));
  const std::int64_t groups = r.integer("group", 1, 1, max_extent);
  if (r.failed()) return c;
  const extents &x = r.shape(0), &w = r.shape(1);
  const std::int64_t inputs = transposed ? w[0] : w[1] * groups, outputs = transposed ? w[1] * groups : w[0];
  const std::int64_t divided = transposed ? inputs : outputs;
  if (w[0] < 1 || w[1] < 1 || w[0] > window_limit * window_limit || w[1] > window_limit * window_limit)
    r.fail(errc::bad_shape, "input 1 (weight) has shape ", to_string(w));
  else if (groups > window_limit * window_limit || divided % groups != 0)
    r.fail(errc::bad_field, "attribute 'group' is ", groups, ", which does not divide ", divided, " channels");
  else if (x[1] != inputs)
    r.fail(errc::bad_shape, "input 0 has ", x[1], " channels, the weight of shape ", to_string(w), " with ", groups,
           " groups expects ", inputs);
  else if (r.has_input(2) && (r.rank(2) != 1 || r.shape(2)[0] != outputs))
    r.fail(errc::bad_shape, "input 2 (bias) has shape ", to_string(r.shape(2)), ", expected [", outputs, "]");
  if (r.failed()) return c;
  c.inputs = static_cast<std::size_t>(inputs);
  c.outputs = static_cast<std::size_t>(outputs);
  c.groups = static_cast<std::size_t>(groups);
  c.area = read_window(r, w.size() - 2, std::span(w).subspan(2));
  if (r.is_constant(1) && (!r.has_input(2) || r.is_constant(2))) {
    c.weights = r.constant(1).floats;
    c.bias = r.constant(2).floats;
  }
  return c;
}

inline made_operation make_convolution(node_reader& r) {
  expect(r, 2, 3, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"});
  convolution c = read_convolution(r, false);
  const auto_padding mode = read_auto_padding(r);
  if (r.failed()) return r.error();
  const plane input = plane_of(r.shape(0));
  resolve_padding(c.area, mode, input.extent);
  if (input.axes == 1) c.area.before[0] = c.area.after[0] = 0;
  std::int64_t extent[2];
  for (std::size_t i = 0; i < 2; ++i) extent[i] = positions(r, c.area, i, input.extent[i], false);
  extents shape = plane_shape(r.shape(0)[0], static_cast<std::int64_t>(c.outputs), input.axes, extent);
  if (!admit(r, shape)) return r.error();
  return finish<direct_convolution>(r, std::move(shape), c, input);
}

/// The output's extents and pads of ConvTranspose. Afterwards
/// extent = stride * (input - 1) + span - before - after, where output_padding makes `after` smaller, also below 0.
inline void place_transposed(node_reader& r, window& w, const plane& input, std::int64_t (&extent)[2]) {
  const std::size_t axes = input.axes;
  const auto_padding mode = read_auto_padding(r);
  const std::vector<std::int64_t> added = r.integers("output_padding", axes, 0, 0, window_limit);
  const bool given = r.has_attribute("output_shape");
  std::vector<std::int64_t> wanted = given ? r.integer_list("output_shape", axes + 2, 1, max_extent) : extents(axes, 1);
  if (wanted.size() == axes + 2) wanted.erase(wanted.begin(), wanted.begin() + 2); // with batch and channels
  if (wanted.size() != axes)
    r.fail(errc::bad_field, "attribute 'output_shape' has ", wanted.size(), " elements, expected ", axes);
  if (r.failed()) return;
  for (std::size_t i = 2 - axes; i < 2; ++i) {
    const std::size_t k = i + axes - 2;
    if (input.extent[i] < 1) return r.fail(errc::bad_shape, "input 0 has shape ", to_string(r.shape(0)));
    if (added[k] >= w.strides[i] && added[k] >= w.dilations[i])
      r.fail(errc::bad_field, "attribute 'output_padding' is ", added[k],
             ", expected less than the stride or dilation");
    const std::int64_t full = w.strides[i] * (input.extent[i] - 1) + span_of(w, i);
    if (!given && mode != auto_padding::same_upper && mode != auto_padding::same_lower) {
      if (mode == auto_padding::valid) w.before[i] = w.after[i] = 0;
      w.after[i] -= added[k];
    } else {
      const std::int64_t target = given ? wanted[k] : input.extent[i] * w.strides[i];
      const std::int64_t missing = full + added[k] - target;
      const std::int64_t total = missing > 0 ? missing : 0;
      w.before[i] = mode == auto_padding::same_upper ? total / 2 : total - total / 2;
      w.after[i] = full - w.before[i] - target;
    }
    extent[i] = full - w.before[i] - w.after[i];
    if (extent[i] < 1)
      r.fail(errc::bad_shape, "pads leave an output of ", extent[i], " elements along spatial axis ", k);
  }
}

inline made_operation make_transposed_convolution(node_reader& r) {
  expect(r, 2, 3,
         {"auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape", "pads", "strides"});
  convolution c = read_convolution(r, true);
  if (r.failed()) return r.error();
  const plane input = plane_of(r.shape(0));
  std::int64_t extent[2] = {1, 1};
  place_transposed(r, c.area, input, extent);
  extents shape = plane_shape(r.shape(0)[0], static_cast<std::int64_t>(c.outputs), input.axes, extent);
  if (!admit(r, shape)) return r.error();
  return finish<direct_convolution>(r, std::move(shape), c, input);
}

} // namespace aecnn::nn::detail
