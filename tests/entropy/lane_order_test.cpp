#include <aecnn/entropy/lane_order.hpp>

#include <cstdint>
#include <vector>

#include <catch_compat.hpp>
#include <random.hpp>

using aecnn::shape3;
using aecnn::detail::lane_order;

TEST_CASE("every row of every sent channel belongs to one unit, whatever the shape, the mask and the lanes") {
  random_integers random(1);
  lane_order order;
  for (int repeat = 0; repeat < 2000; ++repeat) {
    const shape3 shape{1 + random.below(70), 1 + random.below(repeat % 5 ? 40 : 400), 1 + random.below(9)};
    std::vector<std::uint8_t> mask(shape.channels);
    std::size_t sent = 0;
    for (auto& m : mask) sent += m = static_cast<std::uint8_t>(random.below(3) != 0);
    const bool masked = random.below(2);
    if (!masked) sent = shape.channels;
    order.start(shape, masked ? mask.data() : nullptr);
    REQUIRE(order.sent() == sent);
    REQUIRE(order.symbols() == sent * shape.area());
    const std::uint32_t lanes = 1U << random.below(6);
    order.set_lanes(lanes);
    REQUIRE(order.lanes() == lanes);
    std::vector<int> seen(shape.channels * shape.height);
    std::size_t units = 0;
    for (std::size_t g = 0; g < order.groups(); ++g)
      for (std::uint32_t i = 0; i < order.group_units(g); ++i, ++units) {
        REQUIRE(order.group_units(g) <= lanes);
        const auto u = order.unit(g * lanes + i);
        REQUIRE(u.rows >= 1);
        REQUIRE(u.rows <= order.band_rows());
        REQUIRE(u.first_row + u.rows <= shape.height);
        for (std::uint32_t y = 0; y < u.rows; ++y) ++seen[u.channel * shape.height + u.first_row + y];
      }
    REQUIRE(units == order.units());
    for (std::size_t c = 0; c < shape.channels; ++c)
      for (std::size_t y = 0; y < shape.height; ++y) REQUIRE(seen[c * shape.height + y] == (masked && !mask[c] ? 0 : 1));
    if (sent >= lanes) REQUIRE(order.bands() == 1);
  }
}
