// What `info` says of an ONNX file.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "command.hpp"

namespace program {

/// Inputs, outputs, operators, parameters, and, where the network runs, its cost.
report network_info(const std::string& path, std::span<const std::byte> bytes);

} // namespace program
