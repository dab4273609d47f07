// Networks in a profile's JSON document (docs/profile.md, "Networks"): nodes with ONNX operator names, attributes with
// the member names of ONNX's AttributeProto (i, ints, f, floats, s), floats as the hexadecimal digits of their bits,
// weights by name; their elements, floats or 64-bit integers, are tensors of the file. Declared input shapes are not kept:
// the profile's shape gives the decoder's. Only the form is checked here; operators and shapes are what nn::network checks
// when it compiles a graph.
#pragma once

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <aecnn/core/bytes.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/io/json_field.hpp>
#include <aecnn/io/json_writer.hpp>
#include <aecnn/nn/graph.hpp>

namespace aecnn::io {

/// The most attributes that a node may have.
inline constexpr std::size_t max_attributes = 64;

namespace detail {

/// Lower-case hexadecimal digits, most significant first.
template <class Word>
std::string to_hex(Word v) {
  std::string s(2 * sizeof(Word), '0');
  for (std::size_t i = s.size(); i-- > 0; v = static_cast<Word>(v >> 4)) s[i] = "0123456789abcdef"[v & 15];
  return s;
}
/// The inverse; false where the text is anything else.
template <class Word>
bool from_hex(std::string_view text, Word& v) noexcept {
  for (const char c : text)
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  return text.size() == 2 * sizeof(Word) &&
         std::from_chars(text.data(), text.data() + text.size(), v, 16).ec == std::errc{};
}

inline float float_bits(const json_field& f) {
  std::uint32_t bits = 0;
  if (!from_hex(f.text(8), bits)) f.fail(errc::bad_field, "expected 8 lower-case hexadecimal digits");
  return std::bit_cast<float>(bits);
}

inline nn::attribute read_attribute(const json_field& f, const limits& bounds) {
  f.expect_members({"name", "i", "ints", "f", "floats", "s"});
  if (f.has("i") + f.has("ints") + f.has("f") + f.has("floats") + f.has("s") != 1)
    f.fail(errc::bad_field, "expected exactly one of i, ints, f, floats, s");
  if (f.has("i")) return f["i"].signed_integer();
  if (f.has("f")) return float_bits(f["f"]);
  if (f.has("s")) return f["s"].text(bounds.max_name_bytes);
  if (f.has("ints")) {
    std::vector<std::int64_t> values;
    f["ints"].each(bounds.max_elements,
                   [&](const json_field& e, std::size_t) { values.push_back(e.signed_integer()); });
    return values;
  }
  std::vector<float> values;
  f["floats"].each(bounds.max_elements, [&](const json_field& e, std::size_t) { values.push_back(float_bits(e)); });
  return values;
}

inline void write_attribute(json_writer& out, const std::string& name, const nn::attribute& a) {
  const auto hex = [](float v) { return to_hex(std::bit_cast<std::uint32_t>(v)); };
  out.open('{');
  out.field("name", name);
  switch (a.type) {
  case nn::attribute::kind::integer:
    out.field("i", a.integer);
    break;
  case nn::attribute::kind::number:
    out.field("f", hex(a.number));
    break;
  case nn::attribute::kind::text:
    out.field("s", a.text);
    break;
  case nn::attribute::kind::integers:
    out.key("ints");
    out.open('[');
    for (const std::int64_t v : a.integers) out.number(v);
    out.close(']');
    break;
  case nn::attribute::kind::numbers:
    out.key("floats");
    out.open('[');
    for (const float v : a.numbers) out.text(hex(v));
    out.close(']');
    break;
  }
  out.close('}');
}

} // namespace detail

/// Reads a network; its weights get names, but no elements.
inline nn::graph read_network(const json_field& f, const limits& bounds) {
  nn::graph g;
  f.expect_members({"name", "inputs", "outputs", "nodes", "weights"});
  g.name = f["name"].text(bounds.max_name_bytes);
  g.inputs = f["inputs"].texts(bounds.max_nodes, bounds.max_name_bytes);
  g.outputs = f["outputs"].texts(bounds.max_nodes, bounds.max_name_bytes);
  f["nodes"].each(bounds.max_nodes, [&](const json_field& j, std::size_t) {
    nn::node n;
    j.expect_members({"op_type", "name", "inputs", "outputs", "attributes"});
    n.op_type = j["op_type"].text(bounds.max_name_bytes);
    n.name = j["name"].text(bounds.max_name_bytes);
    n.inputs = j["inputs"].texts(bounds.max_nodes, bounds.max_name_bytes);
    n.outputs = j["outputs"].texts(bounds.max_nodes, bounds.max_name_bytes);
    j["attributes"].each(max_attributes, [&](const json_field& a, std::size_t) {
      nn::attribute value = detail::read_attribute(a, bounds);
      n.attributes.emplace_back(a["name"].text(bounds.max_name_bytes), std::move(value));
    });
    g.nodes.push_back(std::move(n));
  });
  f["weights"].each(bounds.max_tensors, [&](const json_field& w, std::size_t) {
    g.weights.push_back({w.text(bounds.max_name_bytes), {}, {}});
  });
  return g;
}

inline void write_network(json_writer& out, const nn::graph& g) {
  out.open('{');
  out.field("name", g.name);
  out.texts("inputs", g.inputs);
  out.texts("outputs", g.outputs);
  out.key("nodes");
  out.open('[');
  for (const nn::node& n : g.nodes) {
    out.open('{');
    out.field("op_type", n.op_type);
    out.field("name", n.name);
    out.texts("inputs", n.inputs);
    out.texts("outputs", n.outputs);
    out.key("attributes");
    out.open('[');
    for (const auto& [name, a] : n.attributes) detail::write_attribute(out, name, a);
    out.close(']');
    out.close('}');
  }
  out.close(']');
  out.key("weights");
  out.open('[');
  for (const nn::weight& w : g.weights) out.text(w.name);
  out.close(']');
  out.close('}');
}

/// Checks the form of a network: counts, names, and that weights have the elements that their shapes say. Errors name
/// the place as `path`: errc::bad_field, errc::bad_shape, errc::duplicate_name, errc::limit_exceeded. O(n log n) in the
/// names.
inline status check_network(const nn::graph& g, const std::string& path, const limits& bounds) {
  using aecnn::detail::fail;
  if (g.name.empty()) return fail(errc::bad_field, path, ".name: empty");
  if (g.nodes.size() > bounds.max_nodes)
    return fail(errc::limit_exceeded, path, ".nodes: ", g.nodes.size(), ", at most ", bounds.max_nodes,
                " allowed (limits.max_nodes)");
  if (g.weights.size() > bounds.max_tensors)
    return fail(errc::limit_exceeded, path, ".weights: ", g.weights.size(), ", at most ", bounds.max_tensors,
                " allowed (limits.max_tensors)");
  if (g.inputs.empty() || g.outputs.empty())
    return fail(errc::bad_field, path, g.inputs.empty() ? ".inputs" : ".outputs", ": none, expected at least 1");
  std::vector<std::string_view> values(g.inputs.begin(), g.inputs.end());
  for (std::size_t i = 0; i < g.weights.size(); ++i) {
    const nn::weight& w = g.weights[i];
    if (w.size() > bounds.max_elements)
      return fail(errc::limit_exceeded, path, ".weights[", i, "] '", w.name, "': ", w.size(), " elements, at most ",
                  bounds.max_elements, " allowed (limits.max_elements)");
    if (!(w.type == nn::element_type::float32 ? w.integers.empty() : w.values.empty()))
      return fail(errc::bad_field, path, ".weights[", i, "] '", w.name, "': holds floats and integers");
    std::size_t size = 1;
    for (const std::int64_t extent : w.shape)
      if (extent < 1 || static_cast<std::uint64_t>(extent) > w.size() ||
          !aecnn::detail::multiply(size, static_cast<std::size_t>(extent), size)) {
        size = 0;
        break;
      }
    if (size == 0 || size != w.size())
      return fail(errc::bad_shape, path, ".weights[", i, "] '", w.name, "': ", w.size(),
                  " elements, which is not what its shape says");
    values.push_back(w.name);
  }
  for (std::size_t i = 0; i < g.nodes.size(); ++i) {
    const nn::node& n = g.nodes[i];
    if (n.op_type.empty()) return fail(errc::bad_field, path, ".nodes[", i, "].op_type: empty");
    if (n.outputs.empty()) return fail(errc::bad_field, path, ".nodes[", i, "].outputs: none, expected at least 1");
    if (n.attributes.size() > max_attributes)
      return fail(errc::limit_exceeded, path, ".nodes[", i, "].attributes: ", n.attributes.size(), ", at most ",
                  max_attributes, " allowed");
    for (std::size_t a = 0; a < n.attributes.size(); ++a) {
      if (n.attributes[a].first.empty())
        return fail(errc::bad_field, path, ".nodes[", i, "].attributes[", a, "].name: empty");
      for (std::size_t b = 0; b < a; ++b)
        if (n.attributes[a].first == n.attributes[b].first)
          return fail(errc::duplicate_name, path, ".nodes[", i, "].attributes: '", n.attributes[a].first,
                      "' occurs twice");
    }
    values.insert(values.end(), n.outputs.begin(), n.outputs.end());
  }
  std::sort(values.begin(), values.end());
  if (values.front().empty()) return fail(errc::bad_field, path, ": a value or weight without a name");
  for (std::size_t i = 1; i < values.size(); ++i)
    if (values[i] == values[i - 1])
      return fail(errc::duplicate_name, path, ": two values or weights are named '", values[i], "'");
  return {};
}

} // namespace aecnn::io
