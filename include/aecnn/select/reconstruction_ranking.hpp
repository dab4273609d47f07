// Channels in the order in which they best predict all channels linearly: greedy selection of columns by the residual
// covariance (forward selection; the updates are those of a pivoted Cholesky factorisation, that is Gram-Schmidt on the
// channels). After choosing S, R is the covariance of what the channels keep once their best linear estimate from S is
// subtracted; channel c lowers its trace by sum_j R_jc^2 / (R_cc + ridge). Time C^2 K, memory C^2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <aecnn/core/error.hpp>

namespace aecnn {

struct reconstruction_order {
  std::vector<std::uint16_t> channels; ///< [K] in the order of choice
  std::vector<double> explained;       ///< [K] share of the total variance that the first i+1 channels predict, 0..1
};

/// The best K channels of `covariance` [C,C], symmetric, in the order of choice; ties go to the lower channel.
/// `ridge` is the variance of the error with which a chosen channel arrives (a quantiser's mean squared error), 0 or
/// more: a channel then helps less where the others repeat it below that noise.
/// errc::bad_shape where covariance has not C*C elements, errc::invalid_argument where K is above C or ridge below 0.
inline result<reconstruction_order> reconstruction_ranking(std::span<const double> covariance, std::size_t channels,
                                                           std::size_t k, double ridge = 0) {
  using detail::fail;
  if (channels > 65536 || covariance.size() != channels * channels)
    return fail(errc::bad_shape, "covariance of ", covariance.size(), " elements, expected ", channels, " squared");
  if (k > channels) return fail(errc::invalid_argument, "k: ", k, ", expected at most ", channels);
  if (!(ridge >= 0)) return fail(errc::invalid_argument, "ridge: ", ridge, ", expected 0 or more");
  // Rows are padded with zeros to whole groups of independent sums, so that the loop below becomes vector code.
  constexpr std::size_t lanes = 8;
  const std::size_t width = (channels + lanes - 1) / lanes * lanes;
  std::vector<double> residual(channels * width), column(width), norm(channels);
  std::vector<std::uint8_t> chosen(channels, 0);
  double total = 0, largest = 0, left = 0;
  for (std::size_t c = 0; c < channels; ++c) {
    const double variance = covariance[c * channels + c];
    total += variance;
    largest = variance > largest ? variance : largest;
    for (std::size_t j = 0; j < channels; ++j) {
      const double v = covariance[c * channels + j];
      residual[c * width + j] = v;
      norm[c] += v * v;
    }
  }
  left = total;
  const double negligible = 1e-12 * largest; // what rounding leaves of a channel that is already predicted
  reconstruction_order order;
  while (order.channels.size() < k) {
    std::size_t best = channels;
    double best_gain = -1;
    for (std::size_t c = 0; c < channels; ++c) {
      if (chosen[c] != 0) continue;
      const double variance = residual[c * width + c];
      const double gain = variance > negligible ? norm[c] / (variance + ridge) : 0;
      if (!(gain > best_gain)) continue;
      best = c;
      best_gain = gain;
    }
    if (best == channels) return fail(errc::invalid_argument, "covariance holds a NaN");
    chosen[best] = 1;
    order.channels.push_back(static_cast<std::uint16_t>(best));
    if (best_gain > 0) {
      const double scale = 1 / (residual[best * width + best] + ridge);
      for (std::size_t j = 0; j < width; ++j) column[j] = residual[best * width + j];
      left = 0;
      for (std::size_t i = 0; i < channels; ++i) {
        const double f = column[i] * scale;
        double* row = residual.data() + i * width;
        double sum[lanes] = {};
        for (std::size_t j = 0; j < width; j += lanes)
          for (std::size_t l = 0; l < lanes; ++l) {
            row[j + l] -= f * column[j + l];
            sum[l] += row[j + l] * row[j + l];
          }
        norm[i] = ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
        left += row[i];
      }
    }
    const double explained = total > 0 ? 1 - left / total : 1;
    order.explained.push_back(explained > 1 ? 1 : explained);
  }
  return order;
}

} // namespace aecnn
