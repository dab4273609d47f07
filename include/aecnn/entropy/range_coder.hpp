// A binary range coder with 16-bit probabilities: the payload is the shortest byte string b0 b1 b2... whose value
// 0.b0b1b2... (base 256, zeros implied after the end) lies in the final interval. It therefore costs less than one byte
// above the ideal code length, may be empty, and is unique: the decoder refuses any other string that would decode
// to the same symbols. Of truncated and changed payloads it refuses those that no symbols have; the others stand for other
// symbols, which is what a checksum is for.
//
// State: a 64-bit interval [low, low + range), 2^32 <= range, of which the decoder keeps the payload's distance from low; 32
// bits are moved out at a time. A carry runs back through the bytes already written. The split (range >> 16) * p loses
// less than 2^-16 of the interval.
// Source: Martin, "Range encoding", 1979; carry handling as in Schindler's range coder.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/entropy/bit_model.hpp>

namespace aecnn {
namespace detail {
/// The final value and its length in bytes: the shortest whose continuation by zeros lies in [low, low + range),
/// the smallest of that length. `carry` is set where the value is 2^64 + value.
struct final_value {
  std::uint64_t value = 0;
  int bytes = 0;
  bool carry = false;
};
constexpr final_value shortest(std::uint64_t low, std::uint64_t range) noexcept {
  if (low == 0) return {};
  for (int bytes = 0; bytes < 8; ++bytes) {
    // Round low up to a multiple of 2^(64 - 8 bytes); modulo 2^64 the rounded value minus low is the distance.
    const std::uint64_t unit_minus_1 = bytes == 0 ? ~std::uint64_t{0} : (std::uint64_t{1} << (64 - 8 * bytes)) - 1;
    const std::uint64_t up = (low + unit_minus_1) & ~unit_minus_1;
    if (up - low < range) return {up, bytes, up < low};
  }
  return {low, 8, false};
}
} // namespace detail

/// Codes bits into a vector of bytes, after what it already holds.
template <class Bytes>
class basic_range_encoder {
public:
  explicit basic_range_encoder(Bytes& out) noexcept : out_(&out), start_(out.size()) {}

  /// Codes a bit whose probability of being one is p1 / 65536, 0 < p1 < 65536.
  [[gnu::always_inline]] void encode(unsigned bit, std::uint32_t p1) {
    const std::uint64_t split = (range_ >> probability_bits) * p1;
    // Without a branch, as many bits are hard to foretell.
    const std::uint64_t zero = std::uint64_t{bit} - 1; // all ones where the bit is 0
    add(split & zero);
    range_ = (split ^ zero) + (range_ & zero) - zero;
    if (range_ < min_range) shift();
  }
  /// Codes the bit and lets the model learn it.
  template <adaptive_bit_model Model>
  [[gnu::always_inline]] void encode(unsigned bit, Model& m) {
    encode(bit, m.p1());
    m.update(bit);
  }
  /// Codes the low `count` bits of v, 0 <= count <= 16, each with probability one half.
  [[gnu::always_inline]] void encode_bits(std::uint32_t v, int count) {
    if (count == 0) return;
    range_ >>= count;
    add(range_ * v);
    if (range_ < min_range) shift();
  }
  /// Writes what is needed to decode everything; the encoder is then used up.
  void finish() {
    const auto f = detail::shortest(low_, range_);
    if (f.carry) carry(*out_, start_);
    for (int i = 0; i < f.bytes; ++i) out_->push_back(static_cast<std::byte>((f.value >> (56 - 8 * i)) & 0xff));
    while (out_->size() > start_ && out_->back() == std::byte{0}) out_->pop_back();
  }

private:
  static constexpr std::uint64_t min_range = std::uint64_t{1} << 32;
  [[gnu::always_inline]] void add(std::uint64_t offset) {
    low_ += offset;
    if (low_ < offset) carry(*out_, start_);
  }
  [[gnu::always_inline]] void shift() {
    put32(*out_, static_cast<std::uint32_t>(low_ >> 32));
    low_ <<= 32;
    range_ <<= 32;
  }
  // What is rare is not told where the coder is, so that its state stays in registers.
  [[gnu::noinline]] static void put32(Bytes& out, std::uint32_t word) {
    const std::size_t size = out.size();
    out.resize(size + 4);
    for (std::size_t i = 0; i < 4; ++i) out[size + i] = static_cast<std::byte>((word >> (24 - 8 * i)) & 0xff);
  }
  [[gnu::noinline]] static void carry(Bytes& out, std::size_t start) {
    // The interval never passes 1, so a byte below 255 exists before start is reached.
    for (std::size_t i = out.size(); i-- > start;) {
      const auto b = static_cast<std::uint8_t>(static_cast<std::uint8_t>(out[i]) + 1);
      out[i] = static_cast<std::byte>(b);
      if (b != 0) return;
    }
  }
  Bytes* out_;
  std::size_t start_;
  std::uint64_t low_ = 0;
  std::uint64_t range_ = ~std::uint64_t{0};
};

using range_encoder = basic_range_encoder<std::vector<std::byte>>;

/// Decodes what range_encoder wrote. Reading past the end gives zeros, as the format says; finish() tells whether the
/// bytes were exactly those that the encoder writes.
template <class Bytes>
class basic_range_decoder {
public:
  explicit basic_range_decoder(Bytes payload) noexcept : bytes_(payload) { offset_ = window(); }
  /// Decodes a bit whose probability of being one is p1 / 65536.
  [[gnu::always_inline]] unsigned decode(std::uint32_t p1) noexcept {
    const std::uint64_t split = (range_ >> probability_bits) * p1;
    unsigned bit = 0;
    if (offset_ < split) {
      range_ = split;
      bit = 1;
    } else {
      offset_ -= split;
      range_ -= split;
    }
    if (range_ < min_range) shift();
    return bit;
  }
  /// Decodes a bit and lets the model learn it.
  template <adaptive_bit_model Model>
  [[gnu::always_inline]] unsigned decode(Model& m) noexcept {
    const std::uint64_t split = (range_ >> probability_bits) * m.p1();
    if (offset_ < split) {
      range_ = split;
      if (range_ < min_range) shift();
      m.update(1);
      return 1;
    }
    offset_ -= split;
    range_ -= split;
    if (range_ < min_range) shift();
    m.update(0);
    return 0;
  }
  /// The same for a bit that is hard to foretell: no branch depends on it.
  template <adaptive_bit_model Model>
  [[gnu::always_inline]] unsigned decode_even(Model& m) noexcept {
    const std::uint64_t split = (range_ >> probability_bits) * m.p1();
    const std::uint64_t zero = std::uint64_t{offset_ < split} - 1; // all ones where the bit is 0
    offset_ -= split & zero;
    range_ = (split ^ zero) + (range_ & zero) - zero;
    if (range_ < min_range) shift();
    const auto bit = static_cast<unsigned>(zero + 1);
    m.update(bit);
    return bit;
  }
  /// Decodes `count` bits of probability one half, 0 <= count <= 16.
  [[gnu::always_inline]] std::uint32_t decode_bits(int count) noexcept {
    if (count == 0) return 0;
    range_ >>= count;
    // The quotient of offset and range bit by bit; that of a corrupt payload may be larger, and all bits are then ones.
    std::uint32_t v = 0;
    for (std::uint64_t part = range_ << count; (part >>= 1) >= range_;) {
      const bool bit = offset_ >= part;
      offset_ -= bit ? part : 0;
      v = 2 * v + bit;
    }
    if (range_ < min_range) shift();
    return v;
  }
  /// Whether the payload has turned out to be one that no encoder writes; finish() will say so.
  bool outside() const noexcept { return outside_; }
  /// Success where the payload is exactly what the encoder writes for the decoded decisions, else
  /// errc::trailing_bytes or errc::corrupt (changed or truncated).
  status finish() const {
    if (bytes_.size() > position_)
      return failure{errc::trailing_bytes, "payload: bytes follow the end of the coded symbols"};
    // The window holds all that the encoder's finish() wrote, and zeros: equality fixes every byte of it.
    const std::uint64_t code = window();
    if (outside_ || code != detail::shortest(code - offset_, range_).value)
      return failure{errc::corrupt, "payload: truncated or changed, the final coder state is not the encoder's"};
    if (!bytes_.empty() && bytes_.back() == std::byte{0})
      return failure{errc::trailing_bytes, "payload: ends in a zero byte, which the encoder leaves out"};
    return {};
  }

private:
  static constexpr std::uint64_t min_range = std::uint64_t{1} << 32;
  // The 8 bytes before position_, the first one highest.
  std::uint64_t window() const noexcept {
    return static_cast<std::uint64_t>(word(bytes_, position_ - 8)) << 32 | word(bytes_, position_ - 4);
  }
  // The coder's state stays in registers, as this is not told where it is.
  [[gnu::noinline]] static std::uint32_t word(Bytes bytes, std::size_t at) noexcept {
    std::uint32_t v = 0;
    for (std::size_t i = at; i < at + 4; ++i)
      v = (v << 8) | (i < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i]) : 0u);
    return v;
  }
  [[gnu::always_inline]] void shift() noexcept {
    // What the encoder writes stays inside the interval. How far other bytes are outside is lost with the bits shifted out.
    outside_ = outside_ || offset_ >= range_;
    offset_ = (offset_ << 32) | word(bytes_, position_);
    position_ += 4;
    range_ <<= 32;
  }
  Bytes bytes_;
  std::size_t position_ = 8;  ///< of the byte after the 8-byte window
  std::uint64_t offset_ = 0;  ///< the window less low, the lower end of the interval
  std::uint64_t range_ = ~std::uint64_t{0};
  bool outside_ = false; ///< the payload has left the interval, so no encoder wrote it
};

namespace detail {
/// coder.decode_even(m) where the coder knows a difference.
template <class BitDecoder, class Model>
[[gnu::always_inline]] inline unsigned decode_even(BitDecoder& coder, Model& m) {
  if constexpr (requires { coder.decode_even(m); }) return coder.decode_even(m);
  else return coder.decode(m);
}
} // namespace detail

using range_decoder = basic_range_decoder<std::span<const std::byte>>;

} // namespace aecnn
