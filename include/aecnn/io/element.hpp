// Elements as files store them: little- or big-endian, and in half precision (IEEE 754 binary16, bfloat16). Shared by
// the readers of .npy and safetensors.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <aecnn/core/bytes.hpp>

namespace aecnn::io {

static_assert(std::numeric_limits<float>::is_iec559 && std::numeric_limits<double>::is_iec559,
              "files hold IEEE 754 numbers");
static_assert(std::endian::native == std::endian::little || std::endian::native == std::endian::big,
              "mixed byte orders are not supported");

/// A number that a file can hold: an integer of 8 to 64 bits (no bool, no character), float or double.
template <class T>
concept file_element = std::same_as<T, float> || std::same_as<T, double> ||
    (std::is_integral_v<T> && !std::same_as<T, bool> && !std::same_as<T, char> && !std::same_as<T, wchar_t> &&
     !std::same_as<T, char8_t> && !std::same_as<T, char16_t> && !std::same_as<T, char32_t> && sizeof(T) <= 8);

/// An integer that a file can hold.
template <class T>
concept file_integer = file_element<T> && std::is_integral_v<T>;

/// Numbers side by side in memory: a vector, array or span of them.
template <class Range>
concept number_range = requires(const Range& range) {
  std::span(range);
  requires file_element<typename decltype(std::span(range))::value_type>;
};
/// What a number_range holds.
template <number_range Range>
using number_of = typename decltype(std::span(std::declval<const Range&>()))::value_type;

/// The value of an IEEE 754 binary16 given by its bits: exact; a NaN stays a NaN.
constexpr float half_to_float(std::uint16_t bits) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fU, fraction = bits & 0x3ffU;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000U | (fraction << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
  if (fraction == 0) return std::bit_cast<float>(sign);
  // A subnormal is fraction * 2^-24; its leading one becomes the implicit bit.
  const auto shift = static_cast<std::uint32_t>(std::countl_zero(fraction)) - 21;
  return std::bit_cast<float>(sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ffU) << 13));
}

/// The bits of the IEEE 754 binary16 nearest to v, of two the even one: an infinity from 65520 on; a NaN stays a NaN.
constexpr std::uint16_t float_to_half(float v) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(v);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000U);
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  if (magnitude > 0x7f800000U) return static_cast<std::uint16_t>(sign | 0x7e00U);
  if (magnitude >= 0x477ff000U) return static_cast<std::uint16_t>(sign | 0x7c00U);
  const std::uint32_t exponent = magnitude >> 23;
  // Below 2^-14 the unit is 2^-24, and below half of that nothing is left.
  if (exponent < 102) return sign;
  const std::uint32_t dropped = exponent < 113 ? 126 - exponent : 13;
  const std::uint32_t kept =
      exponent < 113 ? (magnitude & 0x7fffffU) | 0x800000U : magnitude - (std::uint32_t{112} << 23);
  // A carry out of the fraction is the next exponent, as it should be.
  const std::uint32_t half = (std::uint32_t{1} << (dropped - 1)) - 1 + (kept >> dropped & 1U);
  return static_cast<std::uint16_t>(sign | (kept + half) >> dropped);
}

/// Whether v is finite and a binary16 has its value, sign of zero included.
constexpr bool fits_half(float v) noexcept {
  const std::uint16_t half = float_to_half(v);
  return (half & 0x7c00U) != 0x7c00U &&
         std::bit_cast<std::uint32_t>(half_to_float(half)) == std::bit_cast<std::uint32_t>(v);
}

/// The value of a bfloat16 given by its bits: the upper half of a binary32.
constexpr float bfloat16_to_float(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

namespace detail {

/// Reverses the bytes of each element where `from` is not the machine's order. Linear.
inline void to_native(std::span<std::byte> bytes, std::size_t element_bytes, std::endian from) noexcept {
  if (from == std::endian::native || element_bytes < 2) return;
  for (std::size_t i = 0; i + element_bytes <= bytes.size(); i += element_bytes)
    for (std::size_t a = i, b = i + element_bytes - 1; a < b; ++a, --b) {
      const std::byte t = bytes[a];
      bytes[a] = bytes[b];
      bytes[b] = t;
    }
}

/// Element i of packed elements in native order; the bytes need no alignment.
template <class T>
T element_at(std::span<const std::byte> bytes, std::size_t i) noexcept {
  T v;
  std::memcpy(&v, bytes.data() + i * sizeof(T), sizeof(T));
  return v;
}

/// Element i of packed little-endian elements; the bytes need no alignment.
template <class T>
T little_endian_at(std::span<const std::byte> bytes, std::size_t i) noexcept {
  std::byte raw[sizeof(T)];
  std::memcpy(raw, bytes.data() + i * sizeof(T), sizeof(T));
  to_native(raw, sizeof(T), std::endian::little);
  return element_at<T>(raw, 0);
}

/// Appends values as little-endian bytes.
template <file_element T>
void append_little_endian(std::vector<std::byte>& out, std::span<const T> values) {
  if (values.empty()) return;
  const std::size_t start = out.size();
  out.resize(start + values.size_bytes());
  std::memcpy(out.data() + start, values.data(), values.size_bytes());
  to_native(std::span(out).subspan(start), sizeof(T), std::endian::little); // reversing is its own inverse
}

/// Product of the extents; false where it, or the product of the extents that are not zero, overflows. The second
/// condition makes the answer independent of the order of the extents, and is NumPy's.
constexpr bool element_count(std::span<const std::size_t> shape, std::size_t& count) noexcept {
  std::size_t nonzero = 1;
  bool empty = false;
  for (const std::size_t extent : shape) {
    if (extent == 0)
      empty = true;
    else if (!aecnn::detail::multiply(nonzero, extent, nonzero))
      return false;
  }
  count = empty ? 0 : nonzero;
  return true;
}

/// "(64, 16, 32, 32)", as Python prints a shape: for messages and .npy headers.
inline std::string shape_text(std::span<const std::size_t> shape) {
  std::string s = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i != 0) s += ", ";
    s += std::to_string(shape[i]);
  }
  return s + (shape.size() == 1 ? ",)" : ")");
}

} // namespace detail
} // namespace aecnn::io
