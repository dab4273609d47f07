// The elements of selected channels of a view as float blocks of 64, whatever the element type, the layout and the strides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <aecnn/core/element_source.hpp>
#include <aecnn/core/fixed_point.hpp>
#include <aecnn/core/tensor_view.hpp>

namespace aecnn::detail {

/// Calls f(k, y, column, n, const float* block) for the elements of channels[k] in row order: the block holds n elements from
/// row y and `column` on, running over the ends of rows; n is 64 but for a channel's last block, and block[n..63] are then 0.
template <class T, class Function>
void for_each_block(const tensor_view<const T>& x, std::span<const std::uint16_t> channels, Function&& f) {
  const std::size_t area = x.shape.area(), width = x.shape.width;
  if (area == 0) return;
  const bool contiguous =
      x.strides[2] == 1 && (x.shape.height == 1 || x.strides[1] == static_cast<std::ptrdiff_t>(width));
  for (std::size_t k = 0; k < channels.size(); ++k) {
    std::size_t y = 0, column = 0;
    for (std::size_t begin = 0; begin < area; begin += fixed_block) {
      const std::size_t n = area - begin < fixed_block ? area - begin : fixed_block;
      const std::size_t first_y = y, first_column = column;
      if constexpr (std::is_same_v<T, float>) {
        if (contiguous && n == fixed_block) {
          f(k, begin / width, begin % width, n, x.row(channels[k], 0) + begin);
          y = (begin + n) / width;
          column = (begin + n) % width;
          continue;
        }
      }
      float block[fixed_block] = {};
      for (std::size_t i = 0; i < n; ++i) {
        block[i] = static_cast<float>(x(channels[k], y, column));
        if (++column == width) {
          column = 0;
          ++y;
        }
      }
      f(k, first_y, first_column, n, static_cast<const float*>(block));
    }
  }
}

} // namespace aecnn::detail
