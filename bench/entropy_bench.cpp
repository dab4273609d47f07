// The entropy coder alone, on symbol planes made of the shipped feature tensors by min-max quantisation of each tensor
// to 8, 4 and 2 bits; zstd on the same symbols, one a byte, where it is found.
//
// "untrained" starts from nothing; "trained" takes initial states, channel classes and references from the first half
// of the tensors. All are measured on the second half. Counters: symbols a second (a million is 1 MB of 8-bit symbols),
// bits a symbol.
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <aecnn/calibrate/priors.hpp>
#include <aecnn/entropy/context_coder.hpp>
#include <aecnn/io/npy.hpp>

#include "support/min_max.hpp"
#if AECNN_BENCH_ZSTD
#include "support/zstd.hpp"
#endif

namespace {

struct corpus {
  aecnn::shape3 shape;
  std::vector<std::vector<aecnn::symbol>> first, second; ///< halves of the tensors
};

corpus load(int bits) {
  const auto batch = aecnn::io::load_features(AECNN_EXAMPLE_DATA "/resnet56_stage2.npy");
  corpus c{batch.shape, {}, {}};
  for (std::size_t i = 0; i < batch.count; ++i) {
    const auto q = bench::quantise_min_max({batch[i].data, batch.shape.size()}, bits);
    (i < batch.count / 2 ? c.first : c.second).emplace_back(q.symbols.begin(), q.symbols.end());
  }
  return c;
}

aecnn::context_parameters parameters(const corpus& c, int bits, bool trained) {
  aecnn::context_parameters p;
  p.levels = 1U << bits;
  if (!trained) return p;
  aecnn::assign_classes(p, c.first, c.shape.channels);
  aecnn::assign_references(p, c.first, c.shape.channels);
  aecnn::prior_statistics statistics(p);
  for (const auto& s : c.first) statistics.add(s, c.shape).value();
  p.initial = statistics.train();
  return p;
}

void set_counters(benchmark::State& state, const corpus& c, std::size_t bytes) {
  const double symbols = static_cast<double>(c.shape.size() * c.second.size());
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(symbols));
  state.counters["bits_per_symbol"] = 8 * static_cast<double>(bytes) / symbols;
}

void encode(benchmark::State& state, bool trained) {
  const int bits = static_cast<int>(state.range(0));
  const corpus c = load(bits);
  auto coder = aecnn::context_coder::create(parameters(c, bits, trained), c.shape.channels).value();
  std::vector<std::byte> stream;
  std::size_t bytes = 0;
  for (auto _ : state) {
    bytes = 0;
    for (const auto& s : c.second) {
      stream.clear();
      coder.encode(s, c.shape, {}, stream).value();
      bytes += stream.size();
    }
    benchmark::DoNotOptimize(stream.data());
  }
  set_counters(state, c, bytes);
}

void decode(benchmark::State& state, bool trained) {
  const int bits = static_cast<int>(state.range(0));
  const corpus c = load(bits);
  auto coder = aecnn::context_coder::create(parameters(c, bits, trained), c.shape.channels).value();
  std::vector<std::vector<std::byte>> streams(c.second.size());
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    coder.encode(c.second[i], c.shape, {}, streams[i]).value();
    bytes += streams[i].size();
  }
  std::vector<aecnn::symbol> symbols(c.shape.size());
  for (auto _ : state) {
    for (const auto& s : streams) coder.decode(s, c.shape, {}, symbols).value();
    benchmark::DoNotOptimize(symbols.data());
  }
  if (symbols != c.second.back()) throw std::runtime_error("decoded symbols differ");
  set_counters(state, c, bytes);
}

BENCHMARK_CAPTURE(encode, untrained, false)->Arg(8)->Arg(4)->Arg(2)->ArgName("bits")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, trained, true)->Arg(8)->Arg(4)->Arg(2)->ArgName("bits")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(decode, untrained, false)->Arg(8)->Arg(4)->Arg(2)->ArgName("bits")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(decode, trained, true)->Arg(8)->Arg(4)->Arg(2)->ArgName("bits")->Unit(benchmark::kMillisecond);

#if AECNN_BENCH_ZSTD
std::vector<std::vector<std::uint8_t>> as_bytes(const corpus& c) {
  std::vector<std::vector<std::uint8_t>> planes;
  for (const auto& s : c.second) {
    planes.emplace_back();
    for (const aecnn::symbol v : s) planes.back().push_back(static_cast<std::uint8_t>(v));
  }
  return planes;
}

void zstd_encode(benchmark::State& state) {
  const corpus c = load(static_cast<int>(state.range(0)));
  bench::zstd_codec zstd(static_cast<int>(state.range(1)));
  const auto planes = as_bytes(c);
  std::size_t bytes = 0;
  for (auto _ : state) {
    bytes = 0;
    for (const auto& p : planes) bytes += zstd.compress(p).size();
    benchmark::ClobberMemory();
  }
  set_counters(state, c, bytes);
}

void zstd_decode(benchmark::State& state) {
  const corpus c = load(static_cast<int>(state.range(0)));
  bench::zstd_codec zstd(static_cast<int>(state.range(1)));
  std::vector<std::vector<std::uint8_t>> frames;
  std::size_t bytes = 0;
  for (const auto& p : as_bytes(c)) {
    const auto frame = zstd.compress(p);
    frames.emplace_back(frame.begin(), frame.end());
    bytes += frame.size();
  }
  std::vector<std::uint8_t> symbols(c.shape.size());
  for (auto _ : state) {
    for (const auto& f : frames) zstd.decompress(f, symbols);
    benchmark::DoNotOptimize(symbols.data());
  }
  set_counters(state, c, bytes);
}

BENCHMARK(zstd_encode)->ArgsProduct({{8, 4, 2}, {3, 19}})->ArgNames({"bits", "level"})->Unit(benchmark::kMillisecond);
BENCHMARK(zstd_decode)->ArgsProduct({{8, 4, 2}, {3, 19}})->ArgNames({"bits", "level"})->Unit(benchmark::kMillisecond);
#endif

} // namespace
