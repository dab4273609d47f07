// JPEG files to RGB, with libjpeg: slow integer transform and smooth upsampling, which is also what Pillow chooses.
#pragma once

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include <jpeglib.h>

#include "input_error.hpp"

namespace accuracy {

struct image {
  std::size_t height = 0, width = 0;
  std::vector<std::uint8_t> pixels; ///< [H,W,3]: red, green, blue
};

/// Decodes one image after the other; the memory of the last is used again. One per thread.
class jpeg_decoder {
public:
  jpeg_decoder() {
    state_.err = jpeg_std_error(&failure_.handler);
    failure_.handler.error_exit = [](j_common_ptr s) { std::longjmp(reinterpret_cast<failure*>(s->err)->leave, 1); };
    failure_.handler.emit_message = [](j_common_ptr s, int level) {
      if (level < 0) s->err->error_exit(s); // libjpeg goes on after damage; a measurement must not
    };
    jpeg_create_decompress(&state_);
  }
  ~jpeg_decoder() { jpeg_destroy_decompress(&state_); }
  jpeg_decoder(const jpeg_decoder&) = delete;
  jpeg_decoder& operator=(const jpeg_decoder&) = delete;

  /// Throws input_error with libjpeg's message.
  const image& decode(std::span<const std::byte> file) {
    if (!read_header(file)) refuse();
    image_.height = state_.image_height;
    image_.width = state_.image_width;
    if (image_.height > largest_extent || image_.width > largest_extent) {
      jpeg_abort_decompress(&state_);
      throw input_error("JPEG image of " + std::to_string(image_.height) + "x" + std::to_string(image_.width) +
                        ", expected extents of at most " + std::to_string(largest_extent));
    }
    image_.pixels.resize(image_.height * image_.width * 3);
    if (!read_pixels()) refuse();
    return image_;
  }

private:
  static constexpr std::size_t largest_extent = 8192;

  struct failure {
    jpeg_error_mgr handler{}; ///< first, so that libjpeg's pointer to it is one to all
    std::jmp_buf leave{};
  };

  // libjpeg leaves by longjmp: these two functions hold nothing that has a destructor.
  bool read_header(std::span<const std::byte> file) noexcept {
    if (setjmp(failure_.leave) != 0) return false;
    jpeg_mem_src(&state_, reinterpret_cast<const unsigned char*>(file.data()), static_cast<unsigned long>(file.size()));
    jpeg_read_header(&state_, TRUE);
    state_.out_color_space = JCS_RGB;
    state_.dct_method = JDCT_ISLOW;
    state_.do_fancy_upsampling = TRUE;
    return true;
  }
  bool read_pixels() noexcept {
    if (setjmp(failure_.leave) != 0) return false;
    jpeg_start_decompress(&state_);
    while (state_.output_scanline < state_.output_height) {
      JSAMPROW row = image_.pixels.data() + std::size_t{state_.output_scanline} * image_.width * 3;
      jpeg_read_scanlines(&state_, &row, 1);
    }
    jpeg_finish_decompress(&state_);
    return true;
  }
  [[noreturn]] void refuse() {
    char text[JMSG_LENGTH_MAX];
    failure_.handler.format_message(reinterpret_cast<j_common_ptr>(&state_), text);
    jpeg_abort_decompress(&state_);
    throw input_error(std::string("not a valid JPEG image: ") + text);
  }

  jpeg_decompress_struct state_{};
  failure failure_;
  image image_;
};

} // namespace accuracy
