#include <aecnn/nn/thread_pool.hpp>

#include <atomic>
#include <thread>

#include "threaded_networks.hpp"

using namespace threaded;

TEST_CASE("thread_pool: runs every task once", "[nn]") {
  CHECK(nn::thread_pool(0).concurrency() >= 1);
  for (const std::size_t threads : {1U, 2U, 3U, 5U}) {
    nn::thread_pool pool(threads);
    CHECK(pool.concurrency() == threads);
    for (std::size_t count = 1; count <= 9; ++count) {
      std::vector<std::atomic<int>> calls(count);
      pool.run(
          count, [](void* c, std::size_t i) noexcept { ++(*static_cast<std::vector<std::atomic<int>>*>(c))[i]; },
          &calls);
      bool once = true;
      for (const auto& c : calls) once = once && c == 1;
      CHECK(once);
    }
  }
}

TEST_CASE("thread_pool: any number of threads gives the same bits", "[nn]") {
  for (const std::size_t threads : {1U, 2U, 3U, 5U}) {
    nn::thread_pool pool(threads, 0);
    for (const example& x : examples()) {
      CAPTURE(x.graph.name, threads);
      CHECK(same_with(pool, x, 10));
    }
  }
}

TEST_CASE("thread_pool: many short runs", "[nn]") {
  nn::thread_pool pool(2, 0);
  CHECK(same_with(pool, examples()[2], 3000));
}

TEST_CASE("thread_pool: two networks share a pool from two threads", "[nn]") {
  nn::thread_pool pool(3, 0);
  const auto all = examples();
  bool same[2] = {false, false};
  std::thread other([&] { same[1] = same_with(pool, all[1], 20); });
  same[0] = same_with(pool, all[0], 20);
  other.join();
  CHECK(same[0]);
  CHECK(same[1]);
}
