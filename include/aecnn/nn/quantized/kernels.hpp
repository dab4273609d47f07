// The integer kernels for every instruction set, from one source: kernels.inc is included once for each, inside a
// namespace of its own, over the operations that vector_*.inc defines, and under the set's target attribute.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include <aecnn/core/fixed_point.hpp>
#include <aecnn/core/instruction_set.hpp>
#include <aecnn/nn/quantized/kernel_set.hpp>
#include <aecnn/nn/quantized/rescale.hpp>

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__GNUC__)
#define AECNN_INLINE inline __attribute__((always_inline))
#else
#define AECNN_INLINE inline
#endif

namespace aecnn::nn::quantized_kernels {

namespace plain {
#include <aecnn/nn/quantized/vector_plain.inc>
//
#include <aecnn/nn/quantized/kernels.inc>
} // namespace plain

#if defined(__GNUC__) && defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
namespace avx2 {
#include <aecnn/nn/quantized/vector_avx2.inc>
//
#include <aecnn/nn/quantized/kernels.inc>
} // namespace avx2
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))),                 \
                             apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")
#endif
namespace vnni {
#include <aecnn/nn/quantized/vector_vnni.inc>
//
#include <aecnn/nn/quantized/kernels.inc>
} // namespace vnni
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif

} // namespace aecnn::nn::quantized_kernels

#undef AECNN_INLINE

namespace aecnn::nn {

/// The kernels of a level, or of the best level that exists here where that is lower. AVX-512 without VNNI gets AVX2's.
inline const quantized_kernel_set& quantized_kernels_for(instruction_set level) noexcept {
  if (const instruction_set best = best_instruction_set(); level > best) level = best;
#if defined(__GNUC__) && defined(__x86_64__)
  if (level == instruction_set::avx512 && __builtin_cpu_supports("avx512vnni")) return quantized_kernels::vnni::table;
  if (level >= instruction_set::avx2) return quantized_kernels::avx2::table;
#endif
  return quantized_kernels::plain::table;
}

} // namespace aecnn::nn
