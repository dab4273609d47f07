// Small profiles of every kind, by formula, and a text of all their fields to compare them by.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <aecnn/entropy/context.hpp>
#include <aecnn/profile.hpp>

namespace example_profiles {

inline constexpr std::size_t channels = 6;

template <class T, class Formula>
std::vector<T> filled(std::size_t n, Formula f) {
  std::vector<T> v;
  for (std::size_t i = 0; i < n; ++i) v.push_back(static_cast<T>(f(static_cast<int>(i))));
  return v;
}

/// A point that selects `selected` and quantises to 2 * zero + 1 levels.
inline aecnn::operating_point fixed_point(std::vector<std::uint16_t> selected, std::uint32_t zero) {
  aecnn::operating_point o;
  const std::size_t n = selected.size();
  o.name = "point";
  o.selector.channels = std::move(selected);
  o.quantizer.levels = o.entropy.levels = 2 * zero + 1;
  o.quantizer.zero = o.entropy.zero = zero;
  o.quantizer.scale = filled<float>(n, [](int i) { return 100.0f + 1.3f * static_cast<float>(i); });
  o.quantizer.unit = filled<float>(n, [](int i) { return 1.0f / (100.0f + 1.3f * static_cast<float>(i)); });
  o.quantizer.rounding = filled<std::uint16_t>(n, [](int i) { return 90 + 7 * i; });
  o.quantizer.shift = filled<std::int16_t>(6 * n, [](int i) { return 3 * i - 20; });
  o.decoder = "decoder0";
  o.expected_bytes = 12.25;
  o.expected_error = 0.0625;
  return o;
}

/// Everything optional that a point of any kind can have.
inline void add_options(aecnn::operating_point& o) {
  const std::size_t n = o.latents();
  o.quantizer.offset = filled<std::int32_t>(n, [](int i) { return 1000 * i - 1500; });
  o.entropy.classes = 2;
  o.entropy.reference = filled<std::uint16_t>(n, [](int i) { return i == 0 ? 0xffff : i - 1; });
  o.entropy.channel_class = filled<std::uint8_t>(n, [](int i) { return i % 2; });
  const std::size_t states = 2 * aecnn::context_layout(o.quantizer.levels, o.quantizer.zero).state_count();
  o.entropy.initial = filled<std::uint16_t>(states, [](int i) {
    return aecnn::pack_state((2000 + 37 * static_cast<unsigned>(i)) % 60000, static_cast<unsigned>(i) % 16);
  });
  o.lambda = 40;
}

/// A point that chooses channels for each input.
inline aecnn::operating_point choosing_point(aecnn::selection_kind kind, aecnn::attention_kind attention, bool biases) {
  auto o = fixed_point({0, 1, 3, 5}, 3);
  auto& s = o.selector;
  s.kind = kind;
  if (kind == aecnn::selection_kind::top_k) s.k = 2;
  if (kind == aecnn::selection_kind::threshold) s.threshold = 0.55f;
  auto& a = s.attention;
  a.kind = attention;
  a.channels = channels;
  a.input_exponent = 14;
  if (attention == aecnn::attention_kind::eca) {
    a.kernel = filled<float>(3, [](int i) { return 0.3f * static_cast<float>(i) - 0.2f; });
  } else {
    a.hidden = 2;
    a.w1 = filled<float>(2 * channels, [](int i) { return 0.1f * static_cast<float>(i * 7 % 11 - 5); });
    a.w2 = filled<float>(2 * channels, [](int i) { return 0.1f * static_cast<float>(i * 5 % 13 - 6); });
    if (biases) {
      a.b1 = filled<float>(2, [](int i) { return 0.25f * static_cast<float>(i) - 0.1f; });
      a.b2 = filled<float>(channels, [](int i) { return 0.125f * static_cast<float>(i) - 0.3f; });
    }
  }
  o.entropy.mask_prior = filled<std::uint16_t>(4, [](int i) { return 20000 + 9000 * i; });
  return o;
}

/// A point that projects four channels to three latents.
inline aecnn::operating_point projecting_point(std::uint32_t stride) {
  auto o = fixed_point({0, 2, 4}, 7);
  o.quantizer.scale.clear();
  o.selector.channels = {0, 2, 3, 4};
  auto& p = o.projection.emplace();
  p.stride = stride;
  p.input_scale = filled<float>(4, [](int i) { return 1000.0f + static_cast<float>(i) / 3.0f; });
  p.bias = {-70000, 0, 1 << 20};
  p.weights = filled<std::int16_t>(3 * 4 * stride * stride, [](int i) { return i * 211 % 701 - 350; });
  p.shift = {8, 7, 6};
  return o;
}

/// A 1x1 convolution from `latents` planes to all channels.
inline aecnn::nn::graph small_network(std::size_t latents, std::string name) {
  aecnn::nn::graph g;
  g.name = std::move(name);
  g.inputs = {"latents"};
  g.outputs = {"tensor"};
  g.nodes.push_back({"Conv", "expand", {"latents", "w", "b"}, {"tensor"}, {}});
  g.weights.push_back({"w",
                       {static_cast<std::int64_t>(channels), static_cast<std::int64_t>(latents), 1, 1},
                       filled<float>(channels * latents, [](int i) { return 0.37f * static_cast<float>(i) - 1.0f; })});
  g.weights.push_back({"b", {static_cast<std::int64_t>(channels)}, filled<float>(channels, [](int i) {
                         return static_cast<float>(i) / 7.0f;
                       })});
  return g;
}

/// Nodes with attributes of every type, a value left out, a scalar and odd names. Not meant to be run.
inline aecnn::nn::graph large_network(std::string name) {
  using aecnn::nn::attribute;
  aecnn::nn::graph g;
  g.name = std::move(name);
  g.inputs = {"latents"};
  g.outputs = {"out \"1\"\n"};
  g.nodes.push_back({"ConvTranspose",
                     "",
                     {"latents", "w.0"},
                     {"a"},
                     {{"strides", attribute(std::vector<std::int64_t>{2, 2})},
                      {"group", attribute(std::int64_t{-1})},
                      {"pads", attribute(std::vector<std::int64_t>{})}}});
  g.nodes.push_back({"LeakyRelu", "act", {"a"}, {"b"}, {{"alpha", attribute(0.1f)}}});
  g.nodes.push_back({"Clip", "\xc3\xa9", {"b", "", "high"}, {"c"}, {}});
  g.nodes.push_back({"DepthToSpace",
                     "d2s",
                     {"c"},
                     {"out \"1\"\n"},
                     {{"mode", attribute(std::string("DCR"))},
                      {"zeta", attribute(std::vector<float>{1.5f, -0.0f})},
                      {"blocksize", attribute(std::int64_t{9223372036854775807})}}});
  g.weights.push_back({"w.0", {3, 2, 1, 2}, filled<float>(12, [](int i) { return static_cast<float>(i) * 0.01f; })});
  g.weights.push_back({"high", {}, {6.0f}});
  return g;
}

inline aecnn::profile one_point(aecnn::operating_point o) {
  aecnn::profile p;
  p.name = "example";
  p.shape = {channels, 4, 5};
  p.networks.push_back(small_network(o.latents(), "decoder0"));
  p.operating_points.push_back(std::move(o));
  aecnn::seal(p);
  return p;
}

/// The smallest one that is complete.
inline aecnn::profile small_profile() { return one_point(fixed_point({1, 4}, 2)); }

inline void add_probe(aecnn::profile& p) {
  auto& probe = p.probe.emplace();
  probe.height = p.open_extents() ? 3 : p.shape.height;
  probe.width = p.open_extents() ? 4 : p.shape.width;
  probe.scale = 0.01f;
  probe.input = filled<std::int8_t>(channels * probe.height * probe.width, [](int i) { return i * 37 % 255 - 127; });
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    probe.streams.push_back(filled<std::byte>(5 + i, [](int k) { return 17 * k; }));
    probe.outputs.push_back(filled<float>(i == 1 ? 0 : 4, [](int k) { return 0.3f * static_cast<float>(k); }));
  }
}

/// Several operating points, two networks, a probe, every optional field.
inline aecnn::profile large_profile() {
  aecnn::profile p;
  p.name = "large \xe2\x82\xac \"quoted\" \\ \t";
  p.shape = {channels, 4, 5};
  p.operating_points = {fixed_point({0, 1, 2, 3, 4, 5}, 20),
                        choosing_point(aecnn::selection_kind::top_k, aecnn::attention_kind::cbam, true),
                        projecting_point(2)};
  for (auto& o : p.operating_points) add_options(o);
  p.operating_points[0].name = "";
  p.operating_points[1].decoder = "decoder.1";
  p.operating_points[1].expected_bytes = 1e-300;
  p.operating_points[2].expected_error = 0.1;
  p.networks = {small_network(6, "decoder0"), large_network("decoder.1")};
  add_probe(p);
  aecnn::seal(p);
  return p;
}

inline std::vector<aecnn::profile> all() {
  using aecnn::attention_kind, aecnn::selection_kind;
  std::vector<aecnn::profile> out = {small_profile(), large_profile(), one_point(projecting_point(1))};
  for (const auto kind : {selection_kind::top_k, selection_kind::threshold})
    for (const auto attention : {attention_kind::cbam, attention_kind::se, attention_kind::eca})
      out.push_back(one_point(choosing_point(kind, attention, kind == selection_kind::top_k)));
  auto open = one_point(fixed_point({0, 3}, 5));
  open.shape = {channels, 0, 0};
  add_probe(open);
  aecnn::seal(open);
  out.push_back(open);
  auto device = out[1]; // as a profile of its own
  device.networks.clear();
  aecnn::seal(device);
  out.push_back(device);
  return out;
}

/// All fields as text, floats by their bits.
class field_text {
public:
  std::string text;

  void add(const std::string& s) { text += '"' + s + "\" "; }
  void add(std::byte b) { add(std::to_integer<int>(b)); }
  template <class T>
    requires std::is_arithmetic_v<T>
  void add(T v) {
    if constexpr (std::is_same_v<T, float>)
      text += std::to_string(std::bit_cast<std::uint32_t>(v)) + ' ';
    else if constexpr (std::is_same_v<T, double>)
      text += std::to_string(std::bit_cast<std::uint64_t>(v)) + ' ';
    else
      text += std::to_string(v) + ' ';
  }
  template <class T>
  void add(const std::vector<T>& v) {
    text += '[';
    for (const auto& e : v) add(e);
    text += ']';
  }
  void add(const aecnn::operating_point& o) {
    text += "\npoint ";
    add(o.name);
    add(static_cast<int>(o.selector.kind));
    add(o.selector.channels);
    add(o.selector.k);
    add(o.selector.threshold);
    const auto& a = o.selector.attention;
    add(static_cast<int>(a.kind));
    add(a.channels);
    add(a.hidden);
    for (const auto* v : {&a.w1, &a.b1, &a.w2, &a.b2, &a.kernel}) add(*v);
    add(a.input_exponent);
    if (o.projection) {
      add(o.projection->stride);
      add(o.projection->input_scale);
      add(o.projection->weights);
      add(o.projection->bias);
      add(o.projection->shift);
    }
    const auto& q = o.quantizer;
    add(q.levels);
    add(q.zero);
    add(q.scale);
    add(q.unit);
    add(q.offset);
    add(q.rounding);
    add(q.shift);
    const auto& e = o.entropy;
    add(e.levels);
    add(e.zero);
    add(static_cast<int>(e.classes));
    add(e.reference);
    add(e.channel_class);
    add(e.initial);
    add(e.mask_prior);
    add(o.lambda);
    add(o.decoder);
    add(o.expected_bytes);
    add(o.expected_error);
  }
  void add(const aecnn::nn::graph& g) {
    text += "\nnetwork ";
    add(g.name);
    add(g.inputs);
    add(g.outputs);
    for (const auto& n : g.nodes) {
      text += "\nnode ";
      add(n.op_type);
      add(n.name);
      add(n.inputs);
      add(n.outputs);
      for (const auto& [name, a] : n.attributes) {
        add(name);
        add(static_cast<int>(a.type));
        add(a.integer);
        add(a.integers);
        add(a.number);
        add(a.numbers);
        add(a.text);
      }
    }
    for (const auto& w : g.weights) {
      text += "\nweight ";
      add(w.name);
      add(w.shape);
      add(w.values);
      add(w.integers);
    }
  }
  void add(const aecnn::profile& p) {
    add(p.name);
    add(p.hash);
    for (const std::size_t n : {p.shape.channels, p.shape.height, p.shape.width}) add(n);
    add(p.operating_points);
    add(p.networks);
    if (!p.probe) return;
    text += "\nprobe ";
    add(p.probe->height);
    add(p.probe->width);
    add(p.probe->scale);
    add(p.probe->input);
    add(p.probe->streams);
    add(p.probe->outputs);
  }
};

inline std::string fields(const aecnn::profile& p) {
  field_text t;
  t.add(p);
  return t.text;
}

/// The profile without what is for people only.
inline aecnn::profile without_names(aecnn::profile p) {
  p.name.clear();
  for (auto& o : p.operating_points) {
    o.name.clear();
    o.expected_bytes = o.expected_error = 0;
  }
  for (auto& g : p.networks)
    for (auto& n : g.nodes) n.name.clear();
  return p;
}

} // namespace example_profiles
