// The normal distribution as the offload models need it: its distribution function, its quantiles, and expectations by Gauss-Hermite
// quadrature (Abramowitz and Stegun, 25.4.46 and table 25.10). O(1).
#pragma once

#include <array>
#include <cmath>

namespace aecnn::offload::detail {

/// The probability of a standard normal number of at most z.
inline double normal_below(double z) { return 0.5 * std::erfc(-z * 0.70710678118654752); }

/// The z of normal_below(z) = p, 0 < p < 1; |z| at most 8.
inline double normal_quantile(double p) {
  double low = -8, high = 8;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (normal_below(middle) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

/// The expectation of f(z) of a standard normal z, exact for polynomials of degree 19.
template <class Function>
double normal_expectation(Function&& f) {
  constexpr std::array<double, 5> node = {0.342901327223705, 1.036610829789514, 1.756683649299882, 2.532731674232790, 3.436159118837738};
  constexpr std::array<double, 5> weight = {6.108626337353e-1, 2.401386110823e-1, 3.387439445548e-2, 1.343645746781e-3, 7.640432855233e-6};
  double sum = 0;
  for (std::size_t i = 0; i < node.size(); ++i) sum += weight[i] * (f(1.4142135623730951 * node[i]) + f(-1.4142135623730951 * node[i]));
  return sum * 0.56418958354775629; // 1 / sqrt(pi)
}

} // namespace aecnn::offload::detail
