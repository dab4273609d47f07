// Steps that only move elements: between channels-first and channels-last, copies, DepthToSpace and strided copies of
// channels-last tensors, joining channels.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <aecnn/nn/kernels/kernel_set.hpp>
#include <aecnn/nn/steps/step.hpp>

namespace aecnn::nn {

/// What the two changes of order share: a unit is 64 pixels, or a row where the channels-last tensor has a border.
class order_step : public step {
public:
  std::size_t units() const override {
    return layout_.border == 0 ? layout_.batch * blocks() : layout_.batch * layout_.height;
  }

protected:
  /// `pixels` pixels from `first`, floats from the start of a channels-first and of a channels-last tensor.
  struct piece {
    std::size_t channels_first, pixels;
    std::ptrdiff_t channels_last;
  };
  order_step(const kernel_set& kernels, std::size_t from, std::size_t to, const plane_layout& layout)
      : kernels_(kernels), from_(from), to_(to), layout_(layout) {
    reads = {from};
    writes = {to};
  }
  std::size_t area() const noexcept { return layout_.height * layout_.width; }
  piece at(std::size_t unit) const noexcept {
    if (layout_.border != 0) {
      const std::size_t n = unit / layout_.height, y = unit % layout_.height;
      return {n * layout_.channels * area() + y * layout_.width, layout_.width, layout_.row_at(unit)};
    }
    const std::size_t n = unit / blocks(), pixel = unit % blocks() * block;
    return {n * layout_.channels * area() + pixel, std::min(block, area() - pixel),
            static_cast<std::ptrdiff_t>((n * area() + pixel) * layout_.channels)};
  }

  const kernel_set& kernels_;
  std::size_t from_, to_;
  plane_layout layout_;

private:
  static constexpr std::size_t block = 64;
  std::size_t blocks() const noexcept { return (area() + block - 1) / block; }
};

/// [N,C,H,W] to channels-last.
class to_channels_last final : public order_step {
public:
  to_channels_last(const kernel_set& kernels, std::size_t from, std::size_t to, const plane_layout& layout)
      : order_step(kernels, from, to, layout) {}
  void run(buffer_table buffers, std::size_t first, std::size_t last, float*) const noexcept override {
    for (std::size_t u = first; u < last; ++u) {
      const piece p = at(u);
      kernels_.transpose(buffers[from_] + p.channels_first, area(), layout_.channels, p.pixels,
                         buffers[to_] + p.channels_last, layout_.channels);
    }
  }
};

/// Channels-last to [N,C,H,W].
class to_channels_first final : public order_step {
public:
  to_channels_first(const kernel_set& kernels, std::size_t from, std::size_t to, const plane_layout& layout)
      : order_step(kernels, from, to, layout) {}
  void run(buffer_table buffers, std::size_t first, std::size_t last, float*) const noexcept override {
    for (std::size_t u = first; u < last; ++u) {
      const piece p = at(u);
      kernels_.transpose(buffers[from_] + p.channels_last, layout_.channels, p.pixels, layout_.channels,
                         buffers[to_] + p.channels_first, area());
    }
  }
};

/// A copy of `size` floats: a view of something that must lie elsewhere. `constant` replaces the buffer `from` where it
/// is not null.
class copy_step final : public step {
public:
  copy_step(std::size_t from, std::size_t to, std::size_t size, const float* constant = nullptr)
      : from_(from), to_(to), size_(size), constant_(constant) {
    if (constant == nullptr) reads = {from};
    writes = {to};
  }
  void run(buffer_table buffers, std::size_t, std::size_t, float*) const noexcept override {
    if (size_ != 0) std::memcpy(buffers[to_], constant_ != nullptr ? constant_ : buffers[from_], size_ * sizeof(float));
  }

private:
  std::size_t from_, to_, size_;
  const float* constant_;
};

/// DepthToSpace of a channels-last tensor.
class depth_to_space_step final : public step {
public:
  depth_to_space_step(const block_rearrangement& spec, std::size_t from, const plane_layout& from_layout,
                      std::size_t to, const plane_layout& to_layout)
      : spec_(spec), from_(from), to_(to), from_layout_(from_layout), to_layout_(to_layout) {
    reads = {from};
    writes = {to};
  }
  std::size_t units() const override { return to_layout_.batch * to_layout_.height; }
  void run(buffer_table buffers, std::size_t first, std::size_t last, float*) const noexcept override {
    const auto block = static_cast<std::size_t>(spec_.block);
    const std::size_t channels = to_layout_.channels;
    for (std::size_t r = first; r < last; ++r) {
      const std::size_t n = r / to_layout_.height, y = r % to_layout_.height;
      const float* from = buffers[from_] + from_layout_.at(n, static_cast<std::ptrdiff_t>(y / block), 0);
      float* to = buffers[to_] + to_layout_.row_at(r);
      for (std::size_t x = 0; x < to_layout_.width; ++x, to += channels) {
        const std::size_t part = y % block * block + x % block;
        const float* p = from + x / block * from_layout_.channels;
        if (spec_.column_row_depth)
          for (std::size_t c = 0; c < channels; ++c) to[c] = p[c * block * block + part];
        else
          std::memcpy(to, p + part * channels, channels * sizeof(float));
      }
    }
  }

private:
  block_rearrangement spec_;
  std::size_t from_, to_;
  plane_layout from_layout_, to_layout_;
};

/// strided_copy of a channels-last tensor; the axes are N, C, H, W and each reads at most what its input has.
class strided_copy_step final : public step {
public:
  strided_copy_step(const strided_copy& spec, std::size_t from, const plane_layout& from_layout, std::size_t to,
                    const plane_layout& to_layout)
      : spec_(spec), from_(from), to_(to), from_layout_(from_layout), to_layout_(to_layout) {
    reads = {from};
    writes = {to};
  }
  std::size_t units() const override { return to_layout_.batch * to_layout_.height; }
  void run(buffer_table buffers, std::size_t first, std::size_t last, float*) const noexcept override {
    const auto& axes = spec_.axes;
    const std::size_t channels = to_layout_.channels;
    for (std::size_t r = first; r < last; ++r) {
      float* to = buffers[to_] + to_layout_.row_at(r);
      const std::int64_t n = source(axes[0], r / to_layout_.height), y = source(axes[2], r % to_layout_.height);
      for (std::size_t x = 0; x < to_layout_.width; ++x, to += channels) {
        const std::int64_t sx = source(axes[3], x);
        if (n < 0 || y < 0 || sx < 0) {
          std::fill_n(to, channels, spec_.fill);
          continue;
        }
        const float* p = buffers[from_] + from_layout_.at(static_cast<std::size_t>(n), y, sx) + axes[1].start;
        const auto offset = static_cast<std::size_t>(axes[1].offset), count = static_cast<std::size_t>(axes[1].count);
        std::fill_n(to, offset, spec_.fill);
        if (axes[1].step == 1)
          std::memcpy(to + offset, p, count * sizeof(float));
        else
          for (std::size_t c = 0; c < count; ++c) to[offset + c] = p[static_cast<std::ptrdiff_t>(c) * axes[1].step];
        std::fill_n(to + offset + count, channels - offset - count, spec_.fill);
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
  std::size_t from_, to_;
  plane_layout from_layout_, to_layout_;
};

/// strided_copy of a row-major tensor of any rank.
class plain_copy_step final : public step {
public:
  plain_copy_step(const strided_copy& spec, std::size_t from, const std::vector<std::int64_t>& from_shape,
                  std::size_t to, const std::vector<std::int64_t>& to_shape)
      : spec_(spec), from_(from), to_(to), from_shape_(from_shape), to_shape_(to_shape) {
    reads = {from};
    writes = {to};
  }
  void run(buffer_table buffers, std::size_t, std::size_t, float*) const noexcept override {
    copy(buffers[from_], buffers[to_], 0);
  }

private:
  /// Floats of one index of an axis.
  static std::size_t stride(const std::vector<std::int64_t>& shape, std::size_t axis) noexcept {
    std::size_t n = 1;
    for (std::size_t i = axis + 1; i < shape.size(); ++i) n *= static_cast<std::size_t>(shape[i]);
    return n;
  }
  // NOLINTNEXTLINE(misc-no-recursion): one level an axis, of which there are at most max_rank
  void copy(const float* from, float* to, std::size_t axis) const noexcept {
    if (axis == to_shape_.size()) {
      *to = *from;
      return;
    }
    const strided_copy::axis& a = spec_.axes[axis];
    const std::size_t in = stride(from_shape_, axis), out = stride(to_shape_, axis);
    const auto offset = static_cast<std::size_t>(a.offset), count = static_cast<std::size_t>(a.count),
               extent = static_cast<std::size_t>(to_shape_[axis]);
    std::fill_n(to, offset * out, spec_.fill);
    std::fill_n(to + (offset + count) * out, (extent - offset - count) * out, spec_.fill);
    for (std::size_t i = 0; i < count; ++i)
      copy(from + (a.start + static_cast<std::int64_t>(i) * a.step) * static_cast<std::int64_t>(in),
           to + (offset + i) * out, axis + 1);
  }
  strided_copy spec_;
  std::size_t from_, to_;
  std::vector<std::int64_t> from_shape_, to_shape_;
};

/// Joins the channels of channels-last tensors.
class channel_concat_step final : public step {
public:
  channel_concat_step(std::vector<std::size_t> from, std::vector<plane_layout> from_layouts, std::size_t to,
                      const plane_layout& to_layout)
      : from_(std::move(from)), from_layouts_(std::move(from_layouts)), to_(to), to_layout_(to_layout) {
    reads = from_;
    writes = {to};
  }
  std::size_t units() const override { return to_layout_.batch * to_layout_.height; }
  void run(buffer_table buffers, std::size_t first, std::size_t last, float*) const noexcept override {
    for (std::size_t r = first; r < last; ++r) {
      float* to = buffers[to_] + to_layout_.row_at(r);
      for (std::size_t i = 0; i < from_.size(); ++i) {
        const std::size_t channels = from_layouts_[i].channels;
        const float* p = buffers[from_[i]] + from_layouts_[i].row_at(r);
        for (std::size_t x = 0; x < to_layout_.width; ++x)
          std::memcpy(to + x * to_layout_.channels, p + x * channels, channels * sizeof(float));
        to += channels;
      }
    }
  }

private:
  std::vector<std::size_t> from_;
  std::vector<plane_layout> from_layouts_;
  std::size_t to_;
  plane_layout to_layout_;
};

} // namespace aecnn::nn
