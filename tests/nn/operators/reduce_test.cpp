#include <aecnn/nn/operators/reduce.hpp>

#include <cmath>

#include "evaluate.hpp"

using namespace evaluate;

TEST_CASE("reduce: over any axes", "[nn]") {
  const value x = counting({2, 3, 4});
  const auto sum = [&](list axes) {
    const auto n = static_cast<std::int64_t>(axes.size());
    return first("ReduceSum", {x, whole({n}, std::move(axes))}, {{"keepdims", std::int64_t{0}}});
  };
  CHECK(sum({2}).floats == numbers{6, 22, 38, 54, 70, 86});
  CHECK(sum({2}).type.shape == shape{2, 3});
  CHECK(sum({0}).floats == numbers{12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34});
  CHECK(sum({-2}).floats == numbers{12, 15, 18, 21, 48, 51, 54, 57});
  CHECK(sum({0, 2}).floats == numbers{60, 92, 124});
  CHECK(sum({}).floats == numbers{276});
  CHECK(sum({}).type.shape.empty());
  CHECK(first("ReduceMean", {x}, {{"axes", list{1, 2}}}).floats == numbers{5.5F, 17.5F});
  CHECK(first("ReduceMean", {x}, {{"axes", list{1, 2}}}).type.shape == shape{2, 1, 1});
  CHECK(first("ReduceMax", {x}, {{"axes", list{0, 1}}}).floats == numbers{20, 21, 22, 23});
  CHECK(first("ReduceMin", {x}, {{"axes", list{1}}}).floats == numbers{0, 1, 2, 3, 12, 13, 14, 15});
  CHECK(first("ReduceSum", {x}, {{"noop_with_empty_axes", std::int64_t{1}}}).floats == x.floats);
  CHECK(first("ReduceSum", {counting({2, 0})}, {{"axes", list{1}}}).floats == numbers{0, 0});
}

TEST_CASE("reduce: the other sums, and long rows", "[nn]") {
  const value x = computed({1, 3}, {3, -4, 12});
  CHECK(first("ReduceL1", {x}).floats == numbers{19});
  CHECK(first("ReduceL2", {x}).floats == numbers{13});
  CHECK(first("ReduceSumSquare", {x}).floats == numbers{169});
  CHECK(first("ReduceProd", {x}).floats == numbers{-144});
  CHECK(first("ReduceSum", {counting({1, 1001})}).floats == numbers{500500});
  CHECK(first("ReduceMax", {counting({1, 1001})}).floats == numbers{1000});
  value broken = counting({1, 40});
  broken.floats[7] = std::nanf("");
  CHECK(std::isnan(first("ReduceMax", {broken}).floats[0]));
  CHECK(std::isnan(first("ReduceMin", {broken}).floats[0]));
}

TEST_CASE("reduce: integers", "[nn]") {
  const value x = whole({2, 2}, {1, -5, 7, 4});
  CHECK(first("ReduceSum", {x, whole({1}, {0})}).integers == whole_numbers{8, -1});
  CHECK(first("ReduceMax", {x}).integers == whole_numbers{7});
  CHECK(first("ReduceMin", {x}).integers == whole_numbers{-5});
  CHECK(first("ReduceProd", {x}).integers == whole_numbers{-140});
  CHECK(first("ReduceMean", {x}, {{"axes", list{1}}}).integers == whole_numbers{-2, 5});
  CHECK(first("ReduceL2", {whole({2, 2}, {3, -4, 1, 1})}, {{"axes", list{1}}, {"keepdims", std::int64_t{0}}}).integers ==
        whole_numbers{5, 1});
}

TEST_CASE("reduce: refusals", "[nn]") {
  const value x = counting({2, 3});
  CHECK(error_of("ReduceSum", {x, whole({1}, {2})}) == errc::bad_field);
  CHECK(error_of("ReduceSum", {x, whole({2}, {1, -1})}) == errc::bad_field);
  CHECK(error_of("ReduceMean", {counting({2, 0})}) == errc::bad_shape);
  CHECK(error_of("ReduceSum", {x}, {{"keepdims", std::int64_t{2}}}) == errc::bad_field);
  value unknown = whole({1}, {0});
  unknown.constant = false;
  CHECK(error_of("ReduceSum", {x, unknown}) == errc::unsupported);
}
