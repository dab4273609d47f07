// Direct convolution on channels-last tensors: tiles of output pixels by two vectors of output channels stay in
// registers over all taps and input channels; the weights are packed in the order in which the tiles read them, and the
// input has a zero border. A transposed convolution is one ordinary convolution for each position of the output within
// the stride, and a DepthToSpace that follows is a matter of where the tiles are stored. Cost: M * C / groups * taps
// multiply-adds an output pixel.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <aecnn/nn/kernels/kernel_set.hpp>
#include <aecnn/nn/steps/fused_convolution.hpp>
#include <aecnn/nn/steps/step.hpp>

namespace aecnn::nn {

/// Cycles that one tile of P pixels and 1 or 2 vectors takes for each input channel and tap: arithmetic, loads and
/// latency of a core with two multiply-add units. Only ratios matter.
inline double tile_cycles(std::size_t pixels, std::size_t vectors = 2) noexcept {
  const auto p = static_cast<double>(pixels), v = static_cast<double>(vectors);
  return std::max({p * v / 2, 4.0, (p + v + 1) / 2}) + 0.15;
}
/// The same for a row of `width` pixels in tiles of P.
inline double row_cycles(std::size_t width, std::size_t pixels, std::size_t vectors = 2) noexcept {
  const std::size_t whole = width / pixels, rest = width % pixels;
  return static_cast<double>(whole) * tile_cycles(pixels, vectors) +
         (rest == 0 ? 0 : tile_cycles(rest, vectors));
}

/// The number of pixels of a tile that takes the fewest cycles for a row of `width` pixels.
inline std::size_t best_tile(std::size_t width, std::size_t most, std::size_t vectors = 2) noexcept {
  std::size_t best = 1;
  double least = 1e300;
  for (std::size_t p = 1; p <= most && p <= width; ++p)
    if (const double cycles = row_cycles(width, p, vectors); cycles <= least) {
      least = cycles;
      best = p;
    }
  return best;
}

/// Rows and columns beside the input that a convolution reads, when it gives an output of the given size.
inline std::size_t required_border(const convolution& c, const plane_layout& in, const plane_layout& out) noexcept {
  std::int64_t border = 0;
  const std::size_t extent[2] = {in.height, in.width}, given[2] = {out.height, out.width};
  for (std::size_t i = 0; i < 2; ++i) {
    const window& w = c.area;
    const std::int64_t span = w.dilations[i] * (w.kernel[i] - 1);
    const auto last = static_cast<std::int64_t>(extent[i]) - 1, last_out = static_cast<std::int64_t>(given[i]) - 1;
    if (c.transposed) { // input (o + before - k * dilation) / stride for output o and tap k
      border = std::max({border, (span - w.before[i]) / w.strides[i], (last_out + w.before[i]) / w.strides[i] - last});
    } else {
      border = std::max({border, w.before[i], last_out * w.strides[i] - w.before[i] + span - last});
    }
  }
  return static_cast<std::size_t>(border);
}

class direct_convolution final : public step {
public:
  /// Buffers: input, output and, where there is one, the residual. The input's border is at least required_border.
  /// `split`: long sums are added in parts, which halves their error; not together with a DepthToSpace.
  direct_convolution(const fused_convolution& f, const kernel_set& kernels, std::size_t in,
                     const plane_layout& in_layout, std::size_t out, const plane_layout& out_layout,
                     std::size_t residual, const plane_layout& residual_layout, bool split = false)
      : kernels_(kernels), in_(in), out_(out), residual_(f.has_residual ? residual : none), in_layout_(in_layout),
        out_layout_(out_layout), residual_layout_(residual_layout), after_(to_kernel(f.after)),
        zero_(2 * kernels.width), split_(split) {
    reads = {in};
    if (f.has_residual) reads.push_back(residual);
    writes = {out};
    make_phases(f);
    std::size_t most_columns = 1;
    for (const phase& p : phases_) most_columns = std::max(most_columns, p.columns);
    two_rows_ = kernels.two_rows && phases_.size() == 1 && most_columns == kernels.most_pixels / 2;
    const std::size_t vectors = f.group_outputs() > kernels.width ? 2 : 1;
    pixels_ = two_rows_ ? most_columns : best_tile(most_columns, kernels.most_pixels, vectors);
    block_outer_ = weights_.size() * sizeof(float) > 900 * 1024;
    if (two_rows_)
      for (phase& p : phases_) p.units = p.blocks.size() * out_rows(p, 2);
    units_ = 0;
    for (phase& p : phases_) {
      p.first_unit = units_;
      units_ += p.units;
    }
  }

  std::size_t units() const override { return units_; }

  void run(buffer_table buffers, std::size_t first, std::size_t last, float*) const noexcept override {
    for (const phase& p : phases_) {
      const std::size_t begin = std::max(first, p.first_unit), end = std::min(last, p.first_unit + p.units);
      for (std::size_t u = begin; u < end; ++u) run_unit(p, u - p.first_unit, buffers);
    }
  }

private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  static constexpr std::size_t split_terms = 128;

  /// Up to two vectors of output channels of one group.
  struct block {
    std::size_t vectors, tail, input, weights, bias;
    std::ptrdiff_t out, out_block;
  };
  /// An ordinary convolution whose outputs lie `out_step` pixels apart.
  struct phase {
    std::vector<std::ptrdiff_t> offsets;
    std::vector<block> blocks;
    std::size_t rows = 0, columns = 0; ///< rows of all items of the batch
    std::ptrdiff_t out_y = 0, out_x = 0;
    std::size_t units = 0, first_unit = 0;
  };

  static std::size_t out_rows(const phase& p, std::size_t together) { return (p.rows + together - 1) / together; }

  void make_phases(const fused_convolution& f) {
    const convolution& c = f.spec;
    const window& w = c.area;
    const std::size_t kw = static_cast<std::size_t>(w.kernel[1]);
    const std::size_t b = static_cast<std::size_t>(f.rearrange.block);
    const output_order order(f, out_layout_.row());
    in_step_y_ = c.transposed ? 1 : w.strides[0];
    in_step_x_ = c.transposed ? 1 : w.strides[1];
    out_step_y_ = c.transposed ? w.strides[0] : static_cast<std::int64_t>(b);
    out_step_x_ = c.transposed ? w.strides[1] : static_cast<std::int64_t>(b);
    flat_ = !c.transposed && f.taps() == 1 && w.strides[0] == 1 && w.strides[1] == 1 && b == 1 &&
            in_layout_.border == 0 && out_layout_.border == 0 && (residual_ == none || residual_layout_.border == 0) &&
            in_layout_.pixels() == out_layout_.pixels();
    const std::int64_t phase_rows = c.transposed ? w.strides[0] : 1, phase_columns = c.transposed ? w.strides[1] : 1;
    for (std::int64_t ry = 0; ry < phase_rows; ++ry)
      for (std::int64_t rx = 0; rx < phase_columns; ++rx) {
        const auto height = static_cast<std::int64_t>(out_layout_.height / b),
                   width = static_cast<std::int64_t>(out_layout_.width / b);
        if (ry >= height || rx >= width) continue;
        phase p;
        std::vector<std::size_t> taps;
        for (std::int64_t ky = 0; ky < w.kernel[0]; ++ky)
          for (std::int64_t kx = 0; kx < w.kernel[1]; ++kx) {
            std::int64_t y = ky * w.dilations[0] - w.before[0], x = kx * w.dilations[1] - w.before[1];
            if (c.transposed) {
              y = ry + w.before[0] - ky * w.dilations[0];
              x = rx + w.before[1] - kx * w.dilations[1];
              if (y % w.strides[0] != 0 || x % w.strides[1] != 0) continue;
              y /= w.strides[0];
              x /= w.strides[1];
            }
            p.offsets.push_back(y * static_cast<std::ptrdiff_t>(in_layout_.row()) +
                                x * static_cast<std::ptrdiff_t>(in_layout_.channels));
            taps.push_back(static_cast<std::size_t>(ky) * kw + static_cast<std::size_t>(kx));
          }
        p.out_y = ry;
        p.out_x = rx;
        p.rows = out_layout_.batch * static_cast<std::size_t>((height - ry + phase_rows - 1) / phase_rows);
        p.columns = static_cast<std::size_t>((width - rx + phase_columns - 1) / phase_columns);
        if (flat_) {
          p.columns = out_layout_.pixels();
          p.rows = 1;
        }
        pack(f, p, taps, order);
        const std::size_t tile = best_tile(p.columns, kernels_.most_pixels, f.group_outputs() > kernels_.width ? 2 : 1);
        if (flat_) flat_tile_ = tile;
        p.units = p.blocks.size() * (flat_ ? (p.columns + tile - 1) / tile : p.rows);
        phases_.push_back(std::move(p));
      }
  }

  /// Appends the blocks of a phase and their weights, [block][tap][input channel][vector].
  void pack(const fused_convolution& f, phase& p, const std::vector<std::size_t>& taps, const output_order& order) {
    const std::size_t v = kernels_.width, per_group = f.group_outputs(), depth = f.group_inputs();
    depth_ = depth;
    for (std::size_t group = 0; group < f.spec.groups; ++group)
      for (std::size_t c = 0; c < per_group; c += 2 * v) {
        const std::size_t n = std::min(per_group - c, 2 * v), first = group * per_group + c;
        block b{};
        b.vectors = (n + v - 1) / v;
        b.tail = n - (b.vectors - 1) * v;
        b.input = group * depth;
        b.weights = weights_.size();
        b.bias = bias_.size();
        b.out = order.place(first);
        b.out_block = b.vectors == 2 ? order.place(first + v) - b.out : 0;
        const std::size_t lanes = b.vectors * v;
        for (std::size_t i = 0; i < lanes; ++i) bias_.push_back(i < n ? f.bias[order.channel(first + i)] : 0.0F);
        weights_.resize(weights_.size() + taps.size() * depth * lanes);
        float* to = weights_.data() + b.weights;
        for (const std::size_t tap : taps)
          for (std::size_t k = 0; k < depth; ++k, to += lanes)
            for (std::size_t i = 0; i < n; ++i) to[i] = f.weight(order.channel(first + i), k, tap);
        p.blocks.push_back(b);
      }
  }

  /// Runs a tile. Where sums are split, in parts of at most split_terms terms, each added to what the parts before it
  /// left in the output: a sum of sums rounds less than one running sum.
  void apply(tile_function tile, tile_arguments a, std::size_t lanes) const noexcept {
    if (!split_ || a.taps * depth_ <= split_terms) return tile(a);
    const std::size_t part_taps = std::max<std::size_t>(1, split_terms / depth_),
                      part_depth = std::min(depth_, split_terms);
    const std::ptrdiff_t* const offsets = a.offsets;
    const float* const in = a.in;
    const float* const weights = a.weights;
    const std::size_t taps = a.taps;
    const int act = a.act;
    for (std::size_t t = 0; t < taps; t += part_taps)
      for (std::size_t k = 0; k < depth_; k += part_depth) {
        a.offsets = offsets + t;
        a.taps = std::min(part_taps, taps - t);
        a.in = in + k;
        a.depth = std::min(part_depth, depth_ - k);
        a.weights = weights + (t * depth_ + k) * lanes;
        a.act = t + part_taps >= taps && k + part_depth >= depth_ ? act : 0;
        if (t + k != 0) {
          a.bias = zero_.data();
          a.residual = a.out;
          a.residual_pixel = a.out_pixel;
          a.residual_row = a.out_row;
        }
        tile(a);
      }
  }

  void run_unit(const phase& p, std::size_t unit, buffer_table buffers) const noexcept {
    const std::size_t blocks = p.blocks.size(), groups = p.units / blocks;
    const std::size_t which = block_outer_ ? unit / groups : unit % blocks,
                      row = block_outer_ ? unit % groups : unit / blocks;
    const block& b = p.blocks[which];
    const std::size_t lanes = b.vectors * kernels_.width;
    tile_arguments a{};
    a.offsets = p.offsets.data();
    a.taps = p.offsets.size();
    a.depth = depth_;
    a.weights = weights_.data() + b.weights;
    a.bias = bias_.data() + b.bias;
    a.tail = b.tail;
    a.act = after_.act;
    a.low = after_.low;
    a.high = after_.high;
    a.out_block = b.out_block;
    a.prefetch = weights_.data();
    a.prefetch_step = 0;
    a.far = true;
    if (block_outer_ && which + 1 < blocks) { // while the tiles of this block run, the next block's weights come nearer
      const std::size_t tiles = flat_ ? groups : groups * ((p.columns + pixels_ - 1) / pixels_);
      const std::size_t per_channel = std::max<std::size_t>(1, lanes / tiles);
      a.prefetch = weights_.data() + p.blocks[which + 1].weights + row * (a.taps * depth_ * lanes / groups);
      a.prefetch_step = per_channel;
    }
    const float* const in = buffers[in_] + b.input;
    float* const out = buffers[out_] + b.out;
    const float* const residual = residual_ == none ? nullptr : buffers[residual_] + b.out;
    const tile_function* tiles = b.vectors == 2 ? kernels_.two : kernels_.one;
    a.in_row = a.out_row = a.residual_row = 0;
    if (flat_) {
      const std::size_t x = row * flat_tile_, n = std::min(flat_tile_, p.columns - x);
      a.in_pixel = static_cast<std::ptrdiff_t>(in_layout_.channels);
      a.out_pixel = static_cast<std::ptrdiff_t>(out_layout_.channels);
      a.residual_pixel = a.out_pixel;
      a.in = in + x * in_layout_.channels;
      a.out = out + x * out_layout_.channels;
      a.residual = residual == nullptr ? nullptr : residual + x * out_layout_.channels;
      return apply(tiles[n - 1], a, lanes);
    }
    a.in_pixel = in_step_x_ * static_cast<std::ptrdiff_t>(in_layout_.channels);
    a.out_pixel = out_step_x_ * static_cast<std::ptrdiff_t>(out_layout_.channels);
    a.residual_pixel = out_step_x_ * static_cast<std::ptrdiff_t>(residual_layout_.channels);
    a.in_row = in_step_y_ * static_cast<std::ptrdiff_t>(in_layout_.row());
    a.out_row = out_step_y_ * static_cast<std::ptrdiff_t>(out_layout_.row());
    a.residual_row = out_step_y_ * static_cast<std::ptrdiff_t>(residual_layout_.row());
    const std::size_t together = two_rows_ ? 2 : 1, per_item = p.rows / out_layout_.batch, first = row * together;
    const auto at = [&](std::size_t r, std::size_t x) { // the pixel at column x of row r
      const std::size_t n = r / per_item;
      const auto y = static_cast<std::ptrdiff_t>(r % per_item), dx = static_cast<std::ptrdiff_t>(x);
      const std::ptrdiff_t out_y = y * out_step_y_ + p.out_y;
      a.in = in + in_layout_.at(n, y * in_step_y_, 0) + dx * a.in_pixel;
      a.out = out + out_layout_.at(n, out_y, p.out_x) + dx * a.out_pixel;
      a.residual =
          residual == nullptr ? nullptr : residual + residual_layout_.at(n, out_y, p.out_x) + dx * a.residual_pixel;
    };
    if (two_rows_ && b.vectors == 2 && first + 1 < p.rows && first % per_item + 1 < per_item) {
      at(first, 0);
      return apply(kernels_.two_by_rows, a, lanes);
    }
    for (std::size_t r = first; r < first + together && r < p.rows; ++r)
      for (std::size_t x = 0; x < p.columns; x += pixels_) {
        at(r, x);
        apply(tiles[std::min(pixels_, p.columns - x) - 1], a, lanes);
        if (a.prefetch_step != 0) a.prefetch += depth_ * a.taps * a.prefetch_step;
      }
  }

  const kernel_set& kernels_;
  std::size_t in_, out_, residual_;
  plane_layout in_layout_, out_layout_, residual_layout_;
  kernel_activation after_;
  std::vector<float> weights_, bias_, zero_;
  std::vector<phase> phases_;
  std::int64_t in_step_y_ = 1, in_step_x_ = 1, out_step_y_ = 1, out_step_x_ = 1;
  std::size_t depth_ = 0, pixels_ = 1, flat_tile_ = 1, units_ = 1;
  bool flat_ = false, two_rows_ = false, block_outer_ = false, split_ = false;
};

} // namespace aecnn::nn
