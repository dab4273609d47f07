// Strict reading of a JSON document: every value is asked for by name and range, and what nobody asked for is an error.
// The first thing that is wrong is remembered with its place, "operating_points[2].quantizer.levels"; later reads then
// return harmless values, so that a reader asks for all it needs and checks once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/io/json_document.hpp>

namespace aecnn::io {

/// A value of a document, or the place of one that is absent. The document and the failure must outlive it.
class json_field {
public:
  /// The root of a document.
  json_field(const json_document& document, std::optional<failure>& why)
      : document_(&document), why_(&why), present_(true) {}

  const std::string& path() const noexcept { return path_; }
  /// Remembers a failure; the message follows the path.
  template <class... Parts>
  void fail(errc code, const Parts&... parts) const {
    if (!*why_) *why_ = aecnn::detail::fail(code, path_.empty() ? "document" : path_, ": ", parts...);
  }

  /// This must be an object of no other members than these, each at most once. To be called before members are read.
  void expect_members(std::initializer_list<std::string_view> known) const {
    if (!expect(json_kind::object)) return;
    std::uint64_t seen = 0; // a bit for each known key; objects have fewer than 64
    for (std::size_t i = position_ + 1; i < value().end; i = at(i).end) {
      std::size_t k = 0;
      for (const std::string_view name : known) {
        if (name == at(i).key) break;
        ++k;
      }
      if (k == known.size()) return fail(errc::bad_field, "unknown key '", at(i).key.substr(0, 64), "'");
      if ((seen >> k & 1) != 0) return fail(errc::duplicate_name, "key '", at(i).key, "' occurs twice");
      seen |= std::uint64_t{1} << k;
    }
  }
  bool has(std::string_view key) const { return find(key) != 0; }
  /// A member; errc::missing_field.
  json_field operator[](std::string_view key) const {
    const std::size_t i = find(key);
    json_field f(*this, i, path_.empty() ? std::string(key) : path_ + '.' + std::string(key));
    if (i == 0) f.fail(errc::missing_field, "is missing");
    return f;
  }
  /// Calls f(element, number) for each element of this array of at most `most`.
  template <class Function>
  void each(std::size_t most, Function&& f) const {
    if (!expect(json_kind::array)) return;
    std::size_t n = 0;
    for (std::size_t i = position_ + 1; i < value().end; i = at(i).end) ++n;
    if (n > most) return fail(errc::limit_exceeded, n, " elements, at most ", most, " allowed");
    n = 0;
    for (std::size_t i = position_ + 1; i < value().end && !*why_; i = at(i).end, ++n)
      f(json_field(*this, i, path_ + '[' + std::to_string(n) + ']'), n);
  }

  /// An integer in least..most.
  std::uint64_t integer(std::uint64_t least, std::uint64_t most) const {
    if (!expect(json_kind::integer)) return least;
    const json_value& v = value();
    if (!(v.negative && v.magnitude != 0) && v.magnitude >= least && v.magnitude <= most) return v.magnitude;
    fail(errc::bad_field, v.negative ? "-" : "", v.magnitude, ", expected ", least, " to ", most);
    return least;
  }
  std::int64_t signed_integer() const {
    if (!expect(json_kind::integer)) return 0;
    const json_value& v = value();
    const std::uint64_t most = (std::uint64_t{1} << 63) - (v.negative ? 0 : 1);
    if (v.magnitude > most) fail(errc::bad_field, v.magnitude, ", expected a signed 64-bit integer");
    return static_cast<std::int64_t>(v.negative ? ~v.magnitude + 1 : v.magnitude);
  }
  /// A finite number that is not negative.
  double number() const {
    if (!present() || (value().kind != json_kind::integer && !expect(json_kind::number))) return 0;
    if (value().number < 0) fail(errc::bad_field, "negative");
    return value().number;
  }
  /// A string of at most `most` bytes.
  std::string text(std::size_t most) const {
    if (!expect(json_kind::string)) return {};
    if (value().text.size() > most)
      fail(errc::limit_exceeded, value().text.size(), " bytes, at most ", most, " allowed");
    return std::string(value().text.substr(0, most));
  }
  /// The position of a string among `names`.
  std::size_t one_of(std::initializer_list<std::string_view> names) const {
    if (!expect(json_kind::string)) return 0;
    std::string expected;
    std::size_t i = 0;
    for (const std::string_view name : names) {
      if (name == value().text) return i;
      expected.append(i++ == 0 ? "" : ", ").append(name);
    }
    fail(errc::bad_field, "'", value().text.substr(0, 64), "', expected one of ", expected);
    return 0;
  }
  /// A list of at most `most` strings.
  std::vector<std::string> texts(std::size_t most, std::size_t most_bytes) const {
    std::vector<std::string> out;
    each(most, [&](const json_field& f, std::size_t) { out.push_back(f.text(most_bytes)); });
    return out;
  }

private:
  json_field(const json_field& parent, std::size_t position, std::string path)
      : document_(parent.document_), why_(parent.why_), position_(position), present_(position != 0),
        path_(std::move(path)) {}

  const json_value& at(std::size_t i) const noexcept { return document_->values()[i]; }
  const json_value& value() const noexcept { return at(position_); }
  bool present() const noexcept { return present_ && !*why_; }
  bool expect(json_kind kind) const {
    if (!present()) return false;
    if (value().kind != kind) fail(errc::bad_field, "found ", name(value().kind), ", expected ", name(kind));
    return value().kind == kind;
  }
  /// The position of a member; 0, which is the root, where there is none.
  std::size_t find(std::string_view key) const {
    if (!expect(json_kind::object)) return 0;
    for (std::size_t i = position_ + 1; i < value().end; i = at(i).end)
      if (at(i).key == key) return i;
    return 0;
  }

  const json_document* document_;
  std::optional<failure>* why_;
  std::size_t position_ = 0;
  bool present_ = false;
  std::string path_;
};

} // namespace aecnn::io
