#include <aecnn/nn/operators/comparison.hpp>

#include <cmath>

#include "evaluate.hpp"

using namespace evaluate;

TEST_CASE("comparison: relations with broadcasting", "[nn]") {
  const value x = computed({4}, {1, 2, 3, std::nanf("")}), y = constant({}, {2});
  CHECK(first("Equal", {x, y}).integers == whole_numbers{0, 1, 0, 0});
  CHECK(first("Less", {x, y}).integers == whole_numbers{1, 0, 0, 0});
  CHECK(first("LessOrEqual", {x, y}).integers == whole_numbers{1, 1, 0, 0});
  CHECK(first("Greater", {x, y}).integers == whole_numbers{0, 0, 1, 0});
  CHECK(first("GreaterOrEqual", {y, x}).integers == whole_numbers{1, 1, 0, 0});
  const value a = whole({2, 1}, {0, 1}), b = whole({2}, {0, 7});
  CHECK(first("And", {a, b}).integers == whole_numbers{0, 0, 0, 1});
  CHECK(first("Or", {a, b}).integers == whole_numbers{0, 1, 1, 1});
  CHECK(error_of("Less", {x, whole({}, {1})}) == errc::bad_field);
  CHECK(error_of("Less", {x, counting({3})}) == errc::bad_shape);
}

TEST_CASE("comparison: a choice for each element", "[nn]") {
  const value y = first("Where", {whole({2, 1}, {1, 0}), computed({3}, {1, 2, 3}), constant({}, {9})});
  CHECK(y.type.shape == shape{2, 3});
  CHECK(y.floats == numbers{1, 2, 3, 9, 9, 9});
  CHECK(first("Where", {whole({}, {0}), whole({2}, {1, 2}), whole({2}, {3, 4})}).integers == whole_numbers{3, 4});
  CHECK(error_of("Where", {counting({1}), counting({1}), counting({1})}) == errc::bad_field);
  CHECK(error_of("Where", {whole({}, {1}), counting({1}), whole({}, {1})}) == errc::bad_field);
  CHECK(error_of("Where", {whole({3}, {1, 1, 1}), counting({2}), counting({1})}) == errc::bad_shape);
}
