#include <aecnn/nn/lower.hpp>

#include <array>

#include "reference.hpp"

using namespace reference;

namespace {

/// A convolution with what may stand before and after it, and what it must give.
struct experiment {
  nn::graph graph = nn::start("test");
  std::vector<values> inputs;
  values expected;
  std::int64_t terms = 0; ///< of the sum that makes an output element
  std::string what;
};

void note(experiment& e, const std::string& what) { e.what += what + " "; }

/// Follows `v` by a normalisation, a residual, an activation, DepthToSpace, some or none.
std::string follow(experiment& e, random_source& random, std::string v, bool rearrange) {
  nn::graph& g = e.graph;
  const std::int64_t channels = e.expected.shape[1];
  if (random.integer(0, 2) == 0) {
    const auto scale = random.reals(channels), shift = random.reals(channels), mean = random.reals(channels);
    auto variance = random.reals(channels);
    for (float& x : variance) x = x * x + 0.5F;
    v = nn::batch_normalization(g, v, scale, shift, mean, variance, 1e-3F);
    std::vector<double> a, b;
    for (std::int64_t c = 0; c < channels; ++c) {
      a.push_back(number(scale, c) / std::sqrt(number(variance, c) + static_cast<double>(1e-3F)));
      b.push_back(number(shift, c) - a.back() * number(mean, c));
    }
    e.expected = affine(e.expected, a, b);
    note(e, "BatchNormalization");
  }
  if (random.integer(0, 3) == 0) {
    g.inputs.push_back("residual");
    e.inputs.push_back(random.tensor(e.expected.shape));
    v = random.coin() ? nn::add(g, v, "residual") : nn::add(g, "residual", v);
    e.expected = add(e.expected, e.inputs.back());
    note(e, "Add");
  }
  switch (random.integer(0, 3)) {
  case 0:
    v = nn::relu(g, v);
    e.expected = relu(e.expected);
    note(e, "Relu");
    break;
  case 1: {
    // The largest output stays, because the error is compared with it; half of the other side goes.
    double least = 0, most = 0;
    for (const double x : e.expected.data) least = std::min(least, x), most = std::max(most, x);
    const bool positive = most > -least;
    const auto low = static_cast<float>(positive ? 0.5 * least : least),
               high = static_cast<float>(positive ? most : 0.5 * most);
    v = nn::clip(g, v, low, high);
    e.expected = map(e.expected, [&](double x) {
      return std::min(std::max(x, static_cast<double>(low)), static_cast<double>(high));
    });
    note(e, "Clip");
    break;
  }
  case 2:
    v = nn::leaky_relu(g, v, 0.125F);
    e.expected = map(e.expected, [](double x) { return x < 0 ? 0.125 * x : x; });
    note(e, "LeakyRelu");
    break;
  default:
    break;
  }
  for (const std::int64_t block : {3, 2})
    if (rearrange && channels % (block * block) == 0) {
      const bool crd = random.coin();
      v = nn::depth_to_space(g, v, block, crd ? "CRD" : "DCR");
      e.expected = depth_to_space(e.expected, block, crd);
      note(e, crd ? "DepthToSpace CRD" : "DepthToSpace DCR");
      break;
    }
  return v;
}

std::array<std::int64_t, 2> pair(random_source& random, std::int64_t least, std::int64_t most) {
  const std::int64_t a = random.integer(least, most), b = random.integer(least, most);
  return {a, b};
}

/// Pads the value by a node of its own.
std::string pad_before(nn::graph& g, std::string v, const extents& pads, float fill) {
  g.weights.push_back({"pads", {8}, {}, pads, nn::element_type::int64});
  g.weights.push_back({"fill", {}, {fill}});
  g.nodes.push_back({"Pad", "pad", {std::move(v), "pads", "fill"}, {"padded"}});
  return "padded";
}

experiment random_convolution(unsigned seed) {
  experiment e;
  random_source random(seed);
  const std::int64_t kind = random.integer(0, 3); // ordinary, grouped, depthwise, 1x1
  nn::conv_options o;
  std::int64_t group_inputs = random.integer(1, 70), group_outputs = random.integer(1, 70);
  if (kind == 1) {
    o.groups = random.integer(2, 5);
    group_inputs = random.integer(1, 14);
    group_outputs = random.integer(1, 20);
  } else if (kind == 2) {
    o.groups = random.integer(1, 70);
    group_inputs = group_outputs = 1;
  }
  const bool rearrange = random.integer(0, 3) == 0;
  if (rearrange && kind == 0) group_outputs = random.coin() ? 4 * random.integer(1, 34) : 9 * random.integer(1, 16);
  const std::int64_t batch = random.integer(1, 3);
  std::array<std::int64_t, 2> size = pair(random, 1, 20), kernel = pair(random, 1, 5);
  if (kind == 3) kernel = {1, 1};
  o.strides = random.coin() ? std::array<std::int64_t, 2>{1, 1} : pair(random, 1, 3);
  o.dilations = random.coin() ? std::array<std::int64_t, 2>{1, 1} : pair(random, 1, 3);
  if (kind != 3 || random.coin())
    for (std::int64_t& p : o.pads) p = random.integer(0, 2);
  for (std::size_t i = 0; i < 2; ++i)
    size[i] = std::max(size[i], o.dilations[i] * (kernel[i] - 1) + 1 - o.pads[i] - o.pads[i + 2]);
  values x = random.tensor(
      {batch, group_inputs * o.groups, std::max<std::int64_t>(1, size[0]), std::max<std::int64_t>(1, size[1])});
  e.inputs = {x};
  std::string v = "x";
  if (random.integer(0, 4) == 0) {
    extents pads(8);
    for (const std::size_t i : {2U, 3U, 6U, 7U}) pads[i] = random.integer(0, 2);
    const float fill = random.coin() ? 0.0F : 0.5F;
    v = pad_before(e.graph, v, pads, fill);
    x = pad(x, pads, static_cast<double>(fill));
    note(e, "Pad");
  }
  const extents ws{group_outputs * o.groups, group_inputs, kernel[0], kernel[1]};
  const auto w = random.reals(ws[0] * ws[1] * ws[2] * ws[3]);
  const auto bias = random.coin() ? random.reals(ws[0]) : std::vector<float>{};
  v = nn::conv(e.graph, v, ws, w, bias, o);
  e.expected = conv(x, ws, w, bias, o);
  e.terms = group_inputs * kernel[0] * kernel[1];
  note(e, "Conv " + nn::to_string(x.shape) + " by " + nn::to_string(ws));
  nn::finish(e.graph, follow(e, random, v, rearrange));
  return e;
}

/// The convolutions that Winograd may take.
experiment random_winograd(unsigned seed) {
  experiment e;
  random_source random(seed);
  const nn::conv_options o{.pads = {1, 1, 1, 1}};
  const std::int64_t inputs = random.integer(1, 80), batch = random.integer(1, 2);
  const std::int64_t outputs = seed % 4 == 0 ? 4 * random.integer(1, 33) : random.integer(1, 80);
  const auto size = seed % 8 == 1 ? pair(random, 1, 4) : pair(random, 5, 28);
  const values x = random.tensor({batch, inputs, size[0], size[1]});
  e.inputs = {x};
  const extents ws{outputs, inputs, 3, 3};
  const auto w = random.reals(outputs * inputs * 9), bias = random.reals(outputs);
  e.expected = conv(x, ws, w, bias, o);
  e.terms = inputs * 9;
  note(e, "Conv " + nn::to_string(x.shape) + " by " + nn::to_string(ws));
  nn::finish(e.graph, follow(e, random, nn::conv(e.graph, "x", ws, w, bias, o), seed % 4 == 0));
  return e;
}

experiment random_transposed(unsigned seed) {
  experiment e;
  random_source random(seed);
  nn::conv_options o;
  o.groups = random.integer(0, 2) == 0 ? random.integer(2, 4) : 1;
  const std::int64_t group_inputs = random.integer(1, 20), group_outputs = random.integer(1, o.groups == 1 ? 40 : 9);
  const std::int64_t batch = random.integer(1, 3);
  const auto size = pair(random, 1, 12), kernel = pair(random, 1, 5);
  o.strides = pair(random, 1, 3);
  o.dilations = random.integer(0, 2) == 0 ? pair(random, 1, 3) : std::array<std::int64_t, 2>{1, 1};
  for (std::size_t i = 0; i < 2; ++i) {
    o.output_padding[i] = random.integer(0, std::max(o.strides[i], o.dilations[i]) - 1);
    const std::int64_t full = o.strides[i] * (size[i] - 1) + o.dilations[i] * (kernel[i] - 1) + 1 + o.output_padding[i];
    o.pads[i] = random.integer(0, std::min<std::int64_t>(2, full - 1));
    o.pads[i + 2] = random.integer(0, std::min<std::int64_t>(2, full - 1 - o.pads[i]));
  }
  const values x = random.tensor({batch, group_inputs * o.groups, size[0], size[1]});
  e.inputs = {x};
  const extents ws{group_inputs * o.groups, group_outputs, kernel[0], kernel[1]};
  const auto w = random.reals(ws[0] * ws[1] * ws[2] * ws[3]);
  const auto bias = random.coin() ? random.reals(group_outputs * o.groups) : std::vector<float>{};
  e.expected = conv_transpose(x, ws, w, bias, o);
  e.terms = group_inputs * kernel[0] * kernel[1];
  const std::string v = nn::conv_transpose(e.graph, "x", ws, w, bias, o);
  note(e, "ConvTranspose " + nn::to_string(x.shape) + " by " + nn::to_string(ws));
  nn::finish(e.graph, follow(e, random, v, random.integer(0, 3) == 0));
  return e;
}

void check(const experiment& e, unsigned seed) {
  CAPTURE(seed, e.what);
  for (const auto level : levels())
    for (const bool exact : {true, false}) {
      CAPTURE(static_cast<int>(level), exact);
      // Rounding in a sum grows with the number of its terms.
      const double bound = exact ? 1e-6 : 2e-5;
      CHECK(error(run_all(e.graph, e.inputs, at_level(level, exact))[0], e.expected) < bound);
    }
}

} // namespace

TEST_CASE("lower: convolutions of random shapes with what stands around them", "[nn]") {
  for (unsigned seed = 0; seed < 250; ++seed) check(random_convolution(seed), seed);
}

TEST_CASE("lower: 3x3 convolutions of random sizes", "[nn]") {
  for (unsigned seed = 0; seed < 48; ++seed) check(random_winograd(seed), seed);
}

TEST_CASE("lower: transposed convolutions of random shapes", "[nn]") {
  for (unsigned seed = 0; seed < 120; ++seed) check(random_transposed(seed), seed);
}

namespace {

std::size_t count_steps(const nn::network& net, const std::string& label) {
  std::size_t n = 0;
  for (const auto& s : net.steps()) n += s->label == label ? 1U : 0U;
  return n;
}
std::size_t count_steps(const nn::graph& g, const values& x, bool exact = false) {
  return prepared(g, {x}, at_level(aecnn::best_instruction_set(), exact)).steps().size();
}

/// Appends a 3x3 convolution with zeros around; remembers its weights.
struct layer {
  extents shape;
  std::vector<float> weights, bias;
  nn::conv_options options{.pads = {1, 1, 1, 1}};
  layer(random_source& random, std::int64_t outputs, std::int64_t inputs, std::int64_t kernel = 3)
      : shape{outputs, inputs, kernel, kernel}, weights(random.reals(outputs * inputs * kernel * kernel, 0.3F)),
        bias(random.reals(outputs)) {
    if (kernel == 1) options.pads = {0, 0, 0, 0};
  }
  std::string append(nn::graph& g, const std::string& v) const { return nn::conv(g, v, shape, weights, bias, options); }
  values of(const values& x) const { return conv(x, shape, weights, bias, options); }
};

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
values reshaped(values v, extents shape) {
  v.shape = std::move(shape);
  return v;
}

constexpr double tolerance = 2e-5;

} // namespace

TEST_CASE("lower: Winograd in strips and with all tiles first", "[nn]") {
  if (aecnn::best_instruction_set() == aecnn::instruction_set::portable) {
    SUCCEED("vectors of one float have no Winograd");
    return;
  }
  random_source random(1);
  for (const bool strips : {true, false})
    for (const bool residual : {false, true}) {
      CAPTURE(strips, residual);
      const std::int64_t channels = strips ? 32 : 128;
      const extents size = strips ? extents{1, channels, 37, 33} : extents{2, channels, 9, 10};
      nn::graph g = nn::start("test");
      const layer c(random, channels, channels);
      std::vector<values> inputs{random.tensor(size)};
      std::string v = c.append(g, "x");
      values y = c.of(inputs[0]);
      if (residual) {
        g.inputs.push_back("r");
        inputs.push_back(random.tensor(size));
        v = nn::add(g, v, "r");
        y = add(y, inputs[1]);
      }
      nn::finish(g, nn::relu(g, v));
      y = relu(y);
      CHECK(worst_error(g, inputs, {y}) < tolerance);
      const auto best = aecnn::best_instruction_set();
      const nn::network net = prepared(g, inputs, at_level(best));
      CHECK((count_steps(net, "node 'conv0' (Conv) forward transform") == 1) == !strips);
      nn::network exact = prepared(g, inputs, at_level(best, true));
      CHECK(error(run(exact, inputs)[0], y) < 1e-6);
      nn::network fast = prepared(g, inputs, at_level(best));
      CHECK(run(fast, inputs)[0].data != run(exact, inputs)[0].data); // so Winograd was taken
    }
}

TEST_CASE("lower: the number of steps of known networks", "[nn]") {
  random_source random(2);
  const values x = random.tensor({1, 8, 6, 5});
  nn::graph g = nn::start("test");
  nn::finish(g, "x");
  CHECK(count_steps(g, x) == 1); // a copy
  nn::finish(g, layer(random, 8, 8, 1).append(g, "x"));
  CHECK(count_steps(g, x) == 1); // a 1x1 convolution reads and writes channels-first
  g = nn::start("test");
  nn::finish(g, layer(random, 8, 8).append(g, "x"));
  CHECK(count_steps(g, x, true) == 3); // to channels-last, Conv, to channels-first
  g = nn::start("test");
  std::string v = "x";
  for (int i = 0; i < 4; ++i) v = nn::relu(g, layer(random, 8, 8).append(g, v));
  nn::finish(g, v);
  CHECK(count_steps(g, x, true) == 6);
  nn::finish(g, layer(random, 4, 8, 1).append(g, v));
  CHECK(count_steps(g, x, true) == 6); // the last one writes channels-first itself
  g = nn::start("test");
  nn::finish(g, nn::sigmoid(g, "x"));
  CHECK(count_steps(g, x) == 1);
  nn::finish(g, nn::identity(g, nn::relu(g, nn::sigmoid(g, "x"))));
  CHECK(count_steps(g, x) == 2);
}

TEST_CASE("lower: an output that is read inside as well, and one that is an input", "[nn]") {
  random_source random(3);
  const values x = random.tensor({2, 5, 7, 6});
  const layer a(random, 9, 5), b(random, 4, 9);
  nn::graph g = nn::start("test");
  const std::string p = nn::relu(g, a.append(g, "x")), q = b.append(g, p);
  g.outputs = {q, p, "x", nn::identity(g, "x"), p};
  const values y = relu(a.of(x));
  CHECK(worst_error(g, {x}, {b.of(y), y, x, x, y}) < tolerance);
  g.outputs = {"x"};
  CHECK(worst_error(g, {x}, {x}) == 0);
}

TEST_CASE("lower: constant outputs", "[nn]") {
  random_source random(4);
  nn::graph g = nn::start("test");
  g.weights.push_back({"w", {2, 3}, {1, -2, 3, -4, 5, -6}});
  g.outputs = {nn::relu(g, "w"), "w", nn::relu(g, "x")};
  const values x = random.tensor({1, 2, 2, 2});
  CHECK(worst_error(g, {x}, {{{2, 3}, {1, 0, 3, 0, 5, 0}}, {{2, 3}, {1, -2, 3, -4, 5, -6}}, relu(x)}) == 0);
}

TEST_CASE("lower: views of values in both layouts, inside and as outputs", "[nn]") {
  random_source random(5);
  const values x = random.tensor({2, 6, 4, 5});
  const layer a(random, 8, 6), b(random, 3, 8);
  nn::graph g = nn::start("test");
  const std::string c = a.append(g, "x");
  const std::string flat = node(g, "Flatten", {c}), back = node(g, "Reshape", {flat, integers(g, {2, 8, 4, 5})});
  const std::string same = nn::identity(g, back), wide = node(g, "Reshape", {same, integers(g, {2, 8, 20, 1})});
  const std::string input_view = node(g, "Reshape", {"x", integers(g, {12, 20})});
  g.outputs = {flat, c, same, b.append(g, nn::identity(g, same)), wide, nn::sigmoid(g, wide), input_view};
  const values y = a.of(x), w = reshaped(y, {2, 8, 20, 1});
  CHECK(worst_error(g, {x}, {reshaped(y, {2, 160}), y, y, b.of(y), w, sigmoid(w), reshaped(x, {12, 20})}) < tolerance);
}

TEST_CASE("lower: channel attention", "[nn]") {
  random_source random(6);
  for (const bool after_convolution : {false, true}) {
    CAPTURE(after_convolution);
    const values x = random.tensor({2, 24, 9, 7});
    const layer first(random, 24, 24), down(random, 6, 24, 1), up(random, 24, 6, 1);
    nn::graph g = nn::start("test");
    const std::string v = after_convolution ? first.append(g, "x") : "x";
    const auto branch = [&](const char* pool) { return up.append(g, nn::relu(g, down.append(g, node(g, pool, {v})))); };
    const std::string mean = branch("GlobalAveragePool"), most = branch("GlobalMaxPool");
    const std::string factors = nn::sigmoid(g, nn::add(g, mean, most));
    g.outputs = {nn::mul(g, v, factors), factors, nn::mul(g, factors, v)};
    const values y = after_convolution ? first.of(x) : x;
    const auto reference_branch = [&](bool maximum) { return up.of(relu(down.of(global_pool(y, maximum)))); };
    const values f = sigmoid(add(reference_branch(false), reference_branch(true)));
    CHECK(worst_error(g, {x}, {mul(y, f), f, mul(y, f)}) < tolerance);
  }
}

TEST_CASE("lower: joins values of both layouts", "[nn]") {
  random_source random(7);
  const values x = random.tensor({2, 5, 6, 4});
  const layer a(random, 7, 5), b(random, 4, 12), c(random, 3, 5, 1);
  nn::graph g = nn::start("test");
  const std::string p = a.append(g, "x"), s = nn::sigmoid(g, "x");
  const std::string joined = nn::concat(g, {p, s}), plain = nn::concat(g, {s, "x", s});
  g.outputs = {b.append(g, joined), joined, plain, nn::concat(g, {c.append(g, "x"), p, plain})};
  const values y = concat({a.of(x), sigmoid(x)}), z = concat({sigmoid(x), x, sigmoid(x)});
  CHECK(worst_error(g, {x}, {b.of(y), y, z, concat({c.of(x), a.of(x), z})}) < tolerance);
}

TEST_CASE("lower: the padded shortcut of a residual network", "[nn]") {
  // Every second pixel, with channels of zeros before and after.
  random_source random(8);
  for (const bool channels_last : {false, true}) {
    CAPTURE(channels_last);
    const values x = random.tensor({2, 6, 9, 8});
    layer first(random, 6, 6), down(random, 12, 6);
    down.options.strides = {2, 2};
    nn::graph g = nn::start("test");
    const std::string v = channels_last ? nn::relu(g, first.append(g, "x")) : "x";
    const std::string sliced =
        node(g, "Slice", {v, integers(g, {0, 0}), integers(g, {100, 100}), integers(g, {2, 3}), integers(g, {2, 2})});
    const std::string padded = node(g, "Pad", {sliced, integers(g, {0, 2, 0, 0, 0, 4, 0, 0})});
    g.outputs = {nn::relu(g, nn::add(g, down.append(g, v), padded)), padded};
    const values y = channels_last ? relu(first.of(x)) : x;
    values half = zeros({2, 6, 5, 4});
    for (std::int64_t n = 0; n < 2; ++n)
      for (std::int64_t k = 0; k < 6; ++k)
        for (std::int64_t i = 0; i < 5; ++i)
          for (std::int64_t j = 0; j < 4; ++j) half.at(n, k, i, j) = y.at(n, k, 2 * i, 2 * j);
    const values shortcut = pad(half, {0, 2, 0, 0, 0, 4, 0, 0}, 0);
    CHECK(worst_error(g, {x}, {relu(add(down.of(y), shortcut)), shortcut}) < tolerance);
  }
}

TEST_CASE("lower: one value with and without a border", "[nn]") {
  random_source random(9);
  const values x = random.tensor({2, 6, 5, 7});
  const layer entry(random, 8, 6), three(random, 8, 8), one(random, 8, 8, 1);
  layer five(random, 8, 8, 5);
  five.options.pads = {2, 2, 2, 2};
  nn::graph g = nn::start("test");
  const std::string v = entry.append(g, "x");
  const std::string pooled = node(g, "MaxPool", {v}, {{"kernel_shape", extents{3, 3}}, {"pads", extents{1, 1, 1, 1}}});
  const std::string mean = node(g, "AveragePool", {v}, {{"kernel_shape", extents{2, 2}}, {"strides", extents{2, 2}}});
  g.outputs = {five.append(g, v),
               three.append(g, v),
               one.append(g, v),
               three.append(g, pooled),
               v,
               nn::mul(g, v, pooled),
               nn::sigmoid(g, v),
               mean,
               nn::mul(g, v, std::vector<float>{2})};
  const values y = entry.of(x), p = pool(y, true, 3, 1, 1, false);
  CHECK(worst_error(g, {x},
                    {five.of(y), three.of(y), one.of(y), three.of(p), y, mul(y, p), sigmoid(y),
                     pool(y, false, 2, 2, 0, false), map(y, [](double e) { return 2 * e; })}) < tolerance);
}

TEST_CASE("lower: pools in front of and behind convolutions", "[nn]") {
  random_source random(10);
  const values x = random.tensor({2, 5, 9, 8});
  const layer a(random, 6, 5), b(random, 4, 6);
  for (const bool maximum : {true, false})
    for (const bool count : {false, true})
      for (const std::int64_t kernel : {2, 3}) {
        CAPTURE(maximum, count, kernel);
        if (maximum && count) continue;
        nn::graph g = nn::start("test");
        std::vector<std::pair<std::string, nn::attribute>> attributes{
            {"kernel_shape", extents{kernel, kernel}}, {"strides", extents{2, 2}}, {"pads", extents{1, 1, 1, 1}}};
        if (!maximum) attributes.emplace_back("count_include_pad", std::int64_t{count ? 1 : 0});
        const char* const type = maximum ? "MaxPool" : "AveragePool";
        const std::string direct = node(g, type, {"x"}, attributes),
                          between = node(g, type, {a.append(g, "x")}, attributes);
        g.outputs = {direct, b.append(g, between)};
        CHECK(worst_error(g, {x},
                          {pool(x, maximum, kernel, 2, 1, count), b.of(pool(a.of(x), maximum, kernel, 2, 1, count))}) <
              tolerance);
      }
}

TEST_CASE("lower: a window of a MaxPool that lies in the padding alone gives -infinity", "[nn]") {
  const values x{{1, 1, 2, 1}, {3, 4}};
  nn::graph g = nn::start("test");
  g.outputs = {node(g, "MaxPool", {"x"},
                    {{"kernel_shape", extents{2, 1}}, {"dilations", extents{3, 1}}, {"pads", extents{1, 0, 1, 0}}})};
  for (const auto level : levels())
    CHECK(run(g, x, at_level(level)).data == std::vector<double>{-std::numeric_limits<double>::infinity()});
}

TEST_CASE("lower: several inputs, and one-dimensional and flat values", "[nn]") {
  random_source random(11);
  const values x = random.tensor({2, 3, 5, 4}), z = random.tensor({2, 3, 1, 1}), line = random.tensor({2, 4, 9, 1});
  const layer a(random, 6, 3);
  nn::graph g = nn::start("test");
  g.inputs = {"x", "z", "line"};
  const std::string product = nn::mul(g, "x", "z"), sum = nn::add(g, "z", "x");
  nn::conv_options o{.pads = {1, 0, 1, 0}};
  const auto w = random.reals(5 * 4 * 3), bias = random.reals(5);
  g.weights.push_back({"w", {5, 4, 3}, w});
  g.weights.push_back({"b", {5}, bias});
  const std::string conv1 = node(g, "Conv", {"line", "w", "b"}, {{"pads", extents{1, 1}}});
  g.outputs = {a.append(g, product), sum, nn::relu(g, conv1)};
  std::vector<values> inputs{x, z, reshaped(line, {2, 4, 9})};
  const values y = relu(conv(line, {5, 4, 3, 1}, w, bias, o));
  CHECK(worst_error(g, inputs, {a.of(mul(x, z)), add(x, z), reshaped(y, {2, 5, 9})}) < tolerance);
}

TEST_CASE("lower: values without elements", "[nn]") {
  // No item is left after the Slice: convolutions and what follows have nothing to do.
  random_source random(12);
  const values x = random.tensor({2, 16, 4, 4});
  const layer a(random, 32, 16);
  nn::graph g = nn::start("test");
  const std::string none = node(g, "Slice", {"x", integers(g, {0}), integers(g, {0}), integers(g, {0})});
  const std::string c = nn::relu(g, a.append(g, none));
  const std::string pooled = node(g, "MaxPool", {none}, {{"kernel_shape", extents{2, 2}}}), moved = nn::depth_to_space(g, none, 2);
  const values none_of_16 = zeros({0, 16, 4, 4});
  g.outputs = {c, nn::sigmoid(g, c), nn::relu(g, "x"), pooled, moved, nn::mul(g, none, std::vector<float>{2})};
  const values of_c = zeros({0, 32, 4, 4});
  CHECK(worst_error(g, {x}, {of_c, of_c, relu(x), zeros({0, 16, 3, 3}), zeros({0, 4, 8, 8}), none_of_16}) == 0);
}
