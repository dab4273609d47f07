// The elements behind a view as numbers, whatever their type: value = number(element) * factor, where the factor is the
// scale of an already quantised tensor. number() is exact, so a reader that multiplies by factor * scale rounds once.
#pragma once

#include <cstdint>
#include <type_traits>

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

} // namespace aecnn::detail
