// Planes of 8-bit symbols to measure entropy coders on: those that a list file names, or min-max quantised feature tensors.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <aecnn/core/symbol.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/io/file.hpp>
#include <aecnn/io/npy.hpp>

#include "min_max.hpp"

namespace bench {

struct symbol_plane {
  int bits = 8;
  aecnn::shape3 shape{};
  std::uint32_t zero = 0; ///< the symbol of the value 0
  std::vector<std::uint8_t> symbols;
  std::vector<aecnn::symbol> wide; ///< the same, as this library's coders take them
};

/// Every tensor of a file of features, quantised to 2^bits levels.
inline std::vector<symbol_plane> quantise_features(const std::filesystem::path& features, int bits) {
  const auto batch = aecnn::io::load_features(features);
  std::vector<symbol_plane> planes;
  for (std::size_t i = 0; i < batch.count; ++i) {
    const auto q = quantise_min_max({batch[i].data, batch.shape.size()}, bits);
    const float zero = q.step > 0 ? std::round(-q.least / q.step) : 0.0F;
    const auto most = static_cast<float>((1 << bits) - 1);
    planes.push_back({bits, batch.shape, static_cast<std::uint32_t>(zero < 0 ? 0.0F : zero > most ? most : zero), q.symbols,
                      {q.symbols.begin(), q.symbols.end()}});
  }
  return planes;
}

/// The planes of one bit depth that a list names: lines "FILE BITS GROUP C H W [ZERO]", files of a byte a symbol, relative to the list.
inline std::vector<symbol_plane> load_planes(const std::filesystem::path& list, int bits) {
  std::ifstream lines(list);
  if (!lines) throw std::runtime_error("'" + list.string() + "': cannot be read");
  std::vector<symbol_plane> planes;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string file, group;
    symbol_plane p;
    if (!(fields >> file >> p.bits >> group >> p.shape.channels >> p.shape.height >> p.shape.width))
      throw std::runtime_error("'" + list.string() + "': not a line of a list of planes: " + line);
    fields >> p.zero;
    if (p.bits != bits) continue;
    const auto bytes = aecnn::io::read_file(list.parent_path() / file);
    if (bytes.size() != p.shape.size()) throw std::runtime_error("'" + file + "': not of the size that the list says");
    for (const std::byte b : bytes) p.symbols.push_back(std::to_integer<std::uint8_t>(b));
    p.wide.assign(p.symbols.begin(), p.symbols.end());
    planes.push_back(std::move(p));
  }
  return planes;
}

} // namespace bench
