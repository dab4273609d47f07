// Bounds on what untrusted bytes may make the library allocate or compute, and the product of two declared extents.
// Every loader and decoder takes them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aecnn {

/// Upper bounds, checked before anything is allocated from a declared size. The defaults admit every published
/// backbone's split points and stop a hostile file early; a caller may widen or narrow each of them.
struct limits {
  std::size_t max_elements = std::size_t{1} << 26;       ///< elements of one tensor [C,H,W] or of one weight
  std::size_t max_channels = std::size_t{1} << 16;       ///< channels of a tensor
  std::size_t max_extent = std::size_t{1} << 14;         ///< height or width of a tensor
  std::size_t max_file_bytes = std::size_t{1} << 30;     ///< bytes of a profile, .npy or stream file
  std::size_t max_json_bytes = std::size_t{1} << 24;     ///< bytes of JSON text in a profile
  std::size_t max_json_depth = 64;                       ///< nesting of JSON values in a profile
  std::size_t max_tensors = 4096;                        ///< tensors in a safetensors file
  std::size_t max_name_bytes = 256;                      ///< bytes of a tensor's, node's or profile's name
  std::size_t max_operating_points = 32;                 ///< operating points of a profile (the header has 5 bits)
  std::size_t max_nodes = 4096;                          ///< nodes of a network
  std::size_t max_elements_per_byte = 512;               ///< elements of a tensor for each byte of a stream that carries its extents; see below
  std::size_t max_slow_symbols_per_byte = 64;            ///< the same of symbols in a mode that is slow (entropy_mode::slow)
  std::size_t max_activation_bytes = std::size_t{1} << 30; ///< activation memory of a network
};

/// Tensors of up to so many elements never exceed max_elements_per_byte. A coder of zeros that takes a hundredth of a bit for each
/// could otherwise fill gigabytes from a few bytes; the default still is 2048 times less than float32.
inline constexpr std::size_t small_tensor_elements = std::size_t{1} << 15;
/// So many symbols never exceed max_slow_symbols_per_byte: a few milliseconds' work. Encoders take the default mode for a stream that
/// would.
inline constexpr std::size_t small_slow_symbols = std::size_t{1} << 12;

namespace detail {
/// Whether `elements` are more than a stream of `bytes` that carries its extents may stand for.
constexpr bool expands_too_much(std::size_t elements, std::size_t bytes, const limits& l) noexcept {
  return elements > small_tensor_elements && (l.max_elements_per_byte == 0 || elements / l.max_elements_per_byte > bytes);
}
/// Whether `symbols` are more than it may stand for in a slow mode.
constexpr bool takes_too_long(std::size_t symbols, std::size_t bytes, const limits& l) noexcept {
  return symbols > small_slow_symbols && (l.max_slow_symbols_per_byte == 0 || symbols / l.max_slow_symbols_per_byte > bytes);
}

/// a*b, or false where it overflows.
constexpr bool multiply(std::size_t a, std::size_t b, std::size_t& product) noexcept {
  if (a != 0 && b > static_cast<std::size_t>(-1) / a) return false;
  product = a * b;
  return true;
}
} // namespace detail
} // namespace aecnn
