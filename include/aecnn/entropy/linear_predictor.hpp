// Predicts a value from its neighbours by least squares over what was coded so far, in integers: the normal equations R a = b are
// accumulated, older samples fade, and every few samples one Gauss-Seidel sweep a_i = (b_i - sum over j != i of R_ij a_j) / R_ii moves
// the coefficients towards their solution. A sweep never increases the squared error, so no precision can be lost on the way.
// O(inputs^2) per sample.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace aecnn {

/// Inputs and targets are below 2^10 in magnitude.
template <std::size_t Inputs>
class linear_predictor {
public:
  using inputs = std::array<std::int32_t, Inputs>;

  /// Forgets everything; `start` are the coefficients in 1/65536 that are believed until samples say otherwise, as firmly as a
  /// few samples of magnitude `scale` would.
  void reset(const inputs& start, std::int32_t scale) noexcept {
    ridge_ = static_cast<std::int64_t>(scale) * scale / 4 + 1;
    for (std::size_t i = 0; i < Inputs; ++i) {
      for (std::size_t j = 0; j < Inputs; ++j) r_[i][j] = 0;
      r_[i][i] = ridge_;
      coefficients_[i] = start[i];
      b_[i] = ridge_ * start[i] / 65536;
    }
    samples_ = 0;
  }

  /// The prediction in 1/16 of the inputs' unit.
  std::int64_t predict(const inputs& x) const noexcept {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < Inputs; ++i) sum += static_cast<std::int64_t>(coefficients_[i]) * x[i];
    return sum >> 12;
  }

  void update(const inputs& x, std::int32_t target) noexcept {
    for (std::size_t i = 0; i < Inputs; ++i) {
      if (x[i] == 0) continue;
      for (std::size_t j = 0; j <= i; ++j) r_[i][j] += x[i] * x[j];
      b_[i] += x[i] * target;
    }
    ++samples_;
    if (samples_ % sweep_interval == 0) sweep();
    if (samples_ % fade_interval == 0) fade();
  }

private:
  // With a window of 256 * 64 samples R stays below 2^34 and R a below 2^53.
  static constexpr std::uint32_t sweep_interval = 8, fade_interval = 256;
  static constexpr std::int64_t max_coefficient = std::int64_t{1} << 18;

  void sweep() noexcept {
    for (std::size_t i = 0; i < Inputs; ++i) {
      std::int64_t rest = b_[i] * 65536;
      for (std::size_t j = 0; j < i; ++j) rest -= r_[i][j] * coefficients_[j];
      for (std::size_t j = i + 1; j < Inputs; ++j) rest -= r_[j][i] * coefficients_[j];
      const std::int64_t a = rest / (r_[i][i] + ridge_ / 8 + 1);
      coefficients_[i] = static_cast<std::int32_t>(a < -max_coefficient ? -max_coefficient : a > max_coefficient ? max_coefficient : a);
    }
  }
  void fade() noexcept {
    for (std::size_t i = 0; i < Inputs; ++i) {
      for (std::size_t j = 0; j <= i; ++j) r_[i][j] -= r_[i][j] / 64;
      b_[i] -= b_[i] / 64;
    }
  }

  std::array<std::array<std::int64_t, Inputs>, Inputs> r_{}; ///< lower triangle
  std::array<std::int64_t, Inputs> b_{};
  inputs coefficients_{};
  std::int64_t ridge_ = 1;
  std::uint32_t samples_ = 0;
};

} // namespace aecnn
