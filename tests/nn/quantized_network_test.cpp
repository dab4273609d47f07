#include <aecnn/nn/quantized_network.hpp>

#include <aecnn/nn/reconstructor.hpp>

#include "quantized/integer_reference.hpp"

using namespace integer_reference;
using aecnn::shape3;

static_assert(aecnn::reconstructor<nn::quantized_network>);

namespace {

/// Two convolutions, [5,h,w] to [9,h,w].
struct example {
  nn::graph g = nn::start("example");
  nn::quantization q;
  layer a, b;

  example() {
    random_integers random(61);
    a.outputs = 20;
    a.kernel[0] = a.kernel[1] = 3;
    a.options.pads = {1, 1, 1, 1};
    b.outputs = 9;
    b.kernel[0] = b.kernel[1] = 3;
    b.options.pads = {1, 1, 1, 1};
    a.integers = random_integers_for(random, a, 5, 9);
    b.integers = random_integers_for(random, b, 20, 9);
    a.integers.output = append(g, "x", a, 5);
    b.integers.output = append(g, a.integers.output, b, 20);
    nn::finish(g, b.integers.output);
    q = {{{"x", 0.03F, 120}, {a.integers.output, 0.05F, 128}, {b.integers.output, 0.06F, 100}},
         {a.integers, b.integers}};
  }
  bytes input(std::int64_t h, std::int64_t w) const {
    random_integers random(62);
    return random_bytes(random, {1, 5, h, w}, 0.03F, 120);
  }
  bytes output(const bytes& x) const { return convolve(convolve(x, a, 0.05F, 128), b, 0.06F, 100); }
};

} // namespace

TEST_CASE("a quantised network is prepared for one shape after another") {
  const example e;
  auto net = nn::quantized_network::create(e.g, e.q).value();
  CHECK_FALSE(net.prepared());
  CHECK(net.output_shape() == shape3{});
  CHECK(net.activation_bytes() == 0);
  CHECK(net.input_shapes().empty());
  CHECK(net.output_shapes().empty());
  CHECK(net.steps().empty());
  REQUIRE(net.source() != nullptr);
  CHECK(*net.source() == e.g);
  CHECK(nn::quantized_network().source() == nullptr);
  for (const std::int64_t size : {6, 3, 11}) {
    const bytes x = e.input(size, size + 1), y = e.output(x);
    const auto s = static_cast<std::size_t>(size);
    net.prepare(shape3{5, s, s + 1}).value();
    CHECK(net.input_shape() == shape3{5, s, s + 1});
    CHECK(net.output_shape() == shape3{9, s, s + 1});
    CHECK(net.multiply_adds() == s * (s + 1) * 9 * (5 * 20 + 20 * 9));
    CHECK(net.activation_bytes() > 0);
    REQUIRE(net.input_shapes().size() == 1);
    CHECK(net.input_shapes()[0] == extents{1, 5, size, size + 1});
    REQUIRE(net.output_shapes().size() == 1);
    CHECK(net.output_shapes()[0] == extents{1, 9, size, size + 1});
    CHECK_FALSE(net.steps().empty());
    std::vector<float> found(y.size());
    net.run_to(x.floats(), found).value();
    CHECK(found == y.floats());
    nn::quantized_network copy = net;
    std::vector<float> again(y.size());
    copy.run_to(x.floats(), again).value();
    CHECK(again == found);
    nn::thread_pool pool(2, 0);
    nn::quantized_network assigned;
    assigned = net;
    assigned.use(&pool);
    assigned.run_to(x.floats(), again).value();
    CHECK(again == found);
  }
  REQUIRE(net.integers() != nullptr);
  CHECK(*net.integers() == e.q);
}

TEST_CASE("a quantised network whose graph declares its shape is ready at once") {
  example e;
  e.g.input_shapes = {{1, 5, 4, 6}};
  auto net = nn::quantized_network::create(e.g, e.q).value();
  CHECK(net.prepared());
  CHECK(net.prepare(shape3{5, 4, 5}).error().code == errc::bad_shape);
  CHECK(net.output_shape() == shape3{9, 4, 6}); // as before
}

TEST_CASE("a quantised network refuses wrong calls") {
  const example e;
  nn::quantized_network empty;
  std::vector<float> in(5 * 12), out(9 * 12);
  CHECK(empty.prepare(shape3{5, 3, 4}).error().code == errc::invalid_argument);
  CHECK(empty.run_to(in, out).error().code == errc::invalid_argument);
  auto net = nn::quantized_network::create(e.g, e.q).value();
  CHECK(net.run_to(in, out).error().code == errc::invalid_argument);
  CHECK(net.prepare(shape3{5, 0, 4}).error().code == errc::bad_shape);
  CHECK(net.prepare(shape3{4, 3, 4}).error().code == errc::bad_shape);
  CHECK(net.prepare(std::span<const extents>{}).error().code == errc::invalid_argument);
  const extents line{5}, volume{1, 5, 3, 4, 1};
  CHECK(net.prepare(std::span(&line, 1)).error().code == errc::bad_shape);
  CHECK(net.prepare(std::span(&volume, 1)).error().message.find("expected rank 2 to 4") != std::string::npos);
  CHECK(net.prepare(shape3{5, 1 << 16, 1 << 16}).error().code == errc::limit_exceeded);
  net.prepare(shape3{5, 3, 4}).value();
  CHECK(net.run_to(std::span<const float>(in).first(59), out).error().code == errc::bad_shape);
  CHECK(net.run_to(in, std::span<float>(out).first(10)).error().code == errc::bad_shape);
  CHECK(net.run_to(in, out));
}

TEST_CASE("a quantised network needs memory within the limits") {
  const example e;
  nn::network_options o;
  o.bounds.max_activation_bytes = 4096;
  auto net = nn::quantized_network::create(e.g, e.q, o).value();
  CHECK(net.prepare(shape3{5, 3, 4}));
  CHECK(net.prepare(shape3{5, 30, 40}).error().code == errc::limit_exceeded);
}

TEST_CASE("a graph of two outputs cannot be quantised") {
  example e;
  e.g.outputs.push_back(e.a.integers.output);
  const auto net = nn::quantized_network::create(e.g, e.q);
  REQUIRE(!net);
  CHECK(net.error().code == errc::unsupported);
}

TEST_CASE("infinities count as the ends of the range") {
  nn::graph g = nn::start("relu");
  nn::finish(g, nn::relu(g, "x"));
  auto net = nn::quantized_network::create(g, {{{"x", 0.5F, 100}, {g.outputs[0], 0.5F, 0}}, {}}).value();
  net.prepare(shape3{1, 1, 3}).value();
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> x{infinity, -infinity, 3};
  std::vector<float> y(3);
  net.run_to(x, y).value();
  CHECK(y == std::vector<float>{77.5F, 0, 3});
}

TEST_CASE("the output of a quantised network is the same on every machine") {
  // The hash was computed on x86-64 and, with the same result, on AArch64.
  random_integers random(9);
  nn::graph g = nn::start("golden");
  nn::quantization q;
  q.values.push_back({"x", 0.0123F, 77});
  const auto add = [&](const std::string& x, std::int64_t outputs, std::int64_t inputs, std::int64_t kernel,
                       float scale) {
    const std::int64_t count = outputs * inputs * kernel * kernel, pad = kernel / 2;
    const std::vector<float> unused(static_cast<std::size_t>(count), 0.5F);
    const std::string y =
        nn::relu(g, nn::conv(g, x, {outputs, inputs, kernel, kernel}, unused, {}, {.pads = {pad, pad, pad, pad}}));
    nn::convolution_quantization c;
    c.output = y;
    for (std::int64_t i = 0; i < count; ++i) c.weights.push_back(static_cast<std::int8_t>(random.between(-127, 127)));
    for (std::int64_t o = 0; o < outputs; ++o) {
      c.bias.push_back(random.between(-9999, 9999));
      c.scales.push_back(0.001F * static_cast<float>(random.between(100, 300)));
    }
    q.convolutions.push_back(std::move(c));
    q.values.push_back({y, scale, 0});
    return y;
  };
  nn::finish(g, add(add(add("x", 33, 7, 3, 3.7F), 21, 33, 3, 919), 50, 21, 1, 77777));
  std::vector<float> x(7 * 13 * 19), y(50 * 13 * 19);
  for (float& v : x) v = static_cast<float>(random.between(-2000, 2000)) * 0.001F;
  auto net = nn::quantized_network::create(g, q).value();
  net.prepare(shape3{7, 13, 19}).value();
  net.run_to(x, y).value();
  std::uint64_t hash = 1469598103934665603U; // FNV-1a over the bits of the floats
  for (const float v : y) hash = (hash ^ std::bit_cast<std::uint32_t>(v)) * 1099511628211U;
  CHECK(hash == 0xb8820a787e3c4febU);
  CHECK(std::count_if(y.begin(), y.end(), [](float v) { return v != 0; }) == 5337);
}
