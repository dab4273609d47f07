#include <aecnn/nn/steps/step.hpp>

#include "buffers.hpp"

using namespace steps;

TEST_CASE("step: places of pixels in a channels-last tensor", "[nn]") {
  const nn::plane_layout l{2, 3, 4, 5, 1};
  CHECK(l.row() == 6 * 5);
  CHECK(l.plane() == 5 * 30);
  CHECK(l.size() == 300);
  CHECK(l.pixels() == 24);
  CHECK(l.at(0, -1, -1) == 0);
  CHECK(l.at(0, 0, 0) == 35);
  CHECK(l.at(1, 2, 3) == 150 + 3 * 30 + 4 * 5);
  CHECK(l.row_at(0) == l.at(0, 0, 0));
  CHECK(l.row_at(5) == l.at(1, 2, 0));
  const nn::plane_layout plain{2, 3, 4, 5, 0};
  CHECK(plain.size() == 120);
  CHECK(plain.at(1, 0, 0) == 60);
}

TEST_CASE("step: clears the border and nothing else", "[nn]") {
  for (const std::size_t border : {0U, 1U, 2U, 3U})
    for (const extents& shape : {extents{1, 1, 1, 1}, {2, 3, 1, 4}, {3, 2, 4, 1}, {2, 5, 3, 6}}) {
      const nn::plane_layout l = layout_of(shape, border);
      std::vector<float> data(l.size(), 7), expected(l.size());
      nn::clear_border(data.data(), l);
      for (std::size_t n = 0; n < l.batch; ++n)
        for (std::size_t y = 0; y < l.height; ++y)
          std::fill_n(expected.begin() + l.row_at(n * l.height + y), l.width * l.channels, 7.0F);
      CHECK(data == expected);
    }
}

TEST_CASE("step: activations as the kernels take them", "[nn]") {
  const float infinity = std::numeric_limits<float>::infinity();
  const auto kernel = [](const nn::activation& a) {
    const nn::kernel_activation k = nn::to_kernel(a);
    return std::vector<float>{static_cast<float>(k.act), k.low, k.high};
  };
  CHECK(kernel({})[0] == 0);
  CHECK(kernel({nn::activation::kind::clip, 0, 6, 0}) == std::vector<float>{1, 0, 6});
  CHECK(kernel({nn::activation::kind::leaky, 0, 0, 0.5F}) == std::vector<float>{2, 0.5F, 0});
  CHECK(kernel({nn::activation::kind::clip, 0, infinity, 0}) == std::vector<float>{3, 0, infinity});
}
