// NumPy's .npy files: arrays and batches of feature tensors in and out. What is written equals numpy.save byte for
// byte. Linear in the file's size.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/core/bytes.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/io/element.hpp>
#include <aecnn/io/file.hpp>
#include <aecnn/io/npy_header.hpp>

namespace aecnn::io {

/// An array as read from a file: elements in the machine's byte order, the last index running fastest.
struct npy_array {
  npy_type type = npy_type::float32;
  std::vector<std::size_t> shape; ///< empty for a single number
  std::vector<std::byte> data;    ///< product of the extents times element_bytes(type)

  std::size_t size() const noexcept { return data.size() / element_bytes(type); }

  /// The elements; errc::bad_field where they are not of type T.
  template <file_element T>
  result<std::vector<T>> values() const {
    if (type != npy_type_of<T>())
      return aecnn::detail::fail(errc::bad_field, "elements are ", npy_code(type), ", expected ",
                                 npy_code(npy_type_of<T>()));
    std::vector<T> out(size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = detail::element_at<T>(data, i);
    return out;
  }
  /// Elements of type f2, f4 or f8 as float (f8 is rounded); errc::bad_field for integers.
  result<std::vector<float>> floats() const {
    std::vector<float> out;
    const auto convert = [&](auto element, auto to_float) {
      out.resize(size());
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = to_float(detail::element_at<decltype(element)>(data, i));
    };
    switch (type) {
    case npy_type::float32:
      convert(float{}, [](float v) { return v; });
      break;
    case npy_type::float64:
      convert(double{}, [](double v) { return static_cast<float>(v); });
      break;
    case npy_type::float16:
      convert(std::uint16_t{}, half_to_float);
      break;
    default:
      return aecnn::detail::fail(errc::bad_field, "elements are ", npy_code(type), ", expected f2, f4 or f8");
    }
    return out;
  }
};

namespace detail {

/// From the first index running fastest to the last.
inline std::vector<std::byte> reorder_fortran(const npy_header& header, const std::vector<std::byte>& in) {
  const std::size_t rank = header.shape.size(), width = element_bytes(header.type);
  std::array<std::size_t, npy_max_rank> stride{}, index{};
  std::size_t step = width;
  for (std::size_t d = 0; d < rank; step *= header.shape[d++]) stride[d] = step;
  std::vector<std::byte> out(in.size());
  std::size_t source = 0;
  for (std::size_t at = 0; at < out.size(); at += width) {
    std::memcpy(out.data() + at, in.data() + source, width);
    for (std::size_t d = rank; d-- > 0;) {
      source += stride[d];
      if (++index[d] < header.shape[d]) break;
      source -= stride[d] * index[d];
      index[d] = 0;
    }
  }
  return out;
}

/// Takes over the bytes of a file.
inline result<npy_array> parse_npy(std::vector<std::byte> bytes) {
  auto header = parse_npy_header(bytes);
  if (!header) return header.error();
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(header->data_offset));
  to_native(bytes, element_bytes(header->type), header->order);
  if (header->fortran_order && header->shape.size() > 1) bytes = reorder_fortran(*header, bytes);
  return npy_array{header->type, std::move(header->shape), std::move(bytes)};
}

/// A file of elements in native order.
inline result<std::vector<std::byte>> format_npy(npy_type type, std::span<const std::size_t> shape,
                                                 std::span<const std::byte> data) {
  std::size_t count = 0, expected = 0;
  if (shape.size() > npy_max_rank)
    return aecnn::detail::fail(errc::bad_shape, "npy shape ", shape_text(shape), " has rank ", shape.size(),
                               ", expected at most ", npy_max_rank);
  if (!element_count(shape, count) || !aecnn::detail::multiply(count, element_bytes(type), expected) ||
      expected != data.size())
    return aecnn::detail::fail(errc::bad_shape, "npy shape ", shape_text(shape), " does not have ",
                               data.size() / element_bytes(type), " elements");
  std::vector<std::byte> out;
  const std::string header = npy_header_text(type, shape);
  out.reserve(header.size() + data.size());
  byte_writer writer(out);
  writer.text(header);
  writer.bytes(data);
  to_native(std::span(out).subspan(header.size()), element_bytes(type), std::endian::little);
  return out;
}

} // namespace detail

/// Reads an array. errc: truncated, trailing_bytes, bad_format, unsupported_version, unsupported (element type, rank
/// above 8), duplicate_name, missing_field, limit_exceeded.
inline result<npy_array> try_parse_npy(std::span<const std::byte> bytes, const limits& bounds = {}) {
  if (bytes.size() > bounds.max_file_bytes)
    return aecnn::detail::fail(errc::limit_exceeded, "npy file of ", bytes.size(), " bytes, at most ",
                               bounds.max_file_bytes, " allowed (limits.max_file_bytes)");
  return aecnn::detail::guarded([&] { return detail::parse_npy({bytes.begin(), bytes.end()}); });
}
inline npy_array parse_npy(std::span<const std::byte> bytes, const limits& bounds = {}) {
  return try_parse_npy(bytes, bounds).value();
}

/// Reads an array from a file; also errc::io_error.
inline result<npy_array> try_load_npy(const std::filesystem::path& path, const limits& bounds = {}) {
  return aecnn::detail::guarded([&]() -> result<npy_array> {
    auto bytes = try_read_file(path, bounds);
    if (!bytes) return bytes.error();
    return detail::in_file(path, detail::parse_npy(*std::move(bytes)));
  });
}
inline npy_array load_npy(const std::filesystem::path& path, const limits& bounds = {}) {
  return try_load_npy(path, bounds).value();
}

/// The bytes that numpy.save writes for this array on a little-endian machine. errc::bad_shape where the shape does not
/// have as many elements as there are.
inline result<std::vector<std::byte>> try_format_npy(const npy_array& array) {
  return aecnn::detail::guarded([&] { return detail::format_npy(array.type, array.shape, array.data); });
}
/// The same for a contiguous range (vector, span, array) of numbers.
template <number_range Values>
result<std::vector<std::byte>> try_format_npy(const Values& values, const std::vector<std::size_t>& shape) {
  using element = number_of<Values>;
  return aecnn::detail::guarded(
      [&] { return detail::format_npy(npy_type_of<element>(), shape, std::as_bytes(std::span(values))); });
}
inline std::vector<std::byte> format_npy(const npy_array& array) { return try_format_npy(array).value(); }
template <number_range Values>
std::vector<std::byte> format_npy(const Values& values, const std::vector<std::size_t>& shape) {
  return try_format_npy(values, shape).value();
}

/// Writes an array to a file, completely or not at all; also errc::io_error.
inline status try_save_npy(const std::filesystem::path& path, const npy_array& array) {
  const auto bytes = try_format_npy(array);
  return bytes ? try_write_file(path, *bytes) : detail::in_file(path, status(bytes.error()));
}
template <number_range Values>
status try_save_npy(const std::filesystem::path& path, const Values& values, const std::vector<std::size_t>& shape) {
  const auto bytes = try_format_npy(values, shape);
  return bytes ? try_write_file(path, *bytes) : detail::in_file(path, status(bytes.error()));
}
inline void save_npy(const std::filesystem::path& path, const npy_array& array) { try_save_npy(path, array).value(); }
template <number_range Values>
void save_npy(const std::filesystem::path& path, const Values& values, const std::vector<std::size_t>& shape) {
  try_save_npy(path, values, shape).value();
}

/// Feature tensors of one shape.
struct feature_batch {
  std::size_t count = 0;     ///< number of tensors
  shape3 shape{};            ///< of each
  std::vector<float> values; ///< count * shape.size(), tensors back to back, channels first

  /// Tensor i, i below count; valid as long as the batch is.
  tensor_view<const float> operator[](std::size_t i) const noexcept {
    return tensor_view<const float>::chw(values.data() + i * shape.size(), shape.channels, shape.height, shape.width);
  }
};

/// An array [N,C,H,W] or [C,H,W] (then N is 1) of f2, f4 or f8 as feature tensors. errc::bad_shape, errc::bad_field for
/// other element types, errc::limit_exceeded.
inline result<feature_batch> try_to_features(const npy_array& array, const limits& bounds = {}) {
  return aecnn::detail::guarded([&]() -> result<feature_batch> {
    const auto& s = array.shape;
    if (s.size() != 3 && s.size() != 4)
      return aecnn::detail::fail(errc::bad_shape, "array of shape ", detail::shape_text(s),
                                 ", expected feature tensors [N,C,H,W] or [C,H,W]");
    feature_batch batch{s.size() == 4 ? s[0] : 1, {s[s.size() - 3], s[s.size() - 2], s[s.size() - 1]}, {}};
    std::size_t elements = 0;
    if (!detail::element_count(std::span(s).last(3), elements) || elements > bounds.max_elements ||
        batch.shape.channels > bounds.max_channels || batch.shape.height > bounds.max_extent ||
        batch.shape.width > bounds.max_extent || (elements == 0 && batch.count > bounds.max_elements))
      return aecnn::detail::fail(errc::limit_exceeded, "feature tensors of shape ", detail::shape_text(s), ", at most ",
                                 bounds.max_channels, " channels, ", bounds.max_extent, " rows or columns and ",
                                 bounds.max_elements, " elements each");
    auto values = array.floats();
    if (!values) return values.error();
    batch.values = *std::move(values);
    return batch;
  });
}

/// Reads feature tensors from an .npy file.
inline result<feature_batch> try_load_features(const std::filesystem::path& path, const limits& bounds = {}) {
  const auto array = try_load_npy(path, bounds);
  if (!array) return array.error();
  return detail::in_file(path, try_to_features(*array, bounds));
}
inline feature_batch load_features(const std::filesystem::path& path, const limits& bounds = {}) {
  return try_load_features(path, bounds).value();
}

} // namespace aecnn::io
