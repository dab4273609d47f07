// Profile files. Byte 0: bit 0 the rest is a whole file, else it is the JSON header of a safetensors file, a zero byte and the data, which
// become a file with the right length; bit 1 writes the hashes that the content has into it, so that what lies behind them is reached.
#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <aecnn/codec.hpp>
#include <aecnn/profile_io.hpp>

#include <fuzz.hpp>

using namespace aecnn;

namespace {

std::vector<std::byte> assemble(std::span<const std::byte> text) {
  const auto end = std::find(text.begin(), text.end(), std::byte{0});
  const auto length = static_cast<std::uint64_t>(end - text.begin());
  std::vector<std::byte> file(8);
  for (unsigned i = 0; i < 8; ++i) file[i] = static_cast<std::byte>(length >> (8 * i) & 255);
  file.insert(file.end(), text.begin(), end);
  if (end != text.end()) file.insert(file.end(), end + 1, text.end());
  return file;
}

/// The profile with the hashes of its content in the place of those of its file.
result<profile> repaired(std::span<const std::byte> file, const limits& bounds) {
  auto content = io::try_parse_safetensors(file, bounds);
  if (!content) return content.error();
  auto p = detail::profile_of(*content, bounds);
  for (const auto& [says, key] : {std::pair<std::string_view, std::string_view>{"its content hash is ", "aecnn.hash"},
                                  {"the hash of its probe is ", "aecnn.probe_hash"}}) {
    if (p) break;
    const std::string message = p.error().message;
    const std::size_t at = message.find(says);
    if (at == std::string::npos) continue;
    content->set_metadata(key, message.substr(at + says.size(), 16));
    p = detail::profile_of(*content, bounds);
  }
  return p;
}

} // namespace

void fuzz_profile(std::span<const std::byte> bytes) {
  fuzzing::source in(bytes);
  const std::uint8_t flags = in.u8();
  const std::vector<std::byte> file =
      (flags & 1) != 0 ? std::vector<std::byte>(in.rest().begin(), in.rest().end()) : assemble(in.rest());
  limits bounds;
  auto p = [&] {
    const fuzzing::allocation_limit limit(fuzzing::allowance(file.size()));
    return (flags & 2) != 0 ? repaired(file, bounds) : try_load_profile(file, bounds);
  }();
  if (!p) {
    FUZZ_REQUIRE(!p.error().message.empty());
    return;
  }
  const auto again = try_serialize_profile(*p, bounds);
  FUZZ_REQUIRE(again.has_value());
  const auto loaded = try_load_profile(*again, bounds);
  FUZZ_REQUIRE(loaded.has_value());
  FUZZ_REQUIRE(loaded->hash == p->hash);
  // Whoever takes profiles from strangers gives a limit to their networks.
  bounds.max_elements = 1 << 16;
  bounds.max_activation_bytes = 1 << 22;
  for (std::size_t point = 0; point < p->operating_points.size(); ++point) {
    encode_options options;
    options.operating_point = point;
    options.bounds = bounds;
    auto e = analysis_encoder::create(*p, options);
    if (!e || p->shape.size() > 4096) continue;
    const shape3 shape{p->shape.channels, p->open_extents() ? 3 : p->shape.height, p->open_extents() ? 2 : p->shape.width};
    if (shape.size() > 4096) continue;
    const std::vector<float> x(shape.size(), 0.25F);
    static_cast<void>(e->try_encode(tensor_view<const float>::chw(x.data(), shape.channels, shape.height, shape.width)));
  }
  decode_options options;
  options.bounds = bounds;
  auto d = decoder::create(*p, options);
  if (!d) return;
  const std::byte stream[] = {std::byte{header_start(0, 0)}, std::byte{profile_id(p->hash)}, {}, {}};
  static_cast<void>(d->try_decode(stream));
}
