// The inner loops of an integer network as a table of functions, one table an instruction set (kernels.hpp). All of
// them give the same bytes: sums are exact in 32 bits, and rescale.hpp defines the rounding.
//
// Channels-last tensors of bytes; a pixel's channels are followed by up to three bytes of any value, so that a pixel
// takes a multiple of four. Weights are packed for vectors of 16 output channels: [4-channel group][lane][4].
#pragma once

#include <cstddef>
#include <cstdint>

namespace aecnn::nn {

inline constexpr std::size_t quantized_lanes = 16;

/// From 32-bit sums to bytes: out = min(max(zero + rescale(sum, factor) + residual part, low), high), for 16 channels
/// each.
struct output_rule {
  const std::int32_t* multipliers;
  const std::int32_t* shifts; ///< null where all are 0
  std::int32_t zero, low, high;
  std::int32_t residual_multiplier, residual_zero; ///< adds (residual - zero) * 2^8 * multiplier before the rounding
};

/// A tile of P pixels of one row by Q vectors of output channels:
/// sum[p][q] = bias[q] + sum over taps t, channel groups k of in[offset[t] + p * in_pixel + 4 k ..] . weights[t][k][q].
struct quantized_tile {
  const std::uint8_t* in;
  std::ptrdiff_t in_pixel;
  const std::ptrdiff_t* offsets;
  std::size_t taps, groups;   ///< groups of four input channels
  const std::int8_t* weights; ///< [taps][groups][Q * 16][4]
  const std::int32_t* bias;   ///< [Q * 16]
  output_rule rule;
  std::uint8_t* out;
  std::ptrdiff_t out_pixel, out_block; ///< between two pixels, between two vectors of one pixel
  const std::uint8_t* residual;        ///< null, or what is added
  std::ptrdiff_t residual_pixel;
  std::size_t tail; ///< channels of the last vector, 1 to 16
};
using quantized_tile_function = void (*)(const quantized_tile&) noexcept;

/// M output channels of up to 16 * most_vectors pixels of a 1x1 convolution, stored channels-first as floats:
/// out[m][p] = (byte of sum - rule.zero) * scale. `panel` is [groups][16 * most_vectors][4].
struct quantized_rows {
  const std::uint8_t* panel;
  std::size_t groups;
  const std::int8_t* weights; ///< [groups][M][4]
  const std::int32_t* bias;   ///< [M]
  output_rule rule;           ///< no residual
  float scale;
  float* out;
  std::size_t plane, pixels;
};
using quantized_rows_function = void (*)(const quantized_rows&) noexcept;

/// Depthwise convolution of `pixels` output pixels of one row.
struct quantized_depthwise {
  const std::uint8_t* in;
  std::ptrdiff_t in_pixel;
  const std::ptrdiff_t* offsets;
  std::size_t taps, channels;
  const std::int32_t* weights; ///< [taps][channels rounded up to 16]
  const std::int32_t* bias;
  output_rule rule;
  std::uint8_t* out;
  std::size_t out_pixel, pixels;
  const std::uint8_t* residual;
  std::ptrdiff_t residual_pixel;
};

struct quantized_kernel_set {
  std::size_t most_pixels;            ///< P of a tile is 1 to this
  std::size_t most_vectors;           ///< Q of a tile, 1 or 2
  const quantized_tile_function* one; ///< by P - 1
  const quantized_tile_function* two;
  const quantized_rows_function* rows; ///< by M - 1, M up to most_pixels; of panels of 16 * most_vectors pixels
  /// The panel of up to 16 * most_vectors pixels that lie `pitch` bytes apart; missing ones repeat the last.
  void (*gather)(const std::uint8_t* from, std::size_t pitch, std::size_t pixels, std::size_t groups,
                 std::uint8_t* to) noexcept;
  void (*depthwise)(const quantized_depthwise&) noexcept;
  /// [channels][plane] floats to channels-last bytes, `pixels` of each channel; pads the channels with `zero` up to
  /// `pitch`.
  void (*quantize)(const float* in, std::size_t plane, std::size_t channels, std::size_t pixels, float steps,
                   std::int32_t zero, std::uint8_t* out, std::size_t pitch) noexcept;
  /// The way back: out[c][p] = (byte - zero) * scale.
  void (*dequantize)(const std::uint8_t* in, std::size_t pitch, std::size_t channels, std::size_t pixels, float scale,
                     std::int32_t zero, float* out, std::size_t plane) noexcept;
};

} // namespace aecnn::nn
