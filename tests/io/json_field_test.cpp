#include <aecnn/io/json_field.hpp>

#include <functional>
#include <optional>
#include <string>

#include <catch_compat.hpp>

using aecnn::errc;
using aecnn::failure;
using aecnn::io::json_document;
using aecnn::io::json_field;

namespace {
/// What `read` finds wrong with a text; an empty message where nothing is.
failure reading(const std::string& text, const std::function<void(const json_field&)>& read) {
  const auto d = json_document::parse(text, {}, "text");
  REQUIRE(d);
  std::optional<failure> why;
  read(json_field(*d, why));
  return why ? *why : failure{};
}
} // namespace

TEST_CASE("fields are read by name and place", "[json_field]") {
  const auto f = reading(R"({"a":{"list":[3,{"n":-7},"x"]},"z":1e3})", [](const json_field& root) {
    root.expect_members({"a", "b", "z"});
    CHECK(root.has("a"));
    CHECK_FALSE(root.has("b"));
    CHECK_FALSE(root.has("list"));
    CHECK(root["z"].number() == 1000);
    int seen = 0;
    root["a"]["list"].each(3, [&](const json_field& e, std::size_t i) {
      ++seen;
      if (i == 0) CHECK(e.integer(3, 3) == 3);
      if (i == 1) {
        CHECK(e.path() == "a.list[1]");
        CHECK(e["n"].signed_integer() == -7);
        CHECK(e["n"].path() == "a.list[1].n");
      }
      if (i == 2) {
        CHECK(e.text(1) == "x");
        CHECK(e.one_of({"w", "x"}) == 1);
      }
    });
    CHECK(seen == 3);
  });
  CHECK(f.message.empty());
}

TEST_CASE("the first failure is kept, and later reads are harmless", "[json_field]") {
  const auto f = reading(R"({"a":"text","b":5})", [](const json_field& root) {
    CHECK(root["a"].integer(4, 9) == 4);
    CHECK(root["missing"]["deeper"].integer(1, 2) == 1);
    CHECK(root["b"].integer(0, 9) == 0);
    CHECK(root["a"].text(9).empty());
    CHECK_FALSE(root.has("b"));
    root["a"].each(9, [](const json_field&, std::size_t) { CHECK(false); });
    CHECK(root.texts(9, 9).empty());
  });
  CHECK(f.code == errc::bad_field);
  CHECK(f.message == "a: found a string, expected an integer");
}

TEST_CASE("each kind of failure has its code", "[json_field]") {
  const auto check = [](const std::string& text, errc code, const std::string& message,
                        const std::function<void(const json_field&)>& read) {
    const auto f = reading(text, read);
    CHECK(f.code == code);
    CHECK(f.message == message);
  };
  check("{}", errc::missing_field, "a: is missing", [](const json_field& r) { r["a"].number(); });
  check("[]", errc::bad_field, "document: found an array, expected an object",
        [](const json_field& r) { r["a"].number(); });
  check(R"({"a":1,"b":2})", errc::bad_field, "document: unknown key 'b'",
        [](const json_field& r) { r.expect_members({"a"}); });
  check(R"({"a":1,"a":1})", errc::duplicate_name, "document: key 'a' occurs twice",
        [](const json_field& r) { r.expect_members({"a"}); });
  check(R"({"":1})", errc::bad_field, "document: unknown key ''", [](const json_field& r) { r.expect_members({"a"}); });
  check("[1,2]", errc::limit_exceeded, "document: 2 elements, at most 1 allowed",
        [](const json_field& r) { r.each(1, [](const json_field&, std::size_t) {}); });
  check("7", errc::bad_field, "document: 7, expected 1 to 6", [](const json_field& r) { r.integer(1, 6); });
  check("-3", errc::bad_field, "document: -3, expected 0 to 6", [](const json_field& r) { r.integer(0, 6); });
  check("-1", errc::bad_field, "document: -1, expected 0 to 18446744073709551615",
        [](const json_field& r) { r.integer(0, static_cast<std::uint64_t>(-1)); });
  check("9223372036854775808", errc::bad_field, "document: 9223372036854775808, expected a signed 64-bit integer",
        [](const json_field& r) { r.signed_integer(); });
  check("-0.5", errc::bad_field, "document: negative", [](const json_field& r) { r.number(); });
  check("\"abc\"", errc::limit_exceeded, "document: 3 bytes, at most 2 allowed",
        [](const json_field& r) { r.text(2); });
  check("\"c\"", errc::bad_field, "document: 'c', expected one of a, b", [](const json_field& r) {
    r.one_of({"a", "b"});
  });
  check(R"(["a",1])", errc::bad_field, "[1]: found an integer, expected a string",
        [](const json_field& r) { r.texts(9, 9); });
}

TEST_CASE("the ends of the integer ranges are inside", "[json_field]") {
  const auto f = reading("[9223372036854775807,-9223372036854775808,18446744073709551615,-0]", [](const json_field& r) {
    r.each(4, [](const json_field& e, std::size_t i) {
      if (i == 0) CHECK(e.signed_integer() == std::int64_t{9223372036854775807});
      if (i == 1) CHECK(e.signed_integer() == -9223372036854775807 - 1);
      if (i == 2) CHECK(e.integer(0, static_cast<std::uint64_t>(-1)) == static_cast<std::uint64_t>(-1));
      if (i == 3) CHECK(e.integer(0, 0) == 0);
    });
  });
  CHECK(f.message.empty());
}
