#include <aecnn/nn/operators/quantize.hpp>

#include <limits>

#include "evaluate.hpp"

using namespace evaluate;

TEST_CASE("quantize: ties to even, saturation, zero point", "[nn]") {
  const value x = computed({8}, {0, 1, 3, 5, -1, 1000, -1000, std::numeric_limits<float>::infinity()});
  CHECK(first("QuantizeLinear", {x, constant({}, {2})}).integers == whole_numbers{0, 0, 2, 2, 0, 255, 0, 255});
  CHECK(first("QuantizeLinear", {x, constant({}, {2}), whole({}, {128})}).integers ==
        whole_numbers{128, 128, 130, 130, 128, 255, 0, 255});
  CHECK(first("QuantizeLinear", {x, constant({}, {2}), whole({}, {1})}, {{"output_dtype", std::int64_t{3}}}).integers ==
        whole_numbers{1, 1, 3, 3, 1, 127, -128, 127});
}

TEST_CASE("quantize: one scale an index of an axis, and back", "[nn]") {
  const value x = computed({1, 2, 2}, {1, 2, 3, 4}), scale = constant({2}, {1, 0.5F}), zero = whole({2}, {10, 20});
  const value q = first("QuantizeLinear", {x, scale, zero});
  CHECK(q.integers == whole_numbers{11, 12, 26, 28});
  CHECK(first("DequantizeLinear", {whole({1, 2, 2}, q.integers), scale, zero}).floats == x.floats);
  CHECK(first("DequantizeLinear", {whole({2, 2}, {1, 2, 3, 4}), scale}, {{"axis", std::int64_t{0}}}).floats ==
        numbers{1, 2, 1.5F, 2});
  CHECK(first("DequantizeLinear", {whole({}, {3}), constant({}, {2}), whole({}, {1})}).floats == numbers{4});
}

TEST_CASE("quantize: refusals", "[nn]") {
  const value x = counting({2, 3}), s = constant({3}, {1, 1, 1});
  CHECK(error_of("QuantizeLinear", {x, constant({2}, {1, 1})}) == errc::bad_shape);
  CHECK(error_of("QuantizeLinear", {x, s, whole({}, {0})}) == errc::bad_shape);
  CHECK(error_of("QuantizeLinear", {x, s}, {{"axis", std::int64_t{2}}}) == errc::bad_field);
  CHECK(error_of("QuantizeLinear", {x, s}, {{"output_dtype", std::int64_t{7}}}) == errc::bad_field);
  CHECK(error_of("QuantizeLinear", {x, whole({}, {1})}) == errc::bad_field);
  CHECK(error_of("DequantizeLinear", {x, s}) == errc::bad_field);
  CHECK(error_of("DequantizeLinear", {whole({1}, {1}), constant({}, {1}), constant({}, {1})}) == errc::bad_field);
}
