// The header of a safetensors file (github.com/huggingface/safetensors, "Format"): a little-endian 64-bit length, then
// that many bytes of JSON that map each tensor's name to its dtype, shape and data_offsets, and "__metadata__" to a map
// of strings. Read strictly, from JSON events, so that memory stays in proportion to what is kept: a repeated key, an
// overlap, a hole, an unknown key or a size that contradicts the shape is an error. O(n log n) in the number of
// tensors.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <aecnn/core/bytes.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/io/element.hpp>

namespace aecnn::io {

/// Element types, in the order of the reference implementation, which lays tensors out from the last to the first.
enum class dtype {
  boolean,
  uint8,
  int8,
  int16,
  uint16,
  float16,
  bfloat16,
  int32,
  uint32,
  float32,
  float64,
  int64,
  uint64
};

inline constexpr std::size_t dtype_count = 13;

/// The format's name of a type: "F32", "BF16", ...
constexpr std::string_view name(dtype type) noexcept {
  constexpr std::string_view names[dtype_count] = {"BOOL", "U8",  "I8",  "I16", "U16", "F16", "BF16",
                                                   "I32",  "U32", "F32", "F64", "I64", "U64"};
  return names[static_cast<std::size_t>(type)];
}
/// Bytes of an element.
constexpr std::size_t element_bytes(dtype type) noexcept {
  constexpr std::size_t sizes[dtype_count] = {1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 8, 8, 8};
  return sizes[static_cast<std::size_t>(type)];
}

/// Tensors of more dimensions are refused.
inline constexpr std::size_t safetensors_max_rank = 8;

/// A tensor of a file: where its elements are.
struct safetensors_entry {
  std::string name;
  dtype type = dtype::float32;
  std::vector<std::size_t> shape; ///< empty for a single number
  std::size_t begin = 0, end = 0; ///< its bytes in the data that follow the header
};

namespace detail {

struct safetensors_header {
  std::vector<safetensors_entry> entries;                    ///< sorted by name
  std::vector<std::pair<std::string, std::string>> metadata; ///< sorted by key
};

/// Quotes a string for JSON and for messages: only what must be escaped is, as the reference implementation does.
inline std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    constexpr std::string_view plain = "\"\\\b\f\n\r\t", letter = "\"\\bfnrt";
    if (const auto i = plain.find(c); i != std::string_view::npos) {
      out += '\\';
      out += letter[i];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      constexpr std::string_view digits = "0123456789abcdef";
      out += "\\u00";
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[static_cast<unsigned char>(c) & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

/// Receives the JSON events of a header. Every method returns false, with the cause in `why`, where the event does not
/// belong at this place.
class safetensors_events {
public:
  using json = nlohmann::json;
  safetensors_events(safetensors_header& header, const limits& bounds) noexcept : header_(header), bounds_(bounds) {}

  failure why;

  bool null() { return unexpected("null"); }
  bool boolean(bool) { return unexpected("true or false"); }
  bool number_integer(json::number_integer_t) { return unexpected("a negative number"); }
  bool number_float(json::number_float_t, const json::string_t&) { return unexpected("a fraction or a huge number"); }
  bool binary(json::binary_t&) { return unexpected("binary data"); }

  bool number_unsigned(json::number_unsigned_t value) {
    if (place_ != place::shape && place_ != place::offsets) return unexpected("a number");
    if (value > static_cast<std::size_t>(-1)) return fail(errc::limit_exceeded, "number ", value, " is too large");
    if (place_ == place::shape) {
      if (entry().shape.size() == safetensors_max_rank)
        return fail(errc::unsupported, "more than ", safetensors_max_rank, " dimensions");
      entry().shape.push_back(static_cast<std::size_t>(value));
      return true;
    }
    if (offsets_ == 2) return fail(errc::bad_field, "data_offsets: more than two numbers");
    (offsets_++ == 0 ? entry().begin : entry().end) = static_cast<std::size_t>(value);
    return true;
  }

  bool string(json::string_t& value) {
    if (place_ == place::metadata_value) {
      header_.metadata.back().second = std::move(value);
      place_ = place::metadata;
      return true;
    }
    if (place_ != place::type) return unexpected("a string");
    for (std::size_t t = 0; t < dtype_count; ++t)
      if (name(static_cast<dtype>(t)) == value) {
        entry().type = static_cast<dtype>(t);
        place_ = place::tensor;
        return true;
      }
    return fail(errc::unsupported, "dtype ", json_quoted(value.substr(0, 32)), " is not supported");
  }

  bool start_object(std::size_t) {
    switch (place_) {
    case place::start:
      place_ = place::root;
      return true;
    case place::metadata_start:
      place_ = place::metadata;
      return true;
    case place::tensor_start:
      place_ = place::tensor;
      return true;
    default:
      return unexpected("an object");
    }
  }

  bool key(json::string_t& value) {
    if (place_ == place::tensor) {
      const std::size_t field = value == "dtype" ? 0 : value == "shape" ? 1 : value == "data_offsets" ? 2 : 3;
      if (field == 3) return fail(errc::bad_field, "unknown key ", json_quoted(value.substr(0, 32)));
      if (std::exchange(seen_[field], true)) return fail(errc::duplicate_name, "key '", value, "' occurs twice");
      place_ = field == 0 ? place::type : field == 1 ? place::shape_start : place::offsets_start;
      return true;
    }
    if (place_ == place::root && value == "__metadata__") {
      if (std::exchange(has_metadata_, true)) return fail(errc::duplicate_name, "'__metadata__' occurs twice");
      place_ = place::metadata_start;
      return true;
    }
    if (value.size() > bounds_.max_name_bytes)
      return fail(errc::limit_exceeded, "name of ", value.size(), " bytes, at most ", bounds_.max_name_bytes,
                  " allowed (limits.max_name_bytes)");
    const std::size_t count = place_ == place::root ? header_.entries.size() : header_.metadata.size();
    if (count >= bounds_.max_tensors)
      return fail(errc::limit_exceeded, "more than ", bounds_.max_tensors,
                  place_ == place::root ? " tensors" : " metadata entries", " (limits.max_tensors)");
    if (place_ == place::root) {
      header_.entries.push_back({std::move(value), {}, {}, 0, 0});
      offsets_ = 0;
      for (bool& s : seen_) s = false;
      place_ = place::tensor_start;
    } else {
      header_.metadata.emplace_back(std::move(value), std::string());
      place_ = place::metadata_value;
    }
    return true;
  }

  bool end_object() {
    if (place_ == place::root) {
      place_ = place::done;
      return true;
    }
    if (place_ == place::tensor)
      for (std::size_t i = 0; i < 3; ++i)
        if (!seen_[i]) {
          constexpr std::string_view fields[] = {"dtype", "shape", "data_offsets"};
          return fail(errc::missing_field, fields[i], " is missing");
        }
    place_ = place::root;
    return true;
  }

  bool start_array(std::size_t) {
    if (place_ == place::shape_start)
      place_ = place::shape;
    else if (place_ == place::offsets_start)
      place_ = place::offsets;
    else
      return unexpected("an array");
    return true;
  }

  bool end_array() {
    if (place_ == place::offsets && offsets_ != 2) return fail(errc::bad_field, "data_offsets: fewer than two numbers");
    place_ = place::tensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const json::exception&) {
    why = aecnn::detail::fail(errc::bad_format, "safetensors header: JSON syntax error at byte ", position);
    return false;
  }

private:
  enum class place {
    start,
    root,
    metadata_start,
    metadata,
    metadata_value,
    tensor_start,
    tensor,
    type,
    shape_start,
    shape,
    offsets_start,
    offsets,
    done
  };

  safetensors_entry& entry() noexcept { return header_.entries.back(); }

  template <class... Parts>
  bool fail(errc code, const Parts&... parts) {
    std::string where = "safetensors header: ";
    if (place_ >= place::tensor_start && place_ < place::done) where += "tensor " + json_quoted(entry().name) + ": ";
    why = aecnn::detail::fail(code, where, parts...);
    return false;
  }

  bool unexpected(std::string_view found) {
    switch (place_) {
    case place::start:
      return fail(errc::bad_format, "found ", found, ", expected an object");
    case place::metadata_start:
      return fail(errc::bad_field, "__metadata__: found ", found, ", expected an object");
    case place::metadata_value:
      return fail(errc::bad_field, "__metadata__: ", json_quoted(header_.metadata.back().first), ": found ", found,
                  ", expected a string");
    case place::type:
      return fail(errc::bad_field, "dtype: found ", found, ", expected a string");
    case place::shape_start:
      return fail(errc::bad_field, "shape: found ", found, ", expected an array");
    case place::shape:
      return fail(errc::bad_field, "shape: found ", found, ", expected an extent");
    case place::offsets_start:
      return fail(errc::bad_field, "data_offsets: found ", found, ", expected an array");
    case place::offsets:
      return fail(errc::bad_field, "data_offsets: found ", found, ", expected an offset");
    default:
      return fail(errc::bad_field, "found ", found, ", expected an object");
    }
  }

  safetensors_header& header_;
  const limits& bounds_;
  place place_ = place::start;
  bool has_metadata_ = false, seen_[3] = {};
  std::size_t offsets_ = 0;
};

/// Checks sizes, and that the tensors fill data of `available` bytes without overlap or hole.
inline status check_layout(const std::vector<safetensors_entry>& entries, std::size_t available, const limits& bounds) {
  std::vector<const safetensors_entry*> order;
  order.reserve(entries.size());
  for (const auto& e : entries) order.push_back(&e);
  std::sort(order.begin(), order.end(),
            [](const auto* a, const auto* b) { return std::pair(a->begin, a->end) < std::pair(b->begin, b->end); });
  std::size_t filled = 0;
  for (const auto* e : order) {
    const std::string who = "tensor " + json_quoted(e->name);
    std::size_t count = 0, bytes = 0;
    if (!element_count(e->shape, count) || count > bounds.max_elements ||
        !aecnn::detail::multiply(count, element_bytes(e->type), bytes))
      return aecnn::detail::fail(errc::limit_exceeded, who, " of shape ", shape_text(e->shape), " has more than ",
                                 bounds.max_elements, " elements (limits.max_elements)");
    if (e->begin > e->end)
      return aecnn::detail::fail(errc::bad_layout, who, " begins at byte ", e->begin, " and ends at byte ", e->end);
    if (e->end - e->begin != bytes)
      return aecnn::detail::fail(errc::bad_field, who, ": data_offsets hold ", e->end - e->begin, " bytes, shape ",
                                 shape_text(e->shape), " of ", name(e->type), " needs ", bytes);
    if (e->begin != filled)
      return aecnn::detail::fail(errc::bad_layout, who, " begins at byte ", e->begin, ", expected ", filled,
                                 e->begin < filled ? ": it overlaps another tensor" : ": there is a hole before it");
    filled = e->end;
  }
  if (filled != available)
    return aecnn::detail::fail(filled > available ? errc::truncated : errc::trailing_bytes,
                               "safetensors: the tensors need ", filled, " bytes of data, found ", available);
  return {};
}

/// The JSON text, and how many bytes of data follow it.
inline result<safetensors_header> parse_safetensors_header(std::string_view text, std::size_t data_bytes,
                                                           const limits& bounds) {
  // The parser would take a zero byte for the end of the text; JSON allows no such character anywhere.
  for (std::size_t i = 0; i < text.size(); ++i)
    if (static_cast<unsigned char>(text[i]) < 0x20 && text[i] != '\t' && text[i] != '\n' && text[i] != '\r')
      return aecnn::detail::fail(errc::bad_format, "safetensors header: control character at byte ", i);
  safetensors_header header;
  safetensors_events events(header, bounds);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &events)) return std::move(events.why);

  std::sort(header.entries.begin(), header.entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (std::size_t i = 1; i < header.entries.size(); ++i)
    if (header.entries[i].name == header.entries[i - 1].name)
      return aecnn::detail::fail(errc::duplicate_name, "safetensors header: tensor ",
                                 json_quoted(header.entries[i].name), " occurs twice");
  std::sort(header.metadata.begin(), header.metadata.end());
  for (std::size_t i = 1; i < header.metadata.size(); ++i)
    if (header.metadata[i].first == header.metadata[i - 1].first)
      return aecnn::detail::fail(errc::duplicate_name, "safetensors header: __metadata__: key ",
                                 json_quoted(header.metadata[i].first), " occurs twice");
  if (const status layout = check_layout(header.entries, data_bytes, bounds); !layout) return layout.error();
  return header;
}

/// The JSON text as the reference implementation writes it, padded with spaces to a multiple of 8 bytes.
inline std::string safetensors_header_text(std::span<const safetensors_entry> in_file_order,
                                           std::span<const std::pair<std::string, std::string>> metadata) {
  std::string text = "{";
  const auto numbers = [&](std::span<const std::size_t> values) {
    text += '[';
    for (std::size_t i = 0; i < values.size(); ++i) text.append(i == 0 ? "" : ",").append(std::to_string(values[i]));
    text += ']';
  };
  if (!metadata.empty()) {
    text += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata)
      text.append(json_quoted(key)).append(":").append(json_quoted(value)).append(",");
    text.back() = '}';
    text += ',';
  }
  for (const auto& e : in_file_order) {
    text.append(json_quoted(e.name)).append(":{\"dtype\":\"").append(name(e.type)).append("\",\"shape\":");
    numbers(e.shape);
    text += ",\"data_offsets\":";
    const std::size_t offsets[] = {e.begin, e.end};
    numbers(offsets);
    text += "},";
  }
  if (text.size() == 1)
    text += '}';
  else
    text.back() = '}';
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

} // namespace detail
} // namespace aecnn::io
