// Uniform quantisation of a whole tensor between its least and greatest value: what is usually done before a general
// compressor, and what the benchmarks compare with. value = least + symbol * step, levels 2^bits.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bench {

struct min_max_symbols {
  float least = 0, step = 0;
  std::vector<std::uint8_t> symbols; ///< one a byte, in the order of the elements

  float value(std::size_t i) const noexcept { return least + step * static_cast<float>(symbols[i]); }
};

/// `bits` is 1 to 8; `q` keeps its memory between calls.
inline void quantise_min_max(std::span<const float> x, int bits, min_max_symbols& q) {
  float low = x[0], high = x[0];
  for (const float v : x) {
    low = v < low ? v : low;
    high = v > high ? v : high;
  }
  const auto most = static_cast<float>((1 << bits) - 1);
  q.least = low;
  q.step = (high - low) / most;
  const float scale = q.step > 0 ? 1 / q.step : 0.0F;
  q.symbols.resize(x.size());
  // No value is below the least, so that truncating v + 0.5 rounds.
  for (std::size_t i = 0; i < x.size(); ++i)
    q.symbols[i] = static_cast<std::uint8_t>(std::min(most, (x[i] - low) * scale + 0.5F));
}
inline min_max_symbols quantise_min_max(std::span<const float> x, int bits) {
  min_max_symbols q;
  quantise_min_max(x, bits, q);
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
