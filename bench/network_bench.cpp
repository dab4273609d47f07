// Decoder networks: one convolution, 1x1 or 3x3, with bias and ReLU, at the sizes that calibrated profiles have, and
// one with a pixel shuffle; beside the matrix product of the same multiply-adds in Eigen.
//
// Counters: multiply_adds a second; product_share, the speed as a share of the product's.
#include <cstddef>
#include <cstdint>
#include <vector>

#include <Eigen/Dense>
#include <benchmark/benchmark.h>

#include <aecnn/nn/build.hpp>
#include <aecnn/nn/network.hpp>

#include "support/paired_time.hpp"
#include "support/synthetic_features.hpp"

namespace {

std::vector<float> random_values(std::size_t n) {
  bench::random_numbers random(n);
  std::vector<float> v(n);
  for (float& e : v) e = random.uniform();
  return v;
}

void decoder(benchmark::State& state) {
  const std::int64_t latents = state.range(0), channels = state.range(1), side = state.range(2),
                     kernel = state.range(3), block = state.range(4);
  const std::int64_t outputs = channels * block * block, inputs = latents * kernel * kernel, pad = kernel / 2;
  aecnn::nn::graph g = aecnn::nn::start("decoder");
  auto last = aecnn::nn::conv(g, "x", {outputs, latents, kernel, kernel},
                              random_values(static_cast<std::size_t>(outputs * inputs)),
                              random_values(static_cast<std::size_t>(outputs)), {.pads = {pad, pad, pad, pad}});
  last = aecnn::nn::relu(g, last);
  if (block > 1) last = aecnn::nn::depth_to_space(g, last, block, "CRD");
  aecnn::nn::finish(g, last);
  auto net = aecnn::nn::network::create(g).value();
  net.prepare({static_cast<std::size_t>(latents), static_cast<std::size_t>(side), static_cast<std::size_t>(side)})
      .value();
  const auto x = random_values(net.input_shape().size());
  std::vector<float> y(net.output_shape().size());

  using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const matrix weights = matrix::Random(outputs, inputs), columns = matrix::Random(inputs, side * side);
  matrix product(outputs, side * side);
  bench::compare(
      state, "product_share", 4,
      [&] {
        net.run_to(x, y).value();
        benchmark::DoNotOptimize(y.data());
      },
      [&] {
        product.noalias() = weights * columns;
        benchmark::DoNotOptimize(product.data());
      });
  state.counters["multiply_adds"] =
      benchmark::Counter(static_cast<double>(net.multiply_adds()), benchmark::Counter::kIsIterationInvariantRate);
}

BENCHMARK(decoder)
    ->ArgNames({"latents", "channels", "side", "kernel", "block"})
    ->Args({16, 32, 16, 1, 1})
    ->Args({16, 32, 16, 3, 1})
    ->Args({64, 32, 8, 1, 2})
    ->Args({64, 256, 56, 1, 1})
    ->Args({64, 256, 56, 3, 1})
    ->Args({128, 512, 28, 1, 1})
    ->Args({128, 512, 28, 3, 1})
    ->Args({128, 256, 28, 1, 2})
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

} // namespace
