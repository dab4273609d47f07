// A profile: everything that device and edge agree on beforehand. Plain data; profile_io.hpp loads and saves it,
// calibrate/calibrate.hpp makes one from feature tensors, docs/profile.md is the normative text.
//
// Tensors are [C,H,W]; a profile fixes C, and H and W unless they are 0. Each operating point describes one path of a
// tensor: selected channels [K,H,W], optionally projected to latents [L,h,w] in integers or by an analysis network,
// quantised, coded; and the decoder network that rebuilds [C,H,W] from the dequantised latents.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/core/optional.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/entropy/context_coder.hpp>
#include <aecnn/nn/graph.hpp>
#include <aecnn/quantize/uniform_quantizer.hpp>
#include <aecnn/select/channel_selector.hpp>
#include <aecnn/select/projection.hpp>

namespace aecnn {

/// A network on the device between selection and quantiser, from the selected channels [K,H,W] to latents [L,h,w].
struct analysis_parameters {
  std::string network;        ///< its name among profile::networks
  std::uint32_t latents = 0;  ///< planes that it gives
  std::uint32_t stride = 1;   ///< 1 to 256; planes of ceil(H / stride) x ceil(W / stride)
};

/// One way of coding a tensor, at one rate.
struct operating_point {
  std::string name;                                  ///< for people, e.g. "256x"
  selector_parameters selector;                      ///< which channels are sent
  optional<projection_parameters> projection;        ///< linear analysis of the selected channels; needs a fixed selection
  optional<analysis_parameters> analysis;            ///< in its place: a network, which needs an analysis_encoder
  uniform_parameters quantizer;                      ///< of the latents
  context_parameters entropy;                        ///< of the symbols
  std::uint32_t lambda = 0;                          ///< see rate_distortion_choice; 0: nearest symbols
  std::string decoder;                               ///< name of the network that rebuilds the tensor
  double expected_bytes = 0;                         ///< mean stream length on the calibration data, header included; for people
  double expected_error = 0;                         ///< relative squared error there: sum (x - y)^2 / sum x^2; for people

  /// Planes that are quantised and coded.
  std::size_t latents() const noexcept {
    return projection ? projection->shift.size() : analysis ? analysis->latents : selector.channels.size();
  }
  /// How many pixels in a row make one latent.
  std::size_t stride() const noexcept { return projection ? projection->stride : analysis ? analysis->stride : 1; }
  /// Shape of the latents of a tensor of height x width.
  shape3 latent_shape(std::size_t height, std::size_t width) const noexcept {
    return {latents(), projection::reduced(height, stride()), projection::reduced(width, stride())};
  }
};

/// A tensor with what every operating point must make of it: lets a device or server check itself.
struct profile_probe {
  std::size_t height = 0, width = 0;
  float scale = 1;                               ///< input = element * scale
  std::vector<std::int8_t> input;                ///< [C,height,width]
  std::vector<std::vector<std::byte>> streams;   ///< [operating points] expected streams, with headers
  std::vector<std::vector<float>> outputs;       ///< [operating points] values at evenly spaced elements, see output_index
  /// The element of [C,H,W] that entry i of n is taken from.
  static constexpr std::size_t output_index(std::size_t i, std::size_t n, std::size_t size) noexcept {
    return static_cast<std::size_t>(static_cast<std::uint64_t>(i) * size / n);
  }
};

struct profile {
  std::string name;                               ///< for people
  shape3 shape;                                   ///< height and width 0: any
  std::vector<operating_point> operating_points;
  std::vector<nn::graph> networks;                ///< decoder and analysis networks; no decoders on a device that only encodes
  optional<profile_probe> probe;
  std::uint64_t hash = 0;                         ///< content_hash of the whole profile, set by seal()

  bool open_extents() const noexcept { return shape.height == 0; }
  /// Whether there are networks beside analysis networks.
  bool has_decoders() const noexcept {
    for (const auto& n : networks) {
      bool analysis = false;
      for (const auto& o : operating_points) analysis = analysis || (o.analysis && o.analysis->network == n.name);
      if (!analysis) return true;
    }
    return false;
  }
  const nn::graph* network(const std::string& network_name) const noexcept {
    for (const auto& n : networks)
      if (n.name == network_name) return &n;
    return nullptr;
  }
};

namespace detail {

/// FNV-1a, 64 bits, over the little-endian bytes of what it is given; vectors and strings are preceded by their length as u64.
class content_hasher {
public:
  void bytes(std::uint64_t v, int count) noexcept {
    for (int i = 0; i < count; ++i) value_ = (value_ ^ ((v >> (8 * i)) & 0xff)) * 0x100000001b3U;
  }
  void add(std::uint8_t v) noexcept { bytes(v, 1); }
  void add(std::uint16_t v) noexcept { bytes(v, 2); }
  void add(std::int16_t v) noexcept { bytes(static_cast<std::uint16_t>(v), 2); }
  void add(std::uint32_t v) noexcept { bytes(v, 4); }
  void add(std::int32_t v) noexcept { bytes(static_cast<std::uint32_t>(v), 4); }
  void add(std::uint64_t v) noexcept { bytes(v, 8); }
  void add(std::int64_t v) noexcept { bytes(static_cast<std::uint64_t>(v), 8); }
  void add(float v) noexcept { bytes(std::bit_cast<std::uint32_t>(v), 4); }
  void add(const std::string& s) noexcept {
    add(std::uint64_t{s.size()});
    for (const char c : s) add(static_cast<std::uint8_t>(c));
  }
  template <class T>
  void add(const std::vector<T>& v) noexcept {
    add(std::uint64_t{v.size()});
    for (const T& e : v) add(e);
  }
  /// The hash, with the bits of the last bytes spread over the whole word (the finaliser of SplitMix64).
  std::uint64_t value() const noexcept {
    std::uint64_t h = value_;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9U;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebU;
    return h ^ (h >> 31);
  }

private:
  std::uint64_t value_ = 0xcbf29ce484222325U;
};

template <class Hasher>
void hash_device_side(Hasher& h, const operating_point& o) {
  const auto& s = o.selector;
  h.add(static_cast<std::uint8_t>(s.kind));
  h.add(s.channels);
  if (s.kind != selection_kind::fixed) {
    h.add(std::uint64_t{s.k});
    h.add(s.threshold);
    const auto& a = s.attention;
    h.add(static_cast<std::uint8_t>(a.kind));
    h.add(std::uint64_t{a.channels});
    h.add(std::uint64_t{a.hidden});
    h.add(a.w1);
    h.add(a.b1);
    h.add(a.w2);
    h.add(a.b2);
    h.add(a.kernel);
    h.add(static_cast<std::int32_t>(a.input_exponent));
  }
  h.add(static_cast<std::uint8_t>(o.projection ? 1 : o.analysis ? 2 : 0));
  if (o.projection) {
    h.add(o.projection->stride);
    h.add(o.projection->input_scale);
    h.add(o.projection->weights);
    h.add(o.projection->bias);
    h.add(o.projection->shift);
  }
  if (o.analysis) {
    h.add(o.analysis->network);
    h.add(o.analysis->latents);
    h.add(o.analysis->stride);
  }
  const auto& q = o.quantizer;
  h.add(q.levels);
  h.add(q.zero);
  h.add(q.scale);
  h.add(q.unit);
  h.add(q.offset);
  h.add(q.rounding);
  h.add(q.shift);
  const auto& e = o.entropy;
  h.add(e.classes);
  h.add(e.reference);
  h.add(e.channel_class);
  h.add(e.initial);
  h.add(e.mask_prior);
  h.add(o.lambda);
  h.add(o.decoder);
}

template <class Hasher>
void hash_network(Hasher& h, const nn::graph& g) {
  h.add(g.name);
  h.add(g.inputs);
  h.add(g.outputs);
  h.add(std::uint64_t{g.nodes.size()});
  for (const auto& n : g.nodes) {
    h.add(n.op_type);
    h.add(n.inputs);
    h.add(n.outputs);
    h.add(std::uint64_t{n.attributes.size()});
    for (const auto& [key, a] : n.attributes) {
      h.add(key);
      h.add(static_cast<std::uint8_t>(a.type));
      h.add(a.integer);
      h.add(a.integers);
      h.add(a.number);
      h.add(a.numbers);
      h.add(a.text);
    }
  }
  h.add(std::uint64_t{g.weights.size()});
  for (const auto& w : g.weights) {
    h.add(w.name);
    h.add(w.shape);
    if (w.type == nn::element_type::int64) {
      h.add(~std::uint64_t{0}); // no list of floats has this length
      h.add(w.integers);
    } else {
      h.add(w.values);
    }
  }
}

} // namespace detail

/// The 64-bit hash of all that shapes bytes or reconstructions: the shape, the operating points and the networks' nodes and
/// weights, in the order of docs/profile.md. Names for people, expectations and the probe are left out.
template <class Hasher = detail::content_hasher>
std::uint64_t content_hash(const profile& p) {
  Hasher h;
  h.add(std::uint64_t{p.shape.channels});
  h.add(std::uint64_t{p.shape.height});
  h.add(std::uint64_t{p.shape.width});
  h.add(std::uint64_t{p.operating_points.size()});
  for (const auto& o : p.operating_points) detail::hash_device_side(h, o);
  h.add(std::uint64_t{p.networks.size()});
  for (const auto& n : p.networks) detail::hash_network(h, n);
  return h.value();
}

/// Sets the content hash after a change.
template <class Hasher = detail::content_hasher>
void seal(profile& p) { p.hash = content_hash<Hasher>(p); }

/// Checks an operating point: sizes, ranges, and that its parts agree. errc::bad_field names the part at fault.
template <class Selector = channel_selector, class Quantizer = uniform_quantizer, class EntropyCoder = context_coder>
status check(const operating_point& o, const profile& p, std::size_t number) {
  const auto at = [&](const failure& f) {
    return failure{f.code, "operating point " + std::to_string(number) + ": " + f.message};
  };
  if (auto s = Selector::create(o.selector, p.shape.channels); !s) return at(s.error());
  const std::size_t selected = o.selector.channels.size();
  if (o.projection) {
    if (o.selector.kind != selection_kind::fixed)
      return at({errc::bad_field, "a projection needs a fixed set of channels, found a choice per input"});
    if (auto s = projection::check(*o.projection, selected); !s) return at(s.error());
  }
  if (o.analysis) {
    const analysis_parameters& a = *o.analysis;
    if (o.projection) return at({errc::bad_field, "both a projection and an analysis network, expected one of them"});
    if (o.selector.kind != selection_kind::fixed)
      return at({errc::bad_field, "an analysis network needs a fixed set of channels, found a choice per input"});
    if (a.latents < 1 || a.latents > 65535)
      return at(detail::fail(errc::bad_field, "analysis latents: ", a.latents, ", expected 1 to 65535"));
    if (a.stride < 1 || a.stride > 256)
      return at(detail::fail(errc::bad_field, "analysis stride: ", a.stride, ", expected 1 to 256"));
    if (p.network(a.network) == nullptr)
      return at(detail::fail(errc::missing_field, "analysis network '", a.network, "' is not in the profile"));
  }
  if (auto s = Quantizer::check(o.quantizer, o.latents(), !o.projection); !s) return at(s.error());
  if (auto s = EntropyCoder::check(o.entropy, o.latents()); !s) return at(s.error());
  if (o.entropy.levels != o.quantizer.levels || o.entropy.zero != o.quantizer.zero)
    return at(detail::fail(errc::bad_field, "entropy levels and zero ", o.entropy.levels, ", ", o.entropy.zero,
                           ", expected the quantizer's ", o.quantizer.levels, ", ", o.quantizer.zero));
  if (o.entropy.mask_prior.empty() != (o.selector.kind == selection_kind::fixed))
    return at({errc::bad_field, "entropy mask priors: expected exactly where channels are chosen per input"});
  if (o.analysis && o.analysis->network == o.decoder)
    return at(detail::fail(errc::bad_field, "network '", o.decoder, "' is both analysis and decoder"));
  if (p.has_decoders() && p.network(o.decoder) == nullptr)
    return at(detail::fail(errc::missing_field, "decoder network '", o.decoder, "' is not in the profile"));
  return {};
}

/// Checks a whole profile against itself and the limits.
template <class Selector = channel_selector, class Quantizer = uniform_quantizer, class EntropyCoder = context_coder>
status check(const profile& p, const limits& l = {}) {
  if (p.shape.channels == 0 || p.shape.channels > l.max_channels || p.shape.channels > 65535)
    return detail::fail(errc::bad_field, "profile shape: ", to_string(p.shape), ", expected 1 to ", l.max_channels, " channels");
  if ((p.shape.height == 0) != (p.shape.width == 0))
    return detail::fail(errc::bad_field, "profile shape: ", to_string(p.shape), ", expected both extents fixed or both open");
  if (p.shape.height > l.max_extent || p.shape.width > l.max_extent || p.shape.size() > l.max_elements)
    return detail::fail(errc::limit_exceeded, "profile shape: ", to_string(p.shape), " is above the limits");
  if (p.operating_points.empty() || p.operating_points.size() > l.max_operating_points || p.operating_points.size() > 32)
    return detail::fail(errc::bad_field, "profile: ", p.operating_points.size(), " operating points, expected 1 to 32");
  for (std::size_t i = 0; i < p.networks.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (p.networks[i].name == p.networks[j].name)
        return detail::fail(errc::duplicate_name, "profile: two networks named '", p.networks[i].name, "'");
  for (std::size_t i = 0; i < p.operating_points.size(); ++i)
    if (auto s = check<Selector, Quantizer, EntropyCoder>(p.operating_points[i], p, i); !s) return s;
  return {};
}

} // namespace aecnn
