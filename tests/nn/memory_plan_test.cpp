#include <aecnn/nn/memory_plan.hpp>

#include <random>

#include <catch_compat.hpp>

namespace nn = aecnn::nn;

TEST_CASE("memory_plan: a chain needs two buffers, whatever its length", "[nn]") {
  std::vector<nn::lifetime> values;
  for (std::size_t i = 0; i < 20; ++i) values.push_back({100, i, i + 1, 0});
  CHECK(nn::plan_memory(values) == 2 * 112);
  CHECK(nn::plan_memory({}) == 0);
}

TEST_CASE("memory_plan: values that live together never overlap, and all lie aligned in the block", "[nn]") {
  std::mt19937 engine(1);
  for (int round = 0; round < 50; ++round) {
    std::vector<nn::lifetime> values;
    std::uint64_t sum = 0;
    for (int i = 0; i < 40; ++i) {
      const std::size_t first = engine() % 30;
      values.push_back({1 + engine() % 500, first, first + engine() % 6, 0});
      sum += (values.back().size + 15) / 16 * 16;
    }
    const std::uint64_t total = nn::plan_memory(values);
    CHECK(total < sum / 2);
    bool apart = true, inside = true;
    for (const auto& a : values) {
      inside = inside && a.offset % 16 == 0 && a.offset + a.size <= total;
      for (const auto& b : values)
        if (&a != &b && a.first <= b.last && b.first <= a.last)
          apart = apart && (a.offset + a.size <= b.offset || b.offset + b.size <= a.offset);
    }
    CHECK(apart);
    CHECK(inside);
  }
}
