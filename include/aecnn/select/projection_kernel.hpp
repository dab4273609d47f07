// The inner loops of the integer projection, compiled for several instruction sets from one source. All of them add the
// same integers, which fit 32 bits by the limit of the inputs, so all give the same latents.
//
// Inputs lie in panels of 64 pixels and in pairs, [inputs / 2][64][2], so that one multiply-add instruction takes two of
// them for every pixel. Which input is first and second in a pair is the same for inputs and weights; it does not matter.
// Where a tensor has few latent pixels, whole vectors of them would be mostly empty: inputs then follow each other pixel by
// pixel, and vectors go along the inputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <aecnn/core/fixed_point.hpp>
#include <aecnn/core/instruction_set.hpp>

namespace aecnn::detail {

/// Pixels of a panel.
inline constexpr std::size_t projection_pixels = fixed_block;
/// Latents that share what is loaded of a panel.
inline constexpr std::size_t projection_latents = 4;

struct projection_tile {
  const std::int16_t* in;      ///< [pairs][projection_pixels][2]
  const std::int16_t* weights; ///< [pairs][projection_latents][2]
  std::size_t pairs;
  const std::int32_t* bias;    ///< [projection_latents]
  const std::uint8_t* shift;   ///< [projection_latents] 0..30
  std::int32_t* out;           ///< [projection_latents][projection_pixels]
};

/// Inputs that follow each other come in multiples of this.
inline constexpr std::size_t projection_inputs = 32;
/// Pixels, at most, for which vectors along the inputs are the faster way.
inline constexpr std::size_t projection_few = 12;

struct projection_dots {
  const std::int16_t* in;      ///< [pixels][inputs]
  const std::int16_t* weights; ///< [latents][inputs]
  std::size_t inputs;          ///< a multiple of projection_inputs
  std::size_t pixels, latents; ///< pixels: at most projection_few
  const std::int32_t* bias;    ///< [latents]
  const std::uint8_t* shift;   ///< [latents] 0..30
  std::int32_t* out;           ///< [latents][pixels]
};

struct projection_kernels {
  /// The latents of the first `pixels` (1..64) of a panel: sums of products and the bias divided by 2^shift, truncated toward
  /// zero, and limited to +-fixed_limit. Other pixels of `out` are left unspecified.
  void (*project)(const projection_tile& tile, std::size_t pixels) noexcept;
  /// The same latents of a few pixels.
  void (*project_few)(const projection_dots& dots) noexcept;
  /// 64 numbers as inputs: half of to_fixed(in[i], scale), rounded away from zero, limited to +-limit. The top bit of the result says that one of them is an
  /// infinity or a NaN.
  std::uint32_t (*convert)(const float* in, float scale, std::int32_t limit, std::int16_t* out) noexcept;
  /// 64 pairs of two rows of inputs.
  void (*interleave)(const std::int16_t* first, const std::int16_t* second, std::int16_t* out) noexcept;
};

#if defined(__GNUC__)
#define AECNN_DETAIL_INLINE [[gnu::always_inline]] inline
#else
#define AECNN_DETAIL_INLINE inline
#endif

AECNN_DETAIL_INLINE std::uint32_t convert_block(const float* in, float scale, std::int32_t limit, std::int16_t* out) noexcept {
  std::uint32_t seen = 0;
  for (std::size_t i = 0; i < fixed_block; ++i) {
    seen |= not_finite_bit(in[i]);
    const std::int32_t halves = to_fixed(in[i], scale);
    const std::int32_t v = (halves + 1 + (halves >> 31)) >> 1; // to nearest, away from zero in the middle
    const std::int32_t below = v > limit ? limit : v;
    out[i] = static_cast<std::int16_t>(below < -limit ? -limit : below);
  }
  return seen;
}

AECNN_DETAIL_INLINE void interleave_block(const std::int16_t* first, const std::int16_t* second, std::int16_t* out) noexcept {
  // By way of memory that nothing else points to: a compiler need not ask whether `out` overlaps the rows.
  std::int16_t pairs[2 * fixed_block];
  for (std::size_t i = 0; i < fixed_block; ++i) {
    pairs[2 * i] = first[i];
    pairs[2 * i + 1] = second[i];
  }
  std::memcpy(out, pairs, sizeof pairs);
}

AECNN_DETAIL_INLINE std::int32_t divide_sum(std::int32_t sum, std::int32_t bias, int shift) noexcept {
  // All sums are at most 2^31 - 1 in magnitude, and what is added to a negative one leaves it below 2^30.
  const std::int32_t s = sum + bias, below_zero = s >> 31;
  const std::int32_t v = (s + (below_zero & ((1 << shift) - 1))) >> shift;
  // Within fixed_limit, so that an offset can be subtracted; symbols end far below it.
  const std::int32_t below = v > fixed_limit ? fixed_limit : v;
  return below < -fixed_limit ? -fixed_limit : below;
}

AECNN_DETAIL_INLINE void divide_sums(std::int32_t* sums, std::size_t pixels, std::int32_t bias, int shift) noexcept {
  for (std::size_t i = 0; i < pixels; ++i) sums[i] = divide_sum(sums[i], bias, shift);
}

namespace projection_plain {
inline void project(const projection_tile& a, std::size_t pixels) noexcept {
  constexpr std::size_t block = 16;
  for (std::size_t l = 0; l < projection_latents; ++l) {
    for (std::size_t pixel = 0; pixel < pixels; pixel += block) {
      std::int32_t sums[block] = {};
      for (std::size_t i = 0; i < a.pairs; ++i) {
        const std::int16_t* x = a.in + 2 * (i * projection_pixels + pixel);
        const std::int16_t* w = a.weights + 2 * (i * projection_latents + l);
        const std::int32_t first = w[0], second = w[1];
        for (std::size_t p = 0; p < block; ++p) sums[p] += first * x[2 * p] + second * x[2 * p + 1];
      }
      std::memcpy(a.out + l * projection_pixels + pixel, sums, sizeof sums);
    }
    divide_sums(a.out + l * projection_pixels, pixels, a.bias[l], a.shift[l]);
  }
}
inline void project_few(const projection_dots& a) noexcept {
  for (std::size_t l = 0; l < a.latents; ++l)
    for (std::size_t p = 0; p < a.pixels; ++p) {
      const std::int16_t *x = a.in + p * a.inputs, *w = a.weights + l * a.inputs;
      std::int32_t sum = 0;
      for (std::size_t i = 0; i < a.inputs; ++i) sum += std::int32_t{x[i]} * w[i];
      a.out[l * a.pixels + p] = divide_sum(sum, a.bias[l], a.shift[l]);
    }
}
inline std::uint32_t convert(const float* in, float scale, std::int32_t limit, std::int16_t* out) noexcept {
  return convert_block(in, scale, limit, out);
}
inline void interleave(const std::int16_t* first, const std::int16_t* second, std::int16_t* out) noexcept {
  interleave_block(first, second, out);
}
inline constexpr projection_kernels kernels = {project, project_few, convert, interleave};
} // namespace projection_plain

#if defined(__GNUC__)

// Four sums at a time in the compiler's own vectors: NEON, and whatever else it knows.
namespace projection_vector4 {
inline constexpr std::size_t lanes = 4, most_vectors = 2;
using vector = std::int32_t __attribute__((vector_size(16)));
AECNN_DETAIL_INLINE void clear(vector& v) noexcept { v = vector{}; }
#if defined(__x86_64__)
// Compiler builtins instead of <immintrin.h>, which would cost every includer more than the rest of the encoder.
using inputs = std::int16_t __attribute__((vector_size(16)));
using weight_pair = inputs;
AECNN_DETAIL_INLINE void load(inputs& v, const std::int16_t* p) noexcept { std::memcpy(&v, p, sizeof v); }
AECNN_DETAIL_INLINE void spread(weight_pair& v, const std::int16_t* p) noexcept {
  std::int32_t pair = 0;
  std::memcpy(&pair, p, sizeof pair);
  v = reinterpret_cast<inputs>(vector{pair, pair, pair, pair});
}
AECNN_DETAIL_INLINE void multiply_add(vector& sum, const inputs& x, const weight_pair& w) noexcept {
  sum += __builtin_ia32_pmaddwd128(x, w);
}
#else
// Both halves of a pair widened, so that its products are multiply-adds of 32 bits.
struct inputs {
  vector half[2];
};
struct weight_pair {
  std::int32_t half[2];
};
AECNN_DETAIL_INLINE void load(inputs& v, const std::int16_t* p) noexcept {
  using words = std::uint32_t __attribute__((vector_size(16)));
  words pairs{};
  std::memcpy(&pairs, p, sizeof pairs);
  v.half[0] = reinterpret_cast<vector>(pairs << 16) >> 16;
  v.half[1] = reinterpret_cast<vector>(pairs) >> 16;
}
AECNN_DETAIL_INLINE void spread(weight_pair& v, const std::int16_t* p) noexcept {
  std::uint32_t pair = 0;
  std::memcpy(&pair, p, sizeof pair);
  v.half[0] = static_cast<std::int32_t>(pair << 16) >> 16;
  v.half[1] = static_cast<std::int32_t>(pair) >> 16;
}
AECNN_DETAIL_INLINE void multiply_add(vector& sum, const inputs& x, const weight_pair& w) noexcept {
  sum += x.half[0] * w.half[0];
  sum += x.half[1] * w.half[1];
}
AECNN_DETAIL_INLINE void multiply_add(vector& sum, const inputs& x, const inputs& w) noexcept {
  sum += x.half[0] * w.half[0];
  sum += x.half[1] * w.half[1];
}
#endif
#include <aecnn/select/projection_kernel.inc>
} // namespace projection_vector4

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
namespace projection_avx2 {
inline constexpr std::size_t lanes = 8, most_vectors = 2;
using vector = std::int32_t __attribute__((vector_size(32)));
using inputs = std::int16_t __attribute__((vector_size(32)));
using weight_pair = inputs;
AECNN_DETAIL_INLINE void clear(vector& v) noexcept { v = vector{}; }
AECNN_DETAIL_INLINE void load(inputs& v, const std::int16_t* p) noexcept { std::memcpy(&v, p, sizeof v); }
AECNN_DETAIL_INLINE void spread(weight_pair& v, const std::int16_t* p) noexcept {
  std::int32_t pair = 0;
  std::memcpy(&pair, p, sizeof pair);
  v = reinterpret_cast<inputs>(vector{pair, pair, pair, pair, pair, pair, pair, pair});
}
AECNN_DETAIL_INLINE void multiply_add(vector& sum, const inputs& x, const weight_pair& w) noexcept {
  sum += __builtin_ia32_pmaddwd256(x, w);
}
#include <aecnn/select/projection_kernel.inc>
} // namespace projection_avx2
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))),                 \
                             apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")
#endif
namespace projection_vnni {
inline constexpr std::size_t lanes = 16, most_vectors = 4;
using vector = std::int32_t __attribute__((vector_size(64)));
using inputs = vector; // pairs
using weight_pair = vector;
AECNN_DETAIL_INLINE void clear(vector& v) noexcept { v = vector{}; }
AECNN_DETAIL_INLINE void load(inputs& v, const std::int16_t* p) noexcept { std::memcpy(&v, p, sizeof v); }
AECNN_DETAIL_INLINE void spread(weight_pair& v, const std::int16_t* p) noexcept {
  std::int32_t pair = 0;
  std::memcpy(&pair, p, sizeof pair);
  v = vector{pair, pair, pair, pair, pair, pair, pair, pair, pair, pair, pair, pair, pair, pair, pair, pair};
}
AECNN_DETAIL_INLINE void multiply_add(vector& sum, const inputs& x, const weight_pair& w) noexcept {
  // The name and the operands of its builtin differ between compilers and their versions.
  asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
}
#include <aecnn/select/projection_kernel.inc>
} // namespace projection_vnni
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
#endif

#undef AECNN_DETAIL_INLINE

/// The kernels of a level; AVX-512 without VNNI gets AVX2's.
inline projection_kernels choose_projection_kernels(instruction_set level) noexcept {
#if defined(__GNUC__)
#if defined(__x86_64__)
  if (level >= instruction_set::avx512 && __builtin_cpu_supports("avx512vnni")) return projection_vnni::kernels;
  if (level >= instruction_set::avx2) return projection_avx2::kernels;
#endif
  if (level >= instruction_set::vector4) return projection_vector4::kernels;
#endif
  static_cast<void>(level);
  return projection_plain::kernels;
}

} // namespace aecnn::detail
