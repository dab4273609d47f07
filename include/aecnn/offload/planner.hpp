// Which way to take for one inference: the most accurate that meets the deadline with the probability that is asked for; where none does,
// the one that is most likely to, and where none can, the fastest. Pure logic: what was measured comes in, a choice goes out. O(strategies).
//
//   offload::planner planner(strategies, {.loss = 0.01});
//   const auto chosen = planner.choose(channel, {.deadline = 0.1, .probability = 0.95}, now);
//   ... run planner.strategies()[chosen.strategy], then tell what it took:
//   channel.add(wire_bytes, seconds, now);
//   planner.strategies()[chosen.strategy].head.add(head_seconds);
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/offload/latency_model.hpp>

namespace aecnn::offload {

struct request {
  double deadline = 0.1;     ///< seconds from the start of the head to the answer
  double probability = 0.95; ///< of an answer within them, 0 < probability < 1
};

struct plan {
  std::size_t strategy = 0;  ///< index
  double in_time = 0;        ///< probability of an answer within the deadline
  double seconds = 0;        ///< that suffice with the probability asked for
  bool meets = false;        ///< in_time is at least that probability
};

class planner {
public:
  /// errc::invalid_argument where there is no strategy, an accuracy is outside of 0 to 1, or bytes are not finite, negative, or 0 where
  /// something is sent; errc::invalid_argument where the transport's loss is not within 0 to 1.
  static result<planner> create(std::vector<strategy> strategies, const transport_model& t = {}) {
    if (strategies.empty()) return fail("no strategies");
    for (const strategy& s : strategies) {
      if (!(s.accuracy >= 0 && s.accuracy <= 1)) return fail("strategy ", s.name, ": accuracy ", s.accuracy, ", expected 0 to 1");
      if (!(s.bytes >= 0 && s.bytes < 1e12) || (s.bytes == 0) != (s.kind == strategy_kind::local))
        return fail("strategy ", s.name, ": ", s.bytes, " bytes, expected ", s.kind == strategy_kind::local ? "0 of a local one" : "more than 0");
    }
    if (!(t.loss >= 0 && t.loss < 1)) return fail("transport: loss ", t.loss, ", expected 0 to below 1");
    return planner(checked{}, std::move(strategies), t);
  }
  /// As create(); throws aecnn::error.
  explicit planner(std::vector<strategy> strategies, const transport_model& t = {}) : planner(create(std::move(strategies), t).value()) {}

  std::span<strategy> strategies() noexcept { return strategies_; }
  std::span<const strategy> strategies() const noexcept { return strategies_; }
  const transport_model& transport() const noexcept { return transport_; }
  /// As the share of lost packets becomes known.
  void set_loss(double loss) noexcept { transport_.loss = loss < 0 ? 0 : loss > 0.99 ? 0.99 : loss; }

  /// The choice at time `now` of the channel's clock. Of those that meet the deadline, the highest accuracy times probability. Where none
  /// does, the highest probability, and where all are as good as 0 the fastest.
  plan choose(const rate_estimator& channel, const request& wanted, double now) const {
    constexpr double least = 1e-6; // probabilities below it are none
    plan best, likeliest;
    double best_accuracy = -1;
    for (std::size_t i = 0; i < strategies_.size(); ++i) {
      const completion_time time(strategies_[i], transport_, channel, now);
      plan p{i, time.within(wanted.deadline), time.quantile(wanted.probability), false};
      p.meets = p.in_time >= wanted.probability;
      const double gain = p.in_time - likeliest.in_time;
      if (i == 0 || gain > least || (gain > -least && p.seconds < likeliest.seconds)) likeliest = p;
      const double accuracy = strategies_[i].accuracy * p.in_time;
      if (p.meets && accuracy > best_accuracy) {
        best = p;
        best_accuracy = accuracy;
      }
    }
    return best.meets ? best : likeliest;
  }

  /// Whether a transfer now could change the choice: something more accurate, or anything in time at all, would do if the channel were as
  /// good as it is with a probability of `chance`. Whoever runs locally learns nothing about the channel; a few hundred bytes sent meanwhile tell.
  bool worth_probing(const rate_estimator& channel, const request& wanted, double now, double chance = 0.001) const {
    const plan chosen = choose(channel, wanted, now);
    if (strategies_[chosen.strategy].kind != strategy_kind::local) return false;
    const double rate = channel.rate(chance, now);
    for (const strategy& s : strategies_) {
      if (s.kind == strategy_kind::local || (chosen.meets && s.accuracy <= strategies_[chosen.strategy].accuracy)) continue;
      if (s.computing() + channel.round_trip() + 8 * transport_.wire_bytes(s.bytes) / rate <= wanted.deadline) return true;
    }
    return false;
  }

private:
  struct checked {};
  planner(checked, std::vector<strategy> strategies, const transport_model& t) : strategies_(std::move(strategies)), transport_(t) {}

  template <class... Parts>
  static failure fail(const Parts&... parts) {
    return aecnn::detail::fail(errc::invalid_argument, "planner: ", parts...);
  }

  std::vector<strategy> strategies_;
  transport_model transport_;
};

} // namespace aecnn::offload
