#include <aecnn/nn/operators/functions.hpp>

#include <cmath>
#include <limits>

#include "evaluate.hpp"

namespace detail = aecnn::nn::detail;

namespace {
double relative(float found, double expected) {
  return std::fabs(static_cast<double>(found) - expected) / std::fabs(expected);
}
} // namespace

TEST_CASE("functions: the exponential is right to two units in the last place", "[nn]") {
  double worst = 0;
  for (int i = -87000; i <= 88700; i += 7) {
    const float x = static_cast<float>(i) / 1000.0F;
    worst = std::fmax(worst, relative(detail::exponential(x), std::exp(static_cast<double>(x))));
  }
  CHECK(worst < 2.4e-7);
  CHECK(detail::exponential(0) == 1);
  CHECK(detail::exponential(-200) == 0);
  CHECK(detail::exponential(-95) == Approx(std::exp(-95.0)).margin(1e-44));
  CHECK(detail::exponential(88.7F) < std::numeric_limits<float>::infinity());
  CHECK(std::isinf(detail::exponential(89)));
  CHECK(std::isinf(detail::exponential(std::numeric_limits<float>::infinity())));
  CHECK(detail::exponential(-std::numeric_limits<float>::infinity()) == 0);
  CHECK(std::isnan(detail::exponential(std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("functions: sigmoid and hyperbolic tangent", "[nn]") {
  double sigmoid = 0, tangent = 0;
  for (int i = -20000; i <= 20000; i += 3) {
    if (i == 0) continue;
    const float x = static_cast<float>(i) / 1000.0F;
    const double d = static_cast<double>(x);
    sigmoid = std::fmax(sigmoid, relative(detail::sigmoid(x), 1 / (1 + std::exp(-d))));
    tangent = std::fmax(tangent, relative(detail::hyperbolic_tangent(x), std::tanh(d)));
  }
  CHECK(sigmoid < 5e-7);
  CHECK(tangent < 5e-7);
  CHECK(detail::sigmoid(-200) == 0);
  CHECK(detail::sigmoid(200) == 1);
  CHECK(detail::hyperbolic_tangent(-200) == -1);
  CHECK(detail::hyperbolic_tangent(0) == 0);
  CHECK(std::isnan(detail::hyperbolic_tangent(std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("functions: clamping keeps NaN", "[nn]") {
  CHECK(detail::clamp(-3, -1, 2) == -1);
  CHECK(detail::clamp(3, -1, 2) == 2);
  CHECK(detail::clamp(3, 5, 2) == 2); // the maximum wins where the bounds are crossed
  CHECK(std::isnan(detail::clamp(std::numeric_limits<float>::quiet_NaN(), 0, 1)));
}
