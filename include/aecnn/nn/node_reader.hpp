// Reads one node of a graph for the operator that it becomes: attributes with their ranges, weights with their shapes.
// The first thing that is wrong is remembered with the node's name; later reads then return harmless values, so that an
// operator reads all it needs and checks once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/nn/graph.hpp>

namespace aecnn::nn {

/// "node 'a' (Conv)", or "node #3 (Conv)" where the node has no name.
inline std::string label(const node& n, std::size_t position) {
  std::string s = "node ";
  if (n.name.empty())
    s.append("#").append(std::to_string(position));
  else
    s.append("'").append(n.name).append("'");
  return s.append(" (").append(n.op_type).append(")");
}

/// "[64,16,3,3]", for messages.
inline std::string to_string(std::span<const std::int64_t> shape) {
  std::string s = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) s.append(i == 0 ? "" : ",").append(std::to_string(shape[i]));
  return s.append("]");
}

class node_reader {
public:
  /// `weights[i]` is the weight that input i names, or null where it is another node's output, the graph's input or
  /// left out.
  node_reader(const node& n, std::size_t position, std::span<const weight* const> weights)
      : node_(n), label_(label(n, position)), weights_(weights) {}

  bool failed() const noexcept { return failure_.has_value(); }
  /// Valid only where failed().
  const failure& error() const noexcept { return *failure_; }
  const std::string& name() const noexcept { return label_; }
  std::size_t input_count() const noexcept { return node_.inputs.size(); }
  bool has_input(std::size_t i) const noexcept { return i < node_.inputs.size() && !node_.inputs[i].empty(); }

  /// Remembers a failure; the message follows the node's name.
  template <class... Parts>
  void fail(errc code, const Parts&... parts) {
    if (!failure_) failure_ = aecnn::detail::fail(code, label_, ": ", parts...);
  }

  /// The number of inputs must lie in least..most.
  void expect_inputs(std::size_t least, std::size_t most) {
    if (node_.inputs.size() < least || node_.inputs.size() > most)
      fail(node_.inputs.size() < least ? errc::missing_field : errc::bad_field, "has ", node_.inputs.size(),
           " inputs, expected ", least, least == most ? "" : " to " + std::to_string(most));
  }
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
  /// Input i must be computed, not a weight.
  void expect_activation(std::size_t i) {
    if (!has_input(i))
      fail(errc::missing_field, "input ", i, " is missing");
    else if (weights_[i] != nullptr)
      fail(errc::unsupported, "input ", i, " ('", node_.inputs[i], "') is a weight, expected a computed value");
  }

  std::int64_t integer(std::string_view key, std::int64_t otherwise, std::int64_t least, std::int64_t most) {
    const attribute* a = find(key, attribute::kind::integer, "an integer");
    if (a == nullptr) return otherwise;
    return in_range(key, a->integer, least, most) ? a->integer : otherwise;
  }
  /// Exactly N integers in least..most; all `otherwise` where the attribute is absent.
  template <std::size_t N>
  std::array<std::int64_t, N> integers(std::string_view key, std::int64_t otherwise, std::int64_t least,
                                       std::int64_t most) {
    std::array<std::int64_t, N> out;
    out.fill(otherwise);
    const attribute* a = find(key, attribute::kind::integers, "a list of integers");
    if (a == nullptr) return out;
    if (a->integers.size() != N) {
      fail(errc::bad_field, "attribute '", key, "' has ", a->integers.size(), " elements, expected ", N);
      return out;
    }
    for (std::size_t i = 0; i < N; ++i)
      if (in_range(key, a->integers[i], least, most)) out[i] = a->integers[i];
    return out;
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
  std::string text(std::string_view key, std::string otherwise) {
    const attribute* a = find(key, attribute::kind::text, "a string");
    return a == nullptr ? std::move(otherwise) : a->text;
  }
  bool has_attribute(std::string_view key) const noexcept {
    for (const auto& a : node_.attributes)
      if (a.first == key) return true;
    return false;
  }

  /// The weight at input i, or null where the input is left out or computed.
  const weight* optional_weight(std::size_t i) const noexcept { return has_input(i) ? weights_[i] : nullptr; }
  /// The weight at input i; a failure and null where there is none.
  const weight* required_weight(std::size_t i, std::string_view role) {
    if (!has_input(i)) {
      fail(errc::missing_field, "input ", i, " (", role, ") is missing");
    } else if (weights_[i] == nullptr) {
      fail(errc::unsupported, "input ", i, " (", role, ", '", node_.inputs[i], "') is computed, expected a weight");
    }
    return failed() ? nullptr : weights_[i];
  }
  /// The n values of the weight at input i, which must be of shape [n]; empty where the input is left out and
  /// `required` is not set.
  std::vector<float> vector(std::size_t i, std::string_view role, std::size_t n, bool required) {
    if (!required && !has_input(i)) return {};
    const weight* w = required_weight(i, role);
    if (w == nullptr) return {};
    if (w->shape.size() != 1 || w->values.size() != n) {
      fail(errc::bad_shape, role, " '", w->name, "' has shape ", to_string(w->shape), ", expected [", n, "]");
      return {};
    }
    return w->values;
  }

private:
  const attribute* find(std::string_view key, attribute::kind type, std::string_view expected) {
    for (const auto& a : node_.attributes) {
      if (a.first != key) continue;
      if (a.second.type == type) return &a.second;
      fail(errc::bad_field, "attribute '", key, "' has another type, expected ", expected);
    }
    return nullptr;
  }
  bool in_range(std::string_view key, std::int64_t v, std::int64_t least, std::int64_t most) {
    if (v >= least && v <= most) return true;
    fail(errc::bad_field, "attribute '", key, "' is ", v, ", expected ", least, " to ", most);
    return false;
  }

  const node& node_;
  std::string label_;
  std::span<const weight* const> weights_;
  std::optional<failure> failure_;
};

} // namespace aecnn::nn
