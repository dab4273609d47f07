// Average and maximum of every channel in fixed point: the input of channel attention. Integer sums have no order, so
// that the result is the same for every layout, machine and compiler flag. One pass over the tensor, O(C*H*W).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <aecnn/core/fixed_point.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/select/element_blocks.hpp>

namespace aecnn::detail {

/// sum / count, rounded to nearest, halves away from zero. |sum| below 2^62, 0 < count < 2^32.
constexpr std::int64_t divide_rounded(std::int64_t sum, std::int64_t count) noexcept {
  const std::int64_t half = count / 2;
  return (sum < 0 ? sum - half : sum + half) / count;
}

/// A channel's sum and maximum. Sums of a block are kept as low 16 bits and the rest, so that the loops need 32-bit
/// lanes only.
template <bool Maximum>
struct channel_pool {
  std::int64_t sum = 0;
  std::int32_t maximum = -fixed_limit;

  void add_block(const float* x, float scale) noexcept {
    std::uint32_t low = 0;
    std::int32_t high = 0, top = maximum;
    for (std::size_t i = 0; i < fixed_block; ++i) {
      const std::int32_t v = to_fixed(x[i], scale);
      low += static_cast<std::uint32_t>(v) & 0xffffU;
      high += v >> 16;
      if constexpr (Maximum) top = v > top ? v : top;
    }
    sum += std::int64_t{high} * 65536 + std::int64_t{low};
    maximum = top;
  }
  void add(const float* x, std::size_t n, float scale) noexcept {
    if (n == fixed_block) return add_block(x, scale);
    // A last block is filled up with its first element, which leaves the maximum and is taken off the sum again.
    float filled[fixed_block];
    for (std::size_t i = 0; i < fixed_block; ++i) filled[i] = x[i < n ? i : 0];
    add_block(filled, scale);
    sum -= static_cast<std::int64_t>(fixed_block - n) * to_fixed(x[0], scale);
  }
};

/// Pools N neighbouring channels of channels-last memory at once, one pixel after the other.
template <bool Maximum, std::size_t N, class T>
void pool_channels_last(const element_source<T>& source, float scale, std::size_t first,
                        std::span<std::int32_t> average, std::span<std::int32_t> maximum) noexcept {
  const tensor_view<const T>& v = source.elements;
  std::int64_t sum[N] = {};
  std::uint32_t low[N] = {};
  std::int32_t high[N] = {}, top[N];
  for (std::size_t i = 0; i < N; ++i) top[i] = -fixed_limit;
  std::size_t pixels = 0;
  const auto flush = [&] {
    for (std::size_t i = 0; i < N; ++i) {
      const std::int64_t above = high[i], below = low[i];
      sum[i] += above * 65536 + below;
      low[i] = 0;
      high[i] = 0;
    }
  };
  for (std::size_t y = 0; y < v.shape.height; ++y) {
    const T* row = v.row(first, y);
    for (std::size_t x = 0; x < v.shape.width; ++x) {
      const T* p = row + static_cast<std::ptrdiff_t>(x) * v.strides[2];
      for (std::size_t i = 0; i < N; ++i) {
        const std::int32_t value = to_fixed(source.number(p[i]), scale);
        low[i] += static_cast<std::uint32_t>(value) & 0xffffU;
        high[i] += value >> 16;
        if constexpr (Maximum) top[i] = value > top[i] ? value : top[i];
      }
      if (++pixels % 65536 == 0) flush();
    }
  }
  flush();
  const auto area = static_cast<std::int64_t>(v.shape.area());
  for (std::size_t i = 0; i < N; ++i) {
    average[first + i] = static_cast<std::int32_t>(divide_rounded(sum[i], area));
    if constexpr (Maximum) maximum[first + i] = top[i];
  }
}

/// The rounded average and, where Maximum is set, the maximum of to_fixed(x, scale) of every channel. Both are 0 for
/// tensors without pixels. H*W is below 2^32; `scale` already contains the factor of a quantised tensor.
template <bool Maximum, class T>
void pool_channels(const element_source<T>& source, float scale, std::span<std::int32_t> average,
                   std::span<std::int32_t> maximum) noexcept {
  const tensor_view<const T>& v = source.elements;
  const std::size_t channels = v.shape.channels, area = v.shape.area();
  std::size_t c = 0;
  if (area == 0) {
    for (; c < channels; ++c) {
      average[c] = 0;
      if constexpr (Maximum) maximum[c] = 0;
    }
    return;
  }
  if (v.strides[0] == 1 && area > 1) {
    for (; c + 64 <= channels; c += 64) pool_channels_last<Maximum, 64>(source, scale, c, average, maximum);
    for (; c + 16 <= channels; c += 16) pool_channels_last<Maximum, 16>(source, scale, c, average, maximum);
  }
  for (; c < channels; ++c) {
    channel_pool<Maximum> pool;
    for_each_channel_block(source, c, [&](const float* x, std::size_t n) { pool.add(x, n, scale); });
    average[c] = static_cast<std::int32_t>(divide_rounded(pool.sum, static_cast<std::int64_t>(area)));
    if constexpr (Maximum) maximum[c] = pool.maximum;
  }
}

} // namespace aecnn::detail
