// A trained linear analysis, read from the network that holds it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <Eigen/Dense>

#include <aecnn/core/error.hpp>
#include <aecnn/nn/graph.hpp>
#include <aecnn/nn/node_reader.hpp>

namespace aecnn {

/// A convolution whose kernel is its stride, which the device computes in integers (select/projection.hpp).
struct analysis_layer {
  std::size_t stride = 1;
  Eigen::MatrixXd rows; ///< [latents, channels * stride * stride], columns in the order [channel][y][x]
  Eigen::VectorXd bias; ///< [latents]; added on the edge
};

/// The layer of a network that is a single Conv with kernel = stride, without padding, groups or dilations.
/// errc::unsupported for anything else, errc::bad_shape where its weights do not fit.
inline result<analysis_layer> try_analysis_layer(const nn::graph& g) {
  using detail::fail;
  const auto refuse = [](const auto& what) {
    return fail(errc::unsupported, "analysis network: ", what,
                ", expected a single Conv with kernel = stride, without padding, groups or dilations");
  };
  if (g.nodes.size() != 1 || g.nodes[0].op_type != "Conv" || g.inputs.size() != 1 || g.nodes[0].inputs.size() < 2 ||
      g.nodes[0].inputs[0] != g.inputs[0])
    return refuse(std::to_string(g.nodes.size()) + " nodes" +
                  (g.nodes.empty() ? "" : ", the first is a " + g.nodes[0].op_type));
  const nn::node& n = g.nodes[0];
  const auto weights_of = [&](std::size_t i) -> const nn::weight* {
    for (const nn::weight& w : g.weights)
      if (i < n.inputs.size() && w.name == n.inputs[i] && w.type == nn::element_type::float32) return &w;
    return nullptr;
  };
  const nn::weight *w = weights_of(1), *b = weights_of(2);
  const bool has_bias = n.inputs.size() > 2 && !n.inputs[2].empty();
  if (w == nullptr || w->shape.size() != 4 || (has_bias && b == nullptr))
    return refuse("weights that are not constants [M,C,k,k]");
  const std::int64_t outputs = w->shape[0], inputs = w->shape[1], kernel = w->shape[2];
  if (outputs < 1 || inputs < 1 || kernel < 1 || w->values.size() != nn::element_count(w->shape) ||
      (has_bias && b->values.size() != static_cast<std::size_t>(outputs)))
    return fail(errc::bad_shape, "analysis network: weights of shape ", nn::to_string(w->shape));
  if (w->shape[3] != kernel || kernel > 16) return refuse("a kernel of " + nn::to_string(std::span(w->shape).last(2)));
  bool strided = kernel == 1;
  for (const auto& named : n.attributes) {
    const std::string& key = named.first;
    const nn::attribute& a = named.second;
    const auto all = [&](std::int64_t v) {
      return std::all_of(a.integers.begin(), a.integers.end(), [v](std::int64_t e) { return e == v; });
    };
    if (key == "strides") strided = a.integers.size() == 2 && all(kernel);
    const bool fits = key == "strides"     ? strided
                      : key == "pads"      ? all(0)
                      : key == "dilations" ? kernel == 1 || all(1)
                      : key == "group"     ? a.integer == 1
                      : key == "auto_pad"  ? a.text == "NOTSET" || a.text == "VALID"
                                           : key == "kernel_shape" && all(kernel);
    if (!fits) return refuse("a Conv whose attribute '" + key + "' is another");
  }
  if (!strided) return refuse("a Conv whose attribute 'strides' is another");
  analysis_layer layer;
  layer.stride = static_cast<std::size_t>(kernel);
  layer.rows.resize(outputs, inputs * kernel * kernel);
  for (Eigen::Index l = 0; l < layer.rows.rows(); ++l)
    for (Eigen::Index i = 0; i < layer.rows.cols(); ++i)
      layer.rows(l, i) = static_cast<double>(w->values[static_cast<std::size_t>(l * layer.rows.cols() + i)]);
  layer.bias = Eigen::VectorXd::Zero(outputs);
  if (has_bias)
    for (Eigen::Index l = 0; l < outputs; ++l)
      layer.bias(l) = static_cast<double>(b->values[static_cast<std::size_t>(l)]);
  return layer;
}

} // namespace aecnn
