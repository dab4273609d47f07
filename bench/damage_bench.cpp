// What damaged payloads cost the decoder: symbol planes of the shipped feature tensors, min-max quantised, their payloads replaced by
// random bytes, cut in half, changed in one byte, or filled with ones. A decoder on the edge must not be slowed down by what it refuses.
//
// Counter times_clean: the time of decoding as a multiple of that of the undamaged payload. And the time of the most that a stream of 100
// bytes may ask for: as many elements as the default limits allow, all of them there, and a byte behind them.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <aecnn/codec.hpp>
#include <aecnn/entropy/modes.hpp>
#include <aecnn/entropy/symbol_coder.hpp>
#include <aecnn/io/npy.hpp>

#include <codec_profiles.hpp>

#include "support/min_max.hpp"
#include "support/paired_time.hpp"

namespace {

enum damage : std::int64_t { random_bytes, cut_in_half, changed_byte, all_ones };
constexpr const char* names[] = {"random bytes", "cut in half", "changed byte", "all ones"};

std::vector<std::byte> damaged(std::vector<std::byte> payload, std::int64_t kind) {
  std::uint32_t state = 1;
  switch (kind) {
  case random_bytes:
    for (auto& b : payload) b = static_cast<std::byte>((state = state * 1664525U + 1013904223U) >> 24);
    break;
  case cut_in_half: payload.resize(payload.size() / 2); break;
  case changed_byte: payload[payload.size() / 10] ^= std::byte{0x55}; break;
  default:
    for (auto& b : payload) b = std::byte{0xff};
  }
  return payload;
}

/// Arguments: mode, bits, kind of damage.
void decode_damaged(benchmark::State& state) {
  const aecnn::entropy_mode mode = aecnn::entropy_modes[static_cast<std::size_t>(state.range(0))];
  const int bits = static_cast<int>(state.range(1));
  const auto batch = aecnn::io::load_features(AECNN_EXAMPLE_DATA "/resnet56_stage2.npy");
  aecnn::context_parameters p;
  p.levels = 1U << bits;
  auto coder = aecnn::symbol_coder::create(p, batch.shape.channels).value();
  coder.set_mode(mode).value();
  std::vector<std::vector<std::byte>> good, bad;
  for (std::size_t i = 0; i < batch.count; i += 8) {
    const auto q = bench::quantise_min_max({batch[i].data, batch.shape.size()}, bits);
    good.emplace_back();
    coder.encode(std::vector<aecnn::symbol>(q.symbols.begin(), q.symbols.end()), batch.shape, {}, good.back()).value();
    bad.push_back(damaged(good.back(), state.range(2)));
  }
  std::vector<aecnn::symbol> symbols(batch.shape.size());
  const auto decode = [&](const std::vector<std::vector<std::byte>>& payloads) {
    return [&] {
      for (const auto& b : payloads) {
        const auto status = coder.decode(b, batch.shape, {}, symbols);
        benchmark::DoNotOptimize(status.has_value());
      }
    };
  };
  // The damaged ones as the yardstick: the counter is their time over that of the others.
  bench::compare(state, "times_clean", 1, decode(good), decode(bad));
  state.SetLabel(std::string(mode.name) + ", " + names[state.range(2)]);
}

BENCHMARK(decode_damaged)->ArgsProduct({{0, 1, 2}, {8, 4, 2}, {random_bytes, cut_in_half, changed_byte, all_ones}})->UseManualTime();

/// Argument: mode.
void decode_hundred_bytes(benchmark::State& state) {
  const aecnn::entropy_mode mode = aecnn::entropy_modes[static_cast<std::size_t>(state.range(0))];
  const aecnn::limits usual;
  const std::size_t elements = 100 * (mode.slow ? usual.max_slow_symbols_per_byte : usual.max_elements_per_byte);
  std::size_t side = 1;
  while ((side + 1) * (side + 1) <= elements) ++side;
  const auto p = codec_profiles::make({1, 0, 0}, {codec_profiles::kind::direct}, 1);
  aecnn::encoder e(p, {.mode = mode, .bounds = {.max_elements_per_byte = 1 << 20, .max_slow_symbols_per_byte = 1 << 20}});
  // Zeros, and as many other elements as the bytes hold.
  std::vector<float> x(side * side);
  std::vector<std::byte> stream, longer;
  std::uint32_t random = 1;
  do {
    stream = longer;
    random = random * 1664525U + 1013904223U;
    x[(random >> 8) % x.size()] = static_cast<float>(random >> 30) - 1.5F;
    longer = e.encode(aecnn::tensor_view<const float>::chw(x.data(), 1, side, side));
  } while (longer.size() <= 99);
  stream.resize(100, std::byte{255});
  aecnn::decoder d(p);
  for (auto _ : state) {
    const auto y = d.try_decode(stream);
    if (y) state.SkipWithError("not refused for what follows");
    benchmark::DoNotOptimize(y.has_value());
  }
  state.SetLabel(std::string(mode.name) + ", " + std::to_string(side * side) + " elements");
}
BENCHMARK(decode_hundred_bytes)->DenseRange(0, 2)->Unit(benchmark::kMillisecond);

} // namespace
