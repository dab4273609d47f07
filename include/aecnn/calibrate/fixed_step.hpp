// A quantiser of one given step for every latent: what a network that was trained with rounding in the loop expects. The
// symbol of a latent is zero + round(latent / step), halves away from zero, and its value round(latent / step) * step.
//
// Behind a projection latents are integers of 1/256 step, truncated toward zero, so their thresholds are those of the latents
// themselves.
//
// Rows of many weights have few bits for each: they are rounded one after the other, each making up for the errors of
// those before on inputs that are correlated as the tensors' are (Babai's nearest plane). O(inputs^3 + latents *
// inputs^2).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <Eigen/Dense>

#include <aecnn/core/error.hpp>
#include <aecnn/profile.hpp>

namespace aecnn::detail {

/// "step 0.5", in six digits at most.
inline std::string step_name(double step) {
  std::ostringstream name;
  name << "step " << step;
  return name.str();
}

/// v to the nearest integer, halves away from zero.
inline double nearest_symbol(double v) noexcept { return std::copysign(std::floor(std::abs(v) + 0.5), v); }

/// What the calibration tensors say of a projection's inputs.
struct input_statistics {
  float largest = 0; ///< magnitude
  double mean_square = 0;
  Eigen::MatrixXd products; ///< [inputs of a latent, the same] their mean products; empty: unknown
};

/// Rounds weights to 16-bit integers so that the sum over the inputs is near that of the weights.
class weight_rounding {
public:
  /// largest_sum: what the magnitudes of a row may add to.
  weight_rounding(const Eigen::MatrixXd& products, double largest_sum) : largest_sum_(largest_sum) {
    if (products.size() == 0) return;
    // A hundredth of the mean square as noise of its own in each input: others than those seen must do as well.
    const auto n = products.rows();
    const double noise = 0.01 * std::max(products.trace() / static_cast<double>(n), 1e-300);
    factor_ = (products + noise * Eigen::MatrixXd::Identity(n, n)).llt().matrixU();
  }

  std::vector<std::int16_t> operator()(const Eigen::VectorXd& weights) const {
    Eigen::VectorXd rounded = weights.array().round();
    if (factor_.size() != 0) {
      Eigen::VectorXd better(weights.size()), error = Eigen::VectorXd::Zero(weights.size());
      for (Eigen::Index i = weights.size() - 1; i >= 0; --i) {
        const Eigen::Index after = weights.size() - 1 - i;
        const double owed = factor_.row(i).tail(after).dot(error.tail(after)) / factor_(i, i);
        better(i) = std::round(weights(i) + owed);
        error(i) = weights(i) - better(i);
      }
      // Not where it needs more than a projection allows.
      if (better.cwiseAbs().maxCoeff() <= 32767 && better.cwiseAbs().sum() <= largest_sum_) rounded = better;
    }
    std::vector<std::int16_t> integers;
    for (const double w : rounded) integers.push_back(static_cast<std::int16_t>(w));
    return integers;
  }

private:
  double largest_sum_;
  Eigen::MatrixXd factor_; ///< upper triangle: its transpose times itself are the products
};

/// The projection of `rows` and `bias` in units of exactly step / 256. errc::invalid_argument where the step is too fine for
/// the 16 bits of weights and inputs.
inline status set_step_projection(operating_point& o, std::size_t stride, const Eigen::MatrixXd& rows,
                                  const Eigen::VectorXd& bias, double step, const input_statistics& inputs) {
  const Eigen::Index latents = rows.rows(), n = rows.cols();
  const Eigen::VectorXd most = rows.cwiseAbs().rowwise().maxCoeff().cwiseMax(1e-30);
  const Eigen::VectorXd sums = rows.cwiseAbs().rowwise().sum().cwiseMax(1e-30);
  const Eigen::VectorXd energy = rows.rowwise().squaredNorm();
  // A weight is an integer: gain * weight, and its gain is a power of two over the inputs' scale.
  const auto gain_of = [&](int shift, double scale) { return 256 * std::exp2(shift) / (step * scale); };
  const auto shift_of = [&](Eigen::Index l, double scale, double largest_sum) {
    const double room = std::min(32766.0 / most(l), (largest_sum - 0.5 * static_cast<double>(n)) / sums(l));
    return std::min(30, static_cast<int>(std::floor(std::log2(room / gain_of(0, scale)))));
  };
  // Of the bounds on rows of weights, and the scales with room for twice to four times the largest input, those that leave
  // the least error of rounded weights and inputs.
  double scale = 0, largest_sum = 0, least = 0;
  for (std::int32_t bound = 65535; bound <= projection::largest_sum; bound *= 2) {
    const auto sum = static_cast<double>(bound);
    for (int k = 0; k <= 32; ++k) {
      const int limit = projection::input_limit(bound);
      const double candidate = limit / (2 * static_cast<double>(inputs.largest)) * std::exp2(-k / 32.0);
      double error = 0, largest_bias = 0;
      for (Eigen::Index l = 0; l < latents; ++l) {
        const int shift = shift_of(l, candidate, sum);
        error += static_cast<double>(n) * inputs.mean_square * std::pow(candidate * std::exp2(-shift), 2) +
                 energy(l) * std::pow(256 / (step * candidate), 2);
        largest_bias = std::max(largest_bias, std::abs(bias(l)) * 256 * std::exp2(shift) / step);
      }
      // Biases take a part of the 32 bits: an eighth is for them.
      if (largest_bias > 0x10000000) error *= std::pow(largest_bias / 0x10000000, 4);
      if (scale == 0 || error < least) {
        scale = candidate;
        largest_sum = sum;
        least = error;
      }
    }
  }
  const weight_rounding round(inputs.products, largest_sum);
  projection_parameters p;
  p.stride = static_cast<std::uint32_t>(stride);
  p.input_scale.assign(o.selector.channels.size(), static_cast<float>(scale));
  scale = static_cast<double>(p.input_scale[0]);
  for (Eigen::Index l = 0; l < latents; ++l) {
    int shift = shift_of(l, scale, largest_sum);
    while (shift > 0 && std::abs(bias(l)) * 256 * std::exp2(shift) / step > 0x20000000) --shift;
    if (shift < 0)
      return fail(errc::invalid_argument, "pack: ", step_name(step), ": too fine for the integers of latent ", l,
                  ", expected at least ", step_name(step * std::exp2(-shift)));
    const auto weights = round(rows.row(l).transpose() * gain_of(shift, scale));
    p.weights.insert(p.weights.end(), weights.begin(), weights.end());
    p.shift.push_back(static_cast<std::uint8_t>(shift));
    if (!bias.isZero(0)) p.bias.push_back(static_cast<std::int32_t>(std::lround(bias(l) * 256 * std::exp2(shift) / step)));
  }
  o.projection = std::move(p);
  return {};
}

} // namespace aecnn::detail
