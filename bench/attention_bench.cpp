// Channel attention of one tensor, from loaded weights: CBAM and SE with a hidden layer of a sixteenth of the channels,
// ECA with a kernel of 5; and choosing a quarter of the channels by it. Counter memcpy_share: the speed as a share of
// copying the tensor.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <vector>

#include <benchmark/benchmark.h>

#include <aecnn/select/channel_attention.hpp>
#include <aecnn/select/channel_selector.hpp>

#include "support/paired_time.hpp"
#include "support/synthetic_features.hpp"

namespace {

aecnn::attention_parameters attention(aecnn::attention_kind kind, std::size_t channels) {
  bench::random_numbers random(channels);
  aecnn::attention_parameters p;
  p.kind = kind;
  p.channels = channels;
  const auto fill = [&](std::vector<float>& v, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) v.push_back(random.uniform());
  };
  if (kind == aecnn::attention_kind::eca) {
    fill(p.kernel, 5);
    return p;
  }
  p.hidden = channels / 16;
  fill(p.w1, p.hidden * channels);
  fill(p.w2, p.hidden * channels);
  fill(p.b1, p.hidden);
  fill(p.b2, channels);
  return p;
}

aecnn::shape3 shape_of(const benchmark::State& state) {
  const auto side = static_cast<std::size_t>(state.range(1));
  return {static_cast<std::size_t>(state.range(0)), side, side};
}

template <class Work>
void compare_with_memcpy(benchmark::State& state, const bench::feature_tensors& x, Work&& work) {
  std::vector<float> copy(x.shape.size());
  bench::compare(state, "memcpy_share", 8, work, [&] {
    std::memcpy(copy.data(), x.values[0].data(), copy.size() * sizeof(float));
    benchmark::DoNotOptimize(copy.data());
    benchmark::ClobberMemory();
  });
}

void logits(benchmark::State& state, aecnn::attention_kind kind) {
  const auto x = bench::synthetic_features(shape_of(state), 1);
  const auto a = aecnn::channel_attention::create(attention(kind, x.shape.channels)).value();
  aecnn::attention_workspace workspace;
  std::vector<std::int32_t> out(x.shape.channels);
  compare_with_memcpy(state, x, [&] {
    a.logits(x[0], std::span(out), workspace).value();
    benchmark::DoNotOptimize(out.data());
  });
}

void choose(benchmark::State& state) {
  const auto x = bench::synthetic_features(shape_of(state), 1);
  aecnn::selector_parameters p;
  p.kind = aecnn::selection_kind::top_k;
  p.channels.resize(x.shape.channels);
  std::iota(p.channels.begin(), p.channels.end(), std::uint16_t{0});
  p.k = x.shape.channels / 4;
  p.attention = attention(aecnn::attention_kind::cbam, x.shape.channels);
  const auto selector = aecnn::channel_selector::create(p, x.shape.channels).value();
  aecnn::attention_workspace workspace;
  std::vector<std::uint8_t> mask(x.shape.channels);
  compare_with_memcpy(state, x, [&] {
    selector.choose(x[0], mask, workspace).value();
    benchmark::DoNotOptimize(mask.data());
  });
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"channels", "side"})->Args({32, 16})->Args({256, 56})->Args({512, 28});
  b->UseManualTime()->Unit(benchmark::kMicrosecond);
}

BENCHMARK_CAPTURE(logits, cbam, aecnn::attention_kind::cbam)->Apply(sizes);
BENCHMARK_CAPTURE(logits, se, aecnn::attention_kind::se)->Apply(sizes);
BENCHMARK_CAPTURE(logits, eca, aecnn::attention_kind::eca)->Apply(sizes);
BENCHMARK(choose)->Apply(sizes);

} // namespace
