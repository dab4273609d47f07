#include <aecnn/nn/executor.hpp>

#include <atomic>
#include <chrono>
#include <thread>

#include "threaded_networks.hpp"

using namespace threaded;

namespace {

using task_function = void (*)(void*, std::size_t) noexcept;

/// Runs the tasks one after another on the calling thread, the last first.
class backwards final : public nn::executor {
public:
  explicit backwards(std::size_t tasks) : tasks_(tasks) {}
  std::size_t concurrency() const noexcept override { return tasks_; }
  std::uint64_t least_work() const noexcept override { return 0; }
  void run(std::size_t count, task_function task, void* context) noexcept override {
    most_ = std::max(most_, count);
    for (std::size_t i = count; i-- > 0;) task(context, i);
  }
  std::size_t most() const { return most_; }

private:
  std::size_t tasks_, most_ = 0;
};

/// A thread for each task; every other one starts late.
class late final : public nn::executor {
public:
  explicit late(std::size_t tasks) : tasks_(tasks) {}
  std::size_t concurrency() const noexcept override { return tasks_; }
  std::uint64_t least_work() const noexcept override { return 0; }
  void run(std::size_t count, task_function task, void* context) noexcept override {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < count; ++i)
      threads.emplace_back([=] {
        if (i % 2 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300 * i));
        task(context, i);
      });
    for (std::thread& t : threads) t.join();
  }

private:
  std::size_t tasks_;
};

/// Says which unit was computed, how often, and that no step began before the one before it had ended.
class counting_step final : public nn::step {
public:
  counting_step(std::size_t units, const counting_step* before) : counts_(units), before_(before) {}
  std::size_t units() const override { return counts_.size(); }
  void run(nn::buffer_table, std::size_t first, std::size_t last, float* workspace) const noexcept override {
    if (before_ != nullptr && !before_->complete()) early_ = true;
    *workspace = 1; // every task has its own
    for (std::size_t u = first; u < last; ++u) ++counts_[u];
  }
  bool complete() const noexcept {
    for (const auto& c : counts_)
      if (c != 1) return false;
    return !early_;
  }

private:
  mutable std::vector<std::atomic<int>> counts_;
  mutable std::atomic<bool> early_{false};
  const counting_step* before_;
};

} // namespace

TEST_CASE("executor: tasks that run one after another, in reverse", "[nn]") {
  for (const example& x : examples())
    for (const std::size_t tasks : {1U, 2U, 3U, 5U, 32U, 100U}) {
      backwards e(tasks);
      CAPTURE(x.graph.name, tasks);
      CHECK(same_with(e, x, 2));
      CHECK(e.most() <= 32);
      CHECK((e.most() > 0) == (tasks > 1));
    }
}

TEST_CASE("executor: runs of too little work stay on the calling thread", "[nn]") {
  /// Takes runs of at least 1,000,000 multiply-adds.
  class choosy final : public nn::executor {
  public:
    std::size_t concurrency() const noexcept override { return 2; }
    std::uint64_t least_work() const noexcept override { return 1'000'000; }
    void run(std::size_t count, task_function task, void* context) noexcept override {
      ++calls;
      for (std::size_t i = 0; i < count; ++i) task(context, i);
    }
    int calls = 0;
  } e;
  CHECK(backwards(2).nn::executor::least_work() > 1'000'000);
  nn::graph g = nn::start("conv");
  nn::finish(g, nn::conv(g, "x", {8, 8, 3, 3}, std::vector<float>(576, 0.1F), {}, {.pads = {1, 1, 1, 1}}));
  nn::network net = nn::network::create(g).value();
  net.use(&e);
  const auto calls_of = [&](std::size_t side) {
    net.prepare(aecnn::shape3{8, side, side}).value();
    std::vector<float> in(8 * side * side, 1), out(in.size());
    const int before = e.calls;
    net.run_to(in, out).value();
    return e.calls - before;
  };
  CHECK(calls_of(32) == 0); // 589,824, and what the steps write
  CHECK(calls_of(64) == 1);
  CHECK(calls_of(16) == 0);
}

TEST_CASE("executor: tasks that start late", "[nn]") {
  for (const example& x : examples())
    for (const std::size_t tasks : {2U, 3U, 5U}) {
      late e(tasks);
      CAPTURE(x.graph.name, tasks);
      CHECK(same_with(e, x, 5));
    }
}

TEST_CASE("executor: every unit of every step is computed once, and steps follow each other", "[nn]") {
  late e(4);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::unique_ptr<nn::step>> steps;
    std::vector<const counting_step*> counters;
    const counting_step* before = nullptr;
    for (const std::size_t units : {1U, 2U, 3U, 15U, 16U, 17U, 31U, 100U, 1000U, 1U}) {
      auto s = std::make_unique<counting_step>(units, before);
      before = s.get();
      counters.push_back(before);
      steps.push_back(std::move(s));
    }
    std::vector<float> workspace(4 * 16);
    nn::detail::shared_run job(steps, nullptr, workspace.data(), 16, 4);
    e.run(4, nn::detail::shared_run::task, &job);
    for (const counting_step* c : counters) CHECK(c->complete());
  }
}

TEST_CASE("executor: of no steps and of a change of executor", "[nn]") {
  backwards e(3), other(2);
  std::vector<float> workspace(16);
  nn::detail::shared_run job({}, nullptr, workspace.data(), 0, 3);
  e.run(3, nn::detail::shared_run::task, &job);
  const example x = examples()[0];
  nn::network net = nn::network::create(x.graph).value();
  net.use(&e); // before prepare
  const std::vector<extents> shapes{x.input.shape};
  net.prepare(shapes).value();
  nn::network alone = prepared(x.graph, {x.input});
  const auto expected = run(alone, {x.input});
  CHECK(net.activation_bytes() >= alone.activation_bytes());
  CHECK(run(net, {x.input})[0].data == expected[0].data);
  net.use(&other);
  CHECK(run(net, {x.input})[0].data == expected[0].data);
  CHECK(other.most() == 2);
  nn::network copy = net; // with the executor of the original
  CHECK(run(copy, {x.input})[0].data == expected[0].data);
}
