#include <aecnn/offload/planner.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include <catch_compat.hpp>

#include "channels.hpp"

using namespace aecnn::offload;

namespace {

/// A slow device, a fast edge: whole network 160 ms there, an image of 12 kB, four operating points.
std::vector<strategy> usual() {
  const auto known = [](double ms) { return duration_estimate::known(ms / 1000, ms * ms * 1e-10); };
  const auto make = [](std::string name, strategy_kind kind, std::size_t point, double accuracy, double bytes) {
    strategy s;
    s.name = std::move(name);
    s.kind = kind;
    s.operating_point = point;
    s.accuracy = accuracy;
    s.bytes = bytes;
    return s;
  };
  std::vector<strategy> all;
  all.push_back(make("local", strategy_kind::local, 0, 0.90, 0));
  all.back().head = known(160);
  all.push_back(make("image", strategy_kind::image, 0, 0.92, 12000));
  all.back().encode = known(12);
  all.back().decode = known(1);
  all.back().tail = known(8);
  const double bytes[] = {1160, 290, 145, 72}, accuracy[] = {0.918, 0.912, 0.900, 0.884};
  for (std::size_t k = 0; k < 4; ++k) {
    all.push_back(make(std::to_string(k), strategy_kind::split, k, accuracy[k], bytes[k]));
    all.back().head = known(70);
    all.back().encode = known(6);
    all.back().decode = known(1);
    all.back().tail = known(5);
  }
  return all;
}

rate_estimator steady(double rate) {
  rate_estimator e;
  for (int i = 0; i < 50; ++i) e.add(2000, 16000 / rate, 0.1 * i);
  return e;
}

std::string chosen_at(double rate, const request& wanted) {
  const planner p(usual());
  return p.strategies()[p.choose(steady(rate), wanted, 4.9).strategy].name;
}

aecnn::errc refused(std::vector<strategy> all, const transport_model& t = {}) {
  const auto p = planner::create(std::move(all), t);
  return p ? aecnn::errc{} : p.error().code;
}

} // namespace

TEST_CASE("the most accurate way that meets the deadline is taken") {
  CHECK(chosen_at(50e6, {.deadline = 0.1}) == "image");
  CHECK(chosen_at(1e6, {.deadline = 0.12}) == "0");
  CHECK(chosen_at(200e3, {.deadline = 0.12}) == "1");
  CHECK(chosen_at(80e3, {.deadline = 0.12}) == "2");
  CHECK(chosen_at(40e3, {.deadline = 0.12}) == "3");
  CHECK(chosen_at(1e3, {.deadline = 0.2}) == "local");
  // More certainty, fewer bytes.
  CHECK(chosen_at(100e3, {.deadline = 0.12, .probability = 0.6}) == "1");
  CHECK(chosen_at(100e3, {.deadline = 0.12, .probability = 0.999}) == "2");
}

TEST_CASE("the fastest way is taken where none meets the deadline") {
  const planner p(usual());
  const auto slow = p.choose(steady(100), {.deadline = 0.05}, 4.9);
  CHECK_FALSE(slow.meets);
  CHECK(p.strategies()[slow.strategy].name == "local");
  CHECK(slow.seconds == Approx(0.16).epsilon(0.1));
  const auto fast = p.choose(steady(1e9), {.deadline = 0.001}, 4.9);
  CHECK_FALSE(fast.meets);
  CHECK(p.strategies()[fast.strategy].name == "image");
  const auto met = p.choose(steady(1e9), {.deadline = 0.1}, 4.9);
  CHECK(met.meets);
  CHECK(met.in_time >= 0.95);
  CHECK(met.seconds <= 0.1);
}

TEST_CASE("loss and slower machines change the choice") {
  planner p(usual());
  const request wanted{.deadline = 0.12};
  const auto channel = steady(400e3);
  CHECK(p.strategies()[p.choose(channel, wanted, 4.9).strategy].name == "0");
  p.set_loss(0.5);
  CHECK(p.transport().loss == 0.5);
  CHECK(p.strategies()[p.choose(channel, wanted, 4.9).strategy].name == "1");
  p.set_loss(0);
  for (auto& s : p.strategies())
    for (int i = 0; i < 30 && s.kind == strategy_kind::split; ++i) s.head.add(0.095);
  CHECK(p.strategies()[p.choose(channel, wanted, 4.9).strategy].bytes < 1160);
}

TEST_CASE("strategies that cannot be are refused") {
  CHECK(refused({}) == aecnn::errc::invalid_argument);
  CHECK(refused(usual()) == aecnn::errc{});
  CHECK(refused(usual(), {.loss = 1}) == aecnn::errc::invalid_argument);
  CHECK(refused(usual(), {.loss = -0.1}) == aecnn::errc::invalid_argument);
  auto all = usual();
  all[1].bytes = 0;
  CHECK(refused(all) == aecnn::errc::invalid_argument);
  all = usual();
  all[0].bytes = 10;
  CHECK(refused(all) == aecnn::errc::invalid_argument);
  all = usual();
  all[2].accuracy = 1.2;
  CHECK(refused(all) == aecnn::errc::invalid_argument);
  CHECK_THROWS_AS(planner(std::vector<strategy>{}), aecnn::error);
}

TEST_CASE("over fading channels the planner is within a point of an oracle that knows the rate, and no fixed way is better") {
  for (const double deadline : {0.150, 0.170}) // local execution takes too long, or not
    for (const double middle : {30e3, 100e3, 300e3, 1e6, 5e6}) {
      channels::fading channel(middle, static_cast<std::uint64_t>(middle));
      random_integers random(11);
      planner p(usual());
      rate_estimator estimate({.first_rate = 3e5});
      const request wanted{.deadline = deadline, .probability = 0.9};
      const std::size_t count = p.strategies().size();
      std::vector<double> fixed(count, 0.0);
      double planned = 0, oracle = 0, now = 0;
      const int frames = 20000;
      for (int i = 0; i < frames; ++i) {
        now += 0.2;
        channel.advance(0.2);
        const double rate = channel.rate() * std::exp(0.1 * channels::normal(random));
        const auto seconds = [&](std::size_t k) {
          const strategy& s = p.strategies()[k];
          return s.computing() + (s.kind == strategy_kind::local ? 0 : 8 * p.transport().wire_bytes(s.bytes) / rate);
        };
        double best = 0;
        for (std::size_t k = 0; k < count; ++k) {
          const double got = seconds(k) <= wanted.deadline ? p.strategies()[k].accuracy : 0;
          fixed[k] += got;
          best = std::max(best, got);
        }
        oracle += best;
        const std::size_t k = p.choose(estimate, wanted, now).strategy;
        const strategy& s = p.strategies()[k];
        if (seconds(k) <= wanted.deadline) planned += s.accuracy;
        if (s.kind == strategy_kind::local) {
          if (p.worth_probing(estimate, wanted, now)) estimate.add(400, 3200 / rate, now);
          continue;
        }
        const double sending = seconds(k) - s.computing();
        if (sending > 1)
          estimate.add_timeout(p.transport().wire_bytes(s.bytes), 1, now);
        else
          estimate.add(p.transport().wire_bytes(s.bytes), sending, now);
      }
      CAPTURE(deadline, middle, planned / frames, oracle / frames, fixed[0] / frames, fixed[1] / frames, fixed[2] / frames, fixed[3] / frames,
              fixed[4] / frames, fixed[5] / frames);
      CHECK(planned >= oracle - 0.01 * frames);
      CHECK(planned >= *std::max_element(fixed.begin(), fixed.end()) - 0.0005 * frames);
    }
}

TEST_CASE("running locally, the channel is worth probing where it may have become good enough to change the choice") {
  planner p(usual());
  const request late{.deadline = 0.12}, patient{.deadline = 0.3};
  const auto dead = steady(1e3);
  REQUIRE(p.strategies()[p.choose(dead, patient, 4.9).strategy].kind == strategy_kind::local);
  CHECK_FALSE(p.worth_probing(dead, patient, 4.9));
  CHECK(p.worth_probing(dead, patient, 60)); // nobody knows any more
  // Where nothing else is in time either, whatever may be is tried, and tells as much.
  CHECK(p.strategies()[p.choose(dead, late, 60).strategy].kind == strategy_kind::split);
  CHECK_FALSE(p.worth_probing(dead, late, 60));
  REQUIRE(p.strategies()[p.choose(steady(1e6), patient, 4.9).strategy].kind != strategy_kind::local);
  CHECK_FALSE(p.worth_probing(steady(1e6), patient, 4.9)); // what is sent tells
  // Nothing is more accurate than running locally.
  p.strategies()[0].accuracy = 1;
  CHECK_FALSE(p.worth_probing(dead, patient, 60));
}
