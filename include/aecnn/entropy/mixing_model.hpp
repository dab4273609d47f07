// The model behind mixing_coder: every binary decision of a symbol is predicted by several models that look at it from different
// sides, mixed in the logistic domain with weights that learn, and corrected by adaptive maps.
//
//   what is coded   the decisions of context.hpp: zero or not, sign, magnitude; Exp-Golomb magnitudes down to their last bit
//   models          the contexts of context.hpp, which start from the profile's initial states; tables in context of the predicted value
//                   and its expected error, of the three nearest neighbours, of the channel, of the reference channel
//   distributions   a logistic distribution around the predicted value with the expected error of that prediction, with that of
//                   its surroundings, and one around the median edge predictor: each decision splits an interval of values in two
//   prediction      least squares over the neighbours (linear_predictor.hpp); its error by local roughness and predicted size
//
// Sources: context mixing, Mahoney, paq8 and lpaq; median edge predictor, Weinberger, Seroussi, Sapiro, LOCO-I, 2000; distributions
// around a least-squares prediction, Meyer and Tischer, TMW, 1997. Integers only.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/core/buffer.hpp>
#include <aecnn/entropy/adaptive_map.hpp>
#include <aecnn/entropy/bit_model.hpp>
#include <aecnn/entropy/context.hpp>
#include <aecnn/entropy/linear_predictor.hpp>
#include <aecnn/entropy/logistic.hpp>
#include <aecnn/entropy/mixer.hpp>
#include <aecnn/entropy/parameters.hpp>

namespace aecnn {

/// Distances from zero around the symbol to be coded; outside the plane a neighbour is what its nearest known neighbour is.
struct neighbourhood {
  std::int32_t w = 0, n = 0, nw = 0, ne = 0, ww = 0, nn = 0;
  std::int32_t same = 0, east = 0, south = 0; ///< in the reference channel: the same place, right of it, below it; 0 without one
  bool first = false;                         ///< of its channel
};

namespace detail {

/// Two steps an octave: 0, 1, 2, 3, 4-5, 6-7, 8-11, ..., 192 and above. What has more bits than that is left to the distributions.
constexpr std::uint32_t half_octaves(std::uint32_t v) noexcept {
  if (v < 3) return v;
  if (v >= 192) return 15;
  const auto e = static_cast<std::uint32_t>(std::bit_width(v)) - 1;
  return 2 * e + ((v >> (e - 1)) & 1);
}
/// One step an octave: 0, 1, 2-3, 4-7, ..., 128 and above.
constexpr std::uint32_t octaves(std::uint32_t v) noexcept {
  return v < 128 ? static_cast<std::uint32_t>(std::bit_width(v)) : 8;
}
constexpr std::uint32_t magnitude(std::int32_t v) noexcept { return static_cast<std::uint32_t>(v < 0 ? -v : v); }

/// Blocks of bit models, one per context; a block is forgotten, at no cost, when the age changes.
class model_table {
public:
  model_table() = default;
  model_table(std::size_t contexts, std::size_t nodes) : nodes_(nodes) {
    resize(models_, contexts * nodes);
    resize(ages_, contexts);
  }
  bit_model* block(std::size_t context, std::uint32_t age) noexcept {
    bit_model* m = models_.data() + context * nodes_;
    if (ages_[context] != age) {
      ages_[context] = age;
      for (std::size_t i = 0; i < nodes_; ++i) m[i] = bit_model();
    }
    return m;
  }
  void reset_ages() noexcept {
    for (std::size_t i = 0; i < ages_.size(); ++i) ages_[i] = 0;
  }

private:
  std::size_t nodes_ = 0;
  std::vector<bit_model> models_;
  std::vector<std::uint32_t> ages_;
};

} // namespace detail

/// Predicts and learns symbols of one alphabet. `code` below works with any bit coder: a class with
/// unsigned code(unsigned bit, std::uint32_t p1), which codes a bit of probability p1 / 65536 and returns it, or decodes one.
class mixing_model {
public:
  /// `age`: as if so many channels had been coded before; of no effect on what is coded.
  explicit mixing_model(const context_parameters& p, std::uint32_t age = 0) : layout_(p.levels, p.zero), channel_age_(age) {
    const std::uint32_t max = layout_.max_magnitude();
    const std::uint32_t tokens = layout_.max_token();
    nodes_ = tokens + 3 + (layout_.unary() ? 0 : 8 * (tokens + 1));
    activities_ = layout_.activities();
    fine_ = detail::half_octaves(max) + 1;
    coarse_ = detail::octaves(max) + 1;
    const auto bits = static_cast<std::uint32_t>(std::bit_width(max));
    scale_shift_ = bits > 9 ? bits - 9 : 0;
    detail::resize(initial_, std::size_t{p.classes} * layout_.state_count());
    for (std::size_t i = 0; i < p.initial.size(); ++i) initial_[i] = unpack_state(p.initial[i]);
    trained_ = !p.initial.empty();
    contexts_ = initial_;
    by_prediction_ = detail::model_table(std::size_t{activities_} * error_classes, nodes_);
    by_neighbours_ = detail::model_table(std::size_t{fine_} * fine_ * coarse_, nodes_);
    by_channel_ = detail::model_table(coarse_, nodes_);
    by_reference_ = detail::model_table(std::size_t{coarse_} * coarse_ * coarse_, nodes_);
    mixer_ = mixer<inputs>(std::size_t{selectors} * nodes_);
    neighbour_map_ = adaptive_map(std::size_t{coarse_} * coarse_ * nodes_);
    activity_map_ = adaptive_map(std::size_t{activities_} * nodes_);
  }

  /// Forgets all but the initial states. To be called before every tensor, and first of all on a copy.
  void start() noexcept {
    contexts_ = initial_;
    if (channel_age_ > 0xf0000000U) { // a tensor's channels do not reach 0 from there
      by_prediction_.reset_ages();
      by_neighbours_.reset_ages();
      by_channel_.reset_ages();
      by_reference_.reset_ages();
      channel_age_ = 0;
    }
    age_ = ++channel_age_;
    // In a trained model the contexts know much, and the tables start from what these say; where the alphabet is small they know
    // nearly all.
    constexpr std::int32_t one = mixer<inputs>::one;
    const bool firm = trained_ && layout_.unary();
    typename mixer<inputs>::inputs weights{};
    weights[0] = weights[1] = firm ? one * 2 / 5 : trained_ ? one * 3 / 20 : one / 10;
    for (std::size_t i = 2; i < 6; ++i) weights[i] = firm ? one / 20 : one * 3 / 20;
    for (std::size_t i = 6; i < 9; ++i) weights[i] = firm ? one / 100 : trained_ ? one / 25 : one / 10;
    mixer_.reset(weights, firm);
    neighbour_map_.reset();
    activity_map_.reset();
    typename linear_predictor<features>::inputs average{};
    average[0] = average[1] = 32768;
    predictor_.reset(average, static_cast<std::int32_t>(layout_.max_magnitude() >> scale_shift_));
    for (auto& e : fine_errors_) e = -1;
    for (auto& e : rough_errors_) e = -1;
  }
  /// Before the first symbol of a channel whose models are of the given class.
  void start_channel(std::size_t model_class, bool has_reference) noexcept {
    models_ = contexts_.data() + model_class * layout_.state_count();
    ++channel_age_;
    has_reference_ = has_reference;
  }

  /// Codes the distance d from zero of the next symbol, or decodes it (d is then not looked at), and returns it. A decoded distance
  /// may exceed the alphabet on its short side where the bytes are corrupt.
  template <class BitCoder>
  std::int32_t code(BitCoder& coder, const neighbourhood& q, std::int32_t d) {
    look(q);
    const std::uint32_t wanted = detail::magnitude(d), wanted_token = layout_.token(wanted), last = layout_.max_token();
    bit_model* const m = models_ + layout_.magnitude_model(context_.activity);
    // The token is at least `least` and below `beyond`; low_ and high_ are the probabilities of reaching these.
    for (std::size_t j = 0; j < distributions; ++j) {
      low_[j] = 65536;
      high_[j] = 0;
    }
    const auto at_least = [&](std::uint32_t k) {
      for (std::size_t j = 0; j < distributions; ++j) middle_[j] = tail(j, layout_.smallest_of(k));
      bit_model& context = k == 1 ? models_[layout_.zero_model(context_.activity, context_.pattern)] : m[k - 2];
      const bool yes = decide(coder, wanted_token >= k, k - 1, context) != 0;
      (yes ? low_ : high_) = middle_;
      return yes;
    };
    std::uint32_t token = layout_.expected_token(context_.activity);
    if (at_least(token)) {
      while (token < last && at_least(token + 1)) ++token;
    } else {
      for (--token; token > 0 && !at_least(token);) --token;
    }
    if (token == 0) {
      learn(0);
      return 0;
    }
    bool negative = false;
    if (layout_.is_signed()) {
      const std::uint32_t from = layout_.smallest_of(token);
      for (std::size_t j = 0; j < distributions; ++j) {
        const std::uint32_t below = side(j, from, true), to = token == last ? 0 : layout_.smallest_of(token + 1);
        middle_[j] = below;
        high_[j] = to == 0 ? 0 : side(j, to, true);
        low_[j] = below + side(j, from, false) - (to == 0 ? 0 : side(j, to, false));
      }
      bit_model& context = models_[layout_.sign_model(detail::expectation(context_.expected), token)];
      negative = decide(coder, d < 0, last + (token < 3 ? token : 3) - 1, context) != 0;
    }
    std::uint32_t value = layout_.smallest_of(token);
    if (!layout_.unary() && token > 1) {
      for (std::size_t j = 0; j < distributions; ++j) {
        low_[j] = side(j, value, negative);
        high_[j] = token == last ? 0 : side(j, layout_.smallest_of(token + 1), negative);
      }
      bit_model* const first = m + (last - 1) + token * 4;
      std::uint32_t prefix = 1;
      for (std::uint32_t b = token - 1; b-- > 0;) {
        for (std::size_t j = 0; j < distributions; ++j) middle_[j] = side(j, value | (1U << b), negative);
        bit_model fresh;
        const std::uint32_t node = last + 3 + 8 * token + (prefix < 4 ? prefix : 4 + (b < 3 ? b : 3));
        const unsigned bit = decide(coder, (wanted >> b) & 1, node, prefix < 4 ? first[prefix] : fresh);
        (bit ? low_ : high_) = middle_;
        value |= bit << b;
        prefix = 2 * prefix + bit;
      }
    }
    d = negative ? -static_cast<std::int32_t>(value) : static_cast<std::int32_t>(value);
    learn(d);
    return d;
  }

private:
  static constexpr std::size_t distributions = 3;
  static constexpr std::size_t inputs = 10; ///< two of the contexts, four tables, three distributions, a constant
  static constexpr std::size_t features = 10;
  static constexpr std::size_t error_classes = 8;
  static constexpr std::size_t selectors = 8;
  static constexpr std::uint16_t inherited_count = 8;
  // What is known before the symbol: contexts, prediction, expected errors.
  void look(const neighbourhood& q) noexcept {
    using detail::magnitude;
    const std::uint32_t max = layout_.max_magnitude(), top = 8 * max;
    const std::uint32_t w = magnitude(q.w), n = magnitude(q.n), ne = magnitude(q.ne), nw = magnitude(q.nw);
    const std::uint32_t sum = 3 * w + 3 * n + 2 * ne;
    const std::uint32_t activity = sum > nw ? (sum - nw) * 8 / 7 : 0;
    context_.activity = q.first ? layout_.first_activity() : context_layout::quantise(activity < top ? activity : top);
    context_.pattern = (w != 0 ? 1U : 0U) | (n != 0 ? 2U : 0U);
    selector_ = context_.pattern | (ne != 0 ? 4U : 0U);
    if (has_reference_) context_.pattern |= reference_class(magnitude(q.same)) << 2;
    context_.expected = 3 * q.w + 3 * q.n + 2 * q.ne - q.nw;

    const std::int32_t values[features] = {q.w, q.n, q.nw, q.ne, q.ww, q.nn, q.same, q.east, q.south,
                                           static_cast<std::int32_t>((max + 15) / 16)};
    for (std::size_t i = 0; i < features; ++i) features_[i] = values[i] >> scale_shift_;
    const std::int64_t limit = 20 * static_cast<std::int64_t>(max);
    const std::int64_t predicted = predictor_.predict(features_) * (std::int64_t{1} << scale_shift_);
    const std::int64_t least = layout_.is_signed() ? -limit : -limit / 2;
    predicted_ = static_cast<std::int32_t>(predicted < least ? least : predicted > limit ? limit : predicted);
    const std::uint32_t size = predicted_ < 0 && !layout_.is_signed() ? 0 : magnitude(predicted_);

    const std::uint32_t roughness = magnitude(q.w - q.nw) + magnitude(q.n - q.nw) + magnitude(q.n - q.ne) + magnitude(q.w - q.ww);
    const std::uint32_t rough = at_most(context_layout::quantise(2 * roughness), rough_classes - 1);
    const std::uint32_t sized = at_most(context_layout::quantise(size / 2), size_classes - 1);
    fine_error_ = &fine_errors_[rough * size_classes + sized];
    rough_error_ = &rough_errors_[rough];
    surround_error_ = *rough_error_ < 0 ? static_cast<std::int32_t>(max * 4 / 5 + 5) : *rough_error_;
    const std::int32_t error = *fine_error_ < 0 ? surround_error_ : *fine_error_;
    const std::int32_t high = q.w > q.n ? q.w : q.n, low = q.w > q.n ? q.n : q.w;
    const std::int32_t plane = q.w + q.n - q.nw;
    median_ = 16 * (plane > high ? high : plane < low ? low : plane);
    // The scale of a logistic distribution is its mean absolute deviation / (2 ln 2); 1/256 nats per 1/16 unit, in 1/256.
    steepness_[0] = 65536 / at_least(error * 3 / 4, 2);
    steepness_[1] = 65536 / at_least(surround_error_ * 3 / 4, 2);

    const auto error_class = at_most(detail::octaves(static_cast<std::uint32_t>(error) / 4), error_classes - 1);
    const auto capped = at_most(context_layout::quantise(at_most(size / 2, top)), activities_ - 1);
    blocks_[0] = by_prediction_.block(capped * error_classes + error_class, age_);
    using detail::half_octaves, detail::octaves;
    blocks_[1] = by_neighbours_.block((half_octaves(w) * fine_ + half_octaves(n)) * coarse_ + octaves(ne), age_);
    blocks_[2] = by_channel_.block(octaves((w + n + 1) / 2), channel_age_);
    blocks_[3] = by_reference_.block(
        (octaves(magnitude(q.same)) * coarse_ + octaves((magnitude(q.east) + magnitude(q.south) + 1) / 2)) * coarse_ + octaves((w + n + 1) / 2), age_);
    neighbour_context_ = octaves(w) * coarse_ + octaves(n);
  }

  static constexpr std::uint32_t at_most(std::uint32_t v, std::uint32_t most) noexcept { return v < most ? v : most; }
  static constexpr std::int32_t at_least(std::int32_t v, std::int32_t least) noexcept { return v > least ? v : least; }

  // Probability, in 1/65536, that distribution j gives a value above x, which is in 1/16 of a symbol.
  std::uint32_t survival(std::size_t j, std::int32_t x) const noexcept {
    const std::int64_t t = static_cast<std::int64_t>((j == 2 ? median_ : predicted_) - x) * steepness_[j == 0 ? 0 : 1];
    return squash(t >> 8);
  }
  // That it gives a distance of this magnitude or more, on one side of zero and on both.
  std::uint32_t side(std::size_t j, std::uint32_t magnitude, bool negative) const noexcept {
    const auto edge = static_cast<std::int32_t>(16 * magnitude) - 8;
    return negative ? 65536 - survival(j, -edge) : survival(j, edge);
  }
  std::uint32_t tail(std::size_t j, std::uint32_t magnitude) const noexcept {
    return side(j, magnitude, false) + (layout_.is_signed() ? side(j, magnitude, true) : 0);
  }

  template <class BitCoder>
  unsigned decide(BitCoder& coder, unsigned bit, std::uint32_t node, bit_model& context) {
    typename mixer<inputs>::inputs x;
    x[0] = stretch(context.quick);
    x[1] = stretch(context.slow);
    for (std::size_t i = 0; i < 4; ++i) {
      bit_model& m = blocks_[i][node];
      if (trained_ && m.count == 0) m = bit_model::from(static_cast<std::uint16_t>(context.p1()), inherited_count);
      x[2 + i] = stretch(m.p1());
    }
    for (std::size_t j = 0; j < distributions; ++j) {
      // A one says that the value lies in [middle, low] of [high, low], in probabilities of reaching these.
      const std::uint32_t whole = low_[j] > high_[j] ? low_[j] - high_[j] : 0;
      const std::uint32_t ones = middle_[j] > high_[j] ? middle_[j] - high_[j] : 0;
      // At most 0.998: a distribution's tail says little.
      const std::uint32_t p = whole < 8 ? 32768 : 2 * ((ones << 15) / whole); // ones is at most 2^16
      x[6 + j] = stretch(p < 136 ? 136 : p > 65400 ? 65400 : p);
    }
    x[9] = 77;
    const std::size_t set = selector_ * nodes_ + node;
    const std::int32_t mixed = mixer_.mix(set, x);
    const std::uint32_t p = squash(mixed);
    adaptive_map::place near, active;
    const std::uint32_t by_neighbours = neighbour_map_.refine(neighbour_context_ * nodes_ + node, mixed, near);
    const std::uint32_t by_activity = activity_map_.refine(context_.activity * nodes_ + node, mixed, active);
    const std::uint32_t refined = (2 * p + by_neighbours + by_activity) / 4;
    bit = coder.code(bit, refined < 32 ? 32 : refined > 65504 ? 65504 : refined);
    mixer_.update(set, x, bit, p);
    context.update(bit);
    for (std::size_t i = 0; i < 4; ++i) blocks_[i][node].update(bit);
    adaptive_map::update(near, bit);
    adaptive_map::update(active, bit);
    return bit;
  }

  void learn(std::int32_t d) noexcept {
    const auto miss = static_cast<std::int32_t>(detail::magnitude(16 * d - predicted_));
    *fine_error_ = *fine_error_ < 0 ? (surround_error_ + miss) / 2 : *fine_error_ + (miss - *fine_error_) / 24;
    *rough_error_ = *rough_error_ < 0 ? miss : *rough_error_ + (miss - *rough_error_) / 48;
    predictor_.update(features_, d >> scale_shift_);
  }

  static constexpr std::uint32_t rough_classes = 64, size_classes = 64;

  context_layout layout_;
  std::uint32_t nodes_ = 0, activities_ = 0, fine_ = 0, coarse_ = 0, scale_shift_ = 0;
  bool trained_ = false, has_reference_ = false;
  std::vector<bit_model> initial_, contexts_;
  detail::model_table by_prediction_, by_neighbours_, by_channel_, by_reference_;
  std::uint32_t age_ = 0, channel_age_ = 0;
  mixer<inputs> mixer_;
  adaptive_map neighbour_map_, activity_map_;
  linear_predictor<features> predictor_;
  std::array<std::int32_t, rough_classes * size_classes> fine_errors_{}; ///< mean absolute errors in 1/16, -1 where none was seen
  std::array<std::int32_t, rough_classes> rough_errors_{};

  // Of the symbol at hand.
  bit_model* models_ = nullptr;
  symbol_context context_;
  typename linear_predictor<features>::inputs features_{};
  std::int32_t predicted_ = 0, median_ = 0, surround_error_ = 0;
  std::int32_t* fine_error_ = nullptr;
  std::int32_t* rough_error_ = nullptr;
  std::array<std::int32_t, 2> steepness_{};
  std::array<bit_model*, 4> blocks_{};
  std::size_t selector_ = 0, neighbour_context_ = 0;
  std::array<std::uint32_t, distributions> low_{}, high_{}, middle_{};
};

} // namespace aecnn
