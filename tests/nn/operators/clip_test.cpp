#include <aecnn/nn/operators/clip.hpp>

#include <cmath>
#include <limits>

#include "evaluate.hpp"

using namespace evaluate;

TEST_CASE("clip: bounds as inputs, as attributes, or left out", "[nn]") {
  const value x = computed({4}, {-5, -0.5F, 3, std::numeric_limits<float>::quiet_NaN()});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(near(first("Clip", {x, constant({}, {-1}), constant({}, {2})}).floats, {-1, -0.5F, 2, nan}));
  CHECK(near(first("Clip", {x, left_out(), constant({}, {2})}).floats, {-5, -0.5F, 2, nan}));
  CHECK(near(first("Clip", {x}, {{"min", 0.0F}}).floats, {0, 0, 3, nan}));
  CHECK(near(first("Clip", {x}).floats, {-5, -0.5F, 3, nan}));
  CHECK(near(first("Clip", {x, computed({}, {-1}), computed({}, {2})}).floats, {-1, -0.5F, 2, nan}));
  CHECK(first("Clip", {whole({3}, {-9, 0, 9}), whole({}, {-1})}).integers == whole_numbers{-1, 0, 9});
}

TEST_CASE("clip: an activation where the bounds are constant", "[nn]") {
  const value x = counting({3});
  const auto fixed = make("Clip", {x, constant({}, {0}), constant({}, {6})});
  REQUIRE((*fixed)->as_activation() != nullptr);
  CHECK((*fixed)->as_activation()->high == 6);
  CHECK((*make("Clip", {x, computed({}, {0})}))->as_activation() == nullptr);
}

TEST_CASE("clip: refusals", "[nn]") {
  const value x = counting({3});
  CHECK(error_of("Clip", {x, constant({2}, {0, 1})}) == errc::bad_shape);
  CHECK(error_of("Clip", {x, whole({}, {0})}) == errc::bad_field);
}
