// Slice: starts, ends, axes and steps are constant inputs (opset 10 and later), with Python's meaning. Steps may be
// negative. Cost: one copy a element.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/nn/operators/common.hpp>
#include <aecnn/nn/operators/loops.hpp>

namespace aecnn::nn::detail {

class slice final : public operation {
public:
  slice(tensor_type out, const loops<1>& l, std::int64_t first, std::optional<strided_copy> hook)
      : operation(one(std::move(out))), loops_(l), first_(first), hook_(std::move(hook)) {}
  const strided_copy* as_strided_copy() const override { return hook_ ? &*hook_ : nullptr; }
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    if (element_count(outputs()[0].shape) == 0) return; // `first_` may then lie outside
    if (outputs()[0].type == element_type::float32)
      copy_strided(in[0].floats + first_, out[0].floats, loops_);
    else
      copy_strided(in[0].integers + first_, out[0].integers, loops_);
  }

private:
  loops<1> loops_;
  std::int64_t first_;
  std::optional<strided_copy> hook_;
};

/// One axis of a slice: the indices start, start + step, ... (count of them).
inline strided_copy::axis slice_axis(std::int64_t extent, std::int64_t start, std::int64_t end, std::int64_t step) {
  const auto bounded = [extent](std::int64_t v, std::int64_t low, std::int64_t high) {
    if (v < 0) v = v < -extent ? -1 - extent : v; // keeps v + extent from overflowing
    if (v < 0) v += extent;
    return v < low ? low : v > high ? high : v;
  };
  strided_copy::axis a;
  // A step beyond the extent reads one element, like the largest that does not overflow.
  a.step = step > extent ? extent + 1 : step < -extent ? -extent - 1 : step;
  if (extent == 0) return a;
  if (step > 0) {
    a.start = bounded(start, 0, extent);
    end = bounded(end, 0, extent);
    a.count = end > a.start ? (end - a.start + a.step - 1) / a.step : 0;
  } else {
    a.start = bounded(start, 0, extent - 1);
    end = end < -extent ? -1 : bounded(end, -1, extent - 1);
    a.count = a.start > end ? (a.start - end - a.step - 1) / -a.step : 0;
  }
  return a;
}

inline made_operation make_slice(node_reader& r) {
  expect(r, 3, 5, {});
  const std::span<const std::int64_t> starts = r.constant_integers(1, "starts"), ends = r.constant_integers(2, "ends");
  const std::size_t rank = r.shape(0).size(), n = starts.size();
  extents axes, steps(n <= rank ? n : 0, 1);
  if (n > rank || ends.size() != n) {
    r.fail(errc::bad_field, "has ", n, " starts and ", ends.size(), " ends for ", rank, " axes");
    return r.error();
  }
  for (std::size_t i = 0; i < n; ++i) axes.push_back(static_cast<std::int64_t>(i));
  const auto read = [&](std::size_t i, const char* role, extents& to) {
    if (!r.has_input(i)) return;
    const std::span<const std::int64_t> v = r.constant_integers(i, role);
    if (v.size() != n) r.fail(errc::bad_field, "has ", v.size(), " ", role, ", expected ", n);
    if (!r.failed()) to.assign(v.begin(), v.end());
  };
  read(3, "axes", axes);
  read(4, "steps", steps);
  if (r.failed()) return r.error();
  strided_copy copy;
  extents shape = r.shape(0), stride = contiguous_strides(shape);
  for (const std::int64_t extent : shape) copy.axes.push_back({0, 0, 1, extent});
  std::vector<bool> seen(rank);
  bool forward = true;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t axis = r.axis("axis", axes[i], static_cast<std::int64_t>(rank));
    if (r.failed()) return r.error();
    if (seen[axis]) r.fail(errc::bad_field, "axis ", axes[i], " occurs twice");
    if (steps[i] == 0) r.fail(errc::bad_field, "step ", i, " is 0");
    if (r.failed()) return r.error();
    seen[axis] = true;
    forward = forward && steps[i] > 0;
    copy.axes[axis] = slice_axis(shape[axis], starts[i], ends[i], steps[i]);
  }
  std::int64_t first = 0;
  for (std::size_t i = 0; i < rank; ++i) {
    shape[i] = copy.axes[i].count;
    if (copy.axes[i].count == 0) continue;
    first += copy.axes[i].start * stride[i];
    stride[i] *= copy.axes[i].count > 1 ? copy.axes[i].step : 1;
  }
  if (!admit(r, shape)) return r.error();
  const loops<1> l(shape, std::array<extents, 1>{stride});
  std::optional<strided_copy> hook;
  if (forward && r.type(0) == element_type::float32) hook = std::move(copy);
  return finish<slice>(r, tensor_type{r.type(0), std::move(shape)}, l, first, std::move(hook));
}

} // namespace aecnn::nn::detail
