// safetensors files: named tensors and a map of strings, in and out. Reading is strict and bounded; writing depends
// only on the content, never on the order in which it was added, and gives the bytes of the reference implementation
// (whose metadata alone are in no fixed order; here they are sorted). Works on machines of either byte order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <aecnn/core/bytes.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/io/element.hpp>
#include <aecnn/io/file.hpp>
#include <aecnn/io/safetensors_header.hpp>

namespace aecnn::io {

/// The dtype of a C++ type.
template <file_element T>
constexpr dtype dtype_of() noexcept {
  constexpr bool negative = std::is_signed_v<T>;
  if constexpr (std::same_as<T, float>)
    return dtype::float32;
  else if constexpr (std::same_as<T, double>)
    return dtype::float64;
  else if constexpr (sizeof(T) == 1)
    return negative ? dtype::int8 : dtype::uint8;
  else if constexpr (sizeof(T) == 2)
    return negative ? dtype::int16 : dtype::uint16;
  else if constexpr (sizeof(T) == 4)
    return negative ? dtype::int32 : dtype::uint32;
  else
    return negative ? dtype::int64 : dtype::uint64;
}

/// The content of a file. Fill it with add and set_metadata, or by loading.
struct safetensors {
  std::vector<safetensors_entry> entries;                    ///< sorted by name
  std::vector<std::pair<std::string, std::string>> metadata; ///< sorted by key
  std::vector<std::byte> data;                               ///< little-endian on every machine

  /// The tensor of that name, or null.
  const safetensors_entry* find(std::string_view tensor) const noexcept {
    const auto at = position(tensor);
    return at != entries.end() && at->name == tensor ? &*at : nullptr;
  }
  /// The metadata string of that key, or null.
  const std::string* find_metadata(std::string_view key) const noexcept {
    for (const auto& [k, value] : metadata)
      if (k == key) return &value;
    return nullptr;
  }

  /// The tensor's extents; errc::missing_field.
  result<std::vector<std::size_t>> shape(std::string_view tensor) const {
    const auto* e = find(tensor);
    if (e == nullptr) return missing(tensor);
    return e->shape;
  }
  /// The tensor's little-endian bytes, valid as long as `data` is; errc::missing_field.
  result<std::span<const std::byte>> bytes(std::string_view tensor) const {
    const auto* e = find(tensor);
    if (e == nullptr) return missing(tensor);
    if (e->begin > e->end || e->end > data.size())
      return aecnn::detail::fail(errc::bad_layout, "tensor ", detail::json_quoted(tensor), " lies outside the data");
    return std::span(data).subspan(e->begin, e->end - e->begin);
  }

  /// A tensor of F32, F16, BF16 or F64 (rounded) as float. errc::missing_field, errc::bad_field for other types.
  result<std::vector<float>> floats(std::string_view tensor) const {
    const auto raw = bytes(tensor);
    if (!raw) return raw.error();
    const dtype type = find(tensor)->type;
    std::vector<float> out;
    const auto convert = [&](auto element, auto to_float) {
      out.resize(raw->size() / sizeof element);
      for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = to_float(detail::little_endian_at<decltype(element)>(*raw, i));
    };
    switch (type) {
    case dtype::float32:
      convert(float{}, [](float v) { return v; });
      break;
    case dtype::float64:
      convert(double{}, [](double v) { return static_cast<float>(v); });
      break;
    case dtype::float16:
      convert(std::uint16_t{}, half_to_float);
      break;
    case dtype::bfloat16:
      convert(std::uint16_t{}, bfloat16_to_float);
      break;
    default:
      return wrong_type(tensor, type, "F32, F16, BF16 or F64");
    }
    return out;
  }

  /// A tensor of integers of any width, or of BOOL, as T. errc::missing_field; errc::bad_field for other types, for a
  /// value that T does not hold, and for a BOOL that is neither 0 nor 1.
  template <file_integer T>
  result<std::vector<T>> integers(std::string_view tensor) const {
    const auto raw = bytes(tensor);
    if (!raw) return raw.error();
    const dtype type = find(tensor)->type;
    std::vector<T> out;
    const auto convert = [&](auto element) -> status {
      out.resize(raw->size() / sizeof element);
      for (std::size_t i = 0; i < out.size(); ++i) {
        const auto v = detail::little_endian_at<decltype(element)>(*raw, i);
        if (!std::in_range<T>(v) || (type == dtype::boolean && std::cmp_greater(v, 1)))
          return aecnn::detail::fail(errc::bad_field, "tensor ", detail::json_quoted(tensor), ", element ", i, ": ", +v,
                                     " is out of range");
        out[i] = static_cast<T>(v); // NOLINT(bugprone-signed-char-misuse,cert-str34-c): int8 are numbers
      }
      return {};
    };
    status converted;
    switch (type) {
    case dtype::boolean:
    case dtype::uint8:
      converted = convert(std::uint8_t{});
      break;
    case dtype::int8:
      converted = convert(std::int8_t{});
      break;
    case dtype::uint16:
      converted = convert(std::uint16_t{});
      break;
    case dtype::int16:
      converted = convert(std::int16_t{});
      break;
    case dtype::uint32:
      converted = convert(std::uint32_t{});
      break;
    case dtype::int32:
      converted = convert(std::int32_t{});
      break;
    case dtype::uint64:
      converted = convert(std::uint64_t{});
      break;
    case dtype::int64:
      converted = convert(std::int64_t{});
      break;
    default:
      return wrong_type(tensor, type, "integers");
    }
    if (!converted) return converted.error();
    return out;
  }

  /// Adds a tensor of little-endian elements, last index fastest. errc::duplicate_name, errc::invalid_argument for the
  /// name "__metadata__", errc::bad_shape where shape and bytes disagree.
  status try_add(std::string_view tensor, dtype type, const std::vector<std::size_t>& extents,
                 std::span<const std::byte> little_endian) {
    return aecnn::detail::guarded([&]() -> status {
      if (status s = admit(tensor, type, extents, little_endian.size()); !s) return s;
      insert(tensor, type, extents, [&] { data.insert(data.end(), little_endian.begin(), little_endian.end()); });
      return {};
    });
  }
  /// Adds a tensor from a contiguous range of numbers; errors as above.
  template <number_range Values>
  status try_add(std::string_view tensor, const std::vector<std::size_t>& extents, const Values& values) {
    using element = number_of<Values>;
    return aecnn::detail::guarded([&]() -> status {
      const std::span<const element> elements(values);
      if (status s = admit(tensor, dtype_of<element>(), extents, elements.size_bytes()); !s) return s;
      insert(tensor, dtype_of<element>(), extents, [&] { detail::append_little_endian(data, elements); });
      return {};
    });
  }
  void add(std::string_view tensor, dtype type, const std::vector<std::size_t>& extents,
           std::span<const std::byte> little_endian) {
    try_add(tensor, type, extents, little_endian).value();
  }
  template <number_range Values>
  void add(std::string_view tensor, const std::vector<std::size_t>& extents, const Values& values) {
    try_add(tensor, extents, values).value();
  }

  /// Sets the metadata string of a key, in place of an earlier one.
  void set_metadata(std::string_view key, std::string_view value) {
    auto at = std::lower_bound(metadata.begin(), metadata.end(), key,
                               [](const auto& entry, std::string_view k) { return entry.first < k; });
    if (at == metadata.end() || at->first != key) at = metadata.insert(at, {std::string(key), std::string()});
    at->second = value;
  }

private:
  std::vector<safetensors_entry>::const_iterator position(std::string_view tensor) const noexcept {
    return std::lower_bound(entries.begin(), entries.end(), tensor,
                            [](const safetensors_entry& e, std::string_view t) { return e.name < t; });
  }
  static failure missing(std::string_view tensor) {
    return aecnn::detail::fail(errc::missing_field, "tensor ", detail::json_quoted(tensor), " is missing");
  }
  static failure wrong_type(std::string_view tensor, dtype found, std::string_view expected) {
    return aecnn::detail::fail(errc::bad_field, "tensor ", detail::json_quoted(tensor), " has dtype ", name(found),
                               ", expected ", expected);
  }
  status admit(std::string_view tensor, dtype type, std::span<const std::size_t> extents, std::size_t found) const {
    if (tensor == "__metadata__")
      return aecnn::detail::fail(errc::invalid_argument, "'__metadata__' is not a tensor's name");
    if (find(tensor) != nullptr)
      return aecnn::detail::fail(errc::duplicate_name, "tensor ", detail::json_quoted(tensor), " exists already");
    std::size_t count = 0, needed = 0;
    if (!detail::element_count(extents, count) || !aecnn::detail::multiply(count, element_bytes(type), needed) ||
        needed != found)
      return aecnn::detail::fail(errc::bad_shape, "tensor ", detail::json_quoted(tensor), ": shape ",
                                 detail::shape_text(extents), " of ", name(type), " does not take ", found, " bytes");
    return {};
  }
  template <class Append>
  void insert(std::string_view tensor, dtype type, const std::vector<std::size_t>& extents, Append append) {
    const std::size_t begin = data.size();
    append();
    entries.insert(position(tensor), {std::string(tensor), type, extents, begin, data.size()});
  }
};

namespace detail {

inline constexpr std::size_t safetensors_prefix = 8;

/// The header; afterwards `header_bytes` is where the data begin.
inline result<safetensors_header> read_safetensors_header(std::span<const std::byte> file, const limits& bounds,
                                                          std::size_t& header_bytes) {
  if (file.size() > bounds.max_file_bytes)
    return aecnn::detail::fail(errc::limit_exceeded, "safetensors file of ", file.size(), " bytes, at most ",
                               bounds.max_file_bytes, " allowed (limits.max_file_bytes)");
  byte_reader reader(file);
  const std::uint64_t length = reader.u64();
  if (reader.failed())
    return aecnn::detail::fail(errc::truncated, "safetensors file of ", file.size(), " bytes, expected at least 8");
  if (reader.remaining() != 0 && file[safetensors_prefix] != std::byte{'{'})
    return aecnn::detail::fail(errc::bad_format, "not a safetensors file: its header does not begin with '{'");
  if (length > bounds.max_json_bytes)
    return aecnn::detail::fail(errc::limit_exceeded, "safetensors header of ", length, " bytes, at most ",
                               bounds.max_json_bytes, " allowed (limits.max_json_bytes)");
  const auto text = reader.take(static_cast<std::size_t>(length));
  if (reader.failed())
    return aecnn::detail::fail(errc::truncated, "safetensors header of ", length, " bytes in a file of ", file.size());
  if (text.empty()) return aecnn::detail::fail(errc::bad_format, "safetensors header is empty");
  header_bytes = reader.position();
  return parse_safetensors_header({reinterpret_cast<const char*>(text.data()), text.size()}, reader.remaining(),
                                  bounds);
}

} // namespace detail

/// Reads a file's bytes. errc: truncated, trailing_bytes, bad_format, limit_exceeded, duplicate_name, missing_field,
/// bad_field, bad_layout, unsupported (dtype, rank above 8).
inline result<safetensors> try_parse_safetensors(std::span<const std::byte> file, const limits& bounds = {}) {
  return aecnn::detail::guarded([&]() -> result<safetensors> {
    std::size_t start = 0;
    auto header = detail::read_safetensors_header(file, bounds, start);
    if (!header) return header.error();
    const auto data = file.subspan(start);
    return safetensors{std::move(header->entries), std::move(header->metadata), {data.begin(), data.end()}};
  });
}
inline safetensors parse_safetensors(std::span<const std::byte> file, const limits& bounds = {}) {
  return try_parse_safetensors(file, bounds).value();
}

/// Reads a file; also errc::io_error.
inline result<safetensors> try_load_safetensors(const std::filesystem::path& path, const limits& bounds = {}) {
  return aecnn::detail::guarded([&]() -> result<safetensors> {
    auto file = try_read_file(path, bounds);
    if (!file) return file.error();
    std::size_t start = 0;
    auto header = detail::in_file(path, detail::read_safetensors_header(*file, bounds, start));
    if (!header) return header.error();
    file->erase(file->begin(), file->begin() + static_cast<std::ptrdiff_t>(start)); // no second copy of the data
    return safetensors{std::move(header->entries), std::move(header->metadata), *std::move(file)};
  });
}
inline safetensors load_safetensors(const std::filesystem::path& path, const limits& bounds = {}) {
  return try_load_safetensors(path, bounds).value();
}

/// The file's bytes. The same content always gives the same bytes: tensors are laid out from the widest type to the
/// narrowest, then by name. What a reader with these limits would refuse (a name that is not UTF-8, a header above the
/// limits, ...) is refused here, with the reader's code.
inline result<std::vector<std::byte>> try_serialize(const safetensors& content, const limits& bounds = {}) {
  return aecnn::detail::guarded([&]() -> result<std::vector<std::byte>> {
    std::vector<safetensors_entry> order = content.entries;
    std::sort(order.begin(), order.end(),
              [](const auto& a, const auto& b) { return a.type != b.type ? a.type > b.type : a.name < b.name; });
    std::size_t end = 0;
    std::vector<std::span<const std::byte>> parts;
    for (auto& e : order) {
      const auto part = content.bytes(e.name);
      if (!part) return part.error();
      parts.push_back(*part);
      e.begin = end;
      e.end = end += part->size();
    }
    auto metadata = content.metadata;
    std::sort(metadata.begin(), metadata.end());
    const std::string text = detail::safetensors_header_text(order, metadata);
    if (text.size() > bounds.max_json_bytes)
      return aecnn::detail::fail(errc::limit_exceeded, "safetensors header of ", text.size(), " bytes, at most ",
                                 bounds.max_json_bytes, " allowed (limits.max_json_bytes)");
    if (const auto readable = detail::parse_safetensors_header(text, end, bounds); !readable) return readable.error();
    std::vector<std::byte> out;
    out.reserve(detail::safetensors_prefix + text.size() + end);
    byte_writer writer(out);
    writer.u64(text.size());
    writer.text(text);
    for (const auto& part : parts) writer.bytes(part);
    return out;
  });
}
inline std::vector<std::byte> serialize(const safetensors& content, const limits& bounds = {}) {
  return try_serialize(content, bounds).value();
}

/// Writes a file, completely or not at all; also errc::io_error.
inline status try_save_safetensors(const std::filesystem::path& path, const safetensors& content,
                                   const limits& bounds = {}) {
  const auto bytes = try_serialize(content, bounds);
  return bytes ? try_write_file(path, *bytes) : detail::in_file(path, status(bytes.error()));
}
inline void save_safetensors(const std::filesystem::path& path, const safetensors& content, const limits& bounds = {}) {
  try_save_safetensors(path, content, bounds).value();
}

} // namespace aecnn::io
