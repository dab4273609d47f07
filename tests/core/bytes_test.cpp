#include <aecnn/core/bytes.hpp>

#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch_compat.hpp>

using aecnn::byte_reader;
using aecnn::byte_writer;

namespace {
std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> out;
  for (int v : values) out.push_back(static_cast<std::byte>(v));
  return out;
}
} // namespace

TEST_CASE("integers are little-endian on every machine", "[bytes]") {
  std::vector<std::byte> out;
  byte_writer w(out);
  w.u8(0x01);
  w.u16(0x2345);
  w.u32(0x6789abcd);
  w.u64(0x0123456789abcdef);
  w.f32(1.0F);
  CHECK(w.size() == 19);
  CHECK(out == bytes_of({0x01, 0x45, 0x23, 0xcd, 0xab, 0x89, 0x67, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, 0x00,
                         0x00, 0x80, 0x3f}));
  byte_reader r(out);
  CHECK(r.u8() == 0x01);
  CHECK(r.u16() == 0x2345);
  CHECK(r.u32() == 0x6789abcd);
  CHECK(r.position() == 7);
  CHECK(r.u64() == 0x0123456789abcdef);
  CHECK(r.f32() == 1.0F);
  CHECK(r.remaining() == 0);
  CHECK_FALSE(r.failed());
}

TEST_CASE("floats keep their bits", "[bytes]") {
  for (std::uint32_t bits : {0U, 0x80000000U, 1U, 0x7f800000U, 0xff800000U, 0x7fc00001U, 0x7f7fffffU, 0x3eaaaaabU}) {
    std::vector<std::byte> out;
    byte_writer(out).f32(std::bit_cast<float>(bits));
    CHECK(std::bit_cast<std::uint32_t>(byte_reader(out).f32()) == bits);
  }
}

TEST_CASE("a read past the end gives zero and is remembered", "[bytes]") {
  const auto three = bytes_of({1, 2, 3});
  byte_reader r(three);
  CHECK(r.u32() == 0);
  CHECK(r.failed());
  CHECK(r.u8() == 0); // nothing is read after a failure, so that one check at the end is enough
  CHECK(r.take(1).empty());
  byte_reader s(three);
  CHECK(s.take(4).empty());
  CHECK(s.failed());
  byte_reader t(three);
  CHECK(t.take(std::numeric_limits<std::size_t>::max()).empty());
  CHECK(t.failed());
  byte_reader empty;
  CHECK_FALSE(empty.failed());
  CHECK(empty.rest().empty());
  CHECK_FALSE(empty.failed());
  CHECK(empty.u8() == 0);
  CHECK(empty.failed());
}

TEST_CASE("take and rest hand out the bytes in order", "[bytes]") {
  const auto five = bytes_of({1, 2, 3, 4, 5});
  byte_reader r(five);
  const auto two = r.take(2);
  REQUIRE(two.size() == 2);
  CHECK(two[1] == std::byte{2});
  CHECK(r.remaining() == 3);
  const auto rest = r.rest();
  REQUIRE(rest.size() == 3);
  CHECK(rest[0] == std::byte{3});
  CHECK(r.remaining() == 0);
  CHECK_FALSE(r.failed());
}

TEST_CASE("variable-length integers take the fewest bytes and come back", "[bytes]") {
  struct sample {
    std::uint64_t value;
    std::size_t bytes;
  };
  for (const sample s : {sample{0, 1},
                         {1, 1},
                         {127, 1},
                         {128, 2},
                         {16383, 2},
                         {16384, 3},
                         {0xffffffff, 5},
                         {std::uint64_t{1} << 63, 10},
                         {std::numeric_limits<std::uint64_t>::max(), 10}}) {
    std::vector<std::byte> out;
    byte_writer(out).varint(s.value);
    CHECK(out.size() == s.bytes);
    byte_reader r(out);
    CHECK(r.varint() == s.value);
    CHECK_FALSE(r.failed());
    CHECK(r.remaining() == 0);
  }
  std::vector<std::byte> out;
  byte_writer(out).varint(300);
  CHECK(out == bytes_of({0xac, 0x02}));
}

TEST_CASE("variable-length integers that are cut, padded or too long fail", "[bytes]") {
  for (const auto& bad : {bytes_of({}), bytes_of({0x80}), bytes_of({0x80, 0x00}), bytes_of({0xff, 0x80, 0x00}),
                          bytes_of({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}),
                          bytes_of({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0x00}),
                          bytes_of({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01})}) {
    byte_reader r(bad);
    CHECK(r.varint() == 0);
    CHECK(r.failed());
  }
}

TEST_CASE("text and bytes are appended as they are", "[bytes]") {
  std::vector<std::byte> out = bytes_of({9});
  byte_writer w(out);
  w.text("ab");
  w.bytes(bytes_of({0, 255}));
  CHECK(out == bytes_of({9, 'a', 'b', 0, 255}));
}

TEST_CASE("multiply finds overflow", "[bytes]") {
  const std::size_t max = std::numeric_limits<std::size_t>::max();
  std::size_t p = 0;
  CHECK(aecnn::detail::multiply(3, 4, p));
  CHECK(p == 12);
  CHECK(aecnn::detail::multiply(0, max, p));
  CHECK(p == 0);
  CHECK(aecnn::detail::multiply(max, 0, p));
  CHECK(p == 0);
  CHECK(aecnn::detail::multiply(max, 1, p));
  CHECK(p == max);
  CHECK_FALSE(aecnn::detail::multiply(max, 2, p));
  CHECK_FALSE(aecnn::detail::multiply(max / 2 + 1, 2, p));
  CHECK(aecnn::detail::multiply(max / 2, 2, p));
}
