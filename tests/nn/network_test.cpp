#include <aecnn/nn/network.hpp>

#include <cstdlib>
#include <limits>
#include <new>
#include <thread>

#include "reference.hpp"

namespace {
thread_local std::size_t allocations = 0;

void* allocate(std::size_t n, std::size_t alignment = alignof(std::max_align_t)) {
  ++allocations;
  void* p = std::aligned_alloc(alignment, (n + alignment) / alignment * alignment);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

// Not inlined: g++ would see free() meet a pointer from operator new and warn.
[[gnu::noinline]] void release(void* p) noexcept { std::free(p); }
} // namespace

void* operator new(std::size_t n) { return allocate(n); }
void* operator new[](std::size_t n) { return allocate(n); }
void* operator new(std::size_t n, std::align_val_t a) { return allocate(n, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t n, std::align_val_t a) { return allocate(n, static_cast<std::size_t>(a)); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return allocate(n); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return allocate(n); }
void operator delete(void* p) noexcept { release(p); }
void operator delete[](void* p) noexcept { release(p); }
void operator delete(void* p, std::size_t) noexcept { release(p); }
void operator delete[](void* p, std::size_t) noexcept { release(p); }
void operator delete(void* p, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { release(p); }

using namespace reference;
using aecnn::errc;

namespace {

/// A small residual decoder with every operator: [6,h,w] to [4,2h,2w].
nn::graph decoder(unsigned seed) {
  random_source random(seed);
  const auto weights = [&](std::size_t n) {
    auto w = random.reals(n);
    for (float& v : w) v *= 0.3F;
    return w;
  };
  nn::graph g = nn::start("decoder");
  const nn::conv_options same{.pads = {1, 1, 1, 1}};
  std::string v = nn::relu(g, nn::conv(g, "x", {16, 6, 3, 3}, weights(16 * 54), weights(16), same));
  for (int i = 0; i < 3; ++i) {
    std::string r = nn::conv(g, v, {16, 1, 3, 3}, weights(16 * 9), {}, {.pads = {1, 1, 1, 1}, .groups = 16});
    r = nn::batch_normalization(g, r, weights(16), weights(16), weights(16), std::vector<float>(16, 0.5F));
    r = nn::conv(g, nn::leaky_relu(g, r), {16, 16, 1, 1}, weights(256), weights(16));
    v = nn::add(g, v, nn::mul(g, r, nn::sigmoid(g, r)));
  }
  const std::string up = nn::conv_transpose(g, v, {16, 2, 2, 2}, weights(128), {}, {.strides = {2, 2}});
  const std::string shuffled = nn::depth_to_space(g, nn::conv(g, v, {8, 16, 3, 3}, weights(8 * 144), {}, same), 2);
  v = nn::identity(g, nn::concat(g, {up, shuffled}));
  nn::finish(g, nn::clip(g, v, -2, 2));
  return g;
}

} // namespace

TEST_CASE("network: every instruction set gives the same up to rounding, and the same every time", "[nn]") {
  random_source random(1);
  const values x = random.tensor({6, 9, 11});
  const nn::graph g = decoder(1);
  const values y = run(g, x, aecnn::instruction_set::portable);
  CHECK(y.shape == shape3{4, 18, 22});
  for (const auto level :
       {aecnn::instruction_set::vector4, aecnn::instruction_set::avx2, aecnn::instruction_set::avx512}) {
    CHECK(error(run(g, x, level), y) < 1e-5);
    CHECK(run(g, x, level).data == run(g, x, level).data);
  }
}

TEST_CASE("network: run_to allocates nothing", "[nn]") {
  auto net = nn::network::create(decoder(1)).value();
  net.prepare({6, 33, 20}).value();
  const std::vector<float> x(net.input_shape().size(), 0.5F);
  std::vector<float> y(net.output_shape().size());
  const std::size_t before = allocations;
  for (int i = 0; i < 3; ++i) static_cast<void>(net.run_to(x, y).has_value());
  const std::size_t after = allocations;
  CHECK(before > 0);
  CHECK(after == before);
}

TEST_CASE("network: copies share weights but not memory", "[nn]") {
  random_source random(2);
  auto first = nn::network::create(decoder(2)).value();
  const shape3 in{6, 16, 16};
  first.prepare(in).value();
  std::vector<std::vector<float>> inputs, expected;
  for (int i = 0; i < 8; ++i) {
    inputs.push_back(random.reals(in.size()));
    expected.emplace_back(first.output_shape().size());
    first.run_to(inputs.back(), expected.back()).value();
  }
  const std::size_t before = allocations;
  nn::network second = first;
  CHECK(allocations - before < 10); // shapes, offsets and memory, no weights
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
}

TEST_CASE("network: memory is reused", "[nn]") {
  const auto bytes = [](int layers) {
    nn::graph g = nn::start("test");
    std::string v = "x";
    for (int i = 0; i < layers; ++i) v = nn::sigmoid(g, nn::conv(g, v, {8, 8, 1, 1}, std::vector<float>(64), {}));
    nn::finish(g, nn::depth_to_space(g, v, 2));
    auto net = nn::network::create(g).value();
    net.prepare({8, 32, 32}).value();
    return net.activation_bytes();
  };
  const std::size_t value = 8 * 32 * 32 * sizeof(float);
  CHECK(bytes(1) >= value);
  CHECK(bytes(1) < 2 * value); // the sigmoid runs in place
  CHECK(bytes(3) < 3 * value);
  CHECK(bytes(20) == bytes(3));
}

TEST_CASE("network: values that outlive others keep their content", "[nn]") {
  // x is added back at the end of a chain, and an early value is read late, while in-place operators run between.
  random_source random(3);
  const values x = random.tensor({2, 3, 4});
  nn::graph g = nn::start("test");
  const std::string early = nn::mul(g, "x", std::vector<float>{2});
  std::string v = early;
  for (int i = 0; i < 4; ++i) v = nn::relu(g, nn::add(g, v, std::vector<float>{0.25F}));
  nn::finish(g, nn::add(g, nn::add(g, v, early), "x"));
  values y = x;
  for (double& e : y.data) {
    double u = 2 * e;
    for (int i = 0; i < 4; ++i) u = std::max(u + 0.25, 0.0);
    e = u + 2 * e + e;
  }
  CHECK(error(run(g, x), y) < 1e-6);
}

TEST_CASE("network: the output may be read by further nodes", "[nn]") {
  random_source random(4);
  const values x = random.tensor({2, 3, 4});
  nn::graph g = nn::start("test");
  const std::string s = nn::sigmoid(g, "x");
  const std::string t = nn::relu(g, s);
  nn::finish(g, s);
  values y = x;
  for (double& e : y.data) e = 1 / (1 + std::exp(-e));
  CHECK(error(run(g, x), y) < 1e-6);
  nn::finish(g, nn::add(g, s, t));
  for (double& e : y.data) e *= 2;
  CHECK(error(run(g, x), y) < 1e-6);
}

TEST_CASE("network: prepare again with another shape, and keep the old one when it fails", "[nn]") {
  random_source random(5);
  auto net = nn::network::create(decoder(5)).value();
  CHECK_FALSE(net.prepared());
  CHECK(net.output_shape() == shape3{});
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
  const std::size_t huge = std::numeric_limits<std::size_t>::max() / 2;
  CHECK(net.prepare({huge, huge, huge}).error().code == errc::limit_exceeded);
  CHECK(net.output_shape() == shape3{4, 8, 8});
  net.run_to(x, y).value();
  CHECK(y == first);
  CHECK(net.run_to(std::span(x).first(95), y).error().code == errc::bad_shape);
  CHECK(net.run_to(x, std::span(y).first(255)).error().code == errc::bad_shape);
  net.prepare({6, 1, 2}).value();
  CHECK(net.output_shape() == shape3{4, 2, 4});
  CHECK(net.run_to(x, y).error().code == errc::bad_shape);
}

TEST_CASE("network: limit on activation memory", "[nn]") {
  aecnn::limits bounds;
  auto net = nn::network::create(decoder(6)).value();
  net.prepare({6, 16, 16}).value();
  bounds.max_activation_bytes = net.activation_bytes();
  CHECK(nn::network::create(decoder(6), bounds).value().prepare({6, 16, 16}).has_value());
  --bounds.max_activation_bytes;
  const auto s = nn::network::create(decoder(6), bounds).value().prepare({6, 16, 16});
  REQUIRE_FALSE(s.has_value());
  CHECK(s.error().code == errc::limit_exceeded);
  CHECK(s.error().message.find("6x16x16") != std::string::npos);
}

TEST_CASE("network: multiply-adds", "[nn]") {
  nn::graph g = nn::start("test");
  auto v = nn::conv(g, "x", {16, 8, 3, 3}, std::vector<float>(16 * 72), {}, {.strides = {2, 2}, .pads = {1, 1, 1, 1}});
  v = nn::conv(g, v, {16, 1, 3, 3}, std::vector<float>(144), {}, {.groups = 16});
  nn::finish(g, nn::conv_transpose(g, v, {16, 4, 2, 2}, std::vector<float>(256), {}, {.strides = {2, 2}}));
  // 16*72 at 5x4, 144 at 3x2, 256 at each of the 3x2 inputs.
  CHECK(nn::multiply_adds(g, {8, 10, 8}).value() == 16 * 72 * 20 + 144 * 6 + 256 * 6);
  CHECK(nn::multiply_adds(g, {7, 10, 8}).error().code == errc::bad_shape);
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
}

TEST_CASE("network: empty", "[nn]") {
  nn::network net;
  CHECK(net.prepare({1, 1, 1}).error().code == errc::invalid_argument);
  CHECK(net.run_to({}, {}).error().code == errc::invalid_argument);
}
