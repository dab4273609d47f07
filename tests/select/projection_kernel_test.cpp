#include <aecnn/select/projection_kernel.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <catch_compat.hpp>
#include <random.hpp>

using aecnn::instruction_set;

TEST_CASE("all instruction sets give the exact sums, also at the bounds of inputs and weights") {
  constexpr std::size_t pixels = aecnn::detail::projection_pixels, latents = aecnn::detail::projection_latents;
  random_integers random(1);
  for (const auto level : {instruction_set::portable, instruction_set::vector4, instruction_set::avx2, instruction_set::avx512}) {
    if (level > aecnn::best_instruction_set()) continue;
    CAPTURE(static_cast<int>(level));
    const auto kernel = aecnn::detail::choose_projection_kernel(level);
    for (const std::size_t pairs : {1U, 2U, 3U, 8U, 33U, 500U})
      for (int kind = 0; kind < 4; ++kind) {
        const std::size_t in_stride = 2 * pixels + 6, weight_stride = 2 * pairs + 4;
        std::vector<std::int16_t> in(pairs * in_stride), weights(latents * weight_stride);
        for (auto& v : in) v = static_cast<std::int16_t>(kind == 0 ? random.between(-32767, 32767) : kind == 1 ? 32767 : -32767);
        const auto most = static_cast<std::int32_t>(65535 / (2 * pairs) < 32767 ? 65535 / (2 * pairs) : 32767);
        for (auto& w : weights) w = static_cast<std::int16_t>(kind == 3 ? -most : kind == 2 ? most : random.between(-most, most));
        std::int32_t sums[latents * pixels];
        kernel(in.data(), in_stride, weights.data(), weight_stride, pairs, sums);
        for (std::size_t l = 0; l < latents; ++l)
          for (std::size_t p = 0; p < pixels; ++p) {
            std::int64_t sum = 0;
            for (std::size_t i = 0; i < pairs; ++i)
              for (std::size_t j = 0; j < 2; ++j)
                sum += std::int64_t{in[i * in_stride + 2 * p + j]} * weights[l * weight_stride + 2 * i + j];
            REQUIRE(sums[l * pixels + p] == sum);
          }
      }
  }
}
