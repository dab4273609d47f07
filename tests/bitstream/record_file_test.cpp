#include <aecnn/bitstream/record_file.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <catch_compat.hpp>
#include <random.hpp>

using aecnn::errc;
using aecnn::framing;
using aecnn::record_file;
using bytes = std::vector<std::byte>;

namespace {

bytes of(std::initializer_list<unsigned> values) {
  bytes b;
  for (const unsigned v : values) b.push_back(static_cast<std::byte>(v));
  return b;
}
bytes written(const record_file& f) {
  bytes out;
  aecnn::write_record_file(f, out);
  return out;
}
errc code(const bytes& b, const aecnn::limits& l = {}) {
  const auto f = aecnn::try_parse_record_file(b, l);
  REQUIRE_FALSE(f.has_value());
  CHECK_FALSE(f.error().message.empty());
  return f.error().code;
}

} // namespace

TEST_CASE("a record file has the documented bytes") {
  const bytes first = of({1, 2, 3}), second;
  CHECK(written({framing::standard, 0, 0, 0x0123456789abcdefU, 0, 0, {first, second}}) ==
        of({'A', 'E', 'C', 'F', 1, 0, 0, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, 2, 0, 0, 3, 1, 2, 3, 0}));
  CHECK(written({framing::none, 5, 2, 1, 200, 7, {}}) == of({'A', 'E', 'C', 'F', 1, 1, 0x65, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0xc8, 0x01, 7}));
}

TEST_CASE("record files make the round trip") {
  random_integers random(1);
  for (int n = 0; n < 300; ++n) {
    std::vector<bytes> records(random.below(20));
    for (auto& r : records) {
      r.resize(random.below(n % 3 == 0 ? 400 : 10));
      for (auto& v : r) v = static_cast<std::byte>(random.below(256));
    }
    const bool bare = random.below(2) == 1;
    record_file f;
    f.frame = bare ? framing::none : framing::standard;
    f.profile_hash = random.next();
    if (bare) {
      f.operating_point = random.below(32);
      f.mode = static_cast<std::uint8_t>(random.below(3));
      f.height = random.below(16385);
      f.width = random.below(16385);
    }
    f.records.assign(records.begin(), records.end());
    const bytes file = written(f);
    const auto found = aecnn::try_parse_record_file(file).value();
    REQUIRE(found.frame == f.frame);
    REQUIRE(found.operating_point == f.operating_point);
    REQUIRE(found.mode == f.mode);
    REQUIRE(found.profile_hash == f.profile_hash);
    REQUIRE(found.height == f.height);
    REQUIRE(found.width == f.width);
    REQUIRE(found.records.size() == records.size());
    for (std::size_t i = 0; i < records.size(); ++i) REQUIRE(bytes(found.records[i].begin(), found.records[i].end()) == records[i]);
  }
}

TEST_CASE("every truncation and every appended byte is refused by its cause") {
  const bytes a = of({1, 2, 3}), b = of({9});
  const bytes good = written({framing::none, 1, 2, 77, 300, 2, {a, b}});
  REQUIRE(aecnn::try_parse_record_file(good).has_value());
  for (std::size_t n = 0; n < good.size(); ++n)
    CHECK(code(bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n))) == (n < 4 ? errc::bad_format : errc::truncated));
  for (const unsigned v : {0U, 1U, 255U}) {
    bytes longer = good;
    longer.push_back(static_cast<std::byte>(v));
    CHECK(code(longer) == errc::trailing_bytes);
  }
}

TEST_CASE("values outside the format are refused by their cause") {
  const bytes record = of({7});
  const bytes good = written({framing::standard, 0, 0, 5, 0, 0, {record}});
  const auto changed = [&](std::size_t at, unsigned v) {
    bytes b = good;
    b[at] = static_cast<std::byte>(v);
    return code(b);
  };
  for (std::size_t i = 0; i < 4; ++i) CHECK(changed(i, 'x') == errc::bad_format);
  CHECK(changed(4, 0) == errc::unsupported_version);
  CHECK(changed(4, 2) == errc::unsupported_version);
  CHECK(changed(5, 2) == errc::corrupt);
  CHECK(changed(6, 1) == errc::corrupt);  // an operating point beside records that name their own
  CHECK(changed(16, 1) == errc::corrupt); // extents likewise
  CHECK(changed(17, 1) == errc::corrupt);
  CHECK(changed(15, 0) == errc::trailing_bytes);
  CHECK(changed(15, 2) == errc::truncated);
  CHECK(changed(15, 100) == errc::truncated);
  CHECK(changed(18, 0) == errc::trailing_bytes);
  CHECK(changed(18, 2) == errc::truncated);
  bytes bare = written({framing::none, 31, 0, 5, 0, 0, {}});
  CHECK(aecnn::try_parse_record_file(bare).has_value());
  for (const unsigned format : {0U, 4U, 7U}) {
    bare[6] = static_cast<std::byte>(format << 5);
    CHECK(code(bare) == errc::unsupported_version);
  }
}

TEST_CASE("a declared number of records or a length takes no memory before it is checked") {
  // 2^63 records in a few bytes.
  CHECK(code(of({'A', 'E', 'C', 'F', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0, 0, 1})) ==
        errc::truncated);
  CHECK(code(of({'A', 'E', 'C', 'F', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})) ==
        errc::truncated);
  const bytes wide = written({framing::none, 0, 0, 5, 20000, 1, {}});
  CHECK(code(wide) == errc::limit_exceeded);
  CHECK(aecnn::try_parse_record_file(wide, {.max_extent = 20000}).has_value());
}

TEST_CASE("random bytes after the magic never do harm") {
  random_integers random(2);
  for (int n = 0; n < 20000; ++n) {
    bytes b = of({'A', 'E', 'C', 'F', 1, random.below(3), 0});
    const std::size_t size = random.below(40);
    for (std::size_t i = 0; i < size; ++i) b.push_back(static_cast<std::byte>(random.below(n % 2 ? 256 : 3)));
    if (const auto f = aecnn::try_parse_record_file(b)) REQUIRE(written(*f) == b);
  }
}
