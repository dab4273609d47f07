// Gather: picks slices of a tensor along an axis by constant indices; negative ones count from the end. Cost: one copy
// a element.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/nn/operators/common.hpp>

namespace aecnn::nn::detail {

class gather final : public operation {
public:
  /// The input is `outer` times `extent` slices of `inner` elements.
  gather(tensor_type out, std::vector<std::size_t> indices, std::size_t outer, std::size_t extent, std::size_t inner)
      : operation(one(std::move(out))), indices_(std::move(indices)), outer_(outer), extent_(extent), inner_(inner) {}
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    with_elements(outputs()[0].type, [&](auto zero) {
      using element = decltype(zero);
      const element* x = elements<element>(in[0]);
      element* y = elements<element>(out[0]);
      if (element_count(outputs()[0].shape) == 0) return;
      for (std::size_t o = 0; o < outer_; ++o)
        for (const std::size_t i : indices_) {
          std::memcpy(y, x + (o * extent_ + i) * inner_, inner_ * sizeof(element));
          y += inner_;
        }
    });
  }

private:
  std::vector<std::size_t> indices_;
  std::size_t outer_, extent_, inner_;
};

inline made_operation make_gather(node_reader& r) {
  expect(r, 2, 2, {"axis"});
  const extents& x = r.shape(0);
  const std::size_t axis =
      r.axis("attribute 'axis'", r.integer("axis", 0, INT64_MIN, INT64_MAX), static_cast<std::int64_t>(x.size()));
  const std::span<const std::int64_t> given = r.constant_integers(1, "indices");
  if (r.failed() || !admit(r, x)) return r.error();
  extents shape(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(axis));
  shape.insert(shape.end(), r.shape(1).begin(), r.shape(1).end());
  shape.insert(shape.end(), x.begin() + static_cast<std::ptrdiff_t>(axis) + 1, x.end());
  if (!admit(r, shape)) return r.error();
  std::vector<std::size_t> indices;
  indices.reserve(given.size());
  for (const std::int64_t i : given) {
    indices.push_back(r.axis("input 1 (indices): index", i, x[axis]));
    if (r.failed()) return r.error();
  }
  const std::size_t outer = product(x, 0, axis), inner = product(x, axis + 1, x.size());
  return finish<gather>(r, tensor_type{r.type(0), std::move(shape)}, std::move(indices), outer,
                        static_cast<std::size_t>(x[axis]), inner);
}

} // namespace aecnn::nn::detail
