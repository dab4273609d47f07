// Both sides in one object, and a profile's self-check.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/analysis_encoder.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/decoder.hpp>
#include <aecnn/encoder.hpp>
#include <aecnn/profile.hpp>

namespace aecnn {

/// An encoder and a decoder of one profile: what a test, a tool or a program that keeps its own features needs.
class codec {
public:
  /// Fails as analysis_encoder::create and decoder::create do.
  static result<codec> create(const profile& p, const encode_options& options = {}) {
    auto e = analysis_encoder::create(p, options);
    if (!e) return e.error();
    decode_options d;
    d.frame = options.frame;
    d.operating_point = options.operating_point;
    d.mode = options.mode;
    d.bounds = options.bounds;
    if (p.open_extents() && options.frame == framing::none)
      return failure{errc::invalid_argument, "codec: bare payloads need a profile that fixes height and width"};
    auto r = decoder::create(p, d);
    if (!r) return r.error();
    return codec(std::move(*e), std::move(*r));
  }
  /// As create(); throws aecnn::error.
  explicit codec(const profile& p, const encode_options& options = {}) : codec(create(p, options).value()) {}

  template <tensor_like X>
  std::vector<std::byte> encode(X&& x) {
    return encoder_.encode(x);
  }
  template <tensor_like X>
  result<std::vector<std::byte>> try_encode(X&& x) noexcept {
    return encoder_.try_encode(x);
  }
  tensor<float> decode(std::span<const std::byte> stream) { return decoder_.decode(stream); }
  result<tensor<float>> try_decode(std::span<const std::byte> stream) noexcept { return decoder_.try_decode(stream); }

  analysis_encoder& encoder_side() noexcept { return encoder_; }
  aecnn::decoder& decoder_side() noexcept { return decoder_; }

private:
  codec(analysis_encoder e, decoder d) : encoder_(std::move(e)), decoder_(std::move(d)) {}
  analysis_encoder encoder_;
  decoder decoder_;
};

namespace detail {

/// The probe's input as floats.
inline std::vector<float> probe_input(const profile_probe& probe) {
  std::vector<float> x(probe.input.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(probe.input[i]) * probe.scale;
  return x;
}

/// What operating point `point` makes of the probe's input: the stream and the decoded tensor.
inline result<std::pair<std::vector<std::byte>, tensor<float>>> run_probe(const profile& p, const profile_probe& probe,
                                                                          std::size_t point) {
  auto e = analysis_encoder::create(p, {.operating_point = point});
  if (!e) return e.error();
  auto d = decoder::create(p);
  if (!d) return d.error();
  const std::vector<float> x = probe_input(probe);
  if (x.size() != p.shape.channels * probe.height * probe.width)
    return fail(errc::bad_field, "probe input: ", x.size(), " elements, expected ", p.shape.channels, "x", probe.height, "x",
                probe.width);
  auto stream = e->try_encode(tensor_view<const float>::chw(x.data(), p.shape.channels, probe.height, probe.width));
  if (!stream) return stream.error();
  auto y = d->try_decode(*stream);
  if (!y) return y.error();
  return std::pair<std::vector<std::byte>, tensor<float>>(std::move(*stream), std::move(*y));
}

/// Gives the profile a probe of this input: what every operating point makes of it, with 1024 values of each output.
inline status fill_probe(profile& p, profile_probe probe) {
  probe.streams.clear();
  probe.outputs.clear();
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    auto made = run_probe(p, probe, i);
    if (!made) return made.error();
    probe.streams.push_back(std::move(made->first));
    const auto& y = made->second;
    const std::size_t n = std::min<std::size_t>(1024, y.size());
    std::vector<float> values(n);
    for (std::size_t k = 0; k < n; ++k) values[k] = y.data()[profile_probe::output_index(k, n, y.size())];
    probe.outputs.push_back(std::move(values));
  }
  p.probe = std::move(probe);
  return {};
}

/// Whether the symbols of an operating point with an analysis network are the expected ones, but for roundings: one in a
/// hundred, and one at least, may be the next symbol.
inline status check_analysed(const profile& p, std::size_t point, std::span<const std::byte> stream) {
  auto d = decoder::create(p);
  if (!d) return d.error();
  auto found = d->try_decode_symbols(stream);
  if (!found) return found.error();
  const std::vector<symbol> symbols(found->begin(), found->end());
  auto expected = d->try_decode_symbols(p.probe->streams[point]);
  if (!expected) return expected.error();
  std::size_t others = 0;
  bool near = symbols.size() == expected->size();
  for (std::size_t i = 0; near && i < symbols.size(); ++i) {
    const int by = static_cast<int>(symbols[i]) - static_cast<int>((*expected)[i]);
    others += by != 0 ? 1 : 0;
    near = by >= -1 && by <= 1;
  }
  if (!near || others > 1 + symbols.size() / 100)
    return fail(errc::probe_mismatch, "probe: the symbols of operating point ", point, " are not the expected ones");
  return {};
}

} // namespace detail

/// Encodes and decodes the profile's probe at every operating point. errc::missing_field where there is none,
/// errc::probe_mismatch where a stream is not byte for byte the expected one (with an analysis network: not the expected
/// symbols but for roundings) or a decoded value differs by more than 1e-4 of
/// the largest expected magnitude: the library, the compiler or the machine then breaks its promise.
inline status try_verify_probe(const profile& p) noexcept {
  return detail::guarded([&]() -> status {
    if (!p.probe) return failure{errc::missing_field, "profile: has no probe"};
    for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
      auto made = detail::run_probe(p, *p.probe, i);
      if (!made) return made.error();
      const bool expected_stream = i < p.probe->streams.size();
      if (expected_stream && p.operating_points[i].analysis) {
        if (auto ok = detail::check_analysed(p, i, made->first); !ok) return ok;
        auto d = decoder::create(p);
        if (!d) return d.error();
        auto y = d->try_decode(p.probe->streams[i]);
        if (!y) return y.error();
        made->second = std::move(*y);
      } else if (!expected_stream || made->first != p.probe->streams[i]) {
        return detail::fail(errc::probe_mismatch, "probe: the stream of operating point ", i, " is not the expected one");
      }
      if (i >= p.probe->outputs.size()) return detail::fail(errc::missing_field, "probe: no output of operating point ", i);
      const auto& expected = p.probe->outputs[i];
      float largest = 0;
      for (const float v : expected) largest = std::max(largest, std::abs(v));
      for (std::size_t k = 0; k < expected.size(); ++k) {
        const float found = made->second.data()[profile_probe::output_index(k, expected.size(), made->second.size())];
        if (!(std::abs(found - expected[k]) <= 1e-4F * largest))
          return detail::fail(errc::probe_mismatch, "probe: value ", k, " of operating point ", i, " is ",
                              static_cast<double>(found), ", expected ", static_cast<double>(expected[k]));
      }
    }
    return {};
  });
}
/// As try_verify_probe(); throws aecnn::error.
inline void verify_probe(const profile& p) { try_verify_probe(p).value(); }

/// Fills the probe from a tensor of the profile's channels: its values rounded to 8 bits, what every operating point makes
/// of them, and 1024 values of each output.
inline status make_probe(profile& p, const tensor_view<const float>& x) {
  profile_probe probe;
  probe.height = x.shape.height;
  probe.width = x.shape.width;
  float largest = 0;
  for (std::size_t c = 0; c < x.shape.channels; ++c)
    for (std::size_t i = 0; i < x.shape.height; ++i)
      for (std::size_t j = 0; j < x.shape.width; ++j) largest = std::max(largest, std::abs(x(c, i, j)));
  probe.scale = largest > 0 ? largest / 127.0F : 1.0F;
  for (std::size_t c = 0; c < x.shape.channels; ++c)
    for (std::size_t i = 0; i < x.shape.height; ++i)
      for (std::size_t j = 0; j < x.shape.width; ++j)
        probe.input.push_back(static_cast<std::int8_t>(std::lround(x(c, i, j) / probe.scale)));
  return detail::fill_probe(p, std::move(probe));
}

} // namespace aecnn
