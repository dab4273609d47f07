// Places values whose lifetimes are known into one block of memory: largest first, each at the lowest offset where no
// value that lives at the same time lies. Greedy by size, as in Pisarchyk and Lee, "Efficient Memory Management for
// Deep Neural Net Inference" (2020). Cost: O(n^2 log n) for n values.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace aecnn::nn {

/// A value that lives from the step that writes it to the last step that reads it, both included.
struct lifetime {
  std::uint64_t size = 0; ///< elements
  std::size_t first = 0, last = 0;
  std::uint64_t offset = 0; ///< set by plan_memory
};

/// Elements that offsets and sizes are rounded up to: 64 bytes of floats.
inline constexpr std::uint64_t memory_granule = 16;

/// Sets every offset and returns the elements needed in all.
inline std::uint64_t plan_memory(std::span<lifetime> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a].size > values[b].size; });
  const auto rounded = [](std::uint64_t n) { return (n + memory_granule - 1) / memory_granule * memory_granule; };
  std::vector<std::size_t> placed;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> taken; // begin, end
  std::uint64_t total = 0;
  for (const std::size_t i : order) {
    taken.clear();
    for (const std::size_t j : placed)
      if (values[j].first <= values[i].last && values[i].first <= values[j].last)
        taken.emplace_back(values[j].offset, values[j].offset + rounded(values[j].size));
    std::sort(taken.begin(), taken.end());
    std::uint64_t at = 0;
    const std::uint64_t size = rounded(values[i].size);
    for (const auto& [begin, end] : taken) {
      if (begin >= at + size) break;
      at = std::max(at, end);
    }
    values[i].offset = at;
    total = std::max(total, at + size);
    placed.push_back(i);
  }
  return total;
}

} // namespace aecnn::nn
