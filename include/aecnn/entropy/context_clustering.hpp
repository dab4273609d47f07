// Which contexts share a table. Contexts are ordered by activity, and neighbours are merged, always the two whose merging costs
// least, as long as that makes tables and symbols together shorter. Code lengths are entropies of the counts, and the price of a table is an
// estimate, in integers: the same choice on every machine.
//
// Source: agglomerative context clustering as in Brunsli and JPEG XL, here along one axis. O(contexts * (contexts + tokens)).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/core/buffer.hpp>
#include <aecnn/entropy/frequency_table.hpp>

namespace aecnn::detail {

inline constexpr std::uint32_t max_clusters = 16;

class context_clustering {
public:
  /// counts: [contexts][tokens]. Afterwards counts() has a row per cluster and cluster() names each context's.
  void run(const std::uint32_t* counts, std::uint32_t contexts, std::uint32_t tokens) {
    tokens_ = tokens;
    if (terms_.empty()) {
      resize(terms_, 4096);
      for (std::uint32_t n = 2; n < terms_.size(); ++n) terms_[n] = n * fixed_log2(n);
    }
    resize(counts_, std::size_t{contexts} * tokens);
    resize(nodes_, contexts);
    resize(cluster_, contexts);
    count_ = 0;
    // Contexts that did not occur join the one before them.
    for (std::uint32_t c = 0; c < contexts; ++c) {
      const std::uint32_t* from = counts + std::size_t{c} * tokens;
      std::uint32_t any = 0;
      for (std::uint32_t t = 0; t < tokens; ++t) any |= from[t];
      if (any != 0) {
        std::uint32_t* to = row(count_);
        for (std::uint32_t t = 0; t < tokens; ++t) to[t] = from[t];
        nodes_[count_].cost = cost(to, nullptr);
        ++count_;
      }
      cluster_[c] = count_ == 0 ? 0 : count_ - 1;
    }
    if (count_ == 0) {
      for (std::uint32_t t = 0; t < tokens; ++t) row(0)[t] = t == 0;
      count_ = 1;
    }
    for (std::uint32_t i = 0; i + 1 < count_; ++i) nodes_[i].merged = cost(row(i), row(i + 1));
    while (count_ > 1) {
      std::uint32_t best = 0;
      std::int64_t most = 0;
      for (std::uint32_t i = 0; i + 1 < count_; ++i) {
        const auto gain = static_cast<std::int64_t>(nodes_[i].cost + nodes_[i + 1].cost) - static_cast<std::int64_t>(nodes_[i].merged);
        if (i == 0 || gain > most) {
          best = i;
          most = gain;
        }
      }
      if (most < 0 && count_ <= max_clusters) break;
      merge(best, contexts);
    }
  }
  /// Adds a context that has no place in the order to the cluster that it suits best, which is returned.
  std::uint32_t join(const std::uint32_t* counts) {
    std::uint32_t best = 0;
    std::int64_t least = 0;
    for (std::uint32_t i = 0; i < count_; ++i) {
      const auto more = static_cast<std::int64_t>(cost(row(i), counts)) - static_cast<std::int64_t>(cost(row(i), nullptr));
      if (i == 0 || more < least) {
        best = i;
        least = more;
      }
    }
    for (std::uint32_t t = 0; t < tokens_; ++t) row(best)[t] += counts[t];
    return best;
  }
  std::uint32_t clusters() const noexcept { return count_; }
  std::uint32_t cluster(std::uint32_t context) const noexcept { return cluster_[context]; }
  const std::uint32_t* counts(std::uint32_t cluster) const noexcept { return counts_.data() + std::size_t{cluster} * tokens_; }

private:
  struct node {
    std::uint64_t cost = 0;   ///< of this cluster
    std::uint64_t merged = 0; ///< of this and the next in one
  };
  /// n log2 n in 2^-16 bit.
  std::uint64_t term(std::uint32_t n) const noexcept {
    return n < terms_.size() ? terms_[n] : std::uint64_t{n} * fixed_log2(n);
  }
  std::uint32_t* row(std::uint32_t i) noexcept { return counts_.data() + std::size_t{i} * tokens_; }
  /// Code length of a + b with a table of its own, in 2^-16 bit.
  std::uint64_t cost(const std::uint32_t* a, const std::uint32_t* b) const noexcept {
    std::uint64_t terms = 0;
    std::uint32_t total = 0, used = 0, last = 0;
    for (std::uint32_t t = 0; t < tokens_; ++t) {
      const std::uint32_t n = a[t] + (b != nullptr ? b[t] : 0);
      if (n == 0) continue;
      total += n;
      terms += term(n);
      ++used;
      last = t;
    }
    // Four bits a token that occurs, two for one that is skipped, two for the end.
    return term(total) - terms + ((std::uint64_t{2} * used + 2 * last + 4) << 16);
  }
  void merge(std::uint32_t i, std::uint32_t contexts) noexcept {
    for (std::uint32_t t = 0; t < tokens_; ++t) row(i)[t] += row(i + 1)[t];
    nodes_[i].cost = nodes_[i].merged;
    --count_;
    for (std::uint32_t j = i + 1; j < count_; ++j) {
      nodes_[j] = nodes_[j + 1];
      for (std::uint32_t t = 0; t < tokens_; ++t) row(j)[t] = row(j + 1)[t];
    }
    for (std::uint32_t c = 0; c < contexts; ++c)
      if (cluster_[c] > i) --cluster_[c];
    if (i > 0) nodes_[i - 1].merged = cost(row(i - 1), row(i));
    if (i + 1 < count_) nodes_[i].merged = cost(row(i), row(i + 1));
  }

  std::uint32_t tokens_ = 0, count_ = 0;
  std::vector<std::uint32_t> counts_, cluster_, terms_;
  std::vector<node> nodes_;
};

} // namespace aecnn::detail
