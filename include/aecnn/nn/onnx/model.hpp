// A ModelProto of an ONNX file as a graph: nodes, initialisers and Constant nodes as weights, inputs with their
// declared shapes. Only the form is checked here; operators, names and shapes are what nn::network checks. Linear in
// the file.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/nn/graph.hpp>
#include <aecnn/nn/node_reader.hpp>
#include <aecnn/nn/onnx/message.hpp>
#include <aecnn/nn/onnx/tensor.hpp>
#include <aecnn/nn/onnx/versions.hpp>

namespace aecnn::nn {

/// What reading an ONNX file takes besides the file.
struct onnx_options {
  limits bounds{};
  /// Each takes the place of the graph's input of its name: for inputs of integers, which networks have as constants
  /// only.
  std::vector<weight> constants{};
};

namespace detail {

/// The most attributes of a node.
inline constexpr std::size_t onnx_max_attributes = 64;

/// Reads the model's graph.
class onnx_reader {
public:
  explicit onnx_reader(const onnx_options& options) : options_(options), bounds_(options.bounds) {}

  graph read(std::string_view bytes) {
    std::optional<std::string_view> body;
    std::optional<std::int64_t> version;
    bool has_ir_version = false;
    for (onnx_message m(bytes, "ModelProto"); m.next();) switch (m.field()) {
      case 1:
        has_ir_version = true;
        if (const std::int64_t v = m.integer(); v < 3)
          throw_onnx(errc::unsupported_version, "ONNX: ir_version ", v, ", expected at least 3");
        break;
      case 7:
        if (body) throw_onnx(errc::bad_format, "ONNX: the model has two graphs");
        body = m.bytes();
        break;
      case 8:
        read_opset(m.message("OperatorSetIdProto"), version);
        break;
      case 25:
        throw_onnx(errc::unsupported, "ONNX: the model defines functions, which are not supported; export it with them "
                                      "inlined");
      default:
        m.skip();
      }
    if (!body && !has_ir_version)
      throw_onnx(errc::bad_format, "ONNX: not an ONNX model: it has no ir_version and no graph");
    if (!body) throw_onnx(errc::missing_field, "ONNX: the model has no graph");
    if (!version) throw_onnx(errc::missing_field, "ONNX: the model does not say which operator set it uses");
    if (*version < 1 || *version > onnx_last_opset)
      throw_onnx(errc::unsupported_version, "ONNX: operator set ", *version, ", expected ", onnx_first_opset, " to ",
                 onnx_last_opset);
    opset_ = *version;
    read_graph(*body);
    return std::move(graph_);
  }

private:
  static void read_opset(onnx_message m, std::optional<std::int64_t>& version) {
    std::string_view domain;
    std::int64_t v = 0;
    while (m.next())
      if (m.field() == 1)
        domain = m.bytes();
      else if (m.field() == 2)
        v = m.integer();
      else
        m.skip();
    if (!is_standard(domain)) return;
    if (version && *version != v)
      throw_onnx(errc::bad_format, "ONNX: the model uses operator sets ", *version, " and ", v);
    version = v;
  }
  static bool is_standard(std::string_view domain) { return domain.empty() || domain == "ai.onnx"; }

  void count(std::size_t found, std::size_t most, const char* what, const char* limit) const {
    if (found >= most) throw_onnx(errc::limit_exceeded, "ONNX: more than ", most, " ", what, " (limits.", limit, ")");
  }

  void read_graph(std::string_view bytes) {
    // Initialisers first: they tell which inputs are none.
    for (onnx_message m(bytes, "GraphProto"); m.next();) switch (m.field()) {
      case 2:
        graph_.name = m.text();
        break;
      case 5:
        add_weight(read_tensor(m.bytes(), "initializer", bounds_));
        break;
      case 15:
        throw_onnx(errc::unsupported, "ONNX: the graph has sparse initializers, which are not supported");
      default:
        m.skip();
      }
    std::vector<std::string> initializers;
    for (const weight& w : graph_.weights) initializers.push_back(w.name);
    std::sort(initializers.begin(), initializers.end());
    std::vector<bool> used(options_.constants.size());
    std::vector<weight> constants;
    for (onnx_message m(bytes, "GraphProto"); m.next();) switch (m.field()) {
      case 1:
        read_node(m.bytes());
        break;
      case 11: {
        count(graph_.inputs.size(), bounds_.max_nodes, "inputs", "max_nodes");
        value v = read_value(m.message("ValueInfoProto"));
        if (std::binary_search(initializers.begin(), initializers.end(), v.name)) break;
        if (const weight* c = constant_for(v.name, used))
          constants.push_back(*c);
        else
          add_input(std::move(v));
        break;
      }
      case 12:
        count(graph_.outputs.size(), bounds_.max_nodes, "outputs", "max_nodes");
        graph_.outputs.push_back(read_value(m.message("ValueInfoProto")).name);
        break;
      default:
        m.skip();
      }
    if (!shapes_declared_) graph_.input_shapes.clear(); // a shape without extents would be a scalar's
    for (weight& c : constants) add_weight(std::move(c));
    for (std::size_t i = 0; i < used.size(); ++i)
      if (!used[i])
        throw_onnx(errc::invalid_argument, "ONNX: constant '", options_.constants[i].name,
                   "' is not an input of the graph");
  }

  void add_weight(weight w) {
    count(graph_.weights.size(), bounds_.max_tensors, "weights", "max_tensors");
    graph_.weights.push_back(std::move(w));
  }

  // Inputs and outputs.

  struct value {
    std::string name;
    std::optional<onnx_type> type; // of a tensor's elements
    bool other = false;            // a sequence, a map, ...
    bool has_shape = false;
    std::vector<std::int64_t> shape;
  };

  value read_value(onnx_message m) {
    value v;
    while (m.next())
      if (m.field() == 1)
        v.name = m.text();
      else if (m.field() == 2)
        read_type(m.message("TypeProto"), v);
      else
        m.skip();
    return v;
  }

  void read_type(onnx_message m, value& v) {
    while (m.next()) {
      if (m.field() != 1) {
        v.other = v.other || m.field() != 6; // denotation
        m.skip();
        continue;
      }
      for (onnx_message t = m.message("TypeProto.Tensor"); t.next();)
        if (t.field() == 1)
          v.type = static_cast<onnx_type>(static_cast<std::int32_t>(t.varint()));
        else if (t.field() == 2) {
          v.has_shape = true;
          read_shape(t.message("TensorShapeProto"), v.shape);
        } else
          t.skip();
    }
  }

  static void read_shape(onnx_message m, std::vector<std::int64_t>& shape) {
    while (m.next()) {
      if (m.field() != 1) {
        m.skip();
        continue;
      }
      if (shape.size() == onnx_max_rank)
        throw_onnx(errc::unsupported, "ONNX: a value has more than ", onnx_max_rank, " dimensions");
      std::int64_t extent = -1; // a name, or nothing: open
      for (onnx_message d = m.message("TensorShapeProto.Dimension"); d.next();)
        if (d.field() == 1)
          extent = d.integer();
        else
          d.skip();
      shape.push_back(extent > 0 ? extent : -1);
    }
  }

  const weight* constant_for(const std::string& name, std::vector<bool>& used) const {
    for (std::size_t i = 0; i < options_.constants.size(); ++i)
      if (options_.constants[i].name == name) {
        used[i] = true;
        return &options_.constants[i];
      }
    return nullptr;
  }

  void add_input(value v) {
    if (v.other || (v.type && !is_float(*v.type)))
      throw_onnx(errc::unsupported, "ONNX: input '", v.name.substr(0, 256), "' holds ",
                 v.other ? std::string("no tensor") : to_string(*v.type), ", expected a tensor of floats");
    shapes_declared_ = shapes_declared_ && v.has_shape;
    graph_.inputs.push_back(std::move(v.name));
    graph_.input_shapes.push_back(std::move(v.shape));
  }

  // Nodes.

  /// One attribute; a tensor is kept apart, because an attribute of a graph has none.
  struct read_attribute_result {
    std::string name;
    attribute value;
    std::optional<std::string_view> tensor;
  };

  [[noreturn]] static void unsupported_attribute(const std::string& where, const std::string& name, const char* what) {
    throw_onnx(errc::unsupported, where, ": attribute '", name.substr(0, 256), "' is ", what,
               ", which is not supported");
  }

  read_attribute_result read_attribute(std::string_view bytes, const std::string& where) const {
    read_attribute_result out;
    std::int64_t type = 0; // AttributeProto.AttributeType
    bool given[5] = {};    // which of f, i, s, t, g there are, where the type is missing
    attribute& a = out.value;
    for (onnx_message m(bytes, "AttributeProto"); m.next();) switch (m.field()) {
      case 1:
        out.name = m.text();
        break;
      case 2:
        a.number = m.number();
        given[0] = true;
        break;
      case 3:
        a.integer = m.integer();
        given[1] = true;
        break;
      case 4:
        a.text = m.text();
        given[2] = true;
        break;
      case 5:
        out.tensor = m.bytes();
        given[3] = true;
        break;
      case 7:
        m.each_fixed<float>([&](float v) {
          count(a.numbers.size(), bounds_.max_elements, "elements of an attribute", "max_elements");
          a.numbers.push_back(v);
        });
        break;
      case 8:
        m.each_varint([&](std::uint64_t v) {
          count(a.integers.size(), bounds_.max_elements, "elements of an attribute", "max_elements");
          a.integers.push_back(static_cast<std::int64_t>(v));
        });
        break;
      case 20:
        type = m.integer();
        break;
      case 21:
        throw_onnx(errc::unsupported, where, ": an attribute refers to one of a function, which is not supported");
      default:
        m.skip();
      }
    if (type == 0) // files from before the type was required
      type = !a.numbers.empty()    ? 6
             : !a.integers.empty() ? 7
             : given[0]            ? 1
             : given[1]            ? 2
             : given[2]            ? 3
             : given[3]            ? 4
                                   : 0;
    const auto only = [&](attribute v) {
      a = std::move(v);
      out.tensor.reset();
    };
    switch (type) {
    case 1:
      only(a.number);
      break;
    case 2:
      only(a.integer);
      break;
    case 3:
      only(std::move(a.text));
      break;
    case 4:
      if (!out.tensor)
        throw_onnx(errc::missing_field, where, ": attribute '", out.name.substr(0, 256), "' has no tensor");
      break;
    case 6:
      only(std::move(a.numbers));
      break;
    case 7:
      only(std::move(a.integers));
      break;
    case 5:
    case 10:
      unsupported_attribute(where, out.name, "a graph");
    case 8:
      unsupported_attribute(where, out.name, "a list of strings");
    case 9:
      unsupported_attribute(where, out.name, "a list of tensors");
    case 11:
    case 12:
      unsupported_attribute(where, out.name, "a sparse tensor");
    default:
      unsupported_attribute(where, out.name, "of an unknown type");
    }
    return out;
  }

  void read_node(std::string_view bytes) {
    node n;
    std::string_view domain;
    std::vector<std::string_view> attributes;
    const std::size_t position = position_++;
    for (onnx_message m(bytes, "NodeProto"); m.next();) switch (m.field()) {
      case 1:
        count(n.inputs.size(), bounds_.max_nodes, "inputs of a node", "max_nodes");
        n.inputs.push_back(m.text());
        break;
      case 2:
        count(n.outputs.size(), bounds_.max_nodes, "outputs of a node", "max_nodes");
        n.outputs.push_back(m.text());
        break;
      case 3:
        n.name = m.text();
        break;
      case 4:
        n.op_type = m.text();
        break;
      case 5:
        if (attributes.size() == onnx_max_attributes)
          throw_onnx(errc::limit_exceeded, "ONNX: a node has more than ", onnx_max_attributes, " attributes");
        attributes.push_back(m.bytes());
        break;
      case 7:
        domain = m.bytes();
        break;
      default:
        m.skip();
      }
    const bool standard = is_standard(domain);
    if (!standard) n.op_type = std::string(domain) + "::" + n.op_type;
    while (!n.outputs.empty() && n.outputs.back().empty()) n.outputs.pop_back();
    const std::string where = label(n, position);
    if (standard && opset_ < onnx_first_opset && !unchanged_since(n.op_type, opset_))
      throw_onnx(errc::unsupported_version, where, ": the operator of operator set ", opset_,
                 " is not supported, expected that of ", onnx_first_opset, " to ", onnx_last_opset);
    if (standard && n.op_type == "Constant") return read_constant(n, attributes, where);

    for (const std::string_view a : attributes) {
      read_attribute_result r = read_attribute(a, where);
      if (r.tensor) r.value = number_of(r, n, *r.tensor, where);
      n.attributes.emplace_back(std::move(r.name), std::move(r.value));
    }
    // Before version 13 they take all axes from `axis` on; the node says so, because a graph has no version.
    if (standard && opset_ < 13 && (n.op_type == "Softmax" || n.op_type == "LogSoftmax")) n.attributes.emplace_back("opset", opset_);
    count(graph_.nodes.size(), bounds_.max_nodes, "nodes", "max_nodes");
    graph_.nodes.push_back(std::move(n));
  }

  /// ConstantOfShape's value: a tensor of one element.
  attribute number_of(const read_attribute_result& r, const node& n, std::string_view tensor,
                      const std::string& where) const {
    if (n.op_type != "ConstantOfShape" || r.name != "value") unsupported_attribute(where, r.name, "a tensor");
    const weight w = read_tensor(tensor, where + ": attribute 'value'", bounds_);
    if (w.size() != 1)
      throw_onnx(errc::bad_shape, where, ": attribute 'value' has ", w.size(), " elements, expected 1");
    if (w.type == element_type::int64) return w.integers[0];
    return w.values[0];
  }

  void read_constant(const node& n, std::span<const std::string_view> attributes, const std::string& where) {
    if (n.outputs.size() != 1 || attributes.size() != 1)
      throw_onnx(errc::bad_field, where, ": ", n.outputs.size(), " outputs and ", attributes.size(),
                 " attributes, expected 1 and 1");
    read_attribute_result r = read_attribute(attributes[0], where);
    weight w;
    if (r.tensor) {
      w = read_tensor(*r.tensor, where + ": attribute 'value'", bounds_);
    } else {
      switch (r.value.type) {
      case attribute::kind::number:
        w.values = {r.value.number};
        break;
      case attribute::kind::numbers:
        w.values = std::move(r.value.numbers);
        break;
      case attribute::kind::integer:
        w.integers = {r.value.integer};
        break;
      case attribute::kind::integers:
        w.integers = std::move(r.value.integers);
        break;
      case attribute::kind::text:
        unsupported_attribute(where, r.name, "a string");
      }
      const bool integers = r.value.type == attribute::kind::integer || r.value.type == attribute::kind::integers;
      if (integers) w.type = element_type::int64;
      if (r.value.type == attribute::kind::integers || r.value.type == attribute::kind::numbers)
        w.shape = {static_cast<std::int64_t>(w.size())};
    }
    w.name = n.outputs[0];
    add_weight(std::move(w));
  }

  const onnx_options& options_;
  const limits& bounds_;
  std::int64_t opset_ = 0;
  std::size_t position_ = 0;
  bool shapes_declared_ = true;
  graph graph_;
};

} // namespace detail
} // namespace aecnn::nn
