#include <aecnn/nn/operators/gather.hpp>

#include "evaluate.hpp"

using namespace evaluate;

TEST_CASE("gather: slices by index", "[nn]") {
  const value x = counting({2, 3, 2});
  const value y = first("Gather", {x, whole({2, 2}, {2, 0, -1, 1})}, {{"axis", std::int64_t{1}}});
  CHECK(y.type.shape == shape{2, 2, 2, 2});
  CHECK(y.floats == numbers{4, 5, 0, 1, 4, 5, 2, 3, 10, 11, 6, 7, 10, 11, 8, 9});
  const value one = first("Gather", {x, whole({}, {1})});
  CHECK(one.type.shape == shape{3, 2});
  CHECK(one.floats == numbers{6, 7, 8, 9, 10, 11});
  CHECK(first("Gather", {whole({3}, {5, 6, 7}), whole({}, {-1})}).integers == whole_numbers{7});
  CHECK(first("Gather", {x, whole({0}, {})}).type.shape == shape{0, 3, 2});
}

TEST_CASE("gather: refusals", "[nn]") {
  const value x = counting({2, 3});
  CHECK(error_of("Gather", {x, whole({1}, {2})}) == errc::bad_field);
  CHECK(error_of("Gather", {x, whole({1}, {-3})}) == errc::bad_field);
  CHECK(error_of("Gather", {x, whole({}, {0})}, {{"axis", std::int64_t{2}}}) == errc::bad_field);
  CHECK(error_of("Gather", {computed({}, {1}), whole({}, {0})}) == errc::bad_field);
  CHECK(error_of("Gather", {x, counting({1})}) == errc::unsupported);
  CHECK(error_of("Gather", {x, constant({1}, {1})}) == errc::bad_field);
  CHECK(error_of("Gather", {counting({0}), whole({}, {0})}) == errc::bad_field);
}
