// The header of a stream: 4 bytes where the profile fixes the tensor's extents, at most 8 where it leaves them open.
//
//   byte 0      bits 7-5: format: 1 + the entropy mode's id (0 and 4 to 7 are reserved); bits 4-0: operating point
//   byte 1      profile id: the most significant byte of the profile's content hash
//   bytes 2-3   symbol_checksum, little-endian
//   then        height - 1 and width - 1 as variable-length integers of at most 2 bytes each, where the profile leaves them open
//
// The payload follows and extends to the end of the stream. docs/bitstream.md is the normative text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace aecnn {

/// What surrounds a payload.
enum class framing : std::uint8_t {
  standard, ///< the header: profile id, operating point, checksum, extents where they are open
  none      ///< nothing: the transport frames the payload and carries what the decoder must know
};

/// The first of the formats of a header's upper three bits; there is one for each entropy mode.
inline constexpr std::uint32_t first_format = 1, formats = 3;
inline constexpr std::size_t max_header_bytes = 8;
/// The largest height or width that a header can carry.
inline constexpr std::size_t max_header_extent = std::size_t{1} << 14;

struct stream_header {
  std::uint32_t operating_point = 0;
  std::uint8_t mode = 0; ///< entropy_mode::id
  std::uint8_t profile_id = 0;
  std::uint16_t checksum = 0;
  std::size_t height = 0, width = 0; ///< 0 where the profile fixes them
};

/// The part of a profile's content hash that headers carry.
constexpr std::uint8_t profile_id(std::uint64_t content_hash) noexcept { return static_cast<std::uint8_t>(content_hash >> 56); }

/// Byte 0 of a header; the operating point is below 32, the mode below `formats`.
constexpr std::uint8_t header_start(std::uint8_t mode, std::uint32_t operating_point) noexcept {
  return static_cast<std::uint8_t>(((first_format + mode) << 5) | (operating_point & 31U));
}

/// Appends a header to a vector of std::byte. The operating point is below 32, the mode below `formats`, the extents at most max_header_extent.
template <class Bytes>
void write_header(const stream_header& h, bool open_extents, Bytes& out) {
  const auto put = [&](std::size_t v) { out.push_back(static_cast<std::byte>(v & 0xff)); };
  put(header_start(h.mode, h.operating_point));
  put(h.profile_id);
  put(h.checksum);
  put(h.checksum >> 8U);
  if (!open_extents) return;
  for (std::size_t v : {h.height - 1, h.width - 1}) {
    for (; v >= 0x80; v >>= 7) put((v & 0x7f) | 0x80);
    put(v);
  }
}

} // namespace aecnn
