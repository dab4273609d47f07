#include <aecnn/nn/graph.hpp>

#include <catch_compat.hpp>

namespace nn = aecnn::nn;

TEST_CASE("graph: attributes know their type", "[nn]") {
  using kind = nn::attribute::kind;
  CHECK(nn::attribute(std::int64_t{3}).type == kind::integer);
  CHECK(nn::attribute(3.0F).type == kind::number);
  CHECK(nn::attribute(std::vector<std::int64_t>{1, 2}).type == kind::integers);
  CHECK(nn::attribute(std::vector<float>{1, 2}).type == kind::numbers);
  CHECK(nn::attribute(std::string("DCR")).type == kind::text);
  CHECK(nn::attribute(std::string("DCR")).text == "DCR");
  CHECK_FALSE(nn::attribute(std::int64_t{3}) == nn::attribute(3.0F));
}

TEST_CASE("graph: parameters and equality", "[nn]") {
  nn::graph g;
  CHECK(nn::parameter_count(g) == 0);
  g.weights = {{"a", {2, 3}, std::vector<float>(6)}, {"b", {}, {1}}};
  CHECK(nn::parameter_count(g) == 7);
  nn::graph h = g;
  CHECK(h == g);
  h.weights[1].values[0] = 2;
  CHECK_FALSE(h == g);
}
