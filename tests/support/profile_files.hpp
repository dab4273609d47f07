// Profile files with one thing changed, and the check that loading one fails as expected. For tests.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <catch_compat.hpp>
#include <example_profiles.hpp>

#include <aecnn/profile_io.hpp>

namespace profile_files {

using bytes = std::vector<std::byte>;

inline auto load(const bytes& file, const aecnn::limits& l = {}) {
  return aecnn::try_load_profile(std::span<const std::byte>(file), l);
}

/// The file of a profile after a change of its tensors or metadata.
inline bytes edited(const aecnn::profile& p, const std::function<void(aecnn::io::safetensors&)>& edit) {
  const bytes original = aecnn::serialize_profile(p);
  auto content = aecnn::io::parse_safetensors(original);
  edit(content);
  return aecnn::io::serialize(content);
}

/// The file of a profile after a change of its document's text.
inline bytes reworded(const aecnn::profile& p, const std::string& from, const std::string& to) {
  return edited(p, [&](aecnn::io::safetensors& s) {
    std::string text = *s.find_metadata("aecnn.profile");
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    s.set_metadata("aecnn.profile", text.replace(at, from.size(), to));
  });
}

inline void remove_tensor(aecnn::io::safetensors& s, const std::string& name) {
  REQUIRE(s.find(name) != nullptr);
  aecnn::io::safetensors rest;
  rest.metadata = s.metadata;
  for (const auto& e : s.entries)
    if (e.name != name) rest.add(e.name, e.type, e.shape, *s.bytes(e.name));
  s = rest;
}

/// Adds a tensor, in the place of one of that name.
template <class T>
void put_tensor(aecnn::io::safetensors& s, const std::string& name, const std::vector<std::size_t>& shape,
                const std::vector<T>& v) {
  if (s.find(name) != nullptr) remove_tensor(s, name);
  s.add(name, shape, v);
}

/// Loading the file must fail with this code and a message that says this.
inline void check_failure(const bytes& file, aecnn::errc code, const std::string& says, const aecnn::limits& l = {}) {
  const auto p = load(file, l);
  REQUIRE_FALSE(p);
  INFO(p.error().message);
  CHECK(p.error().code == code);
  CHECK(p.error().message.find(says) != std::string::npos);
}

} // namespace profile_files
