// 3x3 convolution of stride 1 by Winograd's minimal filtering, F(2x2,3x3) or F(4x4,3x3): Lavin and Gray, "Fast
// Algorithms for Convolutional Neural Networks" (2016). Each (m+2) x (m+2) tile of the input is transformed, multiplied
// by the transformed weights - (m+2)^2 matrix products over the channels - and transformed back to m x m output pixels:
// 4 (m = 4) or 2.25 (m = 2) times fewer multiplications than the direct form, for an error some ten times larger.
//
// Where the transformed weights fit the cache, strips of tiles go through all three stages one after another; else all
// tiles are transformed first, so that each block of weights is read once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include <aecnn/nn/kernels/kernel_set.hpp>
#include <aecnn/nn/steps/direct_convolution.hpp>
#include <aecnn/nn/steps/fused_convolution.hpp>
#include <aecnn/nn/steps/step.hpp>

namespace aecnn::nn {

/// Sizes of one Winograd convolution.
struct winograd_plan {
  std::size_t m = 0;                 ///< 0: the direct form is faster, or the convolution is not of the kind
  std::size_t rows = 0, columns = 0; ///< tiles of one item
  std::size_t tiles = 0;             ///< of the batch
  std::size_t strip = 0;             ///< tiles that go through together; `tiles` where they are all transformed first
  std::size_t side() const noexcept { return m + 2; }
  std::size_t products() const noexcept { return side() * side(); }
  std::size_t weight_bytes = 0; ///< of the transformed weights
  bool in_strips() const noexcept { return strip < tiles; }
};

/// Where weights are when a run reaches them: how large those of the whole network are.
enum class weights_place {
  near,    ///< in the second-level cache, but for large ones
  far,     ///< all beyond it, since together they outgrow it
  furthest ///< in memory: they outgrow a processor's share of the last cache
};

/// Whether and how to use Winograd: compares estimated cycles.
inline winograd_plan plan_winograd(const fused_convolution& f, const plane_layout& out, const kernel_set& kernels,
                                   weights_place place) {
  const convolution& c = f.spec;
  const window& w = c.area;
  const std::size_t lanes = 2 * kernels.width;
  const bool suits = !c.transposed && c.groups == 1 && w.kernel[0] == 3 && w.kernel[1] == 3 && w.strides[0] == 1 &&
                     w.strides[1] == 1 && w.dilations[0] == 1 && w.dilations[1] == 1 && w.before[0] == 1 &&
                     w.before[1] == 1 && w.after[0] == 1 && w.after[1] == 1 && kernels.width > 1;
  if (!suits) return {};
  const std::size_t vectors = c.outputs > kernels.width ? 2 : 1;
  // Cycles for one input channel and one block of output channels; bytes that the caches deliver in a cycle.
  constexpr double cached = 1.2e6, near = 32;
  const double far = place == weights_place::furthest ? 4 : 10;
  const auto inputs = static_cast<double>(c.inputs), outputs = static_cast<double>(c.outputs);
  const std::size_t output_blocks = (c.outputs + lanes - 1) / lanes;
  const std::size_t vectors_of_both = (c.inputs + kernels.width - 1) / kernels.width + (c.outputs + kernels.width - 1) / kernels.width;
  const double blocks = inputs * static_cast<double>(output_blocks);
  const auto cycles_of = [&](std::size_t pixels) {
    return row_cycles(pixels, best_tile(pixels, kernels.most_pixels, vectors), vectors);
  };
  const auto streamed = [&](double bytes) {
    return bytes / (place != weights_place::near || bytes > cached ? far : near);
  };
  const double direct_bytes = 9 * inputs * outputs * 4;
  double least =
      std::max(9 * static_cast<double>(out.batch * out.height) * cycles_of(out.width) * blocks, streamed(direct_bytes));
  winograd_plan best;
  for (const std::size_t m : {std::size_t{2}, std::size_t{4}}) {
    winograd_plan p;
    p.m = m;
    p.rows = (out.height + m - 1) / m;
    p.columns = (out.width + m - 1) / m;
    p.tiles = out.batch * p.rows * p.columns;
    const auto products = static_cast<double>(p.products()), tiles = static_cast<double>(p.tiles);
    const double bytes = products * inputs * outputs * 4;
    const double transforms = tiles * static_cast<double>(vectors_of_both) * products * (kernels.width > 8 ? 2.5 : 3.5);
    const double cycles = std::max(products * cycles_of(p.tiles) * blocks, streamed(bytes)) + transforms;
    if (cycles >= least) continue;
    least = cycles;
    // All tiles at once where the weights are large and the transformed tiles still fit.
    const std::size_t tile_bytes = p.products() * c.inputs * sizeof(float);
    const bool whole = bytes > 1e6 && p.tiles * tile_bytes <= (std::size_t{4} << 20);
    const std::size_t budget = bytes > 1e6 ? std::size_t{1} << 20 : std::size_t{1} << 19;
    p.strip = whole ? p.tiles : std::clamp<std::size_t>(budget / tile_bytes, 1, p.tiles);
    // Strips of one size, and two rather than one: threads share them.
    if (!whole && p.tiles >= kernels.most_pixels) {
      const std::size_t strips = std::max<std::size_t>(2, (p.tiles + p.strip - 1) / p.strip);
      p.strip = (p.tiles + strips - 1) / strips;
    }
    p.weight_bytes = static_cast<std::size_t>(bytes);
    best = p;
  }
  return best;
}

/// Weights transformed and packed as [block of output channels][product][input channel][1 or 2 vectors], and the loops
/// over tiles.
class winograd_weights {
public:
  winograd_weights(const fused_convolution& f, const winograd_plan& p, const kernel_set& k, const plane_layout& out)
      : kernels(k), plan(p), inputs(f.spec.inputs), out_layout(out), after(to_kernel(f.after)), zero(2 * k.width),
        pixel_step(static_cast<std::ptrdiff_t>(f.rearrange.block)) {
    const std::size_t outputs = f.spec.outputs, v = kernels.width;
    const output_order order(f, out.row());
    std::vector<float> taps(9 * v);
    for (std::size_t o = 0; o < outputs; o += 2 * v) {
      block b{};
      b.vectors = outputs - o > v ? 2 : 1;
      b.tail = std::min(outputs - o, 2 * v) - (b.vectors - 1) * v;
      b.weights = values.size();
      b.channel = o;
      b.bias = bias.size();
      b.out = order.place(o);
      b.out_block = b.vectors == 2 ? order.place(o + v) - b.out : 0;
      blocks.push_back(b);
      const std::size_t lanes = b.vectors * v;
      values.resize(values.size() + plan.products() * inputs * lanes);
      for (std::size_t i = 0; i < lanes; ++i) bias.push_back(o + i < outputs ? f.bias[order.channel(o + i)] : 0.0F);
      for (std::size_t first = 0; first < lanes; first += v) {
        float* to = values.data() + b.weights + first;
        for (std::size_t i = 0; i < inputs; ++i, to += lanes) {
          for (std::size_t lane = 0; lane < v; ++lane) {
            const std::size_t channel = o + first + lane;
            const float* g = channel < outputs ? f.weight_data() + (order.channel(channel) * inputs + i) * 9 : nullptr;
            for (std::size_t t = 0; t < 9; ++t) taps[t * v + lane] = g == nullptr ? 0.0F : g[t];
          }
          (plan.m == 2 ? kernels.winograd_filter_2 : kernels.winograd_filter_4)(taps.data(), to, inputs * lanes);
        }
      }
    }
  }

  /// Transforms tiles first to last - 1 into to[product][tile - first][input channel], `pitch` tiles apart.
  void transform_input(const float* in, const plane_layout& l, std::size_t first, std::size_t last, float* to,
                       std::size_t pitch) const noexcept {
    winograd_input_arguments a{};
    a.pixel = static_cast<std::ptrdiff_t>(l.channels);
    a.row = static_cast<std::ptrdiff_t>(l.row());
    a.channels = inputs;
    a.pitch = pitch * inputs;
    const std::size_t per_item = plan.rows * plan.columns, side = plan.side();
    for (std::size_t t = first; t < last; ++t, to += inputs) {
      const std::size_t item = t / per_item, row = t % per_item / plan.columns, column = t % plan.columns;
      const auto y = static_cast<std::ptrdiff_t>(row * plan.m) - 1,
                 x = static_cast<std::ptrdiff_t>(column * plan.m) - 1;
      a.in = in + l.at(item, y, x);
      a.first_row = y < 0 ? 1 : 0;
      a.first_column = x < 0 ? 1 : 0;
      a.last_row = std::min(side, l.height - row * plan.m + 1);
      a.last_column = std::min(side, l.width - column * plan.m + 1);
      a.to = to;
      (plan.m == 2 ? kernels.winograd_input_2 : kernels.winograd_input_4)(a);
    }
  }

  /// Multiplies tiles first to last - 1, as transform_input left them at `tiles`, by one block of output channels and
  /// stores the output. `products`: room for products * (last - first) * 2 * width floats.
  void multiply(std::size_t which, const float* tiles, std::size_t pitch, std::size_t first, std::size_t last,
                float* products, float* out, const float* residual,
                const plane_layout& residual_layout) const noexcept {
    const block& b = blocks[which];
    const std::size_t lanes = b.vectors * kernels.width, count = last - first,
                      step = best_tile(count, kernels.most_pixels, b.vectors);
    const tile_function* const functions = b.vectors == 2 ? kernels.two : kernels.one;
    const std::size_t block_weights = inputs * lanes;
    const std::ptrdiff_t origin = 0;
    tile_arguments a{};
    a.in_pixel = static_cast<std::ptrdiff_t>(inputs);
    a.offsets = &origin;
    a.taps = 1;
    a.depth = inputs;
    a.bias = zero.data();
    a.out_pixel = static_cast<std::ptrdiff_t>(lanes);
    a.out_block = static_cast<std::ptrdiff_t>(kernels.width);
    a.tail = kernels.width;
    const float* w = values.data() + b.weights;
    const float* const end = values.data() + values.size();
    const std::size_t steps = std::max<std::size_t>(1, (count + step - 1) / step);
    a.prefetch_step = std::max<std::size_t>(1, lanes / steps);
    for (std::size_t p = 0; p < plan.products(); ++p, w += block_weights) {
      const float* next = w + block_weights < end ? w + block_weights : values.data();
      for (std::size_t t = 0, i = 0; t < count; t += step, ++i) {
        const std::size_t n = std::min(step, count - t);
        a.in = tiles + (p * pitch + t) * inputs;
        a.weights = w;
        a.out = products + (p * count + t) * lanes;
        a.prefetch = next + i * (block_weights / steps);
        functions[n - 1](a);
      }
    }
    winograd_output_arguments o{};
    o.pitch = count * lanes;
    o.vectors = b.vectors;
    o.tail = b.tail;
    o.out_block = b.out_block;
    o.bias = bias.data() + b.bias;
    o.pixel = pixel_step * static_cast<std::ptrdiff_t>(out_layout.channels);
    o.row = pixel_step * static_cast<std::ptrdiff_t>(out_layout.row());
    o.residual = nullptr;
    o.residual_pixel = static_cast<std::ptrdiff_t>(residual_layout.channels);
    o.residual_row = static_cast<std::ptrdiff_t>(residual_layout.row());
    o.act = after.act;
    o.low = after.low;
    o.high = after.high;
    const std::size_t per_item = plan.rows * plan.columns;
    for (std::size_t t = first; t < last; ++t) {
      const std::size_t item = t / per_item, row = t % per_item / plan.columns * plan.m,
                        column = t % plan.columns * plan.m;
      const auto y = static_cast<std::ptrdiff_t>(row), x = static_cast<std::ptrdiff_t>(column);
      o.from = products + (t - first) * lanes;
      o.out = out + out_layout.at(item, y * pixel_step, x * pixel_step) + b.out;
      if (residual != nullptr) o.residual = residual + residual_layout.at(item, y, x) + b.channel;
      o.rows = std::min(plan.m, out_layout.height / static_cast<std::size_t>(pixel_step) - row);
      o.columns = std::min(plan.m, out_layout.width / static_cast<std::size_t>(pixel_step) - column);
      (plan.m == 2 ? kernels.winograd_output_2 : kernels.winograd_output_4)(o);
    }
  }

  /// One or two vectors of output channels.
  struct block {
    std::size_t vectors, tail, weights, bias, channel;
    std::ptrdiff_t out, out_block;
  };
  const kernel_set& kernels;
  winograd_plan plan;
  std::size_t inputs;
  plane_layout out_layout;
  kernel_activation after;
  std::vector<float> values, bias, zero;
  std::vector<block> blocks;
  std::ptrdiff_t pixel_step; ///< output pixels between two pixels of the convolution, which DepthToSpace spreads
};

/// All three stages for strips of tiles.
class winograd_convolution final : public step {
public:
  winograd_convolution(std::shared_ptr<const winograd_weights> weights, std::size_t in, const plane_layout& in_layout,
                       std::size_t out, std::size_t residual, const plane_layout& residual_layout, bool has_residual)
      : weights_(std::move(weights)), in_(in), out_(out), residual_(residual), has_residual_(has_residual),
        in_layout_(in_layout), residual_layout_(residual_layout) {
    reads = {in};
    if (has_residual) reads.push_back(residual);
    writes = {out};
  }
  std::size_t units() const override {
    return (weights_->plan.tiles + weights_->plan.strip - 1) / weights_->plan.strip;
  }
  std::size_t workspace() const override {
    const winograd_plan& p = weights_->plan;
    return p.products() * p.strip * (weights_->inputs + 2 * weights_->kernels.width);
  }
  void run(buffer_table buffers, std::size_t first, std::size_t last, float* workspace) const noexcept override {
    const winograd_plan& p = weights_->plan;
    for (std::size_t u = first; u < last; ++u) {
      const std::size_t begin = u * p.strip, end = std::min(p.tiles, begin + p.strip), count = end - begin;
      weights_->transform_input(buffers[in_], in_layout_, begin, end, workspace, count);
      float* products = workspace + p.products() * p.strip * weights_->inputs;
      for (std::size_t b = 0; b < weights_->blocks.size(); ++b)
        weights_->multiply(b, workspace, count, begin, end, products, buffers[out_],
                           has_residual_ ? buffers[residual_] : nullptr, residual_layout_);
    }
  }

private:
  std::shared_ptr<const winograd_weights> weights_;
  std::size_t in_, out_, residual_;
  bool has_residual_;
  plane_layout in_layout_, residual_layout_;
};

/// The first stage for all tiles, into a buffer of its own.
class winograd_forward_step final : public step {
public:
  winograd_forward_step(std::shared_ptr<const winograd_weights> weights, std::size_t in, const plane_layout& in_layout,
                        std::size_t tiles)
      : weights_(std::move(weights)), in_(in), tiles_(tiles), in_layout_(in_layout) {
    reads = {in};
    writes = {tiles};
  }
  std::size_t units() const override { return weights_->plan.tiles; }
  void run(buffer_table buffers, std::size_t first, std::size_t last, float*) const noexcept override {
    weights_->transform_input(buffers[in_], in_layout_, first, last, buffers[tiles_] + first * weights_->inputs,
                              weights_->plan.tiles);
  }

private:
  std::shared_ptr<const winograd_weights> weights_;
  std::size_t in_, tiles_;
  plane_layout in_layout_;
};

/// The other two stages; a unit is a block of output channels.
class winograd_multiply_step final : public step {
public:
  winograd_multiply_step(std::shared_ptr<const winograd_weights> weights, std::size_t tiles, std::size_t out,
                         std::size_t residual, const plane_layout& residual_layout, bool has_residual)
      : weights_(std::move(weights)), tiles_(tiles), out_(out), residual_(residual), has_residual_(has_residual),
        residual_layout_(residual_layout) {
    reads = {tiles};
    if (has_residual) reads.push_back(residual);
    writes = {out};
  }
  std::size_t units() const override { return weights_->blocks.size(); }
  std::size_t workspace() const override {
    return weights_->plan.products() * weights_->plan.tiles * 2 * weights_->kernels.width;
  }
  void run(buffer_table buffers, std::size_t first, std::size_t last, float* workspace) const noexcept override {
    for (std::size_t b = first; b < last; ++b)
      weights_->multiply(b, buffers[tiles_], weights_->plan.tiles, 0, weights_->plan.tiles, workspace, buffers[out_],
                         has_residual_ ? buffers[residual_] : nullptr, residual_layout_);
  }

private:
  std::shared_ptr<const winograd_weights> weights_;
  std::size_t tiles_, out_, residual_;
  bool has_residual_;
  plane_layout residual_layout_;
};

} // namespace aecnn::nn
