// The header of a stream: 4 bytes where the profile fixes the tensor's extents, at most 8 where it leaves them open.
//
//   byte 0      bits 7-5: format version (1); bits 4-0: operating point
//   byte 1      profile id: the most significant byte of the profile's content hash
//   bytes 2-3   symbol_checksum, little-endian
//   then        height - 1 and width - 1 as variable-length integers of at most 2 bytes each, where the profile leaves them open
//
// The payload follows and extends to the end of the stream. docs/bitstream.md is the normative text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <aecnn/core/bytes.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>

namespace aecnn {

/// What surrounds a payload.
enum class framing : std::uint8_t {
  standard, ///< the header: profile id, operating point, checksum, extents where they are open
  none      ///< nothing: the transport frames the payload and carries what the decoder must know
};

inline constexpr std::uint32_t bitstream_version = 1;
inline constexpr std::size_t max_header_bytes = 8;
/// The largest height or width that a header can carry.
inline constexpr std::size_t max_header_extent = std::size_t{1} << 14;

struct stream_header {
  std::uint32_t operating_point = 0;
  std::uint8_t profile_id = 0;
  std::uint16_t checksum = 0;
  std::size_t height = 0, width = 0; ///< 0 where the profile fixes them
};

/// The part of a profile's content hash that headers carry.
constexpr std::uint8_t profile_id(std::uint64_t content_hash) noexcept { return static_cast<std::uint8_t>(content_hash >> 56); }

/// Appends a header. The operating point is below 32, the extents at most max_header_extent.
inline void write_header(const stream_header& h, bool open_extents, std::vector<std::byte>& out) {
  byte_writer w(out);
  w.u8(static_cast<std::uint8_t>((bitstream_version << 5) | (h.operating_point & 31)));
  w.u8(h.profile_id);
  w.u16(h.checksum);
  if (open_extents) {
    w.varint(h.height - 1);
    w.varint(h.width - 1);
  }
}

/// The operating point of a stream, without reading the rest: errc::truncated or errc::unsupported_version.
inline result<stream_header> read_header_start(byte_reader& r) {
  stream_header h;
  const std::uint8_t first = r.u8();
  h.profile_id = r.u8();
  h.checksum = r.u16();
  if (r.failed()) return failure{errc::truncated, "stream: shorter than its 4-byte header"};
  if ((first >> 5) != bitstream_version)
    return detail::fail(errc::unsupported_version, "stream: format version ", first >> 5, ", expected ", bitstream_version);
  h.operating_point = first & 31;
  return h;
}

/// Reads a header; what remains in the reader is the payload. errc::limit_exceeded where the extents are above the limits.
inline result<stream_header> read_header(byte_reader& r, bool open_extents, const limits& l) {
  auto h = read_header_start(r);
  if (!h || !open_extents) return h;
  const std::uint64_t height = r.varint(), width = r.varint();
  if (r.failed()) return failure{errc::truncated, "stream: header ends before height and width"};
  if (height >= max_header_extent || width >= max_header_extent)
    return detail::fail(errc::corrupt, "stream: extents ", height + 1, "x", width + 1, ", expected at most ", max_header_extent);
  if (height >= l.max_extent || width >= l.max_extent)
    return detail::fail(errc::limit_exceeded, "stream: extents ", height + 1, "x", width + 1, ", limit ", l.max_extent);
  h->height = static_cast<std::size_t>(height) + 1;
  h->width = static_cast<std::size_t>(width) + 1;
  return h;
}

} // namespace aecnn
