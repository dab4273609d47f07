#include <aecnn/nn/operators/product.hpp>

#include "evaluate.hpp"

using namespace evaluate;

TEST_CASE("product: gemm in its four forms", "[nn]") {
  const value a = computed({2, 3}, {1, 2, 3, 4, 5, 6}), at = computed({3, 2}, {1, 4, 2, 5, 3, 6});
  const value b = computed({3, 2}, {7, 8, 9, 10, 11, 12}), bt = computed({2, 3}, {7, 9, 11, 8, 10, 12});
  const attributes ta{{"transA", std::int64_t{1}}}, tb{{"transB", std::int64_t{1}}};
  attributes both = ta;
  both.push_back(tb[0]);
  const numbers y{58, 64, 139, 154};
  CHECK(first("Gemm", {a, b}).floats == y);
  CHECK(first("Gemm", {at, b}, ta).floats == y);
  CHECK(first("Gemm", {a, bt}, tb).floats == y);
  CHECK(first("Gemm", {at, bt}, both).floats == y);
  const attributes scaled{{"alpha", 0.5F}, {"beta", 2.0F}};
  CHECK(first("Gemm", {a, b, computed({2}, {1, 2})}, scaled).floats == numbers{31, 36, 71.5F, 81});
  CHECK(first("Gemm", {a, b, computed({2, 1}, {1, 2})}, scaled).floats == numbers{31, 34, 73.5F, 81});
  CHECK(first("Gemm", {a, b, computed({}, {1})}).floats == numbers{59, 65, 140, 155});
  CHECK(first("Gemm", {counting({2, 0}), counting({0, 2})}).floats == numbers{0, 0, 0, 0});
}

TEST_CASE("product: long dot products", "[nn]") {
  const value a = counting({1, 37}), b = counting({1, 37});
  const float sum = 36.0F * 37 * 73 / 6; // of the squares up to 36
  CHECK(first("Gemm", {a, b}, {{"transB", std::int64_t{1}}}).floats == numbers{sum});
  CHECK(first("MatMul", {counting({37}), counting({37})}).floats == numbers{sum});
}

TEST_CASE("product: a fully connected layer is a convolution", "[nn]") {
  const value x = counting({2, 3}), w = constant({4, 3}, numbers(12, 1)), b = constant({4}, {1, 2, 3, 4});
  const attributes tb{{"transB", std::int64_t{1}}};
  const auto made = make("Gemm", {x, w, b}, tb);
  const nn::convolution* c = (*made)->as_convolution();
  REQUIRE(c != nullptr);
  CHECK((c->inputs == 3 && c->outputs == 4 && c->groups == 1 && !c->transposed && c->bias != nullptr));
  CHECK((*made)->multiply_adds() == 24);
  CHECK((*make("Gemm", {x, constant({3, 4}, numbers(12, 1))}))->as_convolution() == nullptr);
  CHECK((*make("Gemm", {x, w, constant({}, {1})}, tb))->as_convolution() == nullptr);
  CHECK((*make("Gemm", {x, w, constant({2, 1}, {1, 2})}, tb))->as_convolution() == nullptr);
  CHECK((*make("Gemm", {x, w}, {{"transB", std::int64_t{1}}, {"alpha", 2.0F}}))->as_convolution() == nullptr);
}

TEST_CASE("product: matrices in batches", "[nn]") {
  const value a = counting({2, 1, 2, 2}), b = counting({3, 2, 1});
  const value y = first("MatMul", {a, b});
  CHECK(y.type.shape == shape{2, 3, 2, 1});
  // [[0,1],[2,3]] and [[4,5],[6,7]] times (0,1), (2,3), (4,5).
  CHECK(y.floats == numbers{1, 3, 3, 13, 5, 23, 5, 7, 23, 33, 41, 59});
  CHECK(first("MatMul", {counting({2}), counting({3, 2, 2})}).floats == numbers{2, 3, 6, 7, 10, 11});
  CHECK(first("MatMul", {counting({2}), counting({3, 2, 2})}).type.shape == shape{3, 2});
  CHECK(first("MatMul", {counting({2, 2}), counting({2})}).type.shape == shape{2});
  CHECK(first("MatMul", {counting({2}), counting({2})}).type.shape.empty());
  CHECK(first("MatMul", {counting({0, 2, 2}), counting({2, 2})}).type.shape == shape{0, 2, 2});
}

TEST_CASE("product: refusals", "[nn]") {
  const value a = counting({2, 3});
  CHECK(error_of("Gemm", {a, a}) == errc::bad_shape);
  CHECK(error_of("Gemm", {a, counting({3})}) == errc::bad_shape);
  CHECK(error_of("Gemm", {a, counting({3, 4}), counting({3})}) == errc::bad_shape);
  CHECK(error_of("Gemm", {a, counting({3, 1}), counting({1, 2})}) == errc::bad_shape);
  CHECK(error_of("MatMul", {a, a}) == errc::bad_shape);
  CHECK(error_of("MatMul", {a, computed({}, {1})}) == errc::bad_shape);
  CHECK(error_of("MatMul", {counting({2, 1, 3}), counting({3, 3, 2})}) == errc::bad_shape);
  CHECK(error_of("MatMul", {a, whole({3, 1}, {1, 2, 3})}) == errc::unsupported);
  CHECK(error_of("MatMul", {counting({1 << 14, 1}), counting({1, 1 << 14})}) == errc::limit_exceeded);
}
