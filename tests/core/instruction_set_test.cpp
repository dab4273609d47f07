#include <aecnn/core/instruction_set.hpp>

#include <catch_compat.hpp>


TEST_CASE("instruction_set: at least what the compiler was told to use", "[core]") {
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
  CHECK(aecnn::best_instruction_set() == aecnn::instruction_set::avx512);
#elif defined(__AVX2__) && defined(__FMA__)
  CHECK(aecnn::best_instruction_set() >= aecnn::instruction_set::avx2);
#elif defined(__GNUC__)
  CHECK(aecnn::best_instruction_set() >= aecnn::instruction_set::vector4);
#else
  CHECK(aecnn::best_instruction_set() == aecnn::instruction_set::portable);
#endif
}
