// Entropy coders as bench_entropy measures them: this library's modes and, where CMake found them, other people's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/entropy/modes.hpp>
#include <aecnn/entropy/symbol_coder.hpp>

#include "symbol_corpus.hpp"
#if AECNN_BENCH_ZSTD
#include "zstd.hpp"
#endif
#if AECNN_BENCH_HTSCODECS
#include <htscodecs/rANS_static4x16.h>
#endif
#if AECNN_BENCH_BROTLI
#include <brotli/decode.h>
#include <brotli/encode.h>
#endif
#if AECNN_BENCH_JPEG_XL
#include "jpeg_xl.hpp"
#endif

namespace bench {

class plane_coder {
public:
  virtual ~plane_coder() = default;
  /// The payload; valid until the next call.
  virtual std::span<const std::byte> encode(const symbol_plane& p) = 0;
  /// Decodes into memory of its own.
  virtual void decode(std::span<const std::byte> payload, const symbol_plane& p) = 0;
  /// Whether that was the last plane decoded.
  virtual bool decoded(const symbol_plane& p) const = 0;
};

/// One of this library's modes, without a profile: every plane is coded cold. Coders are made once for an alphabet and number of channels.
class mode_plane_coder final : public plane_coder {
public:
  explicit mode_plane_coder(const aecnn::entropy_mode& mode) : mode_(mode) {}
  std::span<const std::byte> encode(const symbol_plane& p) override {
    payload_.clear();
    coder(p).encode(p.wide, p.shape, {}, payload_).value();
    return payload_;
  }
  void decode(std::span<const std::byte> payload, const symbol_plane& p) override {
    symbols_.resize(p.wide.size());
    coder(p).decode(payload, p.shape, {}, symbols_).value();
  }
  bool decoded(const symbol_plane& p) const override { return symbols_ == p.wide; }

private:
  aecnn::symbol_coder& coder(const symbol_plane& p) {
    const auto key = std::array<std::size_t, 3>{static_cast<std::size_t>(p.bits), p.zero, p.shape.channels};
    auto found = coders_.find(key);
    if (found == coders_.end()) {
      aecnn::context_parameters parameters;
      parameters.levels = 1U << p.bits;
      parameters.zero = p.zero;
      auto made = aecnn::symbol_coder::create(parameters, p.shape.channels).value();
      made.set_mode(mode_).value();
      found = coders_.emplace(key, std::move(made)).first;
    }
    return found->second;
  }
  aecnn::entropy_mode mode_;
  std::map<std::array<std::size_t, 3>, aecnn::symbol_coder> coders_;
  std::vector<std::byte> payload_;
  std::vector<aecnn::symbol> symbols_;
};

/// A coder of bytes: encode(symbols, payload) and decode(payload, symbols), the latter of the right size.
class byte_plane_coder : public plane_coder {
public:
  std::span<const std::byte> encode(const symbol_plane& p) final {
    compress(p, payload_);
    return std::as_bytes(std::span(payload_));
  }
  void decode(std::span<const std::byte> payload, const symbol_plane& p) final {
    symbols_.resize(p.symbols.size());
    expand({reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()}, p, symbols_);
  }
  bool decoded(const symbol_plane& p) const final { return symbols_ == p.symbols; }

protected:
  virtual void compress(const symbol_plane& p, std::vector<std::uint8_t>& payload) = 0;
  virtual void expand(std::span<const std::uint8_t> payload, const symbol_plane& p, std::span<std::uint8_t> symbols) = 0;

private:
  std::vector<std::uint8_t> payload_, symbols_;
};

#if AECNN_BENCH_ZSTD
class zstd_plane_coder final : public byte_plane_coder {
public:
  explicit zstd_plane_coder(int level) : zstd_(level) {}

protected:
  void compress(const symbol_plane& p, std::vector<std::uint8_t>& payload) override {
    const auto frame = zstd_.compress(p.symbols);
    payload.assign(frame.begin(), frame.end());
  }
  void expand(std::span<const std::uint8_t> payload, const symbol_plane&, std::span<std::uint8_t> symbols) override {
    zstd_.decompress(payload, symbols);
  }

private:
  zstd_codec zstd_;
};
#endif

#if AECNN_BENCH_HTSCODECS
/// htscodecs' rANS of order 1 with 32 states, with the vector instructions that it picks.
class htscodecs_plane_coder final : public byte_plane_coder {
protected:
  void compress(const symbol_plane& p, std::vector<std::uint8_t>& payload) override {
    auto size = static_cast<unsigned>(rans_compress_bound_4x16(static_cast<unsigned>(p.symbols.size()), order));
    payload.resize(size);
    input_ = p.symbols;
    if (rans_compress_to_4x16(input_.data(), static_cast<unsigned>(input_.size()), payload.data(), &size, order) == nullptr)
      throw std::runtime_error("htscodecs: encoding failed");
    payload.resize(size);
  }
  void expand(std::span<const std::uint8_t> payload, const symbol_plane&, std::span<std::uint8_t> symbols) override {
    input_.assign(payload.begin(), payload.end());
    auto size = static_cast<unsigned>(symbols.size());
    if (rans_uncompress_to_4x16(input_.data(), static_cast<unsigned>(input_.size()), symbols.data(), &size) == nullptr)
      throw std::runtime_error("htscodecs: decoding failed");
  }

private:
  static constexpr int order = 1 | RANS_ORDER_X32;
  std::vector<std::uint8_t> input_; ///< its functions take pointers to what they do not change
};
#endif

#if AECNN_BENCH_BROTLI
class brotli_plane_coder final : public byte_plane_coder {
public:
  explicit brotli_plane_coder(int quality) : quality_(quality) {}

protected:
  void compress(const symbol_plane& p, std::vector<std::uint8_t>& payload) override {
    std::size_t size = BrotliEncoderMaxCompressedSize(p.symbols.size());
    payload.resize(size);
    if (!BrotliEncoderCompress(quality_, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, p.symbols.size(), p.symbols.data(), &size,
                               payload.data()))
      throw std::runtime_error("brotli: encoding failed");
    payload.resize(size);
  }
  void expand(std::span<const std::uint8_t> payload, const symbol_plane&, std::span<std::uint8_t> symbols) override {
    std::size_t size = symbols.size();
    if (BrotliDecoderDecompress(payload.size(), payload.data(), &size, symbols.data()) != BROTLI_DECODER_RESULT_SUCCESS)
      throw std::runtime_error("brotli: decoding failed");
  }

private:
  int quality_;
};
#endif

#if AECNN_BENCH_JPEG_XL
/// JPEG XL, lossless, on a mosaic of the channels.
class jpeg_xl_plane_coder final : public byte_plane_coder {
public:
  explicit jpeg_xl_plane_coder(int effort) : effort_(effort) {}

protected:
  void compress(const symbol_plane& p, std::vector<std::uint8_t>& payload) override {
    const mosaic m(p.shape);
    m.put(p.symbols, pixels_);
    encode_jpeg_xl(pixels_, m.width(), m.height(), effort_, payload);
  }
  void expand(std::span<const std::uint8_t> payload, const symbol_plane& p, std::span<std::uint8_t> symbols) override {
    const mosaic m(p.shape);
    pixels_.resize(m.width() * m.height());
    decode_jpeg_xl(payload, pixels_);
    m.get(pixels_, symbols);
  }

private:
  int effort_;
  std::vector<std::uint8_t> pixels_;
};
#endif

struct named_coder {
  std::string name;
  std::unique_ptr<plane_coder> coder;
};

/// All that this build knows; the slow ones take 0.1 to 1 MB/s.
inline std::vector<named_coder> all_coders(bool slow_ones) {
  std::vector<named_coder> coders;
  for (const auto& mode : aecnn::entropy_modes)
    coders.push_back({std::string("aecnn ") + mode.name, std::make_unique<mode_plane_coder>(mode)});
#if AECNN_BENCH_ZSTD
  coders.push_back({"zstd -3", std::make_unique<zstd_plane_coder>(3)});
  coders.push_back({"zstd -19", std::make_unique<zstd_plane_coder>(19)});
#endif
#if AECNN_BENCH_HTSCODECS
  coders.push_back({"htscodecs rANS 32x16 order-1", std::make_unique<htscodecs_plane_coder>()});
#endif
#if AECNN_BENCH_BROTLI
  coders.push_back({"brotli -5", std::make_unique<brotli_plane_coder>(5)});
  if (slow_ones) coders.push_back({"brotli -11", std::make_unique<brotli_plane_coder>(11)});
#endif
#if AECNN_BENCH_JPEG_XL
  coders.push_back({"JPEG XL e3", std::make_unique<jpeg_xl_plane_coder>(3)});
  if (slow_ones) {
    coders.push_back({"JPEG XL e7", std::make_unique<jpeg_xl_plane_coder>(7)});
    coders.push_back({"JPEG XL e9", std::make_unique<jpeg_xl_plane_coder>(9)});
  }
#endif
  static_cast<void>(slow_ones);
  return coders;
}

} // namespace bench
