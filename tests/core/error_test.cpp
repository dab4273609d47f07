#include <aecnn/core/error.hpp>

#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <catch_compat.hpp>

using aecnn::errc;
using aecnn::failure;
using aecnn::result;
using aecnn::status;

TEST_CASE("every code has its own name", "[error]") {
  CHECK(aecnn::name(errc::invalid_argument) == "invalid_argument");
  CHECK(aecnn::name(errc::limit_exceeded) == "limit_exceeded");
  CHECK(aecnn::name(errc::trailing_bytes) == "trailing_bytes");
  CHECK(aecnn::name(errc::checksum_mismatch) == "checksum_mismatch");
  CHECK(aecnn::name(errc::bad_layout) == "bad_layout");
  CHECK(aecnn::name(errc::io_error) == "io_error");
  CHECK(aecnn::name(errc::buffer_too_small) == "buffer_too_small");
  for (int a = 1; a <= static_cast<int>(errc::buffer_too_small); ++a) {
    CHECK_FALSE(aecnn::name(static_cast<errc>(a)).empty());
    CHECK(aecnn::name(static_cast<errc>(a)) != "unknown");
    for (int b = 1; b < a; ++b) CHECK(aecnn::name(static_cast<errc>(a)) != aecnn::name(static_cast<errc>(b)));
  }
  CHECK(aecnn::name(static_cast<errc>(0)) == "unknown");
  CHECK(aecnn::name(static_cast<errc>(10000)) == "unknown");
  CHECK(aecnn::name(static_cast<errc>(-1)) == "unknown");
}

TEST_CASE("the numbers of the codes are part of the interface", "[error]") {
  CHECK(static_cast<int>(errc::invalid_argument) == 1);
  CHECK(static_cast<int>(errc::truncated) == 5);
  CHECK(static_cast<int>(errc::bad_format) == 12);
  CHECK(static_cast<int>(errc::io_error) == 18);
  CHECK(static_cast<int>(errc::buffer_too_small) == 21);
}

TEST_CASE("fail joins text and numbers", "[error]") {
  const std::string owned = "owned";
  const failure f = aecnn::detail::fail(errc::bad_shape, "found ", 3, 'x', std::size_t{4}, ", ", owned, ' ', -1);
  CHECK(f.code == errc::bad_shape);
  CHECK(f.message == "found 3x4, owned -1");
  CHECK(aecnn::detail::fail(errc::bad_shape, std::numeric_limits<long long>::min(), ' ', ~0ULL, ' ', ~0U).message ==
        "-9223372036854775808 18446744073709551615 4294967295");
}

TEST_CASE("a result holds a value or a failure", "[error]") {
  const result<int> good = 7;
  REQUIRE(good.has_value());
  CHECK(static_cast<bool>(good));
  CHECK(*good == 7);
  CHECK(good.value() == 7);

  result<std::string> text = std::string("abc");
  CHECK(text->size() == 3);
  *text += 'd';
  CHECK(text.value() == "abcd");
  CHECK(std::move(text).value() == "abcd");

  const result<int> bad = failure{errc::truncated, "too short"};
  REQUIRE_FALSE(bad.has_value());
  CHECK_FALSE(static_cast<bool>(bad));
  CHECK(bad.error().code == errc::truncated);
  CHECK(bad.error().message == "too short");
}

TEST_CASE("a result carries what can only be moved", "[error]") {
  result<std::unique_ptr<int>> r = std::make_unique<int>(5);
  std::unique_ptr<int> p = std::move(r).value();
  CHECK(*p == 5);
  result<std::unique_ptr<int>> s = std::make_unique<int>(6);
  std::unique_ptr<int> q = *std::move(s);
  CHECK(*q == 6);
}

TEST_CASE("results are copied, moved and assigned in every state", "[error]") {
  const std::string long_text(100, 'x'); // on the heap, so that a lost or doubled destructor shows
  const result<std::string> good = long_text;
  const result<std::string> bad = failure{errc::corrupt, long_text};
  for (const auto& from : {good, bad})
    for (const auto& to :
         {good, bad, result<std::string>("other"), result<std::string>(failure{errc::io_error, "other"})}) {
      result<std::string> copied = from;
      CHECK(copied.has_value() == from.has_value());
      result<std::string> assigned = to;
      assigned = from;
      CHECK(assigned.has_value() == from.has_value());
      CHECK((assigned ? *assigned : assigned.error().message) == long_text);
      result<std::string> moved_into = to;
      moved_into = std::move(copied);
      CHECK(moved_into.has_value() == from.has_value());
      CHECK((moved_into ? moved_into.value() : moved_into.error().message) == long_text);
      result<std::string> moved(std::move(moved_into));
      CHECK((moved ? *moved : moved.error().message) == long_text);
      result<std::string>& self = assigned;
      assigned = self;
      CHECK((assigned ? *assigned : assigned.error().message) == long_text);
    }
  struct no_default {
    explicit no_default(int v) : value(v) {}
    int value;
  };
  const result<no_default> r = no_default(4);
  CHECK(r->value == 4);
  CHECK_FALSE(result<no_default>(failure{errc::corrupt, ""}));
}

TEST_CASE("value() throws aecnn::error with code and message", "[error]") {
  static_assert(std::is_base_of_v<std::runtime_error, aecnn::error>);
  result<int> bad = failure{errc::corrupt, "contradiction"};
  try {
    bad.value();
    FAIL("value() of a failure returned");
  } catch (const aecnn::error& e) {
    CHECK(e.code() == errc::corrupt);
    CHECK(std::string(e.what()) == "contradiction");
  }
  CHECK_THROWS_AS(std::as_const(bad).value(), std::runtime_error);
  CHECK_THROWS_AS(std::move(bad).value(), aecnn::error);
}

TEST_CASE("status is success unless it is a failure", "[error]") {
  const status good;
  CHECK(good.has_value());
  CHECK_NOTHROW(good.value());
  const status bad = failure{errc::io_error, "no such file"};
  CHECK_FALSE(bad.has_value());
  CHECK_FALSE(static_cast<bool>(bad));
  CHECK(bad.error().code == errc::io_error);
  CHECK_THROWS_AS(bad.value(), aecnn::error);
}

TEST_CASE("guarded turns failed allocations into a failure", "[error]") {
  const auto fine = aecnn::detail::guarded([]() -> result<int> { return 3; });
  REQUIRE(fine);
  CHECK(*fine == 3);
  const auto no_memory = aecnn::detail::guarded([]() -> result<int> { throw std::bad_alloc(); });
  REQUIRE_FALSE(no_memory);
  CHECK(no_memory.error().code == errc::out_of_memory);
  const auto too_long = aecnn::detail::guarded([]() -> status {
    std::string s;
    s.reserve(s.max_size() + 1);
    return {};
  });
  REQUIRE_FALSE(too_long);
  CHECK(too_long.error().code == errc::out_of_memory);
}
