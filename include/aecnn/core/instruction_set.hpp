// Which of the processor's vector instructions the kernels use. Kernels carry their own target attributes and are chosen
// at run time, so that a program compiled with plain -O2 gets them too.
#pragma once

#include <cstdint>

namespace aecnn {

/// Levels, each including the ones before it.
enum class instruction_set : std::uint8_t {
  portable = 0, ///< plain C++ loops
  vector4 = 1,  ///< four floats at a time, through the compiler's generic vectors: SSE2, NEON
  avx2 = 2,     ///< AVX2 with FMA
  avx512 = 3    ///< AVX-512F with BW, DQ and VL
};

/// The highest level that this build and this processor have.
inline instruction_set best_instruction_set() noexcept {
#if defined(__GNUC__)
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return instruction_set::avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return instruction_set::avx2;
#endif
  return instruction_set::vector4;
#else
  return instruction_set::portable;
#endif
}

} // namespace aecnn
