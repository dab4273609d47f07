#include <aecnn/nn/operators/elementwise.hpp>

#include <cmath>
#include <cstdint>
#include <limits>

#include "evaluate.hpp"

using namespace evaluate;

TEST_CASE("elementwise: activations", "[nn]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const value x = computed({5}, {-4, -0.5F, 0, 2, nan});
  CHECK(near(first("Relu", {x}).floats, {0, 0, 0, 2, nan}));
  CHECK(near(first("LeakyRelu", {x}, {{"alpha", 0.25F}}).floats, {-1, -0.125F, 0, 2, nan}));
  CHECK(near(first("LeakyRelu", {x}).floats, {-0.04F, -0.005F, 0, 2, nan}));
  CHECK(near(first("HardSigmoid", {x}).floats, {0, 0.4F, 0.5F, 0.9F, nan}));
  CHECK(near(first("HardSigmoid", {x}, {{"alpha", 0.5F}, {"beta", 1.0F}}).floats, {0, 0.75F, 1, 1, nan}));
  CHECK(near(first("HardSwish", {x}).floats, {0, -0.2083333F, 0, 1.6666667F, nan}));
  CHECK(near(first("Elu", {x}, {{"alpha", 2.0F}}).floats, {-1.9633687F, -0.7869387F, 0, 2, nan}));
  CHECK(near(first("Sigmoid", {x}).floats, {0.0179862F, 0.3775407F, 0.5F, 0.8807971F, nan}));
  CHECK(near(first("Tanh", {x}).floats, {-0.9993293F, -0.4621172F, 0, 0.9640276F, nan}));
  CHECK(near(first("Softplus", {x}).floats, {0.0181499F, 0.4740770F, 0.6931472F, 2.1269280F, nan}));
}

TEST_CASE("elementwise: functions", "[nn]") {
  const value x = computed({2, 2}, {0.25F, 4, 2.5F, 1});
  CHECK(near(first("Sqrt", {x}).floats, {0.5F, 2, 1.5811388F, 1}));
  CHECK(near(first("Exp", {x}).floats, {1.2840254F, 54.59815F, 12.182494F, 2.7182817F}));
  CHECK(near(first("Log", {x}).floats, {-1.3862944F, 1.3862944F, 0.9162907F, 0}));
  CHECK(near(first("Erf", {x}).floats, {0.2763264F, 1, 0.9995930F, 0.8427008F}));
  CHECK(first("Reciprocal", {x}).floats == numbers{4, 0.25F, 0.4F, 1});
  CHECK(first("Floor", {x}).floats == numbers{0, 4, 2, 1});
  CHECK(first("Ceil", {x}).floats == numbers{1, 4, 3, 1});
  CHECK(first("Round", {x}).floats == numbers{0, 4, 2, 1});
  CHECK(first("Neg", {x}).floats == numbers{-0.25F, -4, -2.5F, -1});
  CHECK(first("Abs", {computed({1}, {-3})}).floats == numbers{3});
  CHECK(first("Sqrt", {x}).type.shape == shape{2, 2});
}

TEST_CASE("elementwise: integers", "[nn]") {
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  CHECK(first("Abs", {whole({3}, {-3, 4, least})}).integers == whole_numbers{3, 4, least});
  CHECK(first("Neg", {whole({3}, {-3, 4, least})}).integers == whole_numbers{3, -4, least});
  CHECK(first("Not", {whole({3}, {0, 1, 7})}).integers == whole_numbers{1, 0, 0});
  CHECK(error_of("Not", {counting({2})}) == errc::bad_field);
  CHECK(error_of("Exp", {whole({1}, {1})}) == errc::unsupported);
}

TEST_CASE("elementwise: what they tell of themselves", "[nn]") {
  const value x = counting({20});
  const auto relu = make("Relu", {x}), leaky = make("LeakyRelu", {x}, {{"alpha", 0.5F}}), exp = make("Exp", {x});
  REQUIRE((*relu)->as_activation() != nullptr);
  CHECK((*relu)->as_activation()->type == nn::activation::kind::clip);
  CHECK((*relu)->as_activation()->low == 0);
  CHECK(std::isinf((*relu)->as_activation()->high));
  CHECK((*leaky)->as_activation()->type == nn::activation::kind::leaky);
  CHECK((*leaky)->as_activation()->alpha == 0.5F);
  CHECK((*exp)->as_activation() == nullptr);
  REQUIRE((*exp)->as_elementwise() != nullptr);
  numbers y = x.floats;
  const nn::elementwise_function f = *(*leaky)->as_elementwise();
  for (float& v : y) v = -v;
  f.apply(y.data(), y.data(), y.size(), f.parameters); // in place
  CHECK(y[19] == -9.5F);
  CHECK(y[1] == -0.5F);
}

TEST_CASE("elementwise: refusals", "[nn]") {
  const value x = counting({2});
  CHECK(error_of("Relu", {}) == errc::missing_field);
  CHECK(error_of("Relu", {x}, {{"alpha", 1.0F}}) == errc::unsupported);
  CHECK(error_of("LeakyRelu", {x}, {{"alpha", std::int64_t{1}}}) == errc::bad_field);
  CHECK(error_of("LeakyRelu", {x}, {{"alpha", std::numeric_limits<float>::infinity()}}) == errc::bad_field);
  CHECK(error_of("Elu", {x, x}) == errc::bad_field);
}
