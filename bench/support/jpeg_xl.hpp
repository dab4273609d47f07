// JPEG XL (ISO/IEC 18181) as bench_entropy compares with it: the channels of a tensor side by side in one grey image of 8 bits a
// sample, lossless, one thread, without a container.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

#include <jxl/decode.h>
#include <jxl/encode.h>

#include <aecnn/core/tensor_view.hpp>

namespace bench {

/// Tiles of the channels in rows, as square as possible; tiles without a channel are 0.
class mosaic {
public:
  explicit mosaic(const aecnn::shape3& s) : shape_(s) {
    while (columns_ * columns_ < s.channels) ++columns_;
    rows_ = (s.channels + columns_ - 1) / columns_;
  }
  std::size_t width() const { return columns_ * shape_.width; }
  std::size_t height() const { return rows_ * shape_.height; }
  void put(std::span<const std::uint8_t> symbols, std::vector<std::uint8_t>& pixels) const {
    pixels.assign(width() * height(), 0);
    visit([&](std::size_t symbol, std::size_t pixel) { pixels[pixel] = symbols[symbol]; });
  }
  void get(std::span<const std::uint8_t> pixels, std::span<std::uint8_t> symbols) const {
    visit([&](std::size_t symbol, std::size_t pixel) { symbols[symbol] = pixels[pixel]; });
  }

private:
  template <class Visit>
  void visit(Visit&& f) const {
    std::size_t i = 0;
    for (std::size_t c = 0; c < shape_.channels; ++c)
      for (std::size_t y = 0; y < shape_.height; ++y)
        for (std::size_t x = 0; x < shape_.width; ++x, ++i)
          f(i, (c / columns_ * shape_.height + y) * width() + c % columns_ * shape_.width + x);
  }
  aecnn::shape3 shape_;
  std::size_t columns_ = 1, rows_ = 1;
};

namespace detail {
inline void check(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(std::string("JPEG XL: ") + what + " failed");
}
inline constexpr JxlPixelFormat grey8 = {1, JXL_TYPE_UINT8, JXL_NATIVE_ENDIAN, 0};
} // namespace detail

inline void encode_jpeg_xl(const std::vector<std::uint8_t>& pixels, std::size_t width, std::size_t height, int effort,
                           std::vector<std::uint8_t>& out) {
  const std::unique_ptr<JxlEncoder, decltype(&JxlEncoderDestroy)> e(JxlEncoderCreate(nullptr), &JxlEncoderDestroy);
  JxlBasicInfo info;
  JxlEncoderInitBasicInfo(&info);
  info.xsize = static_cast<std::uint32_t>(width);
  info.ysize = static_cast<std::uint32_t>(height);
  info.bits_per_sample = 8;
  info.num_color_channels = 1;
  info.uses_original_profile = JXL_TRUE;
  detail::check(JxlEncoderSetBasicInfo(e.get(), &info) == JXL_ENC_SUCCESS, "setting the image's size");
  JxlColorEncoding colour;
  JxlColorEncodingSetToSRGB(&colour, JXL_TRUE);
  detail::check(JxlEncoderSetColorEncoding(e.get(), &colour) == JXL_ENC_SUCCESS, "setting the colours");
  JxlEncoderFrameSettings* frame = JxlEncoderFrameSettingsCreate(e.get(), nullptr);
  detail::check(JxlEncoderSetFrameLossless(frame, JXL_TRUE) == JXL_ENC_SUCCESS, "asking for losslessness");
  detail::check(JxlEncoderFrameSettingsSetOption(frame, JXL_ENC_FRAME_SETTING_EFFORT, effort) == JXL_ENC_SUCCESS, "setting the effort");
  detail::check(JxlEncoderAddImageFrame(frame, &detail::grey8, pixels.data(), pixels.size()) == JXL_ENC_SUCCESS, "adding the image");
  JxlEncoderCloseInput(e.get());
  out.resize(pixels.size() + 4096);
  std::uint8_t* next = out.data();
  std::size_t room = out.size();
  detail::check(JxlEncoderProcessOutput(e.get(), &next, &room) == JXL_ENC_SUCCESS, "encoding");
  out.resize(out.size() - room);
}

inline void decode_jpeg_xl(std::span<const std::uint8_t> file, std::vector<std::uint8_t>& pixels) {
  const std::unique_ptr<JxlDecoder, decltype(&JxlDecoderDestroy)> d(JxlDecoderCreate(nullptr), &JxlDecoderDestroy);
  detail::check(JxlDecoderSubscribeEvents(d.get(), JXL_DEC_FULL_IMAGE) == JXL_DEC_SUCCESS, "subscribing");
  detail::check(JxlDecoderSetInput(d.get(), file.data(), file.size()) == JXL_DEC_SUCCESS, "setting the input");
  JxlDecoderCloseInput(d.get());
  detail::check(JxlDecoderProcessInput(d.get()) == JXL_DEC_NEED_IMAGE_OUT_BUFFER, "decoding the header");
  detail::check(JxlDecoderSetImageOutBuffer(d.get(), &detail::grey8, pixels.data(), pixels.size()) == JXL_DEC_SUCCESS, "setting the output");
  detail::check(JxlDecoderProcessInput(d.get()) == JXL_DEC_FULL_IMAGE, "decoding");
}

} // namespace bench
