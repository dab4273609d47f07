// zstd (Collet and Kucherawy, RFC 8878) as the benchmarks compare with it: one frame a buffer, as ZSTD_compress writes
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <zstd.h>

namespace bench {

/// Compresses and decompresses with memory of its own that is kept between calls.
class zstd_codec {
public:
  explicit zstd_codec(int level) : level_(level), compress_(ZSTD_createCCtx()), decompress_(ZSTD_createDCtx()) {}
  zstd_codec(const zstd_codec&) = delete;
  zstd_codec& operator=(const zstd_codec&) = delete;
  ~zstd_codec() {
    ZSTD_freeCCtx(compress_);
    ZSTD_freeDCtx(decompress_);
  }

  /// The frame of `input`; valid until the next call.
  std::span<const std::uint8_t> compress(std::span<const std::uint8_t> input) {
    frame_.resize(ZSTD_compressBound(input.size()));
    const std::size_t n =
        checked(ZSTD_compressCCtx(compress_, frame_.data(), frame_.size(), input.data(), input.size(), level_));
    return {frame_.data(), n};
  }
  void decompress(std::span<const std::uint8_t> frame, std::span<std::uint8_t> output) {
    const std::size_t n =
        checked(ZSTD_decompressDCtx(decompress_, output.data(), output.size(), frame.data(), frame.size()));
    if (n != output.size()) throw std::runtime_error("zstd: frame of another length");
  }

private:
  static std::size_t checked(std::size_t n) {
    if (ZSTD_isError(n)) throw std::runtime_error(std::string("zstd: ") + ZSTD_getErrorName(n));
    return n;
  }
  int level_;
  ZSTD_CCtx* compress_;
  ZSTD_DCtx* decompress_;
  std::vector<std::uint8_t> frame_;
};

} // namespace bench
