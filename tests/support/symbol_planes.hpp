// Symbol planes of several kinds and entropy-coder parameters that use everything, reproducible on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/core/symbol.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/entropy/context.hpp>
#include <aecnn/entropy/parameters.hpp>

#include <random.hpp>

inline constexpr std::uint32_t all_levels[] = {2, 3, 4, 15, 16, 17, 31, 32, 33, 255, 256, 257, 4095, 65535, 65536};

enum class content { random, sparse, smooth, constant, extremes };
inline constexpr content all_contents[] = {content::random, content::sparse, content::smooth, content::constant, content::extremes};

inline std::vector<aecnn::symbol> make_symbols(aecnn::shape3 shape, std::uint32_t levels, std::uint32_t zero, content kind, std::uint64_t seed) {
  random_integers random(seed);
  std::vector<aecnn::symbol> s(shape.size());
  const auto top = static_cast<std::int32_t>(levels) - 1, middle = static_cast<std::int32_t>(zero);
  const auto clamp = [&](std::int32_t v) { return static_cast<aecnn::symbol>(v < 0 ? 0 : v > top ? top : v); };
  for (std::size_t i = 0; i < s.size(); ++i) {
    const std::size_t x = i % shape.width, y = i / shape.width % shape.height, c = i / shape.area();
    switch (kind) {
    case content::random: s[i] = static_cast<aecnn::symbol>(random.below(levels)); break;
    case content::sparse: s[i] = clamp(middle + (random.below(10) == 0 ? random.geometric(top) : 0)); break;
    case content::smooth: {
      const std::size_t wave = (3 * x + 2 * y + 5 * c) % 64;
      const auto height = static_cast<std::int32_t>(wave < 32 ? wave : 64 - wave) - 16;
      s[i] = clamp(middle + height * top / 64 + random.geometric(2));
      break;
    }
    case content::constant: s[i] = clamp(middle + static_cast<std::int32_t>(c % 3) - 1); break;
    case content::extremes: s[i] = random.below(2) ? 0 : static_cast<aecnn::symbol>(top); break;
    }
  }
  return s;
}

/// Everything optional.
inline aecnn::context_parameters rich_parameters(std::uint32_t levels, std::uint32_t zero, std::size_t channels, bool masked, std::uint64_t seed) {
  random_integers random(seed);
  aecnn::context_parameters p;
  p.levels = levels;
  p.zero = zero;
  p.classes = 3;
  for (std::size_t c = 0; c < channels; ++c) {
    p.reference.push_back(c == 0 || random.below(4) == 0 ? aecnn::context_parameters::no_reference
                                                          : static_cast<std::uint16_t>(random.below(static_cast<std::uint32_t>(c))));
    p.channel_class.push_back(static_cast<std::uint8_t>(random.below(3)));
    if (masked) p.mask_prior.push_back(static_cast<std::uint16_t>(random.between(32, 65504)));
  }
  const std::size_t states = 3 * aecnn::context_layout(levels, zero).state_count();
  for (std::size_t i = 0; i < states; ++i) p.initial.push_back(static_cast<std::uint16_t>(random.below(65536)));
  return p;
}
