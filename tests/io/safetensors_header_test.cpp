#include <aecnn/io/safetensors_header.hpp>

#include <string>
#include <vector>

#include <catch_compat.hpp>

#include "io_support.hpp"

using aecnn::errc;
using aecnn::io::dtype;
using aecnn::io::safetensors_entry;
using aecnn::io::detail::parse_safetensors_header;
using namespace io_test;

namespace {

errc code_of(std::string_view text, std::size_t data_bytes, const aecnn::limits& bounds = {}) {
  const auto r = parse_safetensors_header(text, data_bytes, bounds);
  if (r) return errc{};
  CHECK_FALSE(r.error().message.empty());
  return r.error().code;
}

/// {"a":{...}}
std::string tensor_a(std::string_view fields) { return std::string("{\"a\":").append(fields).append("}"); }

} // namespace

TEST_CASE("dtypes have the format's names and sizes", "[safetensors_header]") {
  const std::vector<std::pair<std::string_view, std::size_t>> expected{
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"I16", 2}, {"U16", 2}, {"F16", 2}, {"BF16", 2},
      {"I32", 4},  {"U32", 4}, {"F32", 4}, {"F64", 8}, {"I64", 8}, {"U64", 8}};
  REQUIRE(expected.size() == aecnn::io::dtype_count);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(name(static_cast<dtype>(i)) == expected[i].first);
    CHECK(element_bytes(static_cast<dtype>(i)) == expected[i].second);
  }
}

TEST_CASE("a header gives its tensors and metadata in the order of their names", "[safetensors_header]") {
  const auto h = parse_safetensors_header(
      R"({"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"__metadata__":{"z":"1","b":"\u00e9\n"},)"
      R"("b":{"data_offsets":[26,26],"shape":[0,7],"dtype":"I64"},"a":{"shape":[],"dtype":"BF16","data_offsets":[24,26]}}  )",
      26, {});
  REQUIRE(h);
  REQUIRE(h->entries.size() == 3);
  CHECK(h->entries[0].name == "a");
  CHECK(h->entries[0].type == dtype::bfloat16);
  CHECK(h->entries[0].shape.empty());
  CHECK(h->entries[0].begin == 24);
  CHECK(h->entries[0].end == 26);
  CHECK(h->entries[1].name == "b");
  CHECK(h->entries[1].shape == std::vector<std::size_t>{0, 7});
  CHECK(h->entries[2].name == "w");
  CHECK(h->entries[2].type == dtype::float32);
  CHECK(h->entries[2].shape == std::vector<std::size_t>{2, 3});
  REQUIRE(h->metadata.size() == 2);
  CHECK(h->metadata[0] == std::pair<std::string, std::string>("b", "\xc3\xa9\n"));
  CHECK(h->metadata[1] == std::pair<std::string, std::string>("z", "1"));
  CHECK(code_of("{}", 0) == errc{});
  CHECK(code_of("{\"__metadata__\":{}}", 0) == errc{});
}

TEST_CASE("what is no such JSON text is refused with its cause", "[safetensors_header]") {
  struct sample {
    std::string text;
    errc code;
  };
  const std::string good = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  REQUIRE(code_of(tensor_a(good), 4) == errc{});
  for (const sample& s : std::vector<sample>{
           {"", errc::bad_format},
           {"{", errc::bad_format},
           {"{}}", errc::bad_format},
           {"{} x", errc::bad_format},
           {"{} {}", errc::bad_format},
           {std::string("{}\0", 3), errc::bad_format},
           {std::string("{}\0garbage", 10), errc::bad_format},
           {"{}\x01", errc::bad_format},
           {"\xef\xbb\xbf{}  \x1f", errc::bad_format},
           {"[]", errc::bad_format},
           {"3", errc::bad_format},
           {"\"a\"", errc::bad_format},
           {"null", errc::bad_format},
           {"{\"a\xff\":" + good + "}", errc::bad_format},
           {"{\"\xc0\x80\":" + good + "}", errc::bad_format},
           {"{\"a\\ud800\":" + good + "}", errc::bad_format},
           {"{'a':" + good + "}", errc::bad_format},
           {"{\"a\":" + good + ",}", errc::bad_format},
           {"{/*c*/\"a\":" + good + "}", errc::bad_format},
           {"{\"a\":1}", errc::bad_field},
           {"{\"a\":null}", errc::bad_field},
           {"{\"a\":[]}", errc::bad_field},
           {"{\"a\":\"F32\"}", errc::bad_field},
           {"{\"a\":true}", errc::bad_field},
           {"{\"a\":" + good + ",\"a\":" + good + "}", errc::duplicate_name},
           {"{\"a\":" + good + ",\"\\u0061\":" + good + "}", errc::duplicate_name},
           {"{\"__metadata__\":{},\"__metadata__\":{}}", errc::duplicate_name},
           {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", errc::duplicate_name},
           {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"1\"}}", errc::duplicate_name},
           {"{\"__metadata__\":[]}", errc::bad_field},
           {"{\"__metadata__\":\"x\"}", errc::bad_field},
           {"{\"__metadata__\":null}", errc::bad_field},
           {"{\"__metadata__\":{\"k\":1}}", errc::bad_field},
           {"{\"__metadata__\":{\"k\":null}}", errc::bad_field},
           {"{\"__metadata__\":{\"k\":{}}}", errc::bad_field},
           {"{\"__metadata__\":{\"k\":[]}}", errc::bad_field},
           {tensor_a("{}"), errc::missing_field},
           {tensor_a(R"({"shape":[1],"data_offsets":[0,4]})"), errc::missing_field},
           {tensor_a(R"({"dtype":"F32","data_offsets":[0,4]})"), errc::missing_field},
           {tensor_a(R"({"dtype":"F32","shape":[1]})"), errc::missing_field},
           {tensor_a(R"({"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]})"), errc::duplicate_name},
           {tensor_a(R"({"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]})"), errc::duplicate_name},
           {tensor_a(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4],"data_offsets":[0,4]})"), errc::duplicate_name},
           {tensor_a(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":0})"), errc::bad_field},
           {tensor_a(R"({"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]})"), errc::unsupported},
           {tensor_a(R"({"dtype":"f32","shape":[1],"data_offsets":[0,4]})"), errc::unsupported},
           {tensor_a(R"({"dtype":32,"shape":[1],"data_offsets":[0,4]})"), errc::bad_field},
           {tensor_a(R"({"dtype":["F32"],"shape":[1],"data_offsets":[0,4]})"), errc::bad_field},
           {tensor_a(R"({"dtype":"F32","shape":1,"data_offsets":[0,4]})"), errc::bad_field},
           {tensor_a(R"({"dtype":"F32","shape":["1"],"data_offsets":[0,4]})"), errc::bad_field},
           {tensor_a(R"({"dtype":"F32","shape":[[1]],"data_offsets":[0,4]})"), errc::bad_field},
           {tensor_a(R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})"), errc::bad_field},
           {tensor_a(R"({"dtype":"F32","shape":[1e0],"data_offsets":[0,4]})"), errc::bad_field},
           {tensor_a(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})"), errc::bad_field},
           {tensor_a(R"({"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]})"), errc::bad_field},
           {tensor_a(R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]})"), errc::unsupported},
           {tensor_a(R"({"dtype":"F32","shape":[1],"data_offsets":[0]})"), errc::bad_field},
           {tensor_a(R"({"dtype":"F32","shape":[1],"data_offsets":[]})"), errc::bad_field},
           {tensor_a(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4,4]})"), errc::bad_field},
           {tensor_a(R"({"dtype":"F32","shape":[1],"data_offsets":{"begin":0,"end":4}})"), errc::bad_field},
           {tensor_a(R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})"), errc::bad_layout},
           {tensor_a(R"({"dtype":"F32","shape":[1],"data_offsets":[0,3]})"), errc::bad_field},
           {tensor_a(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})"), errc::bad_field},
           {tensor_a(R"({"dtype":"F64","shape":[1],"data_offsets":[0,4]})"), errc::bad_field},
           {tensor_a(R"({"dtype":"F32","shape":[0],"data_offsets":[0,4]})"), errc::bad_field},
           {tensor_a(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"), errc::bad_layout},
           {tensor_a(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})"), errc::truncated},
           {tensor_a(R"({"dtype":"F32","shape":[0],"data_offsets":[0,0]})"), errc::trailing_bytes},
           {tensor_a(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]})"), errc::limit_exceeded},
           {tensor_a(R"({"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,0]})"),
            errc::limit_exceeded},
           {tensor_a(R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]})"), errc::limit_exceeded},
           {tensor_a(R"({"dtype":"F32","shape":[1],"data_offsets":[18446744073709551615,4]})"), errc::bad_layout},
           {tensor_a(R"({"dtype":"F32","shape":[1],"data_offsets":[18446744073709551612,18446744073709551615]})"),
            errc::bad_field},
       }) {
    INFO(s.text);
    CHECK(aecnn::name(code_of(s.text, 4)) == aecnn::name(s.code));
  }
}

TEST_CASE("a number beyond double is an error in every floating-point mode", "[safetensors_header]") {
  const errc code = code_of(tensor_a(R"({"dtype":"F32","shape":[1e999],"data_offsets":[0,4]})"), 4);
  CHECK((code == errc::bad_format || code == errc::bad_field)); // which one depends on whether infinity is recognised
}

TEST_CASE("tensors must fill the data without overlap or hole", "[safetensors_header]") {
  const auto two = [](std::size_t a0, std::size_t a1, std::size_t b0, std::size_t b1) {
    const auto one = [](std::size_t begin, std::size_t end) {
      return "{\"dtype\":\"U8\",\"shape\":[" + std::to_string(end - begin) + "],\"data_offsets\":[" +
             std::to_string(begin) + "," + std::to_string(end) + "]}";
    };
    return "{\"a\":" + one(a0, a1) + ",\"b\":" + one(b0, b1) + "}";
  };
  CHECK(code_of(two(0, 4, 4, 10), 10) == errc{});
  CHECK(code_of(two(6, 10, 0, 6), 10) == errc{});
  CHECK(code_of(two(0, 0, 0, 10), 10) == errc{});
  CHECK(code_of(two(10, 10, 0, 10), 10) == errc{});
  CHECK(code_of(two(0, 4, 0, 4), 4) == errc::bad_layout);
  CHECK(code_of(two(0, 10, 2, 4), 10) == errc::bad_layout);
  CHECK(code_of(two(0, 6, 5, 10), 10) == errc::bad_layout);
  CHECK(code_of(two(0, 4, 5, 10), 10) == errc::bad_layout);
  CHECK(code_of(two(1, 4, 4, 10), 10) == errc::bad_layout);
  CHECK(code_of(two(0, 10, 5, 5), 10) == errc::bad_layout);
  CHECK(code_of(two(0, 4, 4, 10), 9) == errc::truncated);
  CHECK(code_of(two(0, 4, 4, 10), 11) == errc::trailing_bytes);
  CHECK(code_of("{}", 1) == errc::trailing_bytes);

  const auto overlap = parse_safetensors_header(two(0, 6, 5, 10), 10, {});
  CHECK(contains(overlap.error().message, "\"b\""));
  CHECK(contains(overlap.error().message, "overlap"));
  const auto hole = parse_safetensors_header(two(0, 4, 5, 10), 10, {});
  CHECK(contains(hole.error().message, "hole"));
}

TEST_CASE("limits bound a header", "[safetensors_header]") {
  const std::string text = R"({"ab":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"cd":{"dtype":"U8","shape":[1],)"
                           R"("data_offsets":[3,4]},"__metadata__":{"ef":"g","hi":"j"}})";
  CHECK(code_of(text, 4, {.max_elements = 3, .max_tensors = 2, .max_name_bytes = 2}) == errc{});
  CHECK(code_of(text, 4, {.max_elements = 2}) == errc::limit_exceeded);
  CHECK(code_of(text, 4, {.max_tensors = 1}) == errc::limit_exceeded);
  CHECK(code_of(text, 4, {.max_name_bytes = 1}) == errc::limit_exceeded);
  CHECK(code_of(R"({"__metadata__":{"a":"","b":""}})", 0, {.max_tensors = 1}) == errc::limit_exceeded);
}

TEST_CASE("deep nesting ends at once", "[safetensors_header]") {
  const std::string deep = tensor_a("{\"shape\":" + std::string(1000000, '['));
  CHECK(code_of(deep, 0) == errc::bad_field);
  std::string objects = "{\"__metadata__\":";
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  CHECK(code_of(objects, 0) == errc::bad_field);
}

TEST_CASE("messages name the tensor and the field", "[safetensors_header]") {
  const auto r = parse_safetensors_header(R"({"layer\n1":{"dtype":"F32","shape":["x"]}})", 0, {});
  REQUIRE_FALSE(r);
  CHECK(contains(r.error().message, "\"layer\\n1\"")); // no line feed in a message
  CHECK(contains(r.error().message, "shape"));
  CHECK(contains(r.error().message, "string"));
  const auto m = parse_safetensors_header(R"({"__metadata__":{"key":7}})", 0, {});
  CHECK(contains(m.error().message, "\"key\""));
  CHECK(contains(m.error().message, "number"));
}

TEST_CASE("strings are quoted as the reference implementation does", "[safetensors_header]") {
  CHECK(aecnn::io::detail::json_quoted("a\"b\\c/d\b\f\n\r\t\x01\x1f\x7f\xc3\xa9") ==
        "\"a\\\"b\\\\c/d\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\"");
}

TEST_CASE("the written text is compact, padded, and read back", "[safetensors_header]") {
  const std::vector<safetensors_entry> entries{{"w", dtype::float32, {2, 3}, 0, 24}, {"b", dtype::uint8, {}, 24, 25}};
  const std::vector<std::pair<std::string, std::string>> metadata{{"k", "v\""}};
  const std::string text = aecnn::io::detail::safetensors_header_text(entries, metadata);
  const std::string json = R"({"__metadata__":{"k":"v\""},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                           R"("b":{"dtype":"U8","shape":[],"data_offsets":[24,25]}})";
  CHECK(text.size() % 8 == 0);
  CHECK(text.size() < json.size() + 8);
  CHECK(text == json + std::string(text.size() - json.size(), ' '));
  const auto back = parse_safetensors_header(text, 25, {});
  REQUIRE(back);
  CHECK(back->entries[0].name == "b");
  CHECK(back->metadata == metadata);
  CHECK(aecnn::io::detail::safetensors_header_text({}, {}) == "{}      ");
}
