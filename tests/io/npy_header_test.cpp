#include <aecnn/io/npy_header.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include <catch_compat.hpp>

#include "io_support.hpp"

using aecnn::io::npy_type;
using namespace io_test;
using shape = std::vector<std::size_t>;

TEST_CASE("types have NumPy's codes and sizes", "[npy_header]") {
  CHECK(npy_code(npy_type::float16) == "f2");
  CHECK(npy_code(npy_type::float64) == "f8");
  CHECK(npy_code(npy_type::uint8) == "u1");
  CHECK(npy_code(npy_type::int64) == "i8");
  CHECK(npy_code(npy_type::uint64) == "u8");
  CHECK(element_bytes(npy_type::float16) == 2);
  CHECK(element_bytes(npy_type::int32) == 4);
  CHECK(aecnn::io::npy_type_of<float>() == npy_type::float32);
  CHECK(aecnn::io::npy_type_of<double>() == npy_type::float64);
  CHECK(aecnn::io::npy_type_of<std::int8_t>() == npy_type::int8);
  CHECK(aecnn::io::npy_type_of<std::uint8_t>() == npy_type::uint8);
  CHECK(aecnn::io::npy_type_of<std::int16_t>() == npy_type::int16);
  CHECK(aecnn::io::npy_type_of<std::uint32_t>() == npy_type::uint32);
  CHECK(aecnn::io::npy_type_of<std::int64_t>() == npy_type::int64);
  CHECK(aecnn::io::npy_type_of<unsigned long long>() == npy_type::uint64);
}

TEST_CASE("a header keeps room for a longer first extent, and ends on a multiple of 64 bytes", "[npy_header]") {
  // As NumPy 1.24 writes it: 57 characters of dictionary, 20 of room for the first extent, padding, a line feed.
  const std::string text = aecnn::io::detail::npy_header_text(npy_type::float32, shape{2});
  const std::string dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  CHECK(text.size() == 128);
  CHECK(text.substr(0, 10) == std::string("\x93NUMPY\1\0v\0", 10));
  CHECK(text.substr(10) == dictionary + std::string(117 - dictionary.size(), ' ') + '\n');
  // The lengths that NumPy gives just below and at the change to another 64 bytes.
  CHECK(
      aecnn::io::detail::npy_header_text(npy_type::float32, shape{1, 1, 1, 1, 1, 100000000, 100000000, 1, 0}).size() ==
      128);
  CHECK(
      aecnn::io::detail::npy_header_text(npy_type::float32, shape{1, 1, 1, 1, 1, 100000000, 100000000, 10, 0}).size() ==
      192);
  CHECK(aecnn::io::detail::npy_header_text(npy_type::uint8, shape{}).substr(10, 53) ==
        "{'descr': '|u1', 'fortran_order': False, 'shape': (),");
}

TEST_CASE("a written header is read back", "[npy_header]") {
  for (const shape& s :
       {shape{}, shape{0}, shape{7}, shape{2, 3}, shape{64, 16, 32, 32}, shape{1, 2, 1, 2, 1, 2, 1, 2}})
    for (int t = 0; t <= static_cast<int>(npy_type::uint64); ++t) {
      const auto type = static_cast<npy_type>(t);
      std::string file = aecnn::io::detail::npy_header_text(type, s);
      std::size_t count = 1;
      for (const std::size_t e : s) count *= e;
      const std::size_t header = file.size();
      file.append(count * element_bytes(type), '\0');
      const auto back = aecnn::io::detail::parse_npy_header(text_bytes(file));
      REQUIRE(back);
      CHECK(back->type == type);
      CHECK(back->shape == s);
      CHECK_FALSE(back->fortran_order);
      CHECK(back->data_offset == header);
      CHECK(header % 64 == 0);
    }
}

TEST_CASE("a declared length costs nothing before the bytes are there", "[npy_header]") {
  const auto file = text_bytes("\x93NUMPY\2\0\xff\xff\xff\xff{'descr'", 20);
  const auto r = aecnn::io::detail::parse_npy_header(file);
  REQUIRE_FALSE(r);
  CHECK(r.error().code == aecnn::errc::truncated);
}
