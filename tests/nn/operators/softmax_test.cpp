#include <aecnn/nn/operators/softmax.hpp>

#include <cmath>

#include "evaluate.hpp"

using namespace evaluate;

TEST_CASE("softmax: along the last, another or several axes", "[nn]") {
  const value x = computed({1, 2, 2}, {0, 1, 2, 4});
  const auto ratio = [](double a, double b) { return static_cast<float>(1 / (1 + std::exp(b - a))); };
  CHECK(near(first("Softmax", {x}).floats, {ratio(0, 1), ratio(1, 0), ratio(2, 4), ratio(4, 2)}));
  CHECK(near(first("Softmax", {x}, {{"axis", std::int64_t{1}}}).floats,
             {ratio(0, 2), ratio(1, 4), ratio(2, 0), ratio(4, 1)}));
  const double sum = 1 + std::exp(1) + std::exp(2) + std::exp(4);
  numbers all_together;
  for (const double v : {0, 1, 2, 4}) all_together.push_back(static_cast<float>(std::exp(v) / sum));
  CHECK(near(first("Softmax", {x}, {{"opset", std::int64_t{12}}}).floats, all_together));
  CHECK(near(first("Softmax", {x}, {{"opset", std::int64_t{11}}, {"axis", std::int64_t{-1}}}).floats,
             {ratio(0, 1), ratio(1, 0), ratio(2, 4), ratio(4, 2)}));
  for (const auto& a : {attributes{}, attributes{{"axis", std::int64_t{1}}}}) {
    numbers logarithm = first("LogSoftmax", {x}, a).floats;
    for (float& v : logarithm) v = std::exp(v);
    CHECK(near(logarithm, first("Softmax", {x}, a).floats));
  }
}

TEST_CASE("softmax: large elements", "[nn]") {
  const value x = computed({4}, {0, 10000, 10000, -10000});
  CHECK(first("Softmax", {x}).floats == numbers{0, 0.5F, 0.5F, 0});
  CHECK(near(first("LogSoftmax", {x}).floats, {-10000.693F, -0.6931472F, -0.6931472F, -20000.693F}));
  CHECK(first("Softmax", {computed({}, {3})}).floats == numbers{1});
  CHECK(first("Softmax", {counting({0, 3})}).floats.empty());
  CHECK(first("Softmax", {counting({3, 0})}).floats.empty());
}

TEST_CASE("softmax: refusals", "[nn]") {
  CHECK(error_of("Softmax", {counting({2})}, {{"axis", std::int64_t{1}}}) == errc::bad_field);
  CHECK(error_of("Softmax", {counting({2})}, {{"opset", std::int64_t{12}}, {"axis", std::int64_t{2}}}) ==
        errc::bad_field);
  CHECK(error_of("Softmax", {whole({2}, {1, 2})}) == errc::unsupported);
}
