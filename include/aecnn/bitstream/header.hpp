// Reading the header of a stream (bitstream/stream_header.hpp says what it holds).
#pragma once

#include <cstddef>
#include <cstdint>

#include <aecnn/bitstream/stream_header.hpp>
#include <aecnn/core/bytes.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>

namespace aecnn {

/// The mode in byte 0 of a header: errc::unsupported_version where there is none of that number.
inline result<std::uint8_t> header_mode(std::uint8_t start) {
  const std::uint32_t format = start >> 5;
  if (format < first_format || format >= first_format + formats)
    return detail::fail(errc::unsupported_version, "stream: format ", format, ", expected ", first_format, " to ", first_format + formats - 1);
  return static_cast<std::uint8_t>(format - first_format);
}

/// Operating point, mode, profile id and checksum of a stream, without reading the rest: errc::truncated or errc::unsupported_version.
inline result<stream_header> read_header_start(byte_reader& r) {
  stream_header h;
  const std::uint8_t first = r.u8();
  h.profile_id = r.u8();
  h.checksum = r.u16();
  if (r.failed()) return failure{errc::truncated, "stream: shorter than its 4-byte header"};
  const auto mode = header_mode(first);
  if (!mode) return mode.error();
  h.mode = *mode;
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
