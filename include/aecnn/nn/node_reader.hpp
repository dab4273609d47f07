// Reads one node of a graph for the operator that it becomes: attributes with their ranges, inputs with their types
// and, where they are constants, their values. The first thing that is wrong is remembered with the node's name; later
// reads then return harmless values, so that an operator reads all it needs and checks once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/nn/graph.hpp>
#include <aecnn/nn/operation.hpp>

namespace aecnn::nn {

/// "node 'a' (Conv)", or "node #3 (Conv)" where the node has no name.
inline std::string label(const node& n, std::size_t position) {
  std::string s = "node ";
  if (n.name.empty())
    s.append("#").append(std::to_string(position));
  else
    s.append("'").append(n.name.substr(0, 256)).append("'");
  return s.append(" (").append(n.op_type).append(")");
}

/// "[64,16,3,3]", for messages.
inline std::string to_string(std::span<const std::int64_t> shape) {
  std::string s = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) s.append(i == 0 ? "" : ",").append(std::to_string(shape[i]));
  return s.append("]");
}

/// Most axes that a value may have.
inline constexpr std::size_t max_rank = 8;

/// The product of the extents, all at least 0 and of a checked type.
inline std::size_t element_count(std::span<const std::int64_t> shape) noexcept {
  std::size_t n = 1;
  for (const std::int64_t extent : shape) n *= static_cast<std::size_t>(extent);
  return n;
}

/// What is known of a node's input: its type and, where it is a constant, its elements (the pointer of its type is set,
/// also where there are none).
struct input_info {
  const tensor_type* type = nullptr; ///< null where the input is left out
  const_tensor_data constant{};
};

class node_reader {
public:
  node_reader(const node& n, std::size_t position, std::span<const input_info> inputs, const limits& bounds)
      : node_(n), label_(label(n, position)), inputs_(inputs), limits_(bounds) {}

  bool failed() const noexcept { return failure_.has_value(); }
  /// Valid only where failed().
  const failure& error() const noexcept { return *failure_; }
  const std::string& name() const noexcept { return label_; }
  const limits& bounds() const noexcept { return limits_; }

  /// Remembers a failure; the message follows the node's name.
  template <class... Parts>
  void fail(errc code, const Parts&... parts) {
    if (!failure_) failure_ = aecnn::detail::fail(code, label_, ": ", parts...);
  }

  // Inputs.

  std::size_t input_count() const noexcept { return inputs_.size(); }
  std::size_t output_count() const noexcept { return node_.outputs.size(); }
  bool has_input(std::size_t i) const noexcept { return i < inputs_.size() && inputs_[i].type != nullptr; }
  /// The number of inputs must lie in least..most, the first `least` must be there.
  void expect_inputs(std::size_t least, std::size_t most) {
    if (inputs_.size() < least || inputs_.size() > most)
      return fail(inputs_.size() < least ? errc::missing_field : errc::bad_field, "has ", inputs_.size(),
                  " inputs, expected ", least,
                  least == most        ? std::string{}
                  : most == any_number ? " or more"
                                       : " to " + std::to_string(most));
    for (std::size_t i = 0; i < least; ++i)
      if (!has_input(i)) fail(errc::missing_field, "input ", i, " is missing");
  }
  static constexpr std::size_t any_number = static_cast<std::size_t>(-1);

  /// The shape of input i; empty where it is left out.
  const std::vector<std::int64_t>& shape(std::size_t i) const noexcept {
    static const std::vector<std::int64_t> none;
    return has_input(i) ? inputs_[i].type->shape : none;
  }
  std::int64_t rank(std::size_t i) const noexcept { return static_cast<std::int64_t>(shape(i).size()); }
  element_type type(std::size_t i) const noexcept {
    return has_input(i) ? inputs_[i].type->type : element_type::float32;
  }
  /// Input i must hold float32.
  void expect_float(std::size_t i) {
    if (has_input(i) && type(i) != element_type::float32)
      fail(errc::unsupported, "input ", i, " holds integers, expected float32");
  }
  /// Input i must have a rank of least..most.
  void expect_rank(std::size_t i, std::int64_t least, std::int64_t most) {
    if (rank(i) < least || rank(i) > most)
      fail(errc::bad_shape, "input ", i, " has shape ", to_string(shape(i)), ", expected a rank of ", least,
           least == most ? "" : " to " + std::to_string(most));
  }
  bool is_constant(std::size_t i) const noexcept {
    return has_input(i) && (inputs_[i].constant.floats != nullptr || inputs_[i].constant.integers != nullptr);
  }
  /// The elements of input i; null pointers where it is not a constant.
  const_tensor_data constant(std::size_t i) const noexcept {
    return has_input(i) ? inputs_[i].constant : const_tensor_data{};
  }
  /// The integers of the constant input i; a failure and none where it is computed or holds floats.
  std::span<const std::int64_t> constant_integers(std::size_t i, std::string_view role) {
    if (!require_constant(i, role)) return {};
    if (type(i) != element_type::int64) {
      fail(errc::bad_field, "input ", i, " (", role, ") holds floats, expected integers");
      return {};
    }
    return {inputs_[i].constant.integers, element_count(shape(i))};
  }
  /// The floats of the constant input i; a failure and none where it is computed or holds integers.
  std::span<const float> constant_floats(std::size_t i, std::string_view role) {
    if (!require_constant(i, role)) return {};
    if (type(i) != element_type::float32) {
      fail(errc::bad_field, "input ", i, " (", role, ") holds integers, expected floats");
      return {};
    }
    return {inputs_[i].constant.floats, element_count(shape(i))};
  }

  // Attributes.

  /// An attribute that is none of these would change the meaning, so it is an error.
  void expect_attributes(std::initializer_list<std::string_view> known) {
    for (std::size_t i = 0; i < node_.attributes.size(); ++i) {
      const std::string& found = node_.attributes[i].first;
      bool ok = false;
      for (std::string_view k : known) ok = ok || k == found;
      if (!ok) fail(errc::unsupported, "attribute '", found, "' is not supported");
      for (std::size_t j = 0; j < i; ++j)
        if (node_.attributes[j].first == found) fail(errc::duplicate_name, "attribute '", found, "' occurs twice");
    }
  }
  bool has_attribute(std::string_view key) const noexcept {
    for (const auto& a : node_.attributes)
      if (a.first == key) return true;
    return false;
  }
  std::int64_t integer(std::string_view key, std::int64_t otherwise, std::int64_t least, std::int64_t most) {
    const attribute* a = find(key, attribute::kind::integer, "an integer");
    if (a == nullptr) return otherwise;
    return in_range(key, a->integer, least, most) ? a->integer : otherwise;
  }
  /// `count` integers in least..most; all `otherwise` where the attribute is absent.
  std::vector<std::int64_t> integers(std::string_view key, std::size_t count, std::int64_t otherwise,
                                     std::int64_t least, std::int64_t most) {
    std::vector<std::int64_t> out(count, otherwise);
    const attribute* a = find(key, attribute::kind::integers, "a list of integers");
    if (a == nullptr) return out;
    if (a->integers.size() != count) {
      fail(errc::bad_field, "attribute '", key, "' has ", a->integers.size(), " elements, expected ", count);
      return out;
    }
    for (std::size_t i = 0; i < count; ++i)
      if (in_range(key, a->integers[i], least, most)) out[i] = a->integers[i];
    return out;
  }
  /// Any number of integers (at most `most_elements`) in least..most; none where the attribute is absent.
  std::vector<std::int64_t> integer_list(std::string_view key, std::size_t most_elements, std::int64_t least,
                                         std::int64_t most) {
    const attribute* a = find(key, attribute::kind::integers, "a list of integers");
    if (a == nullptr) return {};
    if (a->integers.size() > most_elements) {
      fail(errc::bad_field, "attribute '", key, "' has ", a->integers.size(), " elements, expected at most ",
           most_elements);
      return {};
    }
    for (const std::int64_t v : a->integers)
      if (!in_range(key, v, least, most)) return {};
    return a->integers;
  }
  float number(std::string_view key, float otherwise) {
    const attribute* a = find(key, attribute::kind::number, "a float");
    if (a == nullptr) return otherwise;
    if (!(a->number - a->number == 0)) {
      fail(errc::bad_field, "attribute '", key, "' is not finite");
      return otherwise;
    }
    return a->number;
  }
  /// The floats of an attribute; none where it is absent.
  std::vector<float> numbers(std::string_view key) {
    const attribute* a = find(key, attribute::kind::numbers, "a list of floats");
    return a == nullptr ? std::vector<float>{} : a->numbers;
  }
  std::string text(std::string_view key, std::string_view otherwise) {
    const attribute* a = find(key, attribute::kind::text, "a string");
    return a == nullptr ? std::string(otherwise) : a->text;
  }
  /// The attribute as it stands, or null.
  const attribute* any_attribute(std::string_view key) const noexcept {
    for (const auto& a : node_.attributes)
      if (a.first == key) return &a.second;
    return nullptr;
  }
  /// An axis of a tensor of the given rank, from `value` in -rank..rank-1 to 0..rank-1.
  std::size_t axis(std::string_view what, std::int64_t value, std::int64_t rank) {
    if (value < -rank || value >= rank) {
      fail(errc::bad_field, what, " is ", value, ", expected ", -rank, " to ", rank - 1);
      return 0;
    }
    return static_cast<std::size_t>(value < 0 ? value + rank : value);
  }

  /// Checks an output's shape against the limits and against overflow; extents must be at least 0.
  bool admit(std::span<const std::int64_t> shape) {
    std::size_t n = 1;
    for (const std::int64_t extent : shape)
      if (extent < 0 || !aecnn::detail::multiply(n, static_cast<std::size_t>(extent), n) || n > limits_.max_elements) {
        fail(extent < 0 ? errc::bad_shape : errc::limit_exceeded, "output of shape ", to_string(shape),
             extent < 0 ? std::string{} : ", limit " + std::to_string(limits_.max_elements) + " elements");
        return false;
      }
    return true;
  }

private:
  bool require_constant(std::size_t i, std::string_view role) {
    if (!has_input(i))
      fail(errc::missing_field, "input ", i, " (", role, ") is missing");
    else if (!is_constant(i))
      fail(errc::unsupported, "input ", i, " (", role, ", '", node_.inputs[i].substr(0, 256),
           "') is computed from the network's input, expected a constant");
    return !failed();
  }
  const attribute* find(std::string_view key, attribute::kind type, std::string_view expected) {
    const attribute* a = any_attribute(key);
    if (a == nullptr || a->type == type) return a;
    fail(errc::bad_field, "attribute '", key, "' has another type, expected ", expected);
    return nullptr;
  }
  bool in_range(std::string_view key, std::int64_t v, std::int64_t least, std::int64_t most) {
    if (v >= least && v <= most) return true;
    fail(errc::bad_field, "attribute '", key, "' is ", v, ", expected ", least, " to ", most);
    return false;
  }

  const node& node_;
  std::string label_;
  std::span<const input_info> inputs_;
  const limits& limits_;
  std::optional<failure> failure_;
};

/// Turns a node into an operation; the failure names the node.
using operation_maker = result<std::unique_ptr<operation>> (*)(node_reader&);

} // namespace aecnn::nn
