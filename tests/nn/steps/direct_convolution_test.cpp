#include <aecnn/nn/steps/direct_convolution.hpp>

#include "buffers.hpp"

using namespace steps;

namespace {

/// The step's output and the reference's for one layer at every level; the input's border may be wider than needed.
void check(layer& f, const values& x, bool residual, std::size_t in_border, std::size_t out_border,
           random_source& random) {
  values y = f.of(x);
  const auto block = static_cast<std::size_t>(f.fused.rearrange.block);
  const extents unrearranged = y.shape;
  const values r = random.tensor(y.shape);
  f.fused.has_residual = residual;
  if (residual) y = add(y, r);
  f.fused.after = {nn::activation::kind::leaky, 0, 0, 0.25F};
  y = map(y, [](double v) { return v < 0 ? 0.25 * v : v; });
  if (block > 1) y = depth_to_space(y, static_cast<std::int64_t>(block), f.fused.rearrange.column_row_depth);
  const std::size_t border = nn::required_border(f.fused.spec, layout_of(x.shape), layout_of(unrearranged)) + in_border;
  for (const auto level : levels()) {
    CAPTURE(static_cast<int>(level), x.shape, f.shape, residual);
    const nn::kernel_set& kernels = nn::kernels_for(level);
    if (block > 1 && f.fused.spec.outputs / block % kernels.width != 0) continue;
    buffers b;
    const std::size_t in = b.add(to_last(x, border)), out = b.add(fresh(layout_of(y.shape, out_border).size()));
    const std::size_t added = b.add(to_last(r, 1));
    const nn::direct_convolution s(f.fused, kernels, in, layout_of(x.shape, border), out,
                                   layout_of(y.shape, out_border), added, layout_of(r.shape, 1));
    CHECK(s.reads == (residual ? std::vector<std::size_t>{in, added} : std::vector<std::size_t>{in}));
    CHECK(s.writes == std::vector<std::size_t>{out});
    b.run(s);
    CHECK(error(from_last(b[out], y.shape, out_border), y) < 2e-6);
  }
}

} // namespace

TEST_CASE("direct_convolution: the border that a convolution reads", "[nn]") {
  random_source random(1);
  const auto border = [&](std::int64_t in, std::int64_t kernel, const nn::conv_options& o, bool transposed) {
    const layer f({1, 1, kernel, kernel}, o, transposed, random);
    const values x = zeros({1, 1, in, in});
    return nn::required_border(f.fused.spec, layout_of(x.shape), layout_of(f.of(x).shape));
  };
  CHECK(border(5, 1, {}, false) == 0);
  CHECK(border(5, 3, {}, false) == 0);
  CHECK(border(5, 3, {.pads = {1, 1, 1, 1}}, false) == 1);
  CHECK(border(5, 3, {.pads = {0, 0, 2, 0}}, false) == 2);
  CHECK(border(6, 3, {.strides = {2, 2}, .pads = {1, 1, 1, 1}}, false) == 1); // above and left only
  CHECK(border(5, 1, {.strides = {2, 2}, .pads = {0, 0, 1, 1}}, false) == 0); // padding that no window reaches
  CHECK(border(5, 3, {.pads = {2, 2, 2, 2}, .dilations = {2, 2}}, false) == 2);
  CHECK(border(5, 2, {.strides = {2, 2}}, true) == 0);
  CHECK(border(5, 3, {}, true) == 2);
  CHECK(border(5, 3, {.strides = {2, 2}}, true) == 1);
}

TEST_CASE("direct_convolution: the tile that suits a row", "[nn]") {
  for (std::size_t most : {4U, 6U, 12U, 14U})
    for (std::size_t width = 1; width < 60; ++width) {
      const std::size_t p = nn::best_tile(width, most);
      CHECK((p >= 1 && p <= most && p <= width));
    }
  CHECK(nn::best_tile(14, 14) == 14);
  CHECK(nn::best_tile(28, 14) == 14);
  CHECK(nn::best_tile(16, 14) < 14); // not 14 and 2
}

TEST_CASE("direct_convolution: strides, dilations, groups and borders", "[nn]") {
  random_source random(2);
  for (const extents& size : {extents{1, 1}, {7, 7}, {9, 14}, {4, 31}})
    for (const bool residual : {false, true}) {
      const values x = random.tensor({2, 6, size[0], size[1]});
      layer plain({37, 6, 3, 3}, {.pads = {1, 1, 1, 1}}, false, random);
      check(plain, x, residual, 0, 0, random);
      check(plain, x, residual, 1, 2, random);
      layer one({33, 6, 1, 1}, {}, false, random);
      check(one, x, residual, 0, 0, random);
      check(one, x, residual, 2, 1, random);
      layer strided({18, 3, 2, 3}, {.strides = {2, 3}, .pads = {2, 1, 0, 3}, .dilations = {2, 1}, .groups = 2}, false,
                    random);
      check(strided, x, residual, 0, 1, random);
    }
}

TEST_CASE("direct_convolution: so many weights that the blocks are the outer loop", "[nn]") {
  random_source random(3);
  const values x = random.tensor({1, 96, 5, 7}), y = random.tensor({1, 260, 3, 3});
  layer f({300, 96, 3, 3}, {.pads = {1, 1, 1, 1}}, false, random), one({1000, 260, 1, 1}, {}, false, random);
  check(f, x, true, 0, 1, random);
  check(one, y, false, 0, 0, random);
}

TEST_CASE("direct_convolution: transposed ones, phase by phase", "[nn]") {
  random_source random(4);
  for (const bool residual : {false, true}) {
    const values x = random.tensor({2, 6, 5, 4});
    layer two({6, 20, 2, 2}, {.strides = {2, 2}}, true, random);
    check(two, x, residual, 0, 1, random);
    layer odd({6, 5, 3, 4},
              {.strides = {2, 3}, .pads = {1, 0, 0, 2}, .dilations = {1, 2}, .groups = 2, .output_padding = {1, 2}},
              true, random);
    check(odd, x, residual, 1, 0, random);
    layer sparse({6, 7, 1, 1}, {.strides = {3, 2}, .output_padding = {2, 1}}, true, random); // phases without a tap
    check(sparse, x, residual, 0, 0, random);
  }
}

TEST_CASE("direct_convolution: stores its output rearranged", "[nn]") {
  random_source random(5);
  for (const bool crd : {false, true})
    for (const std::int64_t block : {2, 3})
      for (const std::int64_t width : {7, 9}) { // tiles of two rows and of one
        const values x = random.tensor({2, 5, 6, width});
        layer f({16 * block * block, 5, 3, 3}, {.pads = {1, 1, 1, 1}}, false, random);
        f.fused.rearrange = {block, crd};
        check(f, x, false, 0, 1, random);
        check(f, x, false, 0, 0, random);
      }
}
