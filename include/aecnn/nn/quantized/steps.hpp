// The steps of an integer network besides convolutions: floats to bytes and back, tables, sums, pools and everything
// that moves bytes. A value is a channels-last tensor of bytes whose border holds the integer that stands for 0.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <aecnn/nn/operation.hpp>
#include <aecnn/nn/quantized/kernel_set.hpp>
#include <aecnn/nn/quantized/rescale.hpp>
#include <aecnn/nn/steps/step.hpp>

namespace aecnn::nn {

/// A value in a buffer. The layout's channels are those in memory, a multiple of four, of which `channels` are used;
/// all sizes are bytes. Buffers have 64 bytes more than the layout's size, because vectors read beyond the last
/// channel.
struct byte_operand {
  std::size_t buffer = 0;
  plane_layout layout;
  std::size_t channels = 0;
  float scale = 1;
  std::int32_t zero = 0;

  std::uint8_t* data(buffer_table buffers) const noexcept { return reinterpret_cast<std::uint8_t*>(buffers[buffer]); }
};

using byte_table = std::array<std::uint8_t, 256>;

/// A step that writes one value of bytes; its first unit fills the border.
class byte_step : public step {
public:
  std::size_t units() const override { return to_.layout.batch * to_.layout.height; }
  void run(buffer_table buffers, std::size_t first, std::size_t last, float*) const noexcept final {
    if (first == 0) fill_border(to_.data(buffers));
    run_units(buffers, first, last);
  }

protected:
  explicit byte_step(const byte_operand& to) : to_(to) { writes = {to.buffer}; }
  virtual void run_units(buffer_table buffers, std::size_t first, std::size_t last) const noexcept = 0;

  byte_operand to_;

private:
  void fill_border(std::uint8_t* data) const noexcept {
    const plane_layout& l = to_.layout;
    if (l.border == 0) return;
    const std::size_t edge = l.border * l.channels, inner = l.width * l.channels, end = l.border * l.row();
    for (std::size_t n = 0; n < l.batch; ++n, data += l.plane()) {
      std::memset(data, to_.zero, end);
      std::uint8_t* p = data + end;
      for (std::size_t y = 0; y < l.height; ++y, p += l.row()) {
        std::memset(p, to_.zero, edge);
        std::memset(p + edge + inner, to_.zero, edge);
      }
      std::memset(p, to_.zero, end);
    }
  }
};

/// [N,C,H,W] floats to bytes.
class quantize_step final : public byte_step {
public:
  quantize_step(const quantized_kernel_set& kernels, std::size_t from, const byte_operand& to)
      : byte_step(to), kernels_(kernels), from_(from), steps_(detail::steps_of(to.scale)) {
    reads = {from};
  }
  std::size_t units() const override { return flat() ? to_.layout.batch * blocks() : byte_step::units(); }
  void run_units(buffer_table buffers, std::size_t first, std::size_t last) const noexcept override {
    const plane_layout& l = to_.layout;
    const std::size_t area = l.height * l.width;
    for (std::size_t u = first; u < last; ++u) {
      const std::size_t n = flat() ? u / blocks() : u / l.height,
                        start = flat() ? u % blocks() * block : u % l.height * l.width,
                        count = flat() ? std::min(block, area - start) : l.width;
      std::uint8_t* to =
          to_.data(buffers) + (flat() ? static_cast<std::ptrdiff_t>((n * area + start) * l.channels) : l.row_at(u));
      kernels_.quantize(buffers[from_] + n * to_.channels * area + start, area, to_.channels, count, steps_, to_.zero,
                        to, l.channels);
    }
  }

private:
  static constexpr std::size_t block = 64;
  bool flat() const noexcept { return to_.layout.border == 0; }
  std::size_t blocks() const noexcept { return (to_.layout.height * to_.layout.width + block - 1) / block; }
  const quantized_kernel_set& kernels_;
  std::size_t from_;
  float steps_;
};

/// Bytes to [N,C,H,W] floats: (byte - zero) * scale, one product.
class dequantize_step final : public step {
public:
  dequantize_step(const quantized_kernel_set& kernels, const byte_operand& from, std::size_t to)
      : kernels_(kernels), from_(from), to_(to) {
    reads = {from.buffer};
    writes = {to};
  }
  std::size_t units() const override {
    return flat() ? from_.layout.batch * blocks() : from_.layout.batch * from_.layout.height;
  }
  void run(buffer_table buffers, std::size_t first, std::size_t last, float*) const noexcept override {
    const plane_layout& l = from_.layout;
    const std::size_t area = l.height * l.width;
    for (std::size_t u = first; u < last; ++u) {
      const std::size_t n = flat() ? u / blocks() : u / l.height,
                        start = flat() ? u % blocks() * block : u % l.height * l.width,
                        count = flat() ? std::min(block, area - start) : l.width;
      const std::uint8_t* from =
          from_.data(buffers) + (flat() ? static_cast<std::ptrdiff_t>((n * area + start) * l.channels) : l.row_at(u));
      kernels_.dequantize(from, l.channels, from_.channels, count, from_.scale, from_.zero,
                          buffers[to_] + n * from_.channels * area + start, area);
    }
  }

private:
  static constexpr std::size_t block = 64;
  bool flat() const noexcept { return from_.layout.border == 0; }
  std::size_t blocks() const noexcept { return (from_.layout.height * from_.layout.width + block - 1) / block; }
  const quantized_kernel_set& kernels_;
  byte_operand from_;
  std::size_t to_;
};

/// Concatenation of channels, each input's bytes mapped by a table of its own: to the output's scale, perhaps clipped.
/// With one input that is an activation.
class concat_step final : public byte_step {
public:
  concat_step(std::vector<byte_operand> from, std::vector<byte_table> tables, const byte_operand& to)
      : byte_step(to), from_(std::move(from)), tables_(std::move(tables)) {
    for (const byte_operand& f : from_) reads.push_back(f.buffer);
  }
  void run_units(buffer_table buffers, std::size_t first, std::size_t last) const noexcept override {
    for (std::size_t r = first; r < last; ++r) {
      std::uint8_t* to = to_.data(buffers) + to_.layout.row_at(r);
      for (std::size_t i = 0; i < from_.size(); ++i) {
        const byte_operand& f = from_[i];
        const byte_table& table = tables_[i];
        const std::uint8_t* p = f.data(buffers) + f.layout.row_at(r);
        for (std::size_t x = 0; x < to_.layout.width; ++x)
          for (std::size_t c = 0; c < f.channels; ++c)
            to[x * to_.layout.channels + c] = table[p[x * f.layout.channels + c]];
        to += f.channels;
      }
    }
  }

private:
  std::vector<byte_operand> from_;
  std::vector<byte_table> tables_;
};

/// low <= zero + (((a - zero_a) * 2^8 * m_a + (b - zero_b) * 2^8 * m_b + 2^31) >> 32) <= high
class sum_step final : public byte_step {
public:
  sum_step(const byte_operand& a, const byte_operand& b, const byte_operand& to)
      : byte_step(to), a_(a), b_(b), scale_a_(detail::activation_multiplier(a.scale, to.scale)),
        scale_b_(detail::activation_multiplier(b.scale, to.scale)) {
    reads = {a.buffer, b.buffer};
  }
  void run_units(buffer_table buffers, std::size_t first, std::size_t last) const noexcept override {
    for (std::size_t r = first; r < last; ++r) {
      const std::uint8_t *a = a_.data(buffers) + a_.layout.row_at(r), *b = b_.data(buffers) + b_.layout.row_at(r);
      std::uint8_t* to = to_.data(buffers) + to_.layout.row_at(r);
      for (std::size_t i = 0; i < to_.layout.width * to_.layout.channels; ++i) {
        const std::int64_t sum =
            std::int64_t{(a[i] - a_.zero) * 256} * scale_a_ + std::int64_t{(b[i] - b_.zero) * 256} * scale_b_;
        const auto y = static_cast<std::int32_t>((sum + (std::int64_t{1} << 31)) >> 32) + to_.zero;
        to[i] = static_cast<std::uint8_t>(std::clamp(y, 0, 255));
      }
    }
  }

private:
  byte_operand a_, b_;
  std::int32_t scale_a_, scale_b_;
};

/// MaxPool, AveragePool and the global pools. The output of a maximum has the input's scale.
class byte_pool_step final : public byte_step {
public:
  byte_pool_step(const pooling& spec, const byte_operand& from, const byte_operand& to)
      : byte_step(to), spec_(spec), from_(from) {
    reads = {from.buffer};
    if (spec.maximum) return;
    const auto most = static_cast<std::uint64_t>(spec.area.kernel[0]) * static_cast<std::uint64_t>(spec.area.kernel[1]);
    least_ =
        spec.count_padding && spec.area.before[0] + spec.area.before[1] + spec.area.after[0] + spec.area.after[1] == 0
            ? most
            : 1; // without padding there is one divisor
    for (std::uint64_t n = least_; n <= most; ++n)
      factors_.push_back(
          detail::make_factor(detail::exact(from.scale), detail::product(detail::exact(to.scale), {n, 0})));
  }
  void run_units(buffer_table buffers, std::size_t first, std::size_t last) const noexcept override {
    for (std::size_t r = first; r < last; ++r) {
      const std::size_t n = r / to_.layout.height;
      const range rows = inside(0, r % to_.layout.height, from_.layout.height);
      std::uint8_t* to = to_.data(buffers) + to_.layout.row_at(r);
      for (std::size_t x = 0; x < to_.layout.width; ++x, to += to_.layout.channels) {
        const range columns = inside(1, x, from_.layout.width);
        const std::uint8_t* p = from_.data(buffers) + from_.layout.at(n, rows.first, columns.first);
        for (std::size_t c = 0; c < from_.channels; c += block)
          pool(p + c, rows, columns, to + c, std::min(block, from_.channels - c));
      }
    }
  }

private:
  static constexpr std::size_t block = 16;
  struct range {
    std::ptrdiff_t first = 0;
    std::size_t count = 0, counted = 0; ///< taps inside the input, and in the divisor
  };
  range inside(std::size_t axis, std::size_t out, std::size_t extent) const noexcept {
    const window& w = spec_.area;
    const std::int64_t start = static_cast<std::int64_t>(out) * w.strides[axis] - w.before[axis];
    range r;
    for (std::int64_t k = 0; k < w.kernel[axis]; ++k) {
      const std::int64_t i = start + k * w.dilations[axis];
      const bool in = i >= 0 && i < static_cast<std::int64_t>(extent);
      if (in && r.count++ == 0) r.first = i;
      if (in || (spec_.count_padding && i < static_cast<std::int64_t>(extent) + w.after[axis])) ++r.counted;
    }
    return r;
  }
  /// Up to 16 channels; reads 16.
  void pool(const std::uint8_t* p, const range& rows, const range& columns, std::uint8_t* to,
            std::size_t channels) const noexcept {
    const std::size_t step_y = static_cast<std::size_t>(spec_.area.dilations[0]) * from_.layout.row(),
                      step_x = static_cast<std::size_t>(spec_.area.dilations[1]) * from_.layout.channels;
    if (spec_.maximum) {
      std::uint8_t most[block] = {};
      for (std::size_t y = 0; y < rows.count; ++y)
        for (std::size_t x = 0; x < columns.count; ++x) {
          const std::uint8_t* from = p + y * step_y + x * step_x;
          for (std::size_t c = 0; c < block; ++c) most[c] = most[c] < from[c] ? from[c] : most[c];
        }
      for (std::size_t c = 0; c < channels; ++c) to[c] = most[c];
      return;
    }
    std::int32_t sum[block] = {};
    for (std::size_t y = 0; y < rows.count; ++y)
      for (std::size_t x = 0; x < columns.count; ++x) {
        const std::uint8_t* from = p + y * step_y + x * step_x;
        for (std::size_t c = 0; c < block; ++c) sum[c] += from[c];
      }
    const auto inputs = static_cast<std::int32_t>(rows.count * columns.count);
    const std::size_t divisor = std::max<std::size_t>(rows.counted * columns.counted, 1);
    const detail::fixed_factor f = factors_[std::max<std::size_t>(divisor, least_) - least_];
    for (std::size_t c = 0; c < channels; ++c)
      to[c] =
          static_cast<std::uint8_t>(std::clamp(detail::rescale(sum[c] - inputs * from_.zero, f) + to_.zero, 0, 255));
  }

  pooling spec_;
  byte_operand from_;
  std::uint64_t least_ = 1;
  std::vector<detail::fixed_factor> factors_; ///< by divisor, from least_
};

/// Slice and Pad; the axes are N, C, H, W. The output has the input's scale; `fill` is in it.
class byte_copy_step final : public byte_step {
public:
  byte_copy_step(const strided_copy& spec, std::uint8_t fill, const byte_operand& from, const byte_operand& to)
      : byte_step(to), spec_(spec), fill_(fill), from_(from) {
    reads = {from.buffer};
  }
  void run_units(buffer_table buffers, std::size_t first, std::size_t last) const noexcept override {
    const auto& axes = spec_.axes;
    const std::size_t channels = to_.channels;
    const auto offset = static_cast<std::size_t>(axes[1].offset), count = static_cast<std::size_t>(axes[1].count);
    for (std::size_t r = first; r < last; ++r) {
      std::uint8_t* to = to_.data(buffers) + to_.layout.row_at(r);
      const std::int64_t n = source(axes[0], r / to_.layout.height), y = source(axes[2], r % to_.layout.height);
      for (std::size_t x = 0; x < to_.layout.width; ++x, to += to_.layout.channels) {
        const std::int64_t sx = source(axes[3], x);
        std::memset(to, fill_, channels);
        if (n < 0 || y < 0 || sx < 0) continue;
        const std::uint8_t* p =
            from_.data(buffers) + from_.layout.at(static_cast<std::size_t>(n), y, sx) + axes[1].start;
        for (std::size_t c = 0; c < count; ++c) to[offset + c] = p[static_cast<std::ptrdiff_t>(c) * axes[1].step];
      }
    }
  }

private:
  /// The input's index for an output index, or -1 where it is filled.
  static std::int64_t source(const strided_copy::axis& a, std::size_t i) noexcept {
    const std::int64_t k = static_cast<std::int64_t>(i) - a.offset;
    return k < 0 || k >= a.count ? -1 : a.start + k * a.step;
  }
  strided_copy spec_;
  std::uint8_t fill_;
  byte_operand from_;
};

/// DepthToSpace; the output has the input's scale.
class byte_depth_to_space_step final : public byte_step {
public:
  byte_depth_to_space_step(const block_rearrangement& spec, const byte_operand& from, const byte_operand& to)
      : byte_step(to), spec_(spec), from_(from) {
    reads = {from.buffer};
  }
  void run_units(buffer_table buffers, std::size_t first, std::size_t last) const noexcept override {
    const auto block = static_cast<std::size_t>(spec_.block);
    for (std::size_t r = first; r < last; ++r) {
      const std::size_t n = r / to_.layout.height, y = r % to_.layout.height;
      std::uint8_t* to = to_.data(buffers) + to_.layout.row_at(r);
      for (std::size_t x = 0; x < to_.layout.width; ++x, to += to_.layout.channels) {
        const std::size_t part = y % block * block + x % block;
        const std::uint8_t* p = from_.data(buffers) + from_.layout.at(n, static_cast<std::ptrdiff_t>(y / block),
                                                                      static_cast<std::ptrdiff_t>(x / block));
        for (std::size_t c = 0; c < to_.channels; ++c)
          to[c] = spec_.column_row_depth ? p[c * block * block + part] : p[part * to_.channels + c];
      }
    }
  }

private:
  block_rearrangement spec_;
  byte_operand from_;
};

/// [N,C,H,W] to [N, C*H*W], in ONNX's order.
class flatten_step final : public byte_step {
public:
  flatten_step(const byte_operand& from, const byte_operand& to) : byte_step(to), from_(from) { reads = {from.buffer}; }
  void run_units(buffer_table buffers, std::size_t first, std::size_t last) const noexcept override {
    const plane_layout& l = from_.layout;
    for (std::size_t n = first; n < last; ++n) {
      std::uint8_t* to =
          to_.data(buffers) + n * to_.layout.plane() + to_.layout.border * (to_.layout.row() + to_.layout.channels);
      for (std::size_t y = 0; y < l.height; ++y) {
        const std::uint8_t* p = from_.data(buffers) + l.row_at(n * l.height + y);
        for (std::size_t x = 0; x < l.width; ++x, p += l.channels)
          for (std::size_t c = 0; c < from_.channels; ++c) to[(c * l.height + y) * l.width + x] = p[c];
      }
    }
  }

private:
  byte_operand from_;
};

} // namespace aecnn::nn
