#include <aecnn/nn/operators/resize.hpp>

#include <limits>

#include "evaluate.hpp"

using namespace evaluate;

namespace {
/// 0, 1, 2, 3 along the last axis, resized to `extent`.
numbers resized(std::int64_t extent, attributes a) {
  return first("Resize", {counting({1, 4}), left_out(), left_out(), whole({2}, {1, extent})}, std::move(a)).floats;
}
attributes options(const char* mode, const char* place, const char* nearest = "floor") {
  return {{"mode", std::string(mode)},
          {"coordinate_transformation_mode", std::string(place)},
          {"nearest_mode", std::string(nearest)}};
}
} // namespace

TEST_CASE("resize: linear in every coordinate system", "[nn]") {
  // half_pixel: (i + 0.5) / 2 - 0.5 = -0.25, 0.25, 0.75, ..., held at the ends.
  CHECK(near(resized(8, options("linear", "half_pixel")), {0, 0.25F, 0.75F, 1.25F, 1.75F, 2.25F, 2.75F, 3}));
  CHECK(near(resized(8, options("linear", "asymmetric")), {0, 0.5F, 1, 1.5F, 2, 2.5F, 3, 3}));
  CHECK(near(resized(7, options("linear", "align_corners")), {0, 0.5F, 1, 1.5F, 2, 2.5F, 3}));
  CHECK(near(resized(2, options("linear", "half_pixel")), {0.5F, 2.5F}));
  CHECK(near(resized(1, options("linear", "half_pixel")), {1.5F}));
  CHECK(near(resized(1, options("linear", "pytorch_half_pixel")), {0}));
  CHECK(near(resized(1, options("linear", "align_corners")), {0}));
  CHECK(resized(4, options("linear", "half_pixel")) == numbers{0, 1, 2, 3});
}

TEST_CASE("resize: nearest neighbour in every rounding", "[nn]") {
  // asymmetric: 0, 0.5, 1, 1.5, ...
  CHECK(resized(8, options("nearest", "asymmetric", "floor")) == numbers{0, 0, 1, 1, 2, 2, 3, 3});
  CHECK(resized(8, options("nearest", "asymmetric", "ceil")) == numbers{0, 1, 1, 2, 2, 3, 3, 3});
  CHECK(resized(8, options("nearest", "asymmetric", "round_prefer_floor")) == numbers{0, 0, 1, 1, 2, 2, 3, 3});
  CHECK(resized(8, options("nearest", "asymmetric", "round_prefer_ceil")) == numbers{0, 1, 1, 2, 2, 3, 3, 3});
  CHECK(resized(8, options("nearest", "half_pixel", "round_prefer_floor")) == numbers{0, 0, 1, 1, 2, 2, 3, 3});
  CHECK(resized(2, options("nearest", "tf_half_pixel_for_nn", "floor")) == numbers{1, 3});
}

TEST_CASE("resize: two axes, scales, and the older operators", "[nn]") {
  const value x = computed({1, 1, 2, 2}, {1, 2, 3, 4}), scales = constant({4}, {1, 1, 2, 2});
  CHECK(near(first("Resize", {x, left_out(), scales}, {{"mode", std::string("linear")}}).floats,
             {1, 1.25F, 1.75F, 2, 1.5F, 1.75F, 2.25F, 2.5F, 2.5F, 2.75F, 3.25F, 3.5F, 3, 3.25F, 3.75F, 4}));
  const numbers repeated{1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4};
  CHECK(first("Resize", {x, scales}).floats == repeated);   // opset 10
  CHECK(first("Upsample", {x, scales}).floats == repeated); // opset 9
  CHECK(first("Upsample", {x, constant({4}, {1, 1, 1, 2})}, {{"mode", std::string("linear")}}).floats ==
        numbers{1, 1.5F, 2, 2, 3, 3.5F, 4, 4});
  CHECK(first("Resize", {counting({5}), left_out(), constant({1}, {1.4F})}).type.shape == shape{7});
  CHECK(first("Resize", {counting({0, 2}), left_out(), constant({2}, {2, 2})}).type.shape == shape{0, 4});
  // An infinity stays where it is.
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(first("Resize", {computed({2, 1}, {1, infinity}), left_out(), left_out(), whole({2}, {2, 2})},
              {{"mode", std::string("linear")}})
            .floats == numbers{1, 1, infinity, infinity});
}

TEST_CASE("resize: refusals", "[nn]") {
  const value x = counting({1, 4}), scales = constant({2}, {1, 2}), sizes = whole({2}, {1, 8});
  CHECK(error_of("Resize", {x, left_out(), left_out()}) == errc::missing_field);
  CHECK(error_of("Resize", {computed({}, {3}), left_out(), constant({0}, {})}) == errc::missing_field);
  CHECK(error_of("Resize", {computed({}, {3}), left_out(), constant({}, {1})}) == errc::bad_field);
  CHECK(error_of("Resize", {x, left_out(), scales, sizes}) == errc::bad_field);
  CHECK(error_of("Resize", {x, left_out(), constant({1}, {2})}) == errc::bad_field);
  CHECK(error_of("Resize", {x, left_out(), constant({2}, {1, -2})}) == errc::bad_field);
  CHECK(error_of("Resize", {x, left_out(), constant({2}, {1, std::numeric_limits<float>::quiet_NaN()})}) ==
        errc::bad_field);
  CHECK(error_of("Resize", {x, left_out(), left_out(), whole({2}, {1, 0})}) == errc::bad_field);
  CHECK(error_of("Resize", {x, left_out(), left_out(), whole({2}, {1, 1 << 30})}) == errc::limit_exceeded);
  CHECK(error_of("Resize", {x, left_out(), left_out(), whole({2}, {1, INT64_MAX})}) == errc::limit_exceeded);
  CHECK(error_of("Resize", {x, left_out(), scales}, {{"mode", std::string("cubic")}}) == errc::unsupported);
  CHECK(error_of("Resize", {x, left_out(), scales}, options("linear", "tf_crop_and_resize")) == errc::unsupported);
  CHECK(error_of("Resize", {x, left_out(), counting({2})}) == errc::unsupported);
  CHECK(error_of("Upsample", {x, scales}, {{"mode", std::string("cubic")}}) == errc::unsupported);
}
