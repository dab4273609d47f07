#include <aecnn/core/tensor.hpp>

#include <type_traits>

#include <catch_compat.hpp>

TEST_CASE("a tensor is contiguous, channels first", "[tensor]") {
  static_assert(std::is_same_v<aecnn::tensor<float>, xt::xtensor<float, 3>>);
  aecnn::tensor<float> t({2, 3, 4});
  CHECK(t.size() == 24);
  t(1, 2, 3) = 5;
  CHECK(t.data()[23] == 5);
  t(0, 1, 0) = 6;
  CHECK(t.data()[4] == 6);
  CHECK(&t(1, 0, 0) - &t(0, 0, 0) == 12);
}
