// From a graph and the shapes of its inputs to operations on values of known types: infers all shapes and computes what
// depends on constants only (Shape, Gather, ConstantOfShape, Range, integer arithmetic, which exporters leave in).
// Cost: linear in nodes, and the run of every node that is folded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/nn/graph.hpp>
#include <aecnn/nn/node_reader.hpp>
#include <aecnn/nn/operation.hpp>
#include <aecnn/nn/operators.hpp>

namespace aecnn::nn {

inline constexpr std::size_t no_value = static_cast<std::size_t>(-1);

struct typed_value {
  tensor_type type;
  const_tensor_data constant{}; ///< its elements, where they are known
  std::string_view name{};      ///< in the source graph; empty where nothing names it
  bool is_constant() const noexcept { return constant.floats != nullptr || constant.integers != nullptr; }
};

/// An operation on values, by number; no_value where an input or output is left out.
struct typed_node {
  std::unique_ptr<operation> op;
  std::vector<std::size_t> inputs, outputs;
  std::string label;
};

/// Nodes in an order in which each follows what it reads, and only those that the outputs need. Constants belong to the
/// source graph or to the pools.
struct typed_graph {
  std::shared_ptr<const graph> source;
  std::vector<typed_value> values;
  std::vector<typed_node> nodes;
  std::vector<std::size_t> inputs, outputs;
  std::deque<std::vector<float>> floats;
  std::deque<std::vector<std::int64_t>> integers;
};

namespace detail {

class inference {
public:
  inference(std::shared_ptr<const graph> g, const operator_set& operators, const limits& bounds)
      : operators_(operators), bounds_(bounds) {
    out_.source = std::move(g);
  }

  result<typed_graph> run(std::span<const std::size_t> order, std::span<const std::vector<std::int64_t>> input_shapes) {
    const graph& g = *out_.source;
    for (std::size_t i = 0; i < g.inputs.size(); ++i) {
      names_[g.inputs[i]] = out_.values.size();
      out_.inputs.push_back(out_.values.size());
      out_.values.push_back({{element_type::float32, input_shapes[i]}, {}, g.inputs[i]});
    }
    for (const weight& w : g.weights) {
      names_[w.name] = out_.values.size();
      out_.values.push_back({{w.type, w.shape}, elements(w.type, w.values.data(), w.integers.data())});
    }
    for (const std::size_t i : order)
      if (auto s = add(g.nodes[i], i); !s) return s.error();
    for (const std::string& name : g.outputs) {
      const std::size_t v = names_.at(name);
      if (out_.values[v].type.type != element_type::float32)
        return aecnn::detail::fail(errc::unsupported, "network output '", name, "' holds integers, expected float32");
      out_.outputs.push_back(v);
    }
    drop_unused();
    return std::move(out_);
  }

private:
  static const_tensor_data elements(element_type type, const float* floats, const std::int64_t* integers) noexcept {
    static constexpr float no_float = 0;
    static constexpr std::int64_t no_integer = 0;
    if (type == element_type::float32) return {floats != nullptr ? floats : &no_float, nullptr};
    return {nullptr, integers != nullptr ? integers : &no_integer};
  }

  status add(const node& n, std::size_t position) {
    typed_node t;
    std::vector<input_info> infos;
    bool constant = true;
    for (const std::string& name : n.inputs) {
      t.inputs.push_back(name.empty() ? no_value : names_.at(name));
      infos.emplace_back();
      if (name.empty()) continue;
      const typed_value& v = out_.values[t.inputs.back()];
      infos.back() = {&v.type, v.constant};
      constant = constant && v.is_constant();
    }
    node_reader reader(n, position, infos, bounds_);
    auto op = operators_.find(n.op_type)(reader);
    if (!op) return op.error();
    t.op = std::move(*op);
    t.label = reader.name();
    const auto types = t.op->outputs();
    if (types.size() < n.outputs.size())
      return aecnn::detail::fail(errc::bad_field, t.label, ": has ", n.outputs.size(), " outputs, the operator has ",
                                 types.size());
    for (std::size_t i = 0; i < types.size(); ++i) {
      if (types[i].shape.size() > max_rank)
        return aecnn::detail::fail(errc::limit_exceeded, t.label, ": output of rank ", types[i].shape.size(),
                                   ", limit ", max_rank);
      const bool used = i < n.outputs.size() && !n.outputs[i].empty();
      if (!reader.admit(types[i].shape)) return reader.error();
      t.outputs.push_back(out_.values.size());
      if (used) names_[n.outputs[i]] = out_.values.size();
      out_.values.push_back({types[i], {}, used ? std::string_view(n.outputs[i]) : std::string_view()});
    }
    if (constant || t.op->needs_types_only()) return fold(t);
    for (std::size_t i = 0; i < t.inputs.size(); ++i)
      if (const std::size_t v = t.inputs[i]; // `infos` points to values that may have moved
          v != no_value && out_.values[v].type.type != element_type::float32 && !out_.values[v].is_constant())
        return aecnn::detail::fail(
            errc::unsupported, t.label, ": input ", i,
            " holds integers that depend on the network's input; only constants may be integers");
    out_.nodes.push_back(std::move(t));
    return {};
  }

  status fold(const typed_node& t) {
    std::vector<const_tensor_data> in;
    for (const std::size_t v : t.inputs) in.push_back(v == no_value ? const_tensor_data{} : out_.values[v].constant);
    std::vector<tensor_data> out;
    for (const std::size_t v : t.outputs) {
      typed_value& value = out_.values[v];
      const std::size_t n = element_count(value.type.shape);
      folded_bytes_ += n * (value.type.type == element_type::float32 ? sizeof(float) : sizeof(std::int64_t));
      if (folded_bytes_ > bounds_.max_activation_bytes)
        return aecnn::detail::fail(errc::limit_exceeded, t.label, ": constants of the network need ", folded_bytes_,
                                   " bytes, limit ", bounds_.max_activation_bytes);
      tensor_data d;
      if (value.type.type == element_type::float32)
        d.floats = out_.floats.emplace_back(n + 1).data();
      else
        d.integers = out_.integers.emplace_back(n + 1).data();
      value.constant = {d.floats, d.integers};
      out.push_back(d);
    }
    std::vector<float> workspace(t.op->workspace() + 16);
    const std::size_t misaligned = reinterpret_cast<std::uintptr_t>(workspace.data()) / sizeof(float) % 16;
    t.op->run(in, out, workspace.data() + (misaligned == 0 ? 0 : 16 - misaligned));
    return {};
  }

  void drop_unused() {
    std::vector<bool> needed(out_.values.size());
    for (const std::size_t v : out_.outputs) needed[v] = true;
    std::vector<typed_node> kept;
    for (auto it = out_.nodes.rbegin(); it != out_.nodes.rend(); ++it) {
      bool used = false;
      for (const std::size_t v : it->outputs) used = used || needed[v];
      if (!used) continue;
      for (const std::size_t v : it->inputs)
        if (v != no_value) needed[v] = true;
      kept.push_back(std::move(*it));
    }
    out_.nodes.clear();
    for (auto it = kept.rbegin(); it != kept.rend(); ++it) out_.nodes.push_back(std::move(*it));
  }

  const operator_set& operators_;
  const limits& bounds_;
  typed_graph out_;
  std::unordered_map<std::string_view, std::size_t> names_;
  std::size_t folded_bytes_ = 0;
};

} // namespace detail

/// Infers and folds. `order` is graph_index's; `input_shapes` holds one shape an input, every extent at least 1. Errors
/// name the node: errc::unsupported, errc::missing_field, errc::bad_field, errc::bad_shape, errc::limit_exceeded.
inline result<typed_graph> infer(std::shared_ptr<const graph> g, std::span<const std::size_t> order,
                                 std::span<const std::vector<std::int64_t>> input_shapes, const operator_set& operators,
                                 const limits& bounds) {
  return detail::inference(std::move(g), operators, bounds).run(order, input_shapes);
}

} // namespace aecnn::nn
