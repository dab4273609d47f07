#include <aecnn/entropy/frequency_table.hpp>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include <catch_compat.hpp>
#include <random.hpp>

using namespace aecnn::detail;

TEST_CASE("the binary logarithm is right to 2^-13") {
  random_integers random(1);
  for (int i = 0; i < 200000; ++i) {
    const std::uint64_t n = i < 5000 ? static_cast<std::uint64_t>(i) + 1 : (random.next() >> random.below(64)) | 1;
    REQUIRE(std::abs(static_cast<double>(fixed_log2(n)) / 65536 - std::log2(static_cast<double>(n))) < 1.0 / 8192);
  }
}

TEST_CASE("shares add up to all, follow their weights, and no token that occurs is left out") {
  random_integers random(2);
  for (int repeat = 0; repeat < 3000; ++repeat) {
    const std::uint32_t tokens = 1 + random.below(60);
    std::vector<std::uint64_t> weights(tokens);
    for (auto& w : weights) w = random.below(3) == 0 ? 0 : random.next() >> (24 + random.below(40));
    weights[random.below(tokens)] = 1 + random.below(1000);
    std::vector<std::uint16_t> shares(tokens);
    scale_to_total(weights.data(), tokens, shares.data());
    const double sum = static_cast<double>(std::accumulate(weights.begin(), weights.end(), std::uint64_t{0}));
    REQUIRE(std::accumulate(shares.begin(), shares.end(), 0U) == rans_total);
    for (std::uint32_t t = 0; t < tokens; ++t) {
      REQUIRE((shares[t] > 0) == (weights[t] > 0));
      const double ideal = static_cast<double>(weights[t]) / sum * rans_total;
      REQUIRE(std::abs(shares[t] - ideal) <= 62 + 0.1 * ideal);
    }
  }
}

TEST_CASE("steps lose little: symbols cost what their entropy is, and less than a tenth of a bit") {
  random_integers random(3);
  for (int level = 0; level < detail_levels; ++level)
    for (int repeat = 0; repeat < 200; ++repeat) {
      const std::uint32_t tokens = 2 + random.below(40);
      std::vector<std::uint32_t> counts(tokens);
      std::uint32_t total = 0;
      for (auto& c : counts) total += c = random.below(2) ? random.below(1U << random.below(12)) : 0;
      total += 1;
      counts[0] += 1;
      std::vector<std::uint8_t> steps(tokens);
      for (std::uint32_t t = 0; t < tokens; ++t) {
        steps[t] = static_cast<std::uint8_t>(step_of(counts[t], total, level));
        REQUIRE((steps[t] > 0) == (counts[t] > 0));
        REQUIRE(steps[t] <= top_step(level));
      }
      std::vector<std::uint16_t> shares(tokens);
      shares_of_steps(steps.data(), tokens, level, shares.data());
      REQUIRE(std::accumulate(shares.begin(), shares.end(), 0U) == rans_total);
      double entropy = 0, cost = 0;
      for (std::uint32_t t = 0; t < tokens; ++t)
        if (counts[t] > 0) {
          REQUIRE(shares[t] > 0);
          entropy -= counts[t] * std::log2(static_cast<double>(counts[t]) / total);
          cost -= counts[t] * std::log2(static_cast<double>(shares[t]) / rans_total);
        }
      REQUIRE(cost <= entropy + (level == 0 ? 0.08 : 0.04) * total);
    }
}

TEST_CASE("slots find the token of every place in the table") {
  random_integers random(4);
  for (int repeat = 0; repeat < 50; ++repeat) {
    const std::uint32_t tokens = 1 + random.below(60);
    std::vector<std::uint64_t> weights(tokens);
    for (auto& w : weights) w = random.below(2) ? random.below(100000) : 0;
    weights[0] += 1;
    std::vector<std::uint16_t> shares(tokens);
    scale_to_total(weights.data(), tokens, shares.data());
    std::vector<std::uint32_t> slots(rans_total + slot_margin);
    fill_slots(shares.data(), tokens, slots.data());
    std::uint32_t slot = 0;
    for (std::uint32_t t = 0; t < tokens; ++t)
      for (std::uint32_t i = 0; i < shares[t]; ++i, ++slot) {
        REQUIRE((slots[slot] & 1023) == i);
        REQUIRE(((slots[slot] >> 10) & 1023) + 1 == shares[t]);
        REQUIRE(slots[slot] >> 20 == t);
      }
    REQUIRE(slot == rans_total);
  }
}
