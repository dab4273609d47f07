#include "../allocation/allocations.hpp"

#include <aecnn/nn/network.hpp>

#include <limits>
#include <thread>

#include <aecnn/nn/thread_pool.hpp>

#include "reference.hpp"

using namespace reference;
using aecnn::errc;
using aecnn::shape3;

namespace {

/// A small residual decoder of many operators: [6,h,w] to [4,2h,2w].
nn::graph decoder(unsigned seed) {
  random_source random(seed);
  const auto weights = [&](std::int64_t n) { return random.reals(n, 0.3F); };
  nn::graph g = nn::start("decoder");
  const nn::conv_options same{.pads = {1, 1, 1, 1}};
  auto w = weights(16 * 54), b = weights(16);
  std::string v = nn::relu(g, nn::conv(g, "x", {16, 6, 3, 3}, w, b, same));
  for (int i = 0; i < 3; ++i) {
    std::string r = nn::conv(g, v, {16, 1, 3, 3}, weights(16 * 9), {}, {.pads = {1, 1, 1, 1}, .groups = 16});
    w = weights(16), b = weights(16);
    const auto mean = weights(16);
    r = nn::batch_normalization(g, r, w, b, mean, std::vector<float>(16, 0.5F));
    w = weights(256), b = weights(16);
    r = nn::conv(g, nn::leaky_relu(g, r), {16, 16, 1, 1}, w, b);
    v = nn::add(g, v, nn::mul(g, r, nn::sigmoid(g, r)));
  }
  const std::string up = nn::conv_transpose(g, v, {16, 2, 2, 2}, weights(128), {}, {.strides = {2, 2}});
  const std::string shuffled = nn::depth_to_space(g, nn::conv(g, v, {8, 16, 3, 3}, weights(8 * 144), {}, same), 2);
  v = nn::identity(g, nn::concat(g, {up, shuffled}));
  nn::finish(g, nn::clip(g, v, -2, 2));
  return g;
}

std::vector<float> run_once(nn::network& net, const std::vector<float>& x) {
  std::vector<float> y(net.output_shape().size());
  net.run_to(x, y).value();
  return y;
}

/// y = 3 x, whatever the shape.
class triple final : public nn::operation {
public:
  explicit triple(nn::tensor_type t) : operation({std::move(t)}) {}
  std::size_t workspace() const override { return 5; }
  std::uint64_t multiply_adds() const override { return nn::element_count(outputs()[0].shape); }
  void run(std::span<const nn::const_tensor_data> in, std::span<const nn::tensor_data> out,
           float* workspace) const noexcept override {
    for (std::size_t i = 0; i < 5; ++i) workspace[i] = 3;
    for (std::size_t i = 0; i < nn::element_count(outputs()[0].shape); ++i)
      out[0].floats[i] = workspace[i % 5] * in[0].floats[i];
  }
};
aecnn::result<std::unique_ptr<nn::operation>> make_triple(nn::node_reader& r) {
  r.expect_inputs(1, 1);
  r.expect_float(0);
  if (r.failed()) return r.error();
  return std::unique_ptr<nn::operation>(
      std::make_unique<triple>(nn::tensor_type{nn::element_type::float32, r.shape(0)}));
}

} // namespace

TEST_CASE("network: every instruction set gives the same up to rounding, and the same every time", "[nn]") {
  random_source random(1);
  const values x = random.tensor({1, 6, 9, 11});
  const nn::graph g = decoder(1);
  const values y = run(g, x, at_level(aecnn::instruction_set::portable));
  CHECK(y.shape == extents{1, 4, 18, 22});
  for (const auto level : levels()) {
    CHECK(error(run(g, x, at_level(level)), y) < 1e-5);
    CHECK(run(g, x, at_level(level)).data == run(g, x, at_level(level)).data);
  }
}

TEST_CASE("network: run_to allocates nothing, with and without threads", "[nn]") {
  nn::thread_pool pool(3, 0);
  for (const std::size_t threads : {1U, 3U}) {
    auto net = nn::network::create(decoder(1)).value();
    if (threads > 1) net.use(&pool);
    net.prepare({6, 33, 20}).value();
    const std::vector<float> x(net.input_shape().size(), 0.5F);
    std::vector<float> y(net.output_shape().size());
    net.run_to(x, y).value();
    const long during = allocations::in([&] {
      for (int i = 0; i < 20; ++i) static_cast<void>(net.run_to(x, y).has_value());
    });
    CHECK(during == 0);
    CHECK(allocations::count > 0);
  }
}

TEST_CASE("network: copies share weights but not memory", "[nn]") {
  random_source random(2);
  auto first = nn::network::create(decoder(2)).value();
  const shape3 in{6, 16, 16};
  first.prepare(in).value();
  std::vector<std::vector<float>> inputs, expected;
  for (int i = 0; i < 8; ++i) {
    inputs.push_back(random.reals(6 * 16 * 16));
    expected.push_back(run_once(first, inputs.back()));
  }
  nn::network second;
  CHECK(allocations::in([&] { second = first; }) < 10); // memory and a table, no weights
  std::vector<int> wrong(2);
  const auto work = [&](nn::network& net, std::size_t id) {
    std::vector<float> y(expected[0].size());
    for (std::size_t i = 0; i < 100; ++i) {
      const std::size_t k = (i + id * 3) % inputs.size();
      if (!net.run_to(inputs[k], y) || y != expected[k]) ++wrong[id];
    }
  };
  std::thread other([&] { work(second, 1); });
  work(first, 0);
  other.join();
  CHECK(wrong == std::vector<int>{0, 0});
  second.prepare({6, 2, 2}).value(); // the first keeps its shapes
  CHECK(first.input_shape() == in);
  CHECK(run_once(first, inputs[0]) == expected[0]);
  first = {};
  CHECK(second.input_shape() == shape3{6, 2, 2});
  CHECK_FALSE(first.prepared());
}

TEST_CASE("network: memory is that of the largest values that live together", "[nn]") {
  const auto bytes = [](int layers) {
    nn::graph g = nn::start("test");
    std::string v = "x";
    for (int i = 0; i < layers; ++i) v = nn::sigmoid(g, v);
    nn::finish(g, v);
    auto net = nn::network::create(g).value();
    net.prepare({8, 32, 32}).value();
    return net.activation_bytes();
  };
  const std::size_t value = 8 * 32 * 32 * sizeof(float), slack = 1024;
  CHECK(bytes(1) <= slack); // from the caller's memory to the caller's
  CHECK(bytes(2) >= value);
  CHECK(bytes(2) <= value + slack);
  CHECK(bytes(3) >= 2 * value);
  CHECK(bytes(3) <= 2 * value + slack);
  CHECK(bytes(30) == bytes(3));
}

TEST_CASE("network: values that outlive others keep their content", "[nn]") {
  random_source random(3);
  const values x = random.tensor({1, 2, 3, 4});
  nn::graph g = nn::start("test");
  const std::string early = nn::mul(g, "x", std::vector<float>{2});
  std::string v = early;
  for (int i = 0; i < 4; ++i) v = nn::relu(g, nn::add(g, v, std::vector<float>{0.25F}));
  nn::finish(g, nn::add(g, nn::add(g, v, early), "x"));
  const values y = map(x, [](double e) {
    double u = 2 * e;
    for (int i = 0; i < 4; ++i) u = std::max(u + 0.25, 0.0);
    return u + 2 * e + e;
  });
  CHECK(error(run(g, x), y) < 1e-6);
}

TEST_CASE("network: prepare again with another shape, and keep the old one when it fails", "[nn]") {
  random_source random(5);
  auto net = nn::network::create(decoder(5)).value();
  CHECK_FALSE(net.prepared());
  CHECK(net.output_shape() == shape3{});
  CHECK(net.input_shapes().empty());
  CHECK(net.steps().empty());
  std::vector<float> y(4 * 8 * 8);
  const auto x = random.reals(6 * 4 * 4);
  CHECK(net.run_to(x, y).error().code == errc::invalid_argument);
  net.prepare({6, 4, 4}).value();
  net.run_to(x, y).value();
  const auto first = y;
  for (const shape3& bad : {shape3{0, 4, 4}, shape3{6, 0, 4}, shape3{6, 4, 0}, shape3{5, 4, 4}})
    CHECK(net.prepare(bad).error().code == errc::bad_shape);
  CHECK(net.prepare({6, 1 << 14, 1 << 14}).error().code == errc::limit_exceeded);
  CHECK(net.prepare({6, 1, 1 << 16}).error().code == errc::limit_exceeded);
  CHECK(net.prepare({1 << 17, 1, 1}).error().code == errc::limit_exceeded);
  const std::size_t huge = std::numeric_limits<std::size_t>::max() / 2;
  CHECK(net.prepare({huge, huge, huge}).error().code == errc::limit_exceeded);
  CHECK(net.output_shape() == shape3{4, 8, 8});
  net.run_to(x, y).value();
  CHECK(y == first);
  CHECK(net.run_to(std::span(x).first(95), y).error().code == errc::bad_shape);
  const auto s = net.run_to(x, std::span(y).first(255));
  CHECK(s.error().code == errc::bad_shape);
  CHECK(s.error().message == "output 0 has 255 elements, expected [1,4,8,8]");
  net.prepare({6, 1, 2}).value();
  CHECK(net.output_shape() == shape3{4, 2, 4});
  CHECK(net.run_to(x, y).error().code == errc::bad_shape);
}

TEST_CASE("network: a failed allocation leaves what was there", "[nn]") {
  random_source random(6);
  nn::thread_pool pool(2, 0);
  const auto x = random.reals(6 * 4 * 4);
  auto net = nn::network::create(decoder(6)).value(), other = net;
  net.prepare({6, 4, 4}).value();
  other.prepare({6, 24, 24}).value();
  const auto y = run_once(net, x);
  long failures = 0;
  const auto keeps = [&] {
    if (net.input_shape() != shape3{6, 4, 4} || run_once(net, x) != y) FAIL("the network changed");
    ++failures;
  };
  for (long n = 0;; ++n) {
    nn::network trial = net;
    bool done = false;
    {
      const allocations::only budget(n);
      const auto s = trial.prepare({6, 24, 24});
      done = s.has_value();
      if (!done && s.error().code != errc::out_of_memory) FAIL(s.error().message);
    }
    if (done) break;
    if (trial.input_shape() != shape3{6, 4, 4} || run_once(trial, x) != y) FAIL("prepare left half of it: " << n);
    ++failures;
    REQUIRE(n < 100000);
  }
  CHECK(failures > 20);
  for (long n = 0; n < 2; ++n) {
    const auto fails = [&](auto f) {
      const allocations::only budget(n);
      try {
        f();
      } catch (const std::bad_alloc&) {
        return true;
      }
      return false;
    };
    CHECK(fails([&] { net.use(&pool); }));
    keeps();
    CHECK(fails([&] { net = other; }));
    keeps();
  }
}

TEST_CASE("network: limit on activation memory", "[nn]") {
  aecnn::limits bounds;
  auto net = nn::network::create(decoder(6)).value();
  net.prepare({6, 16, 16}).value();
  bounds.max_activation_bytes = net.activation_bytes();
  CHECK(nn::network::create(decoder(6), bounds).value().prepare({6, 16, 16}).has_value());
  bounds.max_activation_bytes -= 4;
  const auto s = nn::network::create(decoder(6), bounds).value().prepare({6, 16, 16});
  REQUIRE_FALSE(s.has_value());
  CHECK(s.error().code == errc::limit_exceeded);
  CHECK(s.error().message.find("activation memory, limit " + std::to_string(bounds.max_activation_bytes)) !=
        std::string::npos);
}

TEST_CASE("network: multiply-adds", "[nn]") {
  nn::graph g = nn::start("test");
  auto v = nn::conv(g, "x", {16, 8, 3, 3}, std::vector<float>(16 * 72), {}, {.strides = {2, 2}, .pads = {1, 1, 1, 1}});
  v = nn::conv(g, v, {16, 1, 3, 3}, std::vector<float>(144), {}, {.groups = 16});
  nn::finish(g, nn::conv_transpose(g, v, {16, 4, 2, 2}, std::vector<float>(256), {}, {.strides = {2, 2}}));
  // 16*72 at 5x4, 144 at 3x2, 256 at each of the 3x2 inputs.
  CHECK(nn::multiply_adds(g, {8, 10, 8}).value() == 16 * 72 * 20 + 144 * 6 + 256 * 6);
  CHECK(nn::multiply_adds(g, {7, 10, 8}).error().code == errc::bad_shape);
  // As many with Winograd, with both of its forms.
  for (const std::int64_t channels : {32, 128}) {
    const auto extent = static_cast<std::size_t>(channels == 32 ? 40 : 9);
    nn::graph w = nn::start("test");
    nn::finish(w, nn::conv(w, "x", {channels, channels, 3, 3},
                           std::vector<float>(static_cast<std::size_t>(channels * channels * 9)), {},
                           {.pads = {1, 1, 1, 1}}));
    CHECK(nn::multiply_adds(w, {static_cast<std::size_t>(channels), extent, extent}).value() ==
          static_cast<std::uint64_t>(channels * channels * 9) * extent * extent);
  }
}

TEST_CASE("network: xtensor in and out, with and without a batch", "[nn]") {
  auto net = nn::network::create(decoder(7)).value();
  random_source random(7);
  xt::xarray<float> x = xt::xarray<float>::from_shape({2, 6, 5, 4});
  for (float& v : x) v = random.real();
  const auto y = net.run(x);
  REQUIRE(y.dimension() == 4);
  CHECK(y.shape()[0] == 2);
  CHECK(y.shape()[3] == 8);
  const std::size_t n = 6 * 5 * 4;
  for (std::size_t i = 0; i < 2; ++i) {
    xt::xarray<float> item = xt::xarray<float>::from_shape({6, 5, 4});
    std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(i * n), n, item.begin());
    const auto z = net.run(item);
    CHECK(z.dimension() == 3);
    CHECK(std::equal(z.begin(), z.end(), y.begin() + static_cast<std::ptrdiff_t>(i * z.size())));
  }
  const xt::xarray<float> flat = xt::xarray<float>::from_shape({6, 5});
  CHECK(net.try_run(flat).error().code == errc::bad_shape);
  const xt::xarray<float> narrow = xt::xarray<float>::from_shape({5, 5, 4});
  CHECK_THROWS_AS(net.run(narrow), aecnn::error);
  // An expression, column-major even.
  xt::xarray<float, xt::layout_type::column_major> turned = x;
  const auto same = net.run(turned + 0.0F);
  CHECK(std::equal(same.begin(), same.end(), y.begin()));
}

TEST_CASE("network: a declared batch runs at once, and a declared rank is kept", "[nn]") {
  nn::graph g = nn::start("test");
  nn::finish(g, nn::relu(g, "x"));
  g.input_shapes = {{2, 3}};
  auto net = nn::network::create(g).value();
  CHECK(net.prepared());
  CHECK(net.input_shapes()[0] == extents{2, 3});
  const xt::xarray<float> x{{-1.0F, 2.0F, 3.0F}, {4.0F, -5.0F, 6.0F}};
  const auto y = net.run(x);
  CHECK(std::vector<float>(y.begin(), y.end()) == std::vector<float>{0, 2, 3, 4, 0, 6});
  CHECK(net.input_shapes()[0] == extents{2, 3});
  const extents wrong[] = {{2, 4}}, deeper[] = {{2, 3, 1}};
  CHECK(net.prepare(wrong).error().message.find("the network declares [2,3]") != std::string::npos);
  CHECK(net.prepare(deeper).error().code == errc::bad_shape);
  g.input_shapes = {{-1, 3}};
  net = nn::network::create(g).value();
  CHECK_FALSE(net.prepared());
  net.prepare({3, 1, 1}).value();
  CHECK(net.input_shapes()[0] == extents{1, 3});
  CHECK(net.input_shape() == shape3{3, 1, 1});
  g.input_shapes = {{2, 3}, {1}};
  CHECK(nn::network::create(g).error().code == errc::bad_field);
  g = nn::start("test"); // the declared shape does not suit
  nn::finish(g, nn::conv(g, "x", {1, 2, 1, 1}, {1, 1}));
  g.input_shapes = {{1, 3, 2, 2}};
  CHECK(nn::network::create(g).error().message.find("node 'conv0' (Conv)") == 0);
}

TEST_CASE("network: inputs and outputs by position and by name", "[nn]") {
  nn::graph g = nn::start("test", "a");
  g.inputs.push_back("b");
  const std::string sum = nn::add(g, "a", "b"), product = nn::mul(g, "a", "b");
  g.outputs = {sum, product};
  auto net = nn::network::create(g).value();
  const nn::network::array a{{1.0F, 2.0F}}, b{{3.0F, 5.0F}};
  const std::vector<nn::network::array> in{a, b};
  const auto out = net.run(std::span<const nn::network::array>(in));
  REQUIRE(out.size() == 2);
  CHECK(std::vector<float>(out[0].begin(), out[0].end()) == std::vector<float>{4, 7});
  CHECK(std::vector<float>(out[1].begin(), out[1].end()) == std::vector<float>{3, 10});
  using named = std::vector<std::pair<std::string, nn::network::array>>;
  const named both{{"b", b}, {"a", a}};
  const auto by_name = net.try_run(std::span<const std::pair<std::string, nn::network::array>>(both)).value();
  REQUIRE(by_name.size() == 2);
  CHECK(by_name[1].first == product);
  CHECK(by_name[1].second(0, 1) == 10);
  const auto code = [&](const named& n) {
    auto r = net.try_run(std::span<const std::pair<std::string, nn::network::array>>(n));
    INFO(r.error().message);
    CHECK((r.error().message.find("'b'") != std::string::npos || r.error().message.find("'c'") != std::string::npos));
    return r.error().code;
  };
  CHECK(code({{"a", a}}) == errc::missing_field);
  CHECK(code({{"a", a}, {"b", b}, {"c", b}}) == errc::bad_field);
  CHECK(net.try_run(a).error().code == errc::invalid_argument); // two inputs
  CHECK(net.prepare({1, 1, 1}).error().code == errc::invalid_argument);
  const extents one[] = {{1, 2}};
  CHECK(net.prepare(one).error().code == errc::invalid_argument);
  std::vector<float> x(2);
  CHECK(net.run_to(x, x).error().code == errc::invalid_argument);
  const nn::network::array wide = xt::zeros<float>({1, 3});
  const std::vector<nn::network::array> unequal{a, wide};
  CHECK(net.try_run(std::span<const nn::network::array>(unequal)).error().code == errc::bad_shape);
}

TEST_CASE("network: operators of one's own", "[nn]") {
  nn::operator_set mine = nn::operator_set::standard();
  mine.add("Triple", make_triple);
  nn::graph g = nn::start("test");
  g.weights.push_back({"w", {1, 2, 1, 1}, {1, 2}});
  g.nodes.push_back({"Triple", "t", {"x"}, {"y"}});
  g.nodes.push_back({"Triple", "folded", {"w"}, {"z"}});
  nn::finish(g, nn::mul(g, "y", "z"));
  CHECK(failure_of(g, "node 't' (Triple): operator 'Triple' is not supported") == errc::unsupported);
  nn::network_options options;
  options.operators = &mine;
  random_source random(8);
  const values x = random.tensor({1, 2, 3, 3});
  CHECK(error(run(g, x, options), affine(x, {9, 18}, {0, 0})) < 1e-6);
  nn::graph h = nn::start("test"); // behind a convolution, so that it must be brought back to channels-first
  const auto w = random.reals(3 * 2 * 9);
  h.nodes.push_back({"Triple", "t", {nn::conv(h, "x", {3, 2, 3, 3}, w)}, {"y"}});
  nn::finish(h, nn::relu(h, "y"));
  CHECK(error(run(h, x, options), relu(map(conv(x, {3, 2, 3, 3}, w, {}, {}), [](double e) { return 3 * e; }))) < 1e-6);
  CHECK(prepared(h, {x}, options).multiply_adds() == 3 * 2 * 9 + 3);
  // What an operation makes is checked against the node and against the limits.
  g.nodes[0].outputs.push_back("second");
  auto failing = nn::network::create(g, options).value();
  CHECK(failing.prepare({2, 3, 3}).error().code == errc::bad_field);
  CHECK(failing.prepare({2, 3, 3}).error().message == "node 't' (Triple): has 2 outputs, the operator has 1");
  mine.add("Deep", [](nn::node_reader&) -> aecnn::result<std::unique_ptr<nn::operation>> {
    return std::unique_ptr<nn::operation>(std::make_unique<triple>(nn::tensor_type{nn::element_type::float32, extents(9, 1)}));
  });
  g.nodes[0] = {"Deep", "d", {"x"}, {"y"}};
  failing = nn::network::create(g, options).value();
  CHECK(failing.prepare({2, 3, 3}).error().code == errc::limit_exceeded);
  CHECK(failing.prepare({2, 3, 3}).error().message == "node 'd' (Deep): output of rank 9, limit 8");
}

TEST_CASE("network: items of a batch run one by one need outputs of one item", "[nn]") {
  nn::graph g = nn::start("test");
  g.weights.push_back({"shape", {2}, {}, {2, -1}, nn::element_type::int64});
  g.nodes.push_back({"Reshape", "r", {"x", "shape"}, {"y"}});
  nn::finish(g, nn::relu(g, "y"));
  auto net = nn::network::create(g).value();
  const nn::network::array one = xt::ones<float>({1, 2, 3, 2}), two = xt::ones<float>({2, 2, 3, 2});
  CHECK(net.run(one).shape()[1] == 6);
  const auto refused = net.try_run(two);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::bad_shape);
  CHECK(refused.error().message == "output of shape [2,6] for one item, expected a first extent of 1");
}

TEST_CASE("network: empty", "[nn]") {
  nn::network net;
  CHECK(net.source() == nullptr);
  CHECK(net.activation_bytes() == 0);
  CHECK(net.prepare({1, 1, 1}).error().code == errc::invalid_argument);
  CHECK(net.prepare(std::span<const extents>{}).error().code == errc::invalid_argument);
  CHECK(net.run_to(std::span<const float>{}, std::span<float>{}).error().code == errc::invalid_argument);
  const nn::network::array x = xt::zeros<float>({1, 1, 1});
  CHECK(net.try_run(x).error().code == errc::invalid_argument);
  CHECK(net.try_run(std::span<const nn::network::array>(&x, 1)).error().code == errc::invalid_argument);
  CHECK(net.try_run(std::span<const std::pair<std::string, nn::network::array>>{}).error().code ==
        errc::invalid_argument);
  net.use(nullptr);
  CHECK_FALSE(net.prepared());
}
