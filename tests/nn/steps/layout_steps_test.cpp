#include <aecnn/nn/steps/layout_steps.hpp>

#include "buffers.hpp"

using namespace steps;

namespace {

const std::vector<extents> shapes{{1, 1, 1, 1}, {2, 3, 5, 7}, {1, 40, 9, 8}, {3, 17, 1, 33}, {1, 2, 20, 11}};

} // namespace

TEST_CASE("layout_steps: to channels-last and back, with and without a border", "[nn]") {
  random_source random(1);
  for (const extents& shape : shapes)
    for (const std::size_t border : {0U, 1U, 3U})
      for (const auto level : levels()) {
        const nn::kernel_set& kernels = nn::kernels_for(level);
        const values x = random.tensor(shape);
        const nn::plane_layout l = layout_of(shape, border);
        buffers b;
        const std::size_t first = b.add(floats(x)), last = b.add(fresh(l.size())), back = b.add(fresh(x.data.size()));
        b.run(nn::to_channels_last(kernels, first, last, l));
        CHECK(error(from_last(b[last], shape, border), x) == 0);
        b.run(nn::to_channels_first(kernels, last, back, l));
        CHECK(b[back] == floats(x));
      }
}

TEST_CASE("layout_steps: copies", "[nn]") {
  random_source random(2);
  for (const extents& shape : shapes) {
    const values x = random.tensor(shape);
    buffers b;
    const std::size_t from = b.add(floats(x)), copy = b.add(fresh(x.data.size()));
    b.run(nn::copy_step(from, copy, x.data.size()));
    CHECK(b[copy] == floats(x));
    const std::vector<float> constant{1, 2, 3};
    const std::size_t three = b.add(fresh(4));
    const nn::copy_step s(static_cast<std::size_t>(-1), three, 3, constant.data());
    CHECK(s.reads.empty());
    b.run(s);
    CHECK(b[three] == std::vector<float>{1, 2, 3, untouched});
  }
}

TEST_CASE("layout_steps: DepthToSpace in both modes", "[nn]") {
  random_source random(3);
  for (const bool crd : {false, true})
    for (const std::int64_t block : {1, 2, 3}) {
      const values x = random.tensor({2, 5 * block * block, 4, 3}), y = depth_to_space(x, block, crd);
      buffers b;
      const std::size_t from = b.add(to_last(x, 2)), to = b.add(fresh(layout_of(y.shape, 1).size()));
      b.run(nn::depth_to_space_step({block, crd}, from, layout_of(x.shape, 2), to, layout_of(y.shape, 1)));
      CHECK(error(from_last(b[to], y.shape, 1), y) == 0);
    }
}

TEST_CASE("layout_steps: strided copies of both layouts", "[nn]") {
  random_source random(4);
  for (int round = 0; round < 200; ++round) {
    const values x = random.tensor({2, 5, 6, 7});
    nn::strided_copy spec;
    spec.fill = 9;
    extents out;
    for (std::size_t i = 0; i < 4; ++i) {
      nn::strided_copy::axis a;
      a.step = random.integer(1, 3);
      a.start = random.integer(0, x.shape[i] - 1);
      a.count = random.integer(random.integer(0, 9) == 0 ? 0 : 1, (x.shape[i] - 1 - a.start) / a.step + 1);
      a.offset = random.integer(0, 2);
      out.push_back(std::max<std::int64_t>(1, a.offset + a.count + random.integer(0, 2)));
      spec.axes.push_back(a);
    }
    values y = zeros(out);
    for (std::int64_t n = 0; n < out[0]; ++n)
      for (std::int64_t c = 0; c < out[1]; ++c)
        for (std::int64_t i = 0; i < out[2]; ++i)
          for (std::int64_t j = 0; j < out[3]; ++j) {
            const std::int64_t at[] = {n, c, i, j};
            std::int64_t from[4];
            bool inside = true;
            for (std::size_t k = 0; k < 4; ++k) {
              const nn::strided_copy::axis& a = spec.axes[k];
              inside = inside && at[k] >= a.offset && at[k] < a.offset + a.count;
              from[k] = a.start + a.step * (at[k] - a.offset);
            }
            y.at(n, c, i, j) = inside ? x.at(from[0], from[1], from[2], from[3]) : 9;
          }
    buffers b;
    const std::size_t from = b.add(to_last(x, 1)), to = b.add(fresh(layout_of(out, 2).size()));
    b.run(nn::strided_copy_step(spec, from, layout_of(x.shape, 1), to, layout_of(out, 2)));
    CHECK(error(from_last(b[to], out, 2), y) == 0);
    const std::size_t first = b.add(floats(x)), plain = b.add(fresh(y.data.size()));
    b.run(nn::plain_copy_step(spec, first, x.shape, plain, out));
    CHECK(b[plain] == floats(y));
  }
}

TEST_CASE("layout_steps: joins channels", "[nn]") {
  random_source random(5);
  const std::vector<values> parts{random.tensor({2, 3, 4, 5}), random.tensor({2, 1, 4, 5}),
                                  random.tensor({2, 9, 4, 5})};
  const values y = concat(parts);
  buffers b;
  std::vector<std::size_t> from;
  std::vector<nn::plane_layout> layouts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    from.push_back(b.add(to_last(parts[i], i)));
    layouts.push_back(layout_of(parts[i].shape, i));
  }
  const std::size_t to = b.add(fresh(layout_of(y.shape, 1).size()));
  const nn::channel_concat_step s(from, layouts, to, layout_of(y.shape, 1));
  CHECK(s.reads == from);
  b.run(s);
  CHECK(error(from_last(b[to], y.shape, 1), y) == 0);
}
