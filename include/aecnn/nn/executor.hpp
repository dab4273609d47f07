// Threads for a network. The default is the calling thread alone; a caller hands in an executor of its own, or
// thread_pool.hpp's.
//
// One run of a network is one call of the executor: its tasks take pieces of every step until none is left, so that a
// task which starts late, or never gets a core, costs nothing but its help. Cost: one atomic operation a piece, a few
// microseconds a run.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include <aecnn/nn/steps/step.hpp>

namespace aecnn::nn {

/// Runs tasks at the same time, as far as it can. To use threads of your own, derive from it.
class executor {
public:
  executor() = default;
  executor(const executor&) = delete;
  executor& operator=(const executor&) = delete;
  virtual ~executor() = default;
  /// The tasks that are worth starting, the calling thread's included; 1 or more.
  virtual std::size_t concurrency() const noexcept = 0;
  /// Multiply-adds of a run below which starting tasks costs more than it saves, so that the calling thread does all.
  virtual std::uint64_t least_work() const noexcept { return usual_least_work; }
  static constexpr std::uint64_t usual_least_work = 4'000'000;
  /// Calls task(context, i) once for each i < count, on any threads, and returns when all have returned.
  virtual void run(std::size_t count, void (*task)(void* context, std::size_t i) noexcept, void* context) noexcept = 0;
};

namespace detail {

/// One run of a network's steps by several tasks. A step's units are divided into at most 32 pieces; a task takes those
/// of its own share first, so that it finds in its cache what it wrote in the step before.
class shared_run {
public:
  shared_run(std::span<const std::unique_ptr<step>> steps, buffer_table buffers, float* workspace,
             std::size_t workspace_floats, std::size_t tasks)
      : steps_(steps), buffers_(buffers), workspace_(workspace), workspace_floats_(workspace_floats), tasks_(tasks),
        state_(begin(0)) {}

  static void task(void* self, std::size_t i) noexcept { static_cast<shared_run*>(self)->work(i); }

private:
  std::size_t pieces(std::size_t s) const noexcept {
    const std::size_t units = steps_[s]->units(), most = 4 * tasks_ < 32 ? 4 * tasks_ : 32;
    return units == 0 ? 1 : units < most ? units : most; // a step without work is one empty piece
  }
  /// The state at the start of a step: its number above, a bit for every piece that nobody has taken below.
  std::uint64_t begin(std::size_t s) const noexcept {
    if (s == steps_.size()) return std::uint64_t{s} << 32;
    return std::uint64_t{s} << 32 | ((std::uint64_t{1} << pieces(s)) - 1);
  }
  static void pause() noexcept {
#if defined(__GNUC__) && defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  void work(std::size_t i) noexcept {
    std::size_t idle = 0;
    for (;;) {
      std::uint64_t now = state_.load(std::memory_order_acquire);
      const auto s = static_cast<std::size_t>(now >> 32);
      if (s == steps_.size()) return;
      const auto free = static_cast<std::uint32_t>(now);
      if (free == 0) { // the others finish what they took
        if (++idle < 4096)
          pause();
        else
          std::this_thread::yield();
        continue;
      }
      const std::size_t count = pieces(s), first = count * i / tasks_, last = count * (i + 1) / tasks_;
      const auto own =
          static_cast<std::uint32_t>(((std::uint64_t{1} << last) - 1) & ~((std::uint64_t{1} << first) - 1)) & free;
      const std::uint32_t from = own != 0 ? own : free;
      const auto piece = static_cast<std::size_t>(own != 0 ? std::countr_zero(from) : 31 - std::countl_zero(from));
      if (!state_.compare_exchange_weak(now, now & ~(std::uint64_t{1} << piece), std::memory_order_acquire)) continue;
      idle = 0;
      const step& work = *steps_[s];
      const std::size_t units = work.units();
      if (piece == 0)
        for (const auto& [buffer, layout] : work.borders) clear_border(buffers_[buffer], layout);
      work.run(buffers_, units * piece / count, units * (piece + 1) / count, workspace_ + i * workspace_floats_);
      if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 == count) {
        done_.store(0, std::memory_order_relaxed);
        state_.store(begin(s + 1), std::memory_order_release);
      }
    }
  }

  std::span<const std::unique_ptr<step>> steps_;
  buffer_table buffers_;
  float* workspace_;
  std::size_t workspace_floats_, tasks_;
  alignas(64) std::atomic<std::uint64_t> state_;
  alignas(64) std::atomic<std::size_t> done_{0};
};

} // namespace detail
} // namespace aecnn::nn
