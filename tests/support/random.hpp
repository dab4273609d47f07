// Reproducible pseudo-random integers, the same on every machine and with every standard library.
#pragma once

#include <cstddef>
#include <cstdint>

/// SplitMix64 (Steele, Lea, Flood, 2014).
class random_integers {
public:
  explicit random_integers(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  /// 0..n-1, for n below 2^32.
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(((next() >> 32) * n) >> 32); }
  /// low..high.
  std::int32_t between(std::int32_t low, std::int32_t high) {
    const std::uint32_t range = static_cast<std::uint32_t>(high) - static_cast<std::uint32_t>(low);
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(low) + below(range + 1));
  }
  /// Small magnitudes are the likeliest: each further one is half as likely as the one before it.
  std::int32_t geometric(std::int32_t most) {
    std::int32_t m = 0;
    while (m < most && (next() >> 63) != 0) ++m;
    return (next() >> 63) != 0 ? m : -m;
  }

private:
  std::uint64_t state_;
};
