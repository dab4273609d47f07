#include <aecnn/entropy/linear_predictor.hpp>

#include <cmath>
#include <cstdint>

#include <catch_compat.hpp>
#include <random.hpp>

namespace {
using predictor = aecnn::linear_predictor<4>;
}

TEST_CASE("a linear predictor starts with the coefficients it is given") {
  predictor p;
  p.reset({32768, 32768, 0, -65536}, 100);
  CHECK(p.predict({10, 20, 99, 3}) == 16 * 12);
  p.reset({65536, 0, 0, 0}, 1);
  CHECK(p.predict({-7, 0, 0, 0}) == -112);
}

TEST_CASE("a linear predictor finds the least-squares solution, also of inputs that go together") {
  random_integers random(1);
  predictor p;
  p.reset({32768, 32768, 0, 0}, 50);
  double before = 0, after = 0;
  for (int n = 0; n < 4000; ++n) {
    const std::int32_t a = random.between(-50, 50), b = a + random.between(-4, 4), c = random.between(-50, 50);
    const predictor::inputs x = {a, b, c, 10};
    const std::int32_t target = (3 * a - 2 * b + c) / 4 + 20 + random.between(-1, 1);
    const double miss = static_cast<double>(p.predict(x)) / 16 - target;
    (n < 100 ? before : after) += miss * miss;
    p.update(x, target);
  }
  CHECK(before / 100 > 20);
  CHECK(after / 3900 < 3);
}

TEST_CASE("a linear predictor follows a change") {
  random_integers random(2);
  predictor p;
  p.reset({0, 0, 0, 0}, 50);
  double miss = 0;
  for (int n = 0; n < 100000; ++n) {
    const std::int32_t a = random.between(-50, 50);
    const std::int32_t target = n < 40000 ? a : -a;
    const double e = static_cast<double>(p.predict({a, 0, 0, 0})) / 16 - target;
    if (n >= 90000) miss += e * e / 10000;
    p.update({a, 0, 0, 0}, target);
  }
  CHECK(miss < 10);
}

TEST_CASE("the largest inputs overflow nothing and the coefficients stay bounded") {
  // Under the undefined-behaviour sanitizer this is the test.
  predictor p;
  p.reset({65536, 65536, 65536, 65536}, 1023);
  random_integers random(3);
  for (int n = 0; n < 60000; ++n) {
    predictor::inputs x;
    for (auto& v : x) v = n % 5 == 0 ? 0 : random.below(2) ? 1023 : -1023;
    const auto y = p.predict(x);
    REQUIRE(std::abs(static_cast<double>(y)) <= 4 * 1023.0 * 4 * 16 + 16);
    p.update(x, n % 7 ? 1023 : -1023);
  }
}
