// The decoder's inner loop: one row of a group of lanes, symbol by symbol, each lane in its own unit (lane_order.hpp). A lane's
// context is the table of 3 W + 3 N + 2 NE - NW, the magnitudes around its symbol; its state gives a slot of that table, the slot
// a token and the next state; states that became small take a word each, in the order of the lanes. The vector forms do the same
// steps for 8 or 16 lanes at a time and find the same symbols.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <aecnn/core/instruction_set.hpp>
#include <aecnn/entropy/context.hpp>
#include <aecnn/entropy/lane_order.hpp>
#include <aecnn/entropy/token.hpp>

namespace aecnn::detail {

/// What does not change within a payload.
struct lane_rules {
  token_layout tokens;
  const std::uint32_t* slots = nullptr;        ///< [tables][rans_total]
  const std::uint32_t* table_of_sum = nullptr; ///< first slot of a context's table, by -M..8M; null where there are too many sums
  const std::uint8_t* table_of = nullptr;      ///< table of an activity
  std::uint32_t max_magnitude = 1;             ///< M
  std::uint32_t first_slot = 0;                ///< of the table of first symbols
};

/// A row. Arrays of magnitudes are [width + 2][lanes], the first and the last column outside of the row.
struct lane_row {
  std::uint32_t lanes = 1;
  std::uint32_t active = 1;                  ///< a bit per lane: whether it has this row
  bool first = false;                        ///< of the units
  std::size_t width = 0;
  const std::uint16_t* above = nullptr;      ///< all zero in the first row
  std::uint16_t* here = nullptr;             ///< its first column is given, the columns of the row are filled
  std::uint16_t* values = nullptr;           ///< [width][lanes] filled with values; may be here + lanes where values are magnitudes
  std::uint32_t* states = nullptr;           ///< [lanes]
  const std::uint32_t* lane_slot = nullptr;  ///< [lanes] first slot of the tables of a lane
  const std::uint16_t* word = nullptr;       ///< the next one; enough can be read for the whole row
  const std::uint16_t* end = nullptr;        ///< of the words; only a single lane looks at it
  bool outside = false;                      ///< set where a value is not below levels
};

/// One lane stops refilling at the end of the words; several read on and are refused afterwards.
template <bool Single>
inline void decode_row_plain(const lane_rules& rules, lane_row& row) noexcept {
  const token_layout tokens = rules.tokens;
  const std::size_t lanes = Single ? 1 : row.lanes;
  const auto base = static_cast<std::uint32_t>(tokens.base());
  const bool direct = tokens.direct(), equal = tokens.alternating() == 0;
  const std::uint32_t highest = tokens.levels() - 1;
  const auto most = 8 * static_cast<std::int32_t>(rules.max_magnitude);
  const std::uint16_t* word = row.word;
  const std::uint32_t active = row.active;
  bool outside = false;
  const auto refill = [&](std::uint32_t x) {
    bool small = (x >> base) == 0;
    if (Single) small = small && word != row.end;
    const std::uint32_t filled = (x << 16) | *word;
    word += small;
    return small ? filled : x;
  };
  for (std::size_t x = 0; x < row.width; ++x) {
    const std::uint16_t* above = row.above + x * lanes;
    std::uint16_t* here = row.here + x * lanes;
    std::uint16_t* values = row.values + x * lanes;
    for (std::size_t i = 0; i < lanes; ++i) {
      if (!Single && !((active >> i) & 1)) continue;
      const std::int32_t w = here[i];
      const std::int32_t sum = (row.first ? 7 : 3) * w + 3 * above[i + lanes] + 2 * above[i + 2 * lanes] - above[i];
      std::uint32_t slot = 0;
      if (row.first && x == 0) {
        slot = rules.first_slot;
      } else if (rules.table_of_sum != nullptr) {
        slot = rules.table_of_sum[sum];
      } else {
        std::int32_t a = sum < 0 ? 0 : sum * 8 / 7;
        a = a < most ? a : most;
        slot = rules.table_of[context_layout::quantise(static_cast<std::uint32_t>(a))] * rans_total;
      }
      std::uint32_t state = row.states[i];
      const std::uint32_t e = rules.slots[slot + row.lane_slot[i] + (state & (rans_total - 1))];
      const std::uint32_t rest = state >> rans_precision;
      state = ((e >> 10) & (rans_total - 1)) * rest + rest + (e & (rans_total - 1));
      std::uint32_t v = e >> 20;
      if (!direct) {
        const int bits = tokens.bits(v), joint = bits < rans_plain_bits ? bits : rans_plain_bits;
        v = tokens.first(v) >> (bits - joint);
        v += state & ((1u << joint) - 1);
        state = refill(state >> joint);
        if (bits > joint) {
          const int more = bits - joint;
          v = (v << more) + (state & ((1u << more) - 1));
          state = refill(state >> more);
        }
        if (v > highest) {
          outside = true;
          v = highest;
        }
      } else {
        state = refill(state);
      }
      row.states[i] = state;
      values[i] = static_cast<std::uint16_t>(v);
      here[i + lanes] = static_cast<std::uint16_t>(equal ? v : tokens.magnitude_of_value(v));
    }
  }
  row.word = word;
  row.outside = row.outside || outside;
}

inline void decode_row_portable(const lane_rules& rules, lane_row& row) noexcept {
  if (row.lanes == 1) decode_row_plain<true>(rules, row);
  else decode_row_plain<false>(rules, row);
}

using row_kernel = void (*)(const lane_rules&, lane_row&) noexcept;

} // namespace aecnn::detail
