// A linear analysis network in integers: latents[l] = bias[l] + sum over inputs of weight[l][i] * input[i], where the inputs of a latent
// pixel are the selected channels at stride x stride pixels (a convolution whose kernel equals its stride; stride 1 is a 1x1
// convolution). Calibration fills it with the Karhunen-Loeve transform of those inputs. Inputs are 16-bit fixed point, weights 16-bit
// integers, sums 32-bit and exact, so the latents, and the symbols made of them, are the same on every machine.
// Time: latents * channels * pixels multiply-adds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
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
  std::vector<std::int16_t> weights;   ///< [latents][selected channels][stride][stride]; magnitudes of a row add to at most largest_sum
  std::vector<std::int32_t> bias;      ///< [latents] added to the sum, magnitudes at most 2^30; empty: 0
  std::vector<std::uint8_t> shift;     ///< [latents] 0..30: the sum is divided by 2^shift, truncated toward zero
};

class projection {
public:
  using parameters = projection_parameters;
  /// Most that the magnitudes of a row of weights may add to.
  static constexpr std::int32_t largest_sum = (1 << 20) - 1;

  /// Most that the magnitude of a bias may be.
  static constexpr std::int32_t largest_bias = 1 << 30;

  /// The largest magnitude of an input beside rows of weights whose magnitudes add to `sum` at most and biases of magnitude
  /// `bias` at most: what keeps sums within 32 bits. More bits for the weights are fewer for the inputs.
  static constexpr std::int32_t input_limit(std::int32_t sum, std::int32_t bias = 0) noexcept {
    const std::int32_t limit = (0x7fffffff - bias) / (sum > 0 ? sum : 1);
    return limit < 32767 ? limit : 32767;
  }

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
    for (std::size_t l = 0; l < p.shift.size(); ++l)
      if (const std::int64_t sum = sum_of_row(p, l, inputs); sum > largest_sum)
        return detail::fail(errc::bad_field, "projection weights of latent ", l, ": magnitudes add to ", sum, ", expected at most ", largest_sum);
    if (!p.bias.empty() && p.bias.size() != p.shift.size())
      return detail::fail(errc::bad_field, "projection bias: ", p.bias.size(), " entries, expected ", p.shift.size());
    for (const std::int32_t b : p.bias)
      if (b > largest_bias || b < -largest_bias)
        return detail::fail(errc::bad_field, "projection bias: ", b, ", expected a magnitude of at most 2^30");
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
    // Behind each plane there is room for the rest of a block that is written, and of a chunk that is read.
    plane_ = shape.area() + fixed_block;
    detail::resize(inputs_, channels.size() * plane_);
    for (std::size_t k = 0; k < channels.size(); ++k) scales_[k] = joint_scale(2 * p_.input_scale[k], source.factor);
    detail::for_each_block(source, channels, [&](std::size_t k, std::size_t first, std::size_t, const float* block) {
      not_finite |= kernels_.convert(block, scales_[k], limit_, inputs_.data() + k * plane_ + first);
    });
    project(shape, channels.size(), out.data());
  }

private:
  template <class Parameters>
  static std::int64_t sum_of_row(const Parameters& p, std::size_t latent, std::size_t inputs) {
    std::int64_t sum = 0;
    for (std::size_t i = latent * inputs; i < (latent + 1) * inputs; ++i)
      sum += p.weights[i] < 0 ? -std::int64_t{p.weights[i]} : std::int64_t{p.weights[i]};
    return sum;
  }

  // Words of a row that are copied at once.
  static constexpr std::size_t chunk = 8;
  // Of panels, in bytes: the longest vector that kernels load.
  static constexpr std::size_t alignment = 64;

  template <class Parameters>
  projection(const Parameters& p, std::size_t channels)
      : p_(p), scales_(channels), kernels_(detail::choose_projection_kernels(best_instruction_set())) {
    const std::size_t s = p_.stride, inputs = channels * s * s;
    // Zeros complete the pairs and the latents of the last tile.
    pairs_ = by_columns() ? inputs / 2 : (channels + 1) / 2 * s * s;
    const std::size_t tiles = (latents() + detail::projection_latents - 1) / detail::projection_latents;
    detail::resize(weights_, tiles * detail::projection_latents * 2 * pairs_);
    for (std::size_t l = 0; l < latents(); ++l)
      for (std::size_t i = 0; i < inputs; ++i) {
        const std::size_t k = i / (s * s);
        const std::size_t pair = by_columns() ? i / 2 : k / 2 * s * s + i % (s * s), half = by_columns() ? i % 2 : k % 2;
        const std::size_t tile = l / detail::projection_latents, row = l % detail::projection_latents;
        weights_[((tile * pairs_ + pair) * detail::projection_latents + row) * 2 + half] = p.weights[l * inputs + i];
      }
    detail::resize(shifts_, tiles * detail::projection_latents);
    for (std::size_t l = 0; l < latents(); ++l) shifts_[l] = p_.shift[l];
    bias_.assign(tiles * detail::projection_latents, 0);
    std::int64_t sum = 0;
    std::int32_t most = 0;
    for (std::size_t l = 0; l < latents(); ++l) {
      const std::int64_t of_row = sum_of_row(p, l, inputs);
      sum = of_row > sum ? of_row : sum;
      if (!p.bias.empty()) bias_[l] = p.bias[l];
      const std::int32_t magnitude = bias_[l] < 0 ? -bias_[l] : bias_[l];
      most = magnitude > most ? magnitude : most;
    }
    limit_ = input_limit(static_cast<std::int32_t>(sum), most);
    const std::size_t padded = (inputs + detail::projection_inputs - 1) / detail::projection_inputs * detail::projection_inputs;
    rows_.assign(latents() * padded, 0);
    for (std::size_t l = 0; l < latents(); ++l)
      std::memcpy(rows_.data() + l * padded, p.weights.data() + l * inputs, inputs * sizeof(std::int16_t));
    patches_.assign(detail::projection_few * padded, 0);
    p_.weights = {};
    detail::resize(panel_, 2 * (pairs_ * detail::projection_pixels + chunk) + alignment / sizeof(std::int16_t));
  }

  // Whether the pairs that kernels take are two columns of a channel, which follow each other in memory, or, where the
  // stride is odd, one column of two channels.
  bool by_columns() const noexcept { return p_.stride % 2 == 0; }

  std::int16_t* panel() noexcept {
    const std::size_t beyond = reinterpret_cast<std::uintptr_t>(panel_.data()) % alignment;
    return panel_.data() + (beyond == 0 ? 0 : (alignment - beyond) / sizeof(std::int16_t));
  }

  void project(shape3 shape, std::size_t channels, std::int32_t* out) {
    const std::size_t area = reduced(shape.height, p_.stride) * reduced(shape.width, p_.stride);
    if (area <= detail::projection_few) {
      project_few(shape, channels, area, out);
      return;
    }
    alignas(64) std::int32_t tile[detail::projection_latents * detail::projection_pixels];
    for (std::size_t begin = 0; begin < area; begin += detail::projection_pixels) {
      const std::size_t n = area - begin < detail::projection_pixels ? area - begin : detail::projection_pixels;
      fill_panel(shape, channels, begin, n);
      for (std::size_t l = 0; l < latents(); l += detail::projection_latents) {
        kernels_.project({panel(), weights_.data() + l * 2 * pairs_, pairs_, bias_.data() + l, shifts_.data() + l, tile}, n);
        for (std::size_t k = 0; k < detail::projection_latents && l + k < latents(); ++k) {
          const std::int32_t* from = tile + k * detail::projection_pixels;
          std::int32_t* to = out + (l + k) * area + begin;
          if (n == detail::projection_pixels) {
            std::memcpy(to, from, detail::projection_pixels * sizeof(std::int32_t));
          } else {
            for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
          }
        }
      }
    }
  }

  // The same for a few pixels, each with its inputs in a row of the panel.
  void project_few(shape3 shape, std::size_t channels, std::size_t area, std::int32_t* out) {
    const std::size_t s = p_.stride, w = reduced(shape.width, s), padded = rows_.size() / latents();
    for (std::size_t i = 0; i < area; ++i) {
      const std::size_t y = i / w * s, x = i % w * s;
      const std::size_t columns = shape.width - x < s ? shape.width - x : s;
      std::int16_t* to = patches_.data() + i * padded;
      for (std::size_t k = 0; k < channels; ++k)
        for (std::size_t a = 0; a < s; ++a, to += s) {
          const std::size_t row = y + a < shape.height ? y + a : shape.height - 1;
          const std::int16_t* from = inputs_.data() + k * plane_ + row * shape.width + x;
          std::memcpy(to, from, columns * sizeof(std::int16_t));
          for (std::size_t b = columns; b < s; ++b) to[b] = from[columns - 1];
        }
    }
    kernels_.project_few({patches_.data(), rows_.data(), padded, area, latents(), bias_.data(), shifts_.data(), out});
  }

  // Pixels of a panel that follow each other in a row of latents.
  struct piece {
    std::size_t first;     ///< offset of their first input in its plane
    std::size_t rows_left; ///< below it
    std::size_t at, count; ///< pixels of the panel
    bool last;             ///< whether they end their row
  };

  // The inputs of latent pixels begin..begin+n-1.
  void fill_panel(shape3 shape, std::size_t channels, std::size_t begin, std::size_t n) {
    if (p_.stride == 1) {
      std::int16_t* to = panel();
      for (std::size_t k = 0; k < channels; k += 2, to += 2 * detail::projection_pixels) {
        const std::int16_t* first = inputs_.data() + k * plane_ + begin;
        kernels_.interleave(first, k + 1 < channels ? first + plane_ : first, to);
      }
      return;
    }
    const std::size_t s = p_.stride, w = reduced(shape.width, s);
    piece pieces[detail::projection_pixels];
    std::size_t count = 0;
    for (std::size_t i = 0, y = begin / w, x = begin % w; i < n; ++y, x = 0) {
      const std::size_t pixels = n - i < w - x ? n - i : w - x;
      pieces[count++] = {y * s * shape.width + x * s, shape.height - 1 - y * s, i, pixels, x + pixels == w};
      i += pixels;
    }
    if (s == 2)
      fill_pieces<2>(shape, channels, {pieces, count});
    else if (s == 4)
      fill_pieces<4>(shape, channels, {pieces, count});
    else
      fill_pieces<0>(shape, channels, {pieces, count});
  }

  // Stride is that of the projection where it is not 0.
  template <std::size_t Stride>
  void fill_pieces(shape3 shape, std::size_t channels, std::span<const piece> pieces) {
    const std::size_t s = Stride != 0 ? Stride : p_.stride, width = shape.width, plane = plane_;
    const bool columns = s % 2 == 0;
    // The last column is repeated where the stride goes beyond it.
    const std::size_t beyond = reduced(width, s) * s - width;
    std::int16_t* to = panel();
    for (std::size_t k = 0; k < channels; k += columns ? 1 : 2) {
      const std::int16_t* const channel = inputs_.data() + k * plane;
      const std::size_t partner = !columns && k + 1 < channels ? plane : 0;
      for (std::size_t a = 0; a < s; ++a, to += (columns ? s / 2 : s) * 2 * detail::projection_pixels)
        // In the order of the panel: what a chunk writes behind its piece, a later one replaces.
        for (const piece& p : pieces) {
          const std::int16_t* first = channel + p.first + (a < p.rows_left ? a : p.rows_left) * width;
          if (columns)
            put_columns(first, s, p.count, to + 2 * p.at);
          else
            put_channels(first, first + partner, s, p.count, to + 2 * p.at);
          if (beyond > 0 && p.last) {
            const std::int16_t* end = first + p.count * s - beyond - 1;
            for (std::size_t b = s - beyond; b < s; ++b) put_tap(b, end[0], end[partner], to + 2 * (p.at + p.count - 1));
          }
        }
    }
  }

  // All columns b of `count` pixels: pair b / 2 of the panel from `to` on.
  static void put_columns(const std::int16_t* from, std::size_t s, std::size_t count, std::int16_t* to) {
    if (s == 2) {
      for (std::size_t i = 0; i < count; i += chunk) std::memcpy(to + 2 * i, from + 2 * i, 2 * chunk * sizeof(std::int16_t));
    } else {
      for (std::size_t b = 0; b < s; b += 2, to += 2 * detail::projection_pixels)
        for (std::size_t i = 0; i < count; ++i) std::memcpy(to + 2 * i, from + i * s + b, 2 * sizeof(std::int16_t));
    }
  }
  // The same of two channels: pair b.
  static void put_channels(const std::int16_t* first, const std::int16_t* second, std::size_t s, std::size_t count, std::int16_t* to) {
    for (std::size_t b = 0; b < s; ++b, to += 2 * detail::projection_pixels)
      for (std::size_t i = 0; i < count; ++i) {
        to[2 * i] = first[i * s + b];
        to[2 * i + 1] = second[i * s + b];
      }
  }
  void put_tap(std::size_t b, std::int16_t first, std::int16_t second, std::int16_t* to) const {
    if (by_columns()) {
      to[b / 2 * 2 * detail::projection_pixels + b % 2] = first;
    } else {
      to[b * 2 * detail::projection_pixels] = first;
      to[b * 2 * detail::projection_pixels + 1] = second;
    }
  }

  parameters p_;                      ///< without the weights
  std::vector<float> scales_;
  detail::projection_kernels kernels_;
  std::int32_t limit_ = 0;            ///< of inputs
  std::size_t pairs_ = 0;             ///< of inputs
  std::size_t plane_ = 0;             ///< from one channel of inputs_ to the next
  std::vector<std::int16_t> weights_; ///< the weights in the kernel's layout
  std::vector<std::int32_t> bias_;    ///< [latents], completed to whole tiles
  std::vector<std::uint8_t> shifts_;  ///< [latents], completed to whole tiles
  std::vector<std::int16_t> inputs_;  ///< [channels][plane_] the tensor in 16 bits
  std::vector<std::int16_t> panel_;   ///< the kernel's inputs for some of the pixels
  std::vector<std::int16_t> rows_;    ///< the weights one row after the other, for few pixels
  std::vector<std::int16_t> patches_; ///< their inputs
};

} // namespace aecnn
