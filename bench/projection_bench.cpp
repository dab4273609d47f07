// The integer analysis on the device: latents x inputs multiply-adds for every latent pixel. Arguments: channels,
// height and width of the tensor, side of a pixel block, latents. Counter multiply_adds a second.
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include <benchmark/benchmark.h>

#include <aecnn/select/projection.hpp>

#include "support/synthetic_features.hpp"

namespace {

void project(benchmark::State& state) {
  const auto argument = [&](std::size_t i) { return static_cast<std::size_t>(state.range(i)); };
  const aecnn::shape3 shape{argument(0), argument(1), argument(1)};
  const std::size_t stride = argument(2), latents = argument(3), inputs = shape.channels * stride * stride;
  aecnn::projection_parameters p;
  p.stride = static_cast<std::uint32_t>(stride);
  p.input_scale.assign(shape.channels, 1000.0F);
  bench::random_numbers random(1);
  const auto most = static_cast<float>(65535 / inputs);
  for (std::size_t i = 0; i < latents * inputs; ++i)
    p.weights.push_back(static_cast<std::int16_t>(most * random.uniform()));
  p.shift.assign(latents, 10);
  auto analysis = aecnn::projection::create(p, shape.channels).value();
  std::vector<std::uint16_t> channels(shape.channels);
  std::iota(channels.begin(), channels.end(), std::uint16_t{0});
  const std::size_t area =
      aecnn::projection::reduced(shape.height, stride) * aecnn::projection::reduced(shape.width, stride);
  std::vector<std::int32_t> out(latents * area);
  const auto x = bench::synthetic_features(shape, 1);
  std::uint32_t not_finite = 0;
  for (auto _ : state) {
    analysis.apply(aecnn::detail::source_of(x[0]), channels, out, not_finite);
    benchmark::DoNotOptimize(out.data());
  }
  state.counters["multiply_adds"] =
      benchmark::Counter(static_cast<double>(latents * inputs * area), benchmark::Counter::kIsIterationInvariantRate);
}

BENCHMARK(project)
    ->ArgNames({"channels", "side", "block", "latents"})
    ->Args({16, 32, 2, 32})
    ->Args({32, 16, 2, 64})
    ->Args({64, 8, 1, 32})
    ->Args({256, 56, 1, 64})
    ->Args({256, 56, 2, 128})
    ->Args({512, 28, 1, 128})
    ->Unit(benchmark::kMicrosecond);

} // namespace
