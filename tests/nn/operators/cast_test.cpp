#include <aecnn/nn/operators/cast.hpp>

#include <cmath>
#include <limits>

#include "evaluate.hpp"

using namespace evaluate;

namespace {
attributes to(std::int64_t type) { return {{"to", type}}; }
} // namespace

TEST_CASE("cast: between floats and integers", "[nn]") {
  const float infinity = std::numeric_limits<float>::infinity();
  const value x = computed({7}, {1.9F, -1.9F, 0, infinity, -infinity, std::nanf(""), 1e30F});
  const std::int64_t most = std::numeric_limits<std::int64_t>::max(), least = std::numeric_limits<std::int64_t>::min();
  CHECK(first("Cast", {x}, to(7)).integers == whole_numbers{1, -1, 0, most, least, 0, most});
  CHECK(first("Cast", {x}, to(9)).integers == whole_numbers{1, 1, 0, 1, 1, 1, 1});
  CHECK(first("Cast", {whole({2}, {-3, 5})}, to(1)).floats == numbers{-3, 5});
  CHECK(first("Cast", {whole({2}, {-3, 0})}, to(9)).integers == whole_numbers{1, 0});
  CHECK(first("Cast", {whole({2}, {-3, 5})}, to(6)).integers == whole_numbers{-3, 5});
}

TEST_CASE("cast: every float is the same", "[nn]") {
  const value x = counting({3});
  for (const std::int64_t type : {1, 10, 11, 16}) {
    CHECK((*make("Cast", {x}, to(type)))->is_view());
    CHECK(first("Cast", {x}, to(type)).floats == x.floats);
  }
  CHECK_FALSE((*make("Cast", {x}, to(7)))->is_view());
}

TEST_CASE("cast: refusals", "[nn]") {
  const value x = counting({3});
  CHECK(error_of("Cast", {x}) == errc::missing_field);
  CHECK(error_of("Cast", {x}, to(8)) == errc::unsupported);
  CHECK(error_of("Cast", {x}, to(0)) == errc::bad_field);
  CHECK(error_of("Cast", {x}, {{"to", 1.0F}}) == errc::bad_field);
}
