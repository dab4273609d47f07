// Makes graphs in code: each function appends one node (and its weights) to a graph and returns the name of its output.
//
//   nn::graph g = nn::start("decoder");
//   std::string x = nn::conv(g, "x", {64, 16, 3, 3}, weights, bias, {.pads = {1, 1, 1, 1}});
//   nn::finish(g, nn::depth_to_space(g, nn::relu(g, x), 2));
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/nn/graph.hpp>

namespace aecnn::nn {

/// Options of conv and conv_transpose: pairs are vertical, horizontal; pads are top, left, bottom, right.
struct conv_options {
  std::array<std::int64_t, 2> strides{1, 1};
  std::array<std::int64_t, 4> pads{0, 0, 0, 0};
  std::array<std::int64_t, 2> dilations{1, 1};
  std::int64_t groups = 1;
  std::array<std::int64_t, 2> output_padding{0, 0}; ///< conv_transpose only
};

/// A graph of one input.
inline graph start(std::string name, std::string input = "x") {
  return graph{std::move(name), {std::move(input)}, {}, {}, {}};
}
/// Declares the graph's output.
inline void finish(graph& g, std::string output) { g.outputs = {std::move(output)}; }

namespace detail {

/// "conv3": unique, because the number is the node's position.
inline std::string next_name(const graph& g, const char* base) { return base + std::to_string(g.nodes.size()); }

inline std::string append(graph& g, std::string name, std::string op_type, std::vector<std::string> inputs,
                          std::vector<std::pair<std::string, attribute>> attributes = {}) {
  g.nodes.push_back({std::move(op_type), name, std::move(inputs), {name}, std::move(attributes)});
  return name;
}

inline std::string add_weight(graph& g, std::string name, std::vector<std::int64_t> shape, std::vector<float> values) {
  g.weights.push_back({name, std::move(shape), std::move(values)});
  return name;
}

inline std::string add_vector(graph& g, std::string name, std::vector<float> values) {
  const auto n = static_cast<std::int64_t>(values.size());
  return add_weight(g, std::move(name), {n}, std::move(values));
}

template <std::size_t N>
attribute list(const std::array<std::int64_t, N>& a) {
  return std::vector<std::int64_t>(a.begin(), a.end());
}

inline std::string append_convolution(graph& g, const char* base, const char* op_type, std::string x,
                                      std::vector<std::int64_t> shape, std::vector<float> weights,
                                      std::vector<float> bias, const conv_options& o, bool transposed) {
  const std::string name = next_name(g, base);
  std::vector<std::pair<std::string, attribute>> attributes{
      {"strides", list(o.strides)}, {"pads", list(o.pads)}, {"dilations", list(o.dilations)}, {"group", o.groups}};
  if (transposed) attributes.emplace_back("output_padding", list(o.output_padding));
  std::vector<std::string> inputs{std::move(x), add_weight(g, name + ".weight", std::move(shape), std::move(weights))};
  if (!bias.empty()) inputs.push_back(add_vector(g, name + ".bias", std::move(bias)));
  return append(g, name, op_type, std::move(inputs), std::move(attributes));
}

} // namespace detail

/// Convolution. `shape` is [M, C / groups, kernel height, kernel width]; `bias` is empty or holds M values.
inline std::string conv(graph& g, std::string x, std::vector<std::int64_t> shape, std::vector<float> weights,
                        std::vector<float> bias = {}, const conv_options& options = {}) {
  return detail::append_convolution(g, "conv", "Conv", std::move(x), std::move(shape), std::move(weights),
                                    std::move(bias), options, false);
}
/// Transposed convolution. `shape` is [C, M / groups, kernel height, kernel width].
inline std::string conv_transpose(graph& g, std::string x, std::vector<std::int64_t> shape, std::vector<float> weights,
                                  std::vector<float> bias = {}, const conv_options& options = {}) {
  return detail::append_convolution(g, "conv_transpose", "ConvTranspose", std::move(x), std::move(shape),
                                    std::move(weights), std::move(bias), options, true);
}
/// max(x, 0).
inline std::string relu(graph& g, std::string x) {
  return detail::append(g, detail::next_name(g, "relu"), "Relu", {std::move(x)});
}
/// x where x > 0, else alpha * x.
inline std::string leaky_relu(graph& g, std::string x, float alpha = 0.01F) {
  return detail::append(g, detail::next_name(g, "leaky_relu"), "LeakyRelu", {std::move(x)}, {{"alpha", alpha}});
}
/// min(max(x, low), high).
inline std::string clip(graph& g, std::string x, float low, float high) {
  const std::string name = detail::next_name(g, "clip");
  std::string a = detail::add_weight(g, name + ".min", {}, {low}), b = detail::add_weight(g, name + ".max", {}, {high});
  return detail::append(g, name, "Clip", {std::move(x), std::move(a), std::move(b)});
}
/// 1 / (1 + exp(-x)).
inline std::string sigmoid(graph& g, std::string x) {
  return detail::append(g, detail::next_name(g, "sigmoid"), "Sigmoid", {std::move(x)});
}
inline std::string identity(graph& g, std::string x) {
  return detail::append(g, detail::next_name(g, "identity"), "Identity", {std::move(x)});
}
/// Sum of two values.
inline std::string add(graph& g, std::string a, std::string b) {
  return detail::append(g, detail::next_name(g, "add"), "Add", {std::move(a), std::move(b)});
}
/// Product of two values, element by element.
inline std::string mul(graph& g, std::string a, std::string b) {
  return detail::append(g, detail::next_name(g, "mul"), "Mul", {std::move(a), std::move(b)});
}
/// Adds one constant a channel, or the same to all where `values` holds one.
inline std::string add(graph& g, std::string x, std::vector<float> values) {
  const std::string name = detail::next_name(g, "add");
  const auto n = static_cast<std::int64_t>(values.size());
  std::string w = detail::add_weight(g, name + ".constant", {1, n, 1, 1}, std::move(values));
  return detail::append(g, name, "Add", {std::move(x), std::move(w)});
}
/// Multiplies by one constant a channel, or by the same everywhere where `values` holds one.
inline std::string mul(graph& g, std::string x, std::vector<float> values) {
  const std::string name = detail::next_name(g, "mul");
  const auto n = static_cast<std::int64_t>(values.size());
  std::string w = detail::add_weight(g, name + ".constant", {1, n, 1, 1}, std::move(values));
  return detail::append(g, name, "Mul", {std::move(x), std::move(w)});
}
/// scale * (x - mean) / sqrt(variance + epsilon) + bias, one of each a channel.
inline std::string batch_normalization(graph& g, std::string x, std::vector<float> scale, std::vector<float> bias,
                                       std::vector<float> mean, std::vector<float> variance, float epsilon = 1e-5F) {
  const std::string name = detail::next_name(g, "batch_normalization");
  std::vector<std::string> inputs{std::move(x)};
  inputs.push_back(detail::add_vector(g, name + ".scale", std::move(scale)));
  inputs.push_back(detail::add_vector(g, name + ".bias", std::move(bias)));
  inputs.push_back(detail::add_vector(g, name + ".mean", std::move(mean)));
  inputs.push_back(detail::add_vector(g, name + ".variance", std::move(variance)));
  return detail::append(g, name, "BatchNormalization", std::move(inputs), {{"epsilon", epsilon}});
}
/// [C,H,W] to [C / block^2, H * block, W * block]; mode "DCR" (depth, column, row) or "CRD" (pixel shuffle).
inline std::string depth_to_space(graph& g, std::string x, std::int64_t block, std::string mode = "DCR") {
  return detail::append(g, detail::next_name(g, "depth_to_space"), "DepthToSpace", {std::move(x)},
                        {{"blocksize", block}, {"mode", std::move(mode)}});
}
/// Joins values of equal height and width along the channels.
inline std::string concat(graph& g, std::vector<std::string> values) {
  return detail::append(g, detail::next_name(g, "concat"), "Concat", std::move(values), {{"axis", std::int64_t{1}}});
}

} // namespace aecnn::nn
