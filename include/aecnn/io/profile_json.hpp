// The part of a profile that is no array as a JSON document (docs/profile.md, "The document"). Every member is written
// and every member is required, but for those of choices that were not taken; the arrays follow in profile_tensors.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/core/limits.hpp>
#include <aecnn/io/json_field.hpp>
#include <aecnn/io/json_writer.hpp>
#include <aecnn/io/network_json.hpp>
#include <aecnn/profile.hpp>

namespace aecnn::io {
namespace detail {

inline void read_selector(const json_field& f, std::size_t channels, selector_parameters& s) {
  s.kind = static_cast<selection_kind>(f["kind"].one_of({"fixed", "top_k", "threshold"}));
  switch (s.kind) {
  case selection_kind::fixed:
    return f.expect_members({"kind"});
  case selection_kind::top_k:
    f.expect_members({"kind", "k", "attention"});
    break;
  case selection_kind::threshold:
    f.expect_members({"kind", "attention"});
    break;
  }
  if (s.kind == selection_kind::top_k) s.k = f["k"].integer(1, channels);
  const json_field a = f["attention"];
  a.expect_members({"kind", "input_exponent"});
  s.attention.kind = static_cast<attention_kind>(a["kind"].one_of({"cbam", "se", "eca"}));
  s.attention.input_exponent = static_cast<int>(a["input_exponent"].integer(8, 24));
  s.attention.channels = channels;
}

inline void write_selector(json_writer& out, const selector_parameters& s) {
  constexpr std::string_view kinds[] = {"fixed", "top_k", "threshold"}, attentions[] = {"cbam", "se", "eca"};
  out.open('{');
  out.field("kind", kinds[static_cast<std::size_t>(s.kind)]);
  if (s.kind == selection_kind::top_k) out.field("k", s.k);
  if (s.kind != selection_kind::fixed) {
    out.key("attention");
    out.open('{');
    out.field("kind", attentions[static_cast<std::size_t>(s.attention.kind)]);
    out.field("input_exponent", s.attention.input_exponent);
    out.close('}');
  }
  out.close('}');
}

inline operating_point read_operating_point(const json_field& f, std::size_t channels, const limits& bounds) {
  operating_point o;
  f.expect_members({"name", "selector", "projection", "analysis", "quantizer", "entropy", "lambda", "decoder", "expected_bytes",
                    "expected_error"});
  o.name = f["name"].text(bounds.max_name_bytes);
  read_selector(f["selector"], channels, o.selector);
  if (f.has("projection")) {
    f["projection"].expect_members({"stride"});
    o.projection.emplace();
    o.projection->stride = static_cast<std::uint32_t>(f["projection"]["stride"].integer(1, 16));
  }
  if (f.has("analysis")) {
    const json_field a = f["analysis"];
    a.expect_members({"network", "latents", "stride"});
    o.analysis.emplace();
    o.analysis->network = a["network"].text(bounds.max_name_bytes);
    o.analysis->latents = static_cast<std::uint32_t>(a["latents"].integer(1, 65535));
    o.analysis->stride = static_cast<std::uint32_t>(a["stride"].integer(1, 256));
  }
  const json_field q = f["quantizer"], e = f["entropy"];
  q.expect_members({"levels", "zero"});
  o.quantizer.levels = static_cast<std::uint32_t>(q["levels"].integer(2, 65536));
  o.quantizer.zero = static_cast<std::uint32_t>(q["zero"].integer(0, o.quantizer.levels - 1));
  o.entropy.levels = o.quantizer.levels;
  o.entropy.zero = o.quantizer.zero;
  e.expect_members({"classes"});
  o.entropy.classes = static_cast<std::uint8_t>(e["classes"].integer(1, 255));
  o.lambda = static_cast<std::uint32_t>(f["lambda"].integer(0, 0xffffffff));
  o.decoder = f["decoder"].text(bounds.max_name_bytes);
  o.expected_bytes = f["expected_bytes"].number();
  o.expected_error = f["expected_error"].number();
  return o;
}

inline void write_operating_point(json_writer& out, const operating_point& o) {
  out.open('{');
  out.field("name", o.name);
  out.key("selector");
  write_selector(out, o.selector);
  if (o.projection) {
    out.key("projection");
    out.open('{');
    out.field("stride", o.projection->stride);
    out.close('}');
  }
  if (o.analysis) {
    out.key("analysis");
    out.open('{');
    out.field("network", o.analysis->network);
    out.field("latents", o.analysis->latents);
    out.field("stride", o.analysis->stride);
    out.close('}');
  }
  out.key("quantizer");
  out.open('{');
  out.field("levels", o.quantizer.levels);
  out.field("zero", o.quantizer.zero);
  out.close('}');
  out.key("entropy");
  out.open('{');
  out.field("classes", o.entropy.classes);
  out.close('}');
  out.field("lambda", o.lambda);
  out.field("decoder", o.decoder);
  out.field("expected_bytes", o.expected_bytes);
  out.field("expected_error", o.expected_error);
  out.close('}');
}

} // namespace detail

/// Reads a profile but for its arrays and hash.
inline profile read_profile_document(const json_field& f, const limits& bounds) {
  profile p;
  f.expect_members({"name", "shape", "operating_points", "networks", "probe"});
  p.name = f["name"].text(bounds.max_name_bytes);
  std::size_t extents[3] = {};
  std::size_t rank = 0;
  f["shape"].each(3, [&](const json_field& e, std::size_t i) {
    extents[i] = static_cast<std::size_t>(e.integer(i == 0 ? 1 : 0, i == 0 ? 65535 : 0x7fffffff));
    ++rank;
  });
  if (rank != 3) f["shape"].fail(errc::bad_field, rank, " extents, expected 3");
  p.shape = {extents[0], extents[1], extents[2]};
  f["operating_points"].each(bounds.max_operating_points, [&](const json_field& o, std::size_t) {
    p.operating_points.push_back(detail::read_operating_point(o, p.shape.channels, bounds));
  });
  f["networks"].each(2 * bounds.max_operating_points,
                     [&](const json_field& n, std::size_t) { p.networks.push_back(read_network(n, bounds)); });
  if (f.has("probe")) {
    const json_field j = f["probe"];
    j.expect_members({"height", "width"});
    p.probe.emplace();
    p.probe->height = static_cast<std::size_t>(j["height"].integer(1, 0x7fffffff));
    p.probe->width = static_cast<std::size_t>(j["width"].integer(1, 0x7fffffff));
    p.probe->streams.resize(p.operating_points.size());
    p.probe->outputs.resize(p.operating_points.size());
  }
  return p;
}

/// The document of a profile that is consistent.
inline std::string profile_document(const profile& p) {
  json_writer out;
  out.open('{');
  out.field("name", p.name);
  out.key("shape");
  out.open('[');
  for (const std::size_t extent : {p.shape.channels, p.shape.height, p.shape.width}) out.number(extent);
  out.close(']');
  out.key("operating_points");
  out.open('[');
  for (const operating_point& o : p.operating_points) detail::write_operating_point(out, o);
  out.close(']');
  out.key("networks");
  out.open('[');
  for (const nn::graph& g : p.networks) write_network(out, g);
  out.close(']');
  if (p.probe) {
    out.key("probe");
    out.open('{');
    out.field("height", p.probe->height);
    out.field("width", p.probe->width);
    out.close('}');
  }
  out.close('}');
  return out.result();
}

} // namespace aecnn::io
