#include <aecnn/nn/operators/arithmetic.hpp>

#include <cmath>
#include <cstdint>
#include <limits>

#include "evaluate.hpp"

using namespace evaluate;

TEST_CASE("arithmetic: broadcasting of either side", "[nn]") {
  const value x = computed({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(first("Add", {x, computed({3}, {10, 20, 30})}).floats == numbers{11, 22, 33, 14, 25, 36});
  CHECK(first("Sub", {computed({2, 1}, {10, 20}), x}).floats == numbers{9, 8, 7, 16, 15, 14});
  CHECK(first("Mul", {x, computed({}, {2})}).floats == numbers{2, 4, 6, 8, 10, 12});
  const value y = first("Div", {computed({2, 1}, {1, 2}), computed({1, 2}, {1, 4})});
  CHECK(y.type.shape == shape{2, 2});
  CHECK(y.floats == numbers{1, 0.25F, 2, 0.5F});
}

TEST_CASE("arithmetic: one value a channel and rows longer than a block", "[nn]") {
  const value x = counting({2, 3, 5, 7});
  const value y = first("Mul", {x, computed({2, 3, 1, 1}, {1, 2, 3, 4, 5, 6})});
  for (std::size_t i = 0; i < y.floats.size(); ++i)
    CHECK(y.floats[i] == static_cast<float>(i) * static_cast<float>(i / 35 + 1));
}

TEST_CASE("arithmetic: minimum and maximum of any number propagate NaN", "[nn]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const value a = computed({3}, {1, nan, 5}), b = computed({3}, {nan, 2, 4}), c = computed({1}, {3});
  CHECK(near(first("Max", {a, b}).floats, {nan, nan, 5}));
  CHECK(near(first("Min", {a, b, c}).floats, {nan, nan, 3}));
  CHECK(first("Max", {c}).floats == numbers{3});
  CHECK(first("Sum", {c, computed({2, 1}, {1, 2}), computed({2}, {10, 20})}).floats == numbers{14, 24, 15, 25});
  CHECK(first("Mean", {c, computed({2}, {5, 6})}).floats == numbers{4, 4.5F});
}

TEST_CASE("arithmetic: integers wrap and survive a division by zero", "[nn]") {
  const std::int64_t least = std::numeric_limits<std::int64_t>::min(), most = std::numeric_limits<std::int64_t>::max();
  const value a = whole({4}, {-7, 7, least, 5}), b = whole({4}, {2, -2, -1, 0});
  CHECK(first("Div", {a, b}).integers == whole_numbers{-3, -3, least, 0});
  CHECK(first("Add", {whole({}, {most}), whole({}, {1})}).integers == whole_numbers{least});
  CHECK(first("Mul", {a, whole({}, {2})}).integers == whole_numbers{-14, 14, 0, 10});
  CHECK(first("Sub", {a, b}).integers[0] == -9);
  CHECK(first("Max", {a, b}).integers == whole_numbers{2, 7, -1, 5});
  CHECK(first("Min", {a, b}).integers == whole_numbers{-7, -2, least, 0});
}

TEST_CASE("arithmetic: what a constant makes of it", "[nn]") {
  const value x = counting({1, 2, 2, 2}), channel = constant({2, 1, 1}, {2, 4});
  const auto divided = make("Div", {x, channel});
  REQUIRE(divided);
  REQUIRE((*divided)->as_affine() != nullptr);
  CHECK((*divided)->as_affine()->scale == std::vector<double>{0.5, 0.25});
  CHECK((*divided)->as_affine()->shift == std::vector<double>{0, 0});
  const auto added = make("Add", {constant({}, {3}), x});
  REQUIRE((*added)->as_affine() != nullptr);
  CHECK((*added)->as_affine()->shift == std::vector<double>{3});
  const auto subtracted = make("Sub", {x, channel});
  CHECK((*subtracted)->as_affine()->shift == std::vector<double>{-2, -4});
  // Not: the constant on the left of a difference, one a column, one that widens the shape, none at all.
  CHECK((*make("Sub", {channel, x}))->as_affine() == nullptr);
  CHECK((*make("Mul", {x, constant({2}, {1, 2})}))->as_affine() == nullptr);
  CHECK((*make("Mul", {x, constant({3, 1, 1, 1}, {1, 2, 3})}))->as_affine() == nullptr);
  CHECK((*make("Mul", {x, x}))->as_affine() == nullptr);
  REQUIRE((*make("Mul", {x, x}))->as_binary() != nullptr);
  CHECK(*(*make("Mul", {x, x}))->as_binary() == nn::binary_kind::multiply);
  CHECK((*make("Max", {x, x, x}))->as_binary() == nullptr);
}

TEST_CASE("arithmetic: refusals", "[nn]") {
  const value x = counting({2, 3});
  CHECK(error_of("Add", {x, counting({2, 2})}) == errc::bad_shape);
  CHECK(error_of("Add", {x}) == errc::missing_field);
  CHECK(error_of("Add", {x, x, x}) == errc::bad_field);
  CHECK(error_of("Add", {x, whole({}, {1})}) == errc::bad_field);
  CHECK(error_of("Add", {x, x}, {{"axis", std::int64_t{1}}}) == errc::unsupported);
  CHECK(error_of("Add", {x, x}, {}, 2) == errc::bad_field);
  CHECK(error_of("Max", {}) == errc::missing_field);
  CHECK(error_of("Max", {x, left_out(), x}) == errc::missing_field);
  CHECK(error_of("Add", {counting({1, 1, 1, 1, 1, 1, 1, 1, 1}), x}) == errc::bad_shape);
  aecnn::limits small;
  small.max_elements = 99;
  CHECK(error_of("Add", {counting({10, 1}), counting({10})}, {}, 1, small) == errc::limit_exceeded);
  value wide = counting({0});
  wide.type.shape = {0, std::int64_t{1} << 62};
  CHECK(error_of("Add", {wide, wide}) == errc::limit_exceeded);
}
