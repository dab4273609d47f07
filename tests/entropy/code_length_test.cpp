#include <aecnn/entropy/code_length.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <catch_compat.hpp>

TEST_CASE("bit costs are within 2/256 bit of the ideal for every probability") {
  double worst = 0;
  for (std::uint32_t p = 1; p < 65536; ++p)
    for (const unsigned bit : {0U, 1U}) {
      const double ideal = -256.0 * std::log2((bit ? p : 65536 - p) / 65536.0);
      const double found = aecnn::bit_cost(bit, p);
      worst = std::max(worst, std::abs(found - ideal));
    }
  CHECK(worst <= 2);
}

TEST_CASE("bit costs fall as the probability rises") {
  for (std::uint32_t p = 2; p < 65536; ++p) {
    REQUIRE(aecnn::bit_cost(1, p) <= aecnn::bit_cost(1, p - 1));
    REQUIRE(aecnn::bit_cost(0, p) == aecnn::bit_cost(1, 65536 - p));
  }
}

TEST_CASE("the counter adds up costs and leaves models alone") {
  aecnn::cost_counter c;
  const aecnn::bit_model m = aecnn::bit_model::from(16384, 5);
  c.encode(1, m);
  const std::uint32_t one = aecnn::bit_cost(1, 16384);
  CHECK(c.total == one);
  c.encode_bits(123, 7);
  CHECK(c.total == one + 7 * 256);
  c.encode_bits(0, 0);
  CHECK(c.total == one + 7 * 256);
  c.encode(0, m);
  CHECK(c.total == one + 7 * 256 + aecnn::bit_cost(0, 16384));
}
