#include <aecnn/nn/operators/power.hpp>

#include <limits>

#include "evaluate.hpp"

using namespace evaluate;

TEST_CASE("power: element types may differ", "[nn]") {
  const value x = computed({3}, {1, 2, 3});
  CHECK(near(first("Pow", {x, computed({3}, {4, 5, 6})}).floats, {1, 32, 729}));
  CHECK(first("Pow", {x, constant({}, {2})}).floats == numbers{1, 4, 9});
  CHECK(near(first("Pow", {x, constant({}, {0.5F})}).floats, {1, 1.4142135F, 1.7320508F}));
  CHECK(near(first("Pow", {x, whole({3}, {-1, 3, 0})}).floats, {1, 8, 1}));
  CHECK(first("Pow", {whole({2}, {4, 9}), constant({}, {0.5F})}).integers == whole_numbers{2, 3});
  CHECK(first("Pow", {whole({5}, {2, -1, -1, 3, 0}), whole({5}, {10, -3, -2, -1, 0})}).integers ==
        whole_numbers{1024, -1, 1, 0, 1});
  CHECK(error_of("Pow", {x, whole({2}, {1, 1})}) == errc::bad_shape);
}

TEST_CASE("power: remainders", "[nn]") {
  const value a = whole({6}, {-4, 7, 5, 4, -7, 8}), b = whole({6}, {2, -3, 8, -2, 3, 5});
  CHECK(first("Mod", {a, b}).integers == whole_numbers{0, -2, 5, 0, 2, 3});
  CHECK(first("Mod", {a, b}, {{"fmod", std::int64_t{1}}}).integers == whole_numbers{0, 1, 5, 0, -1, 3});
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  CHECK(first("Mod", {whole({2}, {least, 5}), whole({2}, {-1, 0})}).integers == whole_numbers{0, 0});
  CHECK(near(first("Mod", {computed({2}, {-4.3F, 7.2F}), constant({}, {2.1F})}, {{"fmod", std::int64_t{1}}}).floats,
             {-0.1F, 0.9F}, 1e-5));
  CHECK(error_of("Mod", {counting({2}), counting({2})}) == errc::bad_field);
}

TEST_CASE("power: a slope for negative elements", "[nn]") {
  const value x = computed({1, 2, 2}, {-1, 2, -3, -4});
  CHECK(first("PRelu", {x, constant({2, 1}, {0.5F, 2})}).floats == numbers{-0.5F, 2, -6, -8});
  const auto one_slope = make("PRelu", {x, constant({1, 1}, {0.25F})});
  REQUIRE((*one_slope)->as_activation() != nullptr);
  CHECK((*one_slope)->as_activation()->alpha == 0.25F);
  CHECK(run(**one_slope, {x})[0].floats == numbers{-0.25F, 2, -0.75F, -1});
  CHECK((*make("PRelu", {x, constant({2, 1}, {0.5F, 2})}))->as_activation() == nullptr);
  CHECK(error_of("PRelu", {x, counting({3, 1, 1})}) == errc::bad_shape);
}
