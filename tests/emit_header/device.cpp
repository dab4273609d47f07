// A device: its profile is a generated header. Built without exceptions, run-time type information and dependencies.
#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/encoder.hpp>

#include "example_profile.hpp"
#include "example_tensor.hpp"
#include "expected_streams.hpp"

int main() {
  const aecnn::profile p = example_profile();
  if (p.operating_points.size() != expected_streams.size() || !p.networks.empty() || p.probe) return 1;
  const auto x = example_tensor();
  for (std::size_t i = 0; i < expected_streams.size(); ++i) {
    auto encoder = aecnn::encoder::create(p, {.operating_point = i});
    if (!encoder) return 2;
    const auto stream = encoder->try_encode(example_view(x));
    if (!stream || stream->size() != expected_streams[i].size() || stream->size() <= 4) return 3;
    for (std::size_t k = 0; k < stream->size(); ++k)
      if (std::to_integer<std::uint8_t>((*stream)[k]) != expected_streams[i][k]) return 4;
  }
  return 0;
}
