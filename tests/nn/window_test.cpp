#include <aecnn/nn/window.hpp>

#include <vector>

#include <catch_compat.hpp>

namespace nn = aecnn::nn;
using aecnn::shape3;

TEST_CASE("window: output size and border", "[nn]") {
  nn::window w;
  w.kernel = {3, 5};
  w.strides = {2, 1};
  w.dilations = {1, 2};
  w.pads = {1, 2, 3, 4};
  const auto g = nn::place(w, {1, 8, 10}).value();
  CHECK(g.padded_height == 12);
  CHECK(g.padded_width == 16);
  CHECK(g.height == 5); // (12 - 3) / 2 + 1
  CHECK(g.width == 8);  // 16 - 9 + 1
  CHECK(g.top == 1);
  CHECK(g.left == 2);
  CHECK(g.padded({1, 8, 10}));
  CHECK(nn::place(w, {1, 8, 2}).error().code == aecnn::errc::bad_shape);
}

TEST_CASE("window: same padding keeps ceil(extent / stride)", "[nn]") {
  nn::window w;
  for (const auto mode : {nn::window::padding::same_upper, nn::window::padding::same_lower})
    for (std::int64_t kernel = 1; kernel < 6; ++kernel)
      for (std::int64_t stride = 1; stride < 4; ++stride)
        for (std::size_t extent = 1; extent < 12; ++extent) {
          w.mode = mode;
          w.kernel = {kernel, kernel};
          w.strides = {stride, stride};
          const auto g = nn::place(w, {1, extent, extent}).value();
          const auto s = static_cast<std::size_t>(stride);
          CHECK(g.height == (extent + s - 1) / s);
          const std::size_t total = g.padded_height - extent;
          CHECK(g.top == (mode == nn::window::padding::same_upper ? total / 2 : (total + 1) / 2));
        }
}

TEST_CASE("window: a channel in its zero border", "[nn]") {
  nn::window w;
  w.kernel = {1, 1};
  w.pads = {1, 2, 2, 1};
  const shape3 in{1, 1, 2};
  const std::vector<float> x{5, 6};
  std::vector<float> to(4 * 5 + 1, -1);
  nn::copy_padded(x.data(), in, nn::place(w, in).value(), to.data());
  CHECK(to == std::vector<float>{0, 0, 0, 0, 0, 0, 0, 5, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1});
}
