#include <aecnn/core/instruction_set.hpp>

#include <cstdlib>
#include <string>

#include <catch_compat.hpp>

using aecnn::instruction_set;

TEST_CASE("instruction_set: at least what the compiler was told to use", "[core]") {
  const instruction_set found = aecnn::detail::processor_instruction_set();
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
  CHECK(found == instruction_set::avx512);
#elif defined(__AVX2__) && defined(__FMA__)
  CHECK(found >= instruction_set::avx2);
#elif defined(__GNUC__)
  CHECK(found >= instruction_set::vector4);
#else
  CHECK(found == instruction_set::portable);
#endif
}

TEST_CASE("instruction_set: a lower level can be forced and taken back", "[core]") {
  const instruction_set before = aecnn::detail::instruction_set_limit::get();
  aecnn::limit_instruction_set(instruction_set::avx512);
  const instruction_set best = aecnn::best_instruction_set();
  CHECK(best == aecnn::detail::processor_instruction_set());
  for (const instruction_set level : {instruction_set::portable, instruction_set::vector4, instruction_set::avx2}) {
    aecnn::limit_instruction_set(level);
    CHECK(aecnn::best_instruction_set() == (level < best ? level : best));
  }
  aecnn::limit_instruction_set(before);
}

TEST_CASE("instruction_set: the environment names the level", "[core]") {
  const char* old = std::getenv("AECNN_INSTRUCTION_SET");
  const std::string kept = old == nullptr ? "" : old;
  setenv("AECNN_INSTRUCTION_SET", "vector4", 1);
  CHECK(aecnn::detail::instruction_set_from_environment() == instruction_set::vector4);
  setenv("AECNN_INSTRUCTION_SET", "portable", 1);
  CHECK(aecnn::detail::instruction_set_from_environment() == instruction_set::portable);
  setenv("AECNN_INSTRUCTION_SET", "sse9", 1);
  CHECK(aecnn::detail::instruction_set_from_environment() == instruction_set::avx512);
  if (old == nullptr)
    unsetenv("AECNN_INSTRUCTION_SET");
  else
    setenv("AECNN_INSTRUCTION_SET", kept.c_str(), 1);
}
