// The option --op of the commands that use one operating point of a profile.
#pragma once

#include <cstddef>
#include <string>

#include <aecnn/profile.hpp>

#include "command.hpp"

namespace program {

/// The operating point of that number or name; `file` is the profile's, for messages.
inline std::size_t find_point(const aecnn::profile& p, const std::string& file, const std::string& point) {
  for (std::size_t i = 0; i < p.operating_points.size(); ++i)
    if (point == std::to_string(i)) return i;
  std::string names;
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    if (point == p.operating_points[i].name) return i;
    names += (i == 0 ? "'" : ", '") + p.operating_points[i].name + "'";
  }
  throw command_error("'" + file + "': no operating point '" + point + "', expected 0 to " +
                      std::to_string(p.operating_points.size() - 1) + " or one of " + names);
}

} // namespace program
