#include <aecnn/nn/infer.hpp>

#include "reference.hpp"

using namespace reference;
using aecnn::errc;

namespace {

aecnn::result<nn::typed_graph> inferred(const nn::graph& g, const std::vector<extents>& shapes,
                                        const aecnn::limits& bounds = {}) {
  auto source = std::make_shared<const nn::graph>(g);
  auto index = nn::graph_index::create(*source, nn::operator_set::standard(), bounds);
  if (!index) return index.error();
  return nn::infer(source, index->order(), shapes, nn::operator_set::standard(), bounds);
}

std::string node(nn::graph& g, const std::string& op_type, const std::vector<std::string>& inputs,
                 std::vector<std::pair<std::string, nn::attribute>> attributes = {}) {
  const std::string name = op_type + std::to_string(g.nodes.size());
  g.nodes.push_back({op_type, name, inputs, {name}, std::move(attributes)});
  return name;
}
std::string integers(nn::graph& g, const extents& v, bool scalar = false) {
  const std::string name = "integers" + std::to_string(g.weights.size());
  g.weights.push_back(
      {name, scalar ? extents{} : extents{static_cast<std::int64_t>(v.size())}, {}, v, nn::element_type::int64});
  return name;
}

} // namespace

TEST_CASE("infer: types of all values for the inputs' shapes", "[nn]") {
  nn::graph g = nn::start("test");
  const std::string c =
      nn::conv(g, "x", {8, 3, 3, 3}, std::vector<float>(216), {}, {.strides = {2, 2}, .pads = {1, 1, 1, 1}});
  const std::string up = nn::depth_to_space(g, nn::relu(g, c), 2);
  g.outputs = {up, c};
  for (const std::int64_t size : {7, 8}) {
    const auto t = inferred(g, {{2, 3, size, 10}}).value();
    REQUIRE(t.nodes.size() == 3);
    const std::int64_t rows = (size + 1) / 2;
    CHECK(t.values[t.outputs[0]].type == nn::tensor_type{nn::element_type::float32, {2, 2, 2 * rows, 10}});
    CHECK(t.values[t.outputs[1]].type == nn::tensor_type{nn::element_type::float32, {2, 8, rows, 5}});
    CHECK(t.values[t.inputs[0]].type.shape == extents{2, 3, size, 10});
    CHECK_FALSE(t.values[t.inputs[0]].is_constant());
    CHECK(t.nodes[0].label == "node 'conv0' (Conv)");
    CHECK(t.values[t.nodes[0].inputs[1]].is_constant());
  }
}

TEST_CASE("infer: the chain of shapes that exporters leave in becomes a constant", "[nn]") {
  // x.view(x.size(0), -1): Shape, Gather, Unsqueeze, Concat, Reshape.
  nn::graph g = nn::start("test");
  const std::string shape = node(g, "Shape", {"x"});
  const std::string batch = node(g, "Gather", {shape, integers(g, {0}, true)}, {{"axis", std::int64_t{0}}});
  const std::string first = node(g, "Unsqueeze", {batch, integers(g, {0})});
  const std::string both = node(g, "Concat", {first, integers(g, {-1})}, {{"axis", std::int64_t{0}}});
  nn::finish(g, node(g, "Reshape", {"x", both}));
  for (const std::int64_t n : {1, 3}) {
    const auto t = inferred(g, {{n, 2, 3, 4}});
    if (!t) FAIL(t.error().message);
    CHECK(t->nodes.size() == 1);
    CHECK(t->values[t->outputs[0]].type.shape == extents{n, 24});
  }
}

TEST_CASE("infer: ConstantOfShape, Range and integer arithmetic are computed once", "[nn]") {
  nn::graph g = nn::start("test");
  const std::string ones = node(g, "ConstantOfShape", {integers(g, {5})});
  const std::string range = node(g, "Range", {integers(g, {0}, true), integers(g, {10}, true), integers(g, {2}, true)});
  const std::string sum = node(g, "Add", {node(g, "Mul", {range, integers(g, {3})}), integers(g, {1})});
  const std::string real = node(g, "Cast", {sum}, {{"to", std::int64_t{1}}});
  nn::finish(g, nn::add(g, "x", node(g, "Add", {real, ones})));
  const auto t = inferred(g, {{1, 5}});
  if (!t) FAIL(t.error().message);
  REQUIRE(t->nodes.size() == 1);
  const nn::typed_value& constant = t->values[t->nodes[0].inputs[1]];
  REQUIRE(constant.constant.floats != nullptr);
  for (std::size_t i = 0; i < 5; ++i) CHECK(constant.constant.floats[i] == static_cast<float>(6 * i + 1));
  const values x{{1, 5}, {0, 1, 2, 3, 4}};
  CHECK(run(g, x).data == std::vector<double>{1, 8, 15, 22, 29});
}

TEST_CASE("infer: integers that depend on the input are refused", "[nn]") {
  nn::graph g = nn::start("test");
  nn::finish(g, node(g, "Cast", {node(g, "Cast", {"x"}, {{"to", std::int64_t{7}}})}, {{"to", std::int64_t{1}}}));
  const auto t = inferred(g, {{1, 5}});
  REQUIRE_FALSE(t.has_value());
  CHECK(t.error().code == errc::unsupported);
  CHECK(t.error().message.find("node 'Cast1' (Cast): input 0 holds integers that depend on the network's input") == 0);
  nn::graph h = nn::start("test"); // also where they would be an output, or a shape
  h.weights.push_back({"w", {2}, {}, {1, 2}, nn::element_type::int64});
  h.outputs = {"w"};
  CHECK(inferred(h, {{1, 5}}).error().message == "network output 'w' holds integers, expected float32");
  h.outputs = {node(h, "Reshape", {"x", "x"})};
  CHECK(inferred(h, {{1, 5}}).error().message.find("node 'Reshape0' (Reshape)") == 0);
}

TEST_CASE("infer: nodes that no output needs are dropped, but checked", "[nn]") {
  nn::graph g = nn::start("test");
  const std::string s = nn::sigmoid(g, "x");
  nn::relu(g, nn::relu(g, s));
  nn::finish(g, s);
  CHECK(inferred(g, {{1, 5}}).value().nodes.size() == 1);
  nn::finish(g, "x");
  CHECK(inferred(g, {{1, 5}}).value().nodes.empty());
  g.nodes[1].attributes.emplace_back("alpha", 1.0F);
  CHECK(inferred(g, {{1, 5}}).error().message.find("node 'relu1' (Relu)") == 0);
  // One output of two keeps the node.
  nn::graph h = nn::start("test");
  h.nodes.push_back({"Split", "split", {"x"}, {"a", "b"}, {{"axis", std::int64_t{1}}}});
  nn::finish(h, "b");
  const values x{{1, 4}, {1, 2, 3, 4}};
  CHECK(inferred(h, {x.shape}).value().nodes.size() == 1);
  CHECK(run(h, x).data == std::vector<double>{3, 4});
}

TEST_CASE("infer: folded constants are bounded together", "[nn]") {
  nn::graph g = nn::start("test");
  const std::string a = node(g, "ConstantOfShape", {integers(g, {1000})});
  const std::string b = node(g, "ConstantOfShape", {integers(g, {1000})});
  nn::finish(g, nn::add(g, "x", nn::add(g, a, b))); // three of 4000 bytes
  aecnn::limits bounds;
  bounds.max_activation_bytes = 12000;
  CHECK(inferred(g, {{1, 1000}}, bounds).has_value());
  bounds.max_activation_bytes = 11999;
  const auto t = inferred(g, {{1, 1000}}, bounds);
  REQUIRE_FALSE(t.has_value());
  CHECK(t.error().code == errc::limit_exceeded);
  CHECK(t.error().message.find("node 'add2' (Add): constants of the network need 12000 bytes, limit 11999") == 0);
  bounds = {};
  bounds.max_elements = 999; // of one value
  CHECK(inferred(g, {{1, 1}}, bounds).error().message.find("node 'ConstantOfShape0'") == 0);
}

TEST_CASE("infer: errors name the node", "[nn]") {
  nn::graph g = nn::start("test");
  nn::finish(g, nn::conv(g, "x", {1, 2, 3, 3}, std::vector<float>(18)));
  for (const extents& shape : {extents{1, 3, 5, 5}, {1, 2, 2, 5}, {2, 5, 5}, {}, {1, 2, 5, 5, 5}}) {
    const auto t = inferred(g, {shape});
    REQUIRE_FALSE(t.has_value());
    CHECK(t.error().code == errc::bad_shape);
    CHECK(t.error().message.find("node 'conv0' (Conv): ") == 0);
  }
  nn::graph h = nn::start("test");
  h.nodes.push_back({"Concat", "", {"x", "x"}, {"y"}, {{"axis", std::int64_t{7}}}});
  nn::finish(h, "y");
  CHECK(inferred(h, {{1, 2}}).error().message.find("node #0 (Concat): ") == 0);
  CHECK(inferred(h, {{1, 2}}).error().code == errc::bad_field);
}
