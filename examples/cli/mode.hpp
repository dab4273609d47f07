// The option --mode of the commands that encode.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <aecnn/entropy/modes.hpp>

#include "command.hpp"

namespace program {

inline CLI::Option* add_mode(CLI::App& command, aecnn::entropy_mode& mode) {
  std::vector<std::pair<std::string, aecnn::entropy_mode>> names;
  for (const aecnn::entropy_mode& m : aecnn::entropy_modes) names.emplace_back(m.name, m);
  return add_choice(command, "--mode", mode, std::move(names), "Entropy coder: small and quick to learn, fastest, smallest (default)");
}

} // namespace program
