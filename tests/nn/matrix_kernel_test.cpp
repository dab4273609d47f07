#include <aecnn/nn/matrix_kernel.hpp>

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include <catch_compat.hpp>

namespace nn = aecnn::nn;

TEST_CASE("matrix_kernel: every level against a double product", "[nn]") {
  std::mt19937 engine(1);
  std::uniform_real_distribution<float> real(-1, 1);
  for (const std::size_t depth : {1U, 2U, 9U, 100U})
    for (int level = 0; level < 4; ++level) {
      // One element of offset: the kernels must not need alignment.
      std::vector<float> a(depth * 8 + 1), b(depth * 16 + 1), c(8 * 16 + 1, -7);
      for (float& v : a) v = real(engine);
      for (float& v : b) v = real(engine);
      nn::kernel_for(static_cast<aecnn::instruction_set>(level))(a.data() + 1, b.data() + 1, depth, c.data() + 1);
      CHECK(c[0] == -7);
      double worst = 0;
      for (std::size_t i = 0; i < 8; ++i)
        for (std::size_t j = 0; j < 16; ++j) {
          double sum = 0;
          for (std::size_t d = 0; d < depth; ++d) sum += static_cast<double>(a[1 + d * 8 + i]) * b[1 + d * 16 + j];
          worst = std::max(worst, std::abs(sum - c[1 + i * 16 + j]));
        }
      CHECK(worst < 1e-5);
    }
}
