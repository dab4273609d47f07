// All modes, for those who learn from a stream or a user which one it is.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <aecnn/entropy/fast_coder.hpp>
#include <aecnn/entropy/mixing_coder.hpp>
#include <aecnn/entropy/mode.hpp>

namespace aecnn {

/// By id.
inline constexpr std::array<entropy_mode, 3> entropy_modes = {standard_mode, fast_mode, max_mode};

/// The mode of this name, or null.
constexpr const entropy_mode* find_mode(std::string_view name) noexcept {
  for (const entropy_mode& m : entropy_modes)
    if (name == m.name) return &m;
  return nullptr;
}
/// The mode of this id, or null.
constexpr const entropy_mode* find_mode(std::uint32_t id) noexcept { return id < entropy_modes.size() ? &entropy_modes[id] : nullptr; }

} // namespace aecnn
