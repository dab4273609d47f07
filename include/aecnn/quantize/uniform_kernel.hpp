// The inner loop of uniform quantisation: 64 floats to latents or symbols, compiled for several instruction sets from one
// source. All of them give the same integers (core/fixed_point.hpp says why).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <aecnn/core/fixed_point.hpp>
#include <aecnn/core/instruction_set.hpp>
#include <aecnn/core/symbol.hpp>

namespace aecnn::detail {

/// How a channel is quantised.
struct quantise_rule {
  float scale;                 ///< value to latent
  std::int32_t offset;         ///< subtracted from the latent
  std::int32_t rounding;       ///< 0..255
  std::int32_t lowest, highest; ///< distances from zero that have a symbol
};

/// The symbol of a latent.
inline symbol latent_symbol(std::int32_t v, const quantise_rule& r) noexcept {
  const std::int32_t sign = v >> 31;
  std::int32_t d = ((v ^ sign) - sign + r.rounding) >> 8;
  d = (d ^ sign) - sign;
  d = d < r.lowest ? r.lowest : d;
  d = d > r.highest ? r.highest : d;
  return static_cast<symbol>(d - r.lowest);
}

#if defined(__GNUC__)
#define AECNN_DETAIL_INLINE [[gnu::always_inline]] inline
#else
#define AECNN_DETAIL_INLINE inline
#endif

// Returns a word whose top bit says that an element is an infinity or a NaN.
AECNN_DETAIL_INLINE std::uint32_t latents_loop(const float* in, const quantise_rule& rule, std::int32_t* out) noexcept {
  const quantise_rule r = rule;
  std::uint32_t seen = 0;
  for (std::size_t i = 0; i < fixed_block; ++i) {
    seen |= not_finite_bit(in[i]);
    out[i] = to_fixed(in[i], r.scale) - r.offset;
  }
  return seen;
}
AECNN_DETAIL_INLINE std::uint32_t symbols_loop(const float* in, const quantise_rule& rule, symbol* out) noexcept {
  const quantise_rule r = rule;
  std::uint32_t seen = 0;
  for (std::size_t i = 0; i < fixed_block; ++i) {
    seen |= not_finite_bit(in[i]);
    out[i] = latent_symbol(to_fixed(in[i], r.scale) - r.offset, r);
  }
  return seen;
}
#undef AECNN_DETAIL_INLINE

using latents_kernel = std::uint32_t (*)(const float*, const quantise_rule&, std::int32_t*);
using symbols_kernel = std::uint32_t (*)(const float*, const quantise_rule&, symbol*);

inline std::uint32_t latents_plain(const float* in, const quantise_rule& r, std::int32_t* out) { return latents_loop(in, r, out); }
inline std::uint32_t symbols_plain(const float* in, const quantise_rule& r, symbol* out) { return symbols_loop(in, r, out); }
#if defined(__GNUC__) && defined(__x86_64__)
[[gnu::target("avx2")]] inline std::uint32_t latents_avx2(const float* in, const quantise_rule& r, std::int32_t* out) {
  return latents_loop(in, r, out);
}
[[gnu::target("avx2")]] inline std::uint32_t symbols_avx2(const float* in, const quantise_rule& r, symbol* out) {
  return symbols_loop(in, r, out);
}
[[gnu::target("avx512f,avx512bw,avx512dq,avx512vl")]] inline std::uint32_t latents_avx512(const float* in,
                                                                                      const quantise_rule& r,
                                                                                      std::int32_t* out) {
  return latents_loop(in, r, out);
}
[[gnu::target("avx512f,avx512bw,avx512dq,avx512vl")]] inline std::uint32_t symbols_avx512(const float* in,
                                                                                      const quantise_rule& r, symbol* out) {
  return symbols_loop(in, r, out);
}
#endif

/// The kernels for an instruction set.
struct quantise_kernels {
  latents_kernel latents = latents_plain;
  symbols_kernel symbols = symbols_plain;
};
inline quantise_kernels choose_quantise_kernels(instruction_set level) noexcept {
#if defined(__GNUC__) && defined(__x86_64__)
  if (level >= instruction_set::avx512) return {latents_avx512, symbols_avx512};
  if (level >= instruction_set::avx2) return {latents_avx2, symbols_avx2};
#endif
  static_cast<void>(level);
  return {};
}

} // namespace aecnn::detail
