#include <aecnn/nn/operators/normalization.hpp>

#include <cmath>

#include "evaluate.hpp"

using namespace evaluate;

TEST_CASE("normalization: by given statistics", "[nn]") {
  const value x = computed({1, 2, 3}, {-1, 0, 1, 2, 3, 4});
  const std::vector<value> in{x, constant({2}, {1, 1.5F}), constant({2}, {0, 1}), constant({2}, {0, 3}),
                              constant({2}, {1, 4})};
  const attributes exact{{"epsilon", 0.0F}};
  // (x - 0) / 1 and 1.5 * (x - 3) / 2 + 1.
  const numbers expected{-1, 0, 1, 0.25F, 1, 1.75F};
  CHECK(near(first("BatchNormalization", in, exact).floats, expected));
  std::vector<value> computed_statistics = in;
  for (value& v : computed_statistics) v.constant = false;
  CHECK(near(first("BatchNormalization", computed_statistics, exact).floats, expected));
  CHECK((*make("BatchNormalization", computed_statistics, exact))->as_affine() == nullptr);
  const auto made = make("BatchNormalization", in, exact);
  REQUIRE((*made)->as_affine() != nullptr);
  CHECK((*made)->as_affine()->scale == std::vector<double>{1, 0.75});
  CHECK((*made)->as_affine()->shift == std::vector<double>{0, -1.25});
}

TEST_CASE("normalization: by the statistics of a plane", "[nn]") {
  const value x = computed({1, 2, 2, 2}, {1, 3, 1, 3, 5, 5, 5, 5});
  const value y =
      first("InstanceNormalization", {x, constant({2}, {2, 1}), constant({2}, {0.5F, -1})}, {{"epsilon", 0.0F}});
  CHECK(near({y.floats.begin(), y.floats.begin() + 4}, {-1.5F, 2.5F, -1.5F, 2.5F}));
  const value z = first("InstanceNormalization", {x, constant({2}, {2, 1}), constant({2}, {0.5F, -1})});
  CHECK(near({z.floats.begin() + 4, z.floats.end()}, {-1, -1, -1, -1})); // no variance, only epsilon
}

TEST_CASE("normalization: refusals", "[nn]") {
  const value x = counting({1, 2, 3}), v = constant({2}, {1, 1}), bad = constant({3}, {1, 1, 1});
  CHECK(error_of("BatchNormalization", {x, v, v, v}) == errc::missing_field);
  CHECK(error_of("BatchNormalization", {x, v, v, bad, v}) == errc::bad_shape);
  CHECK(error_of("BatchNormalization", {counting({2}), v, v, v, v}) == errc::bad_shape);
  CHECK(error_of("BatchNormalization", {x, v, v, v, v}, {{"training_mode", std::int64_t{1}}}) == errc::unsupported);
  CHECK(error_of("BatchNormalization", {x, v, v, v, v}, {}, 3) == errc::bad_field);
  CHECK(error_of("InstanceNormalization", {x, v, bad}) == errc::bad_shape);
  CHECK(error_of("InstanceNormalization", {x, v, whole({2}, {1, 1})}) == errc::unsupported);
}
