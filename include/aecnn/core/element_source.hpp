// The elements behind a view as numbers, whatever their type: value = number(element) * factor, where the factor is the
// scale of an already quantised tensor. number() is exact, so a reader that multiplies by factor * scale rounds once.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include <aecnn/core/error.hpp>
#include <aecnn/core/tensor_view.hpp>

namespace aecnn::detail {

template <class T>
struct element_source {
  tensor_view<const T> elements;
  std::int32_t zero_point = 0;
  float factor = 1;

  float number(T v) const noexcept {
    if constexpr (std::is_integral_v<T>)
      return static_cast<float>(static_cast<std::int32_t>(v) - zero_point);
    else
      return static_cast<float>(v);
  }
};

template <class T>
element_source<std::remove_const_t<T>> source_of(const tensor_view<T>& v) noexcept {
  return {v, 0, 1};
}
template <class T>
element_source<std::remove_const_t<T>> source_of(const quantized_view<T>& v) noexcept {
  return {v.elements, v.zero_point, v.scale};
}

/// errc::invalid_argument where the scale of an already quantised tensor is no positive normal number (decided by its bits,
/// so that -ffast-math does not drop the case of a NaN), or its zero point is above 255 in magnitude.
template <class T>
status check_elements(const element_source<T>& source) {
  if constexpr (std::is_integral_v<T>) {
    const auto bits = std::bit_cast<std::uint32_t>(source.factor);
    if (bits < 0x00800000U || bits >= 0x7f800000U)
      return fail(errc::invalid_argument, "scale of a quantised tensor: ", source.factor, ", expected a normal number above 0");
    if (source.zero_point < -255 || source.zero_point > 255)
      return fail(errc::invalid_argument, "zero point of a quantised tensor: ", source.zero_point, ", expected -255 to 255");
  } else {
    static_cast<void>(source);
  }
  return {};
}

} // namespace aecnn::detail
