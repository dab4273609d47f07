// ONNX files, as they are, and what the evaluator makes of the networks in them.
#include <algorithm>
#include <vector>

#include <aecnn/nn/onnx.hpp>

#include <fuzz.hpp>

using namespace aecnn;

void fuzz_onnx(std::span<const std::byte> bytes) {
  nn::onnx_options reading;
  auto graph = [&] {
    const fuzzing::allocation_limit limit(fuzzing::allowance(bytes.size()));
    return nn::try_parse_onnx(bytes, reading);
  }();
  if (!graph) {
    FUZZ_REQUIRE(!graph.error().message.empty());
    return;
  }
  nn::network_options options;
  options.bounds.max_elements = 1 << 14;
  options.bounds.max_activation_bytes = 1 << 20;
  const fuzzing::allocation_limit limit(std::size_t{1} << 26);
  auto n = nn::network::create(std::move(*graph), options);
  if (!n) return;
  const shape3 input{3, 4, 4};
  if (!n->prepare(input) || n->multiply_adds() > 1000000) return;
  const std::vector<float> x(input.size(), 0.5F);
  std::vector<float> y(n->output_shape().size());
  static_cast<void>(n->run_to(x, y));
}
