// Resize (opset 10 to 17) and Upsample (opset 9): nearest neighbour and linear interpolation along any axes, to
// constant sizes or by constant scales. Where an output element lies on the input is computed once an axis, in double:
//   half_pixel          (i + 0.5) / scale - 0.5
//   pytorch_half_pixel  the same, 0 where the output has one element
//   align_corners       i * (input - 1) / (output - 1)
//   asymmetric          i / scale
//   tf_half_pixel_for_nn (i + 0.5) / scale
// Cost: 2^k multiply-adds an output element for k interpolated axes.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <aecnn/nn/operators/common.hpp>
#include <aecnn/nn/operators/loops.hpp>

namespace aecnn::nn::detail {

enum class coordinates : std::uint8_t { half_pixel, pytorch_half_pixel, align_corners, asymmetric, half_pixel_nearest };
enum class rounding : std::uint8_t { prefer_floor, prefer_ceil, floor, ceil };

/// What an axis reads: (1 - weight) * x[low] + weight * x[high]; offsets are multiplied by the axis' stride.
struct resize_axis {
  std::vector<std::int64_t> low, high;
  std::vector<float> weight;
  bool interpolated = false;
};

/// The place of output i on the input. `length` is scale * input extent, which need not be whole.
inline double resize_coordinate(coordinates mode, double i, double scale, double input, double length) noexcept {
  switch (mode) {
  case coordinates::half_pixel:
    return (i + 0.5) / scale - 0.5;
  case coordinates::pytorch_half_pixel:
    return length > 1 ? (i + 0.5) / scale - 0.5 : 0;
  case coordinates::align_corners:
    return length == 1 ? 0 : i * (input - 1) / (length - 1);
  case coordinates::asymmetric:
    return i / scale;
  case coordinates::half_pixel_nearest:
    return (i + 0.5) / scale;
  }
  return 0;
}
inline double rounded(rounding mode, double x) noexcept {
  switch (mode) {
  case rounding::prefer_floor:
    return std::ceil(x - 0.5);
  case rounding::prefer_ceil:
    return std::floor(x + 0.5);
  case rounding::floor:
    return std::floor(x);
  case rounding::ceil:
    return std::ceil(x);
  }
  return x;
}

class resize final : public operation {
public:
  resize(extents out, std::vector<resize_axis> axes) : operation(one(floats(std::move(out)))), axes_(std::move(axes)) {}
  std::uint64_t multiply_adds() const override {
    std::uint64_t n = element_count(outputs()[0].shape);
    for (const resize_axis& a : axes_) n *= a.interpolated ? 2 : 1;
    return n;
  }
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    const extents& shape = outputs()[0].shape;
    float* y = out[0].floats;
    if (element_count(shape) == 0) return; // and there is at least one axis: no scales or sizes suit a scalar
    const std::size_t last = shape.size() - 1, columns = static_cast<std::size_t>(shape[last]);
    std::array<std::size_t, max_rank> index{};
    for (;;) {
      row(in[0].floats, y, last, columns, index);
      y += columns;
      std::size_t axis = last;
      do {
        if (axis == 0) return;
        index[axis] = 0; // the last axis has no index of its own: its 0 stays
        --axis;
      } while (++index[axis] == static_cast<std::size_t>(shape[axis]));
    }
  }

private:
  /// One row of the output: the weighted sum of the 2^k rows of the input around it.
  void row(const float* x, float* y, std::size_t last, std::size_t columns,
           const std::array<std::size_t, max_rank>& index) const noexcept {
    std::size_t interpolated = 0;
    for (std::size_t axis = 0; axis < last; ++axis) interpolated += axes_[axis].interpolated ? 1 : 0;
    bool first = true;
    for (std::size_t corner = 0; corner >> interpolated == 0; ++corner) {
      float weight = 1;
      std::int64_t at = 0;
      std::size_t bit = 0;
      for (std::size_t axis = 0; axis < last; ++axis) {
        const resize_axis& a = axes_[axis];
        const bool high = a.interpolated && (corner >> bit++ & 1) != 0;
        at += (high ? a.high : a.low)[index[axis]];
        if (a.interpolated) weight *= high ? a.weight[index[axis]] : 1 - a.weight[index[axis]];
      }
      if (weight == 0) continue; // also keeps an infinity outside from becoming NaN
      const resize_axis& a = axes_[last];
      const float* from = x + at;
      for (std::size_t i = 0; i < columns; ++i) {
        float v = from[a.low[i]];
        if (a.interpolated && a.weight[i] != 0) v = (1 - a.weight[i]) * v + a.weight[i] * from[a.high[i]];
        y[i] = first ? weight * v : y[i] + weight * v;
      }
      first = false;
    }
  }

  std::vector<resize_axis> axes_;
};

struct resize_options {
  coordinates place = coordinates::half_pixel;
  rounding nearest = rounding::prefer_floor;
  bool linear = false;
};

/// The table of one axis with at least one element.
inline resize_axis make_resize_axis(const resize_options& o, std::int64_t input, std::int64_t output, double scale,
                                    double length, std::int64_t stride) {
  resize_axis a;
  const std::size_t n = static_cast<std::size_t>(output);
  a.interpolated = o.linear && (input != output || scale != 1);
  a.low.resize(n);
  if (a.interpolated) {
    a.high.resize(n);
    a.weight.resize(n);
  }
  const double most = static_cast<double>(input - 1);
  const auto bounded = [most](double v) { return v >= most ? most : v > 0 ? v : 0.0; };
  for (std::size_t i = 0; i < n; ++i) {
    double at = static_cast<double>(i);
    if (input != output || scale != 1) at = resize_coordinate(o.place, at, scale, static_cast<double>(input), length);
    if (!a.interpolated) {
      a.low[i] = static_cast<std::int64_t>(bounded(o.linear ? at : rounded(o.nearest, at))) * stride;
      continue;
    }
    at = bounded(at);
    const double low = std::floor(at);
    a.low[i] = static_cast<std::int64_t>(low) * stride;
    a.high[i] = static_cast<std::int64_t>(bounded(low + 1)) * stride;
    a.weight[i] = static_cast<float>(at - low);
  }
  return a;
}

/// The scales (float input `i`) or the sizes (integer input `j`), whichever is there; then the operation.
inline made_operation finish_resize(node_reader& r, const resize_options& o, std::size_t scales_at,
                                    std::size_t sizes_at) {
  r.expect_float(0);
  const extents& x = r.shape(0);
  if (r.failed() || !admit(r, x)) return r.error();
  const auto filled = [&](std::size_t i) { return r.has_input(i) && element_count(r.shape(i)) != 0; };
  if (filled(scales_at) == filled(sizes_at))
    r.fail(filled(scales_at) ? errc::bad_field : errc::missing_field, "expected either scales or sizes");
  std::vector<double> scales(x.size(), 1);
  extents shape = x;
  if (!r.failed() && filled(scales_at)) {
    const std::span<const float> v = r.constant_floats(scales_at, "scales");
    if (v.size() != x.size()) r.fail(errc::bad_field, "has ", v.size(), " scales, expected ", x.size());
    for (std::size_t i = 0; i < x.size() && !r.failed(); ++i) {
      scales[i] = static_cast<double>(v[i]);
      if (!(v[i] > 0 && v[i] <= 65536)) r.fail(errc::bad_field, "scale ", i, " is ", v[i], ", expected 0 to 65536");
      // In float, as others do: 1.4 * 5 is then 7.
      if (!r.failed()) shape[i] = static_cast<std::int64_t>(std::floor(static_cast<float>(x[i]) * v[i]));
    }
  } else if (!r.failed()) {
    const std::span<const std::int64_t> v = r.constant_integers(sizes_at, "sizes");
    if (!r.failed() && v.size() != x.size()) r.fail(errc::bad_field, "has ", v.size(), " sizes, expected ", x.size());
    for (std::size_t i = 0; i < x.size() && !r.failed(); ++i) {
      if (v[i] < 1 || x[i] < 1)
        r.fail(errc::bad_field, "sizes ", to_string(v), " do not fit input 0 of shape ", to_string(x));
      shape[i] = v[i];
      scales[i] = static_cast<double>(v[i]) / static_cast<double>(x[i]);
    }
  }
  if (r.failed() || !admit(r, shape)) return r.error();
  const extents stride = contiguous_strides(x);
  std::vector<resize_axis> axes;
  axes.reserve(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] == 0 || shape[i] == 0)
      axes.emplace_back(); // the output has no elements
    else
      axes.push_back(make_resize_axis(o, x[i], shape[i], scales[i], scales[i] * static_cast<double>(x[i]), stride[i]));
  }
  return finish<resize>(r, std::move(shape), std::move(axes));
}

/// The position of the attribute's value in `known`; a failure, and 0, where it is none of them.
inline std::size_t read_choice(node_reader& r, std::string_view key, std::string_view otherwise,
                               std::initializer_list<std::string_view> known) {
  const std::string found = r.text(key, std::string(otherwise));
  std::size_t i = 0;
  for (const std::string_view k : known) {
    if (k == found) return i;
    ++i;
  }
  r.fail(errc::unsupported, "attribute '", key, "' is '", found, "', which is not supported");
  return 0;
}

inline made_operation make_resize(node_reader& r) {
  expect(r, 1, 4,
         {"coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside", "extrapolation_value", "mode",
          "nearest_mode", "opset"});
  resize_options o;
  o.linear = read_choice(r, "mode", "nearest", {"nearest", "linear"}) == 1;
  if (r.input_count() == 2) { // opset 10: X and scales
    o.place = coordinates::asymmetric;
    o.nearest = rounding::floor;
    return finish_resize(r, o, 1, 2);
  }
  o.place = static_cast<coordinates>(
      read_choice(r, "coordinate_transformation_mode", "half_pixel",
                  {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn"}));
  o.nearest = static_cast<rounding>(read_choice(r, "nearest_mode", "round_prefer_floor",
                                                {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}));
  r.integer("exclude_outside", 0, 0, 0);
  return finish_resize(r, o, 2, 3);
}

inline made_operation make_upsample(node_reader& r) {
  expect(r, 2, 2, {"mode"});
  resize_options o;
  const std::size_t mode = read_choice(r, "mode", "nearest", {"nearest", "linear", "bilinear"});
  o.linear = mode != 0;
  o.place = coordinates::asymmetric;
  o.nearest = rounding::floor;
  return finish_resize(r, o, 1, 2);
}

} // namespace aecnn::nn::detail
