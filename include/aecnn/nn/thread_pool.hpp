// An executor on Eigen's thread pool.
//
//   nn::thread_pool pool(4);
//   net.use(&pool);              // the pool must outlive the network's runs; several networks may share it
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

#include <unsupported/Eigen/CXX11/ThreadPool>

#include <aecnn/nn/executor.hpp>

namespace aecnn::nn {

class thread_pool final : public executor {
public:
  /// `threads` in all, the calling thread included: threads - 1 are started. 0 takes one for each processor. Runs of
  /// less than `least_work` multiply-adds stay on the calling thread.
  explicit thread_pool(std::size_t threads, std::uint64_t least_work = usual_least_work)
      : threads_(threads != 0                               ? threads
                 : std::thread::hardware_concurrency() != 0 ? std::thread::hardware_concurrency()
                                                            : 1),
        least_work_(least_work), pool_(static_cast<int>(threads_ < 2 ? 1 : threads_ - 1)) {}

  std::size_t concurrency() const noexcept override { return threads_; }
  std::uint64_t least_work() const noexcept override { return least_work_; }
  void run(std::size_t count, void (*task)(void*, std::size_t) noexcept, void* context) noexcept override {
    // One pointer is all that a scheduled function holds, so that it needs no memory of its own.
    shared all{task, context, {1}, {count - 1}};
    for (std::size_t i = 1; i < count; ++i)
      pool_.Schedule([job = &all] {
        job->task(job->context, job->next.fetch_add(1, std::memory_order_relaxed));
        job->left.fetch_sub(1, std::memory_order_release);
      });
    task(context, 0);
    for (std::size_t spins = 0; all.left.load(std::memory_order_acquire) != 0; ++spins)
      if (spins > 4096) std::this_thread::yield();
  }

private:
  struct shared {
    void (*task)(void*, std::size_t) noexcept;
    void* context;
    std::atomic<std::size_t> next, left;
  };
  std::size_t threads_;
  std::uint64_t least_work_;
  Eigen::ThreadPool pool_;
};

} // namespace aecnn::nn
