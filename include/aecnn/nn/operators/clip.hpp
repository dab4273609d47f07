// Clip: y = min(max(x, low), high). The bounds are attributes (up to opset 10) or scalar inputs; constant bounds make
// it an activation that a convolution applies to its output, computed bounds are read at every run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

#include <aecnn/nn/operators/common.hpp>
#include <aecnn/nn/operators/elementwise.hpp>

namespace aecnn::nn::detail {

class clip_computed final : public operation {
public:
  clip_computed(tensor_type type, bool has_low, bool has_high)
      : operation(one(std::move(type))), has_low_(has_low), has_high_(has_high) {}
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    with_elements(outputs()[0].type, [&](auto zero) {
      using element = decltype(zero);
      using bounds = std::numeric_limits<element>;
      const element least = bounds::has_infinity ? -bounds::infinity() : bounds::lowest();
      const element most = bounds::has_infinity ? bounds::infinity() : bounds::max();
      const element low = has_low_ ? *elements<element>(in[1]) : least;
      const element high = has_high_ ? *elements<element>(in[2]) : most;
      map_row(elements<element>(in[0]), elements<element>(out[0]), element_count(outputs()[0].shape),
              [low, high](element x) {
                x = x < low ? low : x;
                return x > high ? high : x;
              });
    });
  }

private:
  bool has_low_, has_high_;
};

inline made_operation make_clip(node_reader& r) {
  expect(r, 1, 3, {"min", "max"});
  bool constant = r.type(0) == element_type::float32;
  for (std::size_t i = 1; i < 3; ++i) {
    if (!r.has_input(i)) continue;
    if (r.type(i) != r.type(0)) r.fail(errc::bad_field, "input ", i, " has another element type than input 0");
    if (element_count(r.shape(i)) != 1)
      r.fail(errc::bad_shape, "input ", i, " has shape ", to_string(r.shape(i)), ", expected a scalar");
    constant = constant && r.is_constant(i);
  }
  if (!constant) return finish<clip_computed>(r, tensor_type{r.type(0), r.shape(0)}, r.has_input(1), r.has_input(2));
  constexpr float infinity = std::numeric_limits<float>::infinity();
  float low = -infinity, high = infinity;
  if (const attribute* a = r.any_attribute("min"); a != nullptr && a->type == attribute::kind::number) low = a->number;
  if (const attribute* a = r.any_attribute("max"); a != nullptr && a->type == attribute::kind::number) high = a->number;
  if (r.failed()) return r.error();
  if (r.has_input(1)) low = r.constant_floats(1, "min")[0];
  if (r.has_input(2)) high = r.constant_floats(2, "max")[0];
  return finish_clip(r, low, high);
}

} // namespace aecnn::nn::detail
