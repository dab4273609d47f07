// A device that loads its profile from a file, built without exceptions: failures are values.
#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/encoder.hpp>
#include <aecnn/profile_io.hpp>

#include "example_tensor.hpp"
#include "expected_streams.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto p = aecnn::try_load_profile(argv[1]);
  if (!p || p->operating_points.size() != expected_streams.size() || p->hash != aecnn::content_hash(*p)) return 3;
  const auto x = example_tensor();
  auto encoder = aecnn::encoder::create(*p, {.operating_point = 1});
  if (!encoder) return 4;
  const auto stream = encoder->try_encode(example_view(x));
  if (!stream || stream->size() != expected_streams[1].size()) return 5;
  for (std::size_t k = 0; k < stream->size(); ++k)
    if (std::to_integer<std::uint8_t>((*stream)[k]) != expected_streams[1][k]) return 6;

  const auto bytes = aecnn::try_serialize_profile(*p);
  if (!bytes) return 7;
  const auto damaged = aecnn::try_load_profile(std::span<const std::byte>(*bytes).first(bytes->size() - 1));
  if (damaged || damaged.error().code != aecnn::errc::truncated) return 8;
  return aecnn::try_load_profile("no such file").error().code == aecnn::errc::io_error ? 0 : 9;
}
