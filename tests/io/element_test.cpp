#include <aecnn/io/element.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch_compat.hpp>

using aecnn::io::bfloat16_to_float;
using aecnn::io::fits_half;
using aecnn::io::float_to_half;
using aecnn::io::half_to_float;

namespace {
/// Bits, so that the tests also hold where the compiler may assume that there is no infinity and no NaN.
std::uint32_t bits_of(float v) { return std::bit_cast<std::uint32_t>(v); }
} // namespace

TEST_CASE("every binary16 converts to the float of its value", "[element]") {
  // By the definition of IEEE 754: (-1)^s * 2^(e-15) * (1 + f/1024), subnormals f * 2^-24.
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const std::uint32_t exponent = (bits >> 10) & 31U, fraction = bits & 1023U, sign = (bits >> 15) << 31;
    const std::uint32_t found = bits_of(half_to_float(static_cast<std::uint16_t>(bits)));
    const std::uint32_t magnitude =
        exponent == 31  ? 0x7f800000U + fraction * 8192
        : exponent == 0 ? bits_of(static_cast<float>(fraction) * 0x1p-24F)
                        : bits_of(std::ldexp(static_cast<float>(1024 + fraction), static_cast<int>(exponent) - 25));
    if (found != (sign | magnitude)) FAIL("binary16 bits " << bits << " gave bits " << found);
  }
  CHECK(half_to_float(0x3c00) == 1.0F);
  CHECK(half_to_float(0x7bff) == 65504.0F);
  CHECK(half_to_float(0x0001) == 0x1p-24F);
  CHECK(half_to_float(0x3555) == 0.333251953125F);
  CHECK(bits_of(half_to_float(0xfc00)) == 0xff800000U);
}

TEST_CASE("floats round to the nearest binary16, ties to even", "[element]") {
  // Every binary16 is itself; what lies between two neighbours goes to the nearer one, the middle to the even one.
  for (std::uint32_t bits = 0; bits < 0x7c00; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const auto negative = static_cast<std::uint16_t>(bits | 0x8000U);
    if (float_to_half(half_to_float(half)) != half || float_to_half(half_to_float(negative)) != negative ||
        !fits_half(half_to_float(half)) || !fits_half(half_to_float(negative)))
      FAIL("binary16 bits " << bits << " are not kept");
    const double low = static_cast<double>(half_to_float(half));
    const double high =
        bits == 0x7bff ? 65536.0 : static_cast<double>(half_to_float(static_cast<std::uint16_t>(bits + 1)));
    const auto middle = static_cast<float>((low + high) / 2);
    const std::uint32_t even = bits % 2 == 0 ? bits : bits + 1;
    if (float_to_half(middle) != even || float_to_half(-middle) != (even | 0x8000U) ||
        float_to_half(std::nextafter(middle, 0.0F)) != bits ||
        float_to_half(std::nextafter(middle, 1e9F)) != bits + 1 || fits_half(middle) ||
        fits_half(std::nextafter(middle, 0.0F)))
      FAIL("above binary16 bits " << bits << " found " << float_to_half(middle));
  }
  CHECK(float_to_half(65519.0F) == 0x7bff);
  CHECK(float_to_half(-1e30F) == 0xfc00);
  CHECK(float_to_half(std::bit_cast<float>(0x7f800000U)) == 0x7c00);
  CHECK((float_to_half(std::bit_cast<float>(0xffc00001U)) & 0x7fffU) > 0x7c00);
  CHECK(float_to_half(std::bit_cast<float>(1U)) == 0);
  CHECK_FALSE(fits_half(std::bit_cast<float>(0x7f800000U)));
  CHECK_FALSE(fits_half(std::bit_cast<float>(0x7fc00000U)));
  CHECK_FALSE(fits_half(std::bit_cast<float>(1U)));
}

TEST_CASE("bfloat16 is the upper half of a float", "[element]") {
  CHECK(bfloat16_to_float(0x3f80) == 1.0F);
  CHECK(bfloat16_to_float(0xc020) == -2.5F);
  CHECK(bits_of(bfloat16_to_float(0x0001)) == 0x00010000U);
  CHECK(bits_of(bfloat16_to_float(0x7f80)) == 0x7f800000U);
  CHECK(bits_of(bfloat16_to_float(0x7fc0)) == 0x7fc00000U);
}

TEST_CASE("bytes are reversed where the file's order is not the machine's", "[element]") {
  std::vector<std::byte> b{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  constexpr auto foreign = std::endian::native == std::endian::little ? std::endian::big : std::endian::little;
  aecnn::io::detail::to_native(b, 2, std::endian::native);
  CHECK(b[0] == std::byte{1});
  aecnn::io::detail::to_native(b, 2, foreign);
  CHECK(b == std::vector{std::byte{2}, std::byte{1}, std::byte{4}, std::byte{3}});
  aecnn::io::detail::to_native(b, 4, foreign);
  CHECK(b == std::vector{std::byte{3}, std::byte{4}, std::byte{1}, std::byte{2}});
  aecnn::io::detail::to_native(b, 1, foreign);
  CHECK(b[0] == std::byte{3});

  std::vector<std::byte> out{std::byte{9}};
  const std::vector<std::int32_t> values{0x01020304, -2};
  aecnn::io::detail::append_little_endian(out, std::span<const std::int32_t>(values));
  CHECK(out == std::vector{std::byte{9}, std::byte{4}, std::byte{3}, std::byte{2}, std::byte{1}, std::byte{0xfe},
                           std::byte{0xff}, std::byte{0xff}, std::byte{0xff}});
  CHECK(aecnn::io::detail::little_endian_at<std::int32_t>(std::span(out).subspan(1), 0) == 0x01020304);
  CHECK(aecnn::io::detail::little_endian_at<std::int32_t>(std::span(out).subspan(1), 1) == -2);
}

TEST_CASE("element counts find overflow whatever the order of the extents", "[element]") {
  using shape = std::vector<std::size_t>;
  const std::size_t huge = std::size_t{1} << (4 * sizeof(std::size_t));
  std::size_t n = 7;
  CHECK(aecnn::io::detail::element_count(shape{}, n));
  CHECK(n == 1);
  CHECK(aecnn::io::detail::element_count(shape{2, 3, 4}, n));
  CHECK(n == 24);
  CHECK(aecnn::io::detail::element_count(shape{2, 0, 4}, n));
  CHECK(n == 0);
  CHECK_FALSE(aecnn::io::detail::element_count(shape{huge, huge}, n));
  CHECK_FALSE(aecnn::io::detail::element_count(shape{0, huge, huge}, n));
  CHECK_FALSE(aecnn::io::detail::element_count(shape{huge, huge, 0}, n));
  CHECK(aecnn::io::detail::element_count(shape{huge, 0, 5}, n));
}

TEST_CASE("shapes print as in Python", "[element]") {
  using shape = std::vector<std::size_t>;
  CHECK(aecnn::io::detail::shape_text(shape{}) == "()");
  CHECK(aecnn::io::detail::shape_text(shape{3}) == "(3,)");
  CHECK(aecnn::io::detail::shape_text(shape{64, 16, 8}) == "(64, 16, 8)");
}

TEST_CASE("what a file can hold is decided at compile time", "[element]") {
  static_assert(aecnn::io::file_element<float> && aecnn::io::file_element<double>);
  static_assert(aecnn::io::file_element<std::int8_t> && aecnn::io::file_element<std::uint64_t>);
  static_assert(aecnn::io::file_element<long> && aecnn::io::file_element<long long>);
  static_assert(!aecnn::io::file_element<bool> && !aecnn::io::file_element<char> &&
                !aecnn::io::file_element<long double>);
  CHECK(aecnn::io::file_element<std::int32_t>);
}
