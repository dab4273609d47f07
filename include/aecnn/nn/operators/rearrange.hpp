// Operators that only move elements, as one strided copy: Transpose, Expand, DepthToSpace, SpaceToDepth; for either
// element type. Cost: one read and one write a element.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/nn/operators/broadcasting.hpp>
#include <aecnn/nn/operators/common.hpp>
#include <aecnn/nn/operators/loops.hpp>

namespace aecnn::nn::detail {

class rearrange final : public operation {
public:
  rearrange(tensor_type out, const loops<1>& l, std::optional<block_rearrangement> block = {})
      : operation(one(std::move(out))), loops_(l), block_(block) {}
  const block_rearrangement* as_depth_to_space() const override { return block_ ? &*block_ : nullptr; }
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    if (outputs()[0].type == element_type::float32)
      copy_strided(in[0].floats, out[0].floats, loops_);
    else
      copy_strided(in[0].integers, out[0].integers, loops_);
  }

private:
  loops<1> loops_;
  std::optional<block_rearrangement> block_;
};

/// Loops over `shape` with its axes permuted: axis i of the loops is axis order[i].
inline loops<1> permuted(const extents& shape, std::span<const std::size_t> order, extents& out) {
  const extents own = contiguous_strides(shape);
  extents stride(order.size());
  out.assign(order.size(), 1);
  for (std::size_t i = 0; i < order.size(); ++i) {
    out[i] = shape[order[i]];
    stride[i] = own[order[i]];
  }
  return {out, std::array<extents, 1>{stride}};
}

inline made_operation make_transpose(node_reader& r) {
  expect(r, 1, 1, {"perm"});
  const std::size_t rank = r.shape(0).size();
  std::vector<std::size_t> order(rank);
  for (std::size_t i = 0; i < rank; ++i) order[i] = rank - 1 - i;
  if (r.has_attribute("perm")) {
    const std::vector<std::int64_t> given = r.integers("perm", rank, 0, 0, static_cast<std::int64_t>(rank) - 1);
    std::vector<bool> seen(rank);
    for (std::size_t i = 0; i < rank; ++i) {
      order[i] = static_cast<std::size_t>(given[i]);
      if (seen[order[i]]) r.fail(errc::bad_field, "attribute 'perm' is ", to_string(given), ", not a permutation");
      seen[order[i]] = true;
    }
  }
  if (r.failed()) return r.error();
  extents out;
  const loops<1> l = permuted(r.shape(0), order, out);
  return finish<rearrange>(r, tensor_type{r.type(0), std::move(out)}, l);
}

inline made_operation make_expand(node_reader& r) {
  expect(r, 2, 2, {});
  const std::span<const std::int64_t> wanted = r.constant_integers(1, "shape");
  if (wanted.size() > max_rank) r.fail(errc::limit_exceeded, "input 1 (shape) has ", wanted.size(), " elements");
  if (r.failed()) return r.error();
  for (const std::int64_t extent : wanted)
    if (extent < 0) r.fail(errc::bad_field, "input 1 (shape) is ", to_string(wanted), ", expected no negative extent");
  extents shape = broadcast_shape(r, r.shape(0), extents(wanted.begin(), wanted.end()));
  if (r.failed() || !admit(r, shape)) return r.error();
  const loops<1> l(shape, std::array<extents, 1>{broadcast_strides(r.shape(0), shape)});
  return finish<rearrange>(r, tensor_type{r.type(0), std::move(shape)}, l);
}

inline made_operation make_depth_to_space(node_reader& r) {
  expect(r, 1, 1, {"blocksize", "mode"});
  r.expect_rank(0, 4, 4);
  if (!r.has_attribute("blocksize")) r.fail(errc::missing_field, "attribute 'blocksize' is missing");
  const std::int64_t block = r.integer("blocksize", 1, 1, 1 << 10);
  const std::string mode = r.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") r.fail(errc::bad_field, "attribute 'mode' is '", mode, "', expected DCR or CRD");
  if (r.failed()) return r.error();
  const extents& x = r.shape(0);
  if (x[1] % (block * block) != 0)
    r.fail(errc::bad_shape, "input 0 has ", x[1], " channels, which ", block, " * ", block, " does not divide");
  const std::int64_t c = x[1] / (block * block);
  const bool crd = mode == "CRD";
  const extents split = crd ? extents{x[0], c, block, block, x[2], x[3]} : extents{x[0], block, block, c, x[2], x[3]};
  const std::array<std::size_t, 6> order =
      crd ? std::array<std::size_t, 6>{0, 1, 4, 2, 5, 3} : std::array<std::size_t, 6>{0, 3, 4, 1, 5, 2};
  extents out{x[0], c, x[2] * block, x[3] * block}, ignored;
  if (!admit(r, out)) return r.error();
  const loops<1> l = permuted(split, order, ignored);
  std::optional<block_rearrangement> hook;
  if (r.type(0) == element_type::float32) hook = block_rearrangement{block, crd};
  return finish<rearrange>(r, tensor_type{r.type(0), std::move(out)}, l, hook);
}

inline made_operation make_space_to_depth(node_reader& r) {
  expect(r, 1, 1, {"blocksize"});
  r.expect_rank(0, 4, 4);
  if (!r.has_attribute("blocksize")) r.fail(errc::missing_field, "attribute 'blocksize' is missing");
  const std::int64_t b = r.integer("blocksize", 1, 1, 1 << 10);
  if (r.failed()) return r.error();
  const extents& x = r.shape(0);
  if (x[2] % b != 0 || x[3] % b != 0)
    r.fail(errc::bad_shape, "input 0 has shape ", to_string(x), ", a block of ", b, " does not divide it");
  extents out{x[0], x[1] * b * b, x[2] / b, x[3] / b}, ignored;
  if (!admit(r, out)) return r.error();
  const std::array<std::size_t, 6> order{0, 3, 5, 1, 2, 4};
  const loops<1> l = permuted({x[0], x[1], x[2] / b, b, x[3] / b, b}, order, ignored);
  return finish<rearrange>(r, tensor_type{r.type(0), std::move(out)}, l);
}

} // namespace aecnn::nn::detail
