#include <aecnn/entropy/parameters.hpp>

#include <cstdint>
#include <cstdlib>

#include <catch_compat.hpp>

using aecnn::bit_model;

TEST_CASE("packed states keep the probability to 1/4096 and the count") {
  for (std::uint32_t p = 64; p < 65472; p += 7)
    for (unsigned c = 0; c < 16; ++c) {
      const auto m = aecnn::unpack_state(aecnn::pack_state(p, c));
      REQUIRE(std::abs(static_cast<int>(m.p1()) - static_cast<int>(p)) <= 8);
      REQUIRE(m.quick == m.slow);
      REQUIRE(m.count == aecnn::packed_counts[c]);
    }
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto m = aecnn::unpack_state(static_cast<std::uint16_t>(bits)); // any 16 bits are a valid state
    REQUIRE(m.count <= bit_model::max_count);
  }
  CHECK(aecnn::unpack_state(aecnn::pack_state(0, 0)).p1() >= 32);
  CHECK(aecnn::unpack_state(aecnn::pack_state(65535, 15)).p1() <= 65504);
}

TEST_CASE("magnitudes and signs follow from levels and zero") {
  aecnn::context_parameters p;
  p.levels = 10;
  CHECK(p.max_magnitude() == 9);
  CHECK_FALSE(p.is_signed());
  p.zero = 3;
  CHECK(p.max_magnitude() == 6);
  CHECK(p.is_signed());
  p.zero = 9;
  CHECK(p.max_magnitude() == 9);
}
