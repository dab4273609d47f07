#include <aecnn/nn/node_reader.hpp>

#include <catch_compat.hpp>

namespace nn = aecnn::nn;
using aecnn::errc;

TEST_CASE("node_reader: reads what is there and the default otherwise", "[nn]") {
  const nn::weight w{"w", {2}, {1, 2}};
  const nn::weight* const weights[] = {nullptr, &w, nullptr};
  const nn::node n{"Conv", "a", {"x", "w", ""}, {"y"}, {{"group", std::int64_t{4}}, {"alpha", 0.5F}}};
  nn::node_reader r(n, 0, weights);
  CHECK(r.name() == "node 'a' (Conv)");
  CHECK(r.integer("group", 1, 1, 8) == 4);
  CHECK(r.integer("axis", 1, 1, 8) == 1);
  CHECK(r.number("alpha", 0) == 0.5F);
  CHECK(r.integers<2>("strides", 1, 1, 8) == std::array<std::int64_t, 2>{1, 1});
  CHECK(r.text("mode", "DCR") == "DCR");
  CHECK(r.required_weight(1, "weight") == &w);
  CHECK(r.optional_weight(2) == nullptr);
  CHECK(r.vector(1, "bias", 2, true) == w.values);
  CHECK(r.vector(2, "bias", 2, false).empty());
  CHECK(r.has_input(1));
  CHECK_FALSE(r.has_input(2));
  CHECK_FALSE(r.has_input(3));
  CHECK_FALSE(r.failed());
}

TEST_CASE("node_reader: the first failure stays, with the node's name", "[nn]") {
  const nn::node n{"Conv", "", {}, {}, {{"group", std::int64_t{9}}, {"mode", std::int64_t{1}}}};
  nn::node_reader r(n, 7, {});
  CHECK(r.integer("group", 1, 1, 8) == 1);
  CHECK(r.text("mode", "DCR") == "DCR");
  REQUIRE(r.failed());
  CHECK(r.error().code == errc::bad_field);
  CHECK(r.error().message == "node #7 (Conv): attribute 'group' is 9, expected 1 to 8");
}
