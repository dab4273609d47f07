// Softmax and LogSoftmax: exp(x - max) / sum exp(x - max). From opset 13 along one axis, by default the last; before
// (the node's attribute `opset` is 12 or less) over all axes from `axis` on together, by default 1. Cost: one
// exponential a element.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

#include <aecnn/nn/operators/broadcasting.hpp>
#include <aecnn/nn/operators/common.hpp>
#include <aecnn/nn/operators/functions.hpp>
#include <aecnn/nn/operators/pooling.hpp>

namespace aecnn::nn::detail {

class softmax final : public operation {
public:
  /// `outer` times `extent` elements that are `inner` apart.
  softmax(extents shape, std::size_t outer, std::size_t extent, std::size_t inner, bool logarithm)
      : operation(one(floats(std::move(shape)))), outer_(outer), extent_(extent), inner_(inner), logarithm_(logarithm) {
  }
  std::uint64_t multiply_adds() const override { return 2 * element_count(outputs()[0].shape); }
  /// The largest element and the sum, for each of the `inner` columns.
  std::size_t workspace() const override { return inner_ == 1 ? 0 : 2 * inner_; }
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out,
           float* workspace) const noexcept override {
    const std::size_t size = extent_ * inner_;
    if (size == 0) return;
    for (std::size_t o = 0; o < outer_; ++o) {
      if (inner_ == 1)
        row(in[0].floats + o * size, out[0].floats + o * size);
      else
        columns(in[0].floats + o * size, out[0].floats + o * size, workspace, workspace + inner_);
    }
  }

private:
  void row(const float* x, float* y) const noexcept {
    const float largest = maximum_of_row(x, extent_);
    map_row(x, y, extent_, [largest](float v) { return exponential(v - largest); });
    const float sum = sum_row(y, extent_);
    if (logarithm_)
      map_row(x, y, extent_, [largest, log = std::log(sum)](float v) { return (v - largest) - log; });
    else
      map_row(y, y, extent_, [factor = 1.0F / sum](float v) { return v * factor; });
  }
  void columns(const float* x, float* y, float* largest, float* sum) const noexcept {
    for (std::size_t i = 0; i < inner_; ++i) {
      largest[i] = -std::numeric_limits<float>::infinity();
      sum[i] = 0;
    }
    for (std::size_t k = 0; k < extent_; ++k)
      zip_row(largest, x + k * inner_, largest, inner_, [](float a, float b) { return maximum(a, b); });
    for (std::size_t k = 0; k < extent_; ++k) {
      float* to = y + k * inner_;
      zip_row(x + k * inner_, largest, to, inner_, [](float a, float b) { return exponential(a - b); });
      zip_row(sum, to, sum, inner_, [](float a, float b) { return a + b; });
    }
    if (logarithm_)
      for (std::size_t i = 0; i < inner_; ++i) sum[i] = std::log(sum[i]);
    for (std::size_t k = 0; k < extent_; ++k) {
      float* to = y + k * inner_;
      if (logarithm_) {
        zip_row(x + k * inner_, largest, to, inner_, [](float a, float b) { return a - b; });
        zip_row(to, sum, to, inner_, [](float a, float b) { return a - b; });
      } else {
        zip_row(to, sum, to, inner_, [](float a, float b) { return a / b; });
      }
    }
  }

  std::size_t outer_, extent_, inner_;
  bool logarithm_;
};

template <bool Logarithm>
made_operation make_softmax(node_reader& r) {
  expect(r, 1, 1, {"axis", "opset"});
  r.expect_float(0);
  const bool flattened = r.integer("opset", 13, 1, INT32_MAX) < 13;
  const extents& x = r.shape(0);
  const std::int64_t rank = r.rank(0), given = r.integer("axis", flattened ? 1 : -1, INT64_MIN, INT64_MAX);
  if (r.failed() || !admit(r, x)) return r.error();
  if (flattened) {
    if (given < -rank || given > rank)
      r.fail(errc::bad_field, "attribute 'axis' is ", given, ", expected ", -rank, " to ", rank);
    if (r.failed()) return r.error();
    const std::size_t axis = static_cast<std::size_t>(given < 0 ? given + rank : given);
    return finish<softmax>(r, x, product(x, 0, axis), product(x, axis, x.size()), std::size_t{1}, Logarithm);
  }
  if (rank == 0) return finish<softmax>(r, x, std::size_t{1}, std::size_t{1}, std::size_t{1}, Logarithm);
  const std::size_t axis = r.axis("attribute 'axis'", given, rank);
  if (r.failed()) return r.error();
  return finish<softmax>(r, x, product(x, 0, axis), static_cast<std::size_t>(x[axis]), product(x, axis + 1, x.size()),
                         Logarithm);
}

} // namespace aecnn::nn::detail
