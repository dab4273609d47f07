// The device side: a feature tensor in, bytes out. Needs neither Eigen nor xtensor nor JSON.
//
//   aecnn::encoder enc(profile, {.operating_point = 2});
//   std::vector<std::byte> bytes = enc.encode(x);        // x: anything tensor-like (core/tensor_view.hpp)
//
// Path: select channels, project or run the analysis network (optional), quantise, choose symbols by rate and distortion
// (optional), entropy-code, frame. Time is linear in the selected elements, plus the projection's or the network's products.
//
// Operating points with an analysis network want the encoder of analysis_encoder.hpp.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <aecnn/bitstream/checksum.hpp>
#include <aecnn/bitstream/stream_header.hpp>
#include <aecnn/core/blocks.hpp>
#include <aecnn/core/buffer.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/optional.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/entropy/entropy_coder.hpp>
#include <aecnn/entropy/mode.hpp>
#include <aecnn/entropy/symbol_coder.hpp>
#include <aecnn/fwd.hpp>
#include <aecnn/profile.hpp>
#include <aecnn/quantize/quantizer.hpp>
#include <aecnn/quantize/rate_distortion.hpp>
#include <aecnn/quantize/uniform_quantizer.hpp>
#include <aecnn/select/channel_selector.hpp>
#include <aecnn/select/projection.hpp>
#include <aecnn/select/selector.hpp>

namespace aecnn {

struct encode_options {
  std::size_t operating_point = 0;     ///< index into profile::operating_points
  framing frame = framing::standard;   ///< what surrounds the payload
  entropy_mode mode = standard_mode;   ///< or fast_mode (entropy/fast_coder.hpp), max_mode (entropy/mixing_coder.hpp)
  limits bounds{};                     ///< of the tensors that are accepted
};

/// In the place of an analysis network where there is none: such operating points are refused.
struct no_analysis {};

/// Encodes tensors of one profile at one operating point. An encoder holds its own copy of what it needs and its scratch
/// memory: use one per thread. Copying one is how to get another.
/// Analysis: no_analysis, or what runs analysis networks; it has the members of a reconstructor (nn/reconstructor.hpp).
template <selector Selector, quantizer Quantizer, entropy_coder EntropyCoder, class Analysis = no_analysis>
class basic_encoder {
  static constexpr bool has_analysis = !std::is_same_v<Analysis, no_analysis>;

public:
  /// An encoder of the profile's own components. errc::bad_operating_point, errc::bad_field where the profile is inconsistent,
  /// errc::unsupported where the entropy coder has no modes and one is asked for or the operating point has an analysis
  /// network and the encoder none, and what the network's preparation fails with.
  static result<basic_encoder> create(const profile& p, const encode_options& options = {}) {
    auto point = find(p, options);
    if (!point) return point.error();
    const operating_point& o = **point;
    auto select = Selector::create(o.selector, p.shape.channels);
    if (!select) return select.error();
    auto quantise = Quantizer::create(o.quantizer, o.latents(), !o.projection);
    if (!quantise) return quantise.error();
    auto code = EntropyCoder::create(o.entropy, o.latents());
    if (!code) return code.error();
    return assemble(p, o, options, std::move(*select), std::move(*quantise), std::move(*code));
  }

  /// An encoder of given components in the place of the profile's. The profile still gives shape, projection, lambda and hash.
  static result<basic_encoder> create(const profile& p, const encode_options& options, Selector select, Quantizer quantise,
                                      EntropyCoder code) {
    auto point = find(p, options);
    if (!point) return point.error();
    return assemble(p, **point, options, std::move(select), std::move(quantise), std::move(code));
  }

  /// As create(); throws aecnn::error.
  explicit basic_encoder(const profile& p, const encode_options& options = {}) : basic_encoder(create(p, options).value()) {}

  /// The stream of x. errc::bad_shape where x is not of the profile's shape, errc::not_finite where a channel that is read
  /// holds a NaN or an infinity, errc::limit_exceeded, errc::invalid_argument where x is already quantised and its scale or
  /// zero point is out of range.
  template <tensor_like X>
  result<std::vector<std::byte>> try_encode(X&& x) noexcept {
    return detail::guarded([&]() -> result<std::vector<std::byte>> {
      if (auto s = encode_stream(x); !s) return s.error();
      return stream_;
    });
  }
  /// As try_encode(); throws aecnn::error.
  template <tensor_like X>
  std::vector<std::byte> encode(X&& x) {
    return try_encode(x).value();
  }

  /// Writes the stream of x to the front of `buffer` and returns its length. Allocates nothing after the first call for
  /// a shape. errc::buffer_too_small (the buffer is then untouched), and what try_encode() fails with.
  template <tensor_like X>
  result<std::size_t> try_encode_to(X&& x, std::span<std::byte> buffer) noexcept {
    return detail::guarded([&]() -> result<std::size_t> {
      if (auto s = encode_stream(x); !s) return s.error();
      if (stream_.size() > buffer.size())
        return detail::fail(errc::buffer_too_small, "buffer of ", buffer.size(), " bytes, expected at least ", stream_.size());
      for (std::size_t i = 0; i < stream_.size(); ++i) buffer[i] = stream_[i];
      return stream_.size();
    });
  }
  /// As try_encode_to(); throws aecnn::error.
  template <tensor_like X>
  std::size_t encode_to(X&& x, std::span<std::byte> buffer) {
    return try_encode_to(x, buffer).value();
  }

  /// Everything before the entropy coder: selects, projects and quantises x without regard to rate, into symbols [L,h,w]
  /// that stay valid until the next call. For measurements, and for entropy coders of one's own.
  template <tensor_like X>
  result<std::span<const symbol>> try_quantise(X&& x) noexcept {
    return detail::guarded([&]() -> result<std::span<const symbol>> {
      auto view = try_as_view(x);
      if (!view) return view.error();
      if (auto s = quantise(*view, false); !s) return s.error();
      return detail::span_of(std::as_const(symbols_));
    });
  }

  /// The latents [L,h,w] behind them, in the quantizer's units; what calibration looks at.
  template <tensor_like X>
  result<std::span<const std::int32_t>> try_latents(X&& x) noexcept {
    return detail::guarded([&]() -> result<std::span<const std::int32_t>> {
      auto view = try_as_view(x);
      if (!view) return view.error();
      if (auto s = quantise(*view, true); !s) return s.error();
      return detail::span_of(std::as_const(latents_));
    });
  }

  /// The symbols [L,h,w] of the last tensor encoded.
  std::span<const symbol> symbols() const noexcept { return detail::span_of(symbols_); }
  /// Their shape.
  shape3 symbols_shape() const noexcept { return planes_; }

private:
  basic_encoder(const profile& p, const operating_point& o, const encode_options& options, Selector select,
                Quantizer quantise, EntropyCoder code)
      : selector_(std::move(select)), quantizer_(std::move(quantise)), coder_(std::move(code)), options_(options),
        shape_(p.shape), hash_(p.hash), lambda_(o.lambda) {
    detail::resize(mask_, selector_.per_input() ? selector_.candidates().size() : 0);
  }

  static result<const operating_point*> find(const profile& p, const encode_options& options) {
    if (options.operating_point >= p.operating_points.size())
      return detail::fail(errc::bad_operating_point, "operating point ", options.operating_point, ", the profile has ",
                          p.operating_points.size());
    const operating_point& o = p.operating_points[options.operating_point];
    if (auto s = check(o, p, options.operating_point); !s) return s.error();
    return &o;
  }

  static result<basic_encoder> assemble(const profile& p, const operating_point& o, const encode_options& options,
                                        Selector select, Quantizer quantise, EntropyCoder code) {
    basic_encoder e(p, o, options, std::move(select), std::move(quantise), std::move(code));
    if (options.mode.id >= formats)
      return detail::fail(errc::invalid_argument, "encoder: mode ", options.mode.name, " with id ", +options.mode.id, ", expected below ", formats);
    if constexpr (multi_mode_coder<EntropyCoder>) {
      if (auto s = e.coder_.set_mode(options.mode); !s) return s.error();
    } else if (options.mode != standard_mode) {
      return detail::fail(errc::unsupported, "encoder: mode ", options.mode.name, ", its entropy coder has the default mode alone");
    }
    if (o.projection) {
      auto a = projection::create(*o.projection, e.selector_.candidates().size());
      if (!a) return a.error();
      e.projection_ = std::move(*a);
    }
    if (o.analysis) {
      if constexpr (has_analysis) {
        auto a = Analysis::create(*p.network(o.analysis->network), options.bounds);
        if (!a) return detail::fail(a.error().code, "analysis network: ", a.error().message);
        e.analysis_ = std::move(*a);
        e.analysis_shape_ = {o.analysis->latents, o.analysis->stride, o.analysis->stride};
        // Open extents: when the first tensor is known.
        if (p.shape.height != 0)
          if (auto s = e.prepare_analysis(p.shape.height, p.shape.width); !s) return s.error();
      } else {
        return detail::fail(errc::unsupported, "operating point ", options.operating_point,
                            " has an analysis network, expected none; aecnn::analysis_encoder runs it");
      }
    }
    return e;
  }

  template <class X>
  status encode_stream(X& x) {
    auto view = try_as_view(x);
    if (!view) return view.error();
    const shape3 extents = detail::source_of(*view).elements.shape;
    if (auto s = check_shape(extents); !s) return s;
    start_stream(options_.mode, extents);
    if (auto s = quantise(*view, lambda_ != 0); !s) return s;
    status coded;
    if (lambda_ != 0) {
      coded = coder_.encode_chosen(symbols_, planes_, mask_, stream_,
                                   rate_distortion_choice<Quantizer>(quantizer_, detail::span_of(std::as_const(latents_)), lambda_));
    } else {
      coded = coder_.encode(symbols_, planes_, mask_, stream_);
    }
    if (!coded) return coded;
    if constexpr (multi_mode_coder<EntropyCoder>) {
      if (options_.frame == framing::standard && shape_.height == 0 && options_.mode.slow &&
          detail::takes_too_long(planes_.size(), stream_.size(), options_.bounds)) {
        start_stream(standard_mode, extents);
        if (auto s = coder_.set_mode(standard_mode); !s) return s;
        coded = coder_.encode(symbols_, planes_, mask_, stream_);
        if (auto s = coder_.set_mode(options_.mode); !s || !coded) return s ? coded : s;
      }
    }
    if (options_.frame == framing::standard) {
      const std::uint16_t sum = symbol_checksum(symbols(), hash_, static_cast<std::uint32_t>(options_.operating_point),
                                                coded_extents(shape_.height == 0, extents.height, extents.width));
      stream_[2] = static_cast<std::byte>(sum & 0xff);
      stream_[3] = static_cast<std::byte>(sum >> 8);
      // What decoders would refuse is refused where its sender can do something about it.
      if (const std::size_t size = extents.size() > planes_.size() ? extents.size() : planes_.size();
          shape_.height == 0 && detail::expands_too_much(size, stream_.size(), options_.bounds))
        return detail::fail(errc::limit_exceeded, "tensor of shape ", to_string(extents), " takes ", stream_.size(), " bytes, limit ",
                            options_.bounds.max_elements_per_byte, " elements a byte (limits.max_elements_per_byte, of decoders too)");
    }
    return {};
  }

  // Begins anew, with the header where there is one.
  void start_stream(const entropy_mode& mode, shape3 extents) {
    stream_.clear();
    if (options_.frame != framing::standard) return;
    stream_header h;
    h.operating_point = static_cast<std::uint32_t>(options_.operating_point);
    h.mode = mode.id;
    h.profile_id = profile_id(hash_);
    h.height = extents.height;
    h.width = extents.width;
    write_header(h, shape_.height == 0, stream_);
  }

  status check_shape(shape3 s) const {
    const bool open = shape_.height == 0;
    if (s.channels != shape_.channels || (!open && s != shape_) || s.height == 0 || s.width == 0)
      return detail::fail(errc::bad_shape, "tensor of shape ", to_string(s), ", expected ",
                          open ? std::to_string(shape_.channels) + " channels of at least 1x1" : to_string(shape_));
    const auto& l = options_.bounds;
    std::size_t area = 0, size = 0;
    if (s.height > l.max_extent || s.width > l.max_extent || (open && (s.height > max_header_extent || s.width > max_header_extent)) ||
        !detail::multiply(s.height, s.width, area) || !detail::multiply(s.channels, area, size) || size > l.max_elements)
      return detail::fail(errc::limit_exceeded, "tensor of shape ", to_string(s), " is above the limits (", l.max_elements,
                          " elements, extents ", l.max_extent, ")");
    return {};
  }

  // Plans the network for tensors of height x width.
  status prepare_analysis(std::size_t height, std::size_t width) {
    const shape3 in{selector_.candidates().size(), height, width};
    if (analysis_input_ == in) return {};
    if (auto s = analysis_->prepare(in); !s) return detail::fail(s.error().code, "analysis network: ", s.error().message);
    const shape3 wanted{analysis_shape_.channels, projection::reduced(height, analysis_shape_.height),
                        projection::reduced(width, analysis_shape_.width)};
    if (analysis_->output_shape() != wanted)
      return detail::fail(errc::bad_shape, "analysis network: gives ", to_string(analysis_->output_shape()), " for ",
                          to_string(in), ", expected ", to_string(wanted));
    analysis_input_ = in;
    detail::resize(given_, in.size());
    detail::resize(made_, wanted.size());
    for (std::size_t k = analysed_.size(); k < wanted.channels; ++k) analysed_.push_back(static_cast<std::uint16_t>(k));
    return {};
  }

  // Writes 64 values; the top bit of what it returns is set where one of them is an infinity or a NaN.
  static std::uint32_t scale_block(const float* block, float factor, float* out) noexcept {
    std::uint32_t not_finite = 0;
    for (std::size_t i = 0; i < fixed_block; ++i) {
      out[i] = block[i] * factor;
      not_finite |= (std::bit_cast<std::uint32_t>(out[i]) & 0x7fffffffU) + 0x00800000U;
    }
    return not_finite;
  }

  // Runs the network over the selected channels and quantises what it gives.
  template <class View>
  status analyse(const View& x, bool keep_latents) {
    const auto source = detail::source_of(x);
    const shape3 in = source.elements.shape;
    if (auto s = prepare_analysis(in.height, in.width); !s) return s;
    std::uint32_t not_finite = 0;
    const float factor = source.factor;
    detail::for_each_block(source, selector_.candidates(), [&](std::size_t k, std::size_t first, std::size_t n, const float* block) {
      put_block(n, given_.data() + k * in.area() + first, [&](float* out) { not_finite |= scale_block(block, factor, out); });
    });
    if ((not_finite >> 31) != 0) return failure{errc::not_finite, "tensor: a selected channel holds a NaN or an infinity"};
    if (auto s = analysis_->run_to(detail::span_of(std::as_const(given_)), detail::span_of(made_)); !s) return s;
    const shape3 latents = analysis_->output_shape();
    const auto view = tensor_view<const float>::chw(made_.data(), latents.channels, latents.height, latents.width);
    return quantise_channels(detail::source_of(view), detail::span_of(std::as_const(analysed_)), keep_latents);
  }

  // Lets fill() write 64 elements to `out`, or to the side where fewer than 64 have room.
  template <class T, class Fill>
  static void put_block(std::size_t n, T* out, Fill&& fill) {
    if (n == fixed_block) {
      fill(out);
      return;
    }
    alignas(64) T side[fixed_block];
    fill(side);
    for (std::size_t i = 0; i < n; ++i) out[i] = side[i];
  }

  // Subtracts the offset of plane k from n projected latents; stores what is asked for, latents or symbols.
  void finish_latents(std::size_t k, std::size_t begin, std::size_t n, bool keep_latents) {
    std::int32_t* const latents = latents_.data() + begin;
    const std::int32_t offset = quantizer_.offset(k);
    if (keep_latents) {
      for (std::size_t i = 0; i < n; ++i) latents[i] -= offset;
      return;
    }
    if (n <= fixed_block / 4) {
      for (std::size_t i = 0; i < n; ++i) symbols_[begin + i] = quantizer_.quantise(k, latents[i] - offset);
      return;
    }
    // Copies that nothing else points to become vector code; those of a whole block are of a known length.
    std::int32_t in[fixed_block];
    symbol out[fixed_block];
    if (n == fixed_block) {
      std::memcpy(in, latents, sizeof in);
    } else {
      for (std::size_t i = 0; i < fixed_block; ++i) in[i] = i < n ? latents[i] : 0;
    }
    for (std::size_t i = 0; i < fixed_block; ++i) out[i] = quantizer_.quantise(k, in[i] - offset);
    if (n == fixed_block) {
      std::memcpy(symbols_.data() + begin, out, sizeof out);
    } else {
      for (std::size_t i = 0; i < n; ++i) symbols_[begin + i] = out[i];
    }
  }

  template <class View>
  status quantise(const View& x, bool keep_latents) {
    if (auto s = check_shape(detail::source_of(x).elements.shape); !s) return s;
    if (auto s = detail::check_elements(detail::source_of(x)); !s) return s;
    if constexpr (has_analysis)
      if (analysis_) return analyse(x, keep_latents);
    if (selector_.per_input())
      if (auto s = selector_.choose(x, mask_, workspace_); !s) return s;
    return quantise_channels(detail::source_of(x), selector_.candidates(), keep_latents);
  }

  // Projects (optional) and quantises these channels of the source.
  template <class T>
  status quantise_channels(const detail::element_source<T>& source, std::span<const std::uint16_t> channels, bool keep_latents) {
    const shape3 in = source.elements.shape;
    planes_ = projection_ ? shape3{projection_->latents(), projection::reduced(in.height, projection_->stride()),
                                   projection::reduced(in.width, projection_->stride())}
                          : shape3{channels.size(), in.height, in.width};
    detail::resize(symbols_, planes_.size());
    // No data but a constructed one takes more, so later streams of this shape need no allocation.
    stream_.reserve(max_header_bytes + 3 * planes_.size() + 16);
    if (keep_latents || projection_) detail::resize(latents_, planes_.size());
    std::uint32_t not_finite = 0;
    if (projection_) {
      projection_->apply(source, channels, detail::span_of(latents_), not_finite);
      const std::size_t area = planes_.area();
      for (std::size_t k = 0; k < planes_.channels; ++k)
        for (std::size_t i = 0; i < area; i += fixed_block)
          finish_latents(k, k * area + i, area - i < fixed_block ? area - i : fixed_block, keep_latents);
    } else {
      detail::for_each_block(source, channels, [&](std::size_t k, std::size_t first, std::size_t n, const float* block) {
        const std::size_t begin = k * in.area() + first;
        if (!mask_.empty() && mask_[k] == 0) {
          if (keep_latents)
            for (std::size_t i = 0; i < n; ++i) latents_[begin + i] = 0;
          else
            for (std::size_t i = 0; i < n; ++i) symbols_[begin + i] = static_cast<symbol>(quantizer_.zero());
        } else if (keep_latents) {
          put_block(n, latents_.data() + begin,
                    [&](std::int32_t* out) { not_finite |= quantizer_.latents(k, source.factor, block, out); });
        } else {
          put_block(n, symbols_.data() + begin,
                    [&](symbol* out) { not_finite |= quantizer_.symbols(k, source.factor, block, out); });
        }
      });
    }
    if ((not_finite >> 31) != 0) return failure{errc::not_finite, "tensor: a selected channel holds a NaN or an infinity"};
    return {};
  }

  Selector selector_;
  Quantizer quantizer_;
  EntropyCoder coder_;
  optional<projection> projection_;
  optional<Analysis> analysis_;
  shape3 analysis_shape_{};  // latents, and their stride in both directions
  shape3 analysis_input_{};  // what the network is prepared for
  std::vector<float> given_, made_;
  std::vector<std::uint16_t> analysed_; // all channels of made_
  encode_options options_;
  shape3 shape_;
  std::uint64_t hash_ = 0;
  std::uint32_t lambda_ = 0;
  typename Selector::workspace workspace_{};
  shape3 planes_{};
  std::vector<std::uint8_t> mask_;
  std::vector<std::int32_t> latents_;
  std::vector<symbol> symbols_;
  std::vector<std::byte> stream_;
};

/// The default encoder.
using encoder = basic_encoder<channel_selector, uniform_quantizer, symbol_coder>;

} // namespace aecnn
