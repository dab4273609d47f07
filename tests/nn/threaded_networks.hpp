// Networks whose steps cover every kind, for the tests of threads: one thread's outputs are what any number must give bit for bit.
#pragma once

#include "reference.hpp"

namespace threaded {

using namespace reference;

struct example {
  nn::graph graph;
  values input;
};

/// Convolutions of all kinds, both forms of Winograd, pools, attention, concatenation, copies, operators of no layout.
inline std::vector<example> examples() {
  random_source random(1);
  std::vector<example> all;
  const nn::conv_options same{.pads = {1, 1, 1, 1}};
  {
    nn::graph g = nn::start("decoder");
    const auto conv = [&](const std::string& v, std::int64_t out, std::int64_t in, std::int64_t k, nn::conv_options o) {
      const auto w = random.reals(out * in * k * k / o.groups, 0.2F), b = random.reals(out, 0.1F);
      return nn::conv(g, v, {out, in / o.groups, k, k}, w, b, o);
    };
    std::string v = nn::relu(g, conv("x", 32, 7, 3, same));
    v = nn::add(g, nn::relu(g, conv(v, 32, 32, 3, same)), v);
    v = nn::relu(g, conv(v, 32, 32, 3, {.pads = {1, 1, 1, 1}, .groups = 32}));
    g.nodes.push_back({"GlobalAveragePool", "", {v}, {"mean"}});
    g.nodes.push_back({"GlobalMaxPool", "", {v}, {"most"}});
    v = nn::mul(g, v, nn::sigmoid(g, conv(nn::add(g, "mean", "most"), 32, 32, 1, {})));
    g.nodes.push_back({"MaxPool",
                       "",
                       {v},
                       {"pooled"},
                       {{"kernel_shape", extents{3, 3}}, {"strides", extents{2, 2}}, {"pads", extents{1, 1, 1, 1}}}});
    const auto w = random.reals(32 * 16 * 4, 0.2F);
    const std::string up = nn::conv_transpose(g, "pooled", {32, 16, 2, 2}, w, {}, {.strides = {2, 2}});
    const std::string shuffled = nn::depth_to_space(g, conv("pooled", 64, 32, 3, same), 2);
    const std::string joined = nn::concat(g, {up, shuffled});
    g.nodes.push_back({"Softmax", "", {joined}, {"soft"}, {{"axis", std::int64_t{1}}}});
    g.outputs = {conv(joined, 5, 32, 1, {}), "soft", v};
    all.push_back({std::move(g), random.tensor({2, 7, 36, 28})});
  }
  { // so many channels that Winograd transforms all tiles first
    nn::graph g = nn::start("tail");
    std::string v = "x";
    for (int i = 0; i < 2; ++i)
      v = nn::relu(g, nn::conv(g, v, {128, 128, 3, 3}, random.reals(128 * 128 * 9, 0.05F), {}, same));
    nn::finish(g, v);
    all.push_back({std::move(g), random.tensor({1, 128, 10, 10})});
  }
  { // steps of a single unit
    nn::graph g = nn::start("small");
    nn::finish(g, nn::sigmoid(g, nn::mul(g, "x", nn::relu(g, "x"))));
    all.push_back({std::move(g), random.tensor({1, 1, 1, 3})});
  }
  { // no elements in between
    nn::graph g = nn::start("nothing");
    g.weights.push_back({"zero", {1}, {}, {0}, nn::element_type::int64});
    g.nodes.push_back({"Slice", "", {"x", "zero", "zero", "zero"}, {"none"}});
    const std::string c = nn::conv(g, "none", {4, 3, 3, 3}, random.reals(108), {}, same);
    g.outputs = {nn::sigmoid(g, c), nn::relu(g, "x")};
    all.push_back({std::move(g), random.tensor({1, 3, 4, 4})});
  }
  return all;
}

/// Whether `e` gives the outputs of the calling thread alone, bit for bit, `runs` times.
inline bool same_with(nn::executor& e, const example& x, int runs) {
  nn::network net = prepared(x.graph, {x.input});
  const auto expected = run(net, {x.input});
  net.use(&e);
  bool same = true;
  for (int i = 0; i < runs; ++i) {
    const auto found = run(net, {x.input});
    for (std::size_t k = 0; k < found.size(); ++k) same = same && found[k].data == expected[k].data;
  }
  net.use(nullptr);
  const auto again = run(net, {x.input});
  for (std::size_t k = 0; k < again.size(); ++k) same = same && again[k].data == expected[k].data;
  return same;
}

} // namespace threaded
