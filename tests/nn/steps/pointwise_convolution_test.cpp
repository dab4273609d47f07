#include <aecnn/nn/steps/pointwise_convolution.hpp>

#include "buffers.hpp"

using namespace steps;

TEST_CASE("pointwise_convolution: channels-first output from both layouts of the input", "[nn]") {
  random_source random(1);
  for (const extents& shape : {extents{1, 1, 1, 2}, {2, 5, 3, 4}, {1, 17, 7, 9}, {2, 70, 6, 11}, {1, 300, 5, 5}})
    for (const std::int64_t outputs : {1, 13, 40}) {
      layer f({outputs, shape[1], 1, 1}, {}, false, random);
      f.fused.after = {nn::activation::kind::clip, -0.5F, 8, 0};
      const values x = random.tensor(shape);
      const values y = map(f.of(x), [](double v) { return std::min(std::max(v, -0.5), 8.0); });
      for (const auto level : levels())
        for (const int form : {0, 1, 2}) { // channels-first; channels-last without and with a border
          const std::size_t border = form == 2 ? 2 : 0;
          buffers b;
          const std::size_t in = b.add(form == 0 ? floats(x) : to_last(x, border)), out = b.add(fresh(y.data.size()));
          const nn::pointwise_convolution s(f.fused, nn::kernels_for(level), in, layout_of(shape, border), form == 0,
                                            out);
          b.run(s);
          CAPTURE(static_cast<int>(level), shape, outputs, form);
          CHECK(error({y.shape, std::vector<double>(b[out].begin(), b[out].end())}, y) < 2e-6);
        }
    }
}
