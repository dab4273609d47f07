// From a graph to the steps that a network runs: checks names, sorts the nodes, reads their operators, folds scales and
// activations into the convolutions before them, packs weights. Cost: linear in nodes and weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/instruction_set.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/nn/graph.hpp>
#include <aecnn/nn/node_reader.hpp>
#include <aecnn/nn/operation.hpp>
#include <aecnn/nn/operators.hpp>

namespace aecnn::nn {

/// One operation and the values it reads; value 0 is the network's input, value i + 1 the output of step i.
struct step {
  std::unique_ptr<operation> op;
  std::vector<std::size_t> inputs;
  std::string label;
};

/// What all copies of a network share.
struct compiled_graph {
  std::string name;
  std::vector<step> steps;
  std::size_t output = 0;
  limits bounds;
};

namespace detail {

/// Checks weights and names of a graph and finds the order of its nodes.
class graph_index {
public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  static result<graph_index> create(const graph& g, const limits& bounds) {
    graph_index index(g);
    if (auto s = index.read_weights(bounds); !s) return s.error();
    if (auto s = index.read_nodes(bounds); !s) return s.error();
    if (auto s = index.sort(); !s) return s.error();
    return index;
  }

  /// Positions of the nodes such that each follows those it reads.
  const std::vector<std::size_t>& order() const noexcept { return order_; }
  /// The node that makes a value; none for the input and for weights.
  std::size_t producer(const std::string& value) const { return sources_.at(value).node; }
  const weight* weight_of(const std::string& value) const {
    const auto it = sources_.find(value);
    return it == sources_.end() ? nullptr : it->second.constant;
  }

private:
  struct source {
    std::size_t node = none;
    const weight* constant = nullptr;
  };

  explicit graph_index(const graph& g) : graph_(&g) {}

  status declare(const std::string& name, source s, const limits& bounds, std::string_view what) {
    if (name.size() > bounds.max_name_bytes)
      return aecnn::detail::fail(errc::limit_exceeded, what, ": name of ", name.size(), " bytes, limit ",
                                 bounds.max_name_bytes);
    if (name.empty()) return aecnn::detail::fail(errc::bad_field, what, ": empty name");
    if (!sources_.emplace(name, s).second)
      return aecnn::detail::fail(errc::duplicate_name, what, ": '", name, "' is the name of another value");
    return {};
  }

  status read_weights(const limits& bounds) {
    const graph& g = *graph_;
    if (g.weights.size() > bounds.max_tensors)
      return aecnn::detail::fail(errc::limit_exceeded, "network has ", g.weights.size(), " weights, limit ",
                                 bounds.max_tensors);
    for (const weight& w : g.weights) {
      if (auto s = declare(w.name, {none, &w}, bounds, "weight"); !s) return s;
      if (w.values.size() > bounds.max_elements)
        return aecnn::detail::fail(errc::limit_exceeded, "weight '", w.name, "' has ", w.values.size(),
                                   " elements, limit ", bounds.max_elements);
      std::uint64_t size = 1;
      for (const std::int64_t extent : w.shape) {
        if (extent < 1 || static_cast<std::uint64_t>(extent) > w.values.size()) {
          size = 0;
          break;
        }
        size *= static_cast<std::uint64_t>(extent); // both below 2^32 or the product is already too large
        if (size > w.values.size()) break;
      }
      if (size != w.values.size() || size == 0)
        return aecnn::detail::fail(errc::bad_shape, "weight '", w.name, "' has shape ", nn::to_string(w.shape), " and ",
                                   w.values.size(), " elements");
    }
    return {};
  }

  status read_nodes(const limits& bounds) {
    const graph& g = *graph_;
    if (g.nodes.size() > bounds.max_nodes)
      return aecnn::detail::fail(errc::limit_exceeded, "network has ", g.nodes.size(), " nodes, limit ",
                                 bounds.max_nodes);
    const auto one = [](const std::vector<std::string>& names, std::string_view what) -> status {
      if (names.size() == 1) return {};
      return aecnn::detail::fail(names.empty() ? errc::missing_field : errc::unsupported, "network has ", names.size(),
                                 " ", what, "s, expected 1");
    };
    if (auto s = one(g.inputs, "input"); !s) return s;
    if (auto s = one(g.outputs, "output"); !s) return s;
    if (auto s = declare(g.inputs[0], {}, bounds, "network input"); !s) return s;
    for (std::size_t i = 0; i < g.nodes.size(); ++i) {
      const node& n = g.nodes[i];
      if (n.name.size() > bounds.max_name_bytes || n.op_type.size() > bounds.max_name_bytes)
        return aecnn::detail::fail(errc::limit_exceeded, "node #", i, ": name longer than ", bounds.max_name_bytes,
                                   " bytes");
      if (find_operator(n.op_type) == nullptr)
        return aecnn::detail::fail(errc::unsupported, label(n, i), ": operator '", n.op_type, "' is not supported");
      if (n.outputs.size() != 1)
        return aecnn::detail::fail(errc::bad_field, label(n, i), ": has ", n.outputs.size(), " outputs, expected 1");
      if (auto s = declare(n.outputs[0], {i, nullptr}, bounds, label(n, i)); !s) return s;
    }
    return {};
  }

  status sort() {
    const graph& g = *graph_;
    std::vector<std::size_t> waiting(g.nodes.size());
    std::vector<std::vector<std::size_t>> readers(g.nodes.size());
    for (std::size_t i = 0; i < g.nodes.size(); ++i)
      for (const std::string& name : g.nodes[i].inputs) {
        if (name.empty()) continue;
        const auto it = sources_.find(name);
        if (it == sources_.end())
          return aecnn::detail::fail(errc::missing_field, label(g.nodes[i], i), ": input '",
                                     name.size() > 256 ? name.substr(0, 256) : name,
                                     "' is neither an input of the network, nor a weight, nor an output of a node");
        if (it->second.node == none) continue;
        readers[it->second.node].push_back(i);
        ++waiting[i];
      }
    const auto it = sources_.find(g.outputs[0]);
    if (it == sources_.end() || it->second.constant != nullptr)
      return aecnn::detail::fail(errc::missing_field, "network output: no node makes it");
    for (std::size_t i = 0; i < g.nodes.size(); ++i)
      if (waiting[i] == 0) order_.push_back(i);
    for (std::size_t k = 0; k < order_.size(); ++k)
      for (const std::size_t reader : readers[order_[k]])
        if (--waiting[reader] == 0) order_.push_back(reader);
    if (order_.size() < g.nodes.size())
      for (std::size_t i = 0; i < g.nodes.size(); ++i)
        if (waiting[i] != 0)
          return aecnn::detail::fail(errc::bad_field, label(g.nodes[i], i), ": is on or behind a cycle");
    return {};
  }

  const graph* graph_;
  std::unordered_map<std::string, source> sources_;
  std::vector<std::size_t> order_;
};

} // namespace detail

/// Checks and compiles a graph. Errors name the node: errc::unsupported (operator, attribute), errc::missing_field (an
/// input, attribute or output), errc::bad_field (attribute out of range, cycle), errc::bad_shape (weights),
/// errc::duplicate_name, errc::limit_exceeded. Nodes that the output does not need are checked and left out.
inline result<std::shared_ptr<const compiled_graph>> compile(const graph& g, const limits& bounds,
                                                             instruction_set level) {
  using detail::graph_index;
  const auto index = graph_index::create(g, bounds);
  if (!index) return index.error();

  // Which nodes the output needs, and how many of those read each.
  const std::size_t last = index->producer(g.outputs[0]);
  std::vector<std::size_t> readers(g.nodes.size());
  if (last != graph_index::none) readers[last] = 1;
  for (auto it = index->order().rbegin(); it != index->order().rend(); ++it)
    if (readers[*it] > 0)
      for (const std::string& name : g.nodes[*it].inputs)
        if (const std::size_t from = name.empty() ? graph_index::none : index->producer(name);
            from != graph_index::none)
          ++readers[from];

  auto out = std::make_shared<compiled_graph>();
  out->name = g.name;
  out->bounds = bounds;
  std::vector<std::size_t> value_of(g.nodes.size()); // a node's output among the steps' values
  std::vector<const weight*> weights;
  for (const std::size_t i : index->order()) {
    const node& n = g.nodes[i];
    weights.clear();
    step s;
    bool fusible = true; // the only reader of the step before it
    for (const std::string& name : n.inputs) {
      weights.push_back(index->weight_of(name));
      if (name.empty() || weights.back() != nullptr) continue;
      const std::size_t from = index->producer(name);
      s.inputs.push_back(from == graph_index::none ? 0 : value_of[from]);
      fusible = fusible && from != graph_index::none && readers[from] == 1;
    }
    node_reader reader(n, i, weights);
    auto op = find_operator(n.op_type)(reader, level);
    if (!op) return op.error();
    if (readers[i] == 0) continue;
    s.op = std::move(*op);
    s.label = reader.name();
    if (fusible && s.inputs.size() == 1) {
      operation& before = *out->steps[s.inputs[0] - 1].op;
      const activation* a = s.op->as_activation();
      const channel_affine* f = s.op->as_affine();
      if ((a != nullptr && before.fuse(*a)) || (f != nullptr && before.fold(*f))) {
        value_of[i] = s.inputs[0];
        continue;
      }
    }
    out->steps.push_back(std::move(s));
    value_of[i] = out->steps.size();
  }
  out->output = last == graph_index::none ? 0 : value_of[last];
  for (step& s : out->steps) s.op->seal();
  return std::shared_ptr<const compiled_graph>(std::move(out));
}

} // namespace aecnn::nn
