// Bounded reading and writing of bytes: little-endian integers and LEB128 variable-length integers, whatever the
// machine's own byte order. A reader never reads past its span; it remembers that it failed, so that a caller may
// check once after several reads.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>

namespace aecnn {

/// Reads from a span; a read past the end gives 0 and sets failed().
class byte_reader {
  template <class U>
  constexpr U integer() noexcept {
    const auto s = take(sizeof(U));
    U v = 0;
    for (std::size_t i = 0; i < s.size(); ++i)
      v = static_cast<U>(v | static_cast<U>(static_cast<U>(std::to_integer<std::uint8_t>(s[i])) << (8 * i)));
    return v;
  }

public:
  constexpr byte_reader() = default;
  constexpr explicit byte_reader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  constexpr std::size_t position() const noexcept { return position_; }
  constexpr std::size_t remaining() const noexcept { return bytes_.size() - position_; }
  constexpr bool failed() const noexcept { return failed_; }

  constexpr std::uint8_t u8() noexcept { return integer<std::uint8_t>(); }
  constexpr std::uint16_t u16() noexcept { return integer<std::uint16_t>(); }
  constexpr std::uint32_t u32() noexcept { return integer<std::uint32_t>(); }
  constexpr std::uint64_t u64() noexcept { return integer<std::uint64_t>(); }
  /// An IEEE 754 binary32 by its bits.
  constexpr float f32() noexcept { return std::bit_cast<float>(u32()); }

  /// Unsigned LEB128; fails on more than 64 bits and on a non-minimal encoding.
  constexpr std::uint64_t varint() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t b = u8();
      if (failed_) return 0;
      if (shift == 63 && b > 1) break;
      value |= static_cast<std::uint64_t>(b & 0x7f) << shift;
      if (b < 0x80) {
        if (b == 0 && shift > 0) break;
        return value;
      }
    }
    failed_ = true;
    return 0;
  }

  /// The next n bytes, or an empty span and failed().
  constexpr std::span<const std::byte> take(std::size_t n) noexcept {
    if (failed_ || n > remaining()) {
      failed_ = true;
      return {};
    }
    position_ += n;
    return {bytes_.data() + (position_ - n), n};
  }
  /// Everything not yet read.
  constexpr std::span<const std::byte> rest() noexcept { return take(remaining()); }

private:
  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
  bool failed_ = false;
};

/// Appends to a vector of bytes.
class byte_writer {
public:
  explicit byte_writer(std::vector<std::byte>& out) noexcept : out_(&out) {}
  void u8(std::uint8_t v) { out_->push_back(static_cast<std::byte>(v)); }
  void u16(std::uint16_t v) { integer(v); }
  void u32(std::uint32_t v) { integer(v); }
  void u64(std::uint64_t v) { integer(v); }
  void f32(float v) { integer(std::bit_cast<std::uint32_t>(v)); }
  /// Unsigned LEB128, shortest form.
  void varint(std::uint64_t v) {
    for (; v >= 0x80; v >>= 7) u8(static_cast<std::uint8_t>((v & 0x7f) | 0x80));
    u8(static_cast<std::uint8_t>(v));
  }
  void bytes(std::span<const std::byte> b) {
    for (std::size_t i = 0; i < b.size(); ++i) out_->push_back(b[i]);
  }
  void text(std::string_view s) {
    for (std::size_t i = 0; i < s.size(); ++i) u8(static_cast<std::uint8_t>(s[i]));
  }
  std::size_t size() const noexcept { return out_->size(); }

private:
  template <class U>
  void integer(U v) {
    for (std::size_t i = 0; i < sizeof(U); ++i) u8(static_cast<std::uint8_t>((v >> (8 * i)) & 0xff));
  }
  std::vector<std::byte>* out_;
};
} // namespace aecnn
