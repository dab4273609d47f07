// What all operators share: checks of a node that are the same everywhere, and access to tensors by element type.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/nn/node_reader.hpp>
#include <aecnn/nn/operation.hpp>

namespace aecnn::nn::detail {

using extents = std::vector<std::int64_t>;
using made_operation = result<std::unique_ptr<operation>>;

/// Axes of a tensor that an operator of the library takes.
inline constexpr std::size_t max_rank = 8;
/// Largest extent of any input, also of one without elements: keeps sums and products with strides below 2^63.
inline constexpr std::int64_t max_extent = std::int64_t{1} << 40;

/// The checks that every operator begins with: number of inputs and outputs, known attributes, ranks and extents.
inline void expect(node_reader& r, std::size_t least, std::size_t most,
                   std::initializer_list<std::string_view> attributes, std::size_t outputs = 1) {
  r.expect_inputs(least, most);
  r.expect_attributes(attributes);
  if (r.output_count() != outputs) r.fail(errc::bad_field, "has ", r.output_count(), " outputs, expected ", outputs);
  for (std::size_t i = 0; i < r.input_count(); ++i) {
    r.expect_rank(i, 0, static_cast<std::int64_t>(max_rank));
    for (const std::int64_t extent : r.shape(i))
      if (extent < 0 || extent > max_extent)
        r.fail(errc::limit_exceeded, "input ", i, " has shape ", to_string(r.shape(i)));
  }
}

/// Inputs `first` to `last` must be float32.
inline void expect_floats(node_reader& r, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i <= last; ++i) r.expect_float(i);
}

/// Checks a computed shape: rank, limits, overflow.
inline bool admit(node_reader& r, const extents& shape) {
  if (shape.size() > max_rank)
    r.fail(errc::limit_exceeded, "output of shape ", to_string(shape), ", expected at most ", max_rank, " axes");
  for (const std::int64_t extent : shape)
    if (extent > max_extent) r.fail(errc::limit_exceeded, "output of shape ", to_string(shape));
  return !r.failed() && r.admit(shape);
}

/// The operation, or what the reader remembers. Arguments are evaluated before the check: they must be harmless.
template <class Operation, class... Arguments>
made_operation finish(node_reader& r, Arguments&&... arguments) {
  if (r.failed()) return r.error();
  return std::unique_ptr<operation>(std::make_unique<Operation>(std::forward<Arguments>(arguments)...));
}

/// The product of the extents first..last-1.
inline std::size_t product(std::span<const std::int64_t> shape, std::size_t first, std::size_t last) noexcept {
  return element_count(shape.subspan(first, last - first));
}

inline tensor_type floats(extents shape) { return {element_type::float32, std::move(shape)}; }
inline tensor_type integers(extents shape) { return {element_type::int64, std::move(shape)}; }
/// A vector of one element; an initializer list would copy it.
inline std::vector<tensor_type> one(tensor_type t) {
  std::vector<tensor_type> v;
  v.push_back(std::move(t));
  return v;
}

template <class T>
const T* elements(const const_tensor_data& d) noexcept {
  if constexpr (std::same_as<T, float>)
    return d.floats;
  else
    return d.integers;
}
template <class T>
T* elements(const tensor_data& d) noexcept {
  if constexpr (std::same_as<T, float>)
    return d.floats;
  else
    return d.integers;
}

/// Calls f(T{}) with the C++ type of the elements.
template <class Function>
void with_elements(element_type type, Function f) {
  if (type == element_type::float32)
    f(float{});
  else
    f(std::int64_t{});
}

/// The integer part; the nearest integer where int64 cannot hold it, 0 for NaN.
inline std::int64_t to_integer(double v) noexcept {
  if (!(v == v)) return 0;
  if (v >= 9223372036854775808.0) return INT64_MAX;
  return v <= -9223372036854775808.0 ? INT64_MIN : static_cast<std::int64_t>(v);
}

/// Arithmetic that wraps where int64 overflows.
inline std::int64_t wrap(std::uint64_t v) noexcept { return static_cast<std::int64_t>(v); }
inline std::uint64_t bits(std::int64_t v) noexcept { return static_cast<std::uint64_t>(v); }

} // namespace aecnn::nn::detail
