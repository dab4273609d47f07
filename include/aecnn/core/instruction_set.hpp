// Which of the processor's vector instructions the kernels use. Kernels carry their own target attributes and are
// chosen at run time, so that a program compiled with plain -O2 gets them too.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace aecnn {

/// Levels, each including the ones before it.
enum class instruction_set : std::uint8_t {
  portable = 0, ///< plain C++ loops
  vector4 = 1,  ///< four floats at a time, through the compiler's generic vectors: SSE2, NEON
  avx2 = 2,     ///< AVX2 with FMA
  avx512 = 3    ///< AVX-512F with BW, DQ and VL
};

namespace detail {

/// The level that AECNN_INSTRUCTION_SET names (portable, vector4, avx2, avx512); the highest where it names none.
inline instruction_set instruction_set_from_environment() noexcept {
  constexpr const char* names[] = {"portable", "vector4", "avx2", "avx512"};
  // NOLINTNEXTLINE(concurrency-mt-unsafe): only setenv in another thread would disturb it, and nothing here calls that
  if (const char* value = std::getenv("AECNN_INSTRUCTION_SET"))
    for (std::uint8_t i = 0; i < 4; ++i)
      if (std::strcmp(value, names[i]) == 0) return static_cast<instruction_set>(i);
  return instruction_set::avx512;
}

/// The level that nothing may exceed: the one setting of the process, for tests and for those who measure. Read and
/// written as an atomic; <atomic> alone would lengthen what a device compiles by a sixth.
class instruction_set_limit {
public:
  static instruction_set get() noexcept {
#if defined(__GNUC__)
    return static_cast<instruction_set>(__atomic_load_n(&level(), __ATOMIC_RELAXED));
#else
    return static_cast<instruction_set>(level());
#endif
  }
  static void set(instruction_set value) noexcept {
#if defined(__GNUC__)
    __atomic_store_n(&level(), static_cast<std::uint8_t>(value), __ATOMIC_RELAXED);
#else
    level() = static_cast<std::uint8_t>(value);
#endif
  }

private:
  static std::uint8_t& level() noexcept {
    static std::uint8_t value = static_cast<std::uint8_t>(instruction_set_from_environment());
    return value;
  }
};

inline instruction_set processor_instruction_set() noexcept {
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

} // namespace detail

/// Lowers (or raises again) the level that best_instruction_set() gives from now on, in the whole process. Symbols and
/// bytes stay the same at every level; what networks compute differs by rounding. The environment variable
/// AECNN_INSTRUCTION_SET does the same before the program starts.
inline void limit_instruction_set(instruction_set level) noexcept { detail::instruction_set_limit::set(level); }

/// The highest level that this build and this processor have and that limit_instruction_set() allows.
inline instruction_set best_instruction_set() noexcept {
  static const instruction_set available = detail::processor_instruction_set();
  const instruction_set limit = detail::instruction_set_limit::get();
  return limit < available ? limit : available;
}

} // namespace aecnn
