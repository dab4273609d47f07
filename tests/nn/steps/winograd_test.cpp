#include <aecnn/nn/steps/winograd.hpp>

#include "buffers.hpp"

using namespace steps;

namespace {

const nn::conv_options same{.pads = {1, 1, 1, 1}};

/// A plan of its own making, so that every size is tested and not only those that pay.
nn::winograd_plan plan_of(std::size_t m, const nn::plane_layout& out, std::size_t strip) {
  nn::winograd_plan p;
  p.m = m;
  p.rows = (out.height + m - 1) / m;
  p.columns = (out.width + m - 1) / m;
  p.tiles = out.batch * p.rows * p.columns;
  p.strip = std::min(strip, p.tiles);
  return p;
}

} // namespace

TEST_CASE("winograd: strips and all tiles first, both sizes, edges, residual and rearranged output", "[nn]") {
  random_source random(1);
  for (const extents& shape : {extents{1, 16, 1, 1}, {2, 5, 6, 7}, {1, 33, 9, 13}, {2, 16, 8, 4}})
    for (const std::int64_t outputs : {16, 41, 64})
      for (const std::size_t m : {2U, 4U})
        for (const int form : {0, 1, 2}) { // plain, with a residual, rearranged
          layer f({outputs, shape[1], 3, 3}, same, false, random);
          const values x = random.tensor(shape);
          values y = f.of(x);
          const values r = random.tensor(y.shape);
          const bool residual = form == 1;
          f.fused.has_residual = residual;
          f.fused.after = {nn::activation::kind::leaky, 0, 0, 0.5F};
          if (residual) y = add(y, r);
          y = map(y, [](double v) { return v < 0 ? 0.5 * v : v; });
          const nn::plane_layout unrearranged = layout_of(y.shape);
          if (form == 2) {
            if (outputs % 4 != 0) continue;
            f.fused.rearrange = {2, shape[0] == 2};
            y = depth_to_space(y, 2, shape[0] == 2);
          }
          for (const auto level : levels()) {
            const nn::kernel_set& kernels = nn::kernels_for(level);
            if (kernels.width == 1 || (form == 2 && outputs / 2 % static_cast<std::int64_t>(kernels.width) != 0))
              continue;
            CAPTURE(static_cast<int>(level), shape, outputs, m, form);
            for (const std::size_t strip : {std::size_t{1}, std::size_t{5}, std::size_t{1000}}) {
              buffers b;
              const nn::plane_layout out_layout = layout_of(y.shape, 1), residual_layout = layout_of(r.shape, 1);
              const nn::winograd_plan p = plan_of(m, unrearranged, strip);
              const std::size_t border = strip == 5 ? 1 : 0; // the border of the input is not needed, but may be there
              const std::size_t in = b.add(to_last(x, border)), out = b.add(fresh(out_layout.size())),
                                added = b.add(to_last(r, 1));
              const auto weights = std::make_shared<const nn::winograd_weights>(f.fused, p, kernels, out_layout);
              if (strip < 1000) {
                b.run(nn::winograd_convolution(weights, in, layout_of(shape, border), out, added, residual_layout,
                                               residual));
              } else {
                const std::size_t tiles = b.add(fresh(p.products() * p.tiles * f.fused.spec.inputs));
                b.run(nn::winograd_forward_step(weights, in, layout_of(shape), tiles));
                b.run(nn::winograd_multiply_step(weights, tiles, out, added, residual_layout, residual));
              }
              CHECK(error(from_last(b[out], y.shape, 1), y) < 2e-5);
            }
          }
        }
}

TEST_CASE("winograd: only for 3x3 of stride 1 with one zero around, and only where it pays", "[nn]") {
  if (aecnn::best_instruction_set() == aecnn::instruction_set::portable) {
    SUCCEED("there are no vectors");
    return;
  }
  random_source random(2);
  const nn::kernel_set& kernels = nn::kernels_for(aecnn::best_instruction_set());
  const auto m = [&](const extents& weights, const nn::conv_options& o, std::int64_t size, bool transposed = false,
                     nn::weights_place place = nn::weights_place::near) {
    const layer f(weights, o, transposed, random);
    return nn::plan_winograd(f.fused, layout_of({1, static_cast<std::int64_t>(f.fused.spec.outputs), size, size}),
                             kernels, place)
        .m;
  };
  CHECK(m({64, 64, 3, 3}, same, 32) == 4);
  CHECK(m({64, 64, 3, 3}, same, 1) == 0); // more products than the direct form
  CHECK(m({64, 64, 5, 5}, {.pads = {2, 2, 2, 2}}, 32) == 0);
  CHECK(m({64, 64, 3, 3}, {.strides = {2, 2}, .pads = {1, 1, 1, 1}}, 32) == 0);
  CHECK(m({64, 64, 3, 3}, {.pads = {2, 2, 2, 2}, .dilations = {2, 2}}, 32) == 0);
  CHECK(m({64, 64, 3, 3}, {}, 32) == 0);
  CHECK(m({64, 32, 3, 3}, {.pads = {1, 1, 1, 1}, .groups = 2}, 32) == 0);
  CHECK(m({64, 64, 3, 3}, same, 32, true) == 0);
  if (kernels.width == 16) { // the larger tiles' weights take longer from memory than the products
    CHECK(m({256, 256, 3, 3}, same, 14) == 4);
    CHECK(m({256, 256, 3, 3}, same, 14, false, nn::weights_place::furthest) == 2);
  }
  CHECK(nn::plan_winograd(layer({64, 64, 3, 3}, same, false, random).fused, layout_of({1, 64, 32, 32}),
                          nn::kernels_for(aecnn::instruction_set::portable), nn::weights_place::near)
            .m == 0);
  const layer f({64, 64, 3, 3}, same, false, random);
  const nn::winograd_plan p = nn::plan_winograd(f.fused, layout_of({2, 64, 30, 31}), kernels, nn::weights_place::near);
  CHECK(p.rows == 8);
  CHECK(p.columns == 8);
  CHECK(p.tiles == 128);
  CHECK(p.products() == 36);
  CHECK(p.in_strips());
}
