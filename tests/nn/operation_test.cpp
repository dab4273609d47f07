#include <aecnn/nn/operation.hpp>

#include <cmath>
#include <limits>

#include <catch_compat.hpp>

namespace nn = aecnn::nn;

TEST_CASE("operation: activations in place", "[nn]") {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x{-infinity, -2, -0.5F, 0, 0.5F, 2, infinity, nan};
  const auto applied = [&](const nn::activation& a) {
    std::vector<float> y = x;
    a.apply(y.data(), y.size());
    CHECK(std::isnan(y.back()));
    y.pop_back();
    return y;
  };
  CHECK(applied({}) == std::vector<float>{-infinity, -2, -0.5F, 0, 0.5F, 2, infinity});
  CHECK(applied({nn::activation::kind::clip, 0, infinity, 0}) == std::vector<float>{0, 0, 0, 0, 0.5F, 2, infinity});
  CHECK(applied({nn::activation::kind::clip, -1, 1, 0}) == std::vector<float>{-1, -1, -0.5F, 0, 0.5F, 1, 1});
  CHECK(applied({nn::activation::kind::leaky, 0, 0, 0.5F}) ==
        std::vector<float>{-infinity, -1, -0.25F, 0, 0.5F, 2, infinity});
}
