// A 16-bit checksum over the decoded symbols, mixed with the profile's content hash, the operating point and the extents
// where a header carries them: it detects changed streams and streams of another profile. Four independent lanes take the
// symbols in turn, so it costs about one cycle a symbol; every step is a bijection of its lane, so a single changed symbol
// always changes the 32-bit state, of which 16 bits are kept. Not a cryptographic signature.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <aecnn/core/symbol.hpp>

namespace aecnn {

/// What a header says of the extents, as symbol_checksum takes it: 0 where the profile fixes them. Extents are 1 to 2^14.
constexpr std::uint32_t coded_extents(bool open, std::size_t height, std::size_t width) noexcept {
  return open ? static_cast<std::uint32_t>((height - 1) << 14 | (width - 1)) : 0;
}

/// The checksum of symbols[0..n) under a profile of content hash `profile_hash` at `operating_point`, and of the header's
/// coded_extents.
constexpr std::uint16_t symbol_checksum(std::span<const symbol> symbols, std::uint64_t profile_hash,
                                        std::uint32_t operating_point, std::uint32_t extents = 0) noexcept {
  const auto step = [](std::uint32_t lane, std::uint32_t v) { return std::rotl((lane ^ v) * 0x9e3779b1U, 13); };
  // Variables of their own, not an array: without SSE4.1 or NEON, whose multiplication this is, a compiler that makes one
  // vector of the lanes takes four times as long.
  auto a = static_cast<std::uint32_t>(profile_hash), b = static_cast<std::uint32_t>(profile_hash >> 32);
  auto c = operating_point, d = static_cast<std::uint32_t>(symbols.size());
  std::size_t i = 0;
  for (; i + 4 <= symbols.size(); i += 4) {
    a = step(a, symbols[i]);
    b = step(b, symbols[i + 1]);
    c = step(c, symbols[i + 2]);
    d = step(d, symbols[i + 3]);
  }
  if (i < symbols.size()) a = step(a, symbols[i]);
  if (i + 1 < symbols.size()) b = step(b, symbols[i + 1]);
  if (i + 2 < symbols.size()) c = step(c, symbols[i + 2]);
  std::uint32_t h = extents;
  for (const std::uint32_t lane : {a, b, c, d}) h = step(h, lane);
  h ^= h >> 15;
  h *= 0x85ebca6bU;
  return static_cast<std::uint16_t>(h >> 16);
}

} // namespace aecnn
