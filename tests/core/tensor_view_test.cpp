#include <aecnn/core/tensor_view.hpp>

#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <catch_compat.hpp>

using aecnn::quantized_view;
using aecnn::shape3;
using aecnn::tensor_view;

namespace user {
/// A type of the caller's own, made tensor_like through the one customisation point.
struct image {
  std::vector<float> pixels;
  std::size_t rows, columns;
};
struct not_a_tensor {};
} // namespace user

template <>
struct aecnn::view_traits<user::image> {
  template <class Image>
  static auto view(Image& i) {
    return tensor_view<std::remove_pointer_t<decltype(i.pixels.data())>>::hwc(i.pixels.data(), 3, i.rows, i.columns);
  }
};

static_assert(aecnn::tensor_like<tensor_view<float>>);
static_assert(aecnn::tensor_like<const tensor_view<const double>&>);
static_assert(aecnn::tensor_like<quantized_view<const std::int8_t>>);
static_assert(aecnn::tensor_like<user::image>);
static_assert(!aecnn::tensor_like<user::not_a_tensor>);
static_assert(!aecnn::tensor_like<int>);
static_assert(!aecnn::tensor_like<std::vector<float>>);

static_assert(aecnn::feature_element<float>);
static_assert(aecnn::feature_element<const double>);
static_assert(!aecnn::feature_element<int>);
static_assert(!aecnn::feature_element<std::uint8_t>);
static_assert(!aecnn::feature_element<std::string>);

TEST_CASE("shapes count, compare and print", "[tensor_view]") {
  constexpr shape3 s{64, 14, 7};
  static_assert(s.size() == 64 * 14 * 7);
  static_assert(s.area() == 98);
  CHECK(aecnn::to_string(s) == "64x14x7");
  CHECK(s == shape3{64, 14, 7});
  CHECK_FALSE(s == shape3{64, 7, 14});
}

TEST_CASE("channels-first and channels-last views see the same tensor", "[tensor_view]") {
  const std::size_t C = 3, H = 4, W = 5;
  std::vector<float> first(C * H * W), last(C * H * W);
  for (std::size_t c = 0; c < C; ++c)
    for (std::size_t y = 0; y < H; ++y)
      for (std::size_t x = 0; x < W; ++x) {
        const auto v = static_cast<float>(100 * c + 10 * y + x);
        first[(c * H + y) * W + x] = v;
        last[(y * W + x) * C + c] = v;
      }
  const auto a = tensor_view<float>::chw(first.data(), C, H, W);
  const auto b = tensor_view<float>::hwc(last.data(), C, H, W);
  CHECK(a.strides == std::array<std::ptrdiff_t, 3>{20, 5, 1});
  CHECK(b.strides == std::array<std::ptrdiff_t, 3>{1, 15, 3});
  for (std::size_t c = 0; c < C; ++c)
    for (std::size_t y = 0; y < H; ++y)
      for (std::size_t x = 0; x < W; ++x) {
        CHECK(a(c, y, x) == static_cast<float>(100 * c + 10 * y + x));
        CHECK(b(c, y, x) == a(c, y, x));
        CHECK(a.row(c, y) + x == &a(c, y, x));
      }
  b(2, 3, 4) = -1;
  CHECK(last.back() == -1);
}

TEST_CASE("strides may be negative or zero", "[tensor_view]") {
  std::vector<float> v(12);
  std::iota(v.begin(), v.end(), 0.0F);
  const tensor_view<const float> flipped(v.data() + 11, {2, 2, 3}, {-6, -3, -1});
  CHECK(flipped(0, 0, 0) == 11);
  CHECK(flipped(1, 1, 2) == 0);
  CHECK(flipped(0, 1, 0) == 8);
  const tensor_view<const float> repeated(v.data() + 5, {4, 2, 2}, {0, 0, 0});
  CHECK(repeated(3, 1, 1) == 5);
}

TEST_CASE("a view of mutable elements converts to a view of constant ones, not back", "[tensor_view]") {
  static_assert(std::is_convertible_v<tensor_view<float>, tensor_view<const float>>);
  static_assert(!std::is_convertible_v<tensor_view<const float>, tensor_view<float>>);
  static_assert(!std::is_convertible_v<tensor_view<float>, tensor_view<const double>>);
  float v = 2;
  const tensor_view<const float> c = tensor_view<float>::chw(&v, 1, 1, 1);
  CHECK(c.data == &v);
  CHECK(c.shape == shape3{1, 1, 1});
}

TEST_CASE("as_view of a view is the view", "[tensor_view]") {
  std::vector<double> v(8);
  const auto t = tensor_view<double>::hwc(v.data(), 2, 2, 2);
  const auto u = aecnn::as_view(t);
  static_assert(std::is_same_v<decltype(u), const tensor_view<double>>);
  CHECK(u.data == v.data());
  CHECK(u.strides == t.strides);

  std::vector<std::int8_t> q(4);
  const quantized_view<const std::int8_t> in{tensor_view<std::int8_t>::chw(q.data(), 1, 2, 2), 0.5F, -3};
  const auto out = aecnn::as_view(in);
  CHECK(out.elements.data == q.data());
  CHECK(out.scale == 0.5F);
  CHECK(out.zero_point == -3);
}

TEST_CASE("a span needs a shape that it fills exactly", "[tensor_view]") {
  std::vector<float> v(24);
  const auto good = aecnn::try_as_view(std::span<float>(v), {2, 3, 4});
  REQUIRE(good);
  CHECK(good->data == v.data());
  CHECK(good->strides == std::array<std::ptrdiff_t, 3>{12, 4, 1});
  CHECK(aecnn::as_view(std::span<const float>(v), {24, 1, 1}).shape == shape3{24, 1, 1});

  const auto bad = aecnn::try_as_view(std::span<float>(v), {2, 3, 5});
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == aecnn::errc::bad_shape);
  CHECK(bad.error().message.find("24") != std::string::npos);
  CHECK(bad.error().message.find("2x3x5") != std::string::npos);
  CHECK_THROWS_AS(aecnn::as_view(std::span<const float>(v), {1, 1, 1}), aecnn::error);

  // A product that wraps around to 24 or to 0 is no fit.
  const std::size_t half = std::size_t{1} << (8 * sizeof(std::size_t) - 1);
  CHECK_FALSE(aecnn::try_as_view(std::span<float>(v), {24, half + 1, 2}));
  CHECK_FALSE(aecnn::try_as_view(std::span<float>(), {half, 2, 1}));
  CHECK(aecnn::try_as_view(std::span<float>(), {0, 3, 4}));
}

TEST_CASE("a type of the caller's own becomes tensor_like", "[tensor_view]") {
  user::image i{std::vector<float>(2 * 4 * 3), 2, 4};
  const auto v = aecnn::as_view(i);
  static_assert(std::is_same_v<decltype(v), const tensor_view<float>>);
  CHECK(v.shape == shape3{3, 2, 4});
  v(2, 1, 3) = 7;
  CHECK(i.pixels.back() == 7);
  const user::image& constant = i;
  static_assert(std::is_same_v<decltype(aecnn::as_view(constant)), tensor_view<const float>>);
  CHECK(aecnn::as_view(constant)(2, 1, 3) == 7);
}
