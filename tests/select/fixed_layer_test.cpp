#include <aecnn/select/fixed_layer.hpp>

#include <catch_compat.hpp>

#include <bit>
#include <cstdint>
#include <vector>

using aecnn::errc;

TEST_CASE("weights are rounded to nearest at the finest scale that fits", "[select]") {
  CHECK(aecnn::detail::round_scaled(0.5f, 0) == 1);
  CHECK(aecnn::detail::round_scaled(-0.5f, 0) == -1);
  CHECK(aecnn::detail::round_scaled(0.49999997f, 0) == 0);
  CHECK(aecnn::detail::round_scaled(-1.49999988f, 0) == -1);
  CHECK(aecnn::detail::round_scaled(-1.5f, 0) == -2);
  CHECK(aecnn::detail::round_scaled(1048576.0f, 30) == std::int64_t{1} << 50);
  CHECK(aecnn::detail::round_scaled(std::bit_cast<float>(1u), 30) == 0);

  const std::vector<float> w = {0.5f, -0.25f, 1.0f, 0.75f};
  const auto layer = aecnn::detail::fixed_layer::create("w", w, 2, 2, 0x7fffffff).value();
  CHECK(layer.bits == 30);
  CHECK(layer.weights == std::vector<std::int32_t>{1 << 29, -(1 << 28), 1 << 30, 3 << 28});
  const auto coarse = aecnn::detail::fixed_layer::create("w", w, 2, 2, 7).value();
  CHECK(coarse.bits == 2);
  CHECK(coarse.weights == std::vector<std::int32_t>{2, -1, 4, 3});
  const std::vector<float> large(5000, 1048576.0f);
  CHECK(aecnn::detail::fixed_layer::create("w", large, 1, 5000, 0x7fffffff).error().code == errc::bad_field);
}
