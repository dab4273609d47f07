// A file of many streams (by convention *.aec): what the command-line program writes for N tensors of one profile.
//
//   4 bytes  'A' 'E' 'C' 'F'
//   1 byte   file version (1)
//   1 byte   0: every record is a stream with its header; 1: bare payloads (framing::none)
//   1 byte   of bare payloads their format and operating point, as byte 0 of a stream's header (stream_header.hpp); else 0
//   8 bytes  content hash of the profile, little-endian
//   varint   number of records
//   varint x 2  height and width of bare payloads where the profile leaves them open, else 0 0
//   then a varint of length and the bytes, record after record; nothing after the last
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <aecnn/bitstream/header.hpp>
#include <aecnn/core/bytes.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>

namespace aecnn {

/// A parsed record file; the records view the bytes that were parsed.
struct record_file {
  framing frame = framing::standard;
  std::uint32_t operating_point = 0; ///< of bare payloads
  std::uint8_t mode = 0;             ///< of bare payloads: entropy_mode::id
  std::uint64_t profile_hash = 0;
  std::size_t height = 0, width = 0; ///< of bare payloads with open extents
  std::vector<std::span<const std::byte>> records;
};

inline constexpr std::byte record_file_magic[4] = {std::byte{'A'}, std::byte{'E'}, std::byte{'C'}, std::byte{'F'}};

/// Appends the file's bytes.
inline void write_record_file(const record_file& f, std::vector<std::byte>& out) {
  byte_writer w(out);
  w.bytes(record_file_magic);
  w.u8(1);
  w.u8(f.frame == framing::none ? 1 : 0);
  w.u8(f.frame == framing::none ? header_start(f.mode, f.operating_point) : std::uint8_t{0});
  w.u64(f.profile_hash);
  w.varint(f.records.size());
  w.varint(f.height);
  w.varint(f.width);
  for (const auto& r : f.records) {
    w.varint(r.size());
    w.bytes(r);
  }
}

/// errc::bad_format, errc::unsupported_version, errc::truncated, errc::trailing_bytes, errc::corrupt or errc::limit_exceeded.
inline result<record_file> try_parse_record_file(std::span<const std::byte> bytes, const limits& l = {}) {
  byte_reader r(bytes);
  for (const std::byte m : record_file_magic)
    if (r.u8() != std::to_integer<std::uint8_t>(m) || r.failed())
      return failure{errc::bad_format, "stream file: does not start with 'AECF'"};
  record_file f;
  const std::uint8_t version = r.u8(), frame = r.u8();
  const std::uint8_t start = r.u8();
  f.profile_hash = r.u64();
  const std::uint64_t count = r.varint(), height = r.varint(), width = r.varint();
  if (r.failed()) return failure{errc::truncated, "stream file: ends in its header"};
  if (version != 1) return detail::fail(errc::unsupported_version, "stream file: version ", +version, ", expected 1");
  if (frame > 1) return detail::fail(errc::corrupt, "stream file: framing ", +frame, ", expected 0 or 1");
  f.frame = frame == 1 ? framing::none : framing::standard;
  if (frame == 0 && start != 0)
    return detail::fail(errc::corrupt, "stream file: an operating point (byte ", +start, ") beside records with headers");
  if (frame == 1) {
    const auto mode = header_mode(start);
    if (!mode) return mode.error();
    f.mode = *mode;
    f.operating_point = start & 31U;
  }
  if (height > l.max_extent || width > l.max_extent)
    return detail::fail(errc::limit_exceeded, "stream file: extents ", height, "x", width, ", limit ", l.max_extent);
  if (frame == 0 && (height != 0 || width != 0))
    return detail::fail(errc::corrupt, "stream file: extents ", height, "x", width, " beside records with headers");
  f.height = static_cast<std::size_t>(height);
  f.width = static_cast<std::size_t>(width);
  // Every record takes at least the byte of its length.
  if (count > r.remaining())
    return detail::fail(errc::truncated, "stream file: ", count, " records in ", r.remaining(), " bytes");
  f.records.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t length = r.varint();
    if (r.failed() || length > r.remaining())
      return detail::fail(errc::truncated, "stream file: record ", i, " of ", length, " bytes, ", r.remaining(), " remain");
    f.records.push_back(r.take(static_cast<std::size_t>(length)));
  }
  if (r.remaining() != 0)
    return detail::fail(errc::trailing_bytes, "stream file: ", r.remaining(), " bytes after the last record");
  return f;
}

} // namespace aecnn
