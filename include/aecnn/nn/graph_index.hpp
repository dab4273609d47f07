// Checks the names of a graph and finds an order of its nodes in which each follows those it reads (Kahn's algorithm).
// Cost: linear in nodes and names. Shapes and attributes are checked when shapes are known (infer.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/nn/graph.hpp>
#include <aecnn/nn/node_reader.hpp>
#include <aecnn/nn/operators.hpp>

namespace aecnn::nn {

class graph_index {
public:
  /// Errors name the node: errc::unsupported (operator), errc::missing_field (an input or output that nothing makes),
  /// errc::duplicate_name, errc::bad_field (cycle), errc::bad_shape (a weight), errc::limit_exceeded. The graph must
  /// outlive the index.
  static result<graph_index> create(const graph& g, const operator_set& operators, const limits& bounds) {
    graph_index index(g);
    if (auto s = index.read_weights(bounds); !s) return s.error();
    if (auto s = index.read_nodes(operators, bounds); !s) return s.error();
    if (auto s = index.sort(); !s) return s.error();
    return index;
  }

  /// Positions of the nodes such that each follows those it reads.
  const std::vector<std::size_t>& order() const noexcept { return order_; }

private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  explicit graph_index(const graph& g) : graph_(&g) {}

  status declare(const std::string& name, std::size_t producer, const limits& bounds, std::string_view what) {
    if (name.size() > bounds.max_name_bytes)
      return aecnn::detail::fail(errc::limit_exceeded, what, ": name of ", name.size(), " bytes, limit ",
                                 bounds.max_name_bytes);
    if (name.empty()) return aecnn::detail::fail(errc::bad_field, what, ": empty name");
    if (!producers_.emplace(name, producer).second)
      return aecnn::detail::fail(errc::duplicate_name, what, ": '", name, "' is the name of another value");
    return {};
  }

  status read_weights(const limits& bounds) {
    const graph& g = *graph_;
    if (g.weights.size() > bounds.max_tensors)
      return aecnn::detail::fail(errc::limit_exceeded, "network has ", g.weights.size(), " weights, limit ",
                                 bounds.max_tensors);
    for (const weight& w : g.weights) {
      if (auto s = declare(w.name, none, bounds, "weight"); !s) return s;
      if (w.size() > bounds.max_elements)
        return aecnn::detail::fail(errc::limit_exceeded, "weight '", w.name, "' has ", w.size(), " elements, limit ",
                                   bounds.max_elements);
      std::size_t size = 1;
      bool fits = w.shape.size() <= max_rank;
      for (const std::int64_t extent : w.shape)
        fits = fits && extent >= 0 && aecnn::detail::multiply(size, static_cast<std::size_t>(extent), size);
      if (!fits || size != w.size())
        return aecnn::detail::fail(errc::bad_shape, "weight '", w.name, "' has shape ", nn::to_string(w.shape), " and ",
                                   w.size(), " elements");
    }
    return {};
  }

  status read_nodes(const operator_set& operators, const limits& bounds) {
    const graph& g = *graph_;
    if (g.nodes.size() > bounds.max_nodes)
      return aecnn::detail::fail(errc::limit_exceeded, "network has ", g.nodes.size(), " nodes, limit ",
                                 bounds.max_nodes);
    if (g.inputs.empty() || g.outputs.empty())
      return aecnn::detail::fail(errc::missing_field, "network has no ", g.inputs.empty() ? "input" : "output");
    if (g.inputs.size() > bounds.max_tensors || g.outputs.size() > bounds.max_tensors)
      return aecnn::detail::fail(errc::limit_exceeded, "network has ", g.inputs.size(), " inputs and ",
                                 g.outputs.size(), " outputs, limit ", bounds.max_tensors);
    if (!g.input_shapes.empty() && g.input_shapes.size() != g.inputs.size())
      return aecnn::detail::fail(errc::bad_field, "network has ", g.inputs.size(), " inputs and declares ",
                                 g.input_shapes.size(), " shapes");
    for (const std::string& name : g.inputs)
      if (auto s = declare(name, none, bounds, "network input"); !s) return s;
    for (std::size_t i = 0; i < g.nodes.size(); ++i) {
      const node& n = g.nodes[i];
      if (n.name.size() > bounds.max_name_bytes || n.op_type.size() > bounds.max_name_bytes)
        return aecnn::detail::fail(errc::limit_exceeded, "node #", i, ": name longer than ", bounds.max_name_bytes,
                                   " bytes");
      if (operators.find(n.op_type) == nullptr)
        return aecnn::detail::fail(errc::unsupported, label(n, i), ": operator '", n.op_type, "' is not supported");
      if (n.outputs.empty() || n.outputs.size() > bounds.max_tensors || n.inputs.size() > bounds.max_tensors)
        return aecnn::detail::fail(errc::bad_field, label(n, i), ": has ", n.inputs.size(), " inputs and ",
                                   n.outputs.size(), " outputs, expected 1 to ", bounds.max_tensors, " outputs");
      for (const std::string& name : n.outputs)
        if (!name.empty() || &name == n.outputs.data())
          if (auto s = declare(name, i, bounds, label(n, i)); !s) return s;
    }
    for (const std::string& name : g.outputs)
      if (producers_.find(name) == producers_.end())
        return aecnn::detail::fail(errc::missing_field, "network output '", name.substr(0, 256), "': no node makes it");
    return {};
  }

  status sort() {
    const graph& g = *graph_;
    std::vector<std::size_t> waiting(g.nodes.size());
    std::vector<std::vector<std::size_t>> readers(g.nodes.size());
    for (std::size_t i = 0; i < g.nodes.size(); ++i)
      for (const std::string& name : g.nodes[i].inputs) {
        if (name.empty()) continue;
        const auto it = producers_.find(name);
        if (it == producers_.end())
          return aecnn::detail::fail(errc::missing_field, label(g.nodes[i], i), ": input '", name.substr(0, 256),
                                     "' is neither an input of the network, nor a weight, nor an output of a node");
        if (it->second == none) continue;
        readers[it->second].push_back(i);
        ++waiting[i];
      }
    for (std::size_t i = 0; i < g.nodes.size(); ++i)
      if (waiting[i] == 0) order_.push_back(i);
    for (std::size_t k = 0; k < order_.size(); ++k)
      for (const std::size_t reader : readers[order_[k]])
        if (--waiting[reader] == 0) order_.push_back(reader);
    for (std::size_t i = 0; order_.size() < g.nodes.size() && i < g.nodes.size(); ++i)
      if (waiting[i] != 0)
        return aecnn::detail::fail(errc::bad_field, label(g.nodes[i], i), ": is on or behind a cycle");
    return {};
  }

  const graph* graph_;
  std::unordered_map<std::string_view, std::size_t> producers_;
  std::vector<std::size_t> order_;
};

} // namespace aecnn::nn
