// Operators that give the same elements another shape: Reshape, Flatten, Squeeze, Unsqueeze, Identity, Dropout
// (inference); and Shape and Size, which depend on the input's type alone. A network needs no step for the former: they
// are views.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/nn/operators/common.hpp>

namespace aecnn::nn::detail {

class view final : public operation {
public:
  explicit view(std::vector<tensor_type> out) : operation(std::move(out)) {}
  bool is_view() const override { return true; }
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    const std::size_t n = element_count(outputs()[0].shape);
    with_elements(outputs()[0].type, [&](auto zero) {
      using element = decltype(zero);
      if (n != 0) std::memcpy(elements<element>(out[0]), elements<element>(in[0]), n * sizeof(element));
    });
    // The mask of a Dropout that drops nothing.
    for (std::size_t i = 1; i < out.size(); ++i)
      for (std::size_t k = 0; out[i].integers != nullptr && k < n; ++k) out[i].integers[k] = 1;
  }
};

inline made_operation finish_view(node_reader& r, extents shape) {
  if (r.failed() || !admit(r, shape)) return r.error();
  return finish<view>(r, one({r.type(0), std::move(shape)}));
}

inline made_operation make_identity(node_reader& r) {
  expect(r, 1, 1, {});
  return finish_view(r, r.shape(0));
}

inline made_operation make_dropout(node_reader& r) {
  expect(r, 1, 3, {"ratio", "seed"}, r.output_count() == 2 ? 2 : 1);
  if (r.has_input(2)) {
    if (r.type(2) != element_type::int64 || element_count(r.shape(2)) != 1)
      r.fail(errc::bad_field, "input 2 (training_mode) is not a truth value");
    else if (const auto v = r.constant_integers(2, "training_mode"); !v.empty() && v[0] != 0)
      r.fail(errc::unsupported, "input 2 (training_mode) is true, expected false");
  }
  if (r.failed() || !admit(r, r.shape(0))) return r.error();
  std::vector<tensor_type> out = one({r.type(0), r.shape(0)});
  if (r.output_count() == 2) out.push_back(integers(r.shape(0)));
  return finish<view>(r, std::move(out));
}

inline made_operation make_flatten(node_reader& r) {
  expect(r, 1, 1, {"axis"});
  const std::int64_t rank = r.rank(0), given = r.integer("axis", 1, -rank, rank);
  if (given > rank) r.fail(errc::bad_shape, "input 0 is a scalar, attribute 'axis' is ", given);
  if (r.failed() || !admit(r, r.shape(0))) return r.error();
  const std::size_t axis = static_cast<std::size_t>(given < 0 ? given + rank : given);
  const extents& x = r.shape(0);
  return finish_view(
      r, {static_cast<std::int64_t>(product(x, 0, axis)), static_cast<std::int64_t>(product(x, axis, x.size()))});
}

inline made_operation make_reshape(node_reader& r) {
  expect(r, 2, 2, {"allowzero"});
  const bool allow_zero = r.integer("allowzero", 0, 0, 1) != 0;
  const std::span<const std::int64_t> wanted = r.constant_integers(1, "shape");
  if (r.failed() || !admit(r, r.shape(0))) return r.error();
  const extents& x = r.shape(0);
  if (wanted.size() > max_rank || r.rank(1) != 1)
    r.fail(errc::bad_shape, "input 1 (shape) has shape ", to_string(r.shape(1)), ", expected at most ", max_rank,
           " elements");
  if (r.failed()) return r.error();
  extents shape(wanted.begin(), wanted.end());
  std::size_t known = 1, open = shape.size();
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && !allow_zero) {
      if (i >= x.size()) r.fail(errc::bad_field, "shape ", to_string(wanted), " copies axis ", i, ", input 0 has none");
      if (r.failed()) return r.error();
      shape[i] = x[i];
    }
    if (shape[i] == -1 && open == shape.size()) {
      open = i;
    } else if (shape[i] < 0 || !aecnn::detail::multiply(known, static_cast<std::size_t>(shape[i]), known)) {
      r.fail(errc::bad_field, "shape ", to_string(wanted), ", expected extents of at least 0 and at most one -1");
      return r.error();
    }
  }
  const std::size_t n = element_count(x);
  if (open < shape.size()) {
    if (known == 0 || n % known != 0)
      r.fail(errc::bad_shape, "input 0 of shape ", to_string(x), " does not divide into shape ", to_string(wanted));
    else
      shape[open] = static_cast<std::int64_t>(n / known);
  } else if (known != n) {
    r.fail(errc::bad_shape, "input 0 of shape ", to_string(x), " has not as many elements as shape ",
           to_string(wanted));
  }
  return finish_view(r, std::move(shape));
}

/// The axes of Squeeze, Unsqueeze and the reductions, from the attribute (up to opset 12) or the constant input 1. Sets
/// `given` to whether there are any; marks[i] tells whether axis i of `rank` is named.
inline std::vector<bool> read_axes(node_reader& r, std::int64_t rank, bool& given) {
  std::vector<bool> marks(static_cast<std::size_t>(rank));
  extents axes;
  if (r.has_input(1)) {
    const std::span<const std::int64_t> v = r.constant_integers(1, "axes");
    if (v.size() > max_rank) r.fail(errc::bad_field, "input 1 (axes) has ", v.size(), " elements");
    if (r.failed()) return marks;
    axes.assign(v.begin(), v.end());
  } else {
    axes = r.integer_list("axes", max_rank, INT64_MIN, INT64_MAX);
  }
  given = !axes.empty();
  for (const std::int64_t a : axes) {
    const std::size_t axis = r.axis("axis", a, rank);
    if (r.failed()) return marks;
    if (marks[axis]) r.fail(errc::bad_field, "axis ", a, " occurs twice in ", to_string(axes));
    marks[axis] = true;
  }
  return marks;
}

inline made_operation make_squeeze(node_reader& r) {
  expect(r, 1, 2, {"axes"});
  if (r.failed()) return r.error();
  bool given = false;
  const std::vector<bool> marks = read_axes(r, r.rank(0), given);
  extents shape;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const std::int64_t extent = r.shape(0)[i];
    if (marks[i] && extent != 1) r.fail(errc::bad_shape, "axis ", i, " has ", extent, " elements, expected 1");
    if (given ? !marks[i] : extent != 1) shape.push_back(extent);
  }
  return finish_view(r, std::move(shape));
}

inline made_operation make_unsqueeze(node_reader& r) {
  expect(r, 1, 2, {"axes"});
  if (!r.has_input(1) && !r.has_attribute("axes")) r.fail(errc::missing_field, "axes are missing");
  if (r.failed()) return r.error();
  const std::size_t added = r.has_input(1) ? r.constant_integers(1, "axes").size()
                                           : r.integer_list("axes", max_rank, INT64_MIN, INT64_MAX).size();
  if (added + r.shape(0).size() > max_rank)
    r.fail(errc::limit_exceeded, "output has ", added + r.shape(0).size(), " axes, expected at most ", max_rank);
  if (r.failed()) return r.error();
  bool given = false;
  const std::vector<bool> marks = read_axes(r, static_cast<std::int64_t>(added) + r.rank(0), given);
  if (r.failed()) return r.error();
  extents shape;
  std::size_t next = 0;
  for (const bool mark : marks) shape.push_back(mark ? 1 : r.shape(0)[next++]);
  return finish_view(r, std::move(shape));
}

/// Shape and Size: the output is known from the input's type; `run` does not read the input.
class known_integers final : public operation {
public:
  bool needs_types_only() const override { return true; }
  known_integers(extents shape, extents values)
      : operation(one(integers(std::move(shape)))), values_(std::move(values)) {}
  void run(std::span<const const_tensor_data>, std::span<const tensor_data> out, float*) const noexcept override {
    for (std::size_t i = 0; i < values_.size(); ++i) out[0].integers[i] = values_[i];
  }

private:
  extents values_;
};

inline made_operation make_shape(node_reader& r) {
  expect(r, 1, 1, {"start", "end"});
  const std::int64_t rank = r.rank(0);
  const auto bounded = [rank](std::int64_t v) {
    v = v < -rank ? 0 : v < 0 ? v + rank : v;
    return v > rank ? rank : v;
  };
  const std::int64_t start = bounded(r.integer("start", 0, INT64_MIN, INT64_MAX));
  const std::int64_t end = bounded(r.integer("end", rank, INT64_MIN, INT64_MAX));
  extents values;
  for (std::int64_t i = start; i < end; ++i) values.push_back(r.shape(0)[static_cast<std::size_t>(i)]);
  extents shape{static_cast<std::int64_t>(values.size())};
  return finish<known_integers>(r, std::move(shape), std::move(values));
}

inline made_operation make_size(node_reader& r) {
  expect(r, 1, 1, {});
  if (r.failed() || !admit(r, r.shape(0))) return r.error();
  return finish<known_integers>(r, extents{}, extents{static_cast<std::int64_t>(element_count(r.shape(0)))});
}

} // namespace aecnn::nn::detail
