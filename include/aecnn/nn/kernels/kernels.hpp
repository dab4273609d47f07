// The kernels for every instruction set, from one source: kernels.inc is included once for each, inside a namespace of
// its own, over the vector type that vector_*.inc defines, and under the set's target attribute, so that a program
// compiled with plain
// -O2 has them all and picks at run time.
#pragma once

#include <cstddef>
#include <utility>

#include <aecnn/core/instruction_set.hpp>
#include <aecnn/nn/kernels/kernel_set.hpp>

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>
#elif defined(__GNUC__) && defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(__GNUC__)
#define AECNN_INLINE inline __attribute__((always_inline))
#else
#define AECNN_INLINE inline
#endif

namespace aecnn::nn::kernels {

namespace scalar {
#include <aecnn/nn/kernels/vector_1.inc>
//
#include <aecnn/nn/kernels/kernels.inc>
} // namespace scalar

#if defined(__GNUC__)

namespace four {
#include <aecnn/nn/kernels/vector_4.inc>
//
#include <aecnn/nn/kernels/kernels.inc>
} // namespace four

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
namespace avx2 {
#include <aecnn/nn/kernels/vector_avx2.inc>
//
#include <aecnn/nn/kernels/kernels.inc>
} // namespace avx2
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")
#endif
namespace avx512 {
#include <aecnn/nn/kernels/vector_avx512.inc>
//
#include <aecnn/nn/kernels/kernels.inc>
} // namespace avx512
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
#endif

} // namespace aecnn::nn::kernels

#undef AECNN_INLINE

namespace aecnn::nn {

/// The kernels of a level, or of the best level that exists here where that is lower.
inline const kernel_set& kernels_for(instruction_set level) noexcept {
  if (const instruction_set best = best_instruction_set(); level > best) level = best;
#if defined(__GNUC__)
#if defined(__x86_64__)
  if (level == instruction_set::avx512) return kernels::avx512::table;
  if (level == instruction_set::avx2) return kernels::avx2::table;
#endif
  if (level != instruction_set::portable) return kernels::four::table;
#endif
  return kernels::scalar::table;
}

} // namespace aecnn::nn
