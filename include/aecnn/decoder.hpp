// The edge side: bytes in, the whole feature tensor out.
//
//   aecnn::decoder dec(profile);
//   aecnn::tensor<float> y = dec.decode(bytes);          // [C,H,W]
//
// Path: parse the header, entropy-decode, verify the checksum, dequantise, run the decoder network. The operating point is the
// stream's own. Bytes are not trusted: every failure is an errc, and nothing is allocated beyond the limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/bitstream/checksum.hpp>
#include <aecnn/bitstream/header.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/core/tensor.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/entropy/entropy_coder.hpp>
#include <aecnn/entropy/modes.hpp>
#include <aecnn/entropy/symbol_coder.hpp>
#include <aecnn/fwd.hpp>
#include <aecnn/nn/network.hpp>
#include <aecnn/nn/reconstructor.hpp>
#include <aecnn/profile.hpp>
#include <aecnn/quantize/quantizer.hpp>
#include <aecnn/quantize/uniform_quantizer.hpp>

namespace aecnn {

struct decode_options {
  framing frame = framing::standard;
  std::size_t operating_point = 0;    ///< of bare payloads (framing::none)
  entropy_mode mode = standard_mode;  ///< of bare payloads
  std::size_t height = 0, width = 0;  ///< of bare payloads where the profile leaves the extents open
  limits bounds{};
};

/// Decodes the streams of one profile, of any of its operating points. Holds scratch memory: use one per thread; copies share
/// the networks' weights.
template <quantizer Quantizer, entropy_coder EntropyCoder, reconstructor Reconstructor>
class basic_decoder {
public:
  /// The components of one operating point.
  struct components {
    Quantizer quantise;
    EntropyCoder code;
    Reconstructor rebuild;
  };

  /// A decoder of the profile's own components. errc::missing_field where the profile has no decoder networks, errc::bad_field
  /// or errc::unsupported where one cannot be compiled.
  static result<basic_decoder> create(const profile& p, const decode_options& options = {}) {
    if (auto s = check(p, options.bounds); !s) return s.error();
    std::vector<components> parts;
    for (const operating_point& o : p.operating_points) {
      const nn::graph* g = p.network(o.decoder);
      if (g == nullptr) return detail::fail(errc::missing_field, "profile: no decoder network '", o.decoder, "'");
      auto quantise = Quantizer::create(o.quantizer, o.latents(), !o.projection);
      if (!quantise) return quantise.error();
      auto code = EntropyCoder::create(o.entropy, o.latents());
      if (!code) return code.error();
      auto rebuild = Reconstructor::create(*g, options.bounds);
      if (!rebuild) return rebuild.error();
      parts.push_back({std::move(*quantise), std::move(*code), std::move(*rebuild)});
    }
    return create(p, options, std::move(parts));
  }

  /// A decoder of given components, one set per operating point, in the place of the profile's.
  static result<basic_decoder> create(const profile& p, const decode_options& options, std::vector<components> parts) {
    if (parts.size() != p.operating_points.size())
      return detail::fail(errc::invalid_argument, "decoder: ", parts.size(), " sets of components, expected ", p.operating_points.size());
    if (options.frame == framing::none) {
      if (options.operating_point >= parts.size())
        return detail::fail(errc::bad_operating_point, "operating point ", options.operating_point, ", the profile has ", parts.size());
      if (p.open_extents() && (options.height == 0 || options.width == 0))
        return failure{errc::invalid_argument, "decoder: bare payloads of a profile with open extents need height and width"};
    }
    if (options.mode.id >= entropy_modes.size())
      return detail::fail(errc::invalid_argument, "decoder: mode ", options.mode.name, " with id ", +options.mode.id, ", expected below ",
                          entropy_modes.size());
    basic_decoder d(p, options, std::move(parts));
    if (!p.open_extents())
      for (std::size_t i = 0; i < d.parts_.size(); ++i)
        if (auto s = d.prepare(i, p.shape.height, p.shape.width); !s) return s.error();
    return d;
  }

  /// As create(); throws aecnn::error.
  explicit basic_decoder(const profile& p, const decode_options& options = {}) : basic_decoder(create(p, options).value()) {}

  /// The tensor [C,H,W] of a stream. Fails with errc::truncated, unsupported_version, wrong_profile, bad_operating_point,
  /// limit_exceeded, corrupt, trailing_bytes or checksum_mismatch.
  result<tensor<float>> try_decode(std::span<const std::byte> stream) noexcept {
    return detail::guarded([&]() -> result<tensor<float>> {
      if (auto s = decode_latents(stream); !s) return s.error();
      tensor<float> y({shape_.channels, shape_.height, shape_.width});
      auto view = tensor_view<float>::chw(y.data(), shape_.channels, shape_.height, shape_.width);
      if (auto s = rebuild_into(view); !s) return s.error();
      return y;
    });
  }
  /// As try_decode(); throws aecnn::error.
  tensor<float> decode(std::span<const std::byte> stream) { return try_decode(stream).value(); }

  /// Decodes into a tensor of any layout and floating-point type; its shape must be the stream's (errc::bad_shape). Allocates
  /// nothing after the first stream of a shape. On failure the tensor is untouched.
  template <tensor_like X>
  status try_decode_to(std::span<const std::byte> stream, X&& y) noexcept {
    return detail::guarded([&]() -> status {
      auto view = try_as_view(y);
      if (!view) return view.error();
      if (auto s = decode_latents(stream); !s) return s;
      if (view->shape != shape_)
        return detail::fail(errc::bad_shape, "output tensor of shape ", to_string(view->shape), ", expected ", to_string(shape_));
      return rebuild_into(*view);
    });
  }
  /// As try_decode_to(); throws aecnn::error.
  template <tensor_like X>
  void decode_to(std::span<const std::byte> stream, X&& y) {
    try_decode_to(stream, y).value();
  }

  /// Decodes and checks the symbols [L,h,w] alone; they stay valid until the next call.
  result<std::span<const symbol>> try_decode_symbols(std::span<const std::byte> stream) noexcept {
    return detail::guarded([&]() -> result<std::span<const symbol>> {
      if (auto s = decode_symbols(stream); !s) return s.error();
      return std::span<const symbol>(symbols_);
    });
  }

  /// Of the last stream that was decoded.
  std::size_t operating_point_index() const noexcept { return point_; }
  entropy_mode mode() const noexcept { return mode_; }
  shape3 shape() const noexcept { return shape_; }
  /// Its symbols [L,h,w]; valid until the next stream.
  std::span<const symbol> symbols() const noexcept { return symbols_; }
  shape3 symbols_shape() const noexcept { return planes_; }

private:
  basic_decoder(const profile& p, const decode_options& options, std::vector<components> parts)
      : parts_(std::move(parts)), options_(options), profile_shape_(p.shape), hash_(p.hash) {
    for (const operating_point& o : p.operating_points) {
      latents_of_.push_back(o.latents());
      stride_of_.push_back(o.stride());
      coded_mask_channels_.push_back(o.entropy.mask_prior.size());
    }
    prepared_.resize(parts_.size());
  }

  shape3 latent_shape(std::size_t point, std::size_t height, std::size_t width) const {
    return {latents_of_[point], projection::reduced(height, stride_of_[point]), projection::reduced(width, stride_of_[point])};
  }

  // Plans the network of an operating point, where it is not yet planned for this shape, and checks what it will give.
  status prepare(std::size_t point, std::size_t height, std::size_t width) {
    auto& r = parts_[point].rebuild;
    const shape3 in = latent_shape(point, height, width);
    if (prepared_[point] != in) {
      prepared_[point] = {};
      if (auto s = r.prepare(in); !s) return s;
      prepared_[point] = in;
    }
    const shape3 o = r.output_shape();
    if (o.channels != profile_shape_.channels || o.height < height || o.width < width)
      return detail::fail(errc::bad_field, "decoder network of operating point ", point, " gives ", to_string(o), ", expected ",
                          to_string(shape3{profile_shape_.channels, height, width}));
    return {};
  }

  status decode_symbols(std::span<const std::byte> stream) {
    byte_reader reader(stream);
    stream_header h;
    h.operating_point = static_cast<std::uint32_t>(options_.operating_point);
    h.mode = options_.mode.id;
    if (options_.frame == framing::standard) {
      auto parsed = read_header(reader, profile_shape_.height == 0, options_.bounds);
      if (!parsed) return parsed.error();
      h = *parsed;
      if (h.profile_id != profile_id(hash_))
        return detail::fail(errc::wrong_profile, "stream: written with profile id ", +h.profile_id, ", this profile's is ",
                            +profile_id(hash_));
      if (h.operating_point >= parts_.size())
        return detail::fail(errc::bad_operating_point, "stream: operating point ", h.operating_point, ", the profile has ",
                            parts_.size());
    }
    if constexpr (multi_mode_coder<EntropyCoder>) {
      if (auto s = parts_[h.operating_point].code.set_mode(*find_mode(h.mode)); !s) return s;
    } else if (h.mode != standard_mode.id) {
      return detail::fail(errc::unsupported, "stream: mode ", find_mode(h.mode)->name, ", the decoder's entropy coder has the default mode alone");
    }
    mode_ = entropy_modes[h.mode];
    const bool open = profile_shape_.height == 0;
    const bool bare = options_.frame == framing::none;
    shape_ = {profile_shape_.channels, !open ? profile_shape_.height : bare ? options_.height : h.height,
              !open ? profile_shape_.width : bare ? options_.width : h.width};
    point_ = h.operating_point;
    planes_ = latent_shape(point_, shape_.height, shape_.width);
    std::size_t area = 0, size = 0, symbols = 0;
    if (!detail::multiply(shape_.height, shape_.width, area) || !detail::multiply(area, shape_.channels, size) ||
        !detail::multiply(planes_.area(), planes_.channels, symbols) || size > options_.bounds.max_elements ||
        symbols > options_.bounds.max_elements)
      return detail::fail(errc::limit_exceeded, "stream: tensor of ", to_string(shape_), ", limit ", options_.bounds.max_elements,
                          " elements");
    if (open && !bare && detail::expands_too_much(size > symbols ? size : symbols, stream.size(), options_.bounds))
      return detail::fail(errc::limit_exceeded, "stream: ", stream.size(), " bytes for a tensor of ", to_string(shape_), ", limit ",
                          options_.bounds.max_elements_per_byte, " elements a byte (limits.max_elements_per_byte)");
    if (open && !bare && mode_.slow && detail::takes_too_long(symbols, stream.size(), options_.bounds))
      return detail::fail(errc::limit_exceeded, "stream: ", stream.size(), " bytes for ", symbols, " symbols in mode ", mode_.name, ", limit ",
                          options_.bounds.max_slow_symbols_per_byte, " a byte (limits.max_slow_symbols_per_byte)");
    symbols_.resize(symbols);
    mask_.resize(coded_mask_channels_[point_]);
    if (auto s = parts_[point_].code.decode(reader.rest(), planes_, mask_, symbols_); !s) return s;
    if (!bare) {
      const std::uint16_t sum = symbol_checksum(symbols_, hash_, h.operating_point, coded_extents(open, h.height, h.width));
      if (sum != h.checksum)
        return detail::fail(errc::checksum_mismatch, "stream: checksum ", h.checksum, ", the decoded symbols have ", sum);
    }
    return {};
  }

  status decode_latents(std::span<const std::byte> stream) {
    if (auto s = decode_symbols(stream); !s) return s;
    if (auto s = prepare(point_, shape_.height, shape_.width); !s) return s;
    latents_.resize(symbols_.size());
    const Quantizer& q = parts_[point_].quantise;
    const std::size_t area = planes_.area();
    for (std::size_t k = 0; k < planes_.channels; ++k)
      for (std::size_t i = k * area; i < (k + 1) * area; ++i) latents_[i] = q.value(k, symbols_[i]);
    return {};
  }

  template <class T>
  status rebuild_into(const tensor_view<T>& y) {
    auto& network = parts_[point_].rebuild;
    const shape3 o = network.output_shape();
    const auto planar = tensor_view<T>::chw(nullptr, shape_.channels, shape_.height, shape_.width);
    if constexpr (std::is_same_v<T, float>) {
      if (o == shape_ && y.strides == planar.strides)
        return network.run_to(latents_, std::span<float>(y.data, shape_.size()));
    }
    output_.resize(o.size());
    if (auto s = network.run_to(latents_, output_); !s) return s;
    for (std::size_t c = 0; c < shape_.channels; ++c)
      for (std::size_t i = 0; i < shape_.height; ++i)
        for (std::size_t j = 0; j < shape_.width; ++j)
          y(c, i, j) = static_cast<T>(output_[(c * o.height + i) * o.width + j]);
    return {};
  }

  std::vector<components> parts_;
  decode_options options_;
  shape3 profile_shape_;
  std::uint64_t hash_ = 0;
  std::vector<std::size_t> latents_of_, stride_of_, coded_mask_channels_;
  std::vector<shape3> prepared_; ///< latent shapes that the networks are planned for
  std::size_t point_ = 0;
  entropy_mode mode_;
  shape3 shape_{}, planes_{};
  std::vector<std::uint8_t> mask_;
  std::vector<symbol> symbols_;
  std::vector<float> latents_, output_;
};

/// The default decoder.
using decoder = basic_decoder<uniform_quantizer, symbol_coder, nn::network>;

} // namespace aecnn
