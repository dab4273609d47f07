#include <aecnn/entropy/token.hpp>

#include <cstdint>
#include <set>

#include <catch_compat.hpp>
#include <symbol_planes.hpp>

using aecnn::symbol;
using aecnn::detail::token_layout;

TEST_CASE("symbols and values are one to one, small distances first") {
  for (const std::uint32_t levels : all_levels)
    for (const std::uint32_t zero : {0U, 1U, levels / 3, levels / 2, levels - 1}) {
      if (zero >= levels) continue;
      const token_layout t(levels, zero);
      CAPTURE(levels, zero);
      std::uint32_t before = 0;
      for (std::uint32_t v = 0; v < levels; ++v) {
        const symbol s = t.symbol_of_value(v);
        REQUIRE(s < levels);
        REQUIRE(t.value(s) == v);
        REQUIRE(t.magnitude(s) == t.magnitude_of_value(v));
        REQUIRE(t.magnitude(s) >= before); // every symbol occurs once, as v does
        before = t.magnitude(s);
      }
      REQUIRE(t.symbol_of_value(0) == zero);
    }
}

TEST_CASE("tokens and their plain bits partition the values") {
  for (const std::uint32_t levels : all_levels) {
    const token_layout t(levels, 0);
    CAPTURE(levels);
    REQUIRE(t.count() >= 2);
    REQUIRE(t.count() <= token_layout::max_tokens);
    std::uint32_t next = 0;
    int most = 0;
    for (std::uint32_t k = 0; k < t.count(); ++k) {
      REQUIRE(t.first(k) == next);
      const std::uint32_t count = 1U << t.bits(k);
      REQUIRE(t.token(next) == k);
      REQUIRE(t.token(next + count - 1) == k);
      next += count;
      most = t.bits(k) > most ? t.bits(k) : most;
    }
    REQUIRE(next >= levels);
    REQUIRE(t.first(t.count() - 1) < levels);
    REQUIRE(t.deep() == (most > aecnn::detail::rans_plain_bits));
    REQUIRE(t.base() <= 15);
    REQUIRE(t.direct() == (levels <= 16));
  }
}
