// The activation memory of one copy of a network, and the calls of its steps on one thread or several.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <aecnn/nn/executor.hpp>
#include <aecnn/nn/memory_plan.hpp>
#include <aecnn/nn/placement.hpp>
#include <aecnn/nn/steps/step.hpp>

namespace aecnn::nn::detail {

class runner {
public:
  /// Allocates for a plan, none where null, and an executor, the calling thread where null. Where memory is missing
  /// everything stays as it was.
  void adopt(const placement* p, executor* e) {
    std::size_t tasks = 1;
    if (p != nullptr) {
      if (e != nullptr && p->work >= e->least_work()) tasks = std::clamp<std::size_t>(e->concurrency(), 1, 32);
      std::vector<float> memory(p->values + tasks * p->workspace + memory_granule);
      std::vector<float*> table(p->offsets.size());
      memory_.swap(memory);
      table_.swap(table);
    }
    executor_ = e;
    tasks_ = tasks;
  }
  executor* threads() const noexcept { return executor_; }
  std::size_t bytes() const noexcept { return memory_.size() * sizeof(float); }

  /// The pointers of all buffers; the caller replaces those of the inputs and outputs before `run`.
  float** bind(const placement& p) noexcept {
    for (std::size_t b = 0; b < table_.size(); ++b) table_[b] = start() + p.offsets[b];
    return table_.data();
  }
  void run(std::span<const std::unique_ptr<step>> steps, const placement& p) noexcept {
    float* const workspace = start() + p.values;
    if (tasks_ > 1) {
      shared_run job(steps, table_.data(), workspace, p.workspace, tasks_);
      executor_->run(tasks_, shared_run::task, &job);
      return;
    }
    for (const auto& s : steps) {
      for (const auto& [buffer, layout] : s->borders) clear_border(table_[buffer], layout);
      s->run(table_.data(), 0, s->units(), workspace);
    }
  }

private:
  /// Aligned to a granule of floats, which a copy's memory begins elsewhere.
  float* start() noexcept {
    const std::size_t misaligned = reinterpret_cast<std::uintptr_t>(memory_.data()) / sizeof(float) % memory_granule;
    return memory_.data() + (misaligned == 0 ? 0 : memory_granule - misaligned);
  }

  std::vector<float> memory_;
  std::vector<float*> table_;
  executor* executor_ = nullptr;
  std::size_t tasks_ = 1;
};

} // namespace aecnn::nn::detail
