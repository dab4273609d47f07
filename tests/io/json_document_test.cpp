#include <aecnn/io/json_document.hpp>

#include <string>
#include <utility>

#include <catch_compat.hpp>

using aecnn::errc;
using aecnn::io::json_document;
using aecnn::io::json_kind;

namespace {
aecnn::failure failure_of(const std::string& text, const aecnn::limits& l = {}) {
  const auto d = json_document::parse(text, l, "text");
  return d ? aecnn::failure{} : d.error();
}
} // namespace

TEST_CASE("values stand in the order of the text, with their descendants behind them", "[json_document]") {
  auto parsed = json_document::parse(R"({"a":[1,-2,{"b":"x\u00e9\n"}],"c":2.5,"d":null,"e":true})", {}, "text");
  REQUIRE(parsed);
  const json_document d = *std::move(parsed); // the strings survive a move
  const auto v = d.values();
  REQUIRE(v.size() == 9);
  CHECK(v[0].kind == json_kind::object);
  CHECK(v[0].end == 9);
  CHECK(v[1].kind == json_kind::array);
  CHECK(v[1].key == "a");
  CHECK(v[1].end == 6);
  CHECK(v[2].kind == json_kind::integer);
  CHECK(v[2].magnitude == 1);
  CHECK(v[2].key.empty());
  CHECK(v[3].negative);
  CHECK(v[3].magnitude == 2);
  CHECK(v[3].number == -2);
  CHECK(v[4].kind == json_kind::object);
  CHECK(v[4].end == 6);
  CHECK(v[5].key == "b");
  CHECK(v[5].text == "x\xc3\xa9\n");
  CHECK(v[6].kind == json_kind::number);
  CHECK(v[6].number == 2.5);
  CHECK(v[7].kind == json_kind::null);
  CHECK(v[8].kind == json_kind::boolean);
  CHECK(v[8].magnitude == 1);
}

TEST_CASE("integers keep all 64 bits", "[json_document]") {
  const auto d = json_document::parse("[18446744073709551615,-9223372036854775808,18446744073709551616]", {}, "text");
  REQUIRE(d);
  CHECK(d->values()[1].magnitude == 18446744073709551615U);
  CHECK(d->values()[2].negative);
  CHECK(d->values()[2].magnitude == 9223372036854775808U);
  CHECK(d->values()[3].kind == json_kind::number);
}

TEST_CASE("what is not JSON is refused", "[json_document]") {
  for (const char* text : {"", " ", "{", "[1,]", "{\"a\" 1}", "[01]", "[+1]", "[.5]", "[NaN]", "'a'", "[1] 2",
                           "// c\n1", "[1e999]", "\"\xff\"", "\"\\ud800\"", "\"\\x\"", "nul"}) {
    INFO(text);
    CHECK(failure_of(text).code == errc::bad_format);
  }
  CHECK(failure_of("[1,]").message == "text: JSON syntax error at byte 4");
  CHECK(failure_of(std::string("[1]\0", 4)).code == errc::bad_format);
  CHECK(failure_of(std::string("[\"\0\"]", 5)).message == "text: control character at byte 2");
}

TEST_CASE("depth, length and number of values are bounded", "[json_document]") {
  aecnn::limits l;
  l.max_json_depth = 3;
  CHECK(failure_of("[[[]],[[]]]", l).message.empty());
  CHECK(failure_of("[[[[]]]]", l).code == errc::limit_exceeded);
  CHECK(failure_of(R"({"a":{"b":[{}]}})", l).code == errc::limit_exceeded);
  CHECK(failure_of(std::string(1000000, '[')).code == errc::limit_exceeded);
  l = {};
  l.max_json_bytes = 10;
  CHECK(failure_of("[1,2,3,45]", l).message.empty());
  CHECK(failure_of("[1,2,3,456]", l).code == errc::limit_exceeded);
  l = {};
  l.max_nodes = l.max_tensors = 0;
  l.max_operating_points = 1;
  REQUIRE(json_document::most_values(l) == 128);
  std::string text = "[0";
  for (int i = 0; i < 126; ++i) text += ",0";
  CHECK(failure_of(text + "]", l).message.empty());
  CHECK(failure_of(text + ",0]", l).code == errc::limit_exceeded);
  l.max_nodes = l.max_tensors = l.max_operating_points = static_cast<std::size_t>(-1);
  CHECK(json_document::most_values(l) < 0xffffffff);
}
