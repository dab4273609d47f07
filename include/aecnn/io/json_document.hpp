// A JSON text (RFC 8259) as a flat list of values, read from untrusted bytes: depth, number of values and memory are
// bounded before anything is kept. Values stand in the order of the text, each followed by its descendants. Linear.
// Repeated keys are kept; json_field, which reads documents, reports them with their place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>

namespace aecnn::io {

enum class json_kind : std::uint8_t { null, boolean, integer, number, string, array, object };

/// "a string", for messages.
constexpr std::string_view name(json_kind kind) noexcept {
  constexpr std::string_view names[] = {"null",     "true or false", "an integer", "a fraction",
                                        "a string", "an array",      "an object"};
  return names[static_cast<std::size_t>(kind)];
}

struct json_value {
  json_kind kind = json_kind::null;
  bool negative = false;       ///< of an integer
  std::uint32_t end = 0;       ///< position after its last descendant
  std::uint64_t magnitude = 0; ///< of an integer
  double number = 0;           ///< of an integer or a fraction; decimal text rounded to nearest
  std::string_view key;        ///< of a member of an object
  std::string_view text;       ///< of a string
};

/// A parsed text. Movable; the values point into it.
class json_document {
public:
  json_document(json_document&&) noexcept = default;
  json_document& operator=(json_document&&) noexcept = default;
  json_document(const json_document&) = delete;
  json_document& operator=(const json_document&) = delete;

  /// The most values that a text may have: far more than a profile within the limits needs.
  static constexpr std::size_t most_values(const limits& bounds) noexcept {
    constexpr std::size_t top = 0x3fffff;
    const auto clamped = [](std::size_t n) { return n < top ? n : top; };
    return 128 * (clamped(bounds.max_nodes) + clamped(bounds.max_tensors) + clamped(bounds.max_operating_points));
  }

  /// errc::bad_format on a syntax error, errc::limit_exceeded. `what` names the text in messages.
  static result<json_document> parse(std::string_view text, const limits& bounds, std::string_view what);

  /// Never empty: the first is the root.
  std::span<const json_value> values() const noexcept { return values_; }

private:
  friend class json_events;
  json_document() = default;
  std::string_view keep(std::string_view s) {
    const std::size_t start = characters_.size();
    characters_.insert(characters_.end(), s.begin(), s.end());
    return {characters_.data() + start, s.size()};
  }
  std::vector<json_value> values_;
  std::vector<char> characters_; ///< decoded strings; reserved beforehand, so that it never moves
};

/// Receives the parser's events; every method returns false, with the cause in `why`, to stop it.
class json_events {
public:
  using json = nlohmann::json;
  json_events(json_document& document, const limits& bounds, std::string_view what) noexcept
      : document_(document), bounds_(bounds), what_(what) {}

  failure why;

  bool null() { return add(of(json_kind::null)); }
  bool boolean(bool v) {
    json_value value = of(json_kind::boolean);
    value.magnitude = v ? 1 : 0;
    return add(value);
  }
  bool number_unsigned(json::number_unsigned_t v) {
    json_value value = of(json_kind::integer);
    value.magnitude = v;
    value.number = static_cast<double>(v);
    return add(value);
  }
  bool number_integer(json::number_integer_t v) {
    json_value value = of(json_kind::integer);
    value.negative = v < 0;
    value.magnitude = v < 0 ? ~static_cast<std::uint64_t>(v) + 1 : static_cast<std::uint64_t>(v);
    value.number = static_cast<double>(v);
    return add(value);
  }
  bool number_float(json::number_float_t v, const json::string_t&) {
    json_value value = of(json_kind::number);
    value.number = v;
    return add(value);
  }
  bool string(json::string_t& v) {
    json_value value = of(json_kind::string);
    value.text = document_.keep(v);
    return add(value);
  }
  bool binary(json::binary_t&) { return stop(errc::bad_format, "binary data"); }
  bool start_object(std::size_t) { return start(json_kind::object); }
  bool start_array(std::size_t) { return start(json_kind::array); }
  bool end_object() { return end(); }
  bool end_array() { return end(); }
  bool key(json::string_t& v) {
    key_ = document_.keep(v);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const json::exception&) {
    return stop(errc::bad_format, "JSON syntax error at byte ", position);
  }

private:
  template <class... Parts>
  bool stop(errc code, const Parts&... parts) {
    why = aecnn::detail::fail(code, what_, ": ", parts...);
    return false;
  }
  static json_value of(json_kind kind) noexcept {
    json_value value;
    value.kind = kind;
    return value;
  }
  bool add(json_value value) {
    if (document_.values_.size() >= json_document::most_values(bounds_))
      return stop(errc::limit_exceeded, "more than ", json_document::most_values(bounds_), " JSON values");
    value.key = std::exchange(key_, {});
    value.end = static_cast<std::uint32_t>(document_.values_.size()) + 1;
    document_.values_.push_back(value);
    return true;
  }
  bool start(json_kind kind) {
    if (open_.size() >= bounds_.max_json_depth)
      return stop(errc::limit_exceeded, "JSON values nested deeper than ", bounds_.max_json_depth,
                  " (limits.max_json_depth)");
    open_.push_back(document_.values_.size());
    return add(of(kind));
  }
  bool end() {
    document_.values_[open_.back()].end = static_cast<std::uint32_t>(document_.values_.size());
    open_.pop_back();
    return true;
  }

  json_document& document_;
  const limits& bounds_;
  std::string_view what_;
  std::string_view key_;
  std::vector<std::size_t> open_;
};

inline result<json_document> json_document::parse(std::string_view text, const limits& bounds, std::string_view what) {
  if (text.size() > bounds.max_json_bytes)
    return aecnn::detail::fail(errc::limit_exceeded, what, ": ", text.size(), " bytes of JSON, at most ",
                               bounds.max_json_bytes, " allowed (limits.max_json_bytes)");
  // The parser would take a zero byte for the end of the text; JSON allows no such character anywhere.
  for (std::size_t i = 0; i < text.size(); ++i)
    if (static_cast<unsigned char>(text[i]) < 0x20 && text[i] != '\t' && text[i] != '\n' && text[i] != '\r')
      return aecnn::detail::fail(errc::bad_format, what, ": control character at byte ", i);
  json_document document;
  document.characters_.reserve(text.size()); // no string is longer decoded than written
  json_events events(document, bounds, what);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &events)) return std::move(events.why);
  return document;
}

} // namespace aecnn::io
