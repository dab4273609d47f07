// The encoder's second pass: all symbols in the reverse of the order in which lanes decode them (lane_order.hpp), words written
// from the end of a buffer to its start. O(symbols).
#pragma once

#include <cstddef>
#include <cstdint>

#include <aecnn/core/symbol.hpp>
#include <aecnn/entropy/lane_order.hpp>
#include <aecnn/entropy/rans.hpp>
#include <aecnn/entropy/token.hpp>

namespace aecnn::detail {

/// What the second pass works on.
struct lane_encoding {
  token_layout tokens;
  const symbol* symbols = nullptr;       ///< of the whole tensor
  const std::uint16_t* codes = nullptr;  ///< of the channels that are sent, one after the other
  const rans_entry* entries = nullptr;   ///< by code
  const std::uint8_t* classes = nullptr; ///< of all channels, or null
  std::size_t class_entries = 0;         ///< entries of one class
  std::uint32_t states[max_lanes] = {};
  std::uint16_t* word = nullptr;         ///< the last one written; one more than is needed can be written before it

  void run(const lane_order& order, shape3 shape) noexcept {
    for (std::size_t g = order.groups(); g-- > 0;) {
      if (classes != nullptr) group<false, false, true>(order, shape, g);
      else if (tokens.direct()) group<true, true, false>(order, shape, g);
      else if (tokens.zero() == 0 && !tokens.deep()) group<false, true, false>(order, shape, g);
      else group<false, false, false>(order, shape, g);
    }
  }

private:
  static void move_out(std::uint32_t& x, std::uint32_t limit, std::uint16_t*& word) noexcept {
    // Without a branch: the word is always written, and kept where the state was too large.
    word[-1] = static_cast<std::uint16_t>(x & 0xffff);
    const bool large = x >= limit;
    word -= large;
    x = large ? x >> 16 : x;
  }
  /// Direct: values have no plain bits. Shallow: symbols are values, and a step takes all plain bits.
  template <bool Direct, bool Shallow>
  void put(const rans_entry& e, symbol s, std::uint32_t& state, std::uint16_t*& to) const noexcept {
    std::uint32_t x = state;
    if constexpr (Direct) {
      move_out(x, e.limit, to);
    } else if constexpr (Shallow) {
      move_out(x, e.limit >> e.plain, to);
      x = (x << e.plain) | (s - std::uint32_t{e.first});
    } else {
      std::uint32_t rest = tokens.value(s) - e.first;
      const int joint = e.plain < rans_plain_bits ? e.plain : rans_plain_bits;
      if (e.plain > joint) {
        const int more = e.plain - joint;
        move_out(x, 1u << (tokens.base() + 16 - more), to);
        x = (x << more) | (rest & ((1u << more) - 1));
        rest >>= more;
      }
      move_out(x, e.limit >> joint, to);
      x = (x << joint) | rest;
    }
    state = e.step(x);
  }
  template <bool Direct, bool Shallow, bool Classes>
  void group(const lane_order& order, shape3 shape, std::size_t g) noexcept {
    const std::uint32_t lanes = order.group_units(g);
    const std::uint16_t* lane_codes[max_lanes];
    const symbol* lane_symbols[max_lanes];
    const rans_entry* lane_entries[max_lanes];
    std::uint32_t rows[max_lanes], x[max_lanes];
    std::uint32_t most = 0, least = ~0u;
    for (std::uint32_t i = 0; i < lanes; ++i) {
      const std::size_t u = g * order.lanes() + i;
      const lane_unit unit = order.unit(u);
      rows[i] = unit.rows;
      most = unit.rows > most ? unit.rows : most;
      least = unit.rows < least ? unit.rows : least;
      lane_codes[i] = codes + (u / order.bands()) * shape.area() + unit.first_row * shape.width;
      lane_symbols[i] = symbols + unit.channel * shape.area() + unit.first_row * shape.width;
      lane_entries[i] = entries + (classes != nullptr ? classes[unit.channel] * class_entries : 0);
      x[i] = states[i];
    }
    std::uint16_t* to = word;
    std::size_t at = most * shape.width;
    while (at > least * shape.width) {
      --at;
      for (std::uint32_t i = lanes; i-- > 0;)
        if (at < rows[i] * shape.width) put<Direct, Shallow>((Classes ? lane_entries[i] : entries)[lane_codes[i][at]], lane_symbols[i][at], x[i], to);
    }
    while (at-- > 0)
      for (std::uint32_t i = lanes; i-- > 0;)
        put<Direct, Shallow>((Classes ? lane_entries[i] : entries)[lane_codes[i][at]], lane_symbols[i][at], x[i], to);
    for (std::uint32_t i = 0; i < lanes; ++i) states[i] = x[i];
    word = to;
  }
};

} // namespace aecnn::detail
