// Walks chosen channels of a tensor in blocks of up to 64 floats, whatever its layout and element type: the one place where
// the encoder reads feature tensors. Contiguous float memory is handed on without a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <aecnn/core/element_source.hpp>
#include <aecnn/core/fixed_point.hpp>
#include <aecnn/core/tensor_view.hpp>

namespace aecnn::detail {

/// Calls visit(k, begin, n, block) for every piece of channel channels[k]: n elements from element `begin` of the channel
/// on (row begin / width, column begin % width), `block` readable for 64 floats, which the source's factor completes to values. Where rows follow each other without a gap a
/// piece may go on into the next rows. Channels-last tensors are walked with the channel as the inner loop, which keeps
/// their cache lines in use.
template <class T, class Visit>
void for_each_block(const element_source<T>& source, std::span<const std::uint16_t> channels, Visit&& visit) {
  const tensor_view<const T>& x = source.elements;
  const bool joined = x.strides[1] == static_cast<std::ptrdiff_t>(x.shape.width) * x.strides[2];
  const std::size_t rows = joined ? 1 : x.shape.height;
  const std::size_t length = joined ? x.shape.area() : x.shape.width;
  alignas(64) float buffer[fixed_block];
  const auto piece = [&](std::size_t k, std::size_t row, std::size_t begin) {
    const std::size_t n = length - begin < fixed_block ? length - begin : fixed_block;
    const T* p = x.row(channels[k], row) + static_cast<std::ptrdiff_t>(begin) * x.strides[2];
    const std::size_t first = row * x.shape.width + begin;
    if constexpr (std::is_same_v<T, float>) {
      if (x.strides[2] == 1 && n == fixed_block) {
        visit(k, first, n, p);
        return;
      }
    }
    if (x.strides[2] == 1 && n == fixed_block) {
      // A fixed trip count becomes vector code at -O2.
      for (std::size_t i = 0; i < fixed_block; ++i) buffer[i] = source.number(p[i]);
      visit(k, first, n, static_cast<const float*>(buffer));
      return;
    }
    for (std::size_t i = 0; i < n; ++i) buffer[i] = source.number(p[static_cast<std::ptrdiff_t>(i) * x.strides[2]]);
    for (std::size_t i = n; i < fixed_block; ++i) buffer[i] = 0.0F;
    visit(k, first, n, static_cast<const float*>(buffer));
  };
  const auto magnitude = [](std::ptrdiff_t s) { return s < 0 ? -s : s; };
  if (magnitude(x.strides[0]) < magnitude(x.strides[2])) {
    for (std::size_t row = 0; row < rows; ++row)
      for (std::size_t begin = 0; begin < length; begin += fixed_block)
        for (std::size_t k = 0; k < channels.size(); ++k) piece(k, row, begin);
  } else {
    for (std::size_t k = 0; k < channels.size(); ++k)
      for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t begin = 0; begin < length; begin += fixed_block) piece(k, row, begin);
  }
}

} // namespace aecnn::detail
