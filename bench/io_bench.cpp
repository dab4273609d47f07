// Loading: the shipped feature tensors from the bytes of their .npy file, beside memcpy of the same bytes, and a
// profile calibrated on a few of them from the bytes of its file.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <benchmark/benchmark.h>

#include <aecnn/calibrate/calibrate.hpp>
#include <aecnn/codec.hpp>
#include <aecnn/io/file.hpp>
#include <aecnn/io/npy.hpp>
#include <aecnn/profile_io.hpp>

#include "support/paired_time.hpp"

namespace {

constexpr const char* features = AECNN_EXAMPLE_DATA "/resnet56_stage2.npy";

void load_npy(benchmark::State& state) {
  const auto bytes = aecnn::io::try_read_file(features, {}).value();
  std::vector<std::byte> copy(bytes.size());
  bench::compare(
      state, "memcpy_share", 1,
      [&] {
        const auto array = aecnn::io::parse_npy(bytes);
        benchmark::DoNotOptimize(array.data.data());
      },
      [&] {
        std::memcpy(copy.data(), bytes.data(), bytes.size());
        benchmark::DoNotOptimize(copy.data());
        benchmark::ClobberMemory();
      });
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}

aecnn::profile calibrated() {
  const auto batch = aecnn::io::load_features(features);
  std::vector<aecnn::tensor_view<const float>> views;
  for (std::size_t i = 0; i < 8; ++i) views.push_back(batch[i]);
  aecnn::calibrate_options options;
  options.target_bytes = {aecnn::bytes_for_ratio(batch.shape, 64)};
  options.transform = aecnn::transform_kind::klt;
  options.max_stride = 2;
  return aecnn::calibrate(views, options);
}

void load_profile(benchmark::State& state) {
  const auto bytes = aecnn::serialize_profile(calibrated());
  for (auto _ : state) {
    const auto p = aecnn::load_profile(std::span<const std::byte>(bytes));
    benchmark::DoNotOptimize(p.hash);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
  state.counters["file_bytes"] = static_cast<double>(bytes.size());
}

void make_codec(benchmark::State& state) {
  const aecnn::profile p = calibrated();
  for (auto _ : state) {
    auto c = aecnn::codec::create(p);
    benchmark::DoNotOptimize(c.has_value());
  }
}

void verify_probe(benchmark::State& state) {
  const aecnn::profile p = calibrated();
  for (auto _ : state) aecnn::verify_probe(p);
}

BENCHMARK(load_npy)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(load_profile)->Unit(benchmark::kMicrosecond);
BENCHMARK(make_codec)->Unit(benchmark::kMicrosecond);
BENCHMARK(verify_probe)->Unit(benchmark::kMicrosecond);

} // namespace
