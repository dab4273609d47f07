#include <aecnn/nn/compile.hpp>

#include <algorithm>

#include "reference.hpp"

using namespace reference;
using aecnn::errc;

namespace {

std::size_t steps_of(const nn::graph& g) {
  return nn::compile(g, {}, aecnn::best_instruction_set()).value()->steps.size();
}

nn::graph chain() {
  nn::graph g = nn::start("test");
  auto v = nn::conv(g, "x", {2, 2, 1, 1}, {1, 2, 3, 4}, {1, -1});
  v = nn::add(g, nn::relu(g, nn::batch_normalization(g, v, {1, 2}, {0, 1}, {1, 1}, {4, 9}, 0)), v);
  nn::finish(g, nn::sigmoid(g, v));
  return g;
}

} // namespace

TEST_CASE("compile: nodes in any order give the same network", "[nn]") {
  random_source random(1);
  const values x = random.tensor({2, 3, 3});
  nn::graph g = chain();
  const values y = run(g, x);
  std::reverse(g.nodes.begin(), g.nodes.end());
  CHECK(run(g, x).data == y.data);
  std::swap(g.nodes[1], g.nodes[3]);
  CHECK(run(g, x).data == y.data);
}

TEST_CASE("compile: folds only what nothing else reads", "[nn]") {
  nn::graph g = nn::start("test");
  auto c = nn::conv(g, "x", {2, 2, 1, 1}, {1, 2, 3, 4});
  auto n = nn::batch_normalization(g, c, {1, 2}, {0, 1}, {1, 1}, {4, 9});
  auto r = nn::relu(g, n);
  nn::finish(g, r);
  CHECK(steps_of(g) == 1);
  nn::finish(g, nn::add(g, r, r));
  CHECK(steps_of(g) == 2);
  nn::graph h = g;
  nn::finish(h, nn::add(h, r, c)); // the convolution itself is read too; the earlier sum is not needed
  CHECK(steps_of(h) == 4);         // Conv, BatchNormalization, Relu, Add
  h = g;
  nn::finish(h, nn::clip(h, nn::relu(h, r), 0, 1)); // a convolution takes one activation
  CHECK(steps_of(h) == 3);
  nn::finish(g, c); // the output is what is before the normalisation
  CHECK(steps_of(g) == 1);
  random_source random(2);
  const values x = random.tensor({2, 2, 2});
  CHECK(error(run(g, x), conv(x, {2, 2, 1, 1}, {1, 2, 3, 4}, {}, {})) < 1e-6);
}

TEST_CASE("compile: a network may be empty or not depend on all its nodes", "[nn]") {
  nn::graph g = nn::start("test");
  nn::finish(g, "x");
  random_source random(3);
  const values x = random.tensor({2, 2, 2});
  CHECK(run(g, x).data == x.data);
  nn::relu(g, "x");
  CHECK(steps_of(g) == 0);
  g.nodes[0].attributes.emplace_back("alpha", 1.0F);
  CHECK(failure_of(g, "'alpha'") == errc::unsupported); // not needed, but still checked
}

TEST_CASE("compile: errors of the graph", "[nn]") {
  CHECK(failure_of(chain(), "") == errc{});
  nn::graph g = chain();
  g.nodes[2].op_type = "Swish";
  CHECK(failure_of(g, "node 'relu2' (Swish): operator 'Swish'") == errc::unsupported);
  g = chain();
  g.nodes[2].inputs[0] = "nothing";
  CHECK(failure_of(g, "node 'relu2' (Relu): input 'nothing'") == errc::missing_field);
  g = chain();
  g.nodes[1].inputs[0] = "relu2";
  CHECK(failure_of(g, "node 'batch_normalization1' (BatchNormalization): is on or behind a cycle") == errc::bad_field);
  g = chain();
  g.nodes[0].inputs[0] = "sigmoid4";
  CHECK(failure_of(g, "cycle") == errc::bad_field);
  g = chain();
  g.nodes[2].outputs[0] = "conv0";
  CHECK(failure_of(g, "'conv0' is the name of another value") == errc::duplicate_name);
  g = chain();
  g.nodes[2].outputs[0] = "conv0.bias";
  CHECK(failure_of(g, "'conv0.bias'") == errc::duplicate_name);
  g = chain();
  g.weights[1].name = "x";
  CHECK(failure_of(g, "'x'") == errc::duplicate_name);
  g = chain();
  g.nodes[2].outputs.push_back("mask");
  CHECK(failure_of(g, "has 2 outputs, expected 1") == errc::bad_field);
  g = chain();
  g.nodes[2].outputs[0].clear();
  CHECK(failure_of(g, "empty name") == errc::bad_field);
  g = chain();
  g.inputs.clear();
  CHECK(failure_of(g, "0 inputs") == errc::missing_field);
  g = chain();
  g.inputs.push_back("z");
  CHECK(failure_of(g, "2 inputs") == errc::unsupported);
  g = chain();
  g.outputs.clear();
  CHECK(failure_of(g, "0 outputs") == errc::missing_field);
  g = chain();
  g.outputs.push_back("conv0");
  CHECK(failure_of(g, "2 outputs") == errc::unsupported);
  for (const char* name : {"nothing", "conv0.bias", ""}) {
    g = chain();
    g.outputs[0] = name;
    CHECK(failure_of(g, "network output") == errc::missing_field);
  }
}

TEST_CASE("compile: errors of weights", "[nn]") {
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{3}, {}, {0}, {-2}, {2, -1}, {1LL << 62, 1LL << 62}, {4, 1LL << 62}}) {
    nn::graph g = chain();
    g.weights[1].shape = shape;
    CHECK(failure_of(g, "weight 'conv0.bias' has shape") == errc::bad_shape);
  }
  nn::graph g = chain();
  g.weights[1] = {"conv0.bias", {0}, {}};
  CHECK(failure_of(g, "shape [0]") == errc::bad_shape);
}

TEST_CASE("compile: limits", "[nn]") {
  const shape3 in{2, 3, 3};
  aecnn::limits bounds;
  bounds.max_nodes = 4;
  CHECK(failure_of(chain(), "5 nodes, limit 4", in, bounds) == errc::limit_exceeded);
  bounds = {};
  bounds.max_tensors = 5;
  CHECK(failure_of(chain(), "6 weights, limit 5", in, bounds) == errc::limit_exceeded);
  bounds = {};
  bounds.max_elements = 3;
  CHECK(failure_of(chain(), "'conv0.weight' has 4 elements, limit 3", in, bounds) == errc::limit_exceeded);
  bounds = {};
  bounds.max_name_bytes = 11;
  CHECK(failure_of(chain(), "limit 11", in, bounds) == errc::limit_exceeded);
}
