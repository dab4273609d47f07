#include <aecnn/bitstream/header.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <catch_compat.hpp>

using aecnn::errc;
using aecnn::stream_header;
using bytes = std::vector<std::byte>;

namespace {

bytes of(std::initializer_list<unsigned> values) {
  bytes b;
  for (const unsigned v : values) b.push_back(static_cast<std::byte>(v));
  return b;
}
bytes written(const stream_header& h, bool open) {
  bytes out;
  aecnn::write_header(h, open, out);
  return out;
}
errc code(const bytes& b, bool open, const aecnn::limits& l = {}) {
  aecnn::byte_reader r(b);
  const auto h = aecnn::read_header(r, open, l);
  REQUIRE_FALSE(h.has_value());
  CHECK_FALSE(h.error().message.empty());
  return h.error().code;
}

} // namespace

TEST_CASE("a header has the documented bytes") {
  CHECK(written({2, 0, 0x01, 0x06b9, 0, 0}, false) == of({0x22, 0x01, 0xb9, 0x06}));
  CHECK(written({31, 2, 0xfe, 0xff00, 1, 1}, true) == of({0x7f, 0xfe, 0x00, 0xff, 0, 0}));
  CHECK(written({0, 1, 0, 0, 200, 16384}, true) == of({0x40, 0, 0, 0, 0xc7, 0x01, 0xff, 0x7f}));
  CHECK(aecnn::profile_id(0xab00000000000000U) == 0xab);
}

TEST_CASE("headers of all extents make the round trip in at most eight bytes") {
  for (std::uint32_t point = 0; point < 32; ++point)
    for (const std::size_t height : {1U, 2U, 128U, 129U, 300U, 16384U})
      for (const std::size_t width : {1U, 127U, 128U, 129U, 16383U, 16384U}) {
        const stream_header h{point, static_cast<std::uint8_t>(point % 3), static_cast<std::uint8_t>(point * 7), static_cast<std::uint16_t>(height * 3), height, width};
        bytes b = written(h, true);
        REQUIRE(b.size() == 4U + (height > 128 ? 2U : 1U) + (width > 128 ? 2U : 1U));
        REQUIRE(b.size() <= aecnn::max_header_bytes);
        b.push_back(std::byte{0x99});
        aecnn::byte_reader r(b);
        const auto found = aecnn::read_header(r, true, {}).value();
        REQUIRE(found.operating_point == h.operating_point);
        REQUIRE(found.mode == h.mode);
        REQUIRE(found.profile_id == h.profile_id);
        REQUIRE(found.checksum == h.checksum);
        REQUIRE(found.height == height);
        REQUIRE(found.width == width);
        REQUIRE(r.remaining() == 1); // the payload
        aecnn::byte_reader closed(b);
        const auto fixed = aecnn::read_header(closed, false, {}).value();
        REQUIRE(fixed.height == 0);
        REQUIRE(fixed.width == 0);
        REQUIRE(closed.remaining() == b.size() - 4);
        aecnn::byte_reader start(b);
        REQUIRE(aecnn::read_header_start(start).value().operating_point == point);
      }
}

TEST_CASE("truncated headers, other versions and extents above the limits are refused by their cause") {
  const bytes good = written({1, 0, 2, 3, 200, 300}, true);
  for (std::size_t n = 0; n < good.size(); ++n) CHECK(code(bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n)), true) == errc::truncated);
  for (const unsigned format : {0U, 4U, 5U, 6U, 7U})
    CHECK(code(of({format << 5, 0, 0, 0}), false) == errc::unsupported_version);
  CHECK(code(good, true, {.max_extent = 299}) == errc::limit_exceeded);
  CHECK(code(good, true, {.max_extent = 199}) == errc::limit_exceeded);
  CHECK(code(of({0x20, 0, 0, 0, 0x80, 0x80, 0x01, 0x00}), true) == errc::corrupt); // 16385 rows
  CHECK(code(of({0x20, 0, 0, 0, 0x00, 0x80, 0x80, 0x01}), true) == errc::corrupt);
  CHECK(code(of({0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00}), true) == errc::corrupt);
  // Not the shortest form.
  CHECK(code(of({0x20, 0, 0, 0, 0x80, 0x00, 0x00}), true) == errc::truncated);
}
