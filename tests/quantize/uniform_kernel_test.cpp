#include <aecnn/quantize/uniform_kernel.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include <catch_compat.hpp>
#include <random.hpp>
#include <stored.hpp>

using aecnn::fixed_block;
using aecnn::instruction_set;
using aecnn::symbol;
using aecnn::detail::quantise_rule;

namespace {

/// The documented rule, in exact arithmetic: the product of two floats is exact in double, and is rounded to float once.
std::int64_t latent_of(float x, const quantise_rule& r) {
  const float product = stored(static_cast<float>(static_cast<double>(x) * static_cast<double>(r.scale)));
  const double limit = aecnn::fixed_limit;
  const double clamped = std::abs(product) > static_cast<float>(limit) ? std::copysign(limit, static_cast<double>(product))
                                                                         : static_cast<double>(product);
  return static_cast<std::int64_t>(std::trunc(clamped)) - r.offset;
}
symbol symbol_of(std::int64_t v, const quantise_rule& r) {
  std::int64_t d = (std::llabs(v) + r.rounding) / 256;
  if (v < 0) d = -d;
  d = d < r.lowest ? r.lowest : d > r.highest ? r.highest : d;
  return static_cast<symbol>(d - r.lowest);
}

} // namespace

TEST_CASE("all instruction sets give the latents and symbols of the documented rule") {
  random_integers random(1);
  for (const auto level : {instruction_set::portable, instruction_set::vector4, instruction_set::avx2, instruction_set::avx512}) {
    if (level > aecnn::best_instruction_set()) continue;
    const auto kernels = aecnn::detail::choose_quantise_kernels(level);
    CAPTURE(static_cast<int>(level));
    for (int repeat = 0; repeat < 3000; ++repeat) {
      quantise_rule r{};
      r.scale = std::bit_cast<float>(0x3f800000U + random.below(0x0b000000U)); // 1 to 2^22
      if (repeat % 3 == 0) r.scale = std::bit_cast<float>(0x00800000U + random.below(0x71000000U)); // 2^-126 to 2^100
      r.offset = random.between(-3, 3) == 0 ? random.between(-(1 << 24), 1 << 24) : 0;
      r.rounding = random.between(0, 255);
      const std::int32_t levels = random.between(2, repeat % 2 ? 65536 : 20);
      r.lowest = -random.between(0, levels - 1);
      r.highest = levels - 1 + r.lowest;
      alignas(64) float in[fixed_block];
      for (auto& v : in) {
        switch (random.below(4)) {
        case 0: v = static_cast<float>(random.between(-4000, 4000)) / r.scale; break; // a few steps
        case 1: v = static_cast<float>(random.between(-100, 100)); break;
        case 2: v = std::bit_cast<float>(static_cast<std::uint32_t>(random.next() & 0xff7fffff)); break; // any finite float
        default: v = 0;
        }
        if ((std::bit_cast<std::uint32_t>(v) & 0x7fffffff) >= 0x7f800000) v = 1;
      }
      std::int32_t latents[fixed_block];
      symbol symbols[fixed_block];
      CHECK((kernels.latents(in, r, latents) >> 31) == 0);
      CHECK((kernels.symbols(in, r, symbols) >> 31) == 0);
      for (std::size_t i = 0; i < fixed_block; ++i) {
        // Said only where it matters: an assertion takes longer than the block.
        if (latents[i] == latent_of(in[i], r) && symbols[i] == symbol_of(latents[i], r) &&
            aecnn::detail::latent_symbol(latents[i], r) == symbols[i])
          continue;
        CAPTURE(in[i], r.scale, r.offset, r.rounding, r.lowest, r.highest);
        REQUIRE(latents[i] == latent_of(in[i], r));
        REQUIRE(symbols[i] == symbol_of(latents[i], r));
        REQUIRE(aecnn::detail::latent_symbol(latents[i], r) == symbols[i]);
      }
    }
  }
}

TEST_CASE("one NaN or infinity anywhere in the block sets the top bit") {
  const quantise_rule r{256, 0, 128, -7, 7};
  for (const auto level : {instruction_set::portable, instruction_set::avx2}) {
    if (level > aecnn::best_instruction_set()) continue;
    const auto kernels = aecnn::detail::choose_quantise_kernels(level);
    for (std::size_t at = 0; at < fixed_block; ++at)
      for (const std::uint32_t bits : {0x7f800000U, 0xff800000U, 0x7fc00000U, 0xffc00000U, 0x7f800001U, 0xffffffffU, 0x7f7fffffU, 0xff7fffffU}) {
        float in[fixed_block] = {};
        in[at] = std::bit_cast<float>(bits);
        std::int32_t latents[fixed_block];
        symbol symbols[fixed_block];
        const std::uint32_t finite = (bits & 0x7fffffffU) < 0x7f800000U ? 0 : 1;
        REQUIRE((kernels.latents(in, r, latents) >> 31) == finite);
        REQUIRE((kernels.symbols(in, r, symbols) >> 31) == finite);
        for (const auto s : symbols) REQUIRE(s <= 14); // in range whatever it was
      }
  }
}

TEST_CASE("ties, the dead zone and clipping follow the rounding offset") {
  const auto symbol_at = [](std::int32_t latent, std::int32_t rounding) {
    return aecnn::detail::latent_symbol(latent, {1, 0, rounding, -3, 4}) - 3;
  };
  // Rounding 128: half a step goes away from zero, on both sides.
  CHECK(symbol_at(127, 128) == 0);
  CHECK(symbol_at(128, 128) == 1);
  CHECK(symbol_at(-127, 128) == 0);
  CHECK(symbol_at(-128, 128) == -1);
  CHECK(symbol_at(383, 128) == 1);
  CHECK(symbol_at(384, 128) == 2);
  // Rounding 0: truncation; 255: any distance from zero of one unit counts.
  CHECK(symbol_at(255, 0) == 0);
  CHECK(symbol_at(256, 0) == 1);
  CHECK(symbol_at(-256, 0) == -1);
  CHECK(symbol_at(1, 255) == 1);
  CHECK(symbol_at(-1, 255) == -1);
  CHECK(symbol_at(0, 255) == 0);
  // Clipping.
  CHECK(symbol_at(1024, 128) == 4);
  CHECK(symbol_at(aecnn::fixed_limit, 255) == 4);
  CHECK(symbol_at(-aecnn::fixed_limit, 255) == -3);
  CHECK(symbol_at(aecnn::fixed_limit + (1 << 24), 255) == 4);
  CHECK(symbol_at(-aecnn::fixed_limit - (1 << 24), 255) == -3);
}
