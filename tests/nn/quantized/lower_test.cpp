#include <aecnn/nn/quantized/lower.hpp>

#include "integer_reference.hpp"

using namespace integer_reference;

namespace {

/// The code of the failure to make a network of a graph, whose message must name `expected`.
errc refusal(const nn::graph& g, const nn::quantization& q, const std::string& expected) {
  auto net = nn::quantized_network::create(g, q);
  aecnn::status s = net ? net->prepare(aecnn::shape3{4, 3, 3}) : aecnn::status(net.error());
  REQUIRE(!s);
  INFO(s.error().message);
  CHECK(s.error().message.find(expected) != std::string::npos);
  return s.error().code;
}

struct one_convolution {
  nn::graph g = nn::start("one");
  nn::quantization q;
  explicit one_convolution(std::int64_t outputs = 2) {
    layer l;
    l.outputs = outputs;
    random_integers random(3);
    l.integers = random_integers_for(random, l, 4, 8);
    l.integers.output = append(g, "x", l, 4);
    nn::finish(g, l.integers.output);
    q = {{{"x", 1, 0}, {l.integers.output, 1, 0}}, {l.integers}};
  }
};

} // namespace

TEST_CASE("operators without an integer form are refused by name") {
  const nn::quantization q{{{"x", 1, 0}, {"sigmoid0", 1, 0}, {"mul0", 1, 0}, {"leaky_relu0", 1, 0}}, {}};
  nn::graph g = nn::start("a");
  nn::finish(g, nn::sigmoid(g, "x"));
  CHECK(refusal(g, q, "sigmoid0") == errc::unsupported);
  nn::graph h = nn::start("b");
  nn::finish(h, nn::mul(h, "x", "x"));
  CHECK(refusal(h, q, "mul0") == errc::unsupported);
  nn::graph i = nn::start("c");
  nn::finish(i, nn::leaky_relu(i, "x"));
  CHECK(refusal(i, q, "leaky_relu0") == errc::unsupported);
  nn::graph k = nn::start("d");
  nn::finish(k, nn::add(k, "x", std::vector<float>(4, 1.0F)));
  CHECK(refusal(k, {{{"x", 1, 0}, {"add0", 1, 0}}, {}}, "add0") == errc::unsupported);
  nn::graph l = nn::start("e");
  l.weights.push_back({"w", {1, 1, 3, 3}, std::vector<float>(9, 1.0F)});
  nn::finish(l, nn::concat(l, {"x", "w"}));
  CHECK(refusal(l, {{{"x", 1, 0}, {l.outputs[0], 1, 0}}, {}}, "an operand is a constant") == errc::unsupported);
  nn::graph m = nn::start("f");
  m.weights.push_back({"w", {1, 1, 3, 3}, std::vector<float>(9, 1.0F)});
  nn::finish(m, nn::relu(m, "w"));
  CHECK(refusal(m, {{{"x", 1, 0}}, {}}, "is a constant") == errc::unsupported);
}

TEST_CASE("values without elements and windows too large for exact sums are refused") {
  nn::graph g = nn::start("none");
  const auto integers = [&](extents v) {
    const std::string name = "integers" + std::to_string(g.weights.size());
    g.weights.push_back({name, {static_cast<std::int64_t>(v.size())}, {}, std::move(v), nn::element_type::int64});
    return name;
  };
  const std::string none = integers({0}), axis = integers({2});
  nn::finish(g, nn::detail::append(g, "slice", "Slice", {"x", none, none, axis}));
  CHECK(refusal(g, {{{"x", 1, 0}, {"slice", 1, 0}}, {}}, "'slice' has shape [1,4,0,3]") == errc::unsupported);
  auto flat = nn::quantized_network::create(g, {{{"x", 1, 0}, {"slice", 1, 0}}, {}}).value();
  const extents line{1, 4, 3};
  CHECK(flat.prepare(std::span(&line, 1)).error().code == errc::unsupported);
  nn::graph h = nn::start("pool");
  nn::finish(h, nn::detail::append(h, "pool", "GlobalAveragePool", {"x"}));
  auto net = nn::quantized_network::create(h, {{{"x", 1, 0}, {"pool", 1, 0}}, {}}).value();
  CHECK(net.prepare(aecnn::shape3{1, 2048, 2048}));
  CHECK(net.prepare(aecnn::shape3{1, 2048, 2049}).error().code == errc::limit_exceeded);
}

TEST_CASE("a convolution followed by LeakyRelu is refused") {
  one_convolution c;
  nn::finish(c.g, nn::leaky_relu(c.g, c.g.outputs[0]));
  CHECK(refusal(c.g, c.q, "LeakyRelu") == errc::unsupported);
}

TEST_CASE("a quantisation that lacks something is refused") {
  one_convolution c;
  nn::quantization q = c.q;
  q.values.pop_back();
  CHECK(refusal(c.g, q, c.g.outputs[0]) == errc::missing_field);
  q = c.q;
  q.values.erase(q.values.begin());
  CHECK(refusal(c.g, q, "'x'") == errc::missing_field);
  q = c.q;
  q.convolutions.clear();
  CHECK(refusal(c.g, q, c.g.outputs[0]) == errc::missing_field);
  q = c.q;
  q.convolutions[0].weights.pop_back();
  CHECK(refusal(c.g, q, "7 weights") == errc::bad_shape);
  q = c.q;
  q.convolutions[0].scales.push_back(1);
  CHECK(refusal(c.g, q, "3 scales") == errc::bad_shape);
  q = c.q;
  q.convolutions[0].bias.clear();
  CHECK(refusal(c.g, q, "0 biases") == errc::bad_shape);
}

TEST_CASE("sums that may leave 32 bits are refused") {
  one_convolution c;
  c.q.convolutions[0].bias[1] = 0x7fffffff;
  CHECK(refusal(c.g, c.q, "output channel 1") == errc::limit_exceeded);
  c.q.convolutions[0].bias[1] = -0x7fffffff;
  CHECK(refusal(c.g, c.q, "output channel 1") == errc::limit_exceeded);
}

TEST_CASE("scales out of range are refused") {
  for (const float scale :
       {0.0F, -1.0F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(), 1e-30F, 1e30F}) {
    one_convolution c;
    c.q.values[0].scale = scale;
    CHECK(refusal(c.g, c.q, "'x'") == errc::bad_field);
    one_convolution d;
    d.q.convolutions[0].scales[1] = scale;
    CHECK(refusal(d.g, d.q, "weights") == errc::bad_field);
  }
  for (const std::int32_t zero : {-1, 256}) {
    one_convolution c;
    c.q.values[1].zero = zero;
    CHECK(refusal(c.g, c.q, "zero point") == errc::bad_field);
  }
  one_convolution c;
  c.q.values.push_back(c.q.values[0]);
  CHECK(refusal(c.g, c.q, "'x'") == errc::duplicate_name);
}

TEST_CASE("values that only move must keep their scale, and ratios are bounded") {
  nn::graph g = nn::start("move");
  nn::finish(g, nn::depth_to_space(g, "x", 2));
  CHECK(refusal(g, {{{"x", 1, 0}, {g.outputs[0], 2, 0}}, {}}, "depth_to_space0") == errc::bad_field);
  nn::graph h = nn::start("relu");
  nn::finish(h, nn::relu(h, "x"));
  CHECK(refusal(h, {{{"x", 64, 0}, {h.outputs[0], 1, 0}}, {}}, "relu0") == errc::bad_field);
}

TEST_CASE("shapes without planes are refused") {
  nn::graph g = nn::start("reshape");
  nn::weight w{"to", {3}, {}};
  w.integers = {1, 6, 6};
  w.type = nn::element_type::int64;
  g.weights.push_back(w);
  nn::finish(g, nn::detail::append(g, "reshape", "Reshape", {"x", "to"}));
  CHECK(refusal(g, {{{"x", 1, 0}, {"reshape", 1, 0}}, {}}, "reshape") == errc::unsupported);
}
