#include <aecnn/offload/latency_model.hpp>

#include <catch_compat.hpp>

#include "channels.hpp"

using namespace aecnn::offload;

namespace {

strategy split(double bytes, double seconds, double variance = 0) {
  strategy s;
  s.kind = strategy_kind::split;
  s.bytes = bytes;
  s.head = duration_estimate::known(0.6 * seconds, 0.5 * variance);
  s.encode = duration_estimate::known(0.1 * seconds);
  s.decode = duration_estimate::known(0.1 * seconds);
  s.tail = duration_estimate::known(0.2 * seconds, 0.5 * variance);
  return s;
}

rate_estimator steady(double rate) {
  rate_estimator e;
  for (int i = 0; i < 50; ++i) e.add(2000, 16000 / rate, 0.1 * i);
  return e;
}

} // namespace

TEST_CASE("a transport adds headers to packets and sends lost ones again") {
  const transport_model t{.packet_bytes = 1000, .header_bytes = 50, .message_bytes = 20, .loss = 0};
  CHECK(t.wire_bytes(100) == Approx(170));
  CHECK(t.wire_bytes(980) == Approx(1050));
  CHECK(t.wire_bytes(981) == Approx(1101));
  transport_model lossy = t;
  lossy.loss = 0.2;
  CHECK(lossy.wire_bytes(100) == Approx(212.5));
}

TEST_CASE("completion takes what computing and sending take") {
  const auto channel = steady(1e6);
  const transport_model none{.packet_bytes = 0, .header_bytes = 0};
  const completion_time time(split(12500, 0.050), none, channel, 4.9); // 100 ms on the air
  CHECK(time.quantile(0.5) == Approx(0.150).epsilon(0.02));
  CHECK(time.within(0.05) < 1e-6);
  CHECK(time.within(0.14) < 0.5);
  CHECK(time.within(0.16) > 0.5);
  CHECK(time.within(1.0) > 0.999);
  for (const double p : {0.1, 0.5, 0.9, 0.99}) CHECK(time.within(time.quantile(p)) == Approx(p).epsilon(1e-6));
  strategy local;
  local.head = duration_estimate::known(0.2, 1e-4);
  const completion_time here(local, none, channel, 1000);
  CHECK(here.quantile(0.5) == Approx(0.2).epsilon(1e-6));
  CHECK(here.within(0.21) == Approx(aecnn::offload::detail::normal_below(0.01 / std::sqrt(1e-4 + 4e-6))).epsilon(1e-6));
}

TEST_CASE("the distribution of completion times is that of simulated ones") {
  auto channel = steady(5e5);
  channel.add_round_trip(0.020);
  channel.add_round_trip(0.020);
  const auto s = split(3000, 0.040, 4e-6);
  const transport_model t;
  const double now = 8;
  const completion_time time(s, t, channel, now);
  random_integers random(3);
  std::vector<double> seconds;
  for (int i = 0; i < 20000; ++i) {
    const double rate = channel.rate() * std::exp(channel.spread(now) * channels::normal(random));
    seconds.push_back(0.020 + 8 * t.wire_bytes(3000) / rate + 0.040 + std::sqrt(s.computing_variance()) * channels::normal(random));
  }
  for (const double p : {0.05, 0.25, 0.5, 0.75, 0.95}) {
    const double d = time.quantile(p);
    const auto below = std::count_if(seconds.begin(), seconds.end(), [&](double v) { return v <= d; });
    CAPTURE(p, d);
    CHECK(static_cast<double>(below) / 20000.0 == Approx(p).margin(0.015));
  }
}
