// Uniform quantisation of a whole tensor between its least and greatest value: what is usually done before a general
// compressor, and what the benchmarks compare with. value = least + symbol * step, levels 2^bits.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace bench {

struct min_max_symbols {
  float least = 0, step = 0;
  std::vector<std::uint8_t> symbols; ///< one a byte, in the order of the elements

  float value(std::size_t i) const noexcept { return least + step * static_cast<float>(symbols[i]); }
};

/// `bits` is 1 to 8.
inline min_max_symbols quantise_min_max(std::span<const float> x, int bits) {
  const auto [low, high] = std::minmax_element(x.begin(), x.end());
  const int most = (1 << bits) - 1;
  min_max_symbols q{*low, (*high - *low) / static_cast<float>(most), {}};
  q.symbols.reserve(x.size());
  for (const float v : x) {
    const long s = q.step > 0 ? std::lround((v - q.least) / q.step) : 0;
    q.symbols.push_back(static_cast<std::uint8_t>(std::clamp(s, 0L, static_cast<long>(most))));
  }
  return q;
}

/// 8 / bits symbols in a byte, the first in the lowest bits; `bits` divides 8.
inline std::vector<std::uint8_t> pack_symbols(std::span<const std::uint8_t> symbols, int bits) {
  const auto each = static_cast<std::size_t>(8 / bits);
  std::vector<std::uint8_t> packed((symbols.size() + each - 1) / each);
  for (std::size_t i = 0; i < symbols.size(); ++i)
    packed[i / each] =
        static_cast<std::uint8_t>(packed[i / each] | (symbols[i] << (i % each * static_cast<std::size_t>(bits))));
  return packed;
}

} // namespace bench
