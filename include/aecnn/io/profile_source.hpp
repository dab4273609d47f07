// A profile as C++ source text: a header for a device that reads no files and parses no JSON. It defines a function
// that returns the device's side of the profile - everything but networks and probe, with the hash of the whole - from
// constexpr arrays, includes nothing but aecnn/profile.hpp, and gives the same streams as the profile itself.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/io/network_json.hpp>
#include <aecnn/profile.hpp>

namespace aecnn::io {
namespace detail {

/// Writes the source text; see try_profile_source.
class source_writer {
public:
  explicit source_writer(std::string_view function_name) : name_(function_name) {}

  std::string write(const profile& p) {
    for (std::size_t i = 0; i < p.operating_points.size(); ++i) add(p.operating_points[i], i);
    std::string out =
        "// The device's side of the profile " + literal(p.name) + ", content hash " + to_hex(p.hash) +
        ".\n// Generated from a profile file; do not edit.\n#pragma once\n\n#include <cstdint>\n"
        "#include <iterator>\n\n#include <aecnn/profile.hpp>\n\nnamespace " +
        name_ + "_arrays {\n" + arrays_ + "} // namespace " + name_ + "_arrays\n\ninline aecnn::profile " + name_ +
        "() {\n  namespace a = " + name_ + "_arrays;\n  aecnn::profile p;\n  p.name = " + literal(p.name) +
        ";\n  p.shape = {" + std::to_string(p.shape.channels) + ", " + std::to_string(p.shape.height) + ", " +
        std::to_string(p.shape.width) + "};\n  p.hash = 0x" + to_hex(p.hash) + "U;\n  p.operating_points.resize(" +
        std::to_string(p.operating_points.size()) + ");\n" + statements_ + "  return p;\n}\n";
    return out;
  }

private:
  /// A C++ string literal: anything but plain characters as three octal digits.
  static std::string literal(std::string_view s) {
    std::string out = "\"";
    for (const char c : s) {
      const auto b = static_cast<unsigned char>(c);
      if (b >= 0x20 && b < 0x7f && c != '"' && c != '\\' && c != '?') {
        out += c;
      } else {
        out += '\\';
        for (int shift = 6; shift >= 0; shift -= 3) out += static_cast<char>('0' + (b >> shift & 7));
      }
    }
    return out + '"';
  }
  static std::string number(std::integral auto v) { return std::to_string(v); }
  /// A hexadecimal literal, which is exact.
  static std::string number(float v) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, v, std::chars_format::hex).ptr;
    const bool negative = digits[0] == '-';
    return (negative ? "-0x" : "0x") + std::string(digits + (negative ? 1 : 0), end) + 'F';
  }
  template <class T>
  static constexpr std::string_view type_name() noexcept {
    if constexpr (std::is_same_v<T, float>)
      return "float";
    else if constexpr (std::is_same_v<T, std::int8_t>)
      return "std::int8_t";
    else if constexpr (std::is_same_v<T, std::uint8_t>)
      return "std::uint8_t";
    else if constexpr (std::is_same_v<T, std::int16_t>)
      return "std::int16_t";
    else if constexpr (std::is_same_v<T, std::uint16_t>)
      return "std::uint16_t";
    else
      return "std::int32_t";
  }

  void set(const std::string& member, const std::string& value) {
    statements_ += "  " + point_ + '.' + member + " = " + value + ";\n";
  }
  template <class T>
  void set(const std::string& member, const std::vector<T>& v) {
    if (v.empty()) return;
    std::string array = array_ + '_';
    for (const char c : member)
      if (c != '>') array += c == '.' || c == '-' ? '_' : c;
    arrays_.append("inline constexpr ").append(type_name<T>()).append(" ").append(array).append("[] = {");
    std::size_t column = 120;
    for (std::size_t i = 0; i < v.size(); ++i) {
      const std::string text = number(v[i]) + (i + 1 < v.size() ? "," : "");
      if (column + text.size() > 119) {
        arrays_ += "\n  ";
        column = 2;
      } else {
        arrays_ += ' ';
        ++column;
      }
      arrays_ += text;
      column += text.size();
    }
    arrays_ += "};\n";
    statements_ +=
        "  " + point_ + '.' + member + ".assign(std::begin(a::" + array + "), std::end(a::" + array + "));\n";
  }

  void add(const operating_point& o, std::size_t i) {
    constexpr std::string_view kinds[] = {"fixed", "top_k", "threshold"}, attentions[] = {"cbam", "se", "eca"};
    array_ = "op" + std::to_string(i);
    point_ = "p.operating_points[" + std::to_string(i) + ']';
    set("name", literal(o.name));
    const auto& s = o.selector;
    set("selector.kind", "aecnn::selection_kind::" + std::string(kinds[static_cast<std::size_t>(s.kind)]));
    set("selector.channels", s.channels);
    if (s.kind != selection_kind::fixed) {
      const auto& at = s.attention;
      set("selector.k", number(s.k));
      set("selector.threshold", number(s.threshold));
      set("selector.attention.kind",
          "aecnn::attention_kind::" + std::string(attentions[static_cast<std::size_t>(at.kind)]));
      set("selector.attention.channels", number(at.channels));
      set("selector.attention.hidden", number(at.hidden));
      set("selector.attention.w1", at.w1);
      set("selector.attention.b1", at.b1);
      set("selector.attention.w2", at.w2);
      set("selector.attention.b2", at.b2);
      set("selector.attention.kernel", at.kernel);
      set("selector.attention.input_exponent", number(at.input_exponent));
    }
    if (o.projection) {
      statements_ += "  " + point_ + ".projection.emplace();\n";
      set("projection->stride", number(o.projection->stride));
      set("projection->input_scale", o.projection->input_scale);
      set("projection->weights", o.projection->weights);
      set("projection->bias", o.projection->bias);
      set("projection->shift", o.projection->shift);
    }
    const auto& q = o.quantizer;
    set("quantizer.levels", number(q.levels));
    set("quantizer.zero", number(q.zero));
    set("quantizer.scale", q.scale);
    set("quantizer.unit", q.unit);
    set("quantizer.offset", q.offset);
    set("quantizer.rounding", q.rounding);
    set("quantizer.shift", q.shift);
    const auto& e = o.entropy;
    set("entropy.levels", number(e.levels));
    set("entropy.zero", number(e.zero));
    set("entropy.classes", number(static_cast<unsigned>(e.classes)));
    set("entropy.reference", e.reference);
    set("entropy.channel_class", e.channel_class);
    set("entropy.initial", e.initial);
    set("entropy.mask_prior", e.mask_prior);
    set("lambda", number(o.lambda));
    set("decoder", literal(o.decoder));
  }

  std::string name_, array_, point_, arrays_, statements_;
};

} // namespace detail

/// The source text of a header that defines `inline aecnn::profile FUNCTION_NAME()`. errc::invalid_argument where the
/// name is no identifier (ASCII letters, digits and single underscores), errc::unsupported where an operating point has an
/// analysis network: such a device loads the profile itself; what check() fails with where the profile is
/// inconsistent.
inline result<std::string> try_profile_source(const profile& p, std::string_view function_name,
                                              const limits& bounds = {}) {
  return aecnn::detail::guarded([&]() -> result<std::string> {
    bool identifier = !function_name.empty() && function_name.size() <= 128;
    for (std::size_t i = 0; i < function_name.size(); ++i) {
      const char c = function_name[i];
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      const bool digit = c >= '0' && c <= '9';
      // Names with a leading or a double underscore are the compiler's.
      identifier = identifier && (letter || (i > 0 && (digit || (c == '_' && function_name[i - 1] != '_'))));
    }
    if (!identifier)
      return aecnn::detail::fail(errc::invalid_argument, "function name '", function_name.substr(0, 64),
                                 "': expected a C++ identifier without leading or double underscores");
    for (const operating_point& o : p.operating_points)
      if (o.analysis)
        return aecnn::detail::fail(errc::unsupported, "operating point '", o.name,
                                   "' has an analysis network, expected none in a header");
    if (auto s = check(p, bounds); !s) return s.error();
    return detail::source_writer(function_name).write(p);
  });
}
/// As try_profile_source(); throws aecnn::error.
inline std::string profile_source(const profile& p, std::string_view function_name) {
  return try_profile_source(p, function_name).value();
}

} // namespace aecnn::io
