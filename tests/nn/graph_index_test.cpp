#include <aecnn/nn/graph_index.hpp>

#include <algorithm>

#include "reference.hpp"

using namespace reference;
using aecnn::errc;

namespace {

nn::graph chain() {
  nn::graph g = nn::start("test");
  auto v = nn::conv(g, "x", {2, 2, 1, 1}, {1, 2, 3, 4}, {1, -1});
  v = nn::add(g, nn::relu(g, nn::batch_normalization(g, v, {1, 2}, {0, 1}, {1, 1}, {4, 9}, 0)), v);
  nn::finish(g, nn::sigmoid(g, v));
  return g;
}

} // namespace

TEST_CASE("graph_index: nodes in any order give the same network", "[nn]") {
  random_source random(1);
  const values x = random.tensor({1, 2, 3, 3});
  nn::graph g = chain();
  const values y = run(g, x);
  std::vector<std::size_t> order{0, 1, 2, 3, 4};
  const nn::graph original = g;
  do {
    for (std::size_t i = 0; i < order.size(); ++i) g.nodes[i] = original.nodes[order[i]];
    const auto index = nn::graph_index::create(g, nn::operator_set::standard(), {}).value();
    std::vector<std::size_t> found;
    for (const std::size_t i : index.order()) found.push_back(order[i]);
    REQUIRE(found == std::vector<std::size_t>{0, 1, 2, 3, 4}); // a chain has one order
    if (order[0] == 4) CHECK(run(g, x).data == y.data);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("graph_index: every node follows those it reads", "[nn]") {
  random_source random(2);
  nn::graph g = nn::start("test");
  std::vector<std::string> made{"x"};
  for (int i = 0; i < 60; ++i) {
    const auto pick = [&] {
      return made[static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(made.size()) - 1))];
    };
    const std::string a = pick(), b = pick();
    made.push_back(nn::add(g, a, b));
  }
  nn::finish(g, made.back());
  std::reverse(g.nodes.begin(), g.nodes.end());
  const auto index = nn::graph_index::create(g, nn::operator_set::standard(), {}).value();
  REQUIRE(index.order().size() == 60);
  std::vector<std::string> ready{"x"};
  for (const std::size_t i : index.order()) {
    for (const std::string& name : g.nodes[i].inputs) CHECK(std::find(ready.begin(), ready.end(), name) != ready.end());
    ready.push_back(g.nodes[i].outputs[0]);
  }
}

TEST_CASE("graph_index: errors of names and of order", "[nn]") {
  CHECK(failure_of(chain(), "") == errc{});
  const auto code = [](auto change, const std::string& part) {
    nn::graph g = chain();
    change(g);
    return failure_of(g, part);
  };
  using graph = nn::graph&;
  CHECK(code([](graph g) { g.nodes[2].op_type = "Swish"; }, "node 'relu2' (Swish): operator 'Swish'") ==
        errc::unsupported);
  CHECK(code([](graph g) { g.nodes[2].inputs[0] = "nothing"; }, "node 'relu2' (Relu): input 'nothing'") ==
        errc::missing_field);
  CHECK(code([](graph g) { g.nodes[1].inputs[0] = "relu2"; },
             "node 'batch_normalization1' (BatchNormalization): is on or behind a cycle") == errc::bad_field);
  CHECK(code([](graph g) { g.nodes[0].inputs[0] = "sigmoid4"; }, "cycle") == errc::bad_field);
  CHECK(code([](graph g) { g.nodes[2].inputs[0] = "relu2"; }, "node 'relu2' (Relu): is on or behind a cycle") ==
        errc::bad_field);
  CHECK(code([](graph g) { g.nodes[2].outputs[0] = "conv0"; }, "'conv0' is the name of another value") ==
        errc::duplicate_name);
  CHECK(code([](graph g) { g.nodes[2].outputs[0] = "conv0.bias"; }, "'conv0.bias'") == errc::duplicate_name);
  CHECK(code([](graph g) { g.weights[1].name = "x"; }, "'x'") == errc::duplicate_name);
  CHECK(code([](graph g) { g.weights[1].name = "conv0.weight"; }, "'conv0.weight'") == errc::duplicate_name);
  CHECK(code([](graph g) { g.inputs.push_back("x"); }, "network input: 'x'") == errc::duplicate_name);
  CHECK(code([](graph g) { g.nodes[2].outputs.push_back("mask"); }, "node 'relu2' (Relu): has 2 outputs, expected 1") ==
        errc::bad_field);
  CHECK(code([](graph g) { g.nodes[2].outputs[0].clear(); }, "node 'relu2' (Relu): empty name") == errc::bad_field);
  CHECK(code([](graph g) { g.nodes[2].outputs.clear(); }, "node 'relu2' (Relu)") == errc::bad_field);
  CHECK(code([](graph g) { g.nodes[2].name.clear(), g.nodes[2].inputs[0] = "?"; }, "node #2 (Relu): input '?'") ==
        errc::missing_field);
  CHECK(code([](graph g) { g.inputs.clear(); }, "network has no input") == errc::missing_field);
  CHECK(code([](graph g) { g.outputs.clear(); }, "network has no output") == errc::missing_field);
  CHECK(code([](graph g) { g.outputs[0] = "nothing"; }, "network output 'nothing'") == errc::missing_field);
  CHECK(code([](graph g) { g.outputs[0] = ""; }, "network output ''") == errc::missing_field);
  CHECK(code([](graph g) { g.inputs[0] = ""; }, "network input: empty name") == errc::bad_field);
  CHECK(code([](graph g) { g.weights[0].name = ""; }, "weight: empty name") == errc::bad_field);
}

TEST_CASE("graph_index: errors of weights", "[nn]") {
  for (const extents& shape :
       {extents{3}, {}, {0}, {-2}, {2, -1}, {1LL << 62, 1LL << 62}, {4, 1LL << 62}, extents(9, 1)}) {
    nn::graph g = chain();
    g.weights[1].shape = shape;
    CHECK(failure_of(g, "weight 'conv0.bias' has shape") == errc::bad_shape);
  }
  nn::graph g = chain();
  g.weights[1] = {"conv0.bias", {0}, {}}; // consistent, but not what the node needs
  CHECK(failure_of(g, "node 'conv0' (Conv): input 2 (bias) has shape [0]") == errc::bad_shape);
  g.weights[1] = {"conv0.bias", {2}, {}, {1, 2}, nn::element_type::int64};
  CHECK(failure_of(g, "node 'conv0' (Conv): input 2") == errc::unsupported);
}

TEST_CASE("graph_index: limits", "[nn]") {
  const extents in{1, 2, 3, 3};
  const auto code = [&](auto change, const std::string& part) {
    aecnn::limits bounds;
    change(bounds);
    return failure_of(chain(), part, in, bounds);
  };
  nn::graph g = nn::start("test"), h = g;
  g.inputs.push_back("z");
  nn::finish(g, nn::add(g, "x", "z"));
  aecnn::limits one;
  one.max_tensors = 1;
  CHECK(failure_of(g, "network has 2 inputs and 1 outputs, limit 1", in, one) == errc::limit_exceeded);
  nn::finish(h, nn::relu(h, "x"));
  h.nodes[0].name.assign(one.max_name_bytes, 'n');
  CHECK(failure_of(h, "") == errc{});
  h.nodes[0].name += 'n';
  CHECK(failure_of(h, "node #0: name longer than 256 bytes") == errc::limit_exceeded);
  using limits = aecnn::limits&;
  CHECK(code([](limits b) { b.max_nodes = 5; }, "") == errc{});
  CHECK(code([](limits b) { b.max_nodes = 4; }, "5 nodes, limit 4") == errc::limit_exceeded);
  CHECK(code([](limits b) { b.max_tensors = 6; }, "") == errc{});
  CHECK(code([](limits b) { b.max_tensors = 5; }, "6 weights, limit 5") == errc::limit_exceeded);
  CHECK(code([](limits b) { b.max_elements = 3; }, "'conv0.weight' has 4 elements, limit 3") == errc::limit_exceeded);
  CHECK(code([](limits b) { b.max_elements = 17; }, "network input 'x': shape [1,2,3,3]") == errc::limit_exceeded);
  CHECK(code([](limits b) { b.max_name_bytes = 11; }, "limit 11") == errc::limit_exceeded);
  CHECK(code([](limits b) { b.max_channels = 1; }, "limits of 1 channels") == errc::limit_exceeded);
  CHECK(code([](limits b) { b.max_extent = 2; }, "extent 2") == errc::limit_exceeded);
}
