// The steps of lane_kernel.hpp for 8 lanes at a time with AVX2 and for 16 with AVX-512. Compiler builtins instead of <immintrin.h>,
// which would cost every includer more than the rest of the decoder.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <aecnn/entropy/lane_kernel.hpp>

#if defined(__GNUC__) && defined(__x86_64__)
namespace aecnn::detail {

using lanes8 = std::int32_t __attribute__((vector_size(32)));
using natural8 = std::uint32_t __attribute__((vector_size(32)));
using floats8 = float __attribute__((vector_size(32)));
using short8 = std::uint16_t __attribute__((vector_size(16)));
using byte8 = std::uint8_t __attribute__((vector_size(8)));
using lanes16 = std::int32_t __attribute__((vector_size(64)));
using natural16 = std::uint32_t __attribute__((vector_size(64)));
using short16 = std::uint16_t __attribute__((vector_size(32)));

/// Which of the next words a lane takes, by the mask of lanes that take one: how many lower lanes do.
constexpr std::array<std::array<std::uint8_t, 8>, 256> make_word_places() {
  std::array<std::array<std::uint8_t, 8>, 256> table{};
  for (unsigned m = 0; m < 256; ++m)
    for (unsigned i = 0; i < 8; ++i) table[m][i] = static_cast<std::uint8_t>(std::popcount(m & ((1u << i) - 1)));
  return table;
}
inline constexpr std::array<std::array<std::uint8_t, 8>, 256> word_places = make_word_places();

/// A vector of lanes, `offset` of them before it. All states are below 2^31, so that signed comparisons do.
template <class Signed>
struct lane_vector {
  Signed state, context, threshold, slot, outside;
};

// Everything below is there twice, as a target attribute cannot be a template argument.

[[gnu::always_inline, gnu::target("avx2,popcnt")]] inline lanes8 gather8(const std::uint32_t* from, lanes8 index) noexcept {
#if defined(__clang__)
  return __builtin_ia32_gatherd_d256(lanes8{}, reinterpret_cast<const int*>(from), index, lanes8{} - 1, 4);
#else
  return __builtin_ia32_gathersiv8si(lanes8{}, reinterpret_cast<const int*>(from), index, lanes8{} - 1, 4);
#endif
}

template <bool Direct, bool Equal>
[[gnu::always_inline, gnu::target("avx2,popcnt")]] inline void step_avx2(lane_vector<lanes8>& l, const lane_rules& rules,
                                                                const std::uint16_t*& word, const std::uint16_t* above,
                                                                std::uint16_t* here, std::uint16_t* values, std::size_t lanes,
                                                                lanes8 first) noexcept {
  const lanes8 e = gather8(rules.slots, l.context + (l.state & 1023));
  const lanes8 rest = l.state >> 10;
  lanes8 state = ((e >> 10) & 1023) * rest + rest + (e & 1023);
  lanes8 v = e >> 20;
  if constexpr (!Direct) {
    const lanes8 q = v >> 2;
    const lanes8 bits = (q > 1 ? q : lanes8{} + 1) - 1;
    v = ((v - (bits << 2)) << bits) + (state & ~((lanes8{} - 1) << bits));
    state = state >> bits;
    const lanes8 highest = lanes8{} + static_cast<std::int32_t>(rules.tokens.levels() - 1);
    l.outside |= v > highest;
    v = v > highest ? highest : v;
  }
  short8 next;
  std::memcpy(&next, word, sizeof next);
  byte8 place;
  const auto mask = static_cast<unsigned>(__builtin_ia32_movmskps256(reinterpret_cast<floats8>(state < l.threshold)));
  std::memcpy(&place, word_places[mask].data(), sizeof place);
  const lanes8 filled = (state << 16) | __builtin_ia32_permvarsi256(__builtin_convertvector(next, lanes8), __builtin_convertvector(place, lanes8));
  l.state = state < l.threshold ? filled : state;
  word += std::popcount(mask);
  lanes8 magnitude = v;
  if constexpr (!Equal) {
    const auto both = static_cast<std::int32_t>(rules.tokens.alternating());
    magnitude = v > both ? v - both / 2 : (v + 1) >> 1;
    const short8 narrow = __builtin_convertvector(v, short8);
    std::memcpy(values, &narrow, sizeof narrow);
  }
  const short8 narrow = __builtin_convertvector(magnitude, short8);
  std::memcpy(here + lanes, &narrow, sizeof narrow);
  // The context of the lane's next symbol: `above` is that of its upper left neighbour.
  short8 nw, n, ne;
  std::memcpy(&nw, above, sizeof nw);
  std::memcpy(&n, above + lanes, sizeof n);
  std::memcpy(&ne, above + 2 * lanes, sizeof ne);
  const lanes8 around = 3 * __builtin_convertvector(n, lanes8) + 2 * __builtin_convertvector(ne, lanes8) - __builtin_convertvector(nw, lanes8);
  const lanes8 sum = around + 3 * magnitude + ((4 * magnitude) & first);
  l.context = l.slot + gather8(rules.table_of_sum, sum);
}

template <int Vectors, bool Direct, bool Equal>
[[gnu::target("avx2,popcnt")]] inline void decode_row_avx2(const lane_rules& rules, lane_row& row) noexcept {
  constexpr std::size_t lanes = 8 * Vectors;
  lane_vector<lanes8> l[Vectors] = {};
  const lanes8 first = lanes8{} - (row.first ? 1 : 0);
  for (std::size_t v = 0; v < Vectors; ++v) {
    std::memcpy(&l[v].state, row.states + 8 * v, sizeof l[v].state);
    std::memcpy(&l[v].slot, row.lane_slot + 8 * v, sizeof l[v].slot);
    for (std::size_t i = 0; i < 8; ++i) {
      const std::size_t lane = 8 * v + i;
      l[v].threshold[i] = static_cast<std::int32_t>((row.active >> lane) & 1) << rules.tokens.base();
      const std::int32_t sum = 3 * row.here[lane] + 3 * row.above[lane + lanes] + 2 * row.above[lane + 2 * lanes] - row.above[lane];
      l[v].context[i] = static_cast<std::int32_t>((row.first ? rules.first_slot : rules.table_of_sum[sum]) + row.lane_slot[lane]);
    }
  }
  const std::uint16_t* word = row.word;
  for (std::size_t x = 0; x < row.width; ++x) {
    const std::uint16_t* above = row.above + (x + 1) * lanes;
    std::uint16_t* here = row.here + x * lanes;
    std::uint16_t* values = row.values + x * lanes;
    step_avx2<Direct, Equal>(l[0], rules, word, above, here, values, lanes, first);
    if constexpr (Vectors > 1) step_avx2<Direct, Equal>(l[1], rules, word, above + 8, here + 8, values + 8, lanes, first);
    if constexpr (Vectors > 2) {
      step_avx2<Direct, Equal>(l[2], rules, word, above + 16, here + 16, values + 16, lanes, first);
      step_avx2<Direct, Equal>(l[3], rules, word, above + 24, here + 24, values + 24, lanes, first);
    }
  }
  row.word = word;
  for (std::size_t v = 0; v < Vectors; ++v)
    for (std::size_t i = 0; i < 8; ++i) {
      if (l[v].threshold[i] == 0) continue;
      row.states[8 * v + i] = static_cast<std::uint32_t>(l[v].state[i]);
      row.outside = row.outside || l[v].outside[i] != 0;
    }
}

#define AECNN_DETAIL_AVX512 gnu::target("avx512f,avx512bw,avx512dq,avx512vl,popcnt")

template <bool Direct, bool Equal>
[[gnu::always_inline, AECNN_DETAIL_AVX512]] inline void step_avx512(lane_vector<lanes16>& l, const lane_rules& rules,
                                                                const std::uint16_t*& word, const std::uint16_t* above,
                                                                std::uint16_t* here, std::uint16_t* values, std::size_t lanes,
                                                                lanes16 first) noexcept {
  const lanes16 all = lanes16{} - 1;
  const lanes16 e = __builtin_ia32_gathersiv16si(lanes16{}, reinterpret_cast<const int*>(rules.slots), l.context + (l.state & 1023),
                                                 static_cast<std::uint16_t>(0xffff), 4);
  const lanes16 rest = l.state >> 10;
  lanes16 state = ((e >> 10) & 1023) * rest + rest + (e & 1023);
  lanes16 v = e >> 20;
  if constexpr (!Direct) {
    const lanes16 q = v >> 2;
    const lanes16 bits = (q > 1 ? q : lanes16{} + 1) - 1;
    v = ((v - (bits << 2)) << bits) + (state & ~(all << bits));
    state = state >> bits;
    const lanes16 highest = lanes16{} + static_cast<std::int32_t>(rules.tokens.levels() - 1);
    l.outside |= v > highest;
    v = v > highest ? highest : v;
  }
  short16 next;
  std::memcpy(&next, word, sizeof next);
  const std::uint16_t mask = __builtin_ia32_ucmpd512_mask(state, l.threshold, 1, static_cast<std::uint16_t>(0xffff));
#if defined(__clang__)
  const lanes16 words = __builtin_ia32_expandsi512_mask(__builtin_convertvector(next, lanes16), lanes16{}, mask);
#else
  const lanes16 words = __builtin_ia32_expandsi512_maskz(__builtin_convertvector(next, lanes16), lanes16{}, mask);
#endif
  l.state = state < l.threshold ? (state << 16) | words : state;
  word += std::popcount(mask);
  lanes16 magnitude = v;
  if constexpr (!Equal) {
    const auto both = static_cast<std::int32_t>(rules.tokens.alternating());
    magnitude = v > both ? v - both / 2 : (v + 1) >> 1;
    const short16 narrow = __builtin_convertvector(v, short16);
    std::memcpy(values, &narrow, sizeof narrow);
  }
  const short16 narrow = __builtin_convertvector(magnitude, short16);
  std::memcpy(here + lanes, &narrow, sizeof narrow);
  short16 nw, n, ne;
  std::memcpy(&nw, above, sizeof nw);
  std::memcpy(&n, above + lanes, sizeof n);
  std::memcpy(&ne, above + 2 * lanes, sizeof ne);
  const lanes16 around = 3 * __builtin_convertvector(n, lanes16) + 2 * __builtin_convertvector(ne, lanes16) - __builtin_convertvector(nw, lanes16);
  const lanes16 sum = around + 3 * magnitude + ((4 * magnitude) & first);
  l.context = l.slot + __builtin_ia32_gathersiv16si(lanes16{}, reinterpret_cast<const int*>(rules.table_of_sum), sum,
                                                    static_cast<std::uint16_t>(0xffff), 4);
}

template <int Vectors, bool Direct, bool Equal>
[[AECNN_DETAIL_AVX512]] inline void decode_row_avx512(const lane_rules& rules, lane_row& row) noexcept {
  constexpr std::size_t lanes = 16 * Vectors;
  lane_vector<lanes16> l[Vectors] = {};
  const lanes16 first = lanes16{} - (row.first ? 1 : 0);
  for (std::size_t v = 0; v < Vectors; ++v) {
    std::memcpy(&l[v].state, row.states + 16 * v, sizeof l[v].state);
    std::memcpy(&l[v].slot, row.lane_slot + 16 * v, sizeof l[v].slot);
    for (std::size_t i = 0; i < 16; ++i) {
      const std::size_t lane = 16 * v + i;
      l[v].threshold[i] = static_cast<std::int32_t>((row.active >> lane) & 1) << rules.tokens.base();
      const std::int32_t sum = 3 * row.here[lane] + 3 * row.above[lane + lanes] + 2 * row.above[lane + 2 * lanes] - row.above[lane];
      l[v].context[i] = static_cast<std::int32_t>((row.first ? rules.first_slot : rules.table_of_sum[sum]) + row.lane_slot[lane]);
    }
  }
  const std::uint16_t* word = row.word;
  for (std::size_t x = 0; x < row.width; ++x) {
    const std::uint16_t* above = row.above + (x + 1) * lanes;
    std::uint16_t* here = row.here + x * lanes;
    std::uint16_t* values = row.values + x * lanes;
    step_avx512<Direct, Equal>(l[0], rules, word, above, here, values, lanes, first);
    if constexpr (Vectors > 1) step_avx512<Direct, Equal>(l[1], rules, word, above + 16, here + 16, values + 16, lanes, first);
  }
  row.word = word;
  for (std::size_t v = 0; v < Vectors; ++v)
    for (std::size_t i = 0; i < 16; ++i) {
      if (l[v].threshold[i] == 0) continue;
      row.states[16 * v + i] = static_cast<std::uint32_t>(l[v].state[i]);
      row.outside = row.outside || l[v].outside[i] != 0;
    }
}
#undef AECNN_DETAIL_AVX512

/// The kernel for a number of lanes; null where the portable one has to do.
template <bool Direct, bool Equal>
row_kernel choose_vector_kernel(instruction_set level, std::uint32_t lanes) noexcept {
  if (level >= instruction_set::avx512) {
    if (lanes == 32) return decode_row_avx512<2, Direct, Equal>;
    if (lanes == 16) return decode_row_avx512<1, Direct, Equal>;
  }
  if (level >= instruction_set::avx2) {
    if (lanes == 32) return decode_row_avx2<4, Direct, Equal>;
    if (lanes == 16) return decode_row_avx2<2, Direct, Equal>;
    if (lanes == 8) return decode_row_avx2<1, Direct, Equal>;
  }
  return nullptr;
}

} // namespace aecnn::detail
#endif

namespace aecnn::detail {

inline row_kernel choose_row_kernel(instruction_set level, std::uint32_t lanes, const lane_rules& rules) noexcept {
  row_kernel kernel = nullptr;
#if defined(__GNUC__) && defined(__x86_64__)
  if (rules.table_of_sum != nullptr && !rules.tokens.deep()) {
    const bool direct = rules.tokens.direct(), equal = rules.tokens.alternating() == 0;
    kernel = direct ? (equal ? choose_vector_kernel<true, true>(level, lanes) : choose_vector_kernel<true, false>(level, lanes))
                    : (equal ? choose_vector_kernel<false, true>(level, lanes) : choose_vector_kernel<false, false>(level, lanes));
  }
#endif
  static_cast<void>(level);
  static_cast<void>(lanes);
  static_cast<void>(rules);
  return kernel != nullptr ? kernel : decode_row_portable;
}

} // namespace aecnn::detail
