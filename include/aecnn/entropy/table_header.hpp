// How the tables of a payload are sent: which contexts share a table, and the steps of each table (frequency_table.hpp), all as
// binary decisions of adaptive models (bit_model.hpp). Steps are predicted from the table before, whose contexts are a little less
// active, and from the token before. One function describes both directions, and a third one that only counts the cost.
// O(contexts + tables * tokens).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/core/buffer.hpp>
#include <aecnn/entropy/bit_model.hpp>
#include <aecnn/entropy/code_length.hpp>
#include <aecnn/entropy/context_clustering.hpp>
#include <aecnn/entropy/frequency_table.hpp>
#include <aecnn/entropy/rans.hpp>

namespace aecnn::detail {

/// The tables of one payload.
struct table_set {
  std::uint32_t contexts = 0; ///< activities, without the context of first symbols
  std::uint32_t tokens = 0;
  std::uint32_t tables = 0; ///< at most max_clusters
  int detail_level = 0;
  std::vector<std::uint8_t> table_of;  ///< [contexts + 1], the last for first symbols
  std::vector<std::uint8_t> steps;     ///< [tables][tokens]
  void resize_for(std::uint32_t activities, std::uint32_t token_count) {
    contexts = activities;
    tokens = token_count;
    resize(table_of, std::size_t{activities} + 1);
    resize(steps, std::size_t{max_clusters} * token_count);
  }
  std::uint8_t* steps_of(std::uint32_t table) noexcept { return steps.data() + std::size_t{table} * tokens; }
};

/// Writes decisions and adds up what they cost, in 1/256 bit.
struct decision_writer {
  decision_list& list;
  std::uint32_t cost = 0;
  unsigned bit(unsigned value, bit_model& m) {
    cost += bit_cost(value, m.p1());
    list.encode(value, m);
    return value;
  }
  std::uint32_t plain(std::uint32_t value, int count) {
    cost += static_cast<std::uint32_t>(count) << 8;
    list.encode_bits(value, count);
    return value;
  }
};

/// Reads decisions; the values given are not looked at.
struct decision_reader {
  lane_reader& lane;
  unsigned bit(unsigned, bit_model& m) noexcept { return lane.decode(m); }
  std::uint32_t plain(std::uint32_t, int count) noexcept { return lane.decode_bits(count); }
};

/// A number 0..most in unary.
template <class Coder>
std::uint32_t code_unary(Coder& coder, std::uint32_t value, std::uint32_t most, bit_model* models) {
  constexpr std::uint32_t count = 12;
  std::uint32_t k = 0;
  while (k < most && coder.bit(k < value, models[k < count ? k : count])) ++k;
  return k;
}

/// A number least..most given a prediction in that range: whether it is right, the side where both exist, the distance.
template <class Coder>
std::uint32_t code_near(Coder& coder, std::uint32_t value, std::uint32_t prediction, std::uint32_t least, std::uint32_t most,
                        bit_model* models) {
  if (least == most || !coder.bit(value != prediction, models[0])) return prediction;
  bool below = value < prediction;
  if (prediction == least) below = false;
  else if (prediction == most) below = true;
  else below = coder.bit(below, models[1]) != 0;
  const std::uint32_t distance = below ? prediction - value : value - prediction;
  const std::uint32_t room = below ? prediction - least : most - prediction;
  const std::uint32_t found = 1 + code_unary(coder, distance - 1, room - 1, models + 2);
  return below ? prediction - found : prediction + found;
}

/// Codes `set` (contexts and tokens are known to both sides). False where a decoder found what no encoder sends; otherwise every
/// table has a token and all table numbers are in range.
template <class Coder>
[[nodiscard]] bool code_tables(Coder& coder, table_set& set) {
  set.detail_level = static_cast<int>(coder.plain(static_cast<std::uint32_t>(set.detail_level), 2));
  if (set.detail_level >= detail_levels) return false;
  bit_model boundary = bit_model::from(16384, 2);
  std::uint32_t table = 0;
  set.table_of[0] = 0;
  for (std::uint32_t c = 1; c < set.contexts; ++c) {
    if (table + 1 < max_clusters) table += coder.bit(set.table_of[c] != set.table_of[c - 1], boundary);
    set.table_of[c] = static_cast<std::uint8_t>(table);
  }
  set.tables = table + 1;
  int bits = 0;
  while ((1u << bits) < set.tables) ++bits;
  const std::uint32_t first = coder.plain(set.table_of[set.contexts], bits);
  if (first >= set.tables) return false;
  set.table_of[set.contexts] = static_cast<std::uint8_t>(first);

  const std::uint32_t top = top_step(set.detail_level), end = set.tokens - 1;
  bit_model last_models[2][16], absent[16], near[5][16];
  std::uint32_t last_before = end;
  for (std::uint32_t k = 0; k < set.tables; ++k) {
    std::uint8_t* steps = set.steps_of(k);
    const std::uint8_t* before = k > 0 ? set.steps_of(k - 1) : nullptr;
    std::uint32_t last = end;
    while (last > 0 && steps[last] == 0) --last;
    if (k == 0) last = end - code_unary(coder, end - last, end, last_models[0]);
    else last = code_near(coder, last, last_before, 0, end, last_models[1]);
    last_before = last;
    for (std::uint32_t t = last + 1; t <= end; ++t) steps[t] = 0;
    if (last == 0) {
      steps[0] = static_cast<std::uint8_t>(top);
      continue;
    }
    for (std::uint32_t t = 0; t <= last; ++t) {
      const std::uint32_t left = t > 0 ? steps[t - 1] : 0;
      std::int32_t prediction = 0;
      std::uint32_t models = 0;
      if (before == nullptr) {
        prediction = t == 0 ? static_cast<std::int32_t>(top) : left == 0 && t > 1 ? steps[t - 2] : static_cast<std::int32_t>(left);
      } else {
        models = 4;
        prediction = before[t];
        if (t > 0 && left != 0 && before[t - 1] != 0) {
          const std::int32_t change = static_cast<std::int32_t>(left) - before[t - 1];
          const std::int32_t size = ((change < 0 ? -change : change) + (1 << set.detail_level) - 1) >> set.detail_level;
          prediction += change;
          models = 1 + static_cast<std::uint32_t>(size < 2 ? size : 2);
        }
        if (before[t] == 0) prediction = static_cast<std::int32_t>(left);
      }
      prediction = prediction < 1 ? 1 : prediction > static_cast<std::int32_t>(top) ? static_cast<std::int32_t>(top) : prediction;
      if (t < last) {
        const std::uint32_t context = (t > 0 && left == 0 ? 1u : 0u) + (before == nullptr ? 4u : before[t] == 0 ? 2u : 0u) +
                                      (prediction < (2 << set.detail_level) ? 8u : 0u);
        if (coder.bit(steps[t] == 0, absent[context])) {
          steps[t] = 0;
          continue;
        }
      }
      steps[t] = static_cast<std::uint8_t>(code_near(coder, steps[t], static_cast<std::uint32_t>(prediction), 1, top, near[models]));
    }
  }
  return true;
}

} // namespace aecnn::detail
