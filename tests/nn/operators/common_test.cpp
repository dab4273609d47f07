#include <aecnn/nn/operators/common.hpp>

#include <cmath>
#include <limits>

#include "evaluate.hpp"

namespace detail = aecnn::nn::detail;

TEST_CASE("operators: the integer part of any number", "[nn]") {
  CHECK(detail::to_integer(-2.9) == -2);
  CHECK(detail::to_integer(std::nan("")) == 0);
  CHECK(detail::to_integer(9.3e18) == std::numeric_limits<std::int64_t>::max());
  CHECK(detail::to_integer(-std::numeric_limits<double>::infinity()) == std::numeric_limits<std::int64_t>::min());
  CHECK(detail::to_integer(-9223372036854775808.0) == std::numeric_limits<std::int64_t>::min());
}

TEST_CASE("operators: products of extents", "[nn]") {
  const std::vector<std::int64_t> shape{2, 3, 4};
  CHECK(detail::product(shape, 0, 3) == 24);
  CHECK(detail::product(shape, 1, 2) == 3);
  CHECK(detail::product(shape, 3, 3) == 1);
}

TEST_CASE("operators: outputs have at most eight axes", "[nn]") {
  using namespace evaluate;
  const value x = counting({1, 1, 1, 1, 1, 1, 1, 2});
  CHECK(error_of("Unsqueeze", {x, vector_of({0})}) == errc::limit_exceeded);
  CHECK(error_of("ConstantOfShape", {vector_of(whole_numbers(9, 1))}) == errc::limit_exceeded);
  CHECK(error_of("Add", {x, x}) == errc{});
}
