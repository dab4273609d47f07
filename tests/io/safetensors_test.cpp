#include <aecnn/io/safetensors.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <catch_compat.hpp>

#include "io_support.hpp"

using aecnn::errc;
using aecnn::io::dtype;
using aecnn::io::parse_safetensors;
using aecnn::io::safetensors;
using aecnn::io::serialize;
using aecnn::io::try_parse_safetensors;
using aecnn::io::try_serialize;
using namespace io_test;

using shape = std::vector<std::size_t>;

namespace {

errc code_of(const std::vector<std::byte>& file, const aecnn::limits& bounds = {}) {
  const auto r = try_parse_safetensors(file, bounds);
  if (r) return errc{};
  CHECK_FALSE(r.error().message.empty());
  return r.error().code;
}

/// A file with this JSON text as its header.
std::vector<std::byte> file_of(std::string_view json, std::string_view data = "") {
  std::vector<std::byte> file;
  aecnn::byte_writer w(file);
  w.u64(json.size());
  w.text(json);
  w.text(data);
  return file;
}

safetensors small_content() {
  safetensors s;
  s.add("weight", {2, 2}, std::vector<float>{1, -2, 0.5F, 3});
  s.add("steps", {3}, std::vector<std::uint8_t>{1, 2, 255});
  s.add("codes", {1, 2}, std::vector<std::int16_t>{-300, 300});
  s.set_metadata("aecnn", "{\"version\":1}");
  return s;
}

} // namespace

TEST_CASE("files of the reference implementation", "[safetensors]") {
  // The vectors of the reference implementation's own tests (safetensors/src/tensor.rs).
  const std::vector<float> six{0, 1, 2, 3, 4, 5};
  const std::string floats("\0\0\0\0\0\0\200\077\0\0\0\100\0\0\100\100\0\0\200\100\0\0\240\100", 24);
  safetensors a;
  a.add("attn.0", {1, 2, 3}, six);
  const auto file_a = file_of(R"({"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}})", floats);
  CHECK(to_text(file_a).substr(0, 8) == std::string("\100\0\0\0\0\0\0\0", 8));
  CHECK(serialize(a) == file_a);
  CHECK(*parse_safetensors(file_a).floats("attn.0") == six);
  CHECK(*parse_safetensors(file_a).shape("attn.0") == shape{1, 2, 3});

  safetensors b;
  b.add("attn0", {1, 1, 2, 3}, six);
  const auto file_b = file_of(R"({"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}       )", floats);
  CHECK(serialize(b) == file_b);

  CHECK(serialize(safetensors{}) == file_of("{}      "));
  safetensors c;
  c.set_metadata("framework", "pt");
  CHECK(serialize(c) == file_of(R"({"__metadata__":{"framework":"pt"}}     )"));
  CHECK(*parse_safetensors(serialize(c)).find_metadata("framework") == "pt");
  CHECK(parse_safetensors(serialize(c)).find_metadata("Framework") == nullptr);
}

TEST_CASE("every type goes out and comes back", "[safetensors]") {
  safetensors s;
  s.add("f32", {2}, std::vector<float>{-0.0F, std::numeric_limits<float>::denorm_min()});
  s.add("f64", {1}, std::vector<double>{0.1});
  s.add("i8", {2}, std::vector<std::int8_t>{-128, 127});
  s.add("u8", {2}, std::vector<std::uint8_t>{0, 255});
  s.add("i16", {1}, std::vector<std::int16_t>{-32768});
  s.add("u16", {1}, std::vector<std::uint16_t>{65535});
  s.add("i32", {1}, std::vector<std::int32_t>{-2147483647 - 1});
  s.add("u32", {1}, std::vector<std::uint32_t>{4294967295U});
  s.add("i64", {1}, std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::min()});
  s.add("u64", {1}, std::vector<std::uint64_t>{std::numeric_limits<std::uint64_t>::max()});
  s.add("f16", dtype::float16, {2}, text_bytes("\0\074\0\300", 4));
  s.add("bf16", dtype::bfloat16, {2}, text_bytes("\200\077\040\300", 4));
  s.add("bool", dtype::boolean, {2}, text_bytes("\1\0", 2));
  s.add("scalar", {}, std::vector<float>{7});
  s.add("none", {0, 5}, std::vector<float>{});

  const auto back = parse_safetensors(serialize(s));
  REQUIRE(back.entries.size() == 15);
  for (std::size_t i = 1; i < back.entries.size(); ++i) CHECK(back.entries[i - 1].name < back.entries[i].name);
  const auto f32 = *back.floats("f32");
  CHECK(std::signbit(f32[0]));
  CHECK(f32[1] == std::numeric_limits<float>::denorm_min());
  CHECK(*back.floats("f64") == std::vector<float>{0.1F});
  CHECK(*back.floats("f16") == std::vector<float>{1, -2});
  CHECK(*back.floats("bf16") == std::vector<float>{1, -2.5F});
  CHECK(*back.floats("scalar") == std::vector<float>{7});
  CHECK(back.shape("scalar")->empty());
  CHECK(back.floats("none")->empty());
  CHECK(*back.shape("none") == shape{0, 5});
  CHECK(*back.integers<std::int8_t>("i8") == std::vector<std::int8_t>{-128, 127});
  CHECK(*back.integers<std::uint8_t>("u8") == std::vector<std::uint8_t>{0, 255});
  CHECK(*back.integers<std::int16_t>("i16") == std::vector<std::int16_t>{-32768});
  CHECK(*back.integers<std::uint16_t>("u16") == std::vector<std::uint16_t>{65535});
  CHECK(*back.integers<std::int32_t>("i32") == std::vector<std::int32_t>{-2147483647 - 1});
  CHECK(*back.integers<std::uint32_t>("u32") == std::vector<std::uint32_t>{4294967295U});
  CHECK(*back.integers<std::int64_t>("i64") == std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::min()});
  CHECK(*back.integers<std::uint64_t>("u64") == std::vector<std::uint64_t>{std::numeric_limits<std::uint64_t>::max()});
  CHECK(*back.integers<int>("bool") == std::vector<int>{1, 0});
  CHECK(back.find("bool")->type == dtype::boolean);

  // Another width serves where every value fits.
  CHECK(*back.integers<std::size_t>("u8") == std::vector<std::size_t>{0, 255});
  CHECK(*back.integers<std::int64_t>("i8") == std::vector<std::int64_t>{-128, 127});
  CHECK(back.integers<std::uint8_t>("i8").error().code == errc::bad_field);
  CHECK(back.integers<std::int64_t>("u64").error().code == errc::bad_field);
  CHECK(back.integers<std::uint16_t>("u32").error().code == errc::bad_field);
  CHECK(contains(back.integers<std::uint8_t>("i8").error().message, "-128"));
}

TEST_CASE("access checks name and type", "[safetensors]") {
  const auto s = small_content();
  CHECK(s.find("absent") == nullptr);
  CHECK(s.floats("absent").error().code == errc::missing_field);
  CHECK(s.shape("absent").error().code == errc::missing_field);
  CHECK(s.bytes("absent").error().code == errc::missing_field);
  CHECK(s.integers<int>("absent").error().code == errc::missing_field);
  CHECK(contains(s.floats("absent").error().message, "\"absent\""));
  CHECK(s.floats("steps").error().code == errc::bad_field);
  CHECK(contains(s.floats("steps").error().message, "U8"));
  CHECK(s.integers<int>("weight").error().code == errc::bad_field);
  CHECK(to_text(*s.bytes("steps")) == "\1\2\xff");

  safetensors odd;
  odd.add("flag", dtype::boolean, {1}, text_bytes("\2"));
  CHECK(odd.integers<int>("flag").error().code == errc::bad_field);
}

TEST_CASE("what cannot be a file is not added", "[safetensors]") {
  safetensors s;
  s.add("a", {1}, std::vector<float>{1});
  CHECK(s.try_add("a", {1}, std::vector<float>{2}).error().code == errc::duplicate_name);
  CHECK(s.try_add("b", {2}, std::vector<float>{2}).error().code == errc::bad_shape);
  CHECK(s.try_add("b", dtype::float32, {1}, std::vector<std::byte>(3)).error().code == errc::bad_shape);
  CHECK(s.try_add("__metadata__", {1}, std::vector<float>{2}).error().code == errc::invalid_argument);
  CHECK_THROWS_AS(s.add("a", {1}, std::vector<float>{2}), aecnn::error);
  CHECK(s.entries.size() == 1);
  CHECK(s.data.size() == 4);
  CHECK(*s.floats("a") == std::vector<float>{1});

  safetensors latin1;
  latin1.add("\xe9", {1}, std::vector<float>{1});
  CHECK(try_serialize(latin1).error().code == errc::bad_format);
  safetensors bad_value;
  bad_value.set_metadata("k", "\xff");
  CHECK(try_serialize(bad_value).error().code == errc::bad_format);
  CHECK(try_serialize(s, {.max_elements = 0}).error().code == errc::limit_exceeded);
  CHECK(try_serialize(s, {.max_json_bytes = 8}).error().code == errc::limit_exceeded);

  auto inconsistent = s; // the members are public: a contradiction must not reach a file
  inconsistent.entries[0].shape = {2};
  CHECK(try_serialize(inconsistent).error().code == errc::bad_field);
  inconsistent.entries[0].end = 1000;
  CHECK(try_serialize(inconsistent).error().code == errc::bad_layout);
  auto twice = s;
  twice.entries.push_back(twice.entries[0]);
  CHECK(try_serialize(twice).error().code == errc::duplicate_name);
}

TEST_CASE("the same content gives the same bytes", "[safetensors]") {
  const auto first = serialize(small_content());
  safetensors other;
  other.set_metadata("aecnn", "old");
  other.add("codes", {1, 2}, std::vector<std::int16_t>{-300, 300});
  other.add("weight", {2, 2}, std::vector<float>{1, -2, 0.5F, 3});
  other.set_metadata("aecnn", "{\"version\":1}");
  other.add("steps", {3}, std::vector<std::uint8_t>{1, 2, 255});
  CHECK(serialize(other) == first);
  CHECK(serialize(parse_safetensors(first)) == first);
  // Widest types first, so that every tensor is aligned in the file.
  CHECK(to_text(first) ==
        to_text(file_of(R"({"__metadata__":{"aecnn":"{\"version\":1}"},"weight":{"dtype":"F32","shape":[2,2],)"
                        R"("data_offsets":[0,16]},"codes":{"dtype":"I16","shape":[1,2],"data_offsets":[16,20]},)"
                        R"("steps":{"dtype":"U8","shape":[3],"data_offsets":[20,23]}})",
                        std::string("\0\0\200\077\0\0\0\300\0\0\0\077\0\0\100\100\324\376\054\001\001\002\377", 23))));
}

TEST_CASE("files in another order are read", "[safetensors]") {
  const auto s = parse_safetensors(file_of(
      R"({"b":{"shape":[2],"data_offsets":[1,3],"dtype":"U8"},"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]}})",
      "xyz"));
  CHECK(*s.integers<int>("a") == std::vector<int>{'x'});
  CHECK(*s.integers<int>("b") == std::vector<int>{'y', 'z'});
  CHECK(s.entries[0].name == "a");
}

TEST_CASE("the frame of a file is checked", "[safetensors]") {
  CHECK(code_of({}) == errc::truncated);
  CHECK(code_of(text_bytes("\2\0\0\0\0\0\0", 7)) == errc::truncated);
  CHECK(code_of(file_of("")) == errc::bad_format);
  CHECK(code_of(file_of(" {}")) == errc::bad_format);
  CHECK(code_of(file_of("\xef\xbb\xbf{}")) == errc::bad_format);
  CHECK(code_of(text_bytes("this is a text file, not a profile")) == errc::bad_format);
  CHECK(code_of(text_bytes("\3\0\0\0\0\0\0\0{}", 10)) == errc::truncated);
  CHECK(code_of(text_bytes("\2\0\0\0\0\0\0\0{}", 10)) == errc{});
  CHECK(code_of(text_bytes("\377\377\377\377\377\377\377\377{}", 10)) == errc::limit_exceeded);
  CHECK(code_of(text_bytes("\0\0\0\0\0\0\0\200{}", 10)) == errc::limit_exceeded);
  CHECK(code_of(file_of("{}", "x")) == errc::trailing_bytes);
  CHECK(code_of(file_of("{}"), {.max_json_bytes = 1}) == errc::limit_exceeded);
  CHECK(code_of(file_of("{}"), {.max_file_bytes = 9}) == errc::limit_exceeded);
}

TEST_CASE("every truncation of a file is an error", "[safetensors]") {
  const auto file = serialize(small_content());
  for (std::size_t n = 0; n < file.size(); ++n)
    if (code_of({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n)}) != errc::truncated)
      FAIL("cut after " << n << " of " << file.size() << " bytes");
  auto longer = file;
  longer.push_back(std::byte{0});
  CHECK(code_of(longer) == errc::trailing_bytes);
}

TEST_CASE("every flipped bit gives an error or well-formed tensors", "[safetensors]") {
  const auto file = serialize(small_content());
  std::size_t errors = 0, contents = 0;
  with_each_bit_flipped(file, [&](const std::vector<std::byte>& damaged) {
    const auto r = try_parse_safetensors(damaged);
    if (!r) {
      ++errors;
      if (r.error().message.empty()) FAIL("an error without a message");
      return;
    }
    ++contents;
    for (const auto& e : r->entries) {
      std::size_t count = 1;
      for (const std::size_t extent : e.shape) count *= extent;
      const auto raw = r->bytes(e.name);
      if (!raw || raw->size() != count * element_bytes(e.type)) FAIL("shape and bytes disagree");
      const auto numbers = r->floats(e.name);
      const auto integers = r->integers<std::int64_t>(e.name);
      if (numbers && numbers->size() != count) FAIL("floats");
      if (integers && integers->size() != count) FAIL("integers");
    }
    if (!try_serialize(*r)) FAIL("read, but cannot be written");
  });
  CHECK(errors > 8 * 100);   // structure and numbers
  CHECK(contents >= 23 * 8); // every bit of data, and letters of names
}

TEST_CASE("content goes through files", "[safetensors]") {
  const scratch_directory scratch;
  const auto path = scratch / "p.safetensors";
  aecnn::io::save_safetensors(path, small_content());
  const auto back = aecnn::io::load_safetensors(path);
  CHECK(*back.floats("weight") == std::vector<float>{1, -2, 0.5F, 3});
  CHECK(*back.find_metadata("aecnn") == "{\"version\":1}");
  CHECK(aecnn::io::read_file(path) == serialize(small_content()));

  aecnn::io::write_file(path, text_bytes("something else"));
  const auto bad = aecnn::io::try_load_safetensors(path);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == errc::bad_format);
  CHECK(contains(bad.error().message, path.string()));
  CHECK(aecnn::io::try_load_safetensors(scratch / "absent").error().code == errc::io_error);
  CHECK_THROWS_AS(aecnn::io::load_safetensors(path), aecnn::error);
  safetensors latin1;
  latin1.set_metadata("\xe9", "");
  CHECK(aecnn::io::try_save_safetensors(path, latin1).error().code == errc::bad_format);
  CHECK(to_text(aecnn::io::read_file(path)) == "something else");
}
