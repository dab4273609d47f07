// Times a piece of work and what it is to be compared with in turn, so that both meet the same machine, and reports the
// ratio of their speeds.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

#include <benchmark/benchmark.h>

namespace bench {

/// Seconds that `repetitions` calls of f take.
template <class Function>
double seconds_of(int repetitions, Function&& f) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < repetitions; ++i) f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

inline double median(std::vector<double> v) {
  const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  std::nth_element(v.begin(), middle, v.end());
  return *middle;
}

/// Runs the benchmark's loop, which needs UseManualTime(): an iteration is `repetitions` calls of `work` and as many of
/// `yardstick`, each in its own caches, and its time is that of one `work`. Sets the counter `name` to the yardstick's
/// median time over work's: the speed of `work` as a share of the yardstick's. No counter where `name` is null.
template <class Work, class Yardstick>
void compare(benchmark::State& state, const char* name, int repetitions, Work&& work, Yardstick&& yardstick) {
  std::vector<double> times, yardstick_times;
  work();
  yardstick();
  for (auto _ : state) {
    times.push_back(seconds_of(repetitions, work));
    yardstick_times.push_back(seconds_of(repetitions, yardstick));
    state.SetIterationTime(times.back() / repetitions);
  }
  if (name != nullptr) state.counters[name] = median(yardstick_times) / median(times);
}

} // namespace bench
