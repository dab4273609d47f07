// JSON text, compact and in the order of the calls: the same calls always give the same bytes.
#pragma once

#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>

#include <aecnn/io/safetensors_header.hpp>

namespace aecnn::io {

/// Puts values and keys one after the other, with the commas between them.
class json_writer {
public:
  /// '{' or '['.
  void open(char bracket) {
    separate();
    text_ += bracket;
  }
  /// '}' or ']'.
  void close(char bracket) { text_ += bracket; }
  void key(std::string_view k) {
    text(k);
    text_ += ':';
  }
  void text(std::string_view s) {
    separate();
    text_ += detail::json_quoted(s);
  }
  template <class Integer>
    requires std::is_integral_v<Integer>
  void number(Integer v) {
    separate();
    text_ += std::to_string(v);
  }
  /// The shortest decimal number that reads as v, which is finite.
  void number(double v) {
    separate();
    char digits[32];
    text_.append(digits, std::to_chars(digits, digits + sizeof digits, v).ptr);
  }
  template <class Value>
  void field(std::string_view k, const Value& v) {
    key(k);
    if constexpr (std::is_arithmetic_v<Value>)
      number(v);
    else
      text(v);
  }
  template <class Texts>
  void texts(std::string_view k, const Texts& values) {
    key(k);
    open('[');
    for (const auto& v : values) text(v);
    close(']');
  }

  const std::string& result() const noexcept { return text_; }

private:
  void separate() {
    if (!text_.empty() && text_.back() != '{' && text_.back() != '[' && text_.back() != ':') text_ += ',';
  }
  std::string text_;
};

} // namespace aecnn::io
