// Where the buffers of a program lie in one block of memory, and what floats and integer networks share around it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <aecnn/core/tensor_view.hpp>
#include <aecnn/nn/memory_plan.hpp>

namespace aecnn::nn {

struct placement {
  std::vector<std::size_t> offsets; ///< of every buffer; unused for those that the caller brings
  std::size_t values = 0;           ///< floats of all buffers
  std::size_t workspace = 0;        ///< floats of one task's scratch memory
  /// Multiply-adds of a run, a float that a step writes counted as 16 of them: what threads are weighed against.
  std::uint64_t work = 0;

  placement() = default;
  /// Of a program (program.hpp) or one in integers.
  template <class Program>
  explicit placement(const Program& code) {
    std::vector<lifetime> blocks(code.buffer_sizes.size());
    for (std::size_t b = 0; b < blocks.size(); ++b) blocks[b] = {code.buffer_sizes[b], code.steps.size(), 0, 0};
    for (std::size_t i = 0; i < code.steps.size(); ++i) {
      workspace = std::max(workspace, code.steps[i]->workspace());
      work += code.steps[i]->multiply_adds;
      for (const std::size_t b : code.steps[i]->writes) work += 16 * std::uint64_t{code.buffer_sizes[b]};
      for (const auto* list : {&code.steps[i]->reads, &code.steps[i]->writes})
        for (const std::size_t b : *list) {
          blocks[b].first = std::min(blocks[b].first, i);
          blocks[b].last = std::max(blocks[b].last, i);
        }
    }
    for (const auto* list : {&code.inputs, &code.outputs})
      for (const std::size_t b : *list) blocks[b].size = 0;
    values = static_cast<std::size_t>(plan_memory(blocks));
    workspace = (workspace + memory_granule - 1) / memory_granule * memory_granule;
    for (const lifetime& l : blocks) offsets.push_back(static_cast<std::size_t>(l.offset));
  }
  /// With one task's scratch memory and room to align the start.
  std::uint64_t floats() const noexcept { return std::uint64_t{values} + workspace + memory_granule; }
};

/// [C,H,W] of a shape, without leading extents of 1; all 0 where it is of a higher rank.
inline shape3 to_shape3(std::span<const std::int64_t> e) noexcept {
  std::size_t first = e.size() > 3 ? e.size() - 3 : 0;
  for (std::size_t i = 0; i < first; ++i)
    if (e[i] != 1) return {};
  if (e.size() == 2 && e[0] == 1) first = 1; // [1,C]
  const auto at = [&](std::size_t i) { return first + i < e.size() ? static_cast<std::size_t>(e[first + i]) : 1; };
  return {at(0), at(1), at(2)};
}

} // namespace aecnn::nn
