#include <aecnn/nn/quantized/rescale.hpp>

#include <cmath>

#include "integer_reference.hpp"

using namespace aecnn::nn::detail;

TEST_CASE("a factor's multiplier is the rounded quotient") {
  random_integers random(1);
  for (int i = 0; i < 2000; ++i) {
    const float a = integer_reference::random_scale(random, random.between(-8, 20));
    const float b = integer_reference::random_scale(random, random.between(-8, 20));
    const long double f = static_cast<long double>(a) / b;
    const integer_reference::factor expected(f);
    const fixed_factor found = make_factor(exact(a), exact(b));
    REQUIRE(found.multiplier == expected.multiplier);
    REQUIRE(found.shift == expected.shift);
  }
}

TEST_CASE("simple factors are exact") {
  CHECK(make_factor(exact(1), exact(4)) == fixed_factor{1 << 30, 0});
  CHECK(make_factor(exact(1), exact(2)) == fixed_factor{1 << 30, 1});
  CHECK(make_factor(exact(3), exact(2)) == fixed_factor{3 << 29, 2});
  CHECK(make_factor(product(exact(0.5F), exact(0.25F)), product(exact(1), {3, 0})) == fixed_factor{178956971, 0});
  CHECK(make_factor(exact(1), exact(0x1p50F)) == fixed_factor{0, 0});
  CHECK(make_factor(exact(0x1p50F), exact(1)) == fixed_factor{largest_multiplier, 30});
}

TEST_CASE("rescaling rounds halves up and saturates before the shift") {
  const fixed_factor quarter = make_factor(exact(1), exact(4));
  CHECK(rescale(6, quarter) == 2);
  CHECK(rescale(5, quarter) == 1);
  CHECK(rescale(-6, quarter) == -1);
  CHECK(rescale(-7, quarter) == -2);
  CHECK(rescale(0x7fffffff, quarter) == 1 << 29);
  CHECK(rescale(-0x7fffffff - 1, quarter) == -(1 << 29));
  const fixed_factor eight = make_factor(exact(8), exact(1));
  CHECK(rescale(-1000, eight) == -8000);
  CHECK(rescale(0x7fffffff, eight) > 1 << 28);
  CHECK(rescale(-0x7fffffff - 1, eight) < -(1 << 28));
}

TEST_CASE("reciprocals are correctly rounded") {
  random_integers random(2);
  for (int i = 0; i < 2000; ++i) {
    const float x = integer_reference::random_scale(random, random.between(-60, 60));
    REQUIRE(reciprocal(x) == static_cast<float>(1 / static_cast<long double>(x)));
  }
  CHECK(reciprocal(1) == 1);
  for (const float x : {std::nextafter(1.0F, 2.0F), std::nextafter(2.0F, 1.0F), std::nextafter(0x1p40F, 0.0F)})
    CHECK(reciprocal(x) == static_cast<float>(1 / static_cast<long double>(x)));
  CHECK(reciprocal(0x1p60F) == 0x1p-60F);
}

TEST_CASE("floats become the nearest byte, halves away from zero") {
  const float steps = steps_of(0.5F);
  CHECK(to_byte(0, steps, 7) == 7);
  CHECK(to_byte(0.25F, steps, 7) == 8);
  CHECK(to_byte(0.2499F, steps, 7) == 7);
  CHECK(to_byte(-0.25F, steps, 7) == 6);
  CHECK(to_byte(-0.2499F, steps, 7) == 7);
  CHECK(to_byte(1e30F, steps, 7) == 255);
  CHECK(to_byte(-1e30F, steps, 7) == 0);
  CHECK(to_byte(std::numeric_limits<float>::infinity(), steps, 0) == 255);
  CHECK(to_byte(-std::numeric_limits<float>::infinity(), steps, 255) == 0);
}

TEST_CASE("the multiplier of a residual has 24 fraction bits") {
  CHECK(activation_multiplier(1, 1) == 1 << 24);
  CHECK(activation_multiplier(3, 4) == 3 << 22);
  CHECK(activation_multiplier(64, 1) == ratio_limit << 24);
  CHECK(activation_multiplier(1000, 1) == ratio_limit << 24);
}
