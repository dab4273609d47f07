#include <aecnn/io/npy.hpp>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <catch_compat.hpp>

#include "io_support.hpp"

using aecnn::errc;
using aecnn::io::format_npy;
using aecnn::io::npy_array;
using aecnn::io::npy_type;
using aecnn::io::parse_npy;
using aecnn::io::try_parse_npy;
using namespace io_test;

using shape = std::vector<std::size_t>;

namespace {

// Written by NumPy 1.24 (numpy.save, and numpy.lib.format.write_array for versions 2.0 and 3.0).
const auto f4_2x3 =
    text_bytes("\223NUMPY\001\000v\000{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }                   "
               "                                       \n\000\000\000\000\000\000\200\?\000\000\000\300\000\000\000"
               "\?\000\000\200\177\001\000\000\000",
               152);
const auto f8_scalar =
    text_bytes("\223NUMPY\001\000v\000{'descr': '<f8', 'fortran_order': False, 'shape': (), }                       "
               "                                       \n\000\000\000\000\000\000\370\?",
               136);
const auto i1_5 =
    text_bytes("\223NUMPY\001\000v\000{'descr': '|i1', 'fortran_order': False, 'shape': (5,), }                     "
               "                                       \n\200\377\000\001\177",
               133);
const auto u2_1x2x2 =
    text_bytes("\223NUMPY\001\000v\000{'descr': '<u2', 'fortran_order': False, 'shape': (1, 2, 2), }                "
               "                                       \n\001\000\002\000\000\001\377\377",
               136);
const auto i8_2x1 =
    text_bytes("\223NUMPY\001\000v\000{'descr': '<i8', 'fortran_order': False, 'shape': (2, 1), }                   "
               "                                       \n\000\000\000\000\000\000\000\200\377\377\377\377\377\377"
               "\377\177",
               144);
const auto u1_0x3 =
    text_bytes("\223NUMPY\001\000v\000{'descr': '|u1', 'fortran_order': False, 'shape': (0, 3), }                   "
               "                                       \n",
               128);
const auto i4_1x1x1x1x1x1x1x2 =
    text_bytes("\223NUMPY\001\000v\000{'descr': '<i4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 2), } "
               "                                       \n\001\000\000\000\377\377\377\377",
               136);
const auto big_endian_f4_2 =
    text_bytes("\223NUMPY\001\000v\000{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }                     "
               "                                       \n\?\200\000\000\300\000\000\000",
               136);
const auto fortran_i2_2x3 =
    text_bytes("\223NUMPY\001\000v\000{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }                    "
               "                                       \n\001\000\004\000\002\000\005\000\003\000\006\000",
               140);
const auto fortran_f4_2x3x2 =
    text_bytes("\223NUMPY\001\000v\000{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3, 2), }                 "
               "                                       \n\000\000\000\000\000\000\300@\000\000\000@\000\000\000A\000"
               "\000\200@\000\000 A\000\000\200\?\000\000\340@\000\000@@\000\000\020A\000\000\240@\000\0000A",
               176);
const auto version_2_u4_2 =
    text_bytes("\223NUMPY\002\000t\000\000\000{'descr': '<u4', 'fortran_order': False, 'shape': (2,), }             "
               "                                             \n\001\000\000\000\002\000\000\000",
               136);
const auto version_3_f2_3 =
    text_bytes("\223NUMPY\003\000t\000\000\000{'descr': '<f2', 'fortran_order': False, 'shape': (3,), }             "
               "                                             \nU5\377\373\001\000",
               134);
const auto u8_1 =
    text_bytes("\223NUMPY\001\000v\000{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }                     "
               "                                       \n\377\377\377\377\377\377\377\377",
               136);

/// A version 1.0 file with this dictionary and these elements.
std::vector<std::byte> file_of(std::string_view dictionary, std::string_view elements = "") {
  std::string text = "\223NUMPY";
  text += '\1';
  text += '\0';
  text += static_cast<char>(dictionary.size() & 255);
  text += static_cast<char>(dictionary.size() >> 8);
  return text_bytes(text.append(dictionary).append(elements));
}

errc code_of(const std::vector<std::byte>& file, const aecnn::limits& bounds = {}) {
  const auto r = try_parse_npy(file, bounds);
  if (r) return errc{};
  CHECK_FALSE(r.error().message.empty());
  return r.error().code;
}

} // namespace

TEST_CASE("files of NumPy are read", "[npy]") {
  const auto a = parse_npy(f4_2x3);
  CHECK(a.type == npy_type::float32);
  CHECK(a.shape == shape{2, 3});
  CHECK(a.size() == 6);
  CHECK(*a.values<float>() ==
        std::vector<float>{0, 1, -2, 0.5F, std::numeric_limits<float>::infinity(), std::bit_cast<float>(1U)});

  const auto b = parse_npy(f8_scalar);
  CHECK(b.type == npy_type::float64);
  CHECK(b.shape.empty());
  CHECK(*b.values<double>() == std::vector<double>{1.5});
  CHECK(*b.floats() == std::vector<float>{1.5F});

  CHECK(*parse_npy(i1_5).values<std::int8_t>() == std::vector<std::int8_t>{-128, -1, 0, 1, 127});
  CHECK(*parse_npy(u2_1x2x2).values<std::uint16_t>() == std::vector<std::uint16_t>{1, 2, 256, 65535});
  CHECK(*parse_npy(i8_2x1).values<std::int64_t>() ==
        std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()});
  CHECK(parse_npy(u1_0x3).shape == shape{0, 3});
  CHECK(parse_npy(u1_0x3).size() == 0);
  CHECK(parse_npy(i4_1x1x1x1x1x1x1x2).shape == shape{1, 1, 1, 1, 1, 1, 1, 2});
  CHECK(*parse_npy(i4_1x1x1x1x1x1x1x2).values<std::int32_t>() == std::vector<std::int32_t>{1, -1});
  CHECK(*parse_npy(u8_1).values<std::uint64_t>() == std::vector<std::uint64_t>{18446744073709551615U});
}

TEST_CASE("either byte order, either element order, every version", "[npy]") {
  CHECK(*parse_npy(big_endian_f4_2).values<float>() == std::vector<float>{1, -2});
  CHECK(*parse_npy(fortran_i2_2x3).values<std::int16_t>() == std::vector<std::int16_t>{1, 2, 3, 4, 5, 6});
  std::vector<float> counted(12);
  std::iota(counted.begin(), counted.end(), 0.0F);
  CHECK(parse_npy(fortran_f4_2x3x2).shape == shape{2, 3, 2});
  CHECK(*parse_npy(fortran_f4_2x3x2).values<float>() == counted);
  CHECK(*parse_npy(version_2_u4_2).values<std::uint32_t>() == std::vector<std::uint32_t>{1, 2});
  const auto half = parse_npy(version_3_f2_3);
  CHECK(half.type == npy_type::float16);
  CHECK(*half.floats() == std::vector<float>{0.333251953125F, -65504.0F, 0x1p-24F});
}

TEST_CASE("what is written is what NumPy writes", "[npy]") {
  CHECK(format_npy(std::vector<float>{0, 1, -2, 0.5F, std::numeric_limits<float>::infinity(), std::bit_cast<float>(1U)},
                   {2, 3}) == f4_2x3);
  CHECK(format_npy(std::array<double, 1>{1.5}, {}) == f8_scalar);
  CHECK(format_npy(std::vector<std::int8_t>{-128, -1, 0, 1, 127}, {5}) == i1_5);
  const std::vector<std::uint16_t> u2{1, 2, 256, 65535};
  CHECK(format_npy(std::span<const std::uint16_t>(u2), {1, 2, 2}) == u2_1x2x2);
  CHECK(format_npy(std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::min(),
                                             std::numeric_limits<std::int64_t>::max()},
                   {2, 1}) == i8_2x1);
  CHECK(format_npy(std::vector<std::uint8_t>{}, {0, 3}) == u1_0x3);
  CHECK(format_npy(std::vector<std::int32_t>{1, -1}, {1, 1, 1, 1, 1, 1, 1, 2}) == i4_1x1x1x1x1x1x1x2);
  CHECK(format_npy(std::vector<std::uint64_t>{18446744073709551615U}, {1}) == u8_1);
  for (const auto* file : {&f4_2x3, &f8_scalar, &i1_5, &u2_1x2x2, &i8_2x1, &u1_0x3, &i4_1x1x1x1x1x1x1x2, &u8_1})
    CHECK(format_npy(parse_npy(*file)) == *file);
  // A half-precision array is written through npy_array.
  const auto half = format_npy(parse_npy(version_3_f2_3));
  CHECK(to_text(half).substr(10, 15) == "{'descr': '<f2'");
  CHECK(parse_npy(half).data == parse_npy(version_3_f2_3).data);
}

TEST_CASE("a shape that does not fit the elements is not written", "[npy]") {
  const std::vector<float> six(6);
  const auto bad = aecnn::io::try_format_npy(six, {2, 4});
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == errc::bad_shape);
  CHECK(contains(bad.error().message, "(2, 4)"));
  CHECK(contains(bad.error().message, "6 elements"));
  CHECK_FALSE(aecnn::io::try_format_npy(six, {}));
  CHECK_FALSE(aecnn::io::try_format_npy(six, {1, 1, 1, 1, 1, 1, 1, 1, 6}));
  CHECK_FALSE(aecnn::io::try_format_npy(npy_array{npy_type::int16, {2}, std::vector<std::byte>(5)}));
  CHECK_THROWS_AS(format_npy(six, {7}), aecnn::error);
}

TEST_CASE("typed access checks the type", "[npy]") {
  const auto a = parse_npy(f4_2x3);
  CHECK(a.values<double>().error().code == errc::bad_field);
  CHECK(contains(a.values<double>().error().message, "f4"));
  CHECK(contains(a.values<double>().error().message, "f8"));
  CHECK(a.values<std::int32_t>().error().code == errc::bad_field);
  CHECK(parse_npy(i1_5).floats().error().code == errc::bad_field);
  CHECK(contains(parse_npy(i1_5).floats().error().message, "i1"));
}

TEST_CASE("every truncation is an error", "[npy]") {
  for (const auto& file : {f4_2x3, fortran_f4_2x3x2, version_2_u4_2, u1_0x3})
    for (std::size_t n = 0; n < file.size(); ++n)
      if (code_of({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n)}) != errc::truncated)
        FAIL("cut after " << n << " of " << file.size() << " bytes");
  auto longer = f4_2x3;
  longer.push_back(std::byte{0});
  CHECK(code_of(longer) == errc::trailing_bytes);
}

TEST_CASE("every flipped bit gives an error or a well-formed array", "[npy]") {
  for (const auto& file : {f4_2x3, fortran_f4_2x3x2, version_2_u4_2, version_3_f2_3, i4_1x1x1x1x1x1x1x2}) {
    std::size_t errors = 0, arrays = 0;
    with_each_bit_flipped(file, [&](const std::vector<std::byte>& damaged) {
      const auto r = try_parse_npy(damaged);
      if (!r) {
        ++errors;
        if (r.error().message.empty()) FAIL("an error without a message");
        return;
      }
      ++arrays;
      std::size_t count = 1;
      for (const std::size_t extent : r->shape) count *= extent;
      if (r->data.size() != count * element_bytes(r->type)) FAIL("shape and data disagree");
    });
    CHECK(errors > 8 * 40); // magic, version, length, names, punctuation
    CHECK(arrays >= 8);     // bits of elements
  }
}

TEST_CASE("the magic string and the version are checked", "[npy]") {
  CHECK(code_of(text_bytes("PK\3\4 an archive")) == errc::bad_format);
  CHECK(code_of(text_bytes("hello")) == errc::bad_format);
  CHECK(code_of({}) == errc::truncated);
  for (const int major : {0, 4, 255}) {
    auto file = f4_2x3;
    file[6] = static_cast<std::byte>(major);
    CHECK(code_of(file) == errc::unsupported_version);
  }
  auto file = f4_2x3;
  file[7] = std::byte{1};
  CHECK(code_of(file) == errc::unsupported_version);
}

TEST_CASE("headers as other programs write them", "[npy]") {
  const std::string two(8, '\0');
  for (const char* dictionary : {"{'descr':'<f4','fortran_order':False,'shape':(2,)}",
                                 "{\"shape\": (2,), \"descr\": \"<f4\", \"fortran_order\": True}",
                                 "  {\t'descr' : '<f4' ,\n 'fortran_order' : False , 'shape' : ( 2 , ) , } \n",
                                 "{'descr': '<f4', 'fortran_order': False, 'shape': (2L,), }\n",
                                 "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }",
                                 "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2,), }"}) {
    const auto r = try_parse_npy(file_of(dictionary, two));
    INFO(dictionary);
    REQUIRE(r);
    CHECK(r->size() == 2);
    CHECK(r->type == npy_type::float32);
  }
}

TEST_CASE("the header is a dictionary literal of three keys and nothing else", "[npy]") {
  struct sample {
    const char* dictionary;
    errc code;
  };
  for (const sample& s : {
           sample{"", errc::bad_format},
           {"\n", errc::bad_format},
           {"[]", errc::bad_format},
           {"{", errc::bad_format},
           {"{}", errc::missing_field},
           {"{'descr': '<f4', 'fortran_order': False, }", errc::missing_field},
           {"{'descr': '<f4', 'shape': (2,), }", errc::missing_field},
           {"{'fortran_order': False, 'shape': (2,), }", errc::missing_field},
           {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", errc::duplicate_name},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'shape': (2,), }", errc::duplicate_name},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1, }", errc::bad_format},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } x", errc::bad_format},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }}", errc::bad_format},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)", errc::bad_format},
           {"{'descr': '<f4' 'fortran_order': False, 'shape': (2,), }", errc::bad_format},
           {"{'descr' '<f4', 'fortran_order': False, 'shape': (2,), }", errc::bad_format},
           {"{,'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", errc::bad_format},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,),, }", errc::bad_format},
           {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2,), }", errc::bad_format},
           {"{'descr': '<f4', 'fortran_order': false, 'shape': (2,), }", errc::bad_format},
           {"{'descr': <f4, 'fortran_order': False, 'shape': (2,), }", errc::bad_format},
           {"{'descr': '<f4, 'fortran_order': False, 'shape': (2,), }", errc::unsupported},
           {"{'descr': '<f4", errc::bad_format},
           {"{'desc\\x72': '<f4', 'fortran_order': False, 'shape': (2,), }", errc::bad_format},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (2), }", errc::bad_format},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': 2, }", errc::bad_format},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': [2], }", errc::bad_format},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (,), }", errc::bad_format},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,,), }", errc::bad_format},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (1 2), }", errc::bad_format},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", errc::bad_format},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (+2,), }", errc::bad_format},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (02,), }", errc::bad_format},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (2.0,), }", errc::bad_format},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (2LL,), }", errc::bad_format},
           {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", errc::unsupported},
           {"{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", errc::unsupported},
           {"{'descr': '|b1', 'fortran_order': False, 'shape': (8,), }", errc::unsupported},
           {"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", errc::unsupported},
           {"{'descr': '|f4', 'fortran_order': False, 'shape': (2,), }", errc::unsupported},
           {"{'descr': 'f4', 'fortran_order': False, 'shape': (2,), }", errc::unsupported},
           {"{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }", errc::unsupported},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 2), }", errc::unsupported},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", errc::truncated},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", errc::trailing_bytes},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }", errc::trailing_bytes},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999,), }", errc::truncated},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551615, 2), }", errc::limit_exceeded},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775809, 2), }", errc::limit_exceeded},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387906,), }", errc::limit_exceeded},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551618,), }", errc::limit_exceeded},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,), }", errc::limit_exceeded},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 9223372036854775809, 2), }", errc::limit_exceeded},
       }) {
    INFO(s.dictionary);
    CHECK(aecnn::name(code_of(file_of(s.dictionary, std::string(8, '\0')))) == aecnn::name(s.code));
  }
  // The suffix L ended with Python 2, and version 3.0 is younger.
  auto third = version_3_f2_3;
  std::string text = to_text(third);
  text.replace(text.find("(3,), }"), 7, "(3L,),}");
  CHECK(code_of(text_bytes(text)) == errc::bad_format);
}

TEST_CASE("messages say what was found and what was expected", "[npy]") {
  const auto type = try_parse_npy(file_of("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }"));
  CHECK(contains(type.error().message, "<c8"));
  CHECK(contains(type.error().message, "f4"));
  const auto size = try_parse_npy(file_of("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }", "abc"));
  CHECK(contains(size.error().message, "(3, 4)"));
  CHECK(contains(size.error().message, "48"));
  CHECK(contains(size.error().message, "found 3"));
}

TEST_CASE("limits bound what is read", "[npy]") {
  CHECK(code_of(f4_2x3, {.max_file_bytes = f4_2x3.size()}) == errc{});
  CHECK(code_of(f4_2x3, {.max_file_bytes = f4_2x3.size() - 1}) == errc::limit_exceeded);
}

TEST_CASE("arrays go through files", "[npy]") {
  const scratch_directory scratch;
  const auto path = scratch / "a.npy";
  aecnn::io::save_npy(path, std::vector<float>{1, 2, 3, 4}, {2, 2});
  const auto a = aecnn::io::load_npy(path);
  CHECK(a.shape == shape{2, 2});
  CHECK(*a.values<float>() == std::vector<float>{1, 2, 3, 4});
  aecnn::io::save_npy(path, a);
  CHECK(aecnn::io::read_file(path) == format_npy(a));

  aecnn::io::write_file(path, text_bytes("no array"));
  const auto bad = aecnn::io::try_load_npy(path);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == errc::bad_format);
  CHECK(contains(bad.error().message, path.string()));
  const auto absent = aecnn::io::try_load_npy(scratch / "absent.npy");
  CHECK(absent.error().code == errc::io_error);
  CHECK_THROWS_AS(aecnn::io::load_npy(scratch / "absent.npy"), aecnn::error);
  const auto misfit = aecnn::io::try_save_npy(path, std::vector<float>{1}, {2});
  CHECK(misfit.error().code == errc::bad_shape);
  CHECK(contains(misfit.error().message, path.string()));
  CHECK(to_text(aecnn::io::read_file(path)) == "no array");
}

TEST_CASE("feature tensors are loaded from [N,C,H,W] and [C,H,W]", "[npy]") {
  const scratch_directory scratch;
  const auto path = scratch / "features.npy";
  std::vector<float> values(2 * 3 * 4 * 5);
  std::iota(values.begin(), values.end(), 0.0F);
  aecnn::io::save_npy(path, values, {2, 3, 4, 5});
  const auto batch = aecnn::io::load_features(path);
  CHECK(batch.count == 2);
  CHECK(batch.shape == aecnn::shape3{3, 4, 5});
  CHECK(batch.values == values);
  CHECK(batch[1](2, 3, 4) == 119);
  CHECK(batch[0](0, 1, 2) == 7);
  CHECK(batch[1].data == batch.values.data() + 60);

  aecnn::io::save_npy(path, std::vector<double>(values.begin(), values.end()), {6, 4, 5});
  const auto single = aecnn::io::load_features(path);
  CHECK(single.count == 1);
  CHECK(single.shape == aecnn::shape3{6, 4, 5});
  CHECK(single.values == values);

  npy_array half{npy_type::float16, {1, 1, 3}, parse_npy(version_3_f2_3).data};
  CHECK(aecnn::io::try_to_features(half)->values == std::vector<float>{0.333251953125F, -65504.0F, 0x1p-24F});

  const auto none = aecnn::io::try_to_features(npy_array{npy_type::float32, {0, 3, 4, 5}, {}});
  REQUIRE(none);
  CHECK(none->count == 0);
  const auto empty = aecnn::io::try_to_features(npy_array{npy_type::float32, {7, 0, 4, 5}, {}});
  REQUIRE(empty);
  CHECK(empty->count == 7);
  CHECK((*empty)[6].shape == aecnn::shape3{0, 4, 5});
}

TEST_CASE("what is no batch of feature tensors is refused", "[npy]") {
  const scratch_directory scratch;
  const auto path = scratch / "features.npy";
  aecnn::io::save_npy(path, std::vector<float>(6), {2, 3});
  const auto rank = aecnn::io::try_load_features(path);
  REQUIRE_FALSE(rank);
  CHECK(rank.error().code == errc::bad_shape);
  CHECK(contains(rank.error().message, "(2, 3)"));
  CHECK(contains(rank.error().message, "[N,C,H,W]"));
  CHECK(contains(rank.error().message, path.string()));
  CHECK_THROWS_AS(aecnn::io::load_features(path), aecnn::error);

  aecnn::io::save_npy(path, std::vector<std::uint8_t>(6), {1, 2, 3});
  const auto type = aecnn::io::try_load_features(path);
  REQUIRE_FALSE(type);
  CHECK(type.error().code == errc::bad_field);
  CHECK(contains(type.error().message, "u1"));

  const npy_array a{npy_type::float32, {2, 3, 4, 5}, std::vector<std::byte>(480)};
  CHECK(aecnn::io::try_to_features(a, {.max_elements = 60, .max_channels = 3, .max_extent = 5}));
  CHECK(aecnn::io::try_to_features(a, {.max_elements = 59}).error().code == errc::limit_exceeded);
  CHECK(aecnn::io::try_to_features(a, {.max_channels = 2}).error().code == errc::limit_exceeded);
  CHECK(aecnn::io::try_to_features(a, {.max_extent = 4}).error().code == errc::limit_exceeded);
  // Many tensors of nothing: no bytes, but a loop over them.
  const npy_array many{npy_type::float32, {std::size_t{1} << 40, 0, 1, 1}, {}};
  CHECK(aecnn::io::try_to_features(many).error().code == errc::limit_exceeded);
}
