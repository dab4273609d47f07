// Both sides of a profile's operating points, as a device and a server would have them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/codec.hpp>

#include "case_file.hpp"
#include "input_error.hpp"

namespace accuracy {

/// One operating point: features to bytes and back, with the default header and without any.
class coding {
public:
  /// `file` is the profile's, for messages.
  coding(const path& file, const aecnn::profile& p, std::size_t point, const aecnn::entropy_mode& mode, const aecnn::shape3& shape)
      : name_(p.operating_points[point].name), shape_(shape),
        encoder_(in_file(file, aecnn::analysis_encoder::create(p, {.operating_point = point, .mode = mode}))),
        bare_encoder_(
            in_file(file, aecnn::analysis_encoder::create(p, {.operating_point = point, .frame = aecnn::framing::none, .mode = mode}))),
        bare_decoder_(in_file(file, aecnn::decoder::create(of_point(p, point), {.frame = aecnn::framing::none,
                                                                                .operating_point = 0,
                                                                                .mode = mode,
                                                                                .height = shape.height,
                                                                                .width = shape.width}))),
        decoded_(shape.size()) {}

  const std::string& name() const noexcept { return name_; }

  /// The stream, valid until the next call.
  std::span<const std::byte> encode(std::span<const float> features) {
    return stream_ = encoder_.encode(view(features));
  }
  /// What the decoder makes of the last stream, valid until the next call.
  std::span<const float> decode(aecnn::decoder& decoder) {
    decoder.decode_to(stream_,
                      aecnn::tensor_view<float>::chw(decoded_.data(), shape_.channels, shape_.height, shape_.width));
    return decoded_;
  }
  /// The length of the stream of the last features without a header; it must decode to the same symbols.
  std::size_t bare_bytes(std::span<const float> features) {
    const auto stream = bare_encoder_.encode(view(features));
    if (!std::ranges::equal(bare_decoder_.try_decode_symbols(stream).value(), encoder_.symbols()))
      throw input_error("the stream without a header does not decode to the symbols that were encoded");
    return stream.size();
  }

private:
  static aecnn::profile of_point(aecnn::profile p, std::size_t point) {
    p.operating_points = {p.operating_points[point]};
    return p;
  }
  aecnn::tensor_view<const float> view(std::span<const float> x) const {
    return aecnn::tensor_view<const float>::chw(x.data(), shape_.channels, shape_.height, shape_.width);
  }

  std::string name_;
  aecnn::shape3 shape_;
  aecnn::analysis_encoder encoder_, bare_encoder_;
  aecnn::decoder bare_decoder_;
  std::vector<std::byte> stream_;
  std::vector<float> decoded_;
};

} // namespace accuracy
