// Networks of ONNX files, and arrays that go through them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <aecnn/core/limits.hpp>
#include <aecnn/io/npy.hpp>
#include <aecnn/nn/network.hpp>
#include <aecnn/nn/onnx.hpp>

#include "command.hpp"

namespace program {

/// "1x3x32x32", with '?' for an open extent; "scalar" without extents.
inline std::string joined(std::span<const std::int64_t> extents) {
  std::string text;
  for (const std::int64_t e : extents) text.append(text.empty() ? "" : "x").append(e < 0 ? "?" : std::to_string(e));
  return text.empty() ? "scalar" : text;
}

/// Limits for networks that the user names: whole classifiers have weights beyond the library's default (VGG-16's first
/// fully connected layer has 103 million).
inline aecnn::limits network_limits() {
  aecnn::limits bounds;
  bounds.max_elements = std::size_t{1} << 28;
  return bounds;
}

/// An array of floats of any rank.
struct float_array {
  std::vector<std::int64_t> shape;
  std::vector<float> values;

  static float_array load(const std::filesystem::path& path) {
    const auto array = aecnn::io::load_npy(path);
    return {{array.shape.begin(), array.shape.end()}, in_file(path, array.floats())};
  }
};

/// A network of one input and one output, which is run item by item.
class item_network {
public:
  /// `role` is for messages: "decoder".
  static item_network load(const std::filesystem::path& path, std::string role) {
    item_network n;
    n.path_ = path;
    n.role_ = std::move(role);
    n.net_ = in_file(path, aecnn::nn::network::create(aecnn::nn::load_onnx_graph(path, {.bounds = network_limits()}),
                                                      network_limits()));
    const auto& g = n.graph();
    if (g.inputs.size() != 1 || g.outputs.size() != 1)
      throw command_error("'" + path.string() + "': " + std::to_string(g.inputs.size()) + " inputs and " +
                          std::to_string(g.outputs.size()) + " outputs, expected a " + n.role_ + " of 1 and 1");
    return n;
  }

  const aecnn::nn::graph& graph() const noexcept { return *net_.source(); }
  /// Binds the shape of an item; the output's shape, with the leading extent of the batch.
  std::span<const std::int64_t> prepare(const aecnn::shape3& item) {
    in_file(path_, net_.prepare(item));
    output_.resize(aecnn::nn::element_count(net_.output_shapes()[0]));
    return net_.output_shapes()[0];
  }
  /// The output for one item, valid until the next call.
  std::span<const float> run(std::span<const float> item) {
    in_file(path_, net_.run_to(item, output_));
    return output_;
  }

private:
  std::filesystem::path path_;
  std::string role_;
  aecnn::nn::network net_;
  std::vector<float> output_;
};

} // namespace program
