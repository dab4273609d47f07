#include <aecnn/nn/steps/fused_convolution.hpp>

#include "buffers.hpp"

using namespace steps;

TEST_CASE("fused_convolution: weights by output, input and tap", "[nn]") {
  random_source random(1);
  const layer c({6, 2, 1, 3}, {.groups = 3}, false, random);
  CHECK(c.fused.taps() == 3);
  CHECK(c.fused.group_inputs() == 2);
  CHECK(c.fused.group_outputs() == 2);
  CHECK(c.fused.weight(5, 1, 2) == c.weights[(5 * 2 + 1) * 3 + 2]);
  const layer t({6, 5, 2, 1}, {.groups = 2}, true, random); // 6 to 10 channels
  CHECK(t.fused.group_inputs() == 3);
  CHECK(t.fused.group_outputs() == 5);
  CHECK(t.fused.weight(7, 1, 1) == t.weights[((3 + 1) * 5 + 2) * 2 + 1]);
  nn::fused_convolution changed = c.fused;
  changed.weights.assign(c.weights.size(), 4);
  CHECK(changed.weight(5, 1, 2) == 4);
}

TEST_CASE("fused_convolution: depthwise is one filter a channel", "[nn]") {
  random_source random(2);
  CHECK(layer({4, 1, 3, 3}, {.groups = 4}, false, random).fused.depthwise());
  CHECK_FALSE(layer({8, 1, 3, 3}, {.groups = 4}, false, random).fused.depthwise());
  CHECK_FALSE(layer({4, 2, 3, 3}, {.groups = 2}, false, random).fused.depthwise());
  CHECK_FALSE(layer({4, 1, 3, 3}, {.groups = 4}, true, random).fused.depthwise());
}
