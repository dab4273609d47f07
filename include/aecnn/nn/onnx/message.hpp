// A message of an ONNX file (protocol buffers, read by protozero) whose fields may have any wire type: a field of the
// wrong type is a failure, where protozero alone would only assert. Failures inside the importer are thrown as
// aecnn::error, because protozero throws as well; try_parse_onnx turns all of them into values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <protozero/exception.hpp>
#include <protozero/pbf_reader.hpp>
#include <protozero/varint.hpp>

#include <aecnn/core/error.hpp>
#include <aecnn/io/element.hpp>

namespace aecnn::nn::detail {

template <class... Parts>
[[noreturn]] void throw_onnx(errc code, const Parts&... parts) {
  throw error(aecnn::detail::fail(code, parts...));
}

/// Reads the fields of one message, in the order in which they stand. `what` names it in messages and outlives this.
class onnx_message {
public:
  onnx_message(std::string_view bytes, const char* what) : reader_(bytes.data(), bytes.size()), what_(what) {}

  /// Goes to the next field; each must then be read once, or skipped.
  bool next() { return reader_.next(); }
  std::uint32_t field() const noexcept { return reader_.tag(); }
  void skip() {
    const std::size_t before = reader_.length();
    reader_.skip();
    check(before);
  }
  /// A string, bytes or a message in it: a view of the file.
  std::string_view bytes() {
    expect(protozero::pbf_wire_type::length_delimited, "bytes");
    const std::size_t before = reader_.length();
    const auto view = reader_.get_view();
    check(before);
    return {view.data(), view.size()};
  }
  std::string text() { return std::string(bytes()); }
  onnx_message message(const char* what) { return {bytes(), what}; }
  std::uint64_t varint() {
    expect(protozero::pbf_wire_type::varint, "an integer");
    return reader_.get_uint64();
  }
  std::int64_t integer() { return static_cast<std::int64_t>(varint()); }
  float number() {
    expect(protozero::pbf_wire_type::fixed32, "a float");
    return reader_.get_float();
  }
  /// Calls f(value) for each integer of a repeated field, which may stand packed or one by one.
  template <class Function>
  void each_varint(Function f) {
    if (reader_.wire_type() == protozero::pbf_wire_type::varint) return f(reader_.get_uint64());
    const std::string_view packed = bytes();
    const char* at = packed.data();
    const char* const end = at + packed.size();
    while (at != end) f(protozero::decode_varint(&at, end));
  }
  /// Calls f(bytes) with the little-endian elements of a repeated field of floats or doubles.
  template <class Element, class Function>
  void each_fixed(Function f) {
    if (sizeof(Element) == 4 && reader_.wire_type() == protozero::pbf_wire_type::fixed32)
      return f(static_cast<Element>(reader_.get_float()));
    if (sizeof(Element) == 8 && reader_.wire_type() == protozero::pbf_wire_type::fixed64)
      return f(static_cast<Element>(reader_.get_double()));
    const std::string_view packed = bytes();
    if (packed.size() % sizeof(Element) != 0) throw protozero::invalid_length_exception{};
    const std::span elements(reinterpret_cast<const std::byte*>(packed.data()), packed.size());
    for (std::size_t i = 0; i < packed.size() / sizeof(Element); ++i)
      f(io::detail::little_endian_at<Element>(elements, i));
  }

private:
  void expect(protozero::pbf_wire_type type, const char* expected) const {
    if (reader_.wire_type() != type)
      throw_onnx(errc::bad_format, "ONNX: field ", reader_.tag(), " of ", what_, " is not ", expected);
  }
  /// Where std::ptrdiff_t has 32 bits, protozero takes a length above 2^31 for a negative one and moves back.
  void check(std::size_t before) const {
    if (reader_.length() > before) throw protozero::end_of_buffer_exception{};
  }

  protozero::pbf_reader reader_;
  const char* what_;
};

} // namespace aecnn::nn::detail
