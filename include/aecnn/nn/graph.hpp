// A network as data: nodes with the operator names and the meaning of ONNX (opset 13), and weights by name. This is
// what a profile stores, what nn::load_onnx reads and what nn::network compiles; it depends on nothing but the standard
// library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace aecnn::nn {

/// The value of a node's attribute; `type` says which member holds it.
struct attribute {
  enum class kind { integer, integers, number, numbers, text };
  kind type = kind::integer;
  std::int64_t integer = 0;
  std::vector<std::int64_t> integers;
  float number = 0;
  std::vector<float> numbers;
  std::string text;

  attribute() = default;
  attribute(std::int64_t v) : type(kind::integer), integer(v) {}                           // NOLINT: implicit
  attribute(std::vector<std::int64_t> v) : type(kind::integers), integers(std::move(v)) {} // NOLINT
  attribute(float v) : type(kind::number), number(v) {}                                    // NOLINT
  attribute(std::vector<float> v) : type(kind::numbers), numbers(std::move(v)) {}          // NOLINT
  attribute(std::string v) : type(kind::text), text(std::move(v)) {}                       // NOLINT
  friend bool operator==(const attribute&, const attribute&) = default;
};

/// One operator. Inputs and outputs name values: a graph input, another node's output or a weight. An empty input
/// name leaves an optional input out.
struct node {
  std::string op_type; ///< ONNX operator, "Conv"
  std::string name;    ///< for messages; may be empty
  std::vector<std::string> inputs, outputs;
  std::vector<std::pair<std::string, attribute>> attributes{};
  friend bool operator==(const node&, const node&) = default;
};

/// What a value holds. Networks compute in float32; int64 stands for every integer and boolean type and occurs in
/// constants: shapes, axes, indices, quantised weights.
enum class element_type : std::uint8_t { float32, int64 };

/// Element type and shape of a value; an empty shape is a scalar. In a graph's declaration an extent of -1 is open.
struct tensor_type {
  element_type type = element_type::float32;
  std::vector<std::int64_t> shape;
  friend bool operator==(const tensor_type&, const tensor_type&) = default;
};

/// A constant tensor, row-major; an empty shape is a scalar. Only the elements of its type are set; an extent of 0
/// leaves none.
struct weight {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
  std::vector<std::int64_t> integers{};
  element_type type = element_type::float32;
  std::size_t size() const noexcept { return type == element_type::float32 ? values.size() : integers.size(); }
  friend bool operator==(const weight&, const weight&) = default;
};

/// A network. Nodes may stand in any order.
struct graph {
  std::string name;
  std::vector<std::string> inputs, outputs;
  std::vector<node> nodes;
  std::vector<weight> weights;
  /// Declared shapes of the inputs, -1 where an extent is open; empty where nothing is declared.
  std::vector<std::vector<std::int64_t>> input_shapes{};
  friend bool operator==(const graph&, const graph&) = default;
};

/// The number of elements of all weights.
inline std::uint64_t parameter_count(const graph& g) noexcept {
  std::uint64_t n = 0;
  for (const weight& w : g.weights) n += w.size();
  return n;
}

} // namespace aecnn::nn
