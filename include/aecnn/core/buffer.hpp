// Scratch memory: vectors that change their size, and spans of them.
//
// Why functions of their own: a compiler compiles a member of std::vector, or checks the conversion to a span, as soon as
// it reads a template that names it; a call of these functions is compiled only where that template is used. That is a
// third of what <aecnn/encoder.hpp> would cost a program that includes it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace aecnn::detail {

/// Makes v hold n elements; allocates only where it never held so many.
template <class T>
void resize(std::vector<T>& v, std::size_t n) {
  v.resize(n);
}

/// The elements of v, valid until it grows.
template <class T>
std::span<const T> span_of(const std::vector<T>& v) noexcept {
  return {v.data(), v.size()};
}
template <class T>
std::span<T> span_of(std::vector<T>& v) noexcept {
  return {v.data(), v.size()};
}

} // namespace aecnn::detail
