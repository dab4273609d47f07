// Symbols of encoded tensors as a file: what a program that trains networks compares its own rounding with.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include <aecnn/core/symbol.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/io/file.hpp>
#include <aecnn/io/npy.hpp>

namespace program {

/// Writes the symbols of `count` tensors as .npy, uint16 [N,L,h,w]. A latent of 0 steps is the point's `zero`.
inline void write_symbols(const std::filesystem::path& path, const std::vector<aecnn::symbol>& symbols,
                          std::size_t count, const aecnn::shape3& planes) {
  aecnn::io::write_file(path, aecnn::io::format_npy(symbols, {count, planes.channels, planes.height, planes.width}));
}

} // namespace program
