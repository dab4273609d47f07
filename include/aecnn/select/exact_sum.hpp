// A sum of numbers that does not depend on their order: a 256-bit fixed-point integer. Statistics that are summed with
// it merge to the same bits however the data were sharded.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace aecnn::detail {

/// Units of 2^-128, magnitudes below 2^126. A number's bits below the unit are dropped, one by one and so independent
/// of the order; a number of magnitude 2^94 or more, an infinity or a NaN counts as +-2^94. 2^32 numbers do not
/// overflow.
class exact_sum {
public:
  void add(double x) noexcept {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    auto exponent = static_cast<int>((bits >> 52) & 0x7ff);
    std::uint64_t significand = bits & 0xfffffffffffffULL;
    if (exponent == 0) return; // zero, or far below the unit
    significand |= 0x10000000000000ULL;
    if (exponent >= 1023 + 94) {
      exponent = 1023 + 94;
      significand = 0x10000000000000ULL;
    }
    // x = significand * 2^(exponent - 1075); its lowest bit lies `position` bits above the unit.
    int position = exponent - 1075 + 128;
    if (position < 0) {
      if (position <= -53) return;
      significand >>= -position;
      position = 0;
    }
    std::array<std::uint64_t, 4> v{};
    const auto word = static_cast<std::size_t>(position / 64);
    const int shift = position % 64;
    v[word] = significand << shift;
    if (shift != 0 && word < 3) v[word + 1] = significand >> (64 - shift);
    add_words(v, (bits >> 63) != 0);
  }
  void merge(const exact_sum& other) noexcept { add_words(other.words_, false); }

  /// The sum, rounded to double within a few units of the last place.
  double value() const noexcept {
    const bool negative = (words_[3] >> 63) != 0;
    std::array<std::uint64_t, 4> m{};
    std::uint64_t carry = negative ? 1 : 0;
    for (std::size_t i = 0; i < 4; ++i) {
      m[i] = (negative ? ~words_[i] : words_[i]) + carry;
      carry = carry != 0 && m[i] == 0 ? 1 : 0;
    }
    double sum = 0;
    for (std::size_t i = 4; i-- > 0;) sum = sum * 18446744073709551616.0 + static_cast<double>(m[i]);
    sum *= 0x1p-128;
    return negative ? -sum : sum;
  }
  friend bool operator==(const exact_sum&, const exact_sum&) = default;

private:
  void add_words(const std::array<std::uint64_t, 4>& v, bool subtract) noexcept {
    std::uint64_t carry = subtract ? 1 : 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::uint64_t a = words_[i], b = subtract ? ~v[i] : v[i], s = a + b, t = s + carry;
      carry = (s < a || t < s) ? 1 : 0;
      words_[i] = t;
    }
  }
  std::array<std::uint64_t, 4> words_{}; ///< two's complement, lowest word first
};

} // namespace aecnn::detail
