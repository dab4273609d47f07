// Nested loops over a tensor whose operands have strides: the core of broadcasting, reductions, transposition and
// slices. Axes that are contiguous in every operand are merged, so that a per-channel operand costs one step a channel
// and the innermost loop is as long as it can be.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <aecnn/nn/operators/common.hpp>

namespace aecnn::nn::detail {

/// The strides of a contiguous row-major tensor.
inline extents contiguous_strides(std::span<const std::int64_t> shape) {
  extents s(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) s[i - 1] = s[i] * (shape[i] > 0 ? shape[i] : 1);
  return s;
}

/// The strides of a tensor of shape `from` seen as one of shape `to`: 0 along axes that are repeated.
inline extents broadcast_strides(std::span<const std::int64_t> from, std::span<const std::int64_t> to) {
  const extents own = contiguous_strides(from);
  extents s(to.size(), 0);
  const std::size_t lead = to.size() - from.size();
  for (std::size_t i = 0; i < from.size(); ++i)
    if (from[i] != 1 || to[i + lead] == 1) s[i + lead] = own[i];
  return s;
}

template <std::size_t Operands>
class loops {
public:
  using offsets = std::array<std::int64_t, Operands>;

  /// Loops over `shape`, the last axis innermost; strides[k] are those of operand k in elements.
  loops(std::span<const std::int64_t> shape, const std::array<extents, Operands>& strides) {
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == 0) empty_ = true;
      if (shape[i] == 1) continue;
      bool merge = rank_ > 0;
      for (std::size_t k = 0; k < Operands; ++k) merge = merge && stride_[k][rank_ - 1] == strides[k][i] * shape[i];
      if (merge) {
        extent_[rank_ - 1] *= shape[i];
      } else {
        if (rank_ == max_rank) break; // shapes have been checked: not reached
        extent_[rank_++] = shape[i];
      }
      for (std::size_t k = 0; k < Operands; ++k) stride_[k][rank_ - 1] = strides[k][i];
    }
    if (rank_ > 0) return;
    rank_ = 1;
    for (auto& s : stride_) s[0] = 1;
  }

  /// Elements of the innermost loop, and how far operand k moves in it.
  std::size_t row() const noexcept { return static_cast<std::size_t>(extent_[rank_ - 1]); }
  std::int64_t step(std::size_t k) const noexcept { return stride_[k][rank_ - 1]; }

  /// Calls f(offset of each operand) for every row, in order.
  template <class Function>
  void rows(Function f) const noexcept {
    if (empty_) return;
    std::array<std::int64_t, max_rank> index{};
    offsets at{};
    for (;;) {
      f(static_cast<const offsets&>(at));
      std::size_t axis = rank_ - 1;
      for (;;) {
        if (axis == 0) return;
        --axis;
        if (++index[axis] < extent_[axis]) break;
        index[axis] = 0;
        for (std::size_t k = 0; k < Operands; ++k) at[k] -= stride_[k][axis] * (extent_[axis] - 1);
      }
      for (std::size_t k = 0; k < Operands; ++k) at[k] += stride_[k][axis];
    }
  }

private:
  std::size_t rank_ = 0;
  bool empty_ = false;
  std::array<std::int64_t, max_rank> extent_{1};
  std::array<std::array<std::int64_t, max_rank>, Operands> stride_{};
};

/// y[...] = x[strides . index], y contiguous.
template <class T>
void copy_strided(const T* x, T* y, const loops<1>& l) noexcept {
  const std::size_t n = l.row();
  const std::int64_t step = l.step(0);
  l.rows([&](const loops<1>::offsets& at) {
    const T* from = x + at[0];
    if (step == 1) {
      std::memcpy(y, from, n * sizeof(T));
    } else {
      for (std::size_t i = 0; i < n; ++i, from += step) y[i] = *from;
    }
    y += n;
  });
}

} // namespace aecnn::nn::detail
