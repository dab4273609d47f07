#include <aecnn/nn/operators/convolution.hpp>

#include "evaluate.hpp"

#include <random.hpp>

using namespace evaluate;

namespace {

value random_tensor(shape s, std::uint64_t seed) {
  random_integers source(seed);
  value v = counting(std::move(s));
  for (float& x : v.floats) x = static_cast<float>(source.between(-100, 100)) / 64.0F;
  return v;
}

struct setting {
  std::int64_t batch, inputs, outputs, groups, height, width, kernel[2], strides[2], pads[4], dilations[2];
};
const setting settings[] = {
    {1, 3, 4, 1, 6, 7, {3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}}, {2, 4, 6, 2, 5, 9, {3, 2}, {2, 1}, {0, 1, 2, 0}, {1, 2}},
    {1, 5, 5, 5, 8, 8, {3, 3}, {2, 3}, {1, 0, 1, 2}, {2, 1}}, {2, 2, 3, 1, 1, 4, {1, 1}, {1, 1}, {0, 0, 0, 0}, {1, 1}},
    {1, 2, 2, 1, 3, 3, {2, 4}, {3, 2}, {2, 2, 2, 2}, {1, 1}},
};
attributes options(const setting& s) {
  return {{"strides", list{s.strides[0], s.strides[1]}},
          {"pads", list{s.pads[0], s.pads[1], s.pads[2], s.pads[3]}},
          {"dilations", list{s.dilations[0], s.dilations[1]}},
          {"group", s.groups}};
}
std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

} // namespace

TEST_CASE("convolution: the definition, one output at a time", "[nn]") {
  for (const setting& s : settings) {
    const std::int64_t ci = s.inputs / s.groups, co = s.outputs / s.groups;
    const value x = random_tensor({s.batch, s.inputs, s.height, s.width}, 1), b = random_tensor({s.outputs}, 3);
    const value w = random_tensor({s.outputs, ci, s.kernel[0], s.kernel[1]}, 2);
    const value y = first("Conv", {x, w, b}, options(s));
    const shape out = y.type.shape;
    for (std::size_t i = 0; i < 2; ++i) {
      const std::int64_t extent = i == 0 ? s.height : s.width;
      CHECK(out[i + 2] ==
            (extent + s.pads[i] + s.pads[i + 2] - s.dilations[i] * (s.kernel[i] - 1) - 1) / s.strides[i] + 1);
    }
    std::size_t k = 0;
    numbers expected(y.floats.size());
    for (std::int64_t n = 0; n < s.batch; ++n)
      for (std::int64_t m = 0; m < s.outputs; ++m)
        for (std::int64_t oy = 0; oy < out[2]; ++oy)
          for (std::int64_t ox = 0; ox < out[3]; ++ox) {
            double sum = static_cast<double>(b.floats[at(m)]);
            for (std::int64_t c = 0; c < ci; ++c)
              for (std::int64_t i = 0; i < s.kernel[0]; ++i)
                for (std::int64_t j = 0; j < s.kernel[1]; ++j) {
                  const std::int64_t iy = oy * s.strides[0] + i * s.dilations[0] - s.pads[0];
                  const std::int64_t ix = ox * s.strides[1] + j * s.dilations[1] - s.pads[1];
                  if (iy < 0 || iy >= s.height || ix < 0 || ix >= s.width) continue;
                  const std::int64_t channel = m / co * ci + c;
                  sum += static_cast<double>(x.floats[at(((n * s.inputs + channel) * s.height + iy) * s.width + ix)]) *
                         static_cast<double>(w.floats[at(((m * ci + c) * s.kernel[0] + i) * s.kernel[1] + j)]);
                }
            expected[k++] = static_cast<float>(sum);
          }
    CHECK(near(y.floats, expected, 1e-5));
  }
}

TEST_CASE("convolution: the transposed form is the gradient of the plain one", "[nn]") {
  // <Conv(x), y> = <x, ConvTranspose(y)> for all x and y, with the same weights.
  for (const setting& s : settings) {
    const value x = random_tensor({s.batch, s.inputs, s.height, s.width}, 4);
    const value w = random_tensor({s.outputs, s.inputs / s.groups, s.kernel[0], s.kernel[1]}, 5);
    const value forward = first("Conv", {x, w}, options(s));
    const value y = random_tensor(forward.type.shape, 6);
    attributes a = options(s);
    list added; // rows and columns that the plain form does not reach
    for (std::size_t i = 0; i < 2; ++i) {
      const std::int64_t extent = i == 0 ? s.height : s.width;
      added.push_back(extent - (s.strides[i] * (forward.type.shape[i + 2] - 1) + s.dilations[i] * (s.kernel[i] - 1) +
                                1 - s.pads[i] - s.pads[i + 2]));
    }
    a.emplace_back("output_padding", added);
    const value back = first("ConvTranspose", {y, w}, a);
    REQUIRE(back.type.shape == x.type.shape);
    double left = 0, right = 0;
    for (std::size_t i = 0; i < y.floats.size(); ++i)
      left += static_cast<double>(y.floats[i]) * static_cast<double>(forward.floats[i]);
    for (std::size_t i = 0; i < x.floats.size(); ++i)
      right += static_cast<double>(x.floats[i]) * static_cast<double>(back.floats[i]);
    CHECK(left == Approx(right).epsilon(1e-5));
  }
}

TEST_CASE("convolution: along one axis", "[nn]") {
  const value x = computed({1, 1, 4}, {1, 2, 3, 4}), w = constant({1, 1, 2}, {1, 10}), b = constant({1}, {0.5F});
  CHECK(first("Conv", {x, w, b}, {{"pads", list{1, 0}}}).floats == numbers{10.5F, 21.5F, 32.5F, 43.5F});
  const value y = first("ConvTranspose", {x, w}, {{"strides", list{2}}});
  CHECK(y.type.shape == shape{1, 1, 8});
  CHECK(y.floats == numbers{1, 10, 2, 20, 3, 30, 4, 40});
  const std::vector<value> inputs{x, w, b};
  const auto made = make("Conv", inputs, {{"strides", list{3}}, {"pads", list{1, 0}}});
  const nn::convolution* c = (*made)->as_convolution();
  REQUIRE(c != nullptr);
  CHECK((c->area.kernel[0] == 1 && c->area.kernel[1] == 2 && c->area.strides[0] == 1 && c->area.strides[1] == 3));
  CHECK((c->area.before[0] == 0 && c->area.before[1] == 1 && c->inputs == 1 && c->outputs == 1));
  CHECK(c->weights == inputs[1].floats.data());
  CHECK(c->bias == inputs[2].floats.data());
  CHECK((*made)->multiply_adds() == 4); // 2 outputs of 2 taps
}

TEST_CASE("convolution: computed weights have no constant form", "[nn]") {
  const value x = counting({1, 1, 3, 3}), w = counting({1, 1, 2, 2});
  CHECK((*make("Conv", {x, w}))->as_convolution() == nullptr);
  CHECK((*make("Conv", {x, constant({1, 1, 1, 1}, {2}), counting({1})}))->as_convolution() == nullptr);
  CHECK((*make("Conv", {x, constant({1, 1, 1, 1}, {2})}))->as_convolution() != nullptr);
}

TEST_CASE("convolution: the transposed form's size", "[nn]") {
  const value x = counting({1, 1, 3, 3}), w = counting({1, 2, 3, 3});
  const auto size = [&](attributes a) { return first("ConvTranspose", {x, w}, std::move(a)).type.shape; };
  CHECK(size({}) == shape{1, 2, 5, 5});
  CHECK(size({{"strides", list{3, 2}}}) == shape{1, 2, 9, 7});
  CHECK(size({{"strides", list{3, 2}}, {"output_padding", list{1, 1}}}) == shape{1, 2, 10, 8});
  CHECK(size({{"strides", list{3, 2}}, {"output_shape", list{10, 8}}}) == shape{1, 2, 10, 8});
  CHECK(size({{"strides", list{3, 2}}, {"output_shape", list{1, 2, 10, 8}}}) == shape{1, 2, 10, 8});
  CHECK(size({{"strides", list{2, 2}}, {"auto_pad", std::string("SAME_UPPER")}}) == shape{1, 2, 6, 6});
  CHECK(size({{"strides", list{2, 2}}, {"auto_pad", std::string("VALID")}}) == shape{1, 2, 7, 7});
  const auto made = make("ConvTranspose", {x, constant({1, 1, 1, 1}, {1})},
                         {{"strides", list{2, 2}}, {"output_padding", list{1, 1}}});
  CHECK((*made)->as_convolution()->transposed);
  CHECK((*made)->as_convolution()->area.after[0] == -1);
}

TEST_CASE("convolution: refusals", "[nn]") {
  const value x = counting({1, 4, 5, 5}), w = counting({6, 2, 3, 3});
  CHECK(error_of("Conv", {x, w}) == errc::bad_shape);
  CHECK(error_of("Conv", {x, w}, {{"group", std::int64_t{2}}}) == errc{});
  CHECK(error_of("Conv", {x, w}, {{"group", std::int64_t{4}}}) == errc::bad_field);
  CHECK(error_of("Conv", {x, w}, {{"group", std::int64_t{0}}}) == errc::bad_field);
  CHECK(error_of("Conv", {x, w}, {{"group", std::int64_t{1} << 40}}) == errc::bad_field);
  CHECK(error_of("Conv", {x, w, counting({5})}, {{"group", std::int64_t{2}}}) == errc::bad_shape);
  CHECK(error_of("Conv", {x, counting({6, 4, 3})}) == errc::bad_shape);
  CHECK(error_of("Conv", {counting({4, 5}), w}) == errc::bad_shape);
  CHECK(error_of("Conv", {x, counting({6, 4, 6, 3})}) == errc::bad_shape);
  CHECK(error_of("Conv", {x, counting({6, 4, 3, 3})}, {{"kernel_shape", list{3, 2}}}) == errc::bad_shape);
  CHECK(error_of("Conv", {x, counting({6, 4, 3, 3})}, {{"pads", list{0, 0, -1, 0}}}) == errc::bad_field);
  CHECK(error_of("Conv", {x, whole({1, 4, 1, 1}, {1, 1, 1, 1})}) == errc::unsupported);
  CHECK(error_of("Conv", {x, counting({0, 4, 3, 3})}) == errc::bad_shape);
  CHECK(error_of("ConvTranspose", {x, counting({4, 0, 3, 3})}) == errc::bad_shape);
  CHECK(error_of("Conv", {x, counting({6, 4, 0, 3})}) == errc::bad_shape);
  CHECK(error_of("ConvTranspose", {x, counting({2, 2, 3, 3})}) == errc::bad_shape);
  CHECK(error_of("ConvTranspose", {x, counting({4, 2, 3, 3})}, {{"group", std::int64_t{3}}}) == errc::bad_field);
  CHECK(error_of("ConvTranspose", {x, counting({4, 2, 3, 3})}, {{"output_padding", list{1, 1}}}) == errc::bad_field);
  CHECK(error_of("ConvTranspose", {x, counting({4, 2, 3, 3})}, {{"output_shape", list{4}}}) == errc::bad_field);
  CHECK(error_of("ConvTranspose", {x, counting({4, 2, 3, 3})}, {{"pads", list{9, 0, 9, 0}}}) == errc::bad_shape);
  CHECK(error_of("ConvTranspose", {x, counting({4, 2, 3, 3})}, {{"output_shape", list{1 << 20, 1 << 20}}}) ==
        errc::limit_exceeded);
}
