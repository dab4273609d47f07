#include <aecnn/core/element_source.hpp>

#include <cstdint>
#include <limits>
#include <type_traits>

#include <catch_compat.hpp>

using aecnn::quantized_view;
using aecnn::tensor_view;
using aecnn::detail::check_elements;
using aecnn::detail::source_of;

TEST_CASE("numbers of floating-point elements are the elements") {
  const float f[] = {1.5F, -0.0F, 3e38F};
  const auto source = source_of(tensor_view<const float>::chw(f, 1, 1, 3));
  CHECK(source.factor == 1);
  for (const float v : f) CHECK(source.number(v) == v);
  const double d[] = {0.1, 1e-300};
  const auto doubles = source_of(tensor_view<const double>::chw(d, 1, 1, 2));
  CHECK(doubles.number(0.1) == 0.1F); // the nearest float
  CHECK(doubles.number(1e-300) == 0.0F);
  CHECK(check_elements(source).has_value());
  CHECK(check_elements(doubles).has_value());
  CHECK(std::is_same_v<decltype(source_of(tensor_view<float>{}).elements), tensor_view<const float>>);
}

TEST_CASE("numbers of 8-bit elements are exact differences from the zero point") {
  const std::int8_t s[] = {0};
  const std::uint8_t u[] = {0};
  for (const std::int32_t zero : {-255, -128, -1, 0, 3, 127, 255}) {
    const auto a = source_of(quantized_view<const std::int8_t>{tensor_view<const std::int8_t>::chw(s, 1, 1, 1), 0.25F, zero});
    const auto b = source_of(quantized_view<const std::uint8_t>{tensor_view<const std::uint8_t>::chw(u, 1, 1, 1), 0.25F, zero});
    CHECK(a.factor == 0.25F);
    CHECK(check_elements(a).has_value());
    for (int v = -128; v < 128; ++v) REQUIRE(a.number(static_cast<std::int8_t>(v)) == static_cast<float>(v - zero));
    for (int v = 0; v < 256; ++v) REQUIRE(b.number(static_cast<std::uint8_t>(v)) == static_cast<float>(v - zero));
  }
}

TEST_CASE("scales that are no positive normal numbers and zero points above 255 are refused") {
  const std::int8_t s[] = {0};
  const auto code = [&](float scale, std::int32_t zero) {
    const auto r = check_elements(source_of(quantized_view<const std::int8_t>{tensor_view<const std::int8_t>::chw(s, 1, 1, 1), scale, zero}));
    return r ? aecnn::errc{} : r.error().code;
  };
  using limits = std::numeric_limits<float>;
  for (const float scale : {0.0F, -0.0F, -1.0F, limits::denorm_min(), limits::min() / 2, limits::infinity(), -limits::infinity(), limits::quiet_NaN(),
                            -limits::quiet_NaN(), limits::lowest()})
    CHECK(code(scale, 0) == aecnn::errc::invalid_argument);
  for (const float scale : {limits::min(), 1.0F, limits::max()}) CHECK(code(scale, 0) == aecnn::errc{});
  for (const std::int32_t zero : {256, -256, std::numeric_limits<std::int32_t>::max(), std::numeric_limits<std::int32_t>::min()})
    CHECK(code(1.0F, zero) == aecnn::errc::invalid_argument);
  for (const std::int32_t zero : {255, -255}) CHECK(code(1.0F, zero) == aecnn::errc{});
}
