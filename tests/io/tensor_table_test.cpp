#include <aecnn/io/tensor_table.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <catch_compat.hpp>

using aecnn::errc;
using aecnn::failure;
using aecnn::io::any_extent;
using aecnn::io::safetensors;
using aecnn::io::tensor_reader;
using aecnn::io::tensor_writer;

namespace {

struct record {
  std::vector<float> f;
  std::vector<std::int16_t> i;
  std::vector<std::uint8_t> none;
  std::vector<std::byte> bytes;
  float one = 0;
  aecnn::nn::weight weight{}, index{};
};

template <class Table, class Record>
void exchange(Table& t, Record& r) {
  t.required("f", r.f, {any_extent, 2});
  t.required("i", r.i, {r.f.size() / 2});
  t.optional("none", r.none, {7});
  t.required("bytes", r.bytes, {any_extent});
  t.scalar("one", r.one);
  t.weight("weight", r.weight);
  t.weight("index", r.index);
}

safetensors example() {
  const record r{{1, -2, 3, 0.1f, 5, 6},
                 {-7, 8, 9},
                 {},
                 {std::byte{1}, std::byte{255}},
                 2.5f,
                 {"", {1, 3}, {4, 5, 6}},
                 {"", {2}, {}, {-1, std::int64_t{1} << 62}, aecnn::nn::element_type::int64}};
  safetensors file;
  std::optional<failure> why;
  tensor_writer writer(file, why);
  exchange(writer, r);
  REQUIRE_FALSE(why);
  return file;
}

failure failure_of(const safetensors& file) {
  record r;
  std::optional<failure> why;
  tensor_reader reader(file, why);
  exchange(reader, r);
  reader.expect_all_used();
  return why ? *why : failure{};
}

} // namespace

TEST_CASE("one description writes and reads a structure", "[tensor_table]") {
  const safetensors file = example();
  CHECK(file.entries.size() == 6);
  CHECK(file.find("index")->type == aecnn::io::dtype::int64);
  CHECK(file.find("f")->shape == std::vector<std::size_t>{3, 2});
  CHECK(file.find("bytes")->type == aecnn::io::dtype::uint8);
  CHECK(file.find("one")->shape.empty());
  record r;
  std::optional<failure> why;
  tensor_reader reader(file, why);
  exchange(reader, r);
  reader.expect_all_used();
  REQUIRE_FALSE(why);
  CHECK(r.f == std::vector<float>{1, -2, 3, 0.1f, 5, 6});
  CHECK(r.i == std::vector<std::int16_t>{-7, 8, 9});
  CHECK(r.none.empty());
  CHECK(r.bytes == std::vector<std::byte>{std::byte{1}, std::byte{255}});
  CHECK(r.one == 2.5f);
  CHECK(r.weight == aecnn::nn::weight{"", {1, 3}, {4, 5, 6}});
  CHECK(r.index == aecnn::nn::weight{"", {2}, {}, {-1, std::int64_t{1} << 62}, aecnn::nn::element_type::int64});
}

TEST_CASE("tensors that are not the expected ones are named", "[tensor_table]") {
  auto file = example();
  file.add("none", {7}, std::vector<std::uint8_t>(7));
  CHECK(failure_of(file).message.empty());
  file.add("other", {1}, std::vector<float>{1});
  CHECK(failure_of(file).code == errc::bad_field);
  CHECK(failure_of(file).message == "tensor \"other\" belongs to no field of the profile");

  file = example();
  file.add("none", {6}, std::vector<std::uint8_t>(6));
  CHECK(failure_of(file).message == "tensor \"none\": U8 of shape (6,), expected U8 of shape (7)");
  file = {};
  CHECK(failure_of(file).code == errc::missing_field);
  CHECK(failure_of(file).message == "tensor \"f\" is missing");
  file.add("f", {0, 2}, std::vector<float>{});
  CHECK(failure_of(file).message == "tensor \"f\": F32 of shape (0, 2), expected F32 of shape (at least 1, 2)");
  file = {};
  file.add("f", {1, 2}, std::vector<double>{1, 2});
  CHECK(failure_of(file).message == "tensor \"f\": F64 of shape (1, 2), expected F32 of shape (at least 1, 2)");
}

TEST_CASE("a tensor belongs to one field", "[tensor_table]") {
  const safetensors file = example();
  std::optional<failure> why;
  tensor_reader reader(file, why);
  aecnn::nn::weight a, b;
  reader.weight("weight", a);
  CHECK_FALSE(why);
  reader.weight("weight", b);
  REQUIRE(why);
  CHECK(why->code == errc::duplicate_name);
  CHECK(b.values.empty());
  reader.required("bytes", b.values, {any_extent}); // after a failure nothing is touched
  CHECK(b.values.empty());
  CHECK(why->code == errc::duplicate_name);
}

TEST_CASE("writing a name twice or a wrong size is a failure", "[tensor_table]") {
  safetensors file;
  std::optional<failure> why;
  tensor_writer writer(file, why);
  writer.required("a", std::vector<float>{1, 2}, {2});
  writer.required("a", std::vector<float>{1, 2}, {2});
  REQUIRE(why);
  CHECK(why->code == errc::duplicate_name);
  why.reset();
  writer.required("b", std::vector<float>{1, 2, 3}, {any_extent, 2});
  REQUIRE(why);
  CHECK(why->code == errc::bad_shape);
}

TEST_CASE("weights are stored in 16 bits where that changes none of them", "[tensor_table]") {
  const auto written = [](std::vector<float> values) {
    safetensors file;
    std::optional<failure> why;
    tensor_writer writer(file, why);
    writer.weight("w", {"", {static_cast<std::int64_t>(values.size())}, values});
    REQUIRE_FALSE(why);
    return file;
  };
  const auto read = [](const safetensors& file, std::optional<failure>& why) {
    aecnn::nn::weight w;
    tensor_reader reader(file, why);
    reader.weight("w", w);
    return w;
  };
  const auto type_of = [&](std::vector<float> values) {
    const auto file = written(values);
    std::optional<failure> why;
    const auto found = read(file, why).values;
    REQUIRE_FALSE(why);
    REQUIRE(found.size() == values.size());
    for (std::size_t i = 0; i < found.size(); ++i)
      CHECK(std::bit_cast<std::uint32_t>(found[i]) == std::bit_cast<std::uint32_t>(values[i]));
    return file.find("w")->type;
  };
  using aecnn::io::dtype;
  CHECK(type_of({1, -2.5F, 65504, 0, -0.0F, 0x1p-24F, -0x3ffp-24F}) == dtype::float16);
  CHECK(type_of({1, 0.1F}) == dtype::float32);
  CHECK(type_of({65520}) == dtype::float32);
  CHECK(type_of({0x1p-25F}) == dtype::float32);
  CHECK(type_of({std::bit_cast<float>(0x7f800000U)}) == dtype::float32);
  CHECK(type_of({1, std::bit_cast<float>(0x7fc00000U)}) == dtype::float32);

  // The elements' bytes: little-endian on every machine.
  const auto file = written({1, -2});
  const auto bytes = *file.bytes("w");
  CHECK(std::vector(bytes.begin(), bytes.end()) ==
        std::vector{std::byte{0}, std::byte{0x3c}, std::byte{0}, std::byte{0xc0}});

  // 32 bits in their place are taken as well; infinities and NaNs in 16 bits are not, nor is another type.
  std::optional<failure> why;
  safetensors other;
  other.add("w", {2}, std::vector<float>{1, -2});
  CHECK(read(other, why).values == std::vector<float>{1, -2});
  CHECK_FALSE(why);
  for (const unsigned top : {0x7cU, 0xfcU, 0x7eU}) {
    other = {};
    other.add("w", dtype::float16, {2},
              std::vector{std::byte{0}, std::byte{0}, std::byte{0}, static_cast<std::byte>(top)});
    why.reset();
    read(other, why);
    REQUIRE(why);
    CHECK(why->code == errc::bad_field);
    CHECK(why->message == "tensor \"w\": an infinity or NaN in F16, expected finite elements");
  }
  other = {};
  other.add("w", dtype::bfloat16, {1}, std::vector{std::byte{0}, std::byte{0}});
  why.reset();
  read(other, why);
  REQUIRE(why);
  CHECK(why->message == "tensor \"w\": expected F32, F16 or I64");
  // Other fields have one type.
  other = {};
  other.add("f", dtype::float16, {1, 2}, std::vector<std::byte>(4));
  CHECK(failure_of(other).message == "tensor \"f\": F16 of shape (1, 2), expected F32 of shape (at least 1, 2)");
}
