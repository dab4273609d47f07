// The inner loops of a network as a table of functions, one table an instruction set (kernels.hpp). Each function works
// on a few rows or tiles; the loops around them are ordinary code and are compiled once.
//
// Channels-last tensors hold the channels of a pixel next to each other. `width` floats form a vector; a vector over
// channels that reaches beyond the last channel is loaded and stored in part.
#pragma once

#include <cstddef>

namespace aecnn::nn {

/// Arguments of a convolution tile: P pixels of one row by Q vectors of output channels, all taps, all input channels:
/// out[p][q] = act(bias[q] + sum over taps t, channels k of in[offset[t] + p * in_pixel + k] * weights[t][k][q] +
/// residual[p][q]).
struct tile_arguments {
  const float* in;               ///< the pixel under the first output pixel
  std::ptrdiff_t in_pixel;       ///< floats between the inputs of two output pixels
  const std::ptrdiff_t* offsets; ///< of every tap, in floats
  std::size_t taps, depth;       ///< depth: input channels
  const float* weights;          ///< [taps][depth][Q * width]
  const float* bias;             ///< [Q * width]
  float* out;
  std::ptrdiff_t out_pixel; ///< floats between two output pixels
  std::ptrdiff_t out_block; ///< floats between two vectors of one pixel
  const float* residual;    ///< null, or what is added before the activation
  std::ptrdiff_t residual_pixel;
  std::ptrdiff_t in_row, out_row, residual_row; ///< the second row of tiles that cover two rows
  std::size_t tail;                             ///< channels of the last vector, 1 to width
  int act;                                      ///< 0 none, 1 clip, 2 leaky, 3 clip from below only
  float low, high;                              ///< clip; leaky: low holds alpha
  const float* prefetch;                        ///< what the next tiles will read of the weights
  std::size_t prefetch_step;                    ///< floats a channel
  bool far; ///< whether output and residual lie beyond the first-level cache, so that they are asked for at the start
};
using tile_function = void (*)(const tile_arguments&) noexcept;

/// A [depth][2 * width] panel of pixels times rows of weights, stored channels-first:
/// out[m][p] = act(bias[m] + sum over k of weights[k][m] * panel[k][p]) for m < M and the first `pixels` pixels.
struct row_tile_arguments {
  const float* panel;
  std::size_t depth;
  const float* weights; ///< [depth][M]
  const float* bias;
  float* out;
  std::size_t plane;  ///< floats between two channels
  std::size_t pixels; ///< 1 to 2 * width
  int act;
  float low, high;
};
using row_tile_function = void (*)(const row_tile_arguments&) noexcept;

/// Winograd's transform of one input tile into (m + 2)^2 values, for `channels` channels: to[i * pitch + c]. Rows and
/// columns outside [first, last) of the tile are zero.
struct winograd_input_arguments {
  const float* in; ///< the tile's first pixel, which may lie outside the tensor
  std::ptrdiff_t pixel, row;
  std::size_t first_row, last_row, first_column, last_column, channels;
  float* to;
  std::size_t pitch;
};
/// The transform back of one output tile for `vectors` vectors of channels, with bias, residual and activation; only
/// the first `rows` and `columns` of its m x m pixels are stored.
struct winograd_output_arguments {
  const float* from; ///< [(m + 2)^2] of `pitch` floats each
  std::size_t pitch, vectors;
  std::size_t tail;         ///< channels of the last vector, 1 to width
  std::ptrdiff_t out_block; ///< floats between two vectors of one pixel of the output
  const float* bias;
  const float* residual;
  std::ptrdiff_t residual_pixel, residual_row;
  float* out;
  std::ptrdiff_t pixel, row;
  std::size_t rows, columns;
  int act;
  float low, high;
};

/// Depthwise convolution of `pixels` output pixels of one row.
struct depthwise_arguments {
  const float* in;
  std::ptrdiff_t in_pixel;
  const std::ptrdiff_t* offsets;
  std::size_t taps, channels;
  const float* weights; ///< [taps][channels]
  const float* bias;
  float* out;
  std::size_t pixels; ///< the output's are contiguous
  const float* residual;
  int act;
  float low, high;
};

/// Max or average of a window for one output pixel.
struct pool_arguments {
  const float* in;
  std::ptrdiff_t pixel, row; ///< between the window's columns and rows
  std::size_t rows, columns, channels;
  float scale; ///< average: 1 / divisor
  float* out;
};

struct kernel_set {
  std::size_t width;             ///< floats of a vector
  std::size_t most_pixels;       ///< P of a tile is 1 to this
  std::size_t most_rows;         ///< M of a row tile is 1 to this
  bool two_rows;                 ///< whether tiles of 2 x most_pixels / 2 exist
  const tile_function* one;      ///< tiles of one vector, by P - 1
  const tile_function* two;      ///< tiles of two vectors, by P - 1
  tile_function two_by_rows;     ///< most_pixels / 2 pixels of two rows, two vectors
  const row_tile_function* rows; ///< by M - 1
  /// Transforms `width` filters, taps[9][width], into to[(m + 2)^2], `pitch` floats apart.
  void (*winograd_filter_2)(const float* taps, float* to, std::size_t pitch) noexcept;
  void (*winograd_filter_4)(const float* taps, float* to, std::size_t pitch) noexcept;
  void (*winograd_input_2)(const winograd_input_arguments&) noexcept;
  void (*winograd_input_4)(const winograd_input_arguments&) noexcept;
  void (*winograd_output_2)(const winograd_output_arguments&) noexcept;
  void (*winograd_output_4)(const winograd_output_arguments&) noexcept;
  void (*depthwise)(const depthwise_arguments&) noexcept;
  void (*max_pool)(const pool_arguments&) noexcept;
  void (*average_pool)(const pool_arguments&) noexcept;
  /// to[c * to_pitch + r] = from[r * from_pitch + c] for r < rows, c < columns.
  void (*transpose)(const float* from, std::size_t from_pitch, std::size_t rows, std::size_t columns, float* to,
                    std::size_t to_pitch) noexcept;
  /// to[r * 2 * width + i] = from[r * from_pitch + i] for i < 2 * width; brings nearer what lies `ahead` floats further
  /// on.
  void (*gather)(const float* from, std::size_t from_pitch, std::size_t rows, float* to, std::size_t ahead) noexcept;
  /// Sum and maximum of n floats, n >= 1; a NaN makes the maximum NaN.
  void (*sum_and_maximum)(const float* x, std::size_t n, float* sum, float* maximum) noexcept;
  /// y[i] = a[i] op b[i].
  void (*add)(const float* a, const float* b, float* y, std::size_t n) noexcept;
  void (*multiply)(const float* a, const float* b, float* y, std::size_t n) noexcept;
  /// y[i] = scale * x[i] + shift.
  void (*affine)(const float* x, float scale, float shift, float* y, std::size_t n) noexcept;
  /// y[i] = scale[i] * x[i] + shift[i].
  void (*affine_each)(const float* x, const float* scale, const float* shift, float* y, std::size_t n) noexcept;
  /// Activation in place or not, as in tile_arguments.
  void (*activate)(const float* x, float* y, std::size_t n, int act, float low, float high) noexcept;
};

} // namespace aecnn::nn
