// The decoder's pass over the symbols: group after group of units, row after row, through lane_kernel.hpp; and the tables of slots
// that it reads. O(symbols).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <aecnn/core/buffer.hpp>
#include <aecnn/core/instruction_set.hpp>
#include <aecnn/core/symbol.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/entropy/context_scan.hpp>
#include <aecnn/entropy/known_tables.hpp>
#include <aecnn/entropy/lane_kernel_x86.hpp>
#include <aecnn/entropy/lane_order.hpp>
#include <aecnn/entropy/table_header.hpp>

namespace aecnn::detail {

/// Slots of the tables of a payload; those of known tables are made once.
class slot_tables {
public:
  /// Takes all memory that prepare() may need.
  void reserve(const table_set& set, const known_tables& known, const activity_table& activities) {
    if (!own_.slots.empty()) return;
    resize(own_.slots, std::size_t{max_clusters} * rans_total + slot_margin);
    resize(known_.slots, known.tables() * rans_total + slot_margin);
    resize(each_, std::size_t{set.contexts} + 1);
    if (!activities.short_table()) return;
    resize(own_.of_sum, activities.sums());
    resize(known_.of_sum, activities.sums());
  }
  void prepare(bool own, table_set& set, const known_tables& known, const activity_table& activities, const token_layout& tokens) {
    rules_.tokens = tokens;
    rules_.max_magnitude = tokens.magnitude_of_value(tokens.levels() - 1);
    slots_of& s = own ? own_ : known_;
    const std::uint32_t contexts = set.contexts;
    if (own) {
      for (std::uint32_t k = 0; k < set.tables; ++k) {
        std::uint16_t shares[64];
        shares_of_steps(set.steps_of(k), set.tokens, set.detail_level, shares);
        fill_slots(shares, set.tokens, s.slots.data() + std::size_t{k} * rans_total);
      }
      map(s, activities, set.table_of.data());
      rules_.first_slot = set.table_of[contexts] * rans_total;
      rules_.table_of = set.table_of.data();
    } else {
      if (!known_filled_) {
        known_filled_ = true;
        for (std::size_t k = 0; k < known.tables(); ++k) fill_slots(known.shares(k), set.tokens, s.slots.data() + k * rans_total);
        for (std::uint32_t a = 0; a <= contexts; ++a) each_[a] = static_cast<std::uint8_t>(a);
        map(s, activities, each_.data());
      }
      rules_.first_slot = contexts * rans_total;
      rules_.table_of = each_.data();
    }
    rules_.slots = s.slots.data();
    rules_.table_of_sum = s.of_sum.empty() ? nullptr : s.of_sum.data() + rules_.max_magnitude;
  }
  const lane_rules& rules() const noexcept { return rules_; }

private:
  struct slots_of {
    std::vector<std::uint32_t> slots, of_sum;
  };
  static void map(slots_of& s, const activity_table& activities, const std::uint8_t* table_of) {
    if (!activities.short_table()) return;
    for (std::size_t i = 0; i < s.of_sum.size(); ++i) s.of_sum[i] = table_of[activities.data()[i]] * rans_total;
  }
  slots_of own_, known_;
  std::vector<std::uint8_t> each_;
  bool known_filled_ = false;
  lane_rules rules_;
};

#if defined(__GNUC__)
/// Eight columns of eight lanes, through three rounds of interleaving.
inline void transpose_eight(const symbol* from, std::size_t lanes, symbol* const* out, std::size_t x) noexcept {
  using eight = symbol __attribute__((vector_size(16)));
  eight a[8], b[8];
  for (std::size_t k = 0; k < 8; ++k) std::memcpy(&a[k], from + k * lanes, sizeof a[k]);
  const auto interleave = [](const eight* in, eight* to) {
    for (std::size_t k = 0; k < 4; ++k) {
      to[2 * k] = __builtin_shufflevector(in[k], in[k + 4], 0, 8, 1, 9, 2, 10, 3, 11);
      to[2 * k + 1] = __builtin_shufflevector(in[k], in[k + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
  };
  interleave(a, b);
  interleave(b, a);
  interleave(a, b);
  for (std::size_t k = 0; k < 8; ++k) std::memcpy(out[k] + x, &b[k], sizeof b[k]);
}
#endif

/// Takes columns of all lanes apart: out[i][x] = from[x * lanes + i] for each i < count whose pointer is not null.
inline void separate_lanes(const symbol* from, std::size_t lanes, std::size_t width, symbol* const* out, std::size_t count) noexcept {
  std::size_t i = 0;
#if defined(__GNUC__)
  for (; i + 8 <= count; i += 8) {
    bool all = true;
    for (std::size_t k = 0; k < 8; ++k) all = all && out[i + k] != nullptr;
    if (!all) break;
    std::size_t x = 0;
    for (; x + 8 <= width; x += 8) transpose_eight(from + x * lanes + i, lanes, out + i, x);
    for (; x < width; ++x)
      for (std::size_t k = 0; k < 8; ++k) out[i + k][x] = from[x * lanes + i + k];
  }
#endif
  for (; i < count; ++i)
    for (std::size_t x = 0; x < width && out[i] != nullptr; ++x) out[i][x] = from[x * lanes + i];
}

/// What the pass works on; `word` and `states` are left as it ends.
struct lane_decoding {
  symbol* symbols = nullptr;
  const std::uint8_t* classes = nullptr; ///< of all channels, or null
  std::size_t class_tables = 0;          ///< tables of one class
  std::uint32_t states[max_lanes] = {};
  const std::uint16_t* word = nullptr;
  const std::uint16_t* end = nullptr; ///< as many zeros follow as all lanes can take in a row

  /// False where the payload is not one of an encoder; what was not decoded is then left as it was.
  bool run(const lane_order& order, shape3 shape, const lane_rules& rules, instruction_set level, std::vector<std::uint16_t>& rows) {
    const std::size_t lanes = order.lanes(), line = (shape.width + 2) * lanes;
    const bool equal = rules.tokens.alternating() == 0 && !rules.tokens.rest_negative();
    // As for the most lanes, so that the next payload needs no more.
    resize(rows, (2 * (shape.width + 2) + (equal ? 0 : shape.width)) * most_lanes(shape) + 64);
    std::uint16_t* const plane = rows.data() + 2 * line;
    const row_kernel kernel = choose_row_kernel(level, order.lanes(), rules);
    lane_row row;
    row.lanes = order.lanes();
    row.width = shape.width;
    row.states = states;
    row.word = word;
    row.end = end;
    for (std::size_t g = 0; g < order.groups(); ++g) {
      const std::uint32_t count = order.group_units(g);
      lane_unit units[max_lanes];
      std::uint32_t lane_slot[max_lanes] = {}, most_rows = 0;
      for (std::uint32_t i = 0; i < count; ++i) {
        units[i] = order.unit(g * lanes + i);
        most_rows = units[i].rows > most_rows ? units[i].rows : most_rows;
        if (classes != nullptr) lane_slot[i] = static_cast<std::uint32_t>(classes[units[i].channel] * class_tables * rans_total);
      }
      row.lane_slot = lane_slot;
      std::uint16_t* above = rows.data();
      std::uint16_t* here = above + line;
      for (std::size_t i = 0; i < 2 * line; ++i) above[i] = 0;
      for (std::uint32_t y = 0; y < most_rows; ++y) {
        row.active = 0;
        for (std::uint32_t i = 0; i < count; ++i) row.active |= (y < units[i].rows ? 1u : 0u) << i;
        row.first = y == 0;
        for (std::size_t i = 0; i < lanes && y > 0; ++i) {
          here[i] = above[i] = above[i + lanes];
          above[line - lanes + i] = above[line - 2 * lanes + i];
        }
        row.above = above;
        row.here = here;
        row.values = rules.tokens.alternating() == 0 ? here + lanes : plane;
        kernel(rules, row);
        if (row.word > end) return false;
        symbol* out[max_lanes];
        for (std::uint32_t i = 0; i < count; ++i)
          out[i] = y < units[i].rows ? symbols + (units[i].channel * shape.height + units[i].first_row + y) * shape.width : nullptr;
        if (!equal)
          for (std::size_t i = 0; i < shape.width * lanes; ++i) plane[i] = rules.tokens.symbol_of_value(row.values[i]);
        separate_lanes(equal ? row.values : plane, lanes, shape.width, out, count);
        std::uint16_t* t = above;
        above = here;
        here = t;
      }
    }
    word = row.word;
    return !row.outside;
  }
};

} // namespace aecnn::detail
