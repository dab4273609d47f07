#include <aecnn/nn/rearrange.hpp>

#include <numeric>

#include "reference.hpp"

using namespace reference;
using aecnn::errc;

TEST_CASE("rearrange: depth to space, examples of the ONNX documentation", "[nn]") {
  // [8,2,3] of 0..5, 9..14, 18..23, ...
  values x = zeros({8, 2, 3});
  for (std::size_t i = 0; i < 48; ++i) x.data[i] = static_cast<double>(i / 6 * 9 + i % 6);
  nn::graph g = nn::start("test");
  nn::finish(g, nn::depth_to_space(g, "x", 2, "DCR"));
  values y = run(g, x);
  CHECK(y.shape == shape3{2, 4, 6});
  CHECK(y.data == std::vector<double>{0,  18, 1,  19, 2,  20, 36, 54, 37, 55, 38, 56, 3,  21, 4,  22,
                                      5,  23, 39, 57, 40, 58, 41, 59, 9,  27, 10, 28, 11, 29, 45, 63,
                                      46, 64, 47, 65, 12, 30, 13, 31, 14, 32, 48, 66, 49, 67, 50, 68});
  g = nn::start("test");
  nn::finish(g, nn::depth_to_space(g, "x", 2, "CRD"));
  y = run(g, x);
  CHECK(y.data == std::vector<double>{0,  9,  1,  10, 2,  11, 18, 27, 19, 28, 20, 29, 3,  12, 4,  13,
                                      5,  14, 21, 30, 22, 31, 23, 32, 36, 45, 37, 46, 38, 47, 54, 63,
                                      55, 64, 56, 65, 39, 48, 40, 49, 41, 50, 57, 66, 58, 67, 59, 68});
}

TEST_CASE("rearrange: concat and identity", "[nn]") {
  random_source random(1);
  const values x = random.tensor({2, 3, 4});
  nn::graph g = nn::start("test");
  const std::string r = nn::relu(g, "x");
  nn::finish(g, nn::identity(g, nn::concat(g, {"x", r, "x"})));
  values y{{6, 3, 4}, x.data};
  for (const double v : x.data) y.data.push_back(std::max(v, 0.0));
  y.data.insert(y.data.end(), x.data.begin(), x.data.end());
  CHECK(error(run(g, x), y) < 1e-7);
  g.nodes[1].attributes[0].second = std::int64_t{-3};
  CHECK(error(run(g, x), y) < 1e-7);
}

TEST_CASE("rearrange: errors", "[nn]") {
  nn::graph g = nn::start("test");
  nn::finish(g, nn::depth_to_space(g, "x", 2));
  CHECK(failure_of(g, "", {8, 2, 2}) == errc{});
  CHECK(failure_of(g, "6 channels, expected a multiple of 4", {6, 2, 2}) == errc::bad_shape);
  g.nodes[0].attributes[1].second = std::string("RCD");
  CHECK(failure_of(g, "'RCD'") == errc::bad_field);
  g.nodes[0].attributes[0].second = std::int64_t{0};
  CHECK(failure_of(g, "'blocksize' is 0") == errc::bad_field);
  g.nodes[0].attributes.clear();
  CHECK(failure_of(g, "'blocksize' is missing") == errc::missing_field);

  g = nn::start("test");
  nn::finish(g, nn::concat(g, {"x", nn::conv(g, "x", {1, 2, 2, 2}, std::vector<float>(8))}));
  CHECK(failure_of(g, "2x3x3 and 1x2x2") == errc::bad_shape);
  g.nodes[1].attributes[0].second = std::int64_t{2};
  CHECK(failure_of(g, "'axis' is 2") == errc::unsupported);
  g.nodes[1].inputs.clear();
  CHECK(failure_of(g, "has 0 inputs") == errc::missing_field);
}
