#include <aecnn/select/projection_kernel.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <aecnn/select/projection.hpp>
#include <catch_compat.hpp>
#include <random.hpp>
#include <stored.hpp>

using aecnn::fixed_block;
using aecnn::instruction_set;

namespace {

constexpr std::size_t pixels = aecnn::detail::projection_pixels, latents = aecnn::detail::projection_latents;

/// Calls test(kernels) for every instruction set that this machine has.
template <class Test>
void for_each_level(Test&& test) {
  for (const auto level : {instruction_set::portable, instruction_set::vector4, instruction_set::avx2, instruction_set::avx512}) {
    if (level > aecnn::best_instruction_set()) continue;
    CAPTURE(static_cast<int>(level));
    test(aecnn::detail::choose_projection_kernels(level));
  }
}

/// v / 2, rounded away from zero.
double half_of(double v) { return v < 0 ? std::floor(v / 2) : std::ceil(v / 2); }

} // namespace

TEST_CASE("all instruction sets give the exact latents, also at the bounds of inputs and weights") {
  for_each_level([](const aecnn::detail::projection_kernels& kernels) {
    random_integers random(1);
    for (const std::size_t pairs : {1U, 2U, 3U, 8U, 33U, 500U})
      for (int kind = 0; kind < 8; ++kind) {
        std::vector<std::int16_t> in(2 * pairs * pixels), weights(2 * pairs * latents);
        // Many bits for inputs and few for weights, or the other way.
        const std::int32_t sum = kind < 4 ? 65535 : aecnn::projection::largest_sum, limit = aecnn::projection::input_limit(sum);
        for (auto& v : in)
          v = static_cast<std::int16_t>(kind % 4 == 0 ? random.between(-limit, limit) : kind % 4 == 1 ? limit : -limit);
        const auto share = sum / static_cast<std::int32_t>(2 * pairs), most = share < 32767 ? share : 32767;
        for (auto& w : weights) w = static_cast<std::int16_t>(kind % 4 == 3 ? -most : kind % 4 == 2 ? most : random.between(-most, most));
        for (const std::size_t n : {1U, 4U, 5U, 16U, 17U, 31U, 33U, 48U, 49U, 64U}) {
          std::uint8_t shift[latents];
          for (auto& s : shift) s = static_cast<std::uint8_t>(random.below(5) == 0 ? random.below(31) : random.below(3));
          std::int32_t out[latents * pixels], bias[latents];
          const std::int32_t room = 0x7fffffff - limit * sum;
          for (auto& b : bias) b = random.below(3) == 0 ? random.between(-room, room) : random.below(2) == 0 ? room : -room;
          kernels.project({in.data(), weights.data(), pairs, bias, shift, out}, n);
          CAPTURE(pairs, kind, n);
          bool same = true;
          for (std::size_t l = 0; l < latents; ++l)
            for (std::size_t p = 0; p < n; ++p) {
              std::int64_t whole = bias[l];
              for (std::size_t i = 0; i < pairs; ++i)
                for (std::size_t j = 0; j < 2; ++j)
                  whole += std::int64_t{in[2 * (i * pixels + p) + j]} * weights[2 * (i * latents + l) + j];
              const std::int64_t most_units = aecnn::fixed_limit, units = whole / (std::int64_t{1} << shift[l]);
              same = same && out[l * pixels + p] == std::max(-most_units, std::min(most_units, units));
            }
          REQUIRE(same);
        }
      }
  });
}

TEST_CASE("all instruction sets give the inputs of the documented rule and notice what is not finite") {
  for_each_level([](const aecnn::detail::projection_kernels& kernels) {
    random_integers random(2);
    for (int repeat = 0; repeat < 2000; ++repeat) {
      const float scale = stored(repeat % 2 == 0 ? static_cast<float>(random.between(1, 100000)) / 7.0F
                                                 : std::bit_cast<float>(0x00800000U + random.below(0x71000000U))); // 2^-126 to 2^100
      float in[fixed_block];
      for (auto& v : in) {
        v = random.below(2) == 0 ? static_cast<float>(random.between(-33000, 33000)) / scale
                                 : std::bit_cast<float>(static_cast<std::uint32_t>(random.next() & 0xff7fffff));
        if ((std::bit_cast<std::uint32_t>(v) & 0x7fffffff) >= 0x7f800000) v = 1;
      }
      std::int16_t out[fixed_block];
      const std::int32_t limit = repeat % 3 == 0 ? 32767 : random.between(2048, 32767);
      REQUIRE((kernels.convert(in, scale, limit, out) >> 31) == 0);
      bool same = true;
      for (std::size_t i = 0; i < fixed_block; ++i) {
        // An exact product in double, rounded once to float.
        const auto product = static_cast<double>(stored(static_cast<float>(static_cast<double>(in[i]) * static_cast<double>(scale))));
        same = same && out[i] == static_cast<std::int16_t>(std::max<double>(-limit, std::min<double>(limit, half_of(std::trunc(product)))));
      }
      REQUIRE(same);
      in[random.below(fixed_block)] = repeat % 3 == 0   ? std::numeric_limits<float>::quiet_NaN()
                                      : repeat % 3 == 1 ? std::numeric_limits<float>::infinity()
                                                        : -std::numeric_limits<float>::infinity();
      REQUIRE((kernels.convert(in, scale, limit, out) >> 31) == 1);
    }
  });
}

TEST_CASE("all instruction sets interleave rows") {
  for_each_level([](const aecnn::detail::projection_kernels& kernels) {
    std::int16_t first[pixels], second[pixels], out[2 * pixels];
    for (std::size_t i = 0; i < pixels; ++i) {
      first[i] = static_cast<std::int16_t>(i * 500);
      second[i] = static_cast<std::int16_t>(-1 - static_cast<std::int32_t>(i));
    }
    kernels.interleave(first, second, out);
    bool same = true;
    for (std::size_t i = 0; i < pixels; ++i) same = same && out[2 * i] == first[i] && out[2 * i + 1] == second[i];
    CHECK(same);
  });
}
