// The elements of a view as float blocks of 64: what pooling, statistics and histograms read, whatever the element
// type, the layout and the strides. A block of contiguous floats is passed without a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include <aecnn/core/buffer.hpp>
#include <aecnn/core/element_source.hpp>
#include <aecnn/core/fixed_point.hpp>
#include <aecnn/core/tensor_view.hpp>

namespace aecnn::detail {

/// Calls f(const float* numbers, std::size_t n) for one channel's elements in row order: n is 64 but for the last call,
/// and numbers[n..63] are then 0.
template <class T, class Function>
void for_each_channel_block(const element_source<T>& source, std::size_t channel, Function&& f) {
  const tensor_view<const T>& v = source.elements;
  const std::size_t area = v.shape.area(), width = v.shape.width;
  if (area == 0) return;
  float staged[fixed_block];
  const bool contiguous =
      v.strides[2] == 1 && (v.shape.height == 1 || v.strides[1] == static_cast<std::ptrdiff_t>(width));
  if (contiguous) {
    const T* p = v.row(channel, 0);
    std::size_t left = area;
    for (; left >= fixed_block; left -= fixed_block, p += fixed_block) {
      if constexpr (std::is_same_v<T, float>) {
        f(p, fixed_block);
      } else {
        for (std::size_t i = 0; i < fixed_block; ++i) staged[i] = source.number(p[i]);
        f(static_cast<const float*>(staged), fixed_block);
      }
    }
    if (left == 0) return;
    for (std::size_t i = 0; i < fixed_block; ++i) staged[i] = i < left ? source.number(p[i]) : 0.0f;
    f(static_cast<const float*>(staged), left);
    return;
  }
  std::size_t filled = 0;
  for (std::size_t y = 0; y < v.shape.height; ++y) {
    const T* p = v.row(channel, y);
    for (std::size_t x = 0; x < width; ++x) {
      staged[filled++] = source.number(p[static_cast<std::ptrdiff_t>(x) * v.strides[2]]);
      if (filled < fixed_block) continue;
      f(static_cast<const float*>(staged), fixed_block);
      filled = 0;
    }
  }
  if (filled == 0) return;
  for (std::size_t i = filled; i < fixed_block; ++i) staged[i] = 0;
  f(static_cast<const float*>(staged), filled);
}

/// The whole view as contiguous channels-first floats: its own memory where it already is that, else a copy in
/// `scratch`, made pixel by pixel so that channels-last memory is read in order.
template <class T>
const float* planar(const element_source<T>& source, std::vector<float>& scratch) {
  const tensor_view<const T>& v = source.elements;
  const shape3& s = v.shape;
  if constexpr (std::is_same_v<T, float>)
    if (v.strides == tensor_view<const T>::chw(v.data, s.channels, s.height, s.width).strides) return v.data;
  const std::size_t area = s.area();
  resize(scratch, s.size());
  const bool channels_last = s.channels > 1 && v.strides[0] == 1;
  const std::size_t step = channels_last ? fixed_block : 1;
  for (std::size_t first = 0; first < s.channels; first += step) {
    const std::size_t channels = s.channels - first < step ? s.channels - first : step;
    for (std::size_t y = 0; y < s.height; ++y) {
      const T* row = v.row(first, y);
      float* out = scratch.data() + first * area + y * s.width;
      for (std::size_t x = 0; x < s.width; ++x) {
        const T* p = row + static_cast<std::ptrdiff_t>(x) * v.strides[2];
        for (std::size_t c = 0; c < channels; ++c)
          out[c * area + x] = source.number(p[static_cast<std::ptrdiff_t>(c) * v.strides[0]]) * source.factor;
      }
    }
  }
  return scratch.data();
}

} // namespace aecnn::detail
