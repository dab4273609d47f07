// The sliding window of a two-dimensional convolution (ONNX Conv: kernel_shape, strides, pads, dilations, auto_pad) and
// where it lies on an input of a given size.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include <aecnn/core/error.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/nn/node_reader.hpp>

namespace aecnn::nn {

/// Index 0 is vertical, 1 horizontal; pads are top, left, bottom, right.
struct window {
  enum class padding { given, same_upper, same_lower, valid };
  std::array<std::int64_t, 2> kernel{1, 1}, strides{1, 1}, dilations{1, 1};
  std::array<std::int64_t, 4> pads{};
  padding mode = padding::given;

  /// Pixels that the dilated kernel spans.
  std::int64_t span(std::size_t axis) const noexcept { return dilations[axis] * (kernel[axis] - 1) + 1; }
  std::size_t taps() const noexcept { return static_cast<std::size_t>(kernel[0] * kernel[1]); }
};

/// Largest stride, dilation or padding that is accepted: keeps every product below 2^63.
inline constexpr std::int64_t window_limit = 1 << 15;

/// Reads the attributes; `weight_shape` is [., ., kernel height, kernel width].
inline window read_window(node_reader& r, const std::vector<std::int64_t>& weight_shape) {
  window w;
  w.kernel = {weight_shape[2], weight_shape[3]};
  w.strides = r.integers<2>("strides", 1, 1, window_limit);
  w.dilations = r.integers<2>("dilations", 1, 1, window_limit);
  w.pads = r.integers<4>("pads", 0, 0, window_limit);
  if (r.has_attribute("kernel_shape") && r.integers<2>("kernel_shape", 0, 1, INT64_MAX) != w.kernel && !r.failed())
    r.fail(errc::bad_shape, "attribute 'kernel_shape' differs from the weight's shape ", to_string(weight_shape));
  const std::string mode = r.text("auto_pad", "NOTSET");
  if (mode == "SAME_UPPER")
    w.mode = window::padding::same_upper;
  else if (mode == "SAME_LOWER")
    w.mode = window::padding::same_lower;
  else if (mode == "VALID")
    w.mode = window::padding::valid;
  else if (mode != "NOTSET")
    r.fail(errc::bad_field, "attribute 'auto_pad' is '", mode, "', expected NOTSET, SAME_UPPER, SAME_LOWER or VALID");
  if (w.mode != window::padding::given && r.has_attribute("pads"))
    r.fail(errc::bad_field, "attributes 'pads' and 'auto_pad' exclude each other");
  return w;
}

/// A window on an input: the input with its zero border, and the output's size.
struct window_geometry {
  std::size_t top = 0, left = 0, padded_height = 0, padded_width = 0, height = 0, width = 0;
  bool padded(const shape3& in) const noexcept { return padded_height != in.height || padded_width != in.width; }
};

/// Places the window; errc::bad_shape where the padded input is smaller than the dilated kernel.
inline result<window_geometry> place(const window& w, const shape3& in) {
  const std::int64_t extent[2] = {static_cast<std::int64_t>(in.height), static_cast<std::int64_t>(in.width)};
  std::int64_t before[2], padded[2], out[2];
  for (std::size_t i = 0; i < 2; ++i) {
    std::int64_t after = 0;
    before[i] = 0;
    if (w.mode == window::padding::given) {
      before[i] = w.pads[i];
      after = w.pads[i + 2];
    } else if (w.mode != window::padding::valid) {
      const std::int64_t wanted = (extent[i] + w.strides[i] - 1) / w.strides[i];
      const std::int64_t missing = (wanted - 1) * w.strides[i] + w.span(i) - extent[i];
      const std::int64_t total = missing > 0 ? missing : 0;
      before[i] = w.mode == window::padding::same_upper ? total / 2 : total - total / 2;
      after = total - before[i];
    }
    padded[i] = extent[i] + before[i] + after;
    if (padded[i] < w.span(i))
      return aecnn::detail::fail(errc::bad_shape, "input of ", to_string(in),
                                 " is smaller than the kernel, which spans ", w.span(0), "x", w.span(1), " pixels");
    out[i] = (padded[i] - w.span(i)) / w.strides[i] + 1;
  }
  const auto u = [](std::int64_t v) { return static_cast<std::size_t>(v); };
  return window_geometry{u(before[0]), u(before[1]), u(padded[0]), u(padded[1]), u(out[0]), u(out[1])};
}

/// Copies one channel into its zero border: `to` holds padded_height * padded_width floats.
inline void copy_padded(const float* from, const shape3& in, const window_geometry& g, float* to) noexcept {
  const std::size_t pitch = g.padded_width, right = pitch - g.left - in.width;
  const auto zero = [](float* p, std::size_t n) { std::memset(p, 0, n * sizeof(float)); };
  zero(to, g.top * pitch);
  to += g.top * pitch;
  for (std::size_t y = 0; y < in.height; ++y, to += pitch) {
    zero(to, g.left);
    std::memcpy(to + g.left, from + y * in.width, in.width * sizeof(float));
    zero(to + g.left + in.width, right);
  }
  zero(to, (g.padded_height - g.top - in.height) * pitch);
}

} // namespace aecnn::nn
