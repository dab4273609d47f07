#include <aecnn/offload/duration_estimate.hpp>

#include <chrono>
#include <limits>

#include <catch_compat.hpp>
#include <random.hpp>

using aecnn::offload::duration_estimate;

namespace {

/// Goes on by what it is told.
struct fake_clock {
  using duration = std::chrono::duration<double>;
  using rep = double;
  using period = duration::period;
  using time_point = std::chrono::time_point<fake_clock>;
  static constexpr bool is_steady = true;
  static inline double seconds = 0;
  static time_point now() { return time_point(duration(seconds)); }
};

} // namespace

TEST_CASE("durations are estimated by mean and variance, and forget") {
  random_integers random(1);
  duration_estimate e;
  CHECK_FALSE(e.informed());
  CHECK(e.mean() == 0);
  for (int i = 0; i < 400; ++i) e.add(0.010 + 0.001 * random.between(-1, 1));
  CHECK(e.informed());
  CHECK(e.mean() == Approx(0.010).epsilon(0.05));
  CHECK(e.variance() == Approx(0.001 * 0.001 * 2 / 3).epsilon(0.6));
  const auto known = duration_estimate::known(0.5, 0.01);
  CHECK(known.mean() == 0.5);
  CHECK(known.variance() == 0.01);
  CHECK(known.informed());
}

TEST_CASE("one outlier moves an estimate little, a lasting change moves it within a few samples") {
  duration_estimate e;
  for (int i = 0; i < 50; ++i) e.add(i % 2 == 0 ? 0.0095 : 0.0105);
  const double before = e.mean();
  e.add(1.0);
  CHECK(e.mean() < 1.02 * before);
  for (int i = 0; i < 50; ++i) e.add(i % 2 == 0 ? 0.0095 : 0.0105);
  for (int i = 0; i < 8; ++i) e.add(0.080);
  CHECK(e.mean() > 0.065);
  for (int i = 0; i < 8; ++i) e.add(0.010);
  CHECK(e.mean() < 0.040);
}

TEST_CASE("what cannot be a duration is left out") {
  duration_estimate e;
  for (const double v : {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) e.add(v);
  CHECK_FALSE(e.informed());
  e.add(0);
  CHECK(e.informed());
  CHECK(e.mean() == 0);
}

TEST_CASE("work is measured after one run for nothing") {
  duration_estimate e;
  int runs = 0;
  aecnn::offload::measure<fake_clock>(e, 5, [&] { fake_clock::seconds += runs++ == 0 ? 100 : 0.25; });
  CHECK(runs == 6);
  CHECK(e.mean() == Approx(0.25));
  CHECK(e.variance() == Approx(0).margin(1e-12));
}
