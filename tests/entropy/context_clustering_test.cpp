#include <aecnn/entropy/context_clustering.hpp>

#include <cstdint>
#include <vector>

#include <catch_compat.hpp>
#include <random.hpp>

using aecnn::detail::context_clustering;
using aecnn::detail::max_clusters;

TEST_CASE("contexts of the same distribution share a table, contexts of others do not") {
  // Three kinds of contexts, in order.
  constexpr std::uint32_t contexts = 30, tokens = 8;
  std::vector<std::uint32_t> counts(contexts * tokens);
  for (std::uint32_t c = 0; c < contexts; ++c)
    for (std::uint32_t t = 0; t < tokens; ++t) counts[c * tokens + t] = t == (c / 10) * 3 ? 2000 : 20 * (c + 1);
  context_clustering clustering;
  clustering.run(counts.data(), contexts, tokens);
  CHECK(clustering.clusters() >= 3);
  for (std::uint32_t c = 1; c < contexts; ++c) {
    CHECK(clustering.cluster(c) >= clustering.cluster(c - 1));
    CHECK(clustering.cluster(c) <= clustering.cluster(c - 1) + 1);
    if (c % 10 == 0) CHECK(clustering.cluster(c) != clustering.cluster(c - 1));
  }
  // A context without a place goes to the cluster that it is like.
  std::vector<std::uint32_t> other(tokens, 30);
  other[3] = 3000;
  const auto joined = clustering.join(other.data());
  CHECK(joined >= clustering.cluster(10));
  CHECK(joined <= clustering.cluster(19));
}

TEST_CASE("the counts of clusters are the sums of their contexts, and there are never too many") {
  random_integers random(1);
  context_clustering clustering;
  for (int repeat = 0; repeat < 300; ++repeat) {
    const std::uint32_t contexts = 1 + random.below(68), tokens = 2 + random.below(50);
    std::vector<std::uint32_t> counts(std::size_t{contexts} * tokens);
    const std::uint32_t most = 1U << random.below(20);
    for (std::uint32_t c = 0; c < contexts; ++c)
      if (random.below(3))
        for (std::uint32_t t = 0; t < tokens; ++t) counts[c * tokens + t] = random.below(most) >> (t * c % 9);
    clustering.run(counts.data(), contexts, tokens);
    REQUIRE(clustering.clusters() >= 1);
    REQUIRE(clustering.clusters() <= max_clusters);
    std::vector<std::uint32_t> sums(std::size_t{clustering.clusters()} * tokens);
    bool any = false;
    for (std::uint32_t c = 0; c < contexts; ++c) {
      REQUIRE(clustering.cluster(c) < clustering.clusters());
      for (std::uint32_t t = 0; t < tokens; ++t) {
        sums[clustering.cluster(c) * tokens + t] += counts[c * tokens + t];
        any = any || counts[c * tokens + t] > 0;
      }
    }
    for (std::uint32_t k = 0; any && k < clustering.clusters(); ++k)
      for (std::uint32_t t = 0; t < tokens; ++t) REQUIRE(clustering.counts(k)[t] == sums[k * tokens + t]);
  }
}
