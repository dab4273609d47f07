#include <aecnn/nn/build.hpp>

#include <set>

#include <catch_compat.hpp>

namespace nn = aecnn::nn;

TEST_CASE("build: nodes, weights and attributes carry ONNX's names", "[nn]") {
  nn::graph g = nn::start("decoder", "features");
  const std::string c = nn::conv(g, "features", {8, 2, 3, 1}, std::vector<float>(48), std::vector<float>(8),
                                 {.strides = {1, 2}, .pads = {1, 0, 1, 0}, .groups = 2});
  nn::finish(g, nn::depth_to_space(g, nn::relu(g, c), 2, "CRD"));

  CHECK(g.inputs == std::vector<std::string>{"features"});
  REQUIRE(g.nodes.size() == 3);
  CHECK(g.nodes[0].op_type == "Conv");
  CHECK(g.nodes[0].inputs == std::vector<std::string>{"features", "conv0.weight", "conv0.bias"});
  CHECK(g.nodes[0].attributes[0] == std::pair<std::string, nn::attribute>{"strides", std::vector<std::int64_t>{1, 2}});
  CHECK(g.nodes[0].attributes[3] == std::pair<std::string, nn::attribute>{"group", std::int64_t{2}});
  CHECK(g.nodes[1].inputs == g.nodes[0].outputs);
  CHECK(g.nodes[2].attributes[1].second.text == "CRD");
  CHECK(g.outputs == g.nodes[2].outputs);
  REQUIRE(g.weights.size() == 2);
  CHECK(g.weights[0].shape == std::vector<std::int64_t>{8, 2, 3, 1});
  CHECK(g.weights[1].shape == std::vector<std::int64_t>{8});
  CHECK(nn::parameter_count(g) == 56);
}

TEST_CASE("build: every name is unique", "[nn]") {
  nn::graph g = nn::start("test");
  std::string v = "x";
  for (int i = 0; i < 3; ++i) {
    v = nn::clip(g, nn::mul(g, nn::add(g, v, std::vector<float>{1}), std::vector<float>{2}), 0, 1);
    v = nn::batch_normalization(g, v, {1}, {1}, {1}, {1});
  }
  std::set<std::string> names{"x"};
  for (const auto& n : g.nodes) CHECK(names.insert(n.outputs[0]).second);
  for (const auto& w : g.weights) CHECK(names.insert(w.name).second);
  CHECK(names.size() == 1 + 12 + 3 * 8);
}
