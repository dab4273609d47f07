// Trains the entropy coder's initial states: how likely each binary decision is, and how firmly to believe it before any
// symbol of the tensor at hand was seen.
//
// For each state, tensor t met n_t decisions, k_t of them ones. The probability is the pooled frequency. The confidence is the
// count c that maximises the beta-binomial likelihood of the (n_t, k_t) with mean p and precision c: large where all tensors
// behave alike, small where each is different.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/symbol.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/entropy/context_coder.hpp>

namespace aecnn {

/// Decisions met by one state: zeros and ones.
using decision_counts = std::array<std::uint32_t, 2>;

/// Collects decision counts of all states, per tensor; merge() appends another collection's tensors, so that a data set can
/// be counted in shards.
class prior_statistics {
public:
  /// For symbol planes that are coded with these parameters (their initial states do not matter).
  explicit prior_statistics(context_parameters parameters) : parameters_(std::move(parameters)) {
    parameters_.initial.clear();
    states_ = std::size_t{parameters_.classes} * context_layout(parameters_.levels, parameters_.zero).state_count();
  }

  /// Counts the decisions of one tensor's symbols.
  status add(std::span<const symbol> symbols, shape3 shape) {
    auto coder = context_coder::create(parameters_, shape.channels);
    if (!coder) return coder.error();
    counter count{coder->models().data(), std::vector<decision_counts>(states_)};
    if (auto s = coder->run(symbols, shape, {}, count); !s) return s;
    std::vector<entry> met;
    for (std::size_t i = 0; i < states_; ++i)
      if (count.counts[i][0] + count.counts[i][1] > 0) met.push_back({static_cast<std::uint32_t>(i), count.counts[i]});
    tensors_.push_back(std::move(met));
    return {};
  }
  void merge(const prior_statistics& other) {
    tensors_.insert(tensors_.end(), other.tensors_.begin(), other.tensors_.end());
  }

  /// The packed initial states from the tensors t with t % folds != without (all where folds is 1).
  std::vector<std::uint16_t> train(std::size_t folds = 1, std::size_t without = 1) const {
    std::vector<decision_counts> pooled(states_);
    std::vector<std::vector<decision_counts>> separate(states_);
    for (std::size_t t = 0; t < tensors_.size(); ++t) {
      if (t % folds == without) continue;
      for (const entry& e : tensors_[t]) {
        pooled[e.state][0] += e.counts[0];
        pooled[e.state][1] += e.counts[1];
        separate[e.state].push_back(e.counts);
      }
    }
    const std::size_t per_class = states_ / parameters_.classes;
    std::vector<std::uint16_t> initial(states_);
    for (std::size_t i = 0; i < states_; ++i) {
      double zeros = pooled[i][0], ones = pooled[i][1];
      if (zeros + ones == 0) {
        // Not met in this class: what the other classes say, without confidence.
        for (std::size_t j = i % per_class; j < states_; j += per_class) {
          zeros += pooled[j][0];
          ones += pooled[j][1];
        }
        initial[i] = pack_state(probability(zeros, ones), zeros + ones > 0 ? 2U : 0U);
        continue;
      }
      initial[i] = pack_state(probability(zeros, ones), confidence(separate[i], zeros, ones));
    }
    return initial;
  }

private:
  struct entry {
    std::uint32_t state;
    decision_counts counts;
  };
  // Stands in for an encoder; a model's place in the coder's array is its state.
  struct counter {
    const bit_model* first;
    std::vector<decision_counts> counts;
    void encode(unsigned bit, const bit_model& m) { ++counts[static_cast<std::size_t>(&m - first)][bit]; }
    void encode_bits(std::uint32_t, int) {}
  };
  static std::uint32_t probability(double zeros, double ones) {
    return static_cast<std::uint32_t>(std::lround(65536.0 * (ones + 0.4) / (zeros + ones + 0.8)));
  }
  /// As std::lgamma, which writes a variable that all threads share: the sign of the gamma function.
  static double log_gamma(double x) noexcept {
#if defined(__GLIBC__) && defined(__USE_MISC)
    int sign = 0;
    return ::lgamma_r(x, &sign);
#else
    return std::lgamma(x); // NOLINT(concurrency-mt-unsafe): nothing reads the sign
#endif
  }
  static unsigned confidence(const std::vector<decision_counts>& tensors, double zeros, double ones) {
    const double p = (ones + 0.4) / (zeros + ones + 0.8);
    unsigned best = 1;
    double most = -1e300;
    for (unsigned index = 1; index < 16; ++index) {
      const double c = packed_counts[index];
      // One tensor's worth of evidence says nothing of the spread between tensors.
      if (index > 4 && c > zeros + ones) break;
      const double a = c * p, b = c * (1 - p);
      double likelihood = static_cast<double>(tensors.size()) * (log_gamma(c) - log_gamma(a) - log_gamma(b));
      for (const auto& t : tensors)
        likelihood += log_gamma(a + t[1]) + log_gamma(b + t[0]) - log_gamma(c + t[0] + t[1]);
      if (likelihood > most) {
        most = likelihood;
        best = index;
      }
    }
    return best;
  }

  context_parameters parameters_;
  std::size_t states_ = 0;
  std::vector<std::vector<entry>> tensors_;
};

/// Sorts channels into classes of similar activity (mean distance from zero), equal steps of its logarithm: at most eight where the
/// models of a class are few, else four.
inline void assign_classes(context_parameters& p, std::span<const std::vector<symbol>> planes, std::size_t channels) {
  p.classes = 1;
  p.channel_class.clear();
  if (channels < 2) return;
  std::vector<double> activity(channels);
  for (const auto& symbols : planes) {
    const std::size_t area = symbols.size() / channels;
    for (std::size_t k = 0; k < channels; ++k)
      for (std::size_t i = k * area; i < (k + 1) * area; ++i)
        activity[k] += std::abs(static_cast<double>(symbols[i]) - p.zero) / static_cast<double>(area * planes.size());
  }
  for (double& a : activity) a = std::log2(std::max(a, 1e-4));
  const auto [low, high] = std::minmax_element(activity.begin(), activity.end());
  const double span = *high - *low;
  const bool few = context_layout(p.levels, p.zero).unary();
  const double wanted = std::ceil(few ? 4 * span : span), most = std::min(few ? 8.0 : 4.0, static_cast<double>(channels));
  const auto classes = static_cast<std::size_t>(std::clamp(wanted, 1.0, most));
  if (classes < 2) return;
  p.classes = static_cast<std::uint8_t>(classes);
  for (const double a : activity)
    p.channel_class.push_back(static_cast<std::uint8_t>(
        std::min(static_cast<double>(classes - 1), std::floor((*high - a) / span * static_cast<double>(classes)))));
}

/// Gives each channel the earlier channel whose distances from zero correlate best with its own, where it is at least 0.2.
inline void assign_references(context_parameters& p, std::span<const std::vector<symbol>> planes, std::size_t channels) {
  p.reference.assign(channels, context_parameters::no_reference);
  std::vector<std::vector<float>> activity(channels);
  for (const auto& symbols : planes) {
    const std::size_t area = symbols.size() / channels;
    for (std::size_t k = 0; k < channels; ++k)
      for (std::size_t i = k * area; i < (k + 1) * area; ++i)
        activity[k].push_back(
            std::min(3.0F, std::abs(static_cast<float>(symbols[i]) - static_cast<float>(p.zero))));
  }
  for (auto& a : activity) {
    float mean = 0, norm = 0;
    for (const float v : a) mean += v / static_cast<float>(a.size());
    for (float& v : a) {
      v -= mean;
      norm += v * v;
    }
    if (norm > 0)
      for (float& v : a) v /= std::sqrt(norm);
  }
  for (std::size_t k = 1; k < channels; ++k) {
    float best = 0.2F;
    for (std::size_t j = 0; j < k; ++j) {
      float dot = 0;
      for (std::size_t i = 0; i < activity[k].size(); ++i) dot += activity[k][i] * activity[j][i];
      if (dot > best) {
        best = dot;
        p.reference[k] = static_cast<std::uint16_t>(j);
      }
    }
  }
  if (std::all_of(p.reference.begin(), p.reference.end(), [](auto r) { return r == context_parameters::no_reference; }))
    p.reference.clear();
}

} // namespace aecnn
