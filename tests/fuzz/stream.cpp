// Streams, headers included, and bare payloads, of profiles of all kinds, with fixed and with open extents.
//
// Byte 0: bit 0 open extents, bit 1 without a header, bit 2 repairs what a header says of profile and checksum, so that the bytes
// behind it are reached; bits 3 and 4 the mode of a bare payload. Byte 1: its operating point. Then the stream.
#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <vector>

#include <aecnn/codec.hpp>

#include <codec_profiles.hpp>
#include <fuzz.hpp>

using namespace aecnn;

namespace {

const profile& profile_of(bool open) {
  static const profile fixed = codec_profiles::make_all({5, 4, 3}), opened = codec_profiles::make_all({5, 0, 0});
  return open ? opened : fixed;
}

/// One for each use, kept: what a stream leaves in it must not disturb the next.
decoder& decoder_for(bool open, framing frame, std::size_t point, const entropy_mode& mode) {
  static std::map<std::tuple<bool, std::size_t, std::uint8_t>, decoder> made;
  const bool bare = frame == framing::none;
  const auto key = std::tuple(open, bare ? 1 + point : 0, bare ? mode.id : std::uint8_t{0});
  auto at = made.find(key);
  if (at == made.end()) {
    decode_options o;
    o.frame = frame;
    o.operating_point = point;
    o.mode = mode;
    if (open && bare) o.height = o.width = 4;
    at = made.emplace(key, decoder(profile_of(open), o)).first;
  }
  return at->second;
}

/// There is one payload for given symbols: theirs. (The mode fast may choose among tables.)
void check_payload(decoder& d, const profile& p, std::span<const std::byte> payload) {
  const operating_point& o = p.operating_points[d.operating_point_index()];
  auto coder = symbol_coder::create(o.entropy, o.latents()).value();
  FUZZ_REQUIRE(coder.set_mode(d.mode()));
  if (coder.coded_mask() || d.mode() == fast_mode) return; // a decoder does not tell which channels were sent
  std::vector<std::byte> again;
  FUZZ_REQUIRE(coder.encode(d.symbols(), d.symbols_shape(), {}, again));
  FUZZ_REQUIRE(std::equal(again.begin(), again.end(), payload.begin(), payload.end()));
}

} // namespace

void fuzz_stream(std::span<const std::byte> bytes) {
  fuzzing::source in(bytes);
  const std::uint8_t flags = in.u8();
  const bool open = (flags & 1) != 0, bare = (flags & 2) != 0, repair = (flags & 4) != 0 && !bare;
  const std::size_t point = in.below(5);
  const profile& p = profile_of(open);
  const entropy_mode& mode = entropy_modes[(flags >> 3) % entropy_modes.size()];
  decoder& d = decoder_for(open, bare ? framing::none : framing::standard, point, mode);
  std::vector<std::byte> stream(in.rest().begin(), in.rest().end());
  if (repair && stream.size() > 3) {
    stream[0] = std::byte{header_start(mode.id, static_cast<std::uint32_t>(point))};
    stream[1] = std::byte{profile_id(p.hash)};
  }
  const auto decode = [&] {
    const fuzzing::allocation_limit limit(fuzzing::stream_allowance(stream.size()));
    return d.try_decode(stream);
  };
  auto y = decode();
  if (!y && repair && y.error().code == errc::checksum_mismatch) {
    const std::uint16_t sum = symbol_checksum(d.symbols(), p.hash, static_cast<std::uint32_t>(point),
                                              coded_extents(open, d.shape().height, d.shape().width));
    stream[2] = static_cast<std::byte>(sum & 255);
    stream[3] = static_cast<std::byte>(sum >> 8);
    y = decode();
    FUZZ_REQUIRE(y.has_value());
  }
  if (!y) {
    FUZZ_REQUIRE(!y.error().message.empty());
    return;
  }
  FUZZ_REQUIRE(y->shape(0) == d.shape().channels && y->shape(1) == d.shape().height && y->shape(2) == d.shape().width);
  FUZZ_REQUIRE(d.shape().channels == 5);
  if (!open) FUZZ_REQUIRE(d.shape() == p.shape);
  std::size_t header = bare ? 0 : 4;
  if (open && !bare)
    for (int i = 0; i < 2; ++i)
      while ((std::to_integer<unsigned>(stream[header++]) & 128) != 0) {
      }
  check_payload(d, p, std::span<const std::byte>(stream).subspan(header));
}
