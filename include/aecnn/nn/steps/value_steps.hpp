// Steps that compute element by element or over windows: scale and shift, functions, sums and products, pools. Each
// works on channels-last rows; those that do not look at channels also on channels-first tensors, as one long row.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <utility>
#include <vector>

#include <aecnn/nn/kernels/kernel_set.hpp>
#include <aecnn/nn/steps/step.hpp>

namespace aecnn::nn {

/// One operand: a buffer and how it lies.
struct operand {
  std::size_t buffer = 0;
  plane_layout layout{};
};

/// Rows of equal length that an element-wise step walks over: those of a channels-last tensor, or pieces of a
/// contiguous one.
class row_walk {
public:
  explicit row_walk(const plane_layout& l)
      : rows_(l.batch * l.height), length_(l.width * l.channels), total_(rows_ * length_) {}
  /// All tensors are contiguous.
  static row_walk contiguous(std::size_t size) {
    row_walk w{plane_layout{}};
    w.length_ = 4096;
    w.rows_ = std::max<std::size_t>(1, (size + w.length_ - 1) / w.length_);
    w.total_ = size;
    w.contiguous_ = true;
    return w;
  }
  std::size_t rows() const noexcept { return rows_; }
  std::size_t length(std::size_t r) const noexcept { return std::min(length_, total_ - r * length_); }
  std::ptrdiff_t start(const plane_layout& l, std::size_t r) const noexcept {
    return contiguous_ ? static_cast<std::ptrdiff_t>(r * length_) : l.row_at(r);
  }

private:
  std::size_t rows_, length_, total_;
  bool contiguous_ = false;
};

/// y = f(x) for an activation or any element-wise function.
class elementwise_step final : public step {
public:
  elementwise_step(const kernel_set& kernels, const elementwise_function& f, const activation* a, operand from,
                   operand to, const row_walk& walk)
      : kernels_(kernels), function_(f), activation_(a == nullptr ? kernel_activation{} : to_kernel(*a)), from_(from),
        to_(to), walk_(walk) {
    reads = {from.buffer};
    writes = {to.buffer};
  }
  std::size_t units() const override { return walk_.rows(); }
  void run(buffer_table buffers, std::size_t first, std::size_t last, float*) const noexcept override {
    for (std::size_t r = first; r < last; ++r) {
      const float* x = buffers[from_.buffer] + walk_.start(from_.layout, r);
      float* y = buffers[to_.buffer] + walk_.start(to_.layout, r);
      if (activation_.act != 0)
        kernels_.activate(x, y, walk_.length(r), activation_.act, activation_.low, activation_.high);
      else
        function_.apply(x, y, walk_.length(r), function_.parameters);
    }
  }

private:
  const kernel_set& kernels_;
  elementwise_function function_;
  kernel_activation activation_;
  operand from_, to_;
  row_walk walk_;
};

/// y = scale * x + shift, one pair a channel, then an activation. Channels-last, or channels-first with `plane`
/// elements a channel.
class affine_step final : public step {
public:
  affine_step(const kernel_set& kernels, const channel_affine& f, operand from, operand to, std::size_t plane)
      : kernels_(kernels), from_(from), to_(to), plane_(plane) {
    const std::size_t channels = from.layout.channels;
    for (std::size_t c = 0; c < channels; ++c) {
      scale_.push_back(static_cast<float>(f.scale[f.scale.size() == 1 ? 0 : c]));
      shift_.push_back(static_cast<float>(f.shift[f.shift.size() == 1 ? 0 : c]));
    }
    reads = {from.buffer};
    writes = {to.buffer};
  }
  std::size_t units() const override {
    return plane_ != 0 ? from_.layout.batch * from_.layout.channels : from_.layout.batch * from_.layout.height;
  }
  void run(buffer_table buffers, std::size_t first, std::size_t last, float*) const noexcept override {
    const std::size_t channels = scale_.size();
    for (std::size_t u = first; u < last; ++u) {
      if (plane_ != 0) {
        kernels_.affine(buffers[from_.buffer] + u * plane_, scale_[u % channels], shift_[u % channels],
                        buffers[to_.buffer] + u * plane_, plane_);
        continue;
      }
      const float* x = buffers[from_.buffer] + from_.layout.row_at(u);
      float* y = buffers[to_.buffer] + to_.layout.row_at(u);
      for (std::size_t i = 0; i < from_.layout.width; ++i, x += channels, y += channels)
        kernels_.affine_each(x, scale_.data(), shift_.data(), y, channels);
    }
  }

private:
  const kernel_set& kernels_;
  operand from_, to_;
  std::size_t plane_;
  std::vector<float> scale_, shift_;
};

/// Sum or product of two tensors of one shape.
class binary_step final : public step {
public:
  binary_step(const kernel_set& kernels, bool product, operand a, operand b, operand to, const row_walk& walk)
      : apply_(product ? kernels.multiply : kernels.add), a_(a), b_(b), to_(to), walk_(walk) {
    reads = {a.buffer, b.buffer};
    writes = {to.buffer};
  }
  std::size_t units() const override { return walk_.rows(); }
  void run(buffer_table buffers, std::size_t first, std::size_t last, float*) const noexcept override {
    for (std::size_t r = first; r < last; ++r)
      apply_(buffers[a_.buffer] + walk_.start(a_.layout, r), buffers[b_.buffer] + walk_.start(b_.layout, r),
             buffers[to_.buffer] + walk_.start(to_.layout, r), walk_.length(r));
  }

private:
  void (*apply_)(const float*, const float*, float*, std::size_t) noexcept;
  operand a_, b_, to_;
  row_walk walk_;
};

/// Product of a tensor and one factor a channel and item, as channel attention makes them ([N,C,1,1]). Channels-first
/// tensors (`plane` is not 0) are walked from the end, because a pooling before it left the end in the cache.
class channel_product_step final : public step {
public:
  channel_product_step(const kernel_set& kernels, operand x, operand factors, operand to, std::size_t plane)
      : kernels_(kernels), x_(x), factors_(factors), to_(to), plane_(plane) {
    reads = {x.buffer, factors.buffer};
    writes = {to.buffer};
  }
  std::size_t units() const override {
    return plane_ != 0 ? x_.layout.batch * x_.layout.channels : x_.layout.batch * x_.layout.height;
  }
  void run(buffer_table buffers, std::size_t first, std::size_t last, float*) const noexcept override {
    const float* factors = buffers[factors_.buffer];
    const std::size_t channels = x_.layout.channels;
    for (std::size_t i = last; i-- > first;) {
      if (plane_ != 0) {
        kernels_.affine(buffers[x_.buffer] + i * plane_, factors[i], 0, buffers[to_.buffer] + i * plane_, plane_);
        continue;
      }
      const float* f = factors + i / x_.layout.height * channels;
      const float* x = buffers[x_.buffer] + x_.layout.row_at(i);
      float* y = buffers[to_.buffer] + to_.layout.row_at(i);
      for (std::size_t p = 0; p < x_.layout.width; ++p, x += channels, y += channels)
        kernels_.multiply(x, f, y, channels);
    }
  }

private:
  const kernel_set& kernels_;
  operand x_, factors_, to_;
  std::size_t plane_;
};

/// MaxPool and AveragePool on channels-last tensors.
class pool_step final : public step {
public:
  pool_step(const kernel_set& kernels, const pooling& spec, operand from, operand to)
      : kernels_(kernels), spec_(spec), from_(from), to_(to) {
    reads = {from.buffer};
    writes = {to.buffer};
  }
  std::size_t units() const override { return to_.layout.batch * to_.layout.height; }
  void run(buffer_table buffers, std::size_t first, std::size_t last, float*) const noexcept override {
    const window& w = spec_.area;
    pool_arguments a{};
    a.channels = from_.layout.channels;
    a.pixel = w.dilations[1] * static_cast<std::ptrdiff_t>(from_.layout.channels);
    a.row = w.dilations[0] * static_cast<std::ptrdiff_t>(from_.layout.row());
    for (std::size_t r = first; r < last; ++r) {
      const std::size_t n = r / to_.layout.height;
      const range y = inside(w, 0, r % to_.layout.height, from_.layout.height);
      float* out = buffers[to_.buffer] + to_.layout.row_at(r);
      for (std::size_t x = 0; x < to_.layout.width; ++x, out += to_.layout.channels) {
        const range c = inside(w, 1, x, from_.layout.width);
        if (spec_.maximum && (y.count == 0 || c.count == 0)) { // the window lies in the padding alone
          std::fill_n(out, a.channels, -std::numeric_limits<float>::infinity());
          continue;
        }
        a.in = buffers[from_.buffer] + from_.layout.at(n, y.first, c.first);
        a.rows = y.count;
        a.columns = c.count;
        a.out = out;
        const std::size_t divisor = spec_.count_padding ? y.padded * c.padded : y.count * c.count;
        a.scale = divisor == 0 ? 0 : 1 / static_cast<float>(divisor);
        (spec_.maximum ? kernels_.max_pool : kernels_.average_pool)(a);
      }
    }
  }

private:
  struct range {
    std::ptrdiff_t first;
    std::size_t count;
    std::size_t padded; ///< taps within the padded input
  };
  /// The taps of a window that lie in the input.
  static range inside(const window& w, std::size_t axis, std::size_t out, std::size_t extent) noexcept {
    const std::int64_t start = static_cast<std::int64_t>(out) * w.strides[axis] - w.before[axis], d = w.dilations[axis],
                       size = static_cast<std::int64_t>(extent);
    const std::int64_t lowest = start >= 0 ? 0 : (-start + d - 1) / d;
    const std::int64_t end = size - 1 < start ? 0 : std::min(w.kernel[axis], (size - 1 - start) / d + 1);
    const std::int64_t limit = size + w.after[axis] - 1;
    const std::int64_t padded = limit < start ? 0 : std::min(w.kernel[axis], (limit - start) / d + 1);
    const std::int64_t count = std::max<std::int64_t>(0, end - lowest);
    return {start + lowest * d, static_cast<std::size_t>(count), static_cast<std::size_t>(padded)};
  }
  const kernel_set& kernels_;
  pooling spec_;
  operand from_, to_;
};

/// Average and maximum of every plane, in one pass over it. Either output may be left out (`none`).
class global_pool_step final : public step {
public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  global_pool_step(const kernel_set& kernels, operand from, bool channels_first, std::size_t average,
                   std::size_t maximum)
      : kernels_(kernels), from_(from), channels_first_(channels_first), average_(average), maximum_(maximum) {
    reads = {from.buffer};
    if (average != none) writes.push_back(average);
    if (maximum != none) writes.push_back(maximum);
  }
  std::size_t units() const override {
    return from_.layout.batch * (channels_first_ ? from_.layout.channels : blocks());
  }
  void run(buffer_table buffers, std::size_t first, std::size_t last, float*) const noexcept override {
    const plane_layout& l = from_.layout;
    const std::size_t area = l.height * l.width;
    const float scale = 1 / static_cast<float>(area);
    for (std::size_t u = first; u < last; ++u) {
      if (channels_first_) {
        float sum = 0, most = 0;
        kernels_.sum_and_maximum(buffers[from_.buffer] + u * area, area, &sum, &most);
        if (average_ != none) buffers[average_][u] = sum * scale;
        if (maximum_ != none) buffers[maximum_][u] = most;
        continue;
      }
      const std::size_t n = u / blocks(), channel = u % blocks() * block;
      pool_arguments a{};
      a.channels = std::min(block, l.channels - channel);
      a.in = buffers[from_.buffer] + l.at(n, 0, 0) + channel;
      a.pixel = static_cast<std::ptrdiff_t>(l.channels);
      a.row = static_cast<std::ptrdiff_t>(l.row());
      a.rows = l.height;
      a.columns = l.width;
      a.scale = scale;
      if (average_ != none) {
        a.out = buffers[average_] + n * l.channels + channel;
        kernels_.average_pool(a);
      }
      if (maximum_ != none) {
        a.out = buffers[maximum_] + n * l.channels + channel;
        kernels_.max_pool(a);
      }
    }
  }

private:
  static constexpr std::size_t block = 64;
  std::size_t blocks() const noexcept { return (from_.layout.channels + block - 1) / block; }
  const kernel_set& kernels_;
  operand from_;
  bool channels_first_;
  std::size_t average_, maximum_;
};

/// Any operation, on contiguous tensors as it defines them.
class operation_step final : public step {
public:
  /// `inputs`: a buffer, or a constant where its pointers are set, or nothing.
  struct input {
    std::size_t buffer = static_cast<std::size_t>(-1);
    const_tensor_data constant{};
  };
  operation_step(const operation& op, std::vector<input> inputs, std::vector<std::size_t> outputs)
      : op_(op), inputs_(std::move(inputs)), outputs_(std::move(outputs)) {
    for (const input& i : inputs_)
      if (i.buffer != static_cast<std::size_t>(-1)) reads.push_back(i.buffer);
    writes = outputs_;
    multiply_adds = op.multiply_adds();
  }
  std::size_t workspace() const override {
    // Room for the operands' pointers as well, so that running needs no memory of its own.
    return op_.workspace() + 16 +
           (inputs_.size() * sizeof(const_tensor_data) + outputs_.size() * sizeof(tensor_data)) / sizeof(float);
  }
  void run(buffer_table buffers, std::size_t, std::size_t, float* workspace) const noexcept override {
    auto* in = reinterpret_cast<const_tensor_data*>(workspace);
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      new (in + i) const_tensor_data(inputs_[i].buffer == static_cast<std::size_t>(-1)
                                         ? inputs_[i].constant
                                         : const_tensor_data{buffers[inputs_[i].buffer], nullptr});
    auto* out = reinterpret_cast<tensor_data*>(in + inputs_.size());
    for (std::size_t i = 0; i < outputs_.size(); ++i) new (out + i) tensor_data{buffers[outputs_[i]], nullptr};
    const std::size_t used =
        (inputs_.size() * sizeof(const_tensor_data) + outputs_.size() * sizeof(tensor_data)) / sizeof(float);
    op_.run({in, inputs_.size()}, {out, outputs_.size()}, workspace + (used + 15) / 16 * 16);
  }

private:
  const operation& op_;
  std::vector<input> inputs_;
  std::vector<std::size_t> outputs_;
};

} // namespace aecnn::nn
