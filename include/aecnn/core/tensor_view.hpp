// A feature tensor as the library sees it: a pointer, the shape [C,H,W] and element strides. Channels-first (CHW),
// channels-last (HWC) and any other strided layout are read without a copy.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>

namespace aecnn {

/// Extents of a feature tensor.
struct shape3 {
  std::size_t channels = 0, height = 0, width = 0;
  constexpr std::size_t area() const noexcept { return height * width; }
  constexpr std::size_t size() const noexcept { return channels * height * width; }
  friend constexpr bool operator==(const shape3&, const shape3&) = default;
};

/// "64x14x14", for messages.
inline std::string to_string(const shape3& s) {
  return std::to_string(s.channels) + 'x' + std::to_string(s.height) + 'x' + std::to_string(s.width);
}

/// An element that the encoder can read: float, double, or a half-precision type that converts to float exactly
/// (Eigen::half, Eigen::bfloat16, _Float16, ...). Integers need a scale: see quantized_view.
template <class T>
concept feature_element = !std::is_integral_v<std::remove_cv_t<T>> && requires(const T& v) { static_cast<float>(v); };

/// A non-owning view of [C,H,W] elements. Strides count elements and may be negative or zero for reading.
template <class T>
struct tensor_view {
  using element_type = T;
  T* data = nullptr;
  shape3 shape{};
  std::array<std::ptrdiff_t, 3> strides{}; ///< from one channel, row, column to the next

  constexpr tensor_view() = default;
  constexpr tensor_view(T* d, shape3 s, std::array<std::ptrdiff_t, 3> st) noexcept : data(d), shape(s), strides(st) {}
  /// Read access through a view of mutable elements.
  template <class U>
    requires(std::is_const_v<T> && std::is_same_v<U, std::remove_const_t<T>>)
  constexpr tensor_view(const tensor_view<U>& other) noexcept // NOLINT: implicit, as T* to const T*
      : data(other.data), shape(other.shape), strides(other.strides) {}

  /// Contiguous channels-first memory.
  static constexpr tensor_view chw(T* d, std::size_t c, std::size_t h, std::size_t w) noexcept {
    return {d, {c, h, w}, {static_cast<std::ptrdiff_t>(h * w), static_cast<std::ptrdiff_t>(w), 1}};
  }
  /// Contiguous channels-last memory.
  static constexpr tensor_view hwc(T* d, std::size_t c, std::size_t h, std::size_t w) noexcept {
    return {d, {c, h, w}, {1, static_cast<std::ptrdiff_t>(w * c), static_cast<std::ptrdiff_t>(c)}};
  }
  /// The address of row y of channel c.
  constexpr T* row(std::size_t c, std::size_t y) const noexcept {
    return data + static_cast<std::ptrdiff_t>(c) * strides[0] + static_cast<std::ptrdiff_t>(y) * strides[1];
  }
  constexpr T& operator()(std::size_t c, std::size_t y, std::size_t x) const noexcept {
    return row(c, y)[static_cast<std::ptrdiff_t>(x) * strides[2]];
  }
};

/// An already quantised feature tensor: value = (element - zero_point) * scale, as in ONNX DequantizeLinear and TFLite.
template <class T>
  requires(std::is_same_v<std::remove_const_t<T>, std::int8_t> || std::is_same_v<std::remove_const_t<T>, std::uint8_t>)
struct quantized_view {
  using element_type = T;
  tensor_view<T> elements;
  float scale = 1;          ///< a normal number above 0
  std::int32_t zero_point = 0; ///< in -255..255
};

/// The one customisation point: specialise it with `static auto view(X&)` that returns a tensor_view, a
/// quantized_view, or a `result` of one where the rank is only known at run time.
template <class X>
struct view_traits;

template <class T>
struct view_traits<tensor_view<T>> {
  static tensor_view<T> view(const tensor_view<T>& v) noexcept { return v; }
};
template <class T>
struct view_traits<quantized_view<T>> {
  static quantized_view<T> view(const quantized_view<T>& v) noexcept { return v; }
};

namespace detail {
template <class T>
struct is_result : std::false_type {};
template <class T>
struct is_result<result<T>> : std::true_type {};
template <class X>
using raw_view_t = decltype(view_traits<std::remove_cvref_t<X>>::view(std::declval<X&>()));
template <class V>
struct view_type {
  using type = V;
};
template <class V>
struct view_type<result<V>> {
  using type = V;
};
} // namespace detail

/// Anything that `as_view` takes.
template <class X>
concept tensor_like = requires(X& x) { view_traits<std::remove_cvref_t<X>>::view(x); };

/// A view of x, or errc::bad_shape where x has not three dimensions.
template <tensor_like X>
result<typename detail::view_type<detail::raw_view_t<X>>::type> try_as_view(X&& x) {
  return view_traits<std::remove_cvref_t<X>>::view(x);
}
/// A view of x. Throws errc::bad_shape where x has not three dimensions.
template <tensor_like X>
auto as_view(X&& x) {
  return try_as_view(x).value();
}

/// A view of contiguous channels-first elements; errc::bad_shape where the span is not C*H*W long.
template <class T>
result<tensor_view<T>> try_as_view(std::span<T> elements, shape3 shape) {
  std::size_t area = 0, size = 0;
  if (!detail::multiply(shape.height, shape.width, area) || !detail::multiply(shape.channels, area, size) ||
      size != elements.size())
    return detail::fail(errc::bad_shape, "span of ", elements.size(), " elements does not hold a tensor of ",
                        to_string(shape));
  return tensor_view<T>::chw(elements.data(), shape.channels, shape.height, shape.width);
}
template <class T>
tensor_view<T> as_view(std::span<T> elements, shape3 shape) {
  return try_as_view(elements, shape).value();
}

} // namespace aecnn
