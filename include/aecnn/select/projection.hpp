// A linear analysis network in integers: latents[l] = sum over inputs of weight[l][i] * input[i], where the inputs of a latent
// pixel are the selected channels at stride x stride pixels (a convolution whose kernel equals its stride; stride 1 is a 1x1
// convolution). Calibration fills it with the Karhunen-Loeve transform of those inputs. Inputs are 16-bit fixed point, weights 16-bit
// integers, sums 32-bit and exact, so the latents, and the symbols made of them, are the same on every machine.
// Time: latents * channels * pixels multiply-adds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <aecnn/core/blocks.hpp>
#include <aecnn/core/buffer.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/select/projection_kernel.hpp>

namespace aecnn {

/// Parameters of projection.
struct projection_parameters {
  std::uint32_t stride = 1;            ///< 1 to 16; the input is extended to a multiple of it by repeating its last row and column
  std::vector<float> input_scale;      ///< [selected channels] value to 16-bit input; a normal number above 0, at most 2^100
  std::vector<std::int16_t> weights;   ///< [latents][selected channels][stride][stride]; magnitudes of a row add to at most 65535
  std::vector<std::uint8_t> shift;     ///< [latents] 0..30: the sum is divided by 2^shift, rounded
};

class projection {
public:
  using parameters = projection_parameters;

  /// errc::bad_field names the parameter at fault.
  template <class Parameters = parameters>
  static status check(const Parameters& p, std::size_t channels) {
    if (p.stride < 1 || p.stride > 16) return detail::fail(errc::bad_field, "projection stride: ", p.stride, ", expected 1 to 16");
    if (p.input_scale.size() != channels)
      return detail::fail(errc::bad_field, "projection input scale: ", p.input_scale.size(), " entries, expected ", channels);
    for (const float v : p.input_scale)
      if (!positive_normal(v, power_of_two(100)))
        return detail::fail(errc::bad_field, "projection input scale: ", v, ", expected 2^-126 to 2^100");
    const std::size_t inputs = channels * p.stride * p.stride;
    if (p.shift.empty() || p.weights.size() != p.shift.size() * inputs)
      return detail::fail(errc::bad_field, "projection weights: ", p.weights.size(), " for ", p.shift.size(), " latents of ", inputs, " inputs");
    for (const auto s : p.shift)
      if (s > 30) return detail::fail(errc::bad_field, "projection shift: ", +s, ", expected 0 to 30");
    for (std::size_t l = 0; l < p.shift.size(); ++l) {
      std::int64_t sum = 0;
      for (std::size_t i = 0; i < inputs; ++i) {
        const std::int64_t w = p.weights[l * inputs + i];
        sum += w < 0 ? -w : w;
      }
      if (sum > 65535) return detail::fail(errc::bad_field, "projection weights of latent ", l, ": magnitudes add to ", sum, ", expected at most 65535");
    }
    return {};
  }
  template <class Parameters = parameters>
  static result<projection> create(const Parameters& p, std::size_t channels) {
    if (auto s = check(p, channels); !s) return s.error();
    return projection(p, channels);
  }

  std::size_t latents() const noexcept { return p_.shift.size(); }
  std::size_t stride() const noexcept { return p_.stride; }
  /// Height or width of a latent plane.
  static constexpr std::size_t reduced(std::size_t extent, std::size_t stride) noexcept { return (extent + stride - 1) / stride; }

  /// Fills out[latents * h * w] from the selected channels of the source; sets the top bit of `not_finite` where one of them
  /// holds an infinity or a NaN. Allocates only where a tensor is larger than any before.
  template <class T>
  void apply(const detail::element_source<T>& source, std::span<const std::uint16_t> channels, std::span<std::int32_t> out,
             std::uint32_t& not_finite) {
    const shape3 shape = source.elements.shape;
    const std::size_t s = p_.stride, h = reduced(shape.height, s), w = reduced(shape.width, s), area = h * w;
    const std::size_t pixels = detail::projection_pixels, padded = (area + pixels - 1) / pixels * pixels;
    const std::size_t pairs = (channels.size() * s * s + 1) / 2;
    padded_ = padded;
    detail::resize(inputs_, 2 * pairs * padded);
    for (std::size_t k = 0; k < channels.size(); ++k) scales_[k] = joint_scale(p_.input_scale[k], source.factor);
    detail::for_each_block(source, channels, [&](std::size_t k, std::size_t first, std::size_t n, const float* block) {
      std::int32_t fixed[fixed_block];
      std::uint32_t seen = 0;
      for (std::size_t i = 0; i < fixed_block; ++i) seen |= detail::not_finite_bit(block[i]);
      not_finite |= seen;
      to_fixed_block(block, scales_[k], fixed);
      for (std::size_t i = 0; i < fixed_block; ++i)
        fixed[i] = fixed[i] > 32767 ? 32767 : fixed[i] < -32767 ? -32767 : fixed[i];
      std::size_t y = first / shape.width, x = first % shape.width;
      for (std::size_t i = 0; i < n;) {
        // One row's part: its taps follow each other, and every stride-th of them is in the next pixel.
        const std::size_t end = n - i < shape.width - x ? n : i + (shape.width - x);
        std::size_t tap = x % s, pixel = y / s * w + x / s;
        for (; i < end; ++i) {
          *input(k * s * s + y % s * s + tap, pixel) = static_cast<std::int16_t>(fixed[i]);
          if (++tap == s) {
            tap = 0;
            ++pixel;
          }
        }
        x = 0;
        ++y;
      }
    });
    extend(shape, channels.size(), h, w);
    std::int32_t sums[detail::projection_latents * detail::projection_pixels];
    for (std::size_t l = 0; l < latents(); l += detail::projection_latents) {
      for (std::size_t begin = 0; begin < area; begin += pixels) {
        kernel_(inputs_.data() + 2 * begin, 2 * padded, pairs_.data() + l * 2 * pairs, 2 * pairs, pairs, sums);
        const std::size_t n = area - begin < pixels ? area - begin : pixels;
        for (std::size_t k = 0; k < detail::projection_latents && l + k < latents(); ++k) {
          const int shift = p_.shift[l + k];
          const std::int64_t half = shift > 0 ? std::int64_t{1} << (shift - 1) : 0;
          for (std::size_t j = 0; j < n; ++j) {
            // Within fixed_limit, so that an offset can be subtracted; symbols end far below it.
            const std::int64_t v = (sums[k * detail::projection_pixels + j] + half) >> shift;
            out[(l + k) * area + begin + j] =
                static_cast<std::int32_t>(v > fixed_limit ? fixed_limit : v < -fixed_limit ? -fixed_limit : v);
          }
        }
      }
    }
  }

private:
  template <class Parameters>
  projection(const Parameters& p, std::size_t channels)
      : p_(p), scales_(channels), kernel_(detail::choose_projection_kernel(best_instruction_set())) {
    // Rows of an even number of weights, and rows of zeros up to a whole number of kernels.
    const std::size_t inputs = channels * p.stride * p.stride, even = inputs + inputs % 2;
    const std::size_t rows = (latents() + detail::projection_latents - 1) / detail::projection_latents * detail::projection_latents;
    detail::resize(pairs_, rows * even);
    for (std::size_t l = 0; l < latents(); ++l)
      for (std::size_t i = 0; i < inputs; ++i) pairs_[l * even + i] = p.weights[l * inputs + i];
  }

  std::int16_t* input(std::size_t number, std::size_t pixel) noexcept {
    return inputs_.data() + (number / 2 * padded_ + pixel) * 2 + number % 2;
  }

  // Repeats the last row and column where the extents are not multiples of the stride.
  void extend(shape3 shape, std::size_t channels, std::size_t h, std::size_t w) {
    const std::size_t s = p_.stride;
    if (h * s == shape.height && w * s == shape.width) return;
    const auto at = [&](std::size_t k, std::size_t y, std::size_t x) {
      return input(k * s * s + y % s * s + x % s, y / s * w + x / s);
    };
    for (std::size_t k = 0; k < channels; ++k)
      for (std::size_t y = 0; y < h * s; ++y)
        for (std::size_t x = y < shape.height ? shape.width : 0; x < w * s; ++x)
          *at(k, y, x) = *at(k, y < shape.height ? y : shape.height - 1, x < shape.width ? x : shape.width - 1);
  }

  parameters p_;
  std::vector<float> scales_;
  detail::projection_kernel kernel_;
  std::size_t padded_ = 0;           ///< pixels of a latent plane, rounded up to whole kernels
  std::vector<std::int16_t> pairs_;  ///< the weights in the kernel's layout
  std::vector<std::int16_t> inputs_; ///< [channels * stride * stride / 2][padded_][2]
};

} // namespace aecnn
