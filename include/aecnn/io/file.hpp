// Whole files in and out of memory. Reading is bounded and works on pipes. Writing leaves either the complete new file
// or what was there before: the bytes go to a temporary file in the same directory, which is renamed over the target.
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>

namespace aecnn::io {
namespace detail {

/// Closes on destruction; close() reports.
class file_handle {
public:
  explicit file_handle(std::FILE* f, bool owned = true) noexcept : file_(f), owned_(owned) {}
  file_handle(const file_handle&) = delete;
  file_handle& operator=(const file_handle&) = delete;
  ~file_handle() { static_cast<void>(close()); }
  std::FILE* get() const noexcept { return file_; }
  bool close() noexcept {
    std::FILE* f = std::exchange(file_, nullptr);
    return f == nullptr || !owned_ || std::fclose(f) == 0;
  }

private:
  std::FILE* file_;
  bool owned_;
};

/// "cannot write 'a/b.npy': No space left on device".
inline failure io_failure(const char* action, const std::filesystem::path& path, int error_number) {
  return aecnn::detail::fail(errc::io_error, "cannot ", action, " '", path.string(),
                             "': ", std::generic_category().message(error_number != 0 ? error_number : EIO));
}

/// Writes all bytes and hands them to the system; errno tells why not.
inline bool write_all(std::FILE* file, std::span<const std::byte> bytes) noexcept {
  errno = 0;
  if (!bytes.empty() && std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size()) return false;
  return std::fflush(file) == 0;
}

/// Asks that the bytes reach the disk before the rename does, so that a loss of power leaves no empty file.
inline bool synchronise([[maybe_unused]] std::FILE* file) noexcept {
#if __has_include(<unistd.h>)
  return ::fsync(::fileno(file)) == 0 || errno == EINVAL || errno == ENOSYS; // not every file system can
#else
  return true;
#endif
}

/// A name for one of the program's own open streams. It may lead to an ordinary file (a redirected standard output),
/// which must be written through the open stream, not replaced.
inline bool names_stream(const std::filesystem::path& path) {
  const std::string text = path.lexically_normal().generic_string();
  return text == "/dev/stdout" || text == "/dev/stderr" || text.starts_with("/dev/fd/") || text.starts_with("/proc/");
}

/// Follows symbolic links, so that a link to a file keeps being one.
inline std::filesystem::path resolve_links(std::filesystem::path path) {
  for (int depth = 0; depth < 40 && !names_stream(path); ++depth) {
    std::error_code ec;
    if (!std::filesystem::is_symlink(path, ec)) break;
    std::filesystem::path target = std::filesystem::read_symlink(path, ec);
    if (ec) break;
    path = target.is_absolute() ? std::move(target) : path.parent_path() / target;
  }
  return path;
}

/// A device, pipe, socket or open stream: nothing to replace, so the bytes are appended.
inline status write_special(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  const std::string text = path.lexically_normal().generic_string();
  // The standard streams share their position with what the program printed before.
  std::FILE* standard = text == "/dev/stdout" ? stdout : text == "/dev/stderr" ? stderr : nullptr;
  errno = 0;
  file_handle file(standard != nullptr ? standard : std::fopen(path.string().c_str(), "ab"), standard == nullptr);
  if (file.get() == nullptr || !write_all(file.get(), bytes)) return io_failure("write", path, errno);
  if (!file.close()) return io_failure("write", path, errno);
  return {};
}

/// A new file next to the target, opened so that it cannot be another one's; `name` receives its path.
inline std::FILE* open_temporary(const std::filesystem::path& directory, std::filesystem::path& name) {
  auto seed = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) ^
              static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&name));
  for (int attempt = 0; attempt < 100; ++attempt) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    name = directory / (".aecnn-" + std::to_string(seed >> 20) + ".tmp");
    errno = 0;
    std::FILE* file = std::fopen(name.string().c_str(), "wbx");
    if (file != nullptr || errno != EEXIST) return file;
  }
  return nullptr;
}

inline status write_regular(const std::filesystem::path& path, const std::filesystem::path& target, bool exists,
                            std::span<const std::byte> bytes) {
  std::error_code ec;
  if (exists) { // a file that may not be written is not to be replaced either
    errno = 0;
    if (file_handle probe(std::fopen(target.string().c_str(), "r+b")); probe.get() == nullptr)
      return io_failure("write", path, errno);
  }
  std::filesystem::path temporary;
  file_handle file(open_temporary(target.parent_path(), temporary));
  if (file.get() == nullptr) return io_failure("write", path, errno);
  const auto abandon = [&](int error_number) -> status {
    static_cast<void>(file.close());
    std::filesystem::remove(temporary, ec);
    return io_failure("write", path, error_number);
  };
  if (!write_all(file.get(), bytes) || !synchronise(file.get())) return abandon(errno);
  if (!file.close()) return abandon(errno);
  if (exists) { // the new file keeps the old one's permissions
    const auto before = std::filesystem::status(target, ec);
    if (!ec) std::filesystem::permissions(temporary, before.permissions(), ec);
  }
  std::filesystem::rename(temporary, target, ec);
  if (ec) return abandon(ec.value());
  return {};
}

/// Puts the file's name before a failure's message.
template <class T>
result<T> in_file(const std::filesystem::path& path, result<T> r) {
  if (r) return r;
  return aecnn::detail::fail(r.error().code, "'", path.string(), "': ", r.error().message);
}

} // namespace detail

/// The bytes of a file or pipe. errc::io_error where the system refuses, errc::limit_exceeded where there are more than
/// limits.max_file_bytes.
inline result<std::vector<std::byte>> try_read_file(const std::filesystem::path& path, const limits& bounds = {}) {
  return aecnn::detail::guarded([&]() -> result<std::vector<std::byte>> {
    const auto too_large = [&] {
      return aecnn::detail::fail(errc::limit_exceeded, "'", path.string(), "' is larger than ", bounds.max_file_bytes,
                                 " bytes (limits.max_file_bytes)");
    };
    errno = 0;
    detail::file_handle file(std::fopen(path.string().c_str(), "rb"));
    if (file.get() == nullptr) return detail::io_failure("read", path, errno);
    const std::size_t most = bounds.max_file_bytes;
    const std::size_t room = most == static_cast<std::size_t>(-1) ? most : most + 1; // one more, to see what is beyond
    // The size is a hint only: it is 0 for a pipe, and a file may grow or shrink meanwhile.
    std::error_code ec;
    std::uintmax_t hint = 0;
    if (std::filesystem::is_regular_file(path, ec)) {
      hint = std::filesystem::file_size(path, ec);
      if (ec) hint = 0;
      if (hint > most) return too_large();
    }
    std::vector<std::byte> bytes(hint == 0 ? std::min<std::size_t>(room, 65536) : static_cast<std::size_t>(hint) + 1);
    for (std::size_t size = 0;;) {
      errno = 0;
      size += std::fread(bytes.data() + size, 1, bytes.size() - size, file.get());
      if (std::ferror(file.get()) != 0) return detail::io_failure("read", path, errno);
      if (size > most) return too_large();
      if (size < bytes.size()) { // fread gives less only at the end
        bytes.resize(size);
        return bytes;
      }
      bytes.resize(bytes.size() < room / 2 ? bytes.size() * 2 : room);
    }
  });
}
/// The same; throws aecnn::error.
inline std::vector<std::byte> read_file(const std::filesystem::path& path, const limits& bounds = {}) {
  return try_read_file(path, bounds).value();
}

/// Makes `path` a file of these bytes, or leaves it as it was: errc::io_error. A symbolic link is followed; a device,
/// pipe or /dev/stdout is written directly.
inline status try_write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  return aecnn::detail::guarded([&]() -> status {
    if (path.empty()) return detail::io_failure("write", path, ENOENT);
    const std::filesystem::path target = detail::resolve_links(path);
    if (detail::names_stream(target)) return detail::write_special(target, bytes);
    std::error_code ec;
    const auto kind = std::filesystem::status(target, ec).type();
    if (kind == std::filesystem::file_type::directory) return detail::io_failure("write", path, EISDIR);
    const bool regular = kind == std::filesystem::file_type::regular;
    const bool absent = kind == std::filesystem::file_type::not_found;
    if (kind == std::filesystem::file_type::none) return detail::io_failure("write", path, ec.value());
    if (!regular && !absent) return detail::write_special(target, bytes);
    return detail::write_regular(path, target, regular, bytes);
  });
}
/// The same; throws aecnn::error.
inline void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  try_write_file(path, bytes).value();
}

} // namespace aecnn::io
