#include <aecnn/nn/fuse.hpp>

#include "reference.hpp"

using namespace reference;

namespace {

using kinds = std::vector<nn::stage::kind>;
using kind = nn::stage::kind;

/// What a graph becomes for one input; `typed` owns what the stages point to.
struct outcome {
  nn::typed_graph typed;
  std::vector<nn::stage> stages;
  kinds types() const {
    kinds k;
    for (const nn::stage& s : stages) k.push_back(s.type);
    return k;
  }
};

outcome fused(const nn::graph& g, const extents& shape, bool rearrange = true) {
  auto source = std::make_shared<const nn::graph>(g);
  const auto index = nn::graph_index::create(*source, nn::operator_set::standard(), {}).value();
  const std::vector<extents> shapes(g.inputs.size(), shape);
  outcome o{nn::infer(source, index.order(), shapes, nn::operator_set::standard(), {}).value(), {}};
  o.stages = nn::fuse(o.typed, [&](const nn::fused_convolution&, const nn::block_rearrangement&) { return rearrange; });
  return o;
}

const extents usual{1, 4, 6, 6};

std::string conv4(nn::graph& g, const std::string& v) { // 4 to 4 channels, of the same size
  return nn::conv(g, v, {4, 4, 3, 3}, std::vector<float>(144, 0.5F), {}, {.pads = {1, 1, 1, 1}});
}
std::string normalized(nn::graph& g, const std::string& v) {
  return nn::batch_normalization(g, v, {1, 2, 3, 4}, {0, 1, 2, 3}, {1, 1, 1, 1}, {1, 4, 9, 16}, 0);
}
std::string node(nn::graph& g, const std::string& op_type, const std::vector<std::string>& inputs,
                 std::vector<std::pair<std::string, nn::attribute>> attributes = {}) {
  const std::string name = op_type + std::to_string(g.nodes.size());
  g.nodes.push_back({op_type, name, inputs, {name}, std::move(attributes)});
  return name;
}
std::string integers(nn::graph& g, const extents& v) {
  const std::string name = "integers" + std::to_string(g.weights.size());
  g.weights.push_back({name, {static_cast<std::int64_t>(v.size())}, {}, v, nn::element_type::int64});
  return name;
}
std::string padded(nn::graph& g, const std::string& v, const extents& pads, float fill = 0) {
  const std::string name = "fill" + std::to_string(g.weights.size());
  g.weights.push_back({name, {}, {fill}});
  return node(g, "Pad", {v, integers(g, pads), name});
}
/// The stages of the graph that `build` makes; it returns the output.
template <class Build>
kinds types_of(Build build, const extents& shape = usual, bool rearrange = true) {
  nn::graph g = nn::start("test");
  nn::finish(g, build(g));
  return fused(g, shape, rearrange).types();
}

} // namespace

TEST_CASE("fuse: normalisation and one activation go into the convolution before them", "[nn]") {
  using graph = nn::graph&;
  CHECK(types_of([](graph g) { return nn::relu(g, normalized(g, conv4(g, "x"))); }) == kinds{kind::convolution});
  CHECK(types_of([](graph g) {
          return nn::mul(g, nn::add(g, conv4(g, "x"), std::vector<float>{2}), std::vector<float>{1, 2, 3, 4});
        }) == kinds{kind::convolution});
  CHECK(types_of([](graph g) { return nn::clip(g, nn::relu(g, conv4(g, "x")), 0, 1); }) ==
        kinds{kind::convolution, kind::elementwise});
  CHECK(types_of([](graph g) { return nn::sigmoid(g, conv4(g, "x")); }) == kinds{kind::convolution, kind::elementwise});
  CHECK(types_of([](graph g) { return normalized(g, nn::relu(g, conv4(g, "x"))); }) ==
        kinds{kind::convolution, kind::affine});
  CHECK(types_of([](graph g) { return nn::relu(g, normalized(g, "x")); }) == kinds{kind::affine, kind::elementwise});
  CHECK(types_of([](graph g) { return nn::identity(g, nn::leaky_relu(g, conv4(g, "x"))); }) ==
        kinds{kind::convolution, kind::view});
}

TEST_CASE("fuse: what is folded into weights and bias", "[nn]") {
  nn::graph g = nn::start("test");
  const std::vector<float> w{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  const std::string c = nn::conv(g, "x", {4, 4, 1, 1}, w, {1, 1, 1, 1});
  nn::finish(g, nn::clip(g, normalized(g, c), -1, 3));
  const outcome o = fused(g, usual);
  REQUIRE(o.types() == kinds{kind::convolution});
  const nn::fused_convolution& f = o.stages[0].conv;
  // scale 1, 2/2, 3/3, 4/4 and shift bias - scale * mean; the convolution's own bias of 1 is scaled too.
  CHECK(f.bias == std::vector<float>{0, 1, 2, 3});
  CHECK(f.weights == w);
  CHECK(f.after.type == nn::activation::kind::clip);
  CHECK(f.after.low == -1);
  CHECK(f.after.high == 3);
  CHECK(f.spec.weights == o.typed.source->weights[0].values.data());
  // Of a transposed convolution the outputs are the second axis.
  nn::graph t = nn::start("test");
  nn::finish(t,
             nn::mul(t, nn::conv_transpose(t, "x", {4, 2, 1, 1}, {1, 2, 3, 4, 5, 6, 7, 8}, {1, 1, 1, 1}, {.groups = 2}),
                     std::vector<float>{1, 10, 100, 1000}));
  const outcome u = fused(t, usual);
  REQUIRE(u.types() == kinds{kind::convolution});
  CHECK(u.stages[0].conv.weights == std::vector<float>{1, 20, 3, 40, 500, 6000, 700, 8000});
  CHECK(u.stages[0].conv.bias == std::vector<float>{1, 10, 100, 1000});
  CHECK(u.stages[0].conv.weight(3, 1, 0) == 8000);
}

TEST_CASE("fuse: what makes several channels of a convolution's one is not folded", "[nn]") {
  nn::graph g = nn::start("test");
  nn::finish(g, nn::mul(g, nn::conv(g, "x", {1, 4, 1, 1}, {1, 1, 1, 1}), std::vector<float>{1, 2, 3}));
  CHECK(fused(g, usual).types().size() == 2);
  random_source random(31);
  const values x = random.tensor({1, 4, 2, 2});
  const values y = conv(x, {1, 4, 1, 1}, {1, 1, 1, 1}, {}, {});
  CHECK(error(run(g, x), concat({y, map(y, [](double v) { return 2 * v; }), map(y, [](double v) { return 3 * v; })})) < 1e-6);
}

TEST_CASE("fuse: nothing is folded into what something else reads", "[nn]") {
  nn::graph g = nn::start("test");
  const std::string c = conv4(g, "x"), r = nn::relu(g, c);
  nn::finish(g, nn::add(g, r, c));
  CHECK(fused(g, usual).types() == kinds{kind::convolution, kind::elementwise, kind::binary});
  g.outputs = {r, c}; // the graph's output reads as well
  CHECK(fused(g, usual).types() == kinds{kind::convolution, kind::elementwise});
  g.outputs = {r, r};
  CHECK(fused(g, usual).types() == kinds{kind::convolution});
  g.outputs = {c};
  CHECK(fused(g, usual).types() == kinds{kind::convolution});
  CHECK(fused(g, usual).stages[0].conv.after.type == nn::activation::kind::none);
  nn::graph h = nn::start("test");
  const std::string d = conv4(h, "x"), n = normalized(h, d);
  h.outputs = {n, nn::sigmoid(h, d)};
  CHECK(fused(h, usual).types() == kinds{kind::convolution, kind::affine, kind::elementwise});
}

TEST_CASE("fuse: residual sums", "[nn]") {
  using graph = nn::graph&;
  const auto both = types_of([](graph g) { return nn::relu(g, nn::add(g, conv4(g, "x"), "x")); });
  CHECK(both == kinds{kind::convolution});
  CHECK(types_of([](graph g) { return nn::relu(g, nn::add(g, "x", normalized(g, conv4(g, "x")))); }) ==
        kinds{kind::convolution});
  CHECK(types_of([](graph g) { return nn::add(g, nn::relu(g, conv4(g, "x")), "x"); }) ==
        kinds{kind::convolution, kind::binary});
  CHECK(types_of([](graph g) { return nn::mul(g, conv4(g, "x"), "x"); }) == kinds{kind::convolution, kind::binary});
  CHECK(types_of([](graph g) { // one sum only
          return nn::add(g, nn::add(g, conv4(g, "x"), "x"), "x");
        }) == kinds{kind::convolution, kind::binary});
  CHECK(types_of([](graph g) { // scaling after the sum would scale the residual too
          return normalized(g, nn::add(g, conv4(g, "x"), "x"));
        }) == kinds{kind::convolution, kind::affine});
  CHECK(types_of([](graph g) { // the value added to itself
          const auto c = conv4(g, "x");
          return nn::add(g, c, c);
        }) == kinds{kind::convolution, kind::binary});
  CHECK(types_of([](graph g) { // shapes that are broadcast
          const auto c = conv4(g, "x");
          return nn::add(g, c, node(g, "GlobalMaxPool", {"x"}));
        }) == kinds{kind::convolution, kind::global_pools, kind::binary});
  // Of two convolutions the later one adds, after both operands are there.
  nn::graph g = nn::start("test");
  const std::string first = conv4(g, "x"), second = conv4(g, "x");
  nn::finish(g, nn::add(g, second, first));
  const outcome o = fused(g, usual);
  REQUIRE(o.types() == kinds{kind::convolution, kind::convolution});
  CHECK_FALSE(o.stages[0].conv.has_residual);
  CHECK(o.stages[1].conv.has_residual);
  CHECK(o.stages[1].inputs == std::vector<std::size_t>{o.typed.inputs[0], o.stages[0].outputs[0]});
}

TEST_CASE("fuse: padding with zeros goes into the window", "[nn]") {
  const auto build = [](const extents& pads, float fill) {
    return [=](nn::graph& g) { return conv4(g, padded(g, "x", pads, fill)); };
  };
  CHECK(types_of(build({0, 0, 1, 2, 0, 0, 3, 4}, 0)) == kinds{kind::convolution});
  CHECK(types_of(build({0, 0, 1, 2, 0, 0, 3, 4}, 1)) == kinds{kind::strided_copy, kind::convolution});
  CHECK(types_of(build({1, 0, 1, 1, 0, 0, 1, 1}, 0)) ==
        kinds{kind::strided_copy, kind::convolution}); // the batch grows
  CHECK(types_of(build({0, 1, 1, 1, 0, 0, 1, 1}, 0), {1, 3, 6, 6}) ==
        kinds{kind::strided_copy, kind::convolution}); // the channels grow
  CHECK(types_of([](nn::graph& g) {
          const auto p = padded(g, "x", {0, 0, 1, 1, 0, 0, 1, 1});
          return nn::concat(g, {conv4(g, p), p});
        }) == kinds{kind::strided_copy, kind::convolution, kind::concat});
  CHECK(types_of([](nn::graph& g) { // a transposed convolution has no such window
          return nn::conv_transpose(g, padded(g, "x", {0, 0, 1, 1, 0, 0, 1, 1}), {4, 2, 1, 1}, std::vector<float>(8));
        }) == kinds{kind::strided_copy, kind::convolution});
  nn::graph g = nn::start("test");
  nn::finish(g, build({0, 0, 1, 2, 0, 0, 3, 4}, 0)(g));
  const nn::window w = fused(g, usual).stages[0].conv.spec.area;
  CHECK((w.before[0] == 2 && w.before[1] == 3 && w.after[0] == 4 && w.after[1] == 5));
}

TEST_CASE("fuse: DepthToSpace goes into the convolution where its kernels can", "[nn]") {
  const auto build = [](nn::graph& g) { return nn::relu(g, nn::depth_to_space(g, conv4(g, "x"), 2, "CRD")); };
  CHECK(types_of(build) == kinds{kind::convolution});
  CHECK(types_of(build, usual, false) == kinds{kind::convolution, kind::depth_to_space, kind::elementwise});
  CHECK(types_of([](nn::graph& g) { return nn::depth_to_space(g, nn::add(g, conv4(g, "x"), "x"), 2); }) ==
        kinds{kind::convolution, kind::depth_to_space}); // a residual is not rearranged
  CHECK(types_of([](nn::graph& g) {                      // the same factor for all channels may follow
          return nn::mul(g, nn::depth_to_space(g, conv4(g, "x"), 2), std::vector<float>{3});
        }) == kinds{kind::convolution});
  CHECK(types_of([](nn::graph& g) { // one DepthToSpace only
          return nn::depth_to_space(
              g, nn::depth_to_space(g, nn::conv(g, "x", {16, 4, 1, 1}, std::vector<float>(64)), 2), 2);
        }) == kinds{kind::convolution, kind::depth_to_space});
  CHECK(types_of([](nn::graph& g) {
          return nn::depth_to_space(g, nn::conv_transpose(g, "x", {4, 4, 1, 1}, std::vector<float>(16)), 2);
        }) == kinds{kind::convolution, kind::depth_to_space});
}

TEST_CASE("fuse: slices and pads become one copy", "[nn]") {
  const auto slice = [](nn::graph& g, const std::string& v) {
    return node(g, "Slice", {v, integers(g, {1, 0}), integers(g, {6, 6}), integers(g, {2, 3}), integers(g, {2, 3})});
  };
  CHECK(types_of([&](nn::graph& g) {
          return padded(g, slice(g, "x"), {0, 1, 0, 0, 0, 2, 0, 0}, 7);
        }) == kinds{kind::strided_copy});
  CHECK(types_of([&](nn::graph& g) {
          return slice(g, padded(g, "x", {0, 0, 2, 1, 0, 0, 2, 1}));
        }) == kinds{kind::strided_copy});
  CHECK(types_of([&](nn::graph& g) { // both fills show
          return padded(g, padded(g, "x", {0, 0, 1, 0, 0, 0, 0, 0}, 1), {0, 0, 1, 0, 0, 0, 0, 0}, 2);
        }) == kinds{kind::strided_copy, kind::strided_copy});
  CHECK(types_of([&](nn::graph& g) {
          const auto s = slice(g, "x");
          return nn::concat(g, {padded(g, s, {0, 1, 0, 0, 0, 2, 0, 0}), s});
        }) == kinds{kind::strided_copy, kind::strided_copy, kind::concat});
  // Random chains against the plain operators.
  random_source random(1);
  for (int round = 0; round < 100; ++round) {
    values y = random.tensor({1, 3, 8, 9});
    const values x = y;
    nn::graph g = nn::start("test");
    std::string v = "x";
    for (int i = 0; i < 4; ++i) {
      if (random.coin()) {
        extents pads(8);
        for (std::size_t k = 1; k < 8; ++k) pads[k] = k == 4 ? 0 : random.integer(0, 2);
        const double fill = random.integer(0, 3) == 0 ? 1 : 0;
        v = padded(g, v, pads, static_cast<float>(fill));
        y = pad(y, pads, fill);
        continue;
      }
      extents starts(3), ends(3), steps(3);
      for (std::size_t k = 0; k < 3; ++k) {
        starts[k] = random.integer(0, y.shape[k + 1] - 1);
        ends[k] = random.integer(starts[k] + 1, y.shape[k + 1]);
        steps[k] = random.integer(1, 3);
      }
      v = node(g, "Slice", {v, integers(g, starts), integers(g, ends), integers(g, {1, 2, 3}), integers(g, steps)});
      values z =
          zeros({1, (ends[0] - starts[0] + steps[0] - 1) / steps[0], (ends[1] - starts[1] + steps[1] - 1) / steps[1],
                 (ends[2] - starts[2] + steps[2] - 1) / steps[2]});
      for (std::int64_t c = 0; c < z.shape[1]; ++c)
        for (std::int64_t i2 = 0; i2 < z.shape[2]; ++i2)
          for (std::int64_t j = 0; j < z.shape[3]; ++j)
            z.at(0, c, i2, j) = y.at(0, starts[0] + steps[0] * c, starts[1] + steps[1] * i2, starts[2] + steps[2] * j);
      y = z;
    }
    nn::finish(g, v);
    CAPTURE(round);
    CHECK(error(run(g, x), y) == 0);
    nn::graph behind = g; // the same on channels-last tensors
    const std::string c = nn::conv(behind, "x", {3, 3, 3, 3}, std::vector<float>(81, 0), {}, {.pads = {1, 1, 1, 1}});
    for (nn::weight& w : behind.weights)
      if (w.shape.size() == 4)
        for (std::size_t o = 0; o < 3; ++o) w.values[(o * 3 + o) * 9 + 4] = 1; // gives its input
    behind.nodes[0].inputs[0] = c;
    nn::finish(behind, v);
    CHECK(error(run(behind, x), y) == 0);
  }
}

TEST_CASE("fuse: average and maximum of the same planes are one pass", "[nn]") {
  using graph = nn::graph&;
  CHECK(types_of([](graph g) {
          return nn::add(g, node(g, "GlobalAveragePool", {"x"}), node(g, "GlobalMaxPool", {"x"}));
        }) == kinds{kind::global_pools, kind::binary});
  CHECK(types_of([](graph g) { // a window of the whole plane is the same
          return nn::add(g, node(g, "GlobalMaxPool", {"x"}),
                         node(g, "AveragePool", {"x"}, {{"kernel_shape", extents{6, 6}}}));
        }) == kinds{kind::global_pools, kind::binary});
  CHECK(types_of([](graph g) {
          const auto mean = node(g, "GlobalAveragePool", {"x"});
          return nn::add(g, mean, node(g, "GlobalMaxPool", {nn::relu(g, "x")}));
        }) == kinds{kind::global_pools, kind::elementwise, kind::global_pools, kind::binary});
  CHECK(types_of([](graph g) {
          return nn::add(g, node(g, "GlobalMaxPool", {"x"}), node(g, "GlobalMaxPool", {"x"}));
        }) == kinds{kind::global_pools, kind::global_pools, kind::binary});
  CHECK(types_of([](graph g) {
          return node(g, "MaxPool", {"x"}, {{"kernel_shape", extents{6, 5}}});
        }) == kinds{kind::pool});
  // Padding that counts in the divisor is another average.
  CHECK(types_of([](graph g) {
          return node(g, "AveragePool", {"x"},
                      {{"kernel_shape", extents{6, 6}},
                       {"strides", extents{9, 9}},
                       {"pads", extents{1, 1, 1, 1}},
                       {"count_include_pad", std::int64_t{1}}});
        }) == kinds{kind::pool});
}

TEST_CASE("fuse: a convolution whose weights are computed stays as it is", "[nn]") {
  nn::graph g = nn::start("test");
  g.inputs.push_back("w");
  nn::finish(g, nn::relu(g, node(g, "Conv", {"x", "w"})));
  CHECK(fused(g, {2, 2, 3, 3}).types() == kinds{kind::other, kind::elementwise});
}
