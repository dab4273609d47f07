// The inner loop of the integer projection: 16 pixels of 4 latents, compiled for several instruction sets. All of them add the
// same integers, which fit 32 bits by the bound on a row of weights, so all give the same sums.
//
// Inputs lie in pairs, [inputs / 2][pixels][2], so that one multiply-add instruction takes two of them for every pixel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <aecnn/core/instruction_set.hpp>

namespace aecnn::detail {

inline constexpr std::size_t projection_pixels = 16;
inline constexpr std::size_t projection_latents = 4;

/// Sums[l][p] = sum over pairs i of in[i][p][0] * weights[l][i][0] + in[i][p][1] * weights[l][i][1]; `in` advances by
/// `in_stride` elements and `weights` of the next latent by `weight_stride` elements.
using projection_kernel = void (*)(const std::int16_t* in, std::size_t in_stride, const std::int16_t* weights,
                                   std::size_t weight_stride, std::size_t pairs, std::int32_t* sums);

inline void project_plain(const std::int16_t* in, std::size_t in_stride, const std::int16_t* weights,
                          std::size_t weight_stride, std::size_t pairs, std::int32_t* sums) {
  for (std::size_t l = 0; l < projection_latents; ++l) {
    std::int32_t sum[projection_pixels] = {};
    for (std::size_t i = 0; i < pairs; ++i) {
      const std::int16_t* x = in + i * in_stride;
      const std::int32_t first = weights[l * weight_stride + 2 * i], second = weights[l * weight_stride + 2 * i + 1];
      for (std::size_t p = 0; p < projection_pixels; ++p) sum[p] += first * x[2 * p] + second * x[2 * p + 1];
    }
    for (std::size_t p = 0; p < projection_pixels; ++p) sums[l * projection_pixels + p] = sum[p];
  }
}

#if defined(__GNUC__) && defined(__x86_64__)
// Compiler builtins instead of <immintrin.h>, which would cost every includer more than the rest of the encoder.
typedef std::int16_t int16x8 __attribute__((vector_size(16)));
typedef std::int32_t int32x4 __attribute__((vector_size(16)));
typedef std::int16_t int16x16 __attribute__((vector_size(32)));
typedef std::int32_t int32x8 __attribute__((vector_size(32)));

inline void project_sse2(const std::int16_t* in, std::size_t in_stride, const std::int16_t* weights,
                         std::size_t weight_stride, std::size_t pairs, std::int32_t* sums) {
  for (std::size_t l = 0; l < projection_latents; l += 2) {
    int32x4 sum[2][4] = {};
    for (std::size_t i = 0; i < pairs; ++i) {
      int16x8 x[4];
      std::memcpy(x, in + i * in_stride, sizeof x);
      for (std::size_t k = 0; k < 2; ++k) {
        std::int32_t pair;
        std::memcpy(&pair, weights + (l + k) * weight_stride + 2 * i, sizeof pair);
        const auto w = reinterpret_cast<int16x8>(int32x4{pair, pair, pair, pair});
        for (std::size_t p = 0; p < 4; ++p) sum[k][p] += __builtin_ia32_pmaddwd128(x[p], w);
      }
    }
    std::memcpy(sums + l * projection_pixels, sum, sizeof sum);
  }
}

[[gnu::target("avx2")]] inline void project_avx2(const std::int16_t* in, std::size_t in_stride,
                                                 const std::int16_t* weights, std::size_t weight_stride,
                                                 std::size_t pairs, std::int32_t* sums) {
  int32x8 sum[projection_latents][2] = {};
  for (std::size_t i = 0; i < pairs; ++i) {
    int16x16 x[2];
    std::memcpy(x, in + i * in_stride, sizeof x);
    for (std::size_t l = 0; l < projection_latents; ++l) {
      std::int32_t pair;
      std::memcpy(&pair, weights + l * weight_stride + 2 * i, sizeof pair);
      const auto w = reinterpret_cast<int16x16>(int32x8{pair, pair, pair, pair, pair, pair, pair, pair});
      sum[l][0] += __builtin_ia32_pmaddwd256(x[0], w);
      sum[l][1] += __builtin_ia32_pmaddwd256(x[1], w);
    }
  }
  std::memcpy(sums, sum, sizeof sum);
}
#endif

inline projection_kernel choose_projection_kernel(instruction_set level) noexcept {
#if defined(__GNUC__) && defined(__x86_64__)
  if (level >= instruction_set::avx2) return project_avx2;
  if (level >= instruction_set::vector4) return project_sse2;
#endif
  static_cast<void>(level);
  return project_plain;
}

} // namespace aecnn::detail
