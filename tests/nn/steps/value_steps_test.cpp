#include <aecnn/nn/steps/value_steps.hpp>

#include "buffers.hpp"

using namespace steps;

namespace {

void square(const float* x, float* y, std::size_t n, const float* parameters) noexcept {
  for (std::size_t i = 0; i < n; ++i) y[i] = parameters[0] * x[i] * x[i];
}
const nn::elementwise_function twice_squared{square, {2, 0, 0, 0}};

nn::operand operand_of(std::size_t buffer, const extents& shape, std::size_t border) {
  return {buffer, layout_of(shape, border)};
}

/// Adds a buffer for a tensor that is to be computed.
std::size_t room(buffers& b, const extents& shape, std::size_t border) {
  return b.add(fresh(layout_of(shape, border).size()));
}

const std::vector<extents> shapes{{1, 1, 1, 1}, {2, 3, 4, 5}, {1, 37, 3, 9}, {3, 16, 2, 1}};

/// y = f(a, b), one output element at a time.
class subtract final : public nn::operation {
public:
  explicit subtract(nn::tensor_type t) : operation({std::move(t)}) {}
  std::size_t workspace() const override { return 16; }
  std::uint64_t multiply_adds() const override { return 11; }
  void run(std::span<const nn::const_tensor_data> in, std::span<const nn::tensor_data> out,
           float* workspace) const noexcept override {
    for (std::size_t i = 0; i < 16; ++i)
      workspace[i] = reinterpret_cast<std::uintptr_t>(workspace) % 64 == 0 ? 1.0F : 0.0F;
    for (std::size_t i = 0; i < nn::element_count(outputs()[0].shape); ++i)
      out[0].floats[i] = workspace[i % 16] * in[0].floats[i] - (in[2].floats == nullptr ? in[1].floats[0] : 0);
  }
};

} // namespace

TEST_CASE("value_steps: rows of channels-last tensors and pieces of contiguous ones", "[nn]") {
  const nn::row_walk rows(layout_of({2, 3, 4, 5}, 1));
  CHECK(rows.rows() == 8);
  CHECK(rows.length(7) == 15);
  CHECK(rows.start(layout_of({2, 3, 4, 5}, 1), 4) == layout_of({2, 3, 4, 5}, 1).at(1, 0, 0));
  for (const std::size_t size : {0U, 1U, 4095U, 4096U, 4097U, 20000U}) {
    const nn::row_walk all = nn::row_walk::contiguous(size);
    std::size_t covered = 0;
    CHECK(all.rows() >= 1);
    for (std::size_t r = 0; r < all.rows(); ++r) {
      CHECK(static_cast<std::size_t>(all.start({}, r)) == covered);
      covered += all.length(r);
    }
    CHECK(covered == size);
  }
}

TEST_CASE("value_steps: element-wise functions and activations", "[nn]") {
  random_source random(1);
  const nn::activation leaky{nn::activation::kind::leaky, 0, 0, 0.5F};
  for (const auto level : levels()) {
    const nn::kernel_set& kernels = nn::kernels_for(level);
    for (const extents& shape : shapes) {
      const values x = random.tensor(shape);
      buffers b;
      const auto from = operand_of(b.add(to_last(x, 2)), shape, 2), to = operand_of(room(b, shape, 1), shape, 1),
                 other = operand_of(room(b, shape, 1), shape, 1);
      b.run(nn::elementwise_step(kernels, twice_squared, nullptr, from, to, nn::row_walk(from.layout)));
      CHECK(error(from_last(b[to.buffer], shape, 1), map(x, [](double v) { return 2 * v * v; })) < 1e-6);
      b.run(nn::elementwise_step(kernels, twice_squared, &leaky, from, other, nn::row_walk(from.layout)));
      CHECK(error(from_last(b[other.buffer], shape, 1), map(x, [](double v) { return v < 0 ? v / 2 : v; })) < 1e-6);
    }
    const auto long_row = random.reals(9001);
    buffers b;
    const nn::operand from{b.add(long_row), {}}, to{b.add(fresh(9002)), {}};
    b.run(nn::elementwise_step(kernels, twice_squared, nullptr, from, to, nn::row_walk::contiguous(9001)));
    bool right = b[to.buffer][9001] == untouched;
    for (std::size_t i = 0; i < 9001; ++i) right = right && b[to.buffer][i] == 2 * long_row[i] * long_row[i];
    CHECK(right);
  }
}

TEST_CASE("value_steps: scale and shift of both layouts", "[nn]") {
  random_source random(2);
  for (const auto level : levels())
    for (const extents& shape : shapes)
      for (const bool same : {false, true}) {
        const nn::kernel_set& kernels = nn::kernels_for(level);
        const values x = random.tensor(shape);
        nn::channel_affine f;
        std::vector<double> scale, shift;
        for (std::int64_t c = 0; c < shape[1]; ++c) {
          if (c == 0 || !same) f.scale.push_back(static_cast<double>(random.real()));
          f.shift.push_back(static_cast<double>(random.real()));
          scale.push_back(f.scale.back());
          shift.push_back(f.shift.back());
        }
        const values y = affine(x, scale, shift);
        buffers b;
        const auto from = operand_of(b.add(to_last(x, 1)), shape, 1), to = operand_of(room(b, shape, 2), shape, 2);
        b.run(nn::affine_step(kernels, f, from, to, 0));
        CHECK(error(from_last(b[to.buffer], shape, 2), y) < 1e-6);
        const nn::operand first{b.add(floats(x)), layout_of(shape)}, out{b.add(fresh(x.data.size())), layout_of(shape)};
        b.run(nn::affine_step(kernels, f, first, out, first.layout.height * first.layout.width));
        CHECK(error({shape, std::vector<double>(b[out.buffer].begin(), b[out.buffer].end())}, y) < 1e-6);
      }
}

TEST_CASE("value_steps: sums and products", "[nn]") {
  random_source random(3);
  for (const auto level : levels())
    for (const extents& shape : shapes)
      for (const bool product : {false, true}) {
        const values x = random.tensor(shape), z = random.tensor(shape), y = product ? mul(x, z) : add(x, z);
        buffers b;
        const auto p = operand_of(b.add(to_last(x, 1)), shape, 1), q = operand_of(b.add(to_last(z)), shape, 0),
                   to = operand_of(room(b, shape, 2), shape, 2);
        b.run(nn::binary_step(nn::kernels_for(level), product, p, q, to, nn::row_walk(to.layout)));
        CHECK(error(from_last(b[to.buffer], shape, 2), y) < 1e-6);
      }
}

TEST_CASE("value_steps: factors of channels in both layouts", "[nn]") {
  random_source random(4);
  for (const auto level : levels())
    for (const extents& shape : shapes) {
      const values x = random.tensor(shape), f = random.tensor({shape[0], shape[1], 1, 1}), y = mul(x, f);
      buffers b;
      const auto from = operand_of(b.add(to_last(x, 1)), shape, 1), factors = operand_of(b.add(to_last(f)), f.shape, 0),
                 to = operand_of(room(b, shape, 2), shape, 2);
      b.run(nn::channel_product_step(nn::kernels_for(level), from, factors, to, 0));
      CHECK(error(from_last(b[to.buffer], shape, 2), y) < 1e-6);
      const nn::operand first{b.add(floats(x)), layout_of(shape)}, out{b.add(fresh(x.data.size())), layout_of(shape)};
      b.run(nn::channel_product_step(nn::kernels_for(level), first, factors, out,
                                     first.layout.height * first.layout.width));
      CHECK(error({shape, std::vector<double>(b[out.buffer].begin(), b[out.buffer].end())}, y) < 1e-6);
    }
}

TEST_CASE("value_steps: pools with padding", "[nn]") {
  random_source random(5);
  for (const auto level : levels())
    for (const bool maximum : {false, true})
      for (const bool count : {false, true})
        for (const std::int64_t kernel : {1, 2, 3})
          for (const std::int64_t stride : {1, 2, 4}) {
            const std::int64_t padding = kernel / 2;
            const values x = map(random.tensor({2, 19, 7, 6}),
                                 [](double v) { return static_cast<double>(static_cast<float>(v - 2)); }),
                         y = pool(x, maximum, kernel, stride, padding, count);
            nn::pooling spec;
            spec.maximum = maximum;
            spec.count_padding = count;
            for (std::size_t i = 0; i < 2; ++i) {
              spec.area.kernel[i] = kernel;
              spec.area.strides[i] = stride;
              spec.area.before[i] = spec.area.after[i] = padding;
            }
            buffers b; // the zeros of the input's border do not count
            const auto from = operand_of(b.add(to_last(x, 2)), x.shape, 2),
                       to = operand_of(room(b, y.shape, 1), y.shape, 1);
            b.run(nn::pool_step(nn::kernels_for(level), spec, from, to));
            CAPTURE(maximum, count, kernel, stride);
            CHECK(error(from_last(b[to.buffer], y.shape, 1), y) < 1e-6);
          }
}

TEST_CASE("value_steps: average and maximum of planes in both layouts, alone or together", "[nn]") {
  random_source random(6);
  for (const auto level : levels())
    for (const extents& shape : {extents{1, 1, 1, 1}, {2, 3, 4, 5}, {2, 130, 3, 9}, {1, 5, 20, 17}})
      for (const bool first : {false, true})
        for (const int which : {1, 2, 3}) {
          const values x =
              map(random.tensor(shape), [](double v) { return static_cast<double>(static_cast<float>(v - 2)); });
          buffers b;
          const nn::operand from =
              first ? nn::operand{b.add(floats(x)), layout_of(shape)} : operand_of(b.add(to_last(x, 1)), shape, 1);
          const auto size = static_cast<std::size_t>(shape[0] * shape[1]);
          const std::size_t mean = b.add(fresh(size)), most = b.add(fresh(size));
          const nn::global_pool_step s(nn::kernels_for(level), from, first,
                                       which != 2 ? mean : nn::global_pool_step::none,
                                       which != 1 ? most : nn::global_pool_step::none);
          CHECK(s.writes.size() == (which == 3 ? 2U : 1U));
          b.run(s);
          const auto found = [&](std::size_t i) {
            return values{{shape[0], shape[1], 1, 1}, std::vector<double>(b[i].begin(), b[i].end())};
          };
          const values unwritten =
              map(zeros({shape[0], shape[1], 1, 1}), [](double) { return static_cast<double>(untouched); });
          CHECK(error(found(mean), which != 2 ? global_pool(x, false) : unwritten) < 2e-6);
          CHECK(error(found(most), which != 1 ? global_pool(x, true) : unwritten) == 0);
        }
}

TEST_CASE("value_steps: any operation, on buffers and constants", "[nn]") {
  const subtract op({nn::element_type::float32, {2, 3}});
  buffers b;
  const std::size_t in = b.add({1, 2, 3, 4, 5, 6}), out = b.add(fresh(7));
  const float one[] = {0.5F};
  const nn::operation_step s(op, {{in, {}}, {static_cast<std::size_t>(-1), {one, nullptr}}, {}}, {out});
  CHECK(s.reads == std::vector<std::size_t>{in});
  CHECK(s.writes == std::vector<std::size_t>{out});
  CHECK(s.units() == 1);
  CHECK(s.multiply_adds == 11);
  b.run(s);
  CHECK(b[out] == std::vector<float>{0.5F, 1.5F, 2.5F, 3.5F, 4.5F, 5.5F, untouched});
}
