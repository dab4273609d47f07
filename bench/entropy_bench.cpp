// The entropy coders alone, cold, every plane of symbols on its own, beside other people's coders where they are found: zstd,
// htscodecs, brotli, JPEG XL on a mosaic of the channels.
//
// The planes are the shipped feature tensors, min-max quantised to 8, 6, 4 and 2 bits, or those of the list that the environment
// variable AECNN_BENCH_PLANES names (bench/report/make_planes.py writes such lists). AECNN_BENCH_SLOW=1 adds the coders that take
// 0.1 to 1 MB/s. Counters: bits_per_symbol, headers included (two bytes more a plane are counted for a frame), and bytes a second,
// where a symbol is a byte.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "support/plane_coder.hpp"
#include "support/symbol_corpus.hpp"

namespace {

struct corpus {
  std::vector<bench::symbol_plane> planes;
  std::size_t symbols = 0;
};

corpus load(int bits) {
  const char* list = std::getenv("AECNN_BENCH_PLANES");
  corpus c;
  c.planes = list != nullptr ? bench::load_planes(list, bits) : bench::quantise_features(AECNN_EXAMPLE_DATA "/resnet56_stage2.npy", bits);
  for (const auto& p : c.planes) c.symbols += p.symbols.size();
  return c;
}

void set_counters(benchmark::State& state, const corpus& c, std::size_t payload_bytes) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(c.symbols));
  state.counters["bits_per_symbol"] =
      8 * static_cast<double>(payload_bytes + 2 * c.planes.size()) / static_cast<double>(c.symbols);
}

void encode(benchmark::State& state, bench::plane_coder& coder, const corpus& c) {
  std::size_t bytes = 0;
  for (auto _ : state) {
    bytes = 0;
    for (const auto& p : c.planes) bytes += coder.encode(p).size();
  }
  set_counters(state, c, bytes);
}

void decode(benchmark::State& state, bench::plane_coder& coder, const corpus& c) {
  std::vector<std::vector<std::byte>> payloads;
  std::size_t bytes = 0;
  for (const auto& p : c.planes) {
    const auto payload = coder.encode(p);
    payloads.emplace_back(payload.begin(), payload.end());
    bytes += payload.size();
    coder.decode(payloads.back(), p);
    if (!coder.decoded(p)) throw std::runtime_error("the decoded symbols differ");
  }
  for (auto _ : state)
    for (std::size_t i = 0; i < payloads.size(); ++i) coder.decode(payloads[i], c.planes[i]);
  set_counters(state, c, bytes);
}

} // namespace

int main(int argc, char** argv) {
  const char* slow = std::getenv("AECNN_BENCH_SLOW");
  auto coders = bench::all_coders(slow != nullptr && std::string(slow) == "1");
  std::vector<std::unique_ptr<corpus>> corpora;
  for (const int bits : {8, 6, 4, 2}) {
    corpora.push_back(std::make_unique<corpus>(load(bits)));
    const corpus& c = *corpora.back();
    if (c.planes.empty()) continue;
    for (auto& [name, coder] : coders) {
      const std::string what = "/" + name + "/" + std::to_string(bits) + " bit";
      benchmark::RegisterBenchmark(("encode" + what).c_str(), [&c, &coder = *coder](benchmark::State& s) { encode(s, coder, c); })
          ->Unit(benchmark::kMillisecond);
      benchmark::RegisterBenchmark(("decode" + what).c_str(), [&c, &coder = *coder](benchmark::State& s) { decode(s, coder, c); })
          ->Unit(benchmark::kMillisecond);
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
