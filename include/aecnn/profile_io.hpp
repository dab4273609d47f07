// Profiles as files: safetensors whose metadata hold a JSON document (docs/profile.md, the normative text).
//
//   aecnn::profile p = aecnn::load_profile("resnet56_layer2.aecnn");
//
// Loading is strict: an unknown key or tensor, a missing one, another dtype or shape, a value out of range and a
// content hash that is not that of the content are errors. The same profile always gives the same bytes. Linear in the
// file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/io/file.hpp>
#include <aecnn/io/json_document.hpp>
#include <aecnn/io/json_field.hpp>
#include <aecnn/io/network_json.hpp>
#include <aecnn/io/profile_json.hpp>
#include <aecnn/io/profile_tensors.hpp>
#include <aecnn/io/safetensors.hpp>
#include <aecnn/io/tensor_table.hpp>
#include <aecnn/profile.hpp>

namespace aecnn {

/// The version of the files that are written, and the only one that is read.
inline constexpr std::string_view profile_file_version = "1";

namespace detail {

/// A metadata string of 16 hexadecimal digits.
inline result<std::uint64_t> metadata_hash(const io::safetensors& file, std::string_view key) {
  std::uint64_t hash = 0;
  const std::string* text = file.find_metadata(key);
  if (text == nullptr) return fail(errc::missing_field, "metadata '", key, "' is missing");
  if (!io::detail::from_hex(*text, hash))
    return fail(errc::bad_field, "metadata '", key, "': expected 16 lower-case hexadecimal digits");
  return hash;
}

inline result<profile> profile_of(const io::safetensors& file, const limits& bounds) {
  const std::string* version = file.find_metadata("aecnn.version");
  if (version == nullptr) return failure{errc::missing_field, "not a profile: metadata 'aecnn.version' is missing"};
  if (*version != profile_file_version)
    return fail(errc::unsupported_version, "profile: format version '", version->substr(0, 32), "', expected '",
                profile_file_version, "'");
  const auto hash = metadata_hash(file, "aecnn.hash");
  if (!hash) return hash.error();
  const std::string* text = file.find_metadata("aecnn.profile");
  if (text == nullptr) return failure{errc::missing_field, "metadata 'aecnn.profile' is missing"};

  std::optional<failure> why;
  profile p;
  {
    const auto document = io::json_document::parse(*text, bounds, "metadata 'aecnn.profile'");
    if (!document) return document.error();
    p = io::read_profile_document(io::json_field(*document, why), bounds);
    if (why) return *std::move(why);
  }
  for (const auto& [key, value] : file.metadata)
    if (key != "aecnn.version" && key != "aecnn.hash" && key != "aecnn.profile" &&
        !(p.probe && key == "aecnn.probe_hash"))
      return fail(errc::bad_field, "unknown metadata key ", io::detail::json_quoted(key.substr(0, 64)));
  io::tensor_reader tensors(file, why);
  io::profile_tensors(tensors, p);
  tensors.expect_all_used();
  if (why) return *std::move(why);

  if (auto s = io::check_whole(p, bounds); !s) return s.error();
  p.hash = content_hash(p);
  if (p.hash != *hash)
    return fail(errc::corrupt, "profile: its content hash is ", io::detail::to_hex(p.hash), ", the file says ",
                io::detail::to_hex(*hash));
  if (p.probe) {
    const auto expected = metadata_hash(file, "aecnn.probe_hash");
    if (!expected) return expected.error();
    if (io::probe_hash(*p.probe) != *expected)
      return fail(errc::corrupt, "profile: the hash of its probe is ", io::detail::to_hex(io::probe_hash(*p.probe)),
                  ", the file says ", io::detail::to_hex(*expected));
  }
  return p;
}

} // namespace detail

/// The profile in a file's bytes. The failure names the field: errc::missing_field, bad_field, bad_shape,
/// duplicate_name, limit_exceeded, bad_format (not safetensors, not JSON), truncated, trailing_bytes, bad_layout,
/// unsupported, unsupported_version, or corrupt, where a hash is not that of the content.
inline result<profile> try_load_profile(std::span<const std::byte> file, const limits& bounds = {}) {
  return detail::guarded([&]() -> result<profile> {
    const auto content = io::try_parse_safetensors(file, bounds);
    if (!content) return content.error();
    return detail::profile_of(*content, bounds);
  });
}
/// The profile in a file; also errc::io_error. The message begins with the file's name.
inline result<profile> try_load_profile(const std::filesystem::path& path, const limits& bounds = {}) {
  return detail::guarded([&]() -> result<profile> {
    const auto content = io::try_load_safetensors(path, bounds);
    if (!content) return content.error();
    return io::detail::in_file(path, detail::profile_of(*content, bounds));
  });
}
/// As try_load_profile(); throws aecnn::error.
inline profile load_profile(std::span<const std::byte> file, const limits& bounds = {}) {
  return try_load_profile(file, bounds).value();
}
inline profile load_profile(const std::filesystem::path& path, const limits& bounds = {}) {
  return try_load_profile(path, bounds).value();
}

/// The bytes of a profile's file, which try_load_profile() with the same limits reads. errc::invalid_argument where
/// profile::hash is not its content hash (see seal(); so a profile without its networks is to be sealed as one of its
/// own), else what loading such a file would fail with.
inline result<std::vector<std::byte>> try_serialize_profile(const profile& p, const limits& bounds = {}) {
  return detail::guarded([&]() -> result<std::vector<std::byte>> {
    if (auto s = io::check_whole(p, bounds); !s) return s.error();
    if (p.hash != content_hash(p))
      return detail::fail(errc::invalid_argument, "profile: its hash is ", io::detail::to_hex(p.hash),
                          ", its content's is ", io::detail::to_hex(content_hash(p)),
                          ": it was changed and not sealed");
    std::optional<failure> why;
    io::safetensors content;
    io::tensor_writer tensors(content, why);
    io::profile_tensors(tensors, p);
    if (why) return *std::move(why);
    content.set_metadata("aecnn.version", profile_file_version);
    content.set_metadata("aecnn.hash", io::detail::to_hex(p.hash));
    content.set_metadata("aecnn.profile", io::profile_document(p));
    if (p.probe) content.set_metadata("aecnn.probe_hash", io::detail::to_hex(io::probe_hash(*p.probe)));
    auto file = io::try_serialize(content, bounds);
    if (!file) return file;
    // Names are the only content that a file cannot hold in every case (text that is not UTF-8, sizes above the
    // limits).
    if (const auto readable = try_load_profile(std::span<const std::byte>(*file), bounds); !readable)
      return readable.error();
    return file;
  });
}
/// As try_serialize_profile(); throws aecnn::error.
inline std::vector<std::byte> serialize_profile(const profile& p, const limits& bounds = {}) {
  return try_serialize_profile(p, bounds).value();
}

/// Writes a profile's file, completely or not at all; also errc::io_error. The message begins with the file's name.
inline status try_save_profile(const profile& p, const std::filesystem::path& path, const limits& bounds = {}) {
  return detail::guarded([&]() -> status {
    const auto file = try_serialize_profile(p, bounds);
    if (!file) return io::detail::in_file(path, status(file.error()));
    return io::try_write_file(path, *file);
  });
}
/// As try_save_profile(); throws aecnn::error.
inline void save_profile(const profile& p, const std::filesystem::path& path, const limits& bounds = {}) {
  try_save_profile(p, path, bounds).value();
}

} // namespace aecnn
