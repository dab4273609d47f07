// What the tests of io share: bytes from string literals, a directory of one's own, damaged copies of a file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace io_test {

inline std::vector<std::byte> text_bytes(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}
/// A literal that may hold zero bytes.
inline std::vector<std::byte> text_bytes(const char* text, std::size_t size) { return text_bytes({text, size}); }

inline std::string to_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

/// A new directory, removed at the end of the scope.
struct scratch_directory {
  std::filesystem::path path;
  scratch_directory() {
    std::random_device random;
    do {
      path = std::filesystem::temp_directory_path() / ("aecnn-test-" + std::to_string(random()));
    } while (!std::filesystem::create_directory(path));
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  ~scratch_directory() {
    std::error_code ec;
    std::filesystem::remove_all(path, ec);
  }
  std::filesystem::path operator/(std::string_view name) const { return path / name; }
  std::size_t files() const {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path)) ++n;
    return n;
  }
};

/// Calls check(bytes) for a copy of the file with each single bit inverted.
template <class Check>
void with_each_bit_flipped(std::vector<std::byte> file, Check check) {
  for (std::size_t i = 0; i < file.size(); ++i)
    for (unsigned bit = 0; bit < 8; ++bit) {
      file[i] ^= static_cast<std::byte>(1U << bit);
      check(std::as_const(file));
      file[i] ^= static_cast<std::byte>(1U << bit);
    }
}

} // namespace io_test
