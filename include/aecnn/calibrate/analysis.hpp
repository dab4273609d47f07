// The device's linear analysis as calibration designs it, in floating point: latents = rows * patch, where a patch is the
// stride x stride pixels of all channels, in the order [channel][y][x] of projection_parameters.
//
// klt: an orthonormal block DCT over the pixels of a patch, then for each spatial frequency the Karhunen-Loeve transform
// across channels. The separable form needs C x C covariances only, so it can be learnt from a few tensors.
// select: rows that pick one channel each, stride 1.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <span>
#include <vector>

#include <Eigen/Dense>

#include <aecnn/core/tensor_view.hpp>
#include <aecnn/select/projection.hpp>

namespace aecnn {

struct linear_analysis {
  std::size_t stride = 1;
  bool orthonormal = false;            ///< rows are orthonormal: squared error in latents is squared error in the tensor
  std::vector<std::uint16_t> channels; ///< select: the channel of each row
  Eigen::MatrixXd rows;                ///< [latents, C * stride * stride]
  Eigen::VectorXd patch_mean;          ///< [C * stride * stride]
  Eigen::VectorXd mean;                ///< [latents] rows * patch_mean
  Eigen::VectorXd variance;            ///< [latents], descending for klt

  std::size_t latents() const noexcept { return static_cast<std::size_t>(rows.rows()); }
};

namespace detail {

/// All patches of a tensor, a column each: [C * stride * stride, h * w]; the last row and column are repeated where the
/// extents are no multiples of the stride.
inline Eigen::MatrixXd patches(const tensor_view<const float>& x, std::size_t stride) {
  const shape3& s = x.shape;
  const std::size_t h = projection::reduced(s.height, stride), w = projection::reduced(s.width, stride);
  Eigen::MatrixXd m(static_cast<Eigen::Index>(s.channels * stride * stride), static_cast<Eigen::Index>(h * w));
  for (std::size_t y = 0; y < h; ++y)
    for (std::size_t column = 0; column < w; ++column) {
      double* out = m.col(static_cast<Eigen::Index>(y * w + column)).data();
      for (std::size_t c = 0; c < s.channels; ++c)
        for (std::size_t i = 0; i < stride; ++i)
          for (std::size_t j = 0; j < stride; ++j)
            *out++ = static_cast<double>(
                x(c, std::min(y * stride + i, s.height - 1), std::min(column * stride + j, s.width - 1)));
    }
  return m;
}

/// The orthonormal DCT-II of n points: row k is frequency k.
inline Eigen::MatrixXd cosine_transform(std::size_t n) {
  Eigen::MatrixXd d(static_cast<Eigen::Index>(n), static_cast<Eigen::Index>(n));
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t i = 0; i < n; ++i)
      d(static_cast<Eigen::Index>(k), static_cast<Eigen::Index>(i)) =
          std::sqrt((k == 0 ? 1.0 : 2.0) / static_cast<double>(n)) *
          std::cos(std::numbers::pi * (static_cast<double>(i) + 0.5) * static_cast<double>(k) / static_cast<double>(n));
  return d;
}

} // namespace detail

/// The transform of the tensors' patches with the most compact energy; rows beyond `max_latents` or without variance are
/// left out. O(tensors * pixels * C^2 + stride^2 * C^3).
inline linear_analysis klt_analysis(std::span<const tensor_view<const float>> tensors, std::size_t stride,
                                    std::size_t max_latents) {
  using Eigen::Index;
  const auto channels = static_cast<Index>(tensors.front().shape.channels);
  const auto taps = static_cast<Index>(stride * stride);
  const Eigen::MatrixXd dct = detail::cosine_transform(stride);
  // Row f of `spatial` is the two-dimensional basis function of frequency f over the taps of a patch.
  Eigen::MatrixXd spatial(taps, taps);
  for (Index u = 0; u < dct.rows(); ++u)
    for (Index v = 0; v < dct.rows(); ++v)
      for (Index i = 0; i < dct.rows(); ++i)
        for (Index j = 0; j < dct.rows(); ++j) spatial(u * dct.rows() + v, i * dct.rows() + j) = dct(u, i) * dct(v, j);

  std::vector<Eigen::MatrixXd> products(static_cast<std::size_t>(taps), Eigen::MatrixXd::Zero(channels, channels));
  linear_analysis a;
  a.stride = stride;
  a.orthonormal = true;
  a.patch_mean = Eigen::VectorXd::Zero(channels * taps);
  double count = 0;
  std::vector<Eigen::VectorXd> sums(static_cast<std::size_t>(taps), Eigen::VectorXd::Zero(channels));
  for (const auto& x : tensors) {
    const Eigen::MatrixXd p = detail::patches(x, stride);
    a.patch_mean += p.rowwise().sum();
    count += static_cast<double>(p.cols());
    for (Index f = 0; f < taps; ++f) {
      Eigen::MatrixXd coefficient = Eigen::MatrixXd::Zero(channels, p.cols());
      for (Index c = 0; c < channels; ++c) coefficient.row(c) = spatial.row(f) * p.middleRows(c * taps, taps);
      sums[static_cast<std::size_t>(f)] += coefficient.rowwise().sum();
      products[static_cast<std::size_t>(f)].selfadjointView<Eigen::Lower>().rankUpdate(coefficient);
    }
  }
  a.patch_mean /= count;

  struct direction {
    double variance;
    Index frequency, index;
  };
  std::vector<direction> order;
  std::vector<Eigen::MatrixXd> vectors;
  double total = 0;
  for (Index f = 0; f < taps; ++f) {
    const auto i = static_cast<std::size_t>(f);
    const Eigen::VectorXd mean = sums[i] / count;
    Eigen::MatrixXd covariance = products[i].selfadjointView<Eigen::Lower>();
    covariance = covariance / count - mean * mean.transpose();
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(covariance);
    vectors.push_back(solver.eigenvectors());
    for (Index k = 0; k < channels; ++k) {
      order.push_back({solver.eigenvalues()(k), f, k});
      total += std::max(0.0, solver.eigenvalues()(k));
    }
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& l, const auto& r) { return l.variance > r.variance; });
  std::size_t kept = 0;
  while (kept < order.size() && kept < max_latents && order[kept].variance > 1e-9 * total) ++kept;
  kept = std::max<std::size_t>(kept, 1);
  order.resize(kept);

  a.rows.resize(static_cast<Index>(kept), channels * taps);
  a.variance.resize(static_cast<Index>(kept));
  for (std::size_t l = 0; l < kept; ++l) {
    const auto& d = order[l];
    const auto& v = vectors[static_cast<std::size_t>(d.frequency)];
    for (Index c = 0; c < channels; ++c)
      a.rows.row(static_cast<Index>(l)).segment(c * taps, taps) = v(c, d.index) * spatial.row(d.frequency);
    a.variance(static_cast<Index>(l)) = std::max(0.0, d.variance);
  }
  a.mean = a.rows * a.patch_mean;
  return a;
}

/// Sends `channels` (ascending) as they are.
inline linear_analysis select_analysis(std::span<const tensor_view<const float>> tensors,
                                       std::vector<std::uint16_t> channels) {
  using Eigen::Index;
  const auto all = static_cast<Index>(tensors.front().shape.channels);
  linear_analysis a;
  a.orthonormal = static_cast<Index>(channels.size()) == all;
  Eigen::VectorXd sum = Eigen::VectorXd::Zero(all), squares = Eigen::VectorXd::Zero(all);
  double count = 0;
  for (const auto& x : tensors) {
    const Eigen::MatrixXd p = detail::patches(x, 1);
    sum += p.rowwise().sum();
    squares += p.rowwise().squaredNorm();
    count += static_cast<double>(p.cols());
  }
  a.patch_mean = sum / count;
  const auto n = static_cast<Index>(channels.size());
  a.rows = Eigen::MatrixXd::Zero(n, all);
  a.variance.resize(n);
  for (Index k = 0; k < n; ++k) {
    const auto c = static_cast<Index>(channels[static_cast<std::size_t>(k)]);
    a.rows(k, c) = 1;
    a.variance(k) = std::max(0.0, squares(c) / count - a.patch_mean(c) * a.patch_mean(c));
  }
  a.mean = a.rows * a.patch_mean;
  a.channels = std::move(channels);
  return a;
}

} // namespace aecnn
