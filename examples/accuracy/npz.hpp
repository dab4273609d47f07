// NumPy's .npz files: ZIP archives of .npy files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <zip.h>

#include <aecnn/core/limits.hpp>
#include <aecnn/io/npy.hpp>

#include "input_error.hpp"

namespace accuracy {

class npz_file {
public:
  explicit npz_file(std::filesystem::path path) : path_(std::move(path)) {
    int code = 0;
    archive_.reset(zip_open(path_.c_str(), ZIP_RDONLY, &code));
    if (archive_ != nullptr) return;
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string text = zip_error_strerror(&error);
    zip_error_fini(&error);
    fail(path_, "cannot be read as an .npz file: " + text);
  }

  bool has(const std::string& array) const { return zip_name_locate(archive_.get(), member(array).c_str(), 0) >= 0; }

  /// Reads the array of that name.
  aecnn::io::npy_array load(const std::string& array) const {
    const aecnn::limits bounds;
    const std::string name = member(array);
    zip_stat_t about;
    if (zip_stat(archive_.get(), name.c_str(), 0, &about) != 0 || (about.valid & ZIP_STAT_SIZE) == 0)
      fail(path_, "no array '" + array + "'");
    if (about.size > bounds.max_file_bytes)
      fail(path_, "array '" + array + "' of " + std::to_string(about.size) + " bytes, expected at most " +
                      std::to_string(bounds.max_file_bytes));
    std::vector<std::byte> bytes(static_cast<std::size_t>(about.size));
    const closing<zip_file_t, zip_fclose> file(zip_fopen(archive_.get(), name.c_str(), 0));
    if (file == nullptr || !std::in_range<zip_int64_t>(about.size) ||
        zip_fread(file.get(), bytes.data(), about.size) != static_cast<zip_int64_t>(about.size))
      fail(path_, "array '" + array + "' cannot be read: " + zip_strerror(archive_.get()));
    auto parsed = aecnn::io::try_parse_npy(bytes, bounds);
    if (!parsed) fail(path_, "array '" + array + "': " + parsed.error().message);
    return *std::move(parsed);
  }

private:
  template <auto Close>
  struct closer {
    template <class T>
    void operator()(T* p) const noexcept {
      Close(p);
    }
  };
  template <class T, auto Close>
  using closing = std::unique_ptr<T, closer<Close>>;

  static std::string member(const std::string& array) { return array + ".npy"; }

  std::filesystem::path path_;
  closing<zip_t, zip_discard> archive_;
};

} // namespace accuracy
