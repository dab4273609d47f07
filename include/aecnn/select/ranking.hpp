// Channels in the order of their importance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace aecnn {

/// Channel numbers by decreasing score, equal scores by increasing number; at most 65536 scores, none a NaN.
/// Time n log n (merge sort).
inline std::vector<std::uint16_t> rank_channels(std::span<const double> scores) {
  const std::size_t n = scores.size();
  std::vector<std::uint16_t> order(n), merged(n);
  for (std::size_t i = 0; i < n; ++i) order[i] = static_cast<std::uint16_t>(i);
  for (std::size_t run = 1; run < n; run *= 2) {
    for (std::size_t begin = 0; begin < n; begin += 2 * run) {
      const std::size_t middle = begin + run < n ? begin + run : n, end = begin + 2 * run < n ? begin + 2 * run : n;
      std::size_t a = begin, b = middle;
      for (std::size_t out = begin; out < end; ++out)
        merged[out] = b < end && (a >= middle || scores[order[b]] > scores[order[a]]) ? order[b++] : order[a++];
    }
    std::swap(order, merged);
  }
  return order;
}

} // namespace aecnn
