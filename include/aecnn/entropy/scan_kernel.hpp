// The inner loop of context_scan.hpp for 16 symbols at a time: the contexts and tokens of a channel's symbols taken as one line, in which
// the upper neighbour of a symbol lies a row's width before it. Compiler builtins instead of <immintrin.h>, which would cost
// every includer more than the rest of the encoder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <aecnn/core/instruction_set.hpp>
#include <aecnn/core/symbol.hpp>
#include <aecnn/entropy/token.hpp>

namespace aecnn::detail {

struct scan_rules {
  token_layout tokens;
  const std::uint32_t* code_of_sum = nullptr; ///< activity * number of tokens, by sum -M..8M
};

/// Fills codes[width + 1] to codes[area - 1]; area - width - 1 is at least scan_block.
using scan_kernel = void (*)(const scan_rules& rules, const symbol* symbols, const std::uint16_t* magnitudes, std::size_t width,
                             std::size_t area, std::uint16_t* codes) noexcept;
inline constexpr std::size_t scan_block = 16;

#if defined(__GNUC__) && defined(__x86_64__)
using scan_short = std::int16_t __attribute__((vector_size(32)));
using scan_half = std::int16_t __attribute__((vector_size(16)));
using scan_code = std::uint16_t __attribute__((vector_size(16)));
using scan_word = std::int32_t __attribute__((vector_size(32)));
using scan_float = float __attribute__((vector_size(32)));

/// The codes of 8 symbols of given sums.
template <bool Direct, bool Equal>
[[gnu::always_inline, gnu::target("avx2")]] inline void scan_eight(const scan_rules& rules, const symbol* symbols, scan_half sums,
                                                                   std::uint16_t* codes) noexcept {
  const scan_word index = __builtin_convertvector(sums, scan_word);
#if defined(__clang__)
  scan_word code = __builtin_ia32_gatherd_d256(scan_word{}, reinterpret_cast<const int*>(rules.code_of_sum), index, scan_word{} - 1, 4);
#else
  scan_word code = __builtin_ia32_gathersiv8si(scan_word{}, reinterpret_cast<const int*>(rules.code_of_sum), index, scan_word{} - 1, 4);
#endif
  scan_code s;
  std::memcpy(&s, symbols, sizeof s);
  scan_word v = __builtin_convertvector(s, scan_word);
  if constexpr (!Equal) {
    const auto half = static_cast<std::int32_t>(rules.tokens.alternating() / 2);
    const scan_word d = v - static_cast<std::int32_t>(rules.tokens.zero());
    const scan_word m = d < 0 ? -d : d;
    v = m > half ? m + half : 2 * m + (d > 0);
  }
  if constexpr (!Direct) {
    // The exponent of a floating-point number and the two bits below its leading one are a token: conversion is exact here.
    const scan_word bits = reinterpret_cast<scan_word>(__builtin_convertvector(v, scan_float)) >> 21;
    v = v < 4 ? v : bits - 512;
  }
  const scan_code out = __builtin_convertvector(code + v, scan_code);
  std::memcpy(codes, &out, sizeof out);
}

template <bool Direct, bool Equal>
[[gnu::target("avx2")]] inline void scan_avx2(const scan_rules& rules, const symbol* symbols, const std::uint16_t* magnitudes,
                                              std::size_t width, std::size_t area, std::uint16_t* codes) noexcept {
  for (std::size_t i = width + 1; i < area; i += scan_block) {
    if (i + scan_block > area) i = area - scan_block; // some are done twice
    scan_short w, n, ne, nw;
    std::memcpy(&w, magnitudes + i - 1, sizeof w);
    std::memcpy(&n, magnitudes + i - width, sizeof n);
    std::memcpy(&ne, magnitudes + i - width + 1, sizeof ne);
    std::memcpy(&nw, magnitudes + i - width - 1, sizeof nw);
    const scan_short sum = w + n + 2 * (w + n + ne) - nw;
    scan_half halves[2];
    std::memcpy(halves, &sum, sizeof sum);
    scan_eight<Direct, Equal>(rules, symbols + i, halves[0], codes + i);
    scan_eight<Direct, Equal>(rules, symbols + i + 8, halves[1], codes + i + 8);
  }
}
inline void scan_any_avx2(const scan_rules& rules, const symbol* symbols, const std::uint16_t* magnitudes, std::size_t width,
                          std::size_t area, std::uint16_t* codes) noexcept {
  const bool equal = rules.tokens.alternating() == 0 && rules.tokens.zero() == 0;
  if (rules.tokens.direct()) {
    if (equal) scan_avx2<true, true>(rules, symbols, magnitudes, width, area, codes);
    else scan_avx2<true, false>(rules, symbols, magnitudes, width, area, codes);
  } else {
    if (equal) scan_avx2<false, true>(rules, symbols, magnitudes, width, area, codes);
    else scan_avx2<false, false>(rules, symbols, magnitudes, width, area, codes);
  }
}
#endif

/// Null where there is no kernel for the instruction set.
inline scan_kernel choose_scan_kernel(instruction_set level) noexcept {
#if defined(__GNUC__) && defined(__x86_64__)
  if (level >= instruction_set::avx2) return scan_any_avx2;
#endif
  static_cast<void>(level);
  return nullptr;
}

} // namespace aecnn::detail
