// A quantiser of one given step for every latent: what a network that was trained with rounding in the loop expects. The
// symbol of a latent is zero + round(latent / step), halves away from zero, and its value round(latent / step) * step.
//
// Behind a projection latents are integers of 1/256 step, rounded: a threshold of the integers is half a unit nearer to
// 0 than that of the latents. A gain slightly below 1 moves all thresholds outwards, the inner ones least; which gain
// (and offset) gives the fewest other symbols follows from how many latents lie near which threshold. O(latents).
//
// Rows of many weights have few bits for each: they are rounded one after the other, each making up for the errors of
// those before on inputs that are correlated as the tensors' are (Babai's nearest plane). O(inputs^3 + latents *
// inputs^2).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
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

/// How a latent becomes integers: floor(gain * (v - bias) + 1/2) - offset stands for v, all in units of step / 256.
struct unit_alignment {
  double gain = 1;
  std::int32_t offset = 0;
};

/// The alignment whose thresholds give the fewest other symbols than those of the latents (in steps, bias included).
/// Without a bias the offset is 0.
inline unit_alignment align_units(std::span<const float> latents, double bias) {
  // Latents within 1/16 step of a threshold, by the integer below it: their number is proportional to the density there.
  std::map<std::int64_t, double> near;
  for (const float v : latents) {
    const double below = std::floor(static_cast<double>(v));
    if (std::abs(static_cast<double>(v) - below - 0.5) < 1.0 / 16) near[static_cast<std::int64_t>(below)] += 1;
  }
  unit_alignment best;
  double least = 0;
  const double units = 256 * bias;
  bool first = true;
  for (int k = 0; k <= 64; ++k) {
    const double gain = 1 - (k % 2 == 0 ? k : -(k + 1)) / 8192.0; // 1 first, then away from it on both sides
    const auto middle = static_cast<std::int32_t>(std::lround(-gain * units));
    for (int d = bias == 0 ? 0 : -1; d <= (bias == 0 ? 0 : 1); ++d) {
      const std::int32_t offset = middle + d;
      double cost = 0;
      for (const auto& [below, count] : near) {
        const double wanted = 256 * static_cast<double>(below) + 128;
        const double found = (wanted + (below < 0 ? 0.5 : -0.5) + offset) / gain + units;
        cost += count * std::abs(found - wanted);
      }
      if (first || cost < least) {
        best = {gain, offset};
        least = cost;
        first = false;
      }
    }
  }
  return best;
}

/// What the calibration tensors say of a projection's inputs.
struct input_statistics {
  float largest = 0; ///< magnitude
  double mean_square = 0;
  Eigen::MatrixXd products; ///< [inputs of a latent, the same] their mean products; empty: unknown
};

/// Rounds weights to 16-bit integers so that the sum over the inputs is near that of the weights.
class weight_rounding {
public:
  explicit weight_rounding(const Eigen::MatrixXd& products) {
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
      if (better.cwiseAbs().maxCoeff() <= 32767 && better.cwiseAbs().sum() <= 65535) rounded = better;
    }
    std::vector<std::int16_t> integers;
    for (const double w : rounded) integers.push_back(static_cast<std::int16_t>(w));
    return integers;
  }

private:
  Eigen::MatrixXd factor_; ///< upper triangle: its transpose times itself are the products
};

/// The projection of `rows` in units of exactly step / 256 with the alignments' gains. errc::invalid_argument where the
/// step is too fine for the 16 bits of weights and inputs.
inline status set_step_projection(operating_point& o, std::size_t stride, const Eigen::MatrixXd& rows, double step,
                                  std::span<const unit_alignment> alignments, const input_statistics& inputs) {
  const Eigen::Index latents = rows.rows(), n = rows.cols();
  std::vector<double> room, energy;
  for (Eigen::Index l = 0; l < latents; ++l) {
    const double most = std::max(rows.row(l).cwiseAbs().maxCoeff(), 1e-30);
    const double sum = std::max(rows.row(l).cwiseAbs().sum(), 1e-30);
    room.push_back(std::min(32766.0 / most, (65535.0 - 0.5 * static_cast<double>(n)) / sum));
    energy.push_back(rows.row(l).squaredNorm());
  }
  // The gain of weights is a power of two over the inputs' scale. Of the scales with room for twice to four times the
  // largest input, the one that leaves the least error of rounded weights and inputs.
  const auto shift_of = [&](std::size_t l, double scale) {
    return std::min(30, static_cast<int>(std::floor(std::log2(room[l] * step * scale / (256 * alignments[l].gain)))));
  };
  double scale = 0, least = 0;
  for (int k = 0; k <= 32; ++k) {
    const double candidate = 32767.0 / (2 * static_cast<double>(inputs.largest)) * std::exp2(-k / 32.0);
    double error = 0;
    for (std::size_t l = 0; l < room.size(); ++l) {
      error +=
          static_cast<double>(n) * inputs.mean_square * std::pow(candidate * std::exp2(-shift_of(l, candidate)), 2) +
          energy[l] * std::pow(256 / (step * candidate), 2);
    }
    if (k == 0 || error < least) {
      scale = candidate;
      least = error;
    }
  }
  const weight_rounding round(inputs.products);
  projection_parameters p;
  p.stride = static_cast<std::uint32_t>(stride);
  p.input_scale.assign(o.selector.channels.size(), static_cast<float>(scale));
  for (std::size_t l = 0; l < room.size(); ++l) {
    const int shift = shift_of(l, static_cast<double>(p.input_scale[0]));
    if (shift < 0)
      return fail(errc::invalid_argument, "pack: ", step_name(step), ": too fine for the integers of latent ", l,
                  ", expected at least ", step_name(step * std::exp2(-shift)));
    const double gain = alignments[l].gain * 256 * std::exp2(shift) / (step * static_cast<double>(p.input_scale[0]));
    const auto weights = round(rows.row(static_cast<Eigen::Index>(l)).transpose() * gain);
    p.weights.insert(p.weights.end(), weights.begin(), weights.end());
    p.shift.push_back(static_cast<std::uint8_t>(shift));
  }
  o.projection = std::move(p);
  return {};
}

} // namespace aecnn::detail
