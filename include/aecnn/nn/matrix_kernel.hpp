// The innermost loop of convolutions: an 8 x 16 tile of a matrix product, accumulated in registers over the whole depth.
// The operands are packed: `a` holds 8 rows interleaved, [depth][8]; `b` holds 16 columns, [depth][16]. Every instruction
// set reads the same packing, so that it can be chosen at run time. The accumulators are spelt as unrolled loops over
// the compiler's vector types because g++ -O2 keeps nothing else in registers.
// Cost: 128 * depth multiply-adds.
#pragma once

#include <cstddef>

#include <aecnn/core/instruction_set.hpp>

namespace aecnn::nn {

inline constexpr std::size_t tile_rows = 8, tile_columns = 16;

/// c[8][16] = sum over depth of a[depth][8] x b[depth][16].
using matrix_kernel = void (*)(const float* a, const float* b, std::size_t depth, float* c) noexcept;

namespace kernels {

inline void portable(const float* a, const float* b, std::size_t depth, float* c) noexcept {
  for (std::size_t row = 0; row < tile_rows; row += 4)
    for (std::size_t column = 0; column < tile_columns; column += 4) {
      float sum[4][4] = {};
      for (std::size_t d = 0; d < depth; ++d)
        for (std::size_t i = 0; i < 4; ++i)
          for (std::size_t j = 0; j < 4; ++j)
            sum[i][j] += a[d * tile_rows + row + i] * b[d * tile_columns + column + j];
      for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t j = 0; j < 4; ++j) c[(row + i) * tile_columns + column + j] = sum[i][j];
    }
}

#if defined(__GNUC__)

// typedef, because clang ignores the alignment in an alias declaration: rows of 8 and 16 need not be aligned.
typedef float float4 __attribute__((vector_size(16), aligned(4), may_alias));

inline void vector4(const float* a, const float* b, std::size_t depth, float* c) noexcept {
  for (std::size_t row = 0; row < tile_rows; row += 4)
    for (std::size_t column = 0; column < tile_columns; column += 8) {
      float4 sum[4][2] = {};
      const float* p = a + row;
      const float* q = b + column;
      for (std::size_t d = 0; d < depth; ++d, p += tile_rows, q += tile_columns) {
        const float4 left = *reinterpret_cast<const float4*>(q), right = *reinterpret_cast<const float4*>(q + 4);
#pragma GCC unroll 4
        for (std::size_t i = 0; i < 4; ++i) {
          sum[i][0] += p[i] * left;
          sum[i][1] += p[i] * right;
        }
      }
#pragma GCC unroll 4
      for (std::size_t i = 0; i < 4; ++i) {
        float* out = c + (row + i) * tile_columns + column;
        *reinterpret_cast<float4*>(out) = sum[i][0];
        *reinterpret_cast<float4*>(out + 4) = sum[i][1];
      }
    }
}

#if defined(__x86_64__)

typedef float float8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef float float16 __attribute__((vector_size(64), aligned(4), may_alias));

__attribute__((target("avx2,fma"))) inline void avx2(const float* a, const float* b, std::size_t depth,
                                                     float* c) noexcept {
  for (std::size_t row = 0; row < tile_rows; row += 4) {
    float8 sum[4][2] = {};
    const float* p = a + row;
    const float* q = b;
    for (std::size_t d = 0; d < depth; ++d, p += tile_rows, q += tile_columns) {
      const float8 left = *reinterpret_cast<const float8*>(q), right = *reinterpret_cast<const float8*>(q + 8);
#pragma GCC unroll 4
      for (std::size_t i = 0; i < 4; ++i) {
        sum[i][0] += p[i] * left;
        sum[i][1] += p[i] * right;
      }
    }
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {
      float* out = c + (row + i) * tile_columns;
      *reinterpret_cast<float8*>(out) = sum[i][0];
      *reinterpret_cast<float8*>(out + 8) = sum[i][1];
    }
  }
}

__attribute__((target("avx512f"))) inline void avx512(const float* a, const float* b, std::size_t depth,
                                                      float* c) noexcept {
  float16 sum[8] = {};
  for (std::size_t d = 0; d < depth; ++d, a += tile_rows, b += tile_columns) {
    const float16 v = *reinterpret_cast<const float16*>(b);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 8; ++i) sum[i] += a[i] * v;
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < 8; ++i) *reinterpret_cast<float16*>(c + i * tile_columns) = sum[i];
}

#endif
#endif

} // namespace kernels

/// The kernel of a level, or of the best level that exists here where that is lower.
inline matrix_kernel kernel_for(instruction_set level) noexcept {
#if defined(__GNUC__)
  if (const instruction_set best = best_instruction_set(); level > best) level = best;
#if defined(__x86_64__)
  if (level == instruction_set::avx512) return kernels::avx512;
  if (level == instruction_set::avx2) return kernels::avx2;
#endif
  if (level != instruction_set::portable) return kernels::vector4;
#else
  static_cast<void>(level);
#endif
  return kernels::portable;
}

} // namespace aecnn::nn
