// Sample tensors and the profile made from them: what `calibrate` and `pack` share.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <aecnn/core/fixed_point.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/io/npy.hpp>

#include "command.hpp"

namespace program {

/// The feature tensors of several files, all of one shape and finite.
struct calibration_files {
  std::vector<aecnn::io::feature_batch> files;
  std::vector<aecnn::tensor_view<const float>> tensors;

  static calibration_files load(const std::vector<std::string>& paths) {
    calibration_files c;
    for (const std::string& path : paths) {
      c.files.push_back(in_file(path, aecnn::io::try_to_features(aecnn::io::load_npy(path))));
      const auto& batch = c.files.back();
      if (batch.count == 0 || batch.shape.size() == 0)
        throw command_error("'" + path + "': no elements, expected at least one tensor with extents of at least 1");
      if (batch.shape != c.files.front().shape)
        throw command_error("'" + path + "': tensors of " + aecnn::to_string(batch.shape) + ", expected " +
                            aecnn::to_string(c.files.front().shape) + " as in '" + paths.front() + "'");
      if (!aecnn::all_finite(batch.values.data(), batch.values.size()))
        throw command_error("'" + path + "': holds a NaN or an infinity, expected finite elements");
      for (std::size_t i = 0; i < batch.count; ++i) c.tensors.push_back(batch[i]);
    }
    return c;
  }
  const aecnn::shape3& shape() const noexcept { return files.front().shape; }
};

/// Fails now rather than after the work, where the output file could not be written.
inline void check_output(const std::filesystem::path& path) {
  std::error_code ec;
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  if (!std::filesystem::is_directory(folder, ec))
    throw command_error("cannot write '" + path.string() + "': '" + folder.string() + "' is not an existing folder");
  if (std::filesystem::is_directory(path, ec))
    throw command_error("cannot write '" + path.string() + "': it is a folder, expected a file's name");
}

} // namespace program
