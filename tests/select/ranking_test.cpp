#include <aecnn/select/ranking.hpp>

#include <catch_compat.hpp>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

TEST_CASE("channels are ranked by decreasing score", "[select]") {
  using order = std::vector<std::uint16_t>;
  CHECK(aecnn::rank_channels({}).empty());
  CHECK(aecnn::rank_channels(std::vector<double>{3}) == order{0});
  CHECK(aecnn::rank_channels(std::vector<double>{1, 3, 2}) == order{1, 2, 0});
  CHECK(aecnn::rank_channels(std::vector<double>{-1, -3, 0, -2, 7}) == order{4, 2, 0, 3, 1});
}

TEST_CASE("equal scores keep the lower channel first", "[select]") {
  std::uint32_t seed = 1;
  for (const std::size_t n : {std::size_t{5}, std::size_t{64}, std::size_t{1000}, std::size_t{65536}}) {
    std::vector<double> scores(n);
    for (auto& s : scores) {
      seed = seed * 1664525u + 1013904223u;
      s = seed >> 28;
    }
    std::vector<std::uint16_t> expected(n);
    std::iota(expected.begin(), expected.end(), std::uint16_t{0});
    std::stable_sort(expected.begin(), expected.end(), [&](auto a, auto b) { return scores[a] > scores[b]; });
    CHECK(aecnn::rank_channels(scores) == expected);
  }
}
