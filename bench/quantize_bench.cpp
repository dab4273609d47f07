// Selecting and quantising, everything that the encoder does before entropy coding: 64 of 256 channels at 56x56, the
// symbols of encoder::try_quantise, beside memcpy of as many elements as those 64 channels have.
//
// Counter memcpy_share: the speed as a share of memcpy's.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <benchmark/benchmark.h>

#include <aecnn/encoder.hpp>

#include "support/paired_time.hpp"
#include "support/synthetic_features.hpp"

namespace {

constexpr aecnn::shape3 shape{256, 56, 56};
constexpr std::size_t kept = 64;
constexpr float step = 0.1F;

/// A profile that sends every fourth channel with one step, without a decoder.
aecnn::profile device_profile() {
  aecnn::profile p;
  p.shape = shape;
  aecnn::operating_point o;
  for (std::size_t k = 0; k < kept; ++k)
    o.selector.channels.push_back(static_cast<std::uint16_t>(k * shape.channels / kept));
  o.quantizer.levels = o.entropy.levels = 256;
  o.quantizer.scale.assign(kept, 256 / step);
  o.quantizer.unit.assign(kept, step / 256);
  o.quantizer.rounding.assign(kept, 96);
  o.quantizer.shift.assign(6 * kept, 0);
  p.operating_points = {o};
  aecnn::seal(p);
  return p;
}

template <class View>
void compare_with_memcpy(benchmark::State& state, const View& view, const std::vector<std::byte>& source) {
  aecnn::encoder enc(device_profile());
  std::vector<std::byte> copy(source.size());
  const auto quantise = [&] {
    const auto symbols = enc.try_quantise(view).value();
    benchmark::DoNotOptimize(symbols.data());
    benchmark::ClobberMemory();
  };
  // A channel at a time, as the selected channels lie in memory.
  const std::size_t channel = source.size() / kept;
  const auto memory = [&] {
    for (std::size_t k = 0; k < kept; ++k) std::memcpy(copy.data() + k * channel, source.data() + k * channel, channel);
    benchmark::DoNotOptimize(copy.data());
    benchmark::ClobberMemory();
  };
  bench::compare(state, "memcpy_share", 16, quantise, memory);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kept * shape.area()));
}

/// The bytes of as many elements as the kept channels have.
template <class T>
std::vector<std::byte> bytes_of_kept(const std::vector<T>& values) {
  std::vector<std::byte> bytes(kept * shape.area() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

void float_chw(benchmark::State& state) {
  const auto x = bench::synthetic_features(shape, 1);
  compare_with_memcpy(state, x[0], bytes_of_kept(x.values[0]));
}

void float_hwc(benchmark::State& state) {
  const auto x = bench::synthetic_features(shape, 1);
  const auto y = bench::channels_last(x.values[0], shape);
  compare_with_memcpy(state, aecnn::tensor_view<const float>::hwc(y.data(), shape.channels, shape.height, shape.width),
                      bytes_of_kept(y));
}

template <class T>
void converted(benchmark::State& state) {
  const auto x = bench::synthetic_features(shape, 1);
  std::vector<T> y;
  for (const float v : x.values[0]) y.push_back(static_cast<T>(v));
  compare_with_memcpy(state, aecnn::tensor_view<const T>::chw(y.data(), shape.channels, shape.height, shape.width),
                      bytes_of_kept(y));
}

void int8_chw(benchmark::State& state) {
  const auto x = bench::synthetic_features(shape, 1);
  constexpr float scale = 0.05F;
  std::vector<std::int8_t> y;
  for (const float v : x.values[0])
    y.push_back(static_cast<std::int8_t>(std::lround(std::fmin(v / scale, 255.0F)) - 128));
  const auto elements = aecnn::tensor_view<const std::int8_t>::chw(y.data(), shape.channels, shape.height, shape.width);
  compare_with_memcpy(state, aecnn::quantized_view<const std::int8_t>{elements, scale, -128}, bytes_of_kept(y));
}

} // namespace

BENCHMARK(float_chw)->Name("quantise/256x56x56/64_kept/float_chw")->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(float_hwc)->Name("quantise/256x56x56/64_kept/float_hwc")->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(converted<double>)
    ->Name("quantise/256x56x56/64_kept/double_chw")
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(int8_chw)->Name("quantise/256x56x56/64_kept/int8_chw")->UseManualTime()->Unit(benchmark::kMicrosecond);
