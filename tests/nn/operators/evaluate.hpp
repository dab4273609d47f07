// Makes and runs one node of the standard operators, as a network would.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/nn/operators/standard.hpp>
#include <catch_compat.hpp>

namespace evaluate {

namespace nn = aecnn::nn;
using aecnn::errc;
using shape = std::vector<std::int64_t>;
using numbers = std::vector<float>;
using whole_numbers = std::vector<std::int64_t>;
using list = std::vector<std::int64_t>; ///< an attribute
using attributes = std::vector<std::pair<std::string, nn::attribute>>;

/// An input or output of a node.
struct value {
  nn::tensor_type type;
  numbers floats;
  whole_numbers integers;
  bool constant = false, absent = false;
  nn::const_tensor_data data() const {
    nn::const_tensor_data d;
    if (absent) return d;
    // A pointer also where there are no elements, which tells a constant.
    static const float no_float = 0;
    static const std::int64_t no_integer = 0;
    if (type.type == nn::element_type::float32)
      d.floats = floats.empty() ? &no_float : floats.data();
    else
      d.integers = integers.empty() ? &no_integer : integers.data();
    return d;
  }
};

/// A float tensor that the network computes.
inline value computed(shape s, numbers v) { return {{nn::element_type::float32, std::move(s)}, std::move(v), {}}; }
/// A constant float tensor.
inline value constant(shape s, numbers v) {
  value x = computed(std::move(s), std::move(v));
  x.constant = true;
  return x;
}
/// A constant tensor of integers.
inline value whole(shape s, whole_numbers v) {
  value x{{nn::element_type::int64, std::move(s)}, {}, std::move(v)};
  x.constant = true;
  return x;
}
/// [n] of the n given.
inline value vector_of(whole_numbers v) {
  const auto n = static_cast<std::int64_t>(v.size());
  return whole({n}, std::move(v));
}
inline value left_out() {
  value x;
  x.absent = true;
  return x;
}
/// 0, 1, 2, ... of the given shape.
inline value counting(shape s) {
  numbers v(nn::element_count(s));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(i);
  return computed(std::move(s), std::move(v));
}

inline aecnn::result<std::unique_ptr<nn::operation>> make(const std::string& op_type, const std::vector<value>& inputs,
                                                          attributes a = {}, std::size_t outputs = 1,
                                                          const aecnn::limits& bounds = {}) {
  nn::node n{op_type, "n", {}, {}, std::move(a)};
  std::vector<nn::input_info> info;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    n.inputs.push_back("x" + std::to_string(i));
    nn::input_info f;
    if (!inputs[i].absent) f.type = &inputs[i].type;
    if (inputs[i].constant) f.constant = inputs[i].data();
    info.push_back(f);
  }
  for (std::size_t i = 0; i < outputs; ++i) n.outputs.push_back("y" + std::to_string(i));
  nn::node_reader r(n, 0, info, bounds);
  const nn::operation_maker maker = nn::operator_set::standard().find(op_type);
  REQUIRE(maker != nullptr);
  return maker(r);
}

/// The outputs of an operation; what `run` leaves unwritten is NaN or -77.
inline std::vector<value> run(const nn::operation& o, const std::vector<value>& inputs) {
  std::vector<nn::const_tensor_data> in;
  for (const value& v : inputs) in.push_back(v.data());
  std::vector<value> results(o.outputs().size());
  std::vector<nn::tensor_data> out(results.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    results[i].type = o.outputs()[i];
    const std::size_t n = nn::element_count(results[i].type.shape);
    if (results[i].type.type == nn::element_type::float32) {
      results[i].floats.assign(n, std::numeric_limits<float>::quiet_NaN());
      out[i].floats = results[i].floats.data();
    } else {
      results[i].integers.assign(n, -77);
      out[i].integers = results[i].integers.data();
    }
  }
  std::vector<float> workspace(o.workspace(), std::numeric_limits<float>::quiet_NaN());
  o.run(in, out, workspace.data());
  return results;
}

/// The outputs of a node that must be valid.
inline std::vector<value> all(const std::string& op_type, const std::vector<value>& inputs, attributes a = {},
                              std::size_t outputs = 1) {
  const auto o = make(op_type, inputs, std::move(a), outputs);
  if (!o) FAIL(o.error().message);
  return run(**o, inputs);
}
/// The first output.
inline value first(const std::string& op_type, const std::vector<value>& inputs, attributes a = {}) {
  return all(op_type, inputs, std::move(a))[0];
}

/// The code that making a node fails with; the message must name the node.
inline errc error_of(const std::string& op_type, const std::vector<value>& inputs, attributes a = {},
                     std::size_t outputs = 1, const aecnn::limits& bounds = {}) {
  const auto o = make(op_type, inputs, std::move(a), outputs, bounds);
  if (o) return errc{};
  CHECK(o.error().message.rfind("node 'n' (" + op_type + "): ", 0) == 0);
  return o.error().code;
}

/// Whether all elements differ by at most `tolerance`, relative for magnitudes above 1.
inline bool near(const numbers& a, const numbers& b, double tolerance = 1e-6) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    if (std::isnan(x) && std::isnan(y)) continue;
    if (!(x == y) && !(std::fabs(x - y) <= tolerance * std::fmax(1.0, std::fabs(y)))) {
      UNSCOPED_INFO("element " << i << " is " << x << ", expected " << y);
      return false;
    }
  }
  return true;
}

} // namespace evaluate
