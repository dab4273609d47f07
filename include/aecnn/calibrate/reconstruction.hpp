// The closed-form decoder: ridge regression from dequantised latents, 1x1 or with their 3x3 neighbourhood, to the patches
// of the tensor. Shrinks toward the inverse of the analysis instead of toward zero, so that few samples do no harm:
//   W = W0 + (Z Z' + r I)^-1 Z (Y - W0 Z)',  r by cross-validation over tensors.
// Sums are kept per fold and merge by addition; time O(samples * inputs * (inputs + outputs) + inputs^3).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <Eigen/Dense>

#include <aecnn/core/tensor_view.hpp>
#include <aecnn/nn/build.hpp>
#include <aecnn/nn/graph.hpp>

namespace aecnn {

/// A linear decoder: patches = weights * neighbourhood + bias.
struct linear_decoder {
  std::size_t side = 1;      ///< of the neighbourhood: 1 or 3
  Eigen::MatrixXd weights;   ///< [C * stride * stride, latents * side * side], inputs in the order [latent][y][x]
  Eigen::VectorXd bias;      ///< [C * stride * stride]
  double error = 0;          ///< sum of squared errors over the samples, cross-validated
};

/// Sums for the regression, with the data's tensors dealt to folds in turn.
class ridge_statistics {
public:
  static constexpr std::size_t folds = 4;

  ridge_statistics(std::size_t latents, std::size_t outputs, std::size_t side)
      : side_(side), inputs_(static_cast<Eigen::Index>(latents * side * side + 1)) {
    for (fold& f : folds_) {
      f.inputs = Eigen::MatrixXd::Zero(inputs_, inputs_);
      f.cross = Eigen::MatrixXd::Zero(inputs_, static_cast<Eigen::Index>(outputs));
    }
  }

  /// Adds one tensor: latents [L, h * w] of planes h x w, and what is to be explained [outputs, h * w].
  void add(const Eigen::MatrixXd& latents, std::size_t height, std::size_t width, const Eigen::MatrixXd& target) {
    const Eigen::MatrixXd z = neighbourhoods(latents, height, width);
    fold& f = folds_[added_++ % folds];
    f.inputs.selfadjointView<Eigen::Lower>().rankUpdate(z);
    f.cross.noalias() += z * target.transpose();
    f.squares += target.squaredNorm();
    samples_ += static_cast<std::size_t>(latents.cols());
  }
  /// Adds the sums of the same regression over other tensors.
  void merge(const ridge_statistics& other) {
    for (std::size_t i = 0; i < folds; ++i) {
      folds_[i].inputs += other.folds_[i].inputs;
      folds_[i].cross += other.folds_[i].cross;
      folds_[i].squares += other.folds_[i].squares;
    }
    added_ += other.added_;
    samples_ += other.samples_;
  }

  /// The correction to a prior decoder whose residuals were added, and the cross-validated error of the corrected one.
  /// The last input is the constant 1.
  struct solution {
    Eigen::MatrixXd weights; ///< [outputs, inputs + 1]
    double error = 0;
  };
  solution solve() const {
    const fold all = sum_without(folds);
    const double scale = std::max(all.inputs.diagonal().head(inputs_ - 1).mean(), 1e-300);
    const std::size_t used = std::min<std::size_t>(added_, folds);
    double best = all.squares, best_ridge = -1; // no correction at all
    // With fewer samples than unknowns the prior is all that can be had.
    if (used > 1 && samples_ > static_cast<std::size_t>(inputs_)) {
      for (const double r : {1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0}) {
        double error = 0;
        for (std::size_t i = 0; i < used; ++i) {
          const Eigen::MatrixXd w = ridge(sum_without(i), r * scale);
          const Eigen::MatrixXd inputs = folds_[i].inputs.selfadjointView<Eigen::Lower>();
          error += folds_[i].squares - 2 * w.cwiseProduct(folds_[i].cross).sum() + w.cwiseProduct(inputs * w).sum();
        }
        if (error < best) {
          best = error;
          best_ridge = r;
        }
      }
    }
    if (best_ridge < 0) return {Eigen::MatrixXd::Zero(all.cross.cols(), inputs_), all.squares};
    return {ridge(all, best_ridge * scale).transpose(), best};
  }

private:
  struct fold {
    Eigen::MatrixXd inputs, cross; ///< Z Z' (lower half) and Z Y'
    double squares = 0;
  };
  fold sum_without(std::size_t left_out) const {
    fold s{Eigen::MatrixXd::Zero(inputs_, inputs_), Eigen::MatrixXd::Zero(inputs_, folds_[0].cross.cols()), 0};
    for (std::size_t i = 0; i < folds; ++i)
      if (i != left_out) {
        s.inputs += folds_[i].inputs;
        s.cross += folds_[i].cross;
        s.squares += folds_[i].squares;
      }
    return s;
  }
  static Eigen::MatrixXd ridge(fold f, double r) {
    f.inputs.diagonal().array() += r;
    return f.inputs.selfadjointView<Eigen::Lower>().ldlt().solve(f.cross);
  }
  // [inputs, h * w]: each latent's neighbourhood, zero outside the plane as in a padded convolution, then the constant 1.
  Eigen::MatrixXd neighbourhoods(const Eigen::MatrixXd& latents, std::size_t height, std::size_t width) const {
    using Eigen::Index;
    Eigen::MatrixXd z = Eigen::MatrixXd::Zero(inputs_, latents.cols());
    const auto reach = static_cast<std::ptrdiff_t>(side_ / 2);
    const auto h = static_cast<std::ptrdiff_t>(height), w = static_cast<std::ptrdiff_t>(width);
    for (std::ptrdiff_t y = 0; y < h; ++y)
      for (std::ptrdiff_t x = 0; x < w; ++x) {
        double* out = z.col(static_cast<Index>(y * w + x)).data();
        for (Index l = 0; l < latents.rows(); ++l)
          for (std::ptrdiff_t i = -reach; i <= reach; ++i)
            for (std::ptrdiff_t j = -reach; j <= reach; ++j, ++out)
              if (y + i >= 0 && y + i < h && x + j >= 0 && x + j < w)
                *out = latents(l, static_cast<Index>((y + i) * w + x + j));
        *out = 1;
      }
    return z;
  }

  std::size_t side_;
  Eigen::Index inputs_;
  std::size_t added_ = 0, samples_ = 0;
  std::array<fold, folds> folds_;
};

/// The network of a linear decoder in ONNX operators: Conv, DepthToSpace where stride > 1, Relu where the tensors are never
/// negative.
inline nn::graph decoder_network(const linear_decoder& d, std::size_t latents, std::size_t stride, bool relu,
                                 std::string name) {
  const auto side = static_cast<std::int64_t>(d.side), pad = side / 2;
  std::vector<float> weights, bias;
  weights.reserve(static_cast<std::size_t>(d.weights.size()));
  for (Eigen::Index o = 0; o < d.weights.rows(); ++o)
    for (Eigen::Index i = 0; i < d.weights.cols(); ++i) weights.push_back(static_cast<float>(d.weights(o, i)));
  for (Eigen::Index o = 0; o < d.bias.size(); ++o) bias.push_back(static_cast<float>(d.bias(o)));
  nn::graph g = nn::start(std::move(name), "latents");
  std::string last = nn::conv(g, "latents", {d.weights.rows(), static_cast<std::int64_t>(latents), side, side},
                              std::move(weights), std::move(bias), {.pads = {pad, pad, pad, pad}});
  if (relu) last = nn::relu(g, last);
  if (stride > 1) last = nn::depth_to_space(g, last, static_cast<std::int64_t>(stride), "CRD");
  nn::finish(g, last);
  return g;
}

} // namespace aecnn
