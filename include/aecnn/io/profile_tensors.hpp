// The arrays of a profile as tensors (docs/profile.md, "Tensors"), and the checks of what only a whole profile file
// has: networks that are used, and a probe that fits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/entropy/context.hpp>
#include <aecnn/io/network_json.hpp>
#include <aecnn/io/tensor_table.hpp>
#include <aecnn/profile.hpp>

namespace aecnn::io {
namespace detail {

template <class Table, class Parameters>
void attention_tensors(Table& t, const std::string& prefix, Parameters& a) {
  if (a.kind == attention_kind::eca) return t.required(prefix + "kernel", a.kernel, {any_extent});
  t.required(prefix + "w1", a.w1, {any_extent, a.channels});
  const std::size_t hidden = a.w1.size() / a.channels;
  if constexpr (Table::reading) a.hidden = hidden;
  t.optional(prefix + "b1", a.b1, {hidden});
  t.required(prefix + "w2", a.w2, {a.channels, hidden});
  t.optional(prefix + "b2", a.b2, {a.channels});
}

template <class Table, class Point>
void operating_point_tensors(Table& t, const std::string& prefix, Point& o) {
  t.required(prefix + "selector.channels", o.selector.channels, {any_extent});
  const std::size_t selected = o.selector.channels.size();
  if (o.selector.kind == selection_kind::threshold) t.scalar(prefix + "selector.threshold", o.selector.threshold);
  if (o.selector.kind != selection_kind::fixed)
    attention_tensors(t, prefix + "selector.attention.", o.selector.attention);
  if (o.projection) {
    const std::size_t stride = o.projection->stride;
    t.required(prefix + "projection.shift", o.projection->shift, {any_extent});
    t.required(prefix + "projection.input_scale", o.projection->input_scale, {selected});
    t.required(prefix + "projection.weights", o.projection->weights, {o.latents(), selected, stride, stride});
    t.optional(prefix + "projection.bias", o.projection->bias, {o.latents()});
  }
  const std::size_t latents = o.latents();
  auto& q = o.quantizer;
  if (!o.projection) t.required(prefix + "quantizer.scale", q.scale, {latents});
  t.required(prefix + "quantizer.unit", q.unit, {latents});
  t.optional(prefix + "quantizer.offset", q.offset, {latents});
  t.required(prefix + "quantizer.rounding", q.rounding, {latents});
  t.required(prefix + "quantizer.shift", q.shift, {latents, 2, 3});
  auto& e = o.entropy;
  t.optional(prefix + "entropy.reference", e.reference, {latents});
  t.optional(prefix + "entropy.channel_class", e.channel_class, {latents});
  t.optional(prefix + "entropy.initial", e.initial, {e.classes, context_layout(q.levels, q.zero).state_count()});
  if (o.selector.kind != selection_kind::fixed) t.required(prefix + "entropy.mask_prior", e.mask_prior, {latents});
}

} // namespace detail

/// Reads or writes all arrays of a profile. The rest of the profile says which tensors there are.
template <class Table, class Profile>
void profile_tensors(Table& t, Profile& p) {
  for (std::size_t i = 0; i < p.operating_points.size(); ++i)
    detail::operating_point_tensors(t, "op" + std::to_string(i) + '.', p.operating_points[i]);
  for (std::size_t i = 0; i < p.networks.size(); ++i)
    for (auto& w : p.networks[i].weights) t.weight("network" + std::to_string(i) + '.' + w.name, w);
  if (!p.probe) return;
  t.scalar("probe.scale", p.probe->scale);
  t.required("probe.input", p.probe->input, {p.shape.channels, p.probe->height, p.probe->width});
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    const std::string prefix = "probe.op" + std::to_string(i) + '.';
    t.required(prefix + "stream", p.probe->streams[i], {any_extent});
    t.optional(prefix + "output", p.probe->outputs[i], {any_extent});
  }
}

/// The 64-bit hash of a probe: content_hash leaves it out, so that adding one does not make another profile.
inline std::uint64_t probe_hash(const profile_probe& probe) {
  aecnn::detail::content_hasher h;
  const auto bytes = [&](const auto& v) {
    h.add(std::uint64_t{v.size()});
    for (const auto b : v) h.add(static_cast<std::uint8_t>(b));
  };
  h.add(std::uint64_t{probe.height});
  h.add(std::uint64_t{probe.width});
  h.add(probe.scale);
  bytes(probe.input);
  h.add(std::uint64_t{probe.streams.size()});
  for (const auto& s : probe.streams) bytes(s);
  h.add(probe.outputs);
  return h.value();
}

/// Checks a profile as check() does, and its networks' form, its probe's sizes and the expectations.
inline status check_whole(const profile& p, const limits& bounds) {
  using aecnn::detail::fail;
  if (auto s = check(p, bounds); !s) return s;
  // By the bits, for -ffast-math: no sign, no infinity, no NaN.
  const auto expectable = [](double v) { return std::bit_cast<std::uint64_t>(v) >> 52 < 0x7ff; };
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    const operating_point& o = p.operating_points[i];
    if (!expectable(o.expected_bytes) || !expectable(o.expected_error))
      return fail(errc::bad_field, "operating_points[", i, "]: expected_bytes ", o.expected_bytes,
                  " and expected_error ", o.expected_error, ", expected finite numbers of at least 0");
  }
  for (std::size_t i = 0; i < p.networks.size(); ++i) {
    const std::string path = "networks[" + std::to_string(i) + ']';
    if (auto s = check_network(p.networks[i], path, bounds); !s) return s;
    bool used = false;
    for (const operating_point& o : p.operating_points)
      used = used || o.decoder == p.networks[i].name || (o.analysis && o.analysis->network == p.networks[i].name);
    if (!used) return fail(errc::bad_field, path, ": no operating point uses '", p.networks[i].name, "'");
  }
  if (!p.probe) return {};
  const profile_probe& probe = *p.probe;
  const std::size_t points = p.operating_points.size();
  if (probe.height == 0 || probe.width == 0 || probe.height > bounds.max_extent || probe.width > bounds.max_extent ||
      (!p.open_extents() && (probe.height != p.shape.height || probe.width != p.shape.width)))
    return fail(errc::bad_field, "probe: height and width ", probe.height, "x", probe.width, " for tensors of ",
                to_string(p.shape));
  if (probe.input.size() / p.shape.channels / probe.height != probe.width ||
      probe.input.size() != shape3{p.shape.channels, probe.height, probe.width}.size())
    return fail(errc::bad_field, "probe.input: ", probe.input.size(), " elements for ",
                to_string(shape3{p.shape.channels, probe.height, probe.width}));
  if (const auto bits = std::bit_cast<std::uint32_t>(probe.scale); bits < 0x00800000 || bits >= 0x7f800000)
    return fail(errc::bad_field, "probe.scale: ", probe.scale, ", expected a normal number above 0");
  if (probe.streams.size() != points || probe.outputs.size() != points)
    return fail(errc::bad_field, "probe: ", probe.streams.size(), " streams and ", probe.outputs.size(),
                " outputs, expected ", points);
  for (std::size_t i = 0; i < points; ++i)
    if (probe.streams[i].empty() || probe.outputs[i].size() > probe.input.size())
      return fail(errc::bad_field, "probe.op", i, ": stream of ", probe.streams[i].size(), " bytes and ",
                  probe.outputs[i].size(), " output elements, expected at least 1 byte and at most ",
                  probe.input.size(), " elements");
  return {};
}

} // namespace aecnn::io
