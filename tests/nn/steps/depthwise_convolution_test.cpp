#include <aecnn/nn/steps/depthwise_convolution.hpp>

#include <aecnn/nn/steps/direct_convolution.hpp>

#include "buffers.hpp"

using namespace steps;

TEST_CASE("depthwise_convolution: strides, dilations, residual and borders", "[nn]") {
  random_source random(1);
  const nn::conv_options all[] = {{.pads = {1, 1, 1, 1}},
                                  {.strides = {2, 2}, .pads = {1, 1, 1, 1}},
                                  {.strides = {1, 3}, .pads = {0, 2, 1, 0}, .dilations = {2, 1}}};
  for (const nn::conv_options& o : all)
    for (const std::int64_t channels : {1, 3, 16, 37})
      for (const bool residual : {false, true})
        for (const std::size_t out_border : {0U, 1U}) {
          nn::conv_options grouped = o;
          grouped.groups = channels;
          layer f({channels, 1, 3, 3}, grouped, false, random);
          f.fused.has_residual = residual;
          f.fused.after = {nn::activation::kind::clip, 0, std::numeric_limits<float>::infinity(), 0};
          const values x = random.tensor({2, channels, 7, 6});
          values y = f.of(x);
          const values r = random.tensor(y.shape);
          if (residual) y = add(y, r);
          y = relu(y);
          const std::size_t border = nn::required_border(f.fused.spec, layout_of(x.shape), layout_of(y.shape));
          for (const auto level : levels()) {
            buffers b;
            const std::size_t in = b.add(to_last(x, border)), out = b.add(fresh(layout_of(y.shape, out_border).size())),
                              added = b.add(to_last(r, 2));
            const nn::depthwise_convolution s(f.fused, nn::kernels_for(level), in, layout_of(x.shape, border), out,
                                              layout_of(y.shape, out_border), added, layout_of(r.shape, 2));
            b.run(s);
            CAPTURE(static_cast<int>(level), channels, residual);
            CHECK(error(from_last(b[out], y.shape, out_border), y) < 1e-6);
          }
        }
}
