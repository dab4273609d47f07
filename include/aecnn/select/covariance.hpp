// The covariance of channels over all pixels of sample tensors: what the Karhunen-Loeve transform, the reconstruction
// ranking and the closed-form decoder are computed from.
// Time C^2/2 products per pixel, in tiles of 4 by 16 channels; products of 64 pixels are summed in float, the rest in
// double. Memory C^2 doubles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/fixed_point.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/select/element_blocks.hpp>

namespace aecnn {

/// merge() is commutative, and associative up to the rounding of double additions: results of different partitions
/// agree to about 1e-15 of the mean products.
class covariance_accumulator {
public:
  explicit covariance_accumulator(std::size_t channels)
      : channels_(channels), width_((channels + tile_columns - 1) / tile_columns * tile_columns), sums_(channels),
        products_(channels * width_) {}

  /// Adds the pixels of one tensor, each once. errc::bad_shape where x has another number of channels, errc::not_finite
  /// where it holds an infinity or a NaN; the accumulator is then as before.
  template <class View>
  status add(const View& x) {
    const auto source = detail::source_of(x);
    const shape3& shape = source.elements.shape;
    if (shape.channels != channels_)
      return detail::fail(errc::bad_shape, "tensor of ", to_string(shape), ", expected ", channels_, " channels");
    const float* p = detail::planar(source, planar_);
    const std::size_t area = shape.area();
    if (!all_finite(p, shape.size()))
      return detail::fail(errc::not_finite, "tensor of ", to_string(shape), " holds an infinity or a NaN");
    panel_.assign(pixels * width_, 0.0f);
    for (std::size_t first = 0; first < area; first += pixels)
      add_pixels(p + first, area, area - first < pixels ? area - first : pixels);
    count_ += area;
    return {};
  }
  /// errc::bad_shape where the numbers of channels differ.
  status merge(const covariance_accumulator& other) {
    if (other.channels_ != channels_)
      return detail::fail(errc::bad_shape, "covariance of ", other.channels_, " channels merged into one of ",
                          channels_);
    for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += other.sums_[i];
    for (std::size_t i = 0; i < products_.size(); ++i) products_[i] += other.products_[i];
    count_ += other.count_;
    return {};
  }

  std::size_t channels() const noexcept { return channels_; }
  /// Pixels seen so far.
  std::uint64_t count() const noexcept { return count_; }
  /// The mean of each channel [C]; zeros before the first pixel.
  std::vector<double> mean() const {
    std::vector<double> m(sums_);
    for (double& v : m) v *= weight();
    return m;
  }
  /// Mean products [C,C] of each pair of channels, symmetric.
  std::vector<double> second_moment() const {
    std::vector<double> g(channels_ * channels_);
    for (std::size_t i = 0; i < channels_; ++i)
      for (std::size_t j = i; j < channels_; ++j)
        g[i * channels_ + j] = g[j * channels_ + i] = products_[i * width_ + j] * weight();
    return g;
  }
  /// Mean products [C,C] of each pair's distances from their means, symmetric. A channel whose variance is below a
  /// millionth of its mean square counts as constant, with covariances of 0: the sums know no better, and their rounding
  /// errors are no covariances.
  std::vector<double> covariance() const {
    std::vector<double> g = second_moment();
    const std::vector<double> m = mean();
    std::vector<bool> constant(channels_);
    for (std::size_t i = 0; i < channels_; ++i) {
      const double square = g[i * channels_ + i];
      constant[i] = !(square - m[i] * m[i] > 1e-6 * square);
    }
    for (std::size_t i = 0; i < channels_; ++i)
      for (std::size_t j = 0; j < channels_; ++j) {
        double& v = g[i * channels_ + j];
        v = constant[i] || constant[j] ? 0.0 : v - m[i] * m[j];
      }
    return g;
  }

private:
  static constexpr std::size_t tile_rows = 4, tile_columns = 16, pixels = fixed_block;

  double weight() const noexcept { return count_ == 0 ? 0.0 : 1.0 / static_cast<double>(count_); }

  // x points at the first of n pixels of channel 0; channels are `area` apart.
  void add_pixels(const float* x, std::size_t area, std::size_t n) noexcept {
    for (std::size_t c = 0; c < channels_; ++c) {
      const float* p = x + c * area;
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) {
        panel_[i * width_ + c] = p[i];
        sum += static_cast<double>(p[i]);
      }
      sums_[c] += sum;
    }
    for (std::size_t i = 0; i < channels_; i += tile_rows)
      for (std::size_t j = i / tile_columns * tile_columns; j < width_; j += tile_columns) add_tile(i, j, n);
  }

  // Products of channels row..row+3 with column..column+15; rows beyond the last channel lie in the padding.
  void add_tile(std::size_t row, std::size_t column, std::size_t n) noexcept {
    float sum[tile_rows][tile_columns] = {};
    const float* panel = panel_.data();
    for (std::size_t p = 0; p < n; ++p, panel += width_) {
      const float a = panel[row], b = panel[row + 1], c = panel[row + 2], d = panel[row + 3];
      for (std::size_t k = 0; k < tile_columns; ++k) {
        const float v = panel[column + k];
        sum[0][k] += a * v;
        sum[1][k] += b * v;
        sum[2][k] += c * v;
        sum[3][k] += d * v;
      }
    }
    for (std::size_t r = 0; r < tile_rows && row + r < channels_; ++r) {
      double* out = products_.data() + (row + r) * width_ + column;
      for (std::size_t k = 0; k < tile_columns; ++k) out[k] += static_cast<double>(sum[r][k]);
    }
  }

  std::size_t channels_, width_; ///< width: channels rounded up to whole tiles
  std::uint64_t count_ = 0;
  std::vector<double> sums_;     ///< [channels]
  std::vector<double> products_; ///< [channels, width], complete on and above the diagonal
  std::vector<float> planar_, panel_;
};

} // namespace aecnn
