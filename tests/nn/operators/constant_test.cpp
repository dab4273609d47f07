#include <aecnn/nn/operators/constant.hpp>

#include <limits>

#include "evaluate.hpp"

using namespace evaluate;

TEST_CASE("constant: from attributes", "[nn]") {
  CHECK(first("Constant", {}, {{"value_float", 2.5F}}).floats == numbers{2.5F});
  CHECK(first("Constant", {}, {{"value_float", 2.5F}}).type.shape.empty());
  CHECK(first("Constant", {}, {{"value_floats", numbers{1, 2}}}).floats == numbers{1, 2});
  CHECK(first("Constant", {}, {{"value_int", std::int64_t{7}}}).integers == whole_numbers{7});
  CHECK(first("Constant", {}, {{"value_ints", list{7, 8}}}).type.shape == shape{2});
  CHECK(error_of("Constant", {}) == errc::missing_field);
  CHECK(error_of("Constant", {}, {{"value_int", std::int64_t{7}}, {"value_float", 1.0F}}) == errc::bad_field);
  CHECK(error_of("Constant", {counting({1})}, {{"value_float", 1.0F}}) == errc::bad_field);
}

TEST_CASE("constant: of a shape", "[nn]") {
  const value y = first("ConstantOfShape", {whole({2}, {2, 3})}, {{"value", 1.5F}});
  CHECK(y.type.shape == shape{2, 3});
  CHECK(y.floats == numbers{1.5F, 1.5F, 1.5F, 1.5F, 1.5F, 1.5F});
  CHECK(first("ConstantOfShape", {whole({1}, {2})}).floats == numbers{0, 0});
  CHECK(first("ConstantOfShape", {whole({1}, {2})}, {{"value", std::int64_t{-4}}}).integers == whole_numbers{-4, -4});
  CHECK(first("ConstantOfShape", {whole({0}, {})}).floats == numbers{0});
  CHECK(first("ConstantOfShape", {whole({1}, {0})}).floats.empty());
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(first("ConstantOfShape", {whole({1}, {2})}, {{"value", -infinity}}).floats == numbers{-infinity, -infinity});
  CHECK(error_of("ConstantOfShape", {whole({2}, {1 << 20, 1 << 20})}) == errc::limit_exceeded);
  CHECK(error_of("ConstantOfShape", {whole({2}, {INT64_MAX, 0})}) == errc::limit_exceeded);
  CHECK(error_of("ConstantOfShape", {whole({1}, {-1})}) == errc::bad_shape);
  CHECK(error_of("ConstantOfShape", {counting({1})}) == errc::unsupported);
  CHECK(error_of("ConstantOfShape", {whole({1}, {2})}, {{"value", numbers{1}}}) == errc::bad_field);
}

TEST_CASE("constant: ranges", "[nn]") {
  const auto range = [](std::int64_t a, std::int64_t b, std::int64_t c) {
    return first("Range", {whole({}, {a}), whole({}, {b}), whole({}, {c})}).integers;
  };
  const std::int64_t most = std::numeric_limits<std::int64_t>::max(), least = std::numeric_limits<std::int64_t>::min();
  CHECK(range(3, 9, 3) == whole_numbers{3, 6});
  CHECK(range(10, 4, -2) == whole_numbers{10, 8, 6});
  CHECK(range(4, 4, 1).empty());
  CHECK(range(4, 3, 1).empty());
  CHECK(range(least, most, most) == whole_numbers{least, -1, most - 1});
  CHECK(range(most, least, least) == whole_numbers{most, -1});
  CHECK(
      near(first("Range", {constant({}, {0}), constant({}, {1}), constant({}, {0.3F})}).floats, {0, 0.3F, 0.6F, 0.9F}));
  const auto failing = [](float a, float b, float c) {
    return error_of("Range", {constant({}, {a}), constant({}, {b}), constant({}, {c})});
  };
  CHECK(failing(0, 1, 0) == errc::bad_field);
  CHECK(failing(0, std::numeric_limits<float>::infinity(), 1) == errc::bad_field);
  CHECK(failing(0, 1e9F, 1) == errc::limit_exceeded);
  CHECK(error_of("Range", {whole({}, {0}), whole({}, {1}), whole({}, {0})}) == errc::bad_field);
  CHECK(error_of("Range", {whole({}, {least}), whole({}, {most}), whole({}, {1})}) == errc::limit_exceeded);
  CHECK(error_of("Range", {whole({}, {0}), constant({}, {1}), whole({}, {1})}) == errc::bad_field);
  CHECK(error_of("Range", {whole({}, {0}), whole({2}, {1, 2}), whole({}, {1})}) == errc::bad_shape);
  CHECK(error_of("Range", {computed({}, {0}), computed({}, {1}), computed({}, {1})}) == errc::unsupported);
}
