// What fuzz targets share. A target is a file <target>.cpp with one function
//
//   void fuzz_<target>(std::span<const std::byte> bytes)
//
// that gives the bytes to the library and checks what must hold whatever they are. All are in one program that runs given files
// (replay.cpp), and, with -DAECNN_FUZZ=ON and clang, each in a libFuzzer program with AddressSanitizer and
// UndefinedBehaviorSanitizer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

void fuzz_end_to_end(std::span<const std::byte> bytes);
void fuzz_npy(std::span<const std::byte> bytes);
void fuzz_onnx(std::span<const std::byte> bytes);
void fuzz_profile(std::span<const std::byte> bytes);
void fuzz_record_file(std::span<const std::byte> bytes);
void fuzz_safetensors(std::span<const std::byte> bytes);
void fuzz_stream(std::span<const std::byte> bytes);
void fuzz_symbols(std::span<const std::byte> bytes);

/// Aborts, which both programs report as a failure of the input.
#define FUZZ_REQUIRE(condition)                                                                                              \
  do {                                                                                                                       \
    if (!(condition)) {                                                                                                      \
      std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                                     \
      std::abort();                                                                                                          \
    }                                                                                                                        \
  } while (false)

namespace fuzzing {

/// Bytes that operator new has given out and not taken back, and the most since reset_peak() (memory.cpp).
std::size_t live_bytes() noexcept;
std::size_t peak_bytes() noexcept;
void reset_peak() noexcept;
/// operator new aborts where more than this is live.
void limit_live_bytes(std::size_t most) noexcept;

/// What a reader of a file of `size` untrusted bytes may allocate: 1 MiB, and 256 bytes more for every byte above 100.
inline std::size_t allowance(std::size_t size) { return (std::size_t{1} << 20) + (size > 100 ? 256 * (size - 100) : 0); }
/// And a decoder of a stream: 10 KiB for every byte above 100, which may stand for 512 elements (limits::max_elements_per_byte) of the
/// tensor, in its network and in symbols.
inline std::size_t stream_allowance(std::size_t size) { return (std::size_t{1} << 20) + (size > 100 ? 10240 * (size - 100) : 0); }

/// While it lives, allocations above `most` bytes in all, beside what is live now, abort.
class allocation_limit {
public:
  explicit allocation_limit(std::size_t most) { limit_live_bytes(live_bytes() + most); }
  ~allocation_limit() { limit_live_bytes(static_cast<std::size_t>(-1)); }
  allocation_limit(const allocation_limit&) = delete;
  allocation_limit& operator=(const allocation_limit&) = delete;
};

/// Numbers from the front of the bytes, 0 once they are used up.
class source {
public:
  explicit source(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::uint8_t u8() {
    if (bytes_.empty()) return 0;
    const auto v = std::to_integer<std::uint8_t>(bytes_.front());
    bytes_ = bytes_.subspan(1);
    return v;
  }
  std::uint16_t u16() {
    const std::uint32_t low = u8(), high = u8();
    return static_cast<std::uint16_t>(low | high << 8);
  }
  std::uint32_t u32() {
    const std::uint32_t low = u16(), high = u16();
    return low | high << 16;
  }
  /// 0 to n - 1.
  std::uint32_t below(std::uint32_t n) { return (n > 256 ? u16() : u8()) % n; }
  bool empty() const { return bytes_.empty(); }
  std::span<const std::byte> rest() const { return bytes_; }

private:
  std::span<const std::byte> bytes_;
};

} // namespace fuzzing
