// The file of `aecnn symbols`: a plane of 8-bit symbols through the entropy coder alone.
//
//   4 bytes    'A' 'E' 'C' 'S'
//   1 byte     bits 7-4: file version (1); bits 3-0: mode (0 default, 1 fast, 2 max)
//   1 byte     levels - 1
//   1 byte     the symbol that the coder takes as zero
//   varint x 3 channels, height, width
//   then the payload, to the end of the file
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <aecnn/core/bytes.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/entropy/modes.hpp>

namespace program {

struct symbol_file {
  std::uint32_t levels = 2; ///< 2 to 256
  std::uint32_t zero = 0;   ///< below levels
  aecnn::entropy_mode mode = aecnn::standard_mode;
  aecnn::shape3 shape{};
  std::span<const std::byte> payload;
};

inline constexpr std::byte symbol_file_magic[4] = {std::byte{'A'}, std::byte{'E'}, std::byte{'C'}, std::byte{'S'}};

inline std::vector<std::byte> format_symbol_file(const symbol_file& f) {
  std::vector<std::byte> bytes;
  aecnn::byte_writer w(bytes);
  w.bytes(symbol_file_magic);
  w.u8(static_cast<std::uint8_t>(1U << 4 | f.mode.id));
  w.u8(static_cast<std::uint8_t>(f.levels - 1));
  w.u8(static_cast<std::uint8_t>(f.zero));
  w.varint(f.shape.channels);
  w.varint(f.shape.height);
  w.varint(f.shape.width);
  w.bytes(f.payload);
  return bytes;
}

/// The payload views `bytes`. errc::bad_format, truncated, unsupported_version, corrupt or limit_exceeded.
inline aecnn::result<symbol_file> parse_symbol_file(std::span<const std::byte> bytes,
                                                    const aecnn::limits& bounds = {}) {
  using aecnn::errc, aecnn::failure;
  aecnn::byte_reader r(bytes);
  for (const std::byte m : symbol_file_magic)
    if (r.u8() != std::to_integer<std::uint8_t>(m) || r.failed())
      return failure{errc::bad_format, "not a file of symbols: does not start with 'AECS'"};
  const std::uint32_t start = r.u8(), last = r.u8(), zero = r.u8();
  std::uint64_t extents[3];
  for (auto& e : extents) e = r.varint();
  if (r.failed()) return failure{errc::truncated, "file of symbols: ends in its header"};
  if (start >> 4 != 1)
    return failure{errc::unsupported_version,
                   "file of symbols: version " + std::to_string(start >> 4) + ", expected 1"};
  const aecnn::entropy_mode* mode = aecnn::find_mode(start & 15);
  if (mode == nullptr)
    return failure{errc::unsupported, "file of symbols: mode " + std::to_string(start & 15) + ", expected 0 to " +
                                          std::to_string(aecnn::entropy_modes.size() - 1)};
  if (last == 0 || zero > last)
    return failure{errc::corrupt, "file of symbols: " + std::to_string(last + 1) + " levels with zero at " +
                                      std::to_string(zero) + ", expected 2 to 256 levels and zero below them"};
  std::uint64_t size = 1;
  for (const auto e : extents) {
    if (e == 0) return failure{errc::corrupt, "file of symbols: an extent of 0, expected at least 1"};
    if (e > bounds.max_elements / size)
      return failure{errc::limit_exceeded,
                     "file of symbols: more than " + std::to_string(bounds.max_elements) + " symbols"};
    size *= e;
  }
  symbol_file f{last + 1, zero, *mode, {}, r.rest()};
  f.shape = {static_cast<std::size_t>(extents[0]), static_cast<std::size_t>(extents[1]),
             static_cast<std::size_t>(extents[2])};
  return f;
}

} // namespace program
