// A TensorProto of an ONNX file as a weight: float16, bfloat16 and double become float32, all integers and booleans
// int64. Elements are copied once; their number is checked against the shape and the limits before. Linear.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/io/element.hpp>
#include <aecnn/nn/graph.hpp>
#include <aecnn/nn/node_reader.hpp>
#include <aecnn/nn/onnx/message.hpp>

namespace aecnn::nn {

/// TensorProto.DataType.
enum class onnx_type : std::int32_t {
  undefined = 0,
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  uint16 = 4,
  int16 = 5,
  int32 = 6,
  int64 = 7,
  string = 8,
  boolean = 9,
  float16 = 10,
  float64 = 11,
  uint32 = 12,
  uint64 = 13,
  complex64 = 14,
  complex128 = 15,
  bfloat16 = 16
};

/// "float32"; "type 17" for what has no name here.
inline std::string to_string(onnx_type type) {
  constexpr const char* names[] = {"undefined", "float32", "uint8",     "int8",       "uint16",  "int16",
                                   "int32",     "int64",   "string",    "bool",       "float16", "float64",
                                   "uint32",    "uint64",  "complex64", "complex128", "bfloat16"};
  const auto i = static_cast<std::int32_t>(type);
  return i >= 0 && static_cast<std::size_t>(i) < std::size(names) ? names[i] : "type " + std::to_string(i);
}
constexpr bool is_float(onnx_type type) noexcept {
  return type == onnx_type::float32 || type == onnx_type::float16 || type == onnx_type::bfloat16 ||
         type == onnx_type::float64;
}

namespace detail {

/// The fields of a TensorProto before they are brought together.
struct onnx_tensor_fields {
  std::string label;
  std::vector<std::int64_t> shape;
  onnx_type type = onnx_type::undefined;
  bool has_raw = false;
  std::string_view raw;
  std::vector<float> floats;
  std::vector<std::int64_t> integers;
  std::uint32_t integers_field = 0; // 5: int32_data, 7: int64_data, 11: uint64_data
};

/// The most dimensions of a weight.
inline constexpr std::size_t onnx_max_rank = 32;

/// Whether an element fits its type; unsigned integers above the range of int64 arrive as negative.
inline bool fits(onnx_type type, std::int64_t v) noexcept {
  const auto within = [v](auto example) { return std::in_range<decltype(example)>(v); };
  switch (type) {
  case onnx_type::uint8:
    return within(std::uint8_t{});
  case onnx_type::int8:
    return within(std::int8_t{});
  case onnx_type::float16:
  case onnx_type::bfloat16:
  case onnx_type::uint16:
    return within(std::uint16_t{});
  case onnx_type::int16:
    return within(std::int16_t{});
  case onnx_type::int32:
    return within(std::int32_t{});
  case onnx_type::uint32:
    return within(std::uint32_t{});
  case onnx_type::boolean:
    return v == 0 || v == 1;
  case onnx_type::uint64:
    return v >= 0;
  default:
    return true;
  }
}

/// The number of elements that a shape declares, checked against the limits.
inline std::size_t onnx_element_count(const onnx_tensor_fields& t, const limits& bounds) {
  std::size_t nonzero = 1;
  bool empty = false;
  for (const std::int64_t extent : t.shape) {
    if (extent < 0) throw_onnx(errc::bad_shape, t.label, " has shape ", to_string(t.shape));
    if (extent == 0)
      empty = true;
    else if (!aecnn::detail::multiply(nonzero, static_cast<std::size_t>(extent), nonzero) ||
             nonzero > bounds.max_elements)
      throw_onnx(errc::limit_exceeded, t.label, " has shape ", to_string(t.shape), ", at most ", bounds.max_elements,
                 " elements allowed (limits.max_elements)");
  }
  return empty ? 0 : nonzero;
}

inline void expect_size(const onnx_tensor_fields& t, std::size_t found, std::size_t expected, const char* unit) {
  if (found != expected)
    throw_onnx(errc::bad_shape, t.label, " of ", to_string(t.type), " and shape ", to_string(t.shape), " holds ", found,
               " ", unit, ", expected ", expected);
}

/// Element i of raw_data goes through `convert` to out[i].
template <class Element, class Out, class Convert>
void read_raw(const onnx_tensor_fields& t, std::size_t count, std::vector<Out>& out, Convert convert) {
  expect_size(t, t.raw.size(), count * sizeof(Element), "bytes");
  out.resize(count);
  if (count == 0) return;
  if constexpr (std::is_same_v<Element, Out>) {
    std::memcpy(out.data(), t.raw.data(), t.raw.size());
    io::detail::to_native(std::as_writable_bytes(std::span(out)), sizeof(Element), std::endian::little);
  } else {
    const std::span bytes(reinterpret_cast<const std::byte*>(t.raw.data()), t.raw.size());
    for (std::size_t i = 0; i < count; ++i) out[i] = convert(io::detail::little_endian_at<Element>(bytes, i));
  }
}

inline void raw_floats(const onnx_tensor_fields& t, std::size_t count, std::vector<float>& out) {
  switch (t.type) {
  case onnx_type::float16:
    return read_raw<std::uint16_t>(t, count, out, io::half_to_float);
  case onnx_type::bfloat16:
    return read_raw<std::uint16_t>(t, count, out, io::bfloat16_to_float);
  case onnx_type::float64:
    return read_raw<double>(t, count, out, [](double v) { return static_cast<float>(v); });
  default:
    return read_raw<float>(t, count, out, [](float v) { return v; });
  }
}

inline void raw_integers(const onnx_tensor_fields& t, std::size_t count, std::vector<std::int64_t>& out) {
  const auto widen = [](auto v) { return static_cast<std::int64_t>(v); };
  switch (t.type) {
  case onnx_type::boolean:
  case onnx_type::uint8:
    read_raw<std::uint8_t>(t, count, out, widen);
    break;
  case onnx_type::int8:
    read_raw<std::int8_t>(t, count, out, widen);
    break;
  case onnx_type::uint16:
    read_raw<std::uint16_t>(t, count, out, widen);
    break;
  case onnx_type::int16:
    read_raw<std::int16_t>(t, count, out, widen);
    break;
  case onnx_type::int32:
    read_raw<std::int32_t>(t, count, out, widen);
    break;
  case onnx_type::uint32:
    read_raw<std::uint32_t>(t, count, out, widen);
    break;
  case onnx_type::uint64:
    read_raw<std::uint64_t>(t, count, out, widen);
    break;
  default:
    read_raw<std::int64_t>(t, count, out, widen);
    break;
  }
}

inline onnx_tensor_fields read_tensor_fields(std::string_view bytes, std::string_view where, const limits& bounds,
                                             std::string& name) {
  onnx_tensor_fields t;
  // The name first: every other failure mentions it.
  for (onnx_message m(bytes, "TensorProto"); m.next();)
    if (m.field() == 8)
      name = m.text();
    else
      m.skip();
  t.label = where;
  if (!name.empty()) t.label.append(" '").append(name.substr(0, 256)).append("'");
  const auto admit = [&](std::size_t count) {
    if (count >= bounds.max_elements)
      throw_onnx(errc::limit_exceeded, t.label, " holds more than ", bounds.max_elements,
                 " elements (limits.max_elements)");
  };
  for (onnx_message m(bytes, "TensorProto"); m.next();) switch (m.field()) {
    case 1: // dims
      m.each_varint([&](std::uint64_t v) {
        if (t.shape.size() == onnx_max_rank)
          throw_onnx(errc::unsupported, t.label, " has more than ", onnx_max_rank, " dimensions");
        t.shape.push_back(static_cast<std::int64_t>(v));
      });
      break;
    case 2:
      t.type = static_cast<onnx_type>(static_cast<std::int32_t>(m.varint()));
      break;
    case 4: // float_data
      m.each_fixed<float>([&](float v) {
        admit(t.floats.size());
        t.floats.push_back(v);
      });
      break;
    case 10: // double_data
      m.each_fixed<double>([&](double v) {
        admit(t.floats.size());
        t.floats.push_back(static_cast<float>(v));
      });
      break;
    case 5:
    case 7:
    case 11:
      if (t.integers_field != 0 && t.integers_field != m.field())
        throw_onnx(errc::bad_field, t.label, " holds its elements twice");
      t.integers_field = m.field();
      m.each_varint([&](std::uint64_t v) {
        admit(t.integers.size());
        t.integers.push_back(static_cast<std::int64_t>(v));
      });
      break;
    case 9:
      t.raw = m.bytes();
      t.has_raw = true;
      break;
    case 3:
      throw_onnx(errc::unsupported, t.label, " is a segment of a tensor, which is not supported");
    case 13: // external_data
    case 14: // data_location
      if (m.field() == 13 || m.varint() != 0)
        throw_onnx(errc::unsupported, t.label,
                   " keeps its elements in another file (external data), which is not supported");
      break;
    default:
      m.skip();
    }
  return t;
}

/// `where` says what the tensor is for, "initializer". errc: limit_exceeded, bad_shape, bad_field, unsupported.
inline weight read_tensor(std::string_view bytes, std::string_view where, const limits& bounds) {
  weight w;
  onnx_tensor_fields t = read_tensor_fields(bytes, where, bounds, w.name);
  const bool integers =
      t.type != onnx_type::string && t.type >= onnx_type::uint8 && t.type <= onnx_type::uint64 && !is_float(t.type);
  if (!integers && !is_float(t.type))
    throw_onnx(t.type == onnx_type::undefined ? errc::missing_field : errc::unsupported, t.label, " has elements of ",
               to_string(t.type), ", expected floats, integers or booleans");
  const std::size_t count = onnx_element_count(t, bounds);
  if (t.has_raw && (!t.floats.empty() || !t.integers.empty()))
    throw_onnx(errc::bad_field, t.label, " holds its elements twice");
  w.type = integers ? element_type::int64 : element_type::float32;
  // Half precision stands in int32_data; which field other types use follows from the type.
  const bool halves = t.type == onnx_type::float16 || t.type == onnx_type::bfloat16;
  if (t.has_raw && integers) {
    raw_integers(t, count, w.integers);
  } else if (t.has_raw) {
    raw_floats(t, count, w.values);
  } else if (integers || halves) {
    const std::uint32_t expected = t.type == onnx_type::int64                                   ? 7
                                   : t.type == onnx_type::uint32 || t.type == onnx_type::uint64 ? 11
                                                                                                : 5;
    if (!t.floats.empty() || (t.integers_field != 0 && t.integers_field != expected))
      throw_onnx(errc::bad_field, t.label, " of ", to_string(t.type), " holds elements of another type");
    expect_size(t, t.integers.size(), count, "elements");
    w.integers = std::move(t.integers);
  } else {
    if (!t.integers.empty())
      throw_onnx(errc::bad_field, t.label, " of ", to_string(t.type), " holds elements of another type");
    expect_size(t, t.floats.size(), count, "elements");
    w.values = std::move(t.floats);
  }
  for (const std::int64_t v : w.integers)
    if (!fits(t.type, v))
      throw_onnx(errc::bad_field, t.label, " of ", to_string(t.type), " holds ", v, ", which is out of range");
  if (halves && !t.has_raw) {
    w.values.reserve(w.integers.size());
    for (const std::int64_t v : w.integers) {
      const auto bits = static_cast<std::uint16_t>(v);
      w.values.push_back(t.type == onnx_type::float16 ? io::half_to_float(bits) : io::bfloat16_to_float(bits));
    }
    w.integers.clear();
  }
  w.shape = std::move(t.shape);
  return w;
}

} // namespace detail
} // namespace aecnn::nn
