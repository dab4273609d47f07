#include <aecnn/nn/operators/concat.hpp>

#include "evaluate.hpp"

using namespace evaluate;

TEST_CASE("concat: joins along any axis", "[nn]") {
  const value a = computed({2, 1}, {1, 2}), b = computed({2, 2}, {3, 4, 5, 6});
  const value y = first("Concat", {a, b}, {{"axis", std::int64_t{1}}});
  CHECK(y.type.shape == shape{2, 3});
  CHECK(y.floats == numbers{1, 3, 4, 2, 5, 6});
  CHECK(first("Concat", {b, b}, {{"axis", std::int64_t{-2}}}).floats == numbers{3, 4, 5, 6, 3, 4, 5, 6});
  CHECK(first("Concat", {whole({1}, {4}), whole({0}, {}), whole({2}, {5, 6})}, {{"axis", std::int64_t{0}}}).integers ==
        whole_numbers{4, 5, 6});
  CHECK((*make("Concat", {a, b}, {{"axis", std::int64_t{-1}}}))->is_channel_concat());
  CHECK_FALSE((*make("Concat", {b, b}, {{"axis", std::int64_t{0}}}))->is_channel_concat());
}

TEST_CASE("concat: refusals", "[nn]") {
  const value a = counting({2, 1}), b = counting({3, 2});
  const attributes axis1{{"axis", std::int64_t{1}}};
  CHECK(error_of("Concat", {a, b}, axis1) == errc::bad_shape);
  CHECK(error_of("Concat", {a, counting({2})}, axis1) == errc::bad_shape);
  CHECK(error_of("Concat", {a}, {{"axis", std::int64_t{2}}}) == errc::bad_field);
  CHECK(error_of("Concat", {a}) == errc::missing_field);
  CHECK(error_of("Concat", {}, axis1) == errc::missing_field);
  CHECK(error_of("Concat", {a, left_out()}, axis1) == errc::missing_field);
  CHECK(error_of("Concat", {a, whole({2, 1}, {1, 2})}, axis1) == errc::bad_field);
  aecnn::limits small;
  small.max_elements = 3;
  CHECK(error_of("Concat", {a, a}, axis1, 1, small) == errc::limit_exceeded);
}

TEST_CASE("concat: split is its inverse", "[nn]") {
  const value x = counting({2, 6});
  const auto equal = all("Split", {x}, {{"axis", std::int64_t{1}}}, 3);
  CHECK(equal[1].type.shape == shape{2, 2});
  CHECK(equal[1].floats == numbers{2, 3, 8, 9});
  CHECK(first("Concat", {equal[0], equal[1], equal[2]}, {{"axis", std::int64_t{1}}}).floats == x.floats);
  const auto listed = all("Split", {x}, {{"axis", std::int64_t{-1}}, {"split", list{1, 0, 5}}}, 3);
  CHECK(listed[0].floats == numbers{0, 6});
  CHECK(listed[1].type.shape == shape{2, 0});
  CHECK(listed[2].floats == numbers{1, 2, 3, 4, 5, 7, 8, 9, 10, 11});
  CHECK(all("Split", {whole({3}, {7, 8, 9}), whole({2}, {2, 1})}, {}, 2)[1].integers == whole_numbers{9});
}

TEST_CASE("concat: refusals of split", "[nn]") {
  const value x = counting({2, 6});
  const attributes axis1{{"axis", std::int64_t{1}}};
  CHECK(error_of("Split", {x}, axis1, 4) == errc::bad_shape);
  CHECK(error_of("Split", {x, whole({2}, {5, 2})}, axis1, 2) == errc::bad_field);
  CHECK(error_of("Split", {x, whole({2}, {7, -1})}, axis1, 2) == errc::bad_field);
  CHECK(error_of("Split", {x, whole({3}, {2, 2, 2})}, axis1, 2) == errc::bad_field);
  CHECK(error_of("Split", {x}, {{"axis", std::int64_t{2}}}, 2) == errc::bad_field);
  CHECK(error_of("Split", {x}, {}, 0) == errc::bad_field);
}
