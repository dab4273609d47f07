// The device side alone: no exceptions, no run-time type information, no dependency. The profile is in the program.
#include <cstddef>
#include <cstdio>
#include <limits>
#include <span>
#include <vector>

#include <aecnn/encoder.hpp>

namespace {

constexpr std::size_t channels = 4, height = 6, width = 5;

/// Sends channels 0 and 3 in steps of 1/8, 16 levels.
aecnn::profile device_profile() {
  aecnn::operating_point point;
  point.selector.channels = {0, 3};
  auto& q = point.quantizer;
  q.levels = 16;
  q.zero = 8;
  q.scale = {256.0f * 8, 256.0f * 8};
  q.unit = {1.0f / 256 / 8, 1.0f / 256 / 8};
  q.rounding = {128, 128};
  q.shift.assign(2 * 6, 0);
  point.entropy.levels = q.levels;
  point.entropy.zero = q.zero;
  aecnn::profile p;
  p.shape = {channels, height, width};
  p.operating_points.push_back(point);
  return p;
}

bool expect(bool condition, const char* what) {
  if (!condition) std::fprintf(stderr, "not so: %s\n", what);
  return condition;
}

} // namespace

int main() {
  auto created = aecnn::encoder::create(device_profile());
  if (!created) {
    std::fprintf(stderr, "%s\n", created.error().message.c_str());
    return 1;
  }
  aecnn::encoder& encoder = *created;

  // The same tensor in both layouts.
  std::vector<float> first(channels * height * width), last(first.size());
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t i = 0; i < height * width; ++i) {
      const float value = static_cast<float>((c * 7 + i * 3) % 11) / 8 - 0.5f;
      first[c * height * width + i] = value;
      last[i * channels + c] = value;
    }
  const auto channels_first = aecnn::tensor_view<const float>::chw(first.data(), channels, height, width);
  const auto channels_last = aecnn::tensor_view<const float>::hwc(last.data(), channels, height, width);

  const auto a = encoder.try_encode(channels_first);
  const auto b = encoder.try_encode(channels_last);
  bool good = expect(a && b && *a == *b, "both layouts give the same stream");
  good = expect(a && a->size() > 8 && a->size() < first.size() * sizeof(float) / 4, "the stream is short") && good;

  first[0] = std::numeric_limits<float>::quiet_NaN();
  const auto c = encoder.try_encode(channels_first);
  good = expect(!c && c.error().code == aecnn::errc::not_finite, "a NaN is refused by a value") && good;
  return good ? 0 : 1;
}
