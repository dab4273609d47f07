#include <aecnn/nn/operators/slice.hpp>

#include <limits>

#include "evaluate.hpp"

using namespace evaluate;

namespace {
/// x[start:end:step] of 0..9, by Python's rules.
numbers sliced(std::int64_t start, std::int64_t end, std::int64_t step) {
  return first("Slice", {counting({10}), vector_of({start}), vector_of({end}), vector_of({0}), vector_of({step})})
      .floats;
}
} // namespace

TEST_CASE("slice: starts, ends and steps along one axis", "[nn]") {
  const std::int64_t least = std::numeric_limits<std::int64_t>::min(), most = std::numeric_limits<std::int64_t>::max();
  CHECK(sliced(2, 5, 1) == numbers{2, 3, 4});
  CHECK(sliced(-3, most, 1) == numbers{7, 8, 9});
  CHECK(sliced(1, -1, 3) == numbers{1, 4, 7});
  CHECK(sliced(8, 2, -2) == numbers{8, 6, 4});
  CHECK(sliced(most, least, -4) == numbers{9, 5, 1});
  CHECK(sliced(0, most, most) == numbers{0});
  CHECK(sliced(9, least, least) == numbers{9});
  CHECK(sliced(least, 2, 1) == numbers{0, 1});
  CHECK(sliced(5, 5, 1).empty());
  CHECK(sliced(5, 2, 1).empty());
  CHECK(sliced(2, 5, -1).empty());
  CHECK(sliced(most, most, 1).empty());
}

TEST_CASE("slice: several axes in any order", "[nn]") {
  const value x = counting({3, 4, 5});
  const value y = first("Slice", {x, vector_of({-1, 1}), vector_of({-6, 3}), vector_of({-1, 0}), vector_of({-2, 1})});
  CHECK(y.type.shape == shape{2, 4, 3});
  CHECK((y.floats[0] == 24 && y.floats[1] == 22 && y.floats[2] == 20 && y.floats[3] == 29 && y.floats[12] == 44));
  const value z = first("Slice", {x, vector_of({1, 2}), vector_of({2, 4})});
  CHECK(z.type.shape == shape{1, 2, 5});
  CHECK(z.floats == numbers{30, 31, 32, 33, 34, 35, 36, 37, 38, 39});
  CHECK(first("Slice", {whole({3}, {5, 6, 7}), vector_of({1}), vector_of({3})}).integers == whole_numbers{6, 7});
  CHECK(
      first("Slice", {counting({0, 2}), vector_of({0}), vector_of({-9}), vector_of({0}), vector_of({-1})}).type.shape ==
      shape{0, 2});
}

TEST_CASE("slice: as a strided copy", "[nn]") {
  const value x = counting({1, 6, 5});
  const auto made = make("Slice", {x, vector_of({1}), vector_of({6}), vector_of({1}), vector_of({2})});
  const nn::strided_copy* c = (*made)->as_strided_copy();
  REQUIRE(c != nullptr);
  REQUIRE(c->axes.size() == 3);
  CHECK((c->axes[1].offset == 0 && c->axes[1].start == 1 && c->axes[1].step == 2 && c->axes[1].count == 3));
  CHECK((c->axes[2].start == 0 && c->axes[2].step == 1 && c->axes[2].count == 5));
  CHECK((*make("Slice", {x, vector_of({5}), vector_of({0}), vector_of({1}), vector_of({-1})}))->as_strided_copy() ==
        nullptr);
}

TEST_CASE("slice: refusals", "[nn]") {
  const value x = counting({3, 4});
  CHECK(error_of("Slice", {x, vector_of({0})}) == errc::missing_field);
  CHECK(error_of("Slice", {x, vector_of({0}), vector_of({1, 2})}) == errc::bad_field);
  CHECK(error_of("Slice", {x, vector_of({0, 0, 0}), vector_of({1, 1, 1})}) == errc::bad_field);
  CHECK(error_of("Slice", {x, vector_of({0}), vector_of({1}), vector_of({2})}) == errc::bad_field);
  CHECK(error_of("Slice", {x, vector_of({0, 0}), vector_of({1, 1}), vector_of({0, -2})}) == errc::bad_field);
  CHECK(error_of("Slice", {x, vector_of({0}), vector_of({1}), vector_of({0}), vector_of({0})}) == errc::bad_field);
  CHECK(error_of("Slice", {x, constant({1}, {0}), vector_of({1})}) == errc::bad_field);
  value unknown = vector_of({1});
  unknown.constant = false;
  CHECK(error_of("Slice", {x, vector_of({0}), unknown}) == errc::unsupported);
}
