// The header of NumPy's .npy files, versions 1.0, 2.0 and 3.0 (numpy.lib.format): a magic string, a version, a length
// and a Python dictionary literal with the element type, the order and the shape. The parser reads that literal and
// nothing more of Python, and allocates nothing but the shape. Linear in the header's length.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <aecnn/core/bytes.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/io/element.hpp>

namespace aecnn::io {

/// Element types of an array in a file.
enum class npy_type { float16, float32, float64, int8, uint8, int16, uint16, int32, uint32, int64, uint64 };

/// NumPy's name of a type without the byte order: "f4", "u1", ...
constexpr std::string_view npy_code(npy_type type) noexcept {
  constexpr std::string_view codes[] = {"f2", "f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"};
  return codes[static_cast<std::size_t>(type)];
}
/// Bytes of an element.
constexpr std::size_t element_bytes(npy_type type) noexcept {
  return static_cast<std::size_t>(npy_code(type)[1] - '0');
}
/// The npy_type of a C++ type.
template <file_element T>
constexpr npy_type npy_type_of() noexcept {
  if constexpr (std::same_as<T, float>)
    return npy_type::float32;
  else if constexpr (std::same_as<T, double>)
    return npy_type::float64;
  else {
    constexpr int size_class = std::countr_zero(sizeof(T));
    return static_cast<npy_type>(static_cast<int>(npy_type::int8) + 2 * size_class + (std::is_unsigned_v<T> ? 1 : 0));
  }
}

/// Arrays of more dimensions are refused.
inline constexpr std::size_t npy_max_rank = 8;

namespace detail {

struct npy_header {
  npy_type type = npy_type::float32;
  std::endian order = std::endian::native;
  bool fortran_order = false;
  std::vector<std::size_t> shape;
  std::size_t data_offset = 0;
};

/// The dictionary literal of an .npy header, and nothing more of Python.
class npy_header_parser {
public:
  npy_header_parser(std::string_view text, unsigned version) noexcept : text_(text), version_(version) {}

  status parse(npy_header& header) {
    bool have_descr = false, have_order = false, have_shape = false;
    if (!accept('{')) return syntax("'{'");
    while (!accept('}')) {
      std::string_view key;
      if (!quoted(key)) return syntax("a quoted key");
      bool* const seen = key == "descr"           ? &have_descr
                         : key == "fortran_order" ? &have_order
                         : key == "shape"         ? &have_shape
                                                  : nullptr;
      if (seen == nullptr) return syntax("the keys 'descr', 'fortran_order' and 'shape' only");
      if (std::exchange(*seen, true))
        return aecnn::detail::fail(errc::duplicate_name, "npy header: key '", key, "' occurs twice");
      if (!accept(':')) return syntax("':'");
      status value = key == "descr" ? descr(header) : key == "shape" ? shape(header) : order(header);
      if (!value) return value;
      if (accept(',')) continue;
      if (accept('}')) break;
      return syntax("',' or '}'");
    }
    spaces();
    if (at_ != text_.size()) return syntax("only white space after the dictionary");
    for (const auto& [seen, key] :
         {std::pair(have_descr, "descr"), {have_order, "fortran_order"}, {have_shape, "shape"}})
      if (!seen) return aecnn::detail::fail(errc::missing_field, "npy header: key '", key, "' is missing");
    return {};
  }

private:
  void spaces() noexcept {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool accept(std::string_view token) noexcept {
    spaces();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  bool accept(char token) noexcept { return accept(std::string_view(&token, 1)); }
  bool quoted(std::string_view& content) noexcept {
    spaces();
    if (at_ == text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) return false;
    const std::size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) return false;
    content = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return content.find_first_of("\\\n") == std::string_view::npos;
  }
  failure syntax(std::string_view expected) const {
    return aecnn::detail::fail(errc::bad_format, "npy header, character ", at_, ": expected ", expected);
  }

  status descr(npy_header& header) {
    if (accept('[')) return aecnn::detail::fail(errc::unsupported, "npy header: structured arrays are not supported");
    std::string_view d;
    if (!quoted(d)) return syntax("a quoted element type");
    for (int t = 0; t <= static_cast<int>(npy_type::uint64); ++t) {
      const auto type = static_cast<npy_type>(t);
      if (d.size() != 3 || d.substr(1) != npy_code(type)) continue;
      if (d[0] != '<' && d[0] != '>' && (d[0] != '|' || element_bytes(type) != 1)) break;
      header.type = type;
      header.order = d[0] == '>' ? std::endian::big : std::endian::little;
      return {};
    }
    std::string printable;
    for (const char c : d.substr(0, 16)) printable += c >= ' ' && c <= '~' ? c : '?';
    return aecnn::detail::fail(errc::unsupported, "npy header: element type '", printable,
                               "' is not supported, expected '<' or '>' and one of f2 f4 f8 i1 u1 i2 u2 i4 u4 i8 u8");
  }
  status order(npy_header& header) {
    header.fortran_order = accept("True");
    return header.fortran_order || accept("False") ? status() : status(syntax("True or False"));
  }
  status shape(npy_header& header) {
    if (!accept('(')) return syntax("'('");
    bool comma = true;
    while (!accept(')')) {
      if (!comma) return syntax("',' or ')'");
      if (header.shape.size() == npy_max_rank)
        return aecnn::detail::fail(errc::unsupported, "npy header: more than ", npy_max_rank, " dimensions");
      spaces();
      std::size_t extent = 0;
      const std::size_t first = at_;
      for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
        const auto digit = static_cast<std::size_t>(text_[at_] - '0');
        if (!aecnn::detail::multiply(extent, 10, extent) || extent > static_cast<std::size_t>(-1) - digit)
          return aecnn::detail::fail(errc::limit_exceeded, "npy header: extent ", header.shape.size(), " is too large");
        extent += digit;
      }
      if (at_ == first || (at_ - first > 1 && text_[first] == '0')) return syntax("an extent");
      if (version_ < 3 && at_ < text_.size() && text_[at_] == 'L') ++at_; // Python 2 wrote long integers so
      header.shape.push_back(extent);
      comma = accept(',');
    }
    if (header.shape.size() == 1 && !comma) return syntax("a comma after a single extent");
    return {};
  }

  std::string_view text_;
  unsigned version_;
  std::size_t at_ = 0;
};

/// Everything before the elements; checks that exactly the declared elements follow.
inline result<npy_header> parse_npy_header(std::span<const std::byte> bytes) {
  constexpr std::array<unsigned char, 6> magic{0x93, 'N', 'U', 'M', 'P', 'Y'};
  for (std::size_t i = 0; i < magic.size() && i < bytes.size(); ++i)
    if (std::to_integer<unsigned char>(bytes[i]) != magic[i])
      return aecnn::detail::fail(errc::bad_format, "not an .npy file: the magic string \\x93NUMPY is missing");
  byte_reader reader(bytes);
  static_cast<void>(reader.take(magic.size()));
  const unsigned major = reader.u8(), minor = reader.u8();
  const auto cut = aecnn::detail::fail(errc::truncated, "npy file of ", bytes.size(), " bytes ends within its header");
  if (reader.failed()) return cut;
  if (major < 1 || major > 3 || minor != 0)
    return aecnn::detail::fail(errc::unsupported_version, "npy format version ", major, '.', minor,
                               ", expected 1.0, 2.0 or 3.0");
  const std::size_t length = major == 1 ? reader.u16() : reader.u32();
  const auto text = reader.take(length);
  if (reader.failed()) return cut;

  npy_header header;
  npy_header_parser parser({reinterpret_cast<const char*>(text.data()), text.size()}, major);
  if (const status s = parser.parse(header); !s) return s.error();
  header.data_offset = reader.position();
  std::size_t count = 0, expected = 0;
  if (!element_count(header.shape, count) || !aecnn::detail::multiply(count, element_bytes(header.type), expected))
    return aecnn::detail::fail(errc::limit_exceeded, "npy shape ", shape_text(header.shape), " overflows");
  if (expected != reader.remaining())
    return aecnn::detail::fail(expected > reader.remaining() ? errc::truncated : errc::trailing_bytes, "npy shape ",
                               shape_text(header.shape), " of ", npy_code(header.type), " needs ", expected,
                               " bytes of elements, found ", reader.remaining());
  return header;
}

/// Magic string, version 1.0 and header, as numpy.save writes them.
inline std::string npy_header_text(npy_type type, std::span<const std::size_t> shape) {
  std::string dictionary = "{'descr': '";
  dictionary += element_bytes(type) == 1 ? '|' : '<';
  dictionary.append(npy_code(type))
      .append("', 'fortran_order': False, 'shape': ")
      .append(shape_text(shape))
      .append(", }");
  // NumPy leaves room for the first extent to grow to 21 digits, and pads to a multiple of 64 bytes.
  if (!shape.empty()) dictionary.append(21 - std::to_string(shape[0]).size(), ' ');
  constexpr std::size_t prefix = 10;
  dictionary.append(64 - (prefix + dictionary.size() + 1) % 64, ' ').push_back('\n');
  std::string text = "\x93NUMPY";
  text.push_back('\1');
  text.push_back('\0');
  text.push_back(static_cast<char>(dictionary.size() & 0xff));
  text.push_back(static_cast<char>(dictionary.size() >> 8));
  return text + dictionary;
}

} // namespace detail
} // namespace aecnn::io
