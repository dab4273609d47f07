// A range variant of asymmetric numeral systems with 16-bit renormalisation, and the single state ("lane") that headers and
// short payloads are coded with. A state x of base 2^k holds 2^k <= x < 2^(k+16) between steps. A step of an interval
// [start, start + frequency) out of 2^precision takes x to
//
//   (x / frequency) 2^precision + x mod frequency + start,
//
// after moving 16 bits out where the result would not fit; decoding goes the other way. What is coded last is decoded first.
// Sources: Duda, "Asymmetric numeral systems", arXiv:1311.2540; Giesen, "Interleaved entropy coders", arXiv:1402.3392. O(1) a step.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <aecnn/core/buffer.hpp>

namespace aecnn::detail {

/// Frequencies add up to 2^10. Small enough that 16 tables stay near the processor: 11 or 12 bits gain less than 0.1 %.
inline constexpr int rans_precision = 10;
inline constexpr std::uint32_t rans_total = 1u << rans_precision;
/// Plain bits that one step can take along, at most: the base is 2^(rans_precision + that), and states stay below 2^31.
inline constexpr int rans_plain_bits = 5;

/// A share of rans_total.
struct rans_interval {
  std::uint32_t start = 0, frequency = 0;
};

/// floor(x r / 2^64).
constexpr std::uint32_t multiply_high(std::uint32_t x, std::uint64_t r) noexcept {
#if defined(__SIZEOF_INT128__)
  __extension__ using wide = unsigned __int128;
  return static_cast<std::uint32_t>((static_cast<wide>(x) * r) >> 64);
#else
  return static_cast<std::uint32_t>((x * (r >> 32) + ((x * (r & 0xffffffff)) >> 32)) >> 32);
#endif
}

/// An interval prepared for encoding, with a multiplication in the place of the division (Alverson, "Integer division using
/// reciprocals", 1991): for x < 2^31 and frequencies up to 2^10 rounding 2^63 / frequency up does not change the quotient.
struct rans_entry {
  std::uint64_t reciprocal = 0;
  std::uint32_t limit = 0; ///< a state of at least limit >> (plain bits of the step) moves a word out first
  std::uint16_t start = 0, complement = 0;
  std::uint16_t first = 0; ///< the token's least value
  std::uint8_t plain = 0;  ///< plain bits that follow the token

  constexpr rans_entry() = default;
  /// For states of base 2^base. An empty interval gives an entry that must not be used.
  constexpr rans_entry(rans_interval v, int base) noexcept
      : reciprocal(v.frequency == 0 ? 0 : ((std::uint64_t{1} << 63) + v.frequency - 1) / v.frequency),
        limit(v.frequency << (base + 16 - rans_precision)), start(static_cast<std::uint16_t>(v.start)),
        complement(static_cast<std::uint16_t>(rans_total - v.frequency)) {}
  /// The step for a state below 2^31 that has room for it.
  constexpr std::uint32_t step(std::uint32_t x) const noexcept { return x + start + multiply_high(2 * x, reciprocal) * complement; }
};

/// Collects binary decisions in the order in which they will be decoded, and then codes them in the reverse order.
class decision_list {
public:
  void clear() noexcept { size_ = 0; }
  /// Takes memory for n entries.
  void reserve(std::size_t n) {
    if (entries_.size() < n) resize(entries_, n);
  }
  /// A bit whose probability of being one is p1 / 65536.
  void encode(unsigned bit, std::uint32_t p1) { push((p1 << 1) | (bit & 1)); }
  template <class Model>
    requires requires(Model& m) { m.p1(); }
  void encode(unsigned bit, Model& m) {
    encode(bit, m.p1());
    m.update(bit);
  }
  /// The low `count` bits of v, at most 16, each with probability one half, the upper ones first.
  void encode_bits(std::uint32_t v, int count) {
    for (; count > 8; count -= 8) push(plain | (8u << 16) | ((v >> (count - 8)) & 0xff));
    if (count > 0) push(plain | (static_cast<std::uint32_t>(count) << 16) | (v & ((1u << count) - 1)));
  }
  void append(const decision_list& other) {
    for (std::size_t i = 0; i < other.size_; ++i) push(other.entries_[i]);
  }
  /// Codes everything into state x of base 2^base; words go to positions before `word`.
  void flush(std::uint32_t& x, int base, std::uint16_t*& word) const noexcept {
    for (std::size_t i = size_; i-- > 0;) {
      const std::uint32_t e = entries_[i];
      if (e & plain) {
        const int count = static_cast<int>((e >> 16) & 0xff);
        if (x >= (1u << (base + 16 - count))) move_out(x, word);
        x = (x << count) | (e & 0xffff);
      } else {
        const rans_interval v = binary_interval(e & 1, e >> 1);
        if (x >= (v.frequency << (base + 16 - rans_precision))) move_out(x, word);
        x = ((x / v.frequency) << rans_precision) + x % v.frequency + v.start;
      }
    }
  }
  /// The share of a bit, of which a one has probability p1 / 65536.
  static constexpr rans_interval binary_interval(unsigned bit, std::uint32_t p1) noexcept {
    std::uint32_t one = p1 >> (16 - rans_precision);
    one = one < 1 ? 1 : one > rans_total - 1 ? rans_total - 1 : one;
    return bit ? rans_interval{0, one} : rans_interval{one, rans_total - one};
  }

private:
  static constexpr std::uint32_t plain = 1u << 31;
  static void move_out(std::uint32_t& x, std::uint16_t*& word) noexcept {
    *--word = static_cast<std::uint16_t>(x & 0xffff);
    x >>= 16;
  }
  void push(std::uint32_t e) {
    if (size_ == entries_.size()) resize(entries_, size_ == 0 ? 256 : 2 * size_);
    entries_[size_++] = e;
  }
  std::vector<std::uint32_t> entries_;
  std::size_t size_ = 0;
};

/// Decodes what one lane coded. Where no word is left the state is not refilled: whoever made the payload either started from
/// state 0, which needs none, or the final state differs from the one that is expected.
class lane_reader {
public:
  lane_reader(std::uint32_t state, int base, const std::uint16_t* word, const std::uint16_t* end) noexcept
      : x_(state), base_(base), word_(word), end_(end) {}
  unsigned decode(std::uint32_t p1) noexcept {
    const std::uint32_t slot = x_ & (rans_total - 1);
    const unsigned bit = slot < decision_list::binary_interval(1, p1).frequency;
    const rans_interval v = decision_list::binary_interval(bit, p1);
    x_ = v.frequency * (x_ >> rans_precision) + slot - v.start;
    refill();
    return bit;
  }
  template <class Model>
    requires requires(Model& m) { m.p1(); }
  unsigned decode(Model& m) noexcept {
    const unsigned bit = decode(m.p1());
    m.update(bit);
    return bit;
  }
  std::uint32_t decode_bits(int count) noexcept {
    std::uint32_t v = 0;
    for (; count > 8; count -= 8) v = (v << 8) | plain(8);
    return (v << count) | plain(count);
  }
  std::uint32_t state() const noexcept { return x_; }
  const std::uint16_t* word() const noexcept { return word_; }

private:
  std::uint32_t plain(int count) noexcept {
    const std::uint32_t v = x_ & ((1u << count) - 1);
    x_ >>= count;
    refill();
    return v;
  }
  void refill() noexcept {
    if (x_ < (1u << base_) && word_ != end_) x_ = (x_ << 16) | *word_++;
  }
  std::uint32_t x_;
  int base_;
  const std::uint16_t* word_;
  const std::uint16_t* end_;
};

/// Appends the state of lane 0, then the words, little-endian. The state takes as many bytes as it needs; where words follow it
/// takes three below 2^24 and four above, which the parity of the payload's length tells.
inline void put_payload(std::uint32_t state, const std::uint16_t* word, const std::uint16_t* end, std::vector<std::byte>& out) {
  const auto words = static_cast<std::size_t>(end - word);
  std::size_t n = words > 0 ? 3 : 0;
  while (n < 4 && (state >> (8 * n)) != 0) ++n;
  const std::size_t start = out.size();
  resize(out, start + n + 2 * words);
  std::byte* to = out.data() + start;
  for (std::size_t i = 0; i < n; ++i) *to++ = static_cast<std::byte>((state >> (8 * i)) & 0xff);
  for (; word != end; ++word) {
    *to++ = static_cast<std::byte>(*word & 0xff);
    *to++ = static_cast<std::byte>(*word >> 8);
  }
}

/// The bytes of the state of lane 0 in a payload of `size` bytes.
constexpr std::size_t state_bytes(std::size_t size) noexcept { return size <= 4 ? size : size % 2 == 1 ? 3 : 4; }

/// The state of lane 0, or false where put_payload would not write it so.
inline bool get_state(std::span<const std::byte> payload, int base, std::uint32_t& state) noexcept {
  const std::size_t n = state_bytes(payload.size());
  state = 0;
  for (std::size_t i = 0; i < n; ++i) state |= std::to_integer<std::uint32_t>(payload[i]) << (8 * i);
  if (n == payload.size() ? n > 0 && (state >> (8 * (n - 1))) == 0 : n == 4 && (state >> 24) == 0) return false;
  return (n == payload.size() || (state >> base) != 0) && (state >> (base + 16)) == 0;
}

} // namespace aecnn::detail
