// ONNX files, written field by field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <protozero/pbf_writer.hpp>

namespace onnx_files {

using protozero::pbf_writer;

/// The bytes of a message; fill(writer) adds its fields.
template <class Fill>
inline std::string message(Fill fill) {
  std::string out;
  pbf_writer w(out);
  fill(w);
  return out;
}

/// Little-endian bytes of 16-, 32- or 64-bit words.
template <class Word>
inline std::string raw(std::vector<Word> words) {
  std::string out;
  for (const Word v : words)
    for (std::size_t i = 0; i < sizeof(Word); ++i)
      out.push_back(static_cast<char>(static_cast<std::uint64_t>(v) >> (8 * i) & 0xff));
  return out;
}

template <class Fill>
inline std::string tensor(const std::string& name, int type, std::vector<std::int64_t> shape, Fill fill) {
  return message([&](pbf_writer& w) {
    for (const std::int64_t extent : shape) w.add_int64(1, extent); // as ONNX's own library does: not packed
    w.add_int32(2, type);
    if (!name.empty()) w.add_string(8, name);
    fill(w);
  });
}
inline std::string raw_tensor(const std::string& name, int type, std::vector<std::int64_t> shape, const std::string& bytes) {
  return tensor(name, type, std::move(shape), [&](pbf_writer& w) { w.add_bytes(9, bytes); });
}

inline std::string node(const std::string& op, std::vector<std::string> inputs, std::vector<std::string> outputs,
                 std::vector<std::string> attributes = {}, const std::string& name = {},
                 const std::string& domain = {}) {
  return message([&](pbf_writer& w) {
    for (const auto& s : inputs) w.add_string(1, s);
    for (const auto& s : outputs) w.add_string(2, s);
    if (!name.empty()) w.add_string(3, name);
    w.add_string(4, op);
    for (const auto& a : attributes) w.add_message(5, a);
    w.add_string(6, "documentation");
    if (!domain.empty()) w.add_string(7, domain);
  });
}

template <class Fill>
inline std::string attribute(const std::string& name, int type, Fill fill) {
  return message([&](pbf_writer& w) {
    w.add_string(1, name);
    fill(w);
    if (type != 0) w.add_int32(20, type);
  });
}
inline std::string integer(const std::string& name, std::int64_t v) {
  return attribute(name, 2, [&](pbf_writer& w) { w.add_int64(3, v); });
}

/// An input or output; an extent of 0 is left open, -1 gets a name.
inline std::string value(const std::string& name, std::vector<std::int64_t> shape = {}, int type = 1) {
  const auto dimensions = message([&](pbf_writer& w) {
    for (const std::int64_t extent : shape)
      w.add_message(1, message([&](pbf_writer& d) {
                      if (extent > 0) d.add_int64(1, extent);
                      if (extent < 0) d.add_string(2, "batch");
                    }));
  });
  const auto of = message([&](pbf_writer& w) {
    w.add_int32(1, type);
    w.add_message(2, dimensions);
  });
  return message([&](pbf_writer& w) {
    w.add_string(1, name);
    w.add_message(2, message([&](pbf_writer& t) { t.add_message(1, of); }));
  });
}

struct parts {
  std::vector<std::string> nodes{}, initializers{};
  std::vector<std::string> inputs{value("x", {1, 2})}, outputs{value("y")};
};
inline std::string graph_bytes(const parts& p) {
  return message([&](pbf_writer& w) {
    for (const auto& n : p.nodes) w.add_message(1, n);
    w.add_string(2, "net");
    for (const auto& t : p.initializers) w.add_message(5, t);
    w.add_string(10, "documentation");
    for (const auto& i : p.inputs) w.add_message(11, i);
    for (const auto& o : p.outputs) w.add_message(12, o);
    w.add_message(13, value("hidden", {7}));
  });
}
inline std::string opset(std::int64_t version, const std::string& domain = {}) {
  return message([&](pbf_writer& w) {
    if (!domain.empty()) w.add_string(1, domain);
    w.add_int64(2, version);
  });
}
inline std::string model(const parts& p, std::int64_t version = 13) {
  return message([&](pbf_writer& w) {
    w.add_int64(1, 8);
    w.add_string(2, "producer");
    w.add_message(7, graph_bytes(p));
    w.add_message(8, opset(3, "custom"));
    w.add_message(8, opset(version));
  });
}

/// A convolution with constant weights, and a node that does nothing.
inline parts convolution() {
  parts p;
  p.inputs = {value("x", {-1, 3, 8, 0}), value("w")};
  p.initializers = {raw_tensor("w", 1, {2, 3, 1, 1}, raw<std::uint32_t>({0, 0x3f800000, 0, 0, 0, 0}))};
  p.nodes = {node("Conv", {"x", "w", ""}, {"c"},
                  {attribute("pads", 7,
                             [](pbf_writer& w) {
                               for (const int v : {0, 1, -1, 2}) w.add_int64(8, v);
                             }),
                   attribute("auto_pad", 3, [](pbf_writer& w) { w.add_string(4, "NOTSET"); }), integer("group", 1)},
                  "first"),
             node("Dropout", {"c"}, {"y", ""})};
  return p;
}

} // namespace onnx_files
