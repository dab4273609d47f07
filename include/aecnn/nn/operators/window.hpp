// The sliding window of convolutions and pools on [N,C,L] or [N,C,H,W]: kernel_shape, strides, dilations, pads,
// auto_pad.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <aecnn/nn/operators/common.hpp>

namespace aecnn::nn::detail {

/// Largest kernel, stride, dilation or padding that is accepted: keeps every product below 2^63.
inline constexpr std::int64_t window_limit = 1 << 15;

/// Pixels that the dilated kernel spans along an axis.
inline std::int64_t span_of(const window& w, std::size_t axis) noexcept {
  return w.dilations[axis] * (w.kernel[axis] - 1) + 1;
}
inline std::int64_t taps(const window& w) noexcept { return w.kernel[0] * w.kernel[1]; }

enum class auto_padding : std::uint8_t { given, same_upper, same_lower, valid };

inline auto_padding read_auto_padding(node_reader& r) {
  const std::string mode = r.text("auto_pad", "NOTSET");
  if (mode == "SAME_UPPER") return auto_padding::same_upper;
  if (mode == "SAME_LOWER") return auto_padding::same_lower;
  if (mode == "VALID") return auto_padding::valid;
  if (mode != "NOTSET" && !mode.empty())
    r.fail(errc::bad_field, "attribute 'auto_pad' is '", mode, "', expected NOTSET, SAME_UPPER, SAME_LOWER or VALID");
  return auto_padding::given;
}

/// A pair (vertical, horizontal) from the attribute; for one axis the vertical member stays 1.
inline void read_pair(node_reader& r, std::string_view key, std::size_t axes, std::int64_t (&to)[2]) {
  const std::vector<std::int64_t> v = r.integers(key, axes, 1, 1, window_limit);
  for (std::size_t i = 0; i < axes; ++i) to[2 - axes + i] = v[i];
}

/// Reads the window; `kernel` are the weight's spatial extents, or empty where only the attribute tells them. Pads stay
/// unresolved where auto_pad is set.
inline window read_window(node_reader& r, std::size_t axes, std::span<const std::int64_t> kernel) {
  window w;
  if (kernel.empty()) {
    if (!r.has_attribute("kernel_shape")) r.fail(errc::missing_field, "attribute 'kernel_shape' is missing");
    read_pair(r, "kernel_shape", axes, w.kernel);
  } else {
    for (std::size_t i = 0; i < axes; ++i) {
      w.kernel[2 - axes + i] = kernel[i];
      if (kernel[i] < 1 || kernel[i] > window_limit)
        r.fail(errc::bad_shape, "kernel of ", to_string(kernel), ", expected extents of 1 to ", window_limit);
    }
    if (r.has_attribute("kernel_shape")) {
      const std::vector<std::int64_t> given = r.integers("kernel_shape", axes, 1, 1, window_limit);
      for (std::size_t i = 0; i < axes; ++i)
        if (given[i] != kernel[i])
          r.fail(errc::bad_shape, "attribute 'kernel_shape' is ", to_string(given), ", the weight's kernel is ",
                 to_string(kernel));
    }
  }
  read_pair(r, "strides", axes, w.strides);
  read_pair(r, "dilations", axes, w.dilations);
  const std::vector<std::int64_t> pads = r.integers("pads", 2 * axes, 0, 0, window_limit);
  for (std::size_t i = 0; i < axes; ++i) {
    w.before[2 - axes + i] = pads[i];
    w.after[2 - axes + i] = pads[axes + i];
  }
  return w;
}

/// Resolves auto_pad for an input of the given spatial extents (index 0 vertical). Explicit pads give way to auto_pad.
inline void resolve_padding(window& w, auto_padding mode, const std::int64_t (&extent)[2]) {
  if (mode == auto_padding::given) return;
  for (std::size_t i = 0; i < 2; ++i) {
    w.before[i] = w.after[i] = 0;
    if (mode == auto_padding::valid) continue;
    const std::int64_t wanted = (extent[i] + w.strides[i] - 1) / w.strides[i];
    const std::int64_t missing = (wanted - 1) * w.strides[i] + span_of(w, i) - extent[i];
    const std::int64_t total = missing > 0 ? missing : 0;
    w.before[i] = mode == auto_padding::same_upper ? total / 2 : total - total / 2;
    w.after[i] = total - w.before[i];
  }
}

/// Positions of the window along an axis; a failure where it does not fit. With `ceiling` a last window may reach over
/// the end of the padding, but must begin before it.
inline std::int64_t positions(node_reader& r, const window& w, std::size_t axis, std::int64_t extent, bool ceiling) {
  const std::int64_t room = extent + w.before[axis] + w.after[axis] - span_of(w, axis);
  if (room < 0) {
    r.fail(errc::bad_shape, "input 0 has shape ", to_string(r.shape(0)), ", smaller than the kernel, which spans ",
           span_of(w, 0), "x", span_of(w, 1));
    return 0;
  }
  const std::int64_t stride = w.strides[axis];
  std::int64_t n = (ceiling ? (room + stride - 1) / stride : room / stride) + 1;
  if (ceiling && (n - 1) * stride >= extent + w.before[axis]) --n;
  return n;
}

/// The spatial extents of [N,C,L] or [N,C,H,W]; the height of [N,C,L] is 1.
struct plane {
  std::int64_t extent[2] = {1, 1};
  std::size_t axes = 2;
};
inline plane plane_of(const extents& shape) {
  plane p;
  p.axes = shape.size() == 3 ? 1 : 2;
  p.extent[1] = shape.back();
  if (p.axes == 2) p.extent[0] = shape[2];
  return p;
}
/// [N,C,L] or [N,C,H,W].
inline extents plane_shape(std::int64_t batch, std::int64_t channels, std::size_t axes,
                           const std::int64_t (&extent)[2]) {
  extents s{batch, channels};
  for (std::size_t i = 0; i < axes; ++i) s.push_back(extent[2 - axes + i]);
  return s;
}

/// The outputs 0..count-1 whose tap `offset` (of the kernel, in input pixels minus the padding) lies inside
/// 0..extent-1.
struct range {
  std::int64_t first = 0, last = 0; ///< last is one past the end
};
inline range inside(std::int64_t offset, std::int64_t stride, std::int64_t extent, std::int64_t count) noexcept {
  range v;
  v.first = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
  v.last = extent > offset ? (extent - offset + stride - 1) / stride : 0;
  if (v.last > count) v.last = count;
  if (v.first > v.last) v.first = v.last;
  return v;
}

} // namespace aecnn::nn::detail
