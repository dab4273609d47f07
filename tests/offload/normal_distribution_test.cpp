#include <aecnn/offload/normal_distribution.hpp>

#include <cmath>

#include <catch_compat.hpp>

namespace off = aecnn::offload::detail;

TEST_CASE("the normal distribution has its textbook values") {
  CHECK(off::normal_below(0) == Approx(0.5));
  CHECK(off::normal_below(1.959963984540054) == Approx(0.975).epsilon(1e-12));
  CHECK(off::normal_below(-3) == Approx(0.0013498980316301).epsilon(1e-9));
  CHECK(off::normal_quantile(0.95) == Approx(1.6448536269514722).epsilon(1e-9));
  CHECK(off::normal_quantile(0.5) == Approx(0).margin(1e-9));
  for (const double p : {0.001, 0.2, 0.7, 0.999}) CHECK(off::normal_below(off::normal_quantile(p)) == Approx(p).epsilon(1e-9));
}

TEST_CASE("expectations over the normal distribution are exact for polynomials and near for others") {
  CHECK(off::normal_expectation([](double) { return 1.0; }) == Approx(1).epsilon(1e-9));
  CHECK(off::normal_expectation([](double z) { return z * z; }) == Approx(1).epsilon(1e-9));
  CHECK(off::normal_expectation([](double z) { return z * z * z + std::pow(z, 8); }) == Approx(105).epsilon(1e-8));
  CHECK(off::normal_expectation([](double z) { return std::exp(0.7 * z); }) == Approx(std::exp(0.245)).epsilon(1e-9));
}
