#include <aecnn/nn/operators/pooling.hpp>

#include <cmath>
#include <limits>

#include "evaluate.hpp"

using namespace evaluate;

TEST_CASE("pooling: maximum", "[nn]") {
  const value x = counting({1, 1, 4, 4});
  const value y = first("MaxPool", {x}, {{"kernel_shape", list{2, 2}}, {"strides", list{2, 2}}});
  CHECK(y.type.shape == shape{1, 1, 2, 2});
  CHECK(y.floats == numbers{5, 7, 13, 15});
  // Padding does not win over negative elements.
  CHECK(first("MaxPool", {computed({1, 1, 2}, {-3, -5})}, {{"kernel_shape", list{2}}, {"pads", list{1, 1}}}).floats ==
        numbers{-3, -3, -5});
  CHECK(first("MaxPool", {x}, {{"kernel_shape", list{2, 2}}, {"dilations", list{2, 3}}}).floats == numbers{11, 15});
  CHECK(first("MaxPool", {x}, {{"kernel_shape", list{3, 3}}, {"strides", list{2, 2}}, {"ceil_mode", std::int64_t{1}}})
            .floats == numbers{10, 11, 14, 15});
  const value nan = computed({1, 1, 3}, {std::numeric_limits<float>::quiet_NaN(), 1, 2});
  CHECK(near(first("MaxPool", {nan}, {{"kernel_shape", list{2}}}).floats, {std::nanf(""), 2}));
}

TEST_CASE("pooling: average and what it divides by", "[nn]") {
  const value x = computed({1, 1, 3}, {3, 6, 9});
  const attributes base{{"kernel_shape", list{3}}, {"pads", list{1, 1}}, {"strides", list{2}}};
  CHECK(first("AveragePool", {x}, base).floats == numbers{4.5F, 7.5F});
  attributes counted = base;
  counted.emplace_back("count_include_pad", std::int64_t{1});
  CHECK(first("AveragePool", {x}, counted).floats == numbers{3, 5});
  // The last window reaches one element over the padding, which counts for nobody: (9 + 0) / 2.
  const value y = computed({1, 1, 4}, {3, 6, 9, 12});
  CHECK(first("AveragePool", {y},
              {{"kernel_shape", list{3}},
               {"strides", list{2}},
               {"ceil_mode", std::int64_t{1}},
               {"count_include_pad", std::int64_t{1}}})
            .floats == numbers{6, 10.5F});
  CHECK(first("AveragePool", {counting({1, 1, 3, 3})},
              {{"kernel_shape", list{2, 2}}, {"auto_pad", std::string("SAME_UPPER")}, {"strides", list{2, 2}}})
            .floats == numbers{2, 3.5F, 6.5F, 8});
}

TEST_CASE("pooling: a last window that begins in the padding is left out", "[nn]") {
  const value x = computed({1, 1, 2}, {1, 2});
  const value y =
      first("MaxPool", {x},
            {{"kernel_shape", list{2}}, {"strides", list{2}}, {"pads", list{0, 1}}, {"ceil_mode", std::int64_t{1}}});
  CHECK(y.floats == numbers{2});
}

TEST_CASE("pooling: whole planes", "[nn]") {
  value x = counting({2, 3, 5, 7});
  numbers means, largest;
  for (int plane = 0; plane < 6; ++plane) {
    means.push_back(static_cast<float>(plane * 35 + 17));
    largest.push_back(static_cast<float>(plane * 35 + 34));
  }
  const value y = first("GlobalAveragePool", {x});
  CHECK(y.type.shape == shape{2, 3, 1, 1});
  CHECK(near(y.floats, means));
  CHECK(first("GlobalMaxPool", {x}).floats == largest);
  x.floats[20] = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(first("GlobalMaxPool", {x}).floats[0]));
  CHECK(first("GlobalMaxPool", {x}).floats[1] == 69);
  CHECK(first("GlobalAveragePool", {counting({1, 1, 2, 2, 2})}).floats == numbers{3.5F});
}

TEST_CASE("pooling: what they tell of themselves", "[nn]") {
  const value x = counting({1, 1, 4, 6});
  const auto sliding =
      make("AveragePool", {x},
           {{"kernel_shape", list{2, 3}}, {"auto_pad", std::string("SAME_LOWER")}, {"strides", list{1, 3}}});
  const nn::pooling* p = (*sliding)->as_pooling();
  REQUIRE(p != nullptr);
  CHECK_FALSE(p->maximum);
  CHECK_FALSE(p->count_padding);
  CHECK((p->area.kernel[0] == 2 && p->area.strides[1] == 3 && p->area.before[0] == 1 && p->area.after[0] == 0));
  const auto global = make("GlobalMaxPool", {x});
  REQUIRE((*global)->as_pooling() != nullptr);
  CHECK((*global)->as_pooling()->maximum);
  CHECK(((*global)->as_pooling()->area.kernel[0] == 4 && (*global)->as_pooling()->area.kernel[1] == 6));
}

TEST_CASE("pooling: refusals", "[nn]") {
  const value x = counting({1, 1, 4, 4});
  CHECK(error_of("MaxPool", {x}, {{"kernel_shape", list{2, 2}}}, 2) == errc::unsupported);
  CHECK(error_of("MaxPool", {x}, {{"kernel_shape", list{2, 2}}, {"pads", list{2, 0, 0, 0}}}) == errc::bad_field);
  CHECK(error_of("MaxPool", {counting({4, 4})}, {{"kernel_shape", list{2, 2}}}) == errc::bad_shape);
  CHECK(error_of("AveragePool", {x}, {{"kernel_shape", list{2, 2}}, {"dilations", list{1, 1}}}) == errc::unsupported);
  CHECK(error_of("AveragePool", {x}, {{"kernel_shape", list{2, 2}}, {"ceil_mode", std::int64_t{2}}}) ==
        errc::bad_field);
  CHECK(error_of("GlobalAveragePool", {counting({4, 4})}) == errc::bad_shape);
  CHECK(error_of("GlobalAveragePool", {counting({1, 2, 0})}) == errc::bad_shape);
}
