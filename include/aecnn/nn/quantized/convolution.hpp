// Convolutions on bytes: tiles of output pixels by vectors of 16 output channels, exact 32-bit sums, one rescaling to
// bytes with residual and clipping. The input's zero point is folded into the bias: sum (x - z) w = sum x w - z sum w,
// which holds in the border, too, because it is filled with z. A transposed convolution is one ordinary convolution for
// each position of the output within the stride; DepthToSpace is a matter of where tiles are stored. Cost: M * C /
// groups * taps multiply-adds an output pixel.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <aecnn/nn/quantized/kernel_set.hpp>
#include <aecnn/nn/quantized/quantization.hpp>
#include <aecnn/nn/quantized/rescale.hpp>
#include <aecnn/nn/quantized/steps.hpp>
#include <aecnn/nn/steps/direct_convolution.hpp>
#include <aecnn/nn/steps/fused_convolution.hpp>

namespace aecnn::nn {

/// A convolution with its integers; both belong to the network.
struct integer_convolution {
  const fused_convolution& shape; ///< its weights and bias are not read
  const convolution_quantization& integers;

  /// The weight from input channel i of the group to output channel o of all, at tap t.
  std::int32_t weight(std::size_t o, std::size_t i, std::size_t t) const noexcept {
    const fused_convolution& f = shape;
    if (!f.spec.transposed) return integers.weights[(o * f.group_inputs() + i) * f.taps() + t];
    const std::size_t group = o / f.group_outputs();
    return integers
        .weights[((group * f.group_inputs() + i) * f.group_outputs() + o % f.group_outputs()) * f.taps() + t];
  }
};

/// Packed weights, at an address that is a multiple of 64, so that no vector lies in two cache lines.
class packed_weights {
public:
  std::size_t size() const noexcept { return size_; }
  /// Appends zeros; pointers become invalid.
  void grow(std::size_t n) {
    size_ += n;
    memory_.resize(size_ + 64);
  }
  /// Once nothing is appended any more.
  void align() noexcept {
    start_ = (64 - reinterpret_cast<std::uintptr_t>(memory_.data()) % 64) % 64;
    std::memmove(memory_.data() + start_, memory_.data(), size_);
  }
  std::int8_t* data() noexcept { return memory_.data() + start_; }
  const std::int8_t* data() const noexcept { return memory_.data() + start_; }

private:
  std::vector<std::int8_t> memory_;
  std::size_t size_ = 0, start_ = 0;
};

namespace detail {

/// The bounds of bytes that an activation leaves.
inline std::pair<std::int32_t, std::int32_t> byte_bounds(const activation& a, float scale, std::int32_t zero) noexcept {
  if (a.type != activation::kind::clip) return {0, 255};
  const float steps = steps_of(scale);
  const std::int32_t low = to_byte(a.low, steps, zero), high = to_byte(a.high, steps, zero);
  return {low, std::max(low, high)};
}

/// The per-channel tables of an output rule.
struct rescale_tables {
  std::vector<std::int32_t> multipliers, shifts;
  bool shifted = false;

  void add(fixed_factor f) {
    multipliers.push_back(f.multiplier);
    shifts.push_back(f.shift);
    shifted = shifted || f.shift != 0;
  }
};

inline fixed_factor channel_factor(float input, float weights, float output) noexcept {
  return make_factor(product(exact(input), exact(weights)), exact(output));
}

inline output_rule make_rule(const activation& after, const byte_operand& to, const byte_operand* residual) noexcept {
  output_rule r{};
  r.zero = to.zero;
  const auto [low, high] = byte_bounds(after, to.scale, to.zero);
  r.low = low;
  r.high = high;
  if (residual != nullptr) {
    r.residual_multiplier = activation_multiplier(residual->scale, to.scale);
    r.residual_zero = residual->zero;
  }
  return r;
}

} // namespace detail

class byte_convolution final : public byte_step {
public:
  /// The input's border is at least required_border. `residual` is null where there is none.
  byte_convolution(const integer_convolution& c, const quantized_kernel_set& kernels, const byte_operand& from,
                   const byte_operand& to, const byte_operand* residual)
      : byte_step(to), kernels_(kernels), from_(from), has_residual_(residual != nullptr),
        rule_(detail::make_rule(c.shape.after, to, residual)) {
    reads = {from.buffer};
    if (residual != nullptr) {
      residual_ = *residual;
      reads.push_back(residual->buffer);
    }
    make_phases(c);
    weights_.align();
    std::size_t most_columns = 1;
    for (const phase& p : phases_) most_columns = std::max(most_columns, p.columns);
    pixels_ = best_tile(most_columns, kernels.most_pixels);
    for (phase& p : phases_) {
      p.chunks = flat_ ? (p.columns + pixels_ - 1) / pixels_ : p.rows;
      p.first_unit = units_;
      units_ += p.blocks.size() * p.chunks;
    }
    block_outer_ = weights_.size() > 512 * 1024;
  }

  std::size_t units() const override { return units_; }

protected:
  void run_units(buffer_table buffers, std::size_t first, std::size_t last) const noexcept override {
    for (const phase& p : phases_) {
      const std::size_t begin = std::max(first, p.first_unit),
                        end = std::min(last, p.first_unit + p.blocks.size() * p.chunks);
      for (std::size_t u = begin; u < end; ++u) run_unit(p, u - p.first_unit, buffers);
    }
  }

private:
  static constexpr std::size_t lanes = quantized_lanes;
  /// Vectors of output channels of one group that a tile computes together.
  struct block {
    std::size_t vectors, tail, input, weights, table; ///< `table`: place in bias and multipliers
    std::ptrdiff_t out, out_block;
  };
  /// An ordinary convolution whose outputs lie a step apart.
  struct phase {
    std::vector<std::ptrdiff_t> offsets;
    std::vector<block> blocks;
    std::size_t rows = 0, columns = 0; ///< rows of all items of the batch
    std::ptrdiff_t out_y = 0, out_x = 0;
    std::size_t chunks = 0, first_unit = 0;
  };

  void make_phases(const integer_convolution& c) {
    const fused_convolution& f = c.shape;
    const window& w = f.spec.area;
    const plane_layout &in = from_.layout, &out = to_.layout;
    const auto b = static_cast<std::size_t>(f.rearrange.block);
    const output_order order(f, out.row());
    const bool transposed = f.spec.transposed;
    for (std::size_t i = 0; i < 2; ++i) {
      in_step_[i] = transposed ? 1 : w.strides[i];
      out_step_[i] = transposed ? w.strides[i] : static_cast<std::int64_t>(b);
    }
    flat_ = !transposed && f.taps() == 1 && w.strides[0] == 1 && w.strides[1] == 1 && b == 1 && in.border == 0 &&
            out.border == 0 && (!has_residual_ || residual_.layout.border == 0) && in.pixels() == out.pixels();
    const std::int64_t phase_rows = transposed ? w.strides[0] : 1, phase_columns = transposed ? w.strides[1] : 1;
    for (std::int64_t ry = 0; ry < phase_rows; ++ry)
      for (std::int64_t rx = 0; rx < phase_columns; ++rx) {
        const auto height = static_cast<std::int64_t>(out.height / b), width = static_cast<std::int64_t>(out.width / b);
        if (ry >= height || rx >= width) continue;
        phase p;
        std::vector<std::size_t> taps;
        for (std::int64_t ky = 0; ky < w.kernel[0]; ++ky)
          for (std::int64_t kx = 0; kx < w.kernel[1]; ++kx) {
            std::int64_t y = ky * w.dilations[0] - w.before[0], x = kx * w.dilations[1] - w.before[1];
            if (transposed) {
              y = ry - y;
              x = rx - x;
              if (y % w.strides[0] != 0 || x % w.strides[1] != 0) continue;
              y /= w.strides[0];
              x /= w.strides[1];
            }
            p.offsets.push_back(y * static_cast<std::ptrdiff_t>(in.row()) +
                                x * static_cast<std::ptrdiff_t>(in.channels));
            taps.push_back(static_cast<std::size_t>(ky * w.kernel[1] + kx));
          }
        p.out_y = ry;
        p.out_x = rx;
        p.rows = flat_ ? 1 : out.batch * static_cast<std::size_t>((height - ry + phase_rows - 1) / phase_rows);
        p.columns = flat_ ? out.pixels() : static_cast<std::size_t>((width - rx + phase_columns - 1) / phase_columns);
        pack(c, p, taps, order);
        phases_.push_back(std::move(p));
      }
  }

  /// Appends the blocks of a phase and their weights, [block][tap][group of four inputs][lane][4].
  void pack(const integer_convolution& c, phase& p, const std::vector<std::size_t>& taps, const output_order& order) {
    const fused_convolution& f = c.shape;
    const std::size_t per_group = f.group_outputs(), depth = f.group_inputs(), most = lanes * kernels_.most_vectors;
    groups_ = (depth + 3) / 4;
    for (std::size_t group = 0; group < f.spec.groups; ++group)
      for (std::size_t first = 0; first < per_group; first += most) {
        const std::size_t n = std::min(per_group - first, most), start = group * per_group + first;
        block b{};
        b.vectors = (n + lanes - 1) / lanes;
        b.tail = n - (b.vectors - 1) * lanes;
        b.input = group * depth;
        b.weights = weights_.size();
        b.table = bias_.size();
        b.out = order.place(start);
        b.out_block = b.vectors == 2 ? order.place(start + lanes) - b.out : 0;
        const std::size_t width = b.vectors * lanes;
        weights_.grow(taps.size() * groups_ * width * 4);
        std::int8_t* packed = weights_.data() + b.weights;
        bias_.resize(bias_.size() + width);
        for (std::size_t i = 0; i < width; ++i) {
          if (i >= n) {
            tables_.add({});
            continue;
          }
          const std::size_t o = order.channel(start + i);
          std::int32_t sum = 0;
          for (std::size_t t = 0; t < taps.size(); ++t)
            for (std::size_t k = 0; k < depth; ++k) {
              const std::int32_t w = c.weight(o, k, taps[t]);
              sum += w;
              packed[((t * groups_ + k / 4) * width + i) * 4 + k % 4] = static_cast<std::int8_t>(w);
            }
          bias_[b.table + i] = c.integers.bias[o] - from_.zero * sum;
          tables_.add(detail::channel_factor(from_.scale, c.integers.scales[o], to_.scale));
        }
        p.blocks.push_back(b);
      }
  }

  void run_unit(const phase& p, std::size_t unit, buffer_table buffers) const noexcept {
    const std::size_t which = block_outer_ ? unit / p.chunks : unit % p.blocks.size(),
                      chunk = block_outer_ ? unit % p.chunks : unit / p.blocks.size();
    const block& b = p.blocks[which];
    quantized_tile a{};
    a.offsets = p.offsets.data();
    a.taps = p.offsets.size();
    a.groups = groups_;
    a.weights = weights_.data() + b.weights;
    a.bias = bias_.data() + b.table;
    a.rule = rule_;
    a.rule.multipliers = tables_.multipliers.data() + b.table;
    a.rule.shifts = tables_.shifted ? tables_.shifts.data() + b.table : nullptr;
    a.tail = b.tail;
    a.out_block = b.out_block;
    const auto pixel = [](const plane_layout& l) { return static_cast<std::ptrdiff_t>(l.channels); };
    a.in_pixel = in_step_[1] * pixel(from_.layout);
    a.out_pixel = out_step_[1] * pixel(to_.layout);
    a.residual_pixel = out_step_[1] * pixel(residual_.layout);
    std::size_t x = 0, end = p.columns, n = 0;
    std::ptrdiff_t y = 0;
    if (flat_) {
      x = chunk * pixels_;
      end = std::min(x + pixels_, p.columns);
    } else {
      const std::size_t per_item = p.rows / to_.layout.batch;
      n = chunk / per_item;
      y = static_cast<std::ptrdiff_t>(chunk % per_item);
    }
    const std::ptrdiff_t out_y = y * out_step_[0] + p.out_y;
    const std::uint8_t* in = from_.data(buffers) + from_.layout.at(n, y * in_step_[0], 0) + b.input;
    std::uint8_t* out = to_.data(buffers) + to_.layout.at(n, out_y, p.out_x) + b.out;
    const std::uint8_t* residual =
        has_residual_ ? residual_.data(buffers) + residual_.layout.at(n, out_y, p.out_x) + b.out : nullptr;
    const quantized_tile_function* tiles = b.vectors == 2 ? kernels_.two : kernels_.one;
    for (; x < end; x += pixels_) {
      const auto dx = static_cast<std::ptrdiff_t>(x);
      a.in = in + dx * a.in_pixel;
      a.out = out + dx * a.out_pixel;
      a.residual = residual == nullptr ? nullptr : residual + dx * a.residual_pixel;
      tiles[std::min(pixels_, end - x) - 1](a);
    }
  }

  const quantized_kernel_set& kernels_;
  byte_operand from_, residual_;
  bool has_residual_;
  output_rule rule_;
  packed_weights weights_;
  std::vector<std::int32_t> bias_;
  detail::rescale_tables tables_;
  std::vector<phase> phases_;
  std::int64_t in_step_[2] = {1, 1}, out_step_[2] = {1, 1};
  std::size_t groups_ = 0, pixels_ = 1, units_ = 0;
  bool flat_ = false, block_outer_ = false;
};

/// Depthwise convolution.
class byte_depthwise final : public byte_step {
public:
  byte_depthwise(const integer_convolution& c, const quantized_kernel_set& kernels, const byte_operand& from,
                 const byte_operand& to, const byte_operand* residual)
      : byte_step(to), kernels_(kernels), from_(from), has_residual_(residual != nullptr),
        rule_(detail::make_rule(c.shape.after, to, residual)), area_(c.shape.spec.area) {
    reads = {from.buffer};
    if (residual != nullptr) {
      residual_ = *residual;
      reads.push_back(residual->buffer);
    }
    const std::size_t channels = c.shape.spec.outputs, taps = c.shape.taps();
    const std::size_t pitch = (channels + quantized_lanes - 1) / quantized_lanes * quantized_lanes;
    weights_.resize(taps * pitch);
    bias_.resize(pitch);
    for (std::size_t o = 0; o < pitch; ++o) {
      if (o >= channels) {
        tables_.add({});
        continue;
      }
      std::int32_t sum = 0;
      for (std::size_t t = 0; t < taps; ++t) sum += weights_[t * pitch + o] = c.weight(o, 0, t);
      bias_[o] = c.integers.bias[o] - from.zero * sum;
      tables_.add(detail::channel_factor(from.scale, c.integers.scales[o], to.scale));
    }
    for (std::int64_t ky = 0; ky < area_.kernel[0]; ++ky)
      for (std::int64_t kx = 0; kx < area_.kernel[1]; ++kx)
        offsets_.push_back(
            (ky * area_.dilations[0] - area_.before[0]) * static_cast<std::ptrdiff_t>(from.layout.row()) +
            (kx * area_.dilations[1] - area_.before[1]) * static_cast<std::ptrdiff_t>(from.layout.channels));
  }

protected:
  void run_units(buffer_table buffers, std::size_t first, std::size_t last) const noexcept override {
    quantized_depthwise a{};
    a.in_pixel = area_.strides[1] * static_cast<std::ptrdiff_t>(from_.layout.channels);
    a.offsets = offsets_.data();
    a.taps = offsets_.size();
    a.channels = to_.channels;
    a.weights = weights_.data();
    a.bias = bias_.data();
    a.rule = rule_;
    a.rule.multipliers = tables_.multipliers.data();
    a.rule.shifts = tables_.shifted ? tables_.shifts.data() : nullptr;
    a.out_pixel = to_.layout.channels;
    a.pixels = to_.layout.width;
    a.residual_pixel = static_cast<std::ptrdiff_t>(residual_.layout.channels);
    for (std::size_t r = first; r < last; ++r) {
      const auto y = static_cast<std::ptrdiff_t>(r % to_.layout.height);
      a.in = from_.data(buffers) + from_.layout.at(r / to_.layout.height, y * area_.strides[0], 0);
      a.out = to_.data(buffers) + to_.layout.row_at(r);
      a.residual = has_residual_ ? residual_.data(buffers) + residual_.layout.row_at(r) : nullptr;
      kernels_.depthwise(a);
    }
  }

private:
  const quantized_kernel_set& kernels_;
  byte_operand from_, residual_;
  bool has_residual_;
  output_rule rule_;
  window area_;
  std::vector<std::int32_t> weights_, bias_;
  detail::rescale_tables tables_;
  std::vector<std::ptrdiff_t> offsets_;
};

} // namespace aecnn::nn
