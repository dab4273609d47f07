#include <aecnn/offload/rate_estimator.hpp>

#include <limits>

#include <catch_compat.hpp>

#include "channels.hpp"

using aecnn::offload::rate_estimator;

namespace {

/// Transfers of 2000 bytes, one each 100 ms, over a channel of that many bits a second.
double send(rate_estimator& e, double rate, double now, int count) {
  for (int i = 0; i < count; ++i) e.add(2000, e.round_trip() + 16000 / rate, now += 0.1);
  return now;
}

} // namespace

TEST_CASE("a steady channel's rate is found, and the uncertainty shrinks and then grows with time") {
  rate_estimator e({.first_rate = 1e5});
  const double first = e.spread(0);
  CHECK(e.rate() == Approx(1e5));
  const double now = send(e, 3e6, 0, 20);
  CHECK(e.transfers() == 20);
  CHECK(e.rate() == Approx(3e6).epsilon(0.03));
  CHECK(e.spread(now) < 0.25);
  CHECK(e.spread(now) < first);
  CHECK(e.spread(now + 10) > 2 * e.spread(now));
  CHECK(e.rate(0.5, now) == Approx(e.rate()));
  CHECK(e.rate(0.95, now) < e.rate());
  CHECK(e.rate(0.05, now) > e.rate());
  CHECK(e.rate(0.95, now + 10) < e.rate(0.95, now));
}

TEST_CASE("the round trip is taken off") {
  rate_estimator e;
  for (const double t : {0.050, 0.041, 0.040, 0.043}) e.add_round_trip(t);
  CHECK(e.round_trip() == Approx(0.040).epsilon(0.01));
  CHECK(e.jitter() > 0);
  send(e, 1e6, 0, 30);
  CHECK(e.rate() == Approx(1e6).epsilon(0.1));
}

TEST_CASE("one stalled transfer counts little, a change of the channel is followed within a few") {
  rate_estimator e;
  double now = send(e, 2e6, 0, 30);
  e.add(2000, 3.0, now += 0.1);
  CHECK(e.rate() > 1.2e6);
  now = send(e, 2e6, now, 10);
  CHECK(e.rate() == Approx(2e6).epsilon(0.1));
  now = send(e, 1e5, now, 5);
  CHECK(e.rate() < 1.8e5);
  now = send(e, 2e6, now, 5);
  CHECK(e.rate() > 1.2e6);
}

TEST_CASE("timeouts lower the rate, and say nothing where it is known to be lower") {
  rate_estimator e;
  double now = send(e, 2e6, 0, 30);
  for (int i = 0; i < 5; ++i) e.add_timeout(2000, 0.5, now += 0.5);
  CHECK(e.rate() < 1e5);
  const double before = e.rate();
  e.add_timeout(2000, 0.001, now += 0.1);
  CHECK(e.rate() == before);
}

TEST_CASE("what cannot be a transfer is left out") {
  rate_estimator e;
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  for (const double v : {0.0, -1.0, nan, infinity}) {
    e.add(v, 1, 0);
    e.add(1000, v, 0);
    e.add_timeout(v, 1, 0);
    e.add_timeout(1000, v, 0);
  }
  for (const double v : {-1.0, nan, infinity}) e.add_round_trip(v);
  CHECK(e.transfers() == 0);
  CHECK(e.round_trip() == 0);
  CHECK(e.rate() == Approx(1e6));
  // A clock that goes back does not count time twice.
  const double now = send(e, 1e6, 100, 10);
  e.add(2000, 0.016, now - 50);
  CHECK(e.rate() == Approx(1e6).epsilon(0.05));
  CHECK(e.spread(now - 50) == e.spread(now));
}

TEST_CASE("of the transfers over a fading channel as many are as fast as a quantile says") {
  for (const double p : {0.5, 0.8, 0.95}) {
    random_integers random(5);
    channels::fading channel(1e6, 9);
    rate_estimator e;
    int held = 0, count = 0;
    double now = 0;
    for (int i = 0; i < 20000; ++i) {
      now += 0.25;
      channel.advance(0.25);
      const double rate = channel.rate() * std::exp(0.15 * channels::normal(random));
      if (i > 50) {
        ++count;
        held += rate >= e.rate(p, now) ? 1 : 0;
      }
      e.add(1500, 12000 / rate, now);
    }
    CAPTURE(p);
    CHECK(static_cast<double>(held) / count == Approx(p).margin(0.03));
  }
}
