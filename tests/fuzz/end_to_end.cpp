// A tensor through encoder and decoder, then the stream with a change.
//
// Byte 0: kind of operating point; then mode, extents, layout, the place of the change and its bits, and the elements, as floats of any
// bits or as small integers.
#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <tuple>
#include <vector>

#include <aecnn/codec.hpp>

#include <codec_profiles.hpp>
#include <fuzz.hpp>

using namespace aecnn;

namespace {

codec& codec_of(codec_profiles::kind kind, std::uint8_t mode) {
  static std::map<std::pair<codec_profiles::kind, std::uint8_t>, codec> made;
  const auto key = std::pair(kind, mode);
  auto at = made.find(key);
  if (at == made.end()) {
    encode_options options;
    options.mode = entropy_modes[mode];
    at = made.emplace(key, codec(codec_profiles::make({3, 0, 0}, {kind}, 1), options)).first;
  }
  return at->second;
}

} // namespace

void fuzz_end_to_end(std::span<const std::byte> bytes) {
  fuzzing::source in(bytes);
  const auto kind = codec_profiles::all_kinds[in.below(5)];
  codec& c = codec_of(kind, static_cast<std::uint8_t>(in.below(3)));
  const shape3 shape{3, 1 + in.below(5), 1 + in.below(5)};
  const std::uint8_t style = in.u8();
  const std::uint16_t place = in.u16();
  const std::uint8_t change = in.u8();
  std::vector<float> x(shape.size());
  for (float& v : x) v = (style & 1) != 0 ? std::bit_cast<float>(in.u32()) : static_cast<float>(static_cast<std::int8_t>(in.u8())) / 32.0F;
  const bool channels_last = (style & 2) != 0;
  const auto h = static_cast<std::ptrdiff_t>(shape.height), w = static_cast<std::ptrdiff_t>(shape.width);
  const tensor_view<const float> view = channels_last ? tensor_view<const float>(x.data(), shape, {1, 3 * w, 3})
                                                      : tensor_view<const float>(x.data(), shape, {h * w, w, 1});
  auto stream = c.try_encode(view);
  if (!stream) {
    FUZZ_REQUIRE(stream.error().code == errc::not_finite);
    return;
  }
  const std::vector<symbol> sent(c.encoder_side().symbols().begin(), c.encoder_side().symbols().end());
  auto y = c.try_decode(*stream);
  FUZZ_REQUIRE(y.has_value());
  FUZZ_REQUIRE(y->shape(0) == 3 && y->shape(1) == shape.height && y->shape(2) == shape.width);
  FUZZ_REQUIRE(std::ranges::equal(c.decoder_side().symbols(), sent));
  // Another stream of the same tensor is the same.
  const auto again = c.try_encode(view);
  FUZZ_REQUIRE(again.has_value() && *again == *stream);
  if (change == 0) return;
  (*stream)[place % stream->size()] ^= static_cast<std::byte>(change);
  const fuzzing::allocation_limit limit(fuzzing::stream_allowance(stream->size()));
  y = c.try_decode(*stream);
  if (y) FUZZ_REQUIRE(y->shape(0) == 3);
}
