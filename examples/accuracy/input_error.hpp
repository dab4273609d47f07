// How the program fails: one exception, one line.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>

#include <aecnn/core/error.hpp>

namespace accuracy {

/// The message names the file, what was found and what was expected.
struct input_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[noreturn]] inline void fail(const std::filesystem::path& path, const std::string& message) {
  throw input_error("'" + path.string() + "': " + message);
}

/// The value, or an input_error whose message begins with the file's name.
template <class T>
T in_file(const std::filesystem::path& path, aecnn::result<T> r) {
  if (!r) fail(path, r.error().message);
  return std::move(r).value();
}
inline void in_file(const std::filesystem::path& path, const aecnn::status& s) {
  if (!s) fail(path, s.error().message);
}

/// The value of a function that reads a file itself: its messages begin with the file's name.
template <class T>
T checked(aecnn::result<T> r) {
  if (!r) throw input_error(r.error().message);
  return std::move(r).value();
}

} // namespace accuracy
