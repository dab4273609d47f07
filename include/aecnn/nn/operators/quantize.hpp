// QuantizeLinear, y = saturate(round(x / scale) + zero_point) with ties to even, and DequantizeLinear, y = (x -
// zero_point) * scale; one scale for the tensor or one per index of an axis. The quantised side holds integers. Every
// integer type is int64 here, so QuantizeLinear takes its range from the attribute `output_dtype` (ONNX's number of an
// element type: 2 uint8, 3 int8, 4 uint16, 5 int16); absent means uint8.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <aecnn/nn/operators/common.hpp>

namespace aecnn::nn::detail {

/// How the elements of a tensor share scales: element ((o * extent + k) * inner + i) has scale k.
struct scale_layout {
  std::size_t outer = 1, extent = 1, inner = 1;
};

/// Checks scale and zero point (inputs 1 and 2) and reads the axis.
inline scale_layout read_scales(node_reader& r) {
  scale_layout s;
  if (r.type(1) != element_type::float32) r.fail(errc::bad_field, "input 1 (scale) holds integers, expected floats");
  if (r.has_input(2) && r.type(2) != element_type::int64)
    r.fail(errc::bad_field, "input 2 (zero_point) holds floats, expected integers");
  if (r.has_input(2) && r.shape(2) != r.shape(1))
    r.fail(errc::bad_shape, "input 2 (zero_point) has shape ", to_string(r.shape(2)), ", the scale ",
           to_string(r.shape(1)));
  r.expect_rank(1, 0, 1);
  const extents& x = r.shape(0);
  if (r.failed() || !admit(r, x)) return s;
  if (element_count(r.shape(1)) == 1) {
    s.inner = element_count(x);
    return s;
  }
  const std::size_t axis =
      r.axis("attribute 'axis'", r.integer("axis", 1, INT64_MIN, INT64_MAX), static_cast<std::int64_t>(x.size()));
  if (r.failed()) return s;
  if (r.shape(1) != extents{x[axis]})
    r.fail(errc::bad_shape, "input 1 (scale) has shape ", to_string(r.shape(1)), ", expected [", x[axis], "]");
  return {product(x, 0, axis), static_cast<std::size_t>(x[axis]), product(x, axis + 1, x.size())};
}

/// Calls f(element, scale, zero point).
template <class Function>
void for_each_scaled(const scale_layout& s, std::span<const const_tensor_data> in, Function f) noexcept {
  const std::int64_t* zero = in.size() > 2 ? in[2].integers : nullptr;
  std::size_t at = 0;
  for (std::size_t o = 0; o < s.outer; ++o)
    for (std::size_t k = 0; k < s.extent; ++k)
      for (std::size_t i = 0; i < s.inner; ++i) f(at++, in[1].floats[k], zero != nullptr ? zero[k] : 0);
}

class dequantize final : public operation {
public:
  dequantize(extents shape, const scale_layout& s) : operation(one(floats(std::move(shape)))), scales_(s) {}
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    for_each_scaled(scales_, in, [&](std::size_t i, float scale, std::int64_t zero) {
      out[0].floats[i] = static_cast<float>(wrap(bits(in[0].integers[i]) - bits(zero))) * scale;
    });
  }

private:
  scale_layout scales_;
};

inline made_operation make_dequantize(node_reader& r) {
  expect(r, 2, 3, {"axis"});
  if (r.type(0) != element_type::int64) r.fail(errc::bad_field, "input 0 holds floats, expected integers");
  const scale_layout s = read_scales(r);
  return finish<dequantize>(r, r.shape(0), s);
}

class quantize final : public operation {
public:
  quantize(extents shape, const scale_layout& s, std::int64_t low, std::int64_t high)
      : operation(one(integers(std::move(shape)))), scales_(s), low_(low), high_(high) {}
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    for_each_scaled(scales_, in, [&](std::size_t i, float scale, std::int64_t zero) {
      const float q = std::nearbyint(in[0].floats[i] / scale);
      const double y = static_cast<double>(q) + static_cast<double>(zero);
      const double low = static_cast<double>(low_), high = static_cast<double>(high_);
      out[0].integers[i] = to_integer(y < low ? low : y > high ? high : y);
    });
  }

private:
  scale_layout scales_;
  std::int64_t low_, high_;
};

inline made_operation make_quantize(node_reader& r) {
  expect(r, 2, 3, {"axis", "output_dtype", "saturate"});
  r.integer("saturate", 1, 0, 1);
  r.expect_float(0);
  const scale_layout s = read_scales(r);
  const std::int64_t type = r.integer("output_dtype", 2, 2, 5), half = type < 4 ? 128 : 32768;
  const bool is_signed = type % 2 == 1;
  return finish<quantize>(r, r.shape(0), s, is_signed ? -half : 0, is_signed ? half - 1 : 2 * half - 1);
}

} // namespace aecnn::nn::detail
