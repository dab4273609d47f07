// Concat joins tensors along an axis, Split cuts one; for either element type. Cost: one copy a element.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/nn/operators/broadcasting.hpp>
#include <aecnn/nn/operators/common.hpp>

namespace aecnn::nn::detail {

class concat final : public operation {
public:
  /// Each input is `outer` runs of chunks[i] elements.
  concat(tensor_type out, std::size_t outer, std::vector<std::size_t> chunks, bool channels)
      : operation(one(std::move(out))), outer_(outer), chunks_(std::move(chunks)), channels_(channels) {}
  bool is_channel_concat() const override { return channels_; }
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    with_elements(outputs()[0].type, [&](auto zero) {
      using element = decltype(zero);
      element* y = elements<element>(out[0]);
      for (std::size_t o = 0; o < outer_; ++o)
        for (std::size_t i = 0; i < chunks_.size(); ++i) {
          if (chunks_[i] != 0) std::memcpy(y, elements<element>(in[i]) + o * chunks_[i], chunks_[i] * sizeof(element));
          y += chunks_[i];
        }
    });
  }

private:
  std::size_t outer_;
  std::vector<std::size_t> chunks_;
  bool channels_;
};

inline made_operation make_concat(node_reader& r) {
  expect(r, 1, node_reader::any_number, {"axis"});
  if (!r.has_attribute("axis")) r.fail(errc::missing_field, "attribute 'axis' is missing");
  for (std::size_t i = 1; i < r.input_count(); ++i)
    if (!r.has_input(i)) r.fail(errc::missing_field, "input ", i, " is missing");
  if (r.failed()) return r.error();
  const element_type type = common_type(r, 0, r.input_count() - 1);
  const std::int64_t rank = r.rank(0);
  const std::size_t axis = r.axis("attribute 'axis'", r.integer("axis", 0, INT64_MIN, INT64_MAX), rank);
  if (r.failed()) return r.error();
  extents shape = r.shape(0);
  for (std::size_t i = 1; i < r.input_count(); ++i) {
    const extents& other = r.shape(i);
    bool fits = other.size() == shape.size();
    for (std::size_t k = 0; fits && k < shape.size(); ++k) fits = k == axis || other[k] == shape[k];
    if (!fits)
      r.fail(errc::bad_shape, "input ", i, " has shape ", to_string(other), ", input 0 ", to_string(r.shape(0)),
             ": they may differ along axis ", axis, " only");
    if (r.failed()) return r.error();
    shape[axis] += other[axis];
    if (shape[axis] > max_extent) r.fail(errc::limit_exceeded, "output of shape ", to_string(shape));
  }
  if (!admit(r, shape)) return r.error();
  const std::size_t outer = product(shape, 0, axis), inner = product(shape, axis + 1, shape.size());
  std::vector<std::size_t> chunks;
  chunks.reserve(r.input_count());
  for (std::size_t i = 0; i < r.input_count(); ++i)
    chunks.push_back(static_cast<std::size_t>(r.shape(i)[axis]) * inner);
  const bool channels = axis == 1 && type == element_type::float32;
  return finish<concat>(r, tensor_type{type, std::move(shape)}, outer, std::move(chunks), channels);
}

class split final : public operation {
public:
  split(std::vector<tensor_type> out, std::size_t outer, std::vector<std::size_t> chunks)
      : operation(std::move(out)), outer_(outer), chunks_(std::move(chunks)) {}
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    with_elements(outputs()[0].type, [&](auto zero) {
      using element = decltype(zero);
      const element* x = elements<element>(in[0]);
      for (std::size_t o = 0; o < outer_; ++o)
        for (std::size_t i = 0; i < chunks_.size(); ++i) {
          element* y = elements<element>(out[i]);
          if (y != nullptr && chunks_[i] != 0) std::memcpy(y + o * chunks_[i], x, chunks_[i] * sizeof(element));
          x += chunks_[i];
        }
    });
  }

private:
  std::size_t outer_;
  std::vector<std::size_t> chunks_;
};

/// Sizes come from the attribute (up to opset 11), a constant input, or are equal.
inline made_operation make_split(node_reader& r) {
  const std::size_t parts = std::max<std::size_t>(1, r.output_count());
  expect(r, 1, 2, {"axis", "split"}, parts);
  const extents& x = r.shape(0);
  const std::size_t axis =
      r.axis("attribute 'axis'", r.integer("axis", 0, INT64_MIN, INT64_MAX), static_cast<std::int64_t>(x.size()));
  if (r.failed()) return r.error();
  extents sizes;
  const std::int64_t extent = x[axis], count = static_cast<std::int64_t>(parts);
  if (r.has_input(1)) {
    const std::span<const std::int64_t> given = r.constant_integers(1, "split");
    if (given.size() == parts) sizes.assign(given.begin(), given.end());
  } else if (r.has_attribute("split")) {
    sizes = r.integer_list("split", parts, 0, max_extent);
  } else if (extent % count == 0) {
    sizes.assign(parts, extent / count);
  } else {
    r.fail(errc::bad_shape, "axis ", axis, " has ", extent, " elements, which ", parts, " outputs do not divide");
  }
  if (r.failed()) return r.error();
  bool fits = sizes.size() == parts;
  std::int64_t left = extent;
  for (const std::int64_t size : sizes) {
    fits = fits && size >= 0 && size <= left;
    if (fits) left -= size;
  }
  if (!fits || left != 0)
    r.fail(errc::bad_field, "sizes ", to_string(sizes), " for ", parts, " outputs do not add up to ", extent);
  if (r.failed() || !admit(r, x)) return r.error();
  const std::size_t outer = product(x, 0, axis), inner = product(x, axis + 1, x.size());
  std::vector<tensor_type> types;
  std::vector<std::size_t> chunks;
  types.reserve(parts);
  chunks.reserve(parts);
  for (const std::int64_t size : sizes) {
    types.push_back({r.type(0), x});
    types.back().shape[axis] = size;
    chunks.push_back(static_cast<std::size_t>(size) * inner);
  }
  return finish<split>(r, std::move(types), outer, std::move(chunks));
}

} // namespace aecnn::nn::detail
