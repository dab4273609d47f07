#include <aecnn/nn/kernels/kernels.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <catch_compat.hpp>

namespace nn = aecnn::nn;

namespace {

/// What no kernel computes: marks floats that must stay as they are.
constexpr float untouched = 12345;

std::vector<aecnn::instruction_set> levels() {
  std::vector<aecnn::instruction_set> all;
  for (const auto l : {aecnn::instruction_set::portable, aecnn::instruction_set::vector4, aecnn::instruction_set::avx2,
                       aecnn::instruction_set::avx512})
    if (l <= aecnn::best_instruction_set()) all.push_back(l);
  return all;
}

template <class Test>
void at_every_level(Test test) {
  for (const auto level : levels()) {
    CAPTURE(static_cast<int>(level));
    test(nn::kernels_for(level));
  }
}

class random_source {
public:
  explicit random_source(unsigned seed) : engine_(seed) {}
  float real() { return std::uniform_real_distribution<float>(-1, 1)(engine_); }
  std::vector<float> reals(std::size_t n) {
    std::vector<float> v(n);
    for (float& x : v) x = real();
    return v;
  }
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine_); }

private:
  std::mt19937 engine_;
};

double activated(double x, int act, float low, float high) {
  const double l = static_cast<double>(low), h = static_cast<double>(high);
  if (act == 1) return std::min(std::max(x, l), h);
  if (act == 2) return x < 0 ? l * x : x;
  if (act == 3) return std::max(x, l);
  return x;
}

std::ptrdiff_t whole(std::size_t n) { return static_cast<std::ptrdiff_t>(n); }
double real(float x) { return static_cast<double>(x); }

/// The largest difference; infinite where a float that must stay was written or one was not written.
double difference(const std::vector<float>& found, const std::vector<double>& expected) {
  if (found.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double d = std::abs(real(found[i]) - expected[i]);
    if (!(d < 1e3)) return std::numeric_limits<double>::infinity();
    worst = std::max(worst, d);
  }
  return worst;
}
std::vector<double> marked(std::size_t n) { return std::vector<double>(n, static_cast<double>(untouched)); }
std::vector<float> fresh(std::size_t n) { return std::vector<float>(n, untouched); }

/// One tile of `rows` x `columns` pixels by Q vectors against the sum over taps and channels. Each buffer ends with the last float
/// that the tile may touch.
double tile_error(const nn::kernel_set& k, nn::tile_function run, std::size_t rows, std::size_t columns,
                  std::size_t vectors, std::size_t tail, int act, bool residual, bool apart, random_source& random) {
  const std::size_t depth = 1 + random.below(5), taps = random.below(4), lanes = vectors * k.width;
  const std::size_t channels = (vectors - 1) * k.width + tail;
  const std::size_t in_pixel = depth + random.below(3), in_row = columns * in_pixel + random.below(4);
  // In one row of channels, or with the second vector elsewhere, as DepthToSpace has it.
  const std::size_t out_block = apart ? 300 : k.width;
  const std::size_t out_pixel = (apart ? k.width : channels) + random.below(3),
                    out_row = apart ? 1000 : columns * out_pixel + 2;
  const std::size_t residual_pixel = channels + random.below(3), residual_row = columns * residual_pixel + 1;
  std::vector<std::ptrdiff_t> offsets;
  std::size_t furthest = 0;
  for (std::size_t t = 0; t < taps; ++t) {
    offsets.push_back(whole(random.below(20)) - 7);
    furthest = std::max(furthest, static_cast<std::size_t>(offsets.back() + 7));
  }
  const auto in = random.reals(furthest + (rows - 1) * in_row + (columns - 1) * in_pixel + depth);
  const auto weights = random.reals(std::max<std::size_t>(1, taps * depth * lanes)), bias = random.reals(lanes);
  const auto added = random.reals((rows - 1) * residual_row + (columns - 1) * residual_pixel + channels);
  auto out = fresh((rows - 1) * out_row + (columns - 1) * out_pixel + (vectors - 1) * out_block + tail);
  auto expected = marked(out.size());
  nn::tile_arguments a{};
  a.in = in.data() + 7;
  a.in_pixel = whole(in_pixel);
  a.in_row = whole(in_row);
  a.offsets = offsets.data();
  a.taps = taps;
  a.depth = depth;
  a.weights = weights.data();
  a.bias = bias.data();
  a.out = out.data();
  a.out_pixel = whole(out_pixel);
  a.out_block = whole(out_block);
  a.out_row = whole(out_row);
  a.residual = residual ? added.data() : nullptr;
  a.residual_pixel = whole(residual_pixel);
  a.residual_row = whole(residual_row);
  a.tail = tail;
  a.act = act;
  a.low = act == 2 ? 0.25F : -0.5F;
  a.high = 0.75F;
  a.prefetch = weights.data();
  run(a);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c)
      for (std::size_t o = 0; o < channels; ++o) {
        double sum = real(bias[o]);
        for (std::size_t t = 0; t < taps; ++t)
          for (std::size_t i = 0; i < depth; ++i)
            sum += real(in[static_cast<std::size_t>(7 + offsets[t]) + r * in_row + c * in_pixel + i]) *
                   real(weights[(t * depth + i) * lanes + o]);
        if (residual) sum += real(added[r * residual_row + c * residual_pixel + o]);
        expected[r * out_row + c * out_pixel + o / k.width * out_block + o % k.width] =
            activated(sum, act, a.low, a.high);
      }
  return difference(out, expected);
}

// Matrices of Winograd's F(2x2,3x3) and F(4x4,3x3), from Lavin and Gray.
const std::vector<std::vector<double>> forward_2{{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};
const std::vector<std::vector<double>> filter_2{{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}};
const std::vector<std::vector<double>> back_2{{1, 1, 1, 0}, {0, 1, -1, -1}};
const std::vector<std::vector<double>> forward_4{{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                                                 {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
const std::vector<std::vector<double>> filter_4{{1. / 4, 0, 0},
                                                {-1. / 6, -1. / 6, -1. / 6},
                                                {-1. / 6, 1. / 6, -1. / 6},
                                                {1. / 24, 1. / 12, 1. / 6},
                                                {1. / 24, -1. / 12, 1. / 6},
                                                {0, 0, 1}};
const std::vector<std::vector<double>> back_4{
    {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};

/// T d T^T for one channel; d(y, x) is square.
template <class Tile>
double transformed(const std::vector<std::vector<double>>& t, std::size_t y, std::size_t x, Tile d) {
  double sum = 0;
  for (std::size_t i = 0; i < t[0].size(); ++i)
    for (std::size_t j = 0; j < t[0].size(); ++j) sum += t[y][i] * d(i, j) * t[x][j];
  return sum;
}

} // namespace

TEST_CASE("kernels: the level is never above the processor's", "[nn]") {
  CHECK(&nn::kernels_for(aecnn::instruction_set::avx512) == &nn::kernels_for(aecnn::best_instruction_set()));
  CHECK(nn::kernels_for(aecnn::instruction_set::portable).width == 1);
  std::size_t before = 0;
  at_every_level([&](const nn::kernel_set& k) {
    CHECK(k.width > before);
    before = k.width;
  });
}

TEST_CASE("kernels: tiles of every size, tail, activation, with and without a residual", "[nn]") {
  random_source random(1);
  at_every_level([&](const nn::kernel_set& k) {
    for (std::size_t p = 1; p <= k.most_pixels; ++p)
      for (const std::size_t vectors : {1U, 2U})
        for (std::size_t tail = 1; tail <= k.width; ++tail)
          for (int act = 0; act < 4; ++act)
            for (const bool residual : {false, true}) {
              const double e = tile_error(k, (vectors == 1 ? k.one : k.two)[p - 1], 1, p, vectors, tail, act, residual,
                                          false, random);
              if (e < 1e-5) continue;
              CAPTURE(p, vectors, tail, act, residual);
              CHECK(e < 1e-5);
            }
    CHECK(k.most_pixels >= 4);
  });
}

TEST_CASE("kernels: tiles whose two vectors lie apart, and tiles of two rows", "[nn]") {
  random_source random(2);
  at_every_level([&](const nn::kernel_set& k) {
    for (std::size_t p = 1; p <= k.most_pixels; ++p)
      for (int act = 0; act < 4; ++act)
        CHECK(tile_error(k, k.two[p - 1], 1, p, 2, k.width, act, false, true, random) < 1e-5);
    if (!k.two_rows) return;
    for (std::size_t tail = 1; tail <= k.width; ++tail)
      for (int act = 0; act < 4; ++act)
        for (const bool residual : {false, true})
          CHECK(tile_error(k, k.two_by_rows, 2, k.most_pixels / 2, 2, tail, act, residual, false, random) < 1e-5);
  });
}

TEST_CASE("kernels: row tiles of every size and number of pixels", "[nn]") {
  random_source random(3);
  at_every_level([&](const nn::kernel_set& k) {
    for (std::size_t m = 1; m <= k.most_rows; ++m)
      for (std::size_t pixels = 1; pixels <= 2 * k.width; ++pixels)
        for (int act = 0; act < 4; ++act) {
          const std::size_t depth = 1 + random.below(20), wide = 2 * k.width, plane = pixels + random.below(5);
          const auto panel = random.reals(depth * wide), weights = random.reals(depth * m), bias = random.reals(m);
          auto out = fresh((m - 1) * plane + pixels);
          auto expected = marked(out.size());
          nn::row_tile_arguments a{};
          a.panel = panel.data();
          a.depth = depth;
          a.weights = weights.data();
          a.bias = bias.data();
          a.out = out.data();
          a.plane = plane;
          a.pixels = pixels;
          a.act = act;
          a.low = act == 2 ? 0.25F : -0.5F;
          a.high = 0.75F;
          k.rows[m - 1](a);
          for (std::size_t r = 0; r < m; ++r)
            for (std::size_t p = 0; p < pixels; ++p) {
              double sum = real(bias[r]);
              for (std::size_t i = 0; i < depth; ++i) sum += real(weights[i * m + r]) * real(panel[i * wide + p]);
              expected[r * plane + p] = activated(sum, act, a.low, a.high);
            }
          const double e = difference(out, expected);
          CAPTURE(m, pixels, act);
          if (!(e < 1e-5)) CHECK(e < 1e-5);
        }
    CHECK(k.most_rows >= 4);
  });
}

TEST_CASE("kernels: Winograd's transform of filters", "[nn]") {
  random_source random(4);
  at_every_level([&](const nn::kernel_set& k) {
    for (const std::size_t m : {2U, 4U}) {
      const std::size_t side = m + 2, pitch = k.width + 3;
      const auto taps = random.reals(9 * k.width);
      auto out = fresh((side * side - 1) * pitch + k.width);
      auto expected = marked(out.size());
      (m == 2 ? k.winograd_filter_2 : k.winograd_filter_4)(taps.data(), out.data(), pitch);
      for (std::size_t i = 0; i < side * side; ++i)
        for (std::size_t c = 0; c < k.width; ++c)
          expected[i * pitch + c] =
              transformed(m == 2 ? filter_2 : filter_4, i / side, i % side,
                          [&](std::size_t y, std::size_t x) { return real(taps[(3 * y + x) * k.width + c]); });
      CHECK(difference(out, expected) < 1e-6);
    }
  });
}

TEST_CASE("kernels: Winograd's transform of tiles, also at the edges", "[nn]") {
  random_source random(5);
  at_every_level([&](const nn::kernel_set& k) {
    for (const std::size_t m : {2U, 4U})
      for (const std::size_t channels : {std::size_t{1}, k.width, k.width + 1, 3 * k.width - 1})
        for (std::size_t edge = 0; edge < 24; ++edge) {
          const std::size_t side = m + 2, pixel = channels + 1, pitch = channels + 2;
          nn::winograd_input_arguments a{};
          a.first_row = edge % 2;
          a.first_column = edge / 2 % 2;
          a.last_row = side - edge % 3;
          a.last_column = side - edge / 3 % 4 % m;
          const std::size_t rows = a.last_row - a.first_row, columns = a.last_column - a.first_column;
          const std::size_t row = columns * pixel + 3;
          // Only the pixels inside exist.
          const auto in = random.reals((rows - 1) * row + (columns - 1) * pixel + channels);
          a.in = in.data() - whole(a.first_row * row + a.first_column * pixel);
          a.pixel = whole(pixel);
          a.row = whole(row);
          a.channels = channels;
          a.pitch = pitch;
          auto out = fresh((side * side - 1) * pitch + channels);
          auto expected = marked(out.size());
          a.to = out.data();
          (m == 2 ? k.winograd_input_2 : k.winograd_input_4)(a);
          for (std::size_t i = 0; i < side * side; ++i)
            for (std::size_t c = 0; c < channels; ++c)
              expected[i * pitch + c] =
                  transformed(m == 2 ? forward_2 : forward_4, i / side, i % side, [&](std::size_t y, std::size_t x) {
                    if (y < a.first_row || y >= a.last_row || x < a.first_column || x >= a.last_column) return 0.0;
                    return real(in[(y - a.first_row) * row + (x - a.first_column) * pixel + c]);
                  });
          CAPTURE(m, edge);
          CHECK(difference(out, expected) < 3e-5);
        }
  });
}

TEST_CASE("kernels: Winograd's transform back, also of parts of tiles", "[nn]") {
  random_source random(6);
  at_every_level([&](const nn::kernel_set& k) {
    for (const std::size_t m : {2U, 4U})
      for (std::size_t rows = 1; rows <= m; ++rows)
        for (std::size_t columns = 1; columns <= m; ++columns)
          for (int act = 0; act < 4; ++act)
            for (const bool residual : {false, true}) {
              // With and without a second vector, and a part of the last one; the vectors side by side or apart.
              const std::size_t vectors = 1 + random.below(2),
                                tail = random.below(2) == 0 ? k.width : 1 + random.below(k.width);
              const std::size_t side = m + 2, channels = (vectors - 1) * k.width + tail, lanes = vectors * k.width,
                                pitch = lanes + 1;
              const bool apart = random.below(2) == 0;
              const std::size_t out_block = apart ? 2000 : k.width;
              const std::size_t pixel = channels + 2, row = columns * pixel + 1, residual_pixel = channels,
                                residual_row = 500;
              const auto from = random.reals((side * side - 1) * pitch + lanes), bias = random.reals(lanes);
              const auto added = random.reals((rows - 1) * residual_row + (columns - 1) * residual_pixel + channels);
              auto out = fresh((rows - 1) * row + (columns - 1) * pixel + (vectors - 1) * out_block + tail);
              auto expected = marked(out.size());
              nn::winograd_output_arguments a{};
              a.from = from.data();
              a.pitch = pitch;
              a.vectors = vectors;
              a.tail = tail;
              a.out_block = whole(out_block);
              a.bias = bias.data();
              a.residual = residual ? added.data() : nullptr;
              a.residual_pixel = whole(residual_pixel);
              a.residual_row = whole(residual_row);
              a.out = out.data();
              a.pixel = whole(pixel);
              a.row = whole(row);
              a.rows = rows;
              a.columns = columns;
              a.act = act;
              a.low = act == 2 ? 0.25F : -0.5F;
              a.high = 0.75F;
              (m == 2 ? k.winograd_output_2 : k.winograd_output_4)(a);
              for (std::size_t y = 0; y < rows; ++y)
                for (std::size_t x = 0; x < columns; ++x)
                  for (std::size_t c = 0; c < channels; ++c) {
                    double v =
                        real(bias[c]) + transformed(m == 2 ? back_2 : back_4, y, x, [&](std::size_t i, std::size_t j) {
                          return real(from[(i * side + j) * pitch + c]);
                        });
                    if (residual) v += real(added[y * residual_row + x * residual_pixel + c]);
                    expected[y * row + x * pixel + c / k.width * out_block + c % k.width] =
                        activated(v, act, a.low, a.high);
                  }
              CAPTURE(m, rows, columns, act, residual, vectors, tail, apart);
              CHECK(difference(out, expected) < 3e-5);
            }
  });
}

TEST_CASE("kernels: depthwise convolution", "[nn]") {
  random_source random(7);
  at_every_level([&](const nn::kernel_set& k) {
    for (std::size_t channels = 1; channels <= 2 * k.width + 1; ++channels)
      for (std::size_t pixels = 1; pixels <= 9; ++pixels)
        for (int act = 0; act < 4; ++act) {
          const bool residual = random.below(2) == 0;
          const std::size_t taps = 1 + random.below(4), in_pixel = channels * (1 + random.below(2));
          std::vector<std::ptrdiff_t> offsets;
          std::size_t furthest = 0;
          for (std::size_t t = 0; t < taps; ++t) {
            offsets.push_back(whole(random.below(3) * channels));
            furthest = std::max(furthest, static_cast<std::size_t>(offsets.back()));
          }
          const auto in = random.reals(furthest + (pixels - 1) * in_pixel + channels);
          const auto weights = random.reals(taps * channels), bias = random.reals(channels),
                     added = random.reals(pixels * channels);
          auto out = fresh(pixels * channels);
          auto expected = marked(out.size());
          nn::depthwise_arguments a{};
          a.in = in.data();
          a.in_pixel = whole(in_pixel);
          a.offsets = offsets.data();
          a.taps = taps;
          a.channels = channels;
          a.weights = weights.data();
          a.bias = bias.data();
          a.out = out.data();
          a.pixels = pixels;
          a.residual = residual ? added.data() : nullptr;
          a.act = act;
          a.low = act == 2 ? 0.25F : -0.5F;
          a.high = 0.75F;
          k.depthwise(a);
          for (std::size_t p = 0; p < pixels; ++p)
            for (std::size_t c = 0; c < channels; ++c) {
              double sum = real(bias[c]);
              for (std::size_t t = 0; t < taps; ++t)
                sum +=
                    real(weights[t * channels + c]) * real(in[static_cast<std::size_t>(offsets[t]) + p * in_pixel + c]);
              if (residual) sum += real(added[p * channels + c]);
              expected[p * channels + c] = activated(sum, act, a.low, a.high);
            }
          const double e = difference(out, expected);
          CAPTURE(channels, pixels, act, residual);
          if (!(e < 1e-5)) CHECK(e < 1e-5);
        }
    CHECK(k.depthwise != nullptr);
  });
}

TEST_CASE("kernels: pools", "[nn]") {
  random_source random(8);
  at_every_level([&](const nn::kernel_set& k) {
    for (std::size_t channels = 1; channels <= 2 * k.width + 1; ++channels)
      for (std::size_t rows = 1; rows <= 3; ++rows)
        for (std::size_t columns = 1; columns <= 3; ++columns) {
          const std::size_t pixel = channels * (1 + random.below(2)), row = columns * pixel + random.below(4);
          auto in = random.reals((rows - 1) * row + (columns - 1) * pixel + channels);
          for (float& v : in) v -= 1.5F; // all below 0: the maximum must not begin with 0
          nn::pool_arguments a{in.data(), whole(pixel), whole(row), rows, columns, channels, 0.125F, nullptr};
          for (const bool maximum : {false, true}) {
            auto out = fresh(channels);
            std::vector<double> expected(channels);
            a.out = out.data();
            (maximum ? k.max_pool : k.average_pool)(a);
            for (std::size_t c = 0; c < channels; ++c) {
              double sum = 0, most = -1e30;
              for (std::size_t y = 0; y < rows; ++y)
                for (std::size_t x = 0; x < columns; ++x) {
                  sum += real(in[y * row + x * pixel + c]);
                  most = std::max(most, real(in[y * row + x * pixel + c]));
                }
              expected[c] = maximum ? most : 0.125 * sum;
            }
            CHECK(difference(out, expected) < (maximum ? 1e-30 : 1e-6));
          }
        }
  });
}

TEST_CASE("kernels: transposes of any size", "[nn]") {
  random_source random(9);
  at_every_level([&](const nn::kernel_set& k) {
    for (std::size_t rows = 1; rows <= 2 * k.width + 1; rows += rows < 5 ? 1 : 3)
      for (std::size_t columns = 1; columns <= 2 * k.width + 1; columns += columns < 5 ? 1 : 3) {
        const std::size_t from_pitch = columns + random.below(3), to_pitch = rows + random.below(3);
        const auto from = random.reals((rows - 1) * from_pitch + columns);
        auto out = fresh((columns - 1) * to_pitch + rows);
        auto expected = marked(out.size());
        k.transpose(from.data(), from_pitch, rows, columns, out.data(), to_pitch);
        for (std::size_t r = 0; r < rows; ++r)
          for (std::size_t c = 0; c < columns; ++c) expected[c * to_pitch + r] = real(from[r * from_pitch + c]);
        CAPTURE(rows, columns);
        CHECK(difference(out, expected) == 0);
      }
  });
}

TEST_CASE("kernels: gather", "[nn]") {
  random_source random(10);
  at_every_level([&](const nn::kernel_set& k) {
    const std::size_t wide = 2 * k.width, pitch = wide + 5;
    for (std::size_t rows = 1; rows < 5; ++rows) {
      const auto from = random.reals((rows - 1) * pitch + wide);
      auto out = fresh(rows * wide);
      k.gather(from.data(), pitch, rows, out.data(), 1000);
      std::vector<double> expected;
      for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t i = 0; i < wide; ++i) expected.push_back(real(from[r * pitch + i]));
      CHECK(difference(out, expected) == 0);
    }
  });
}

TEST_CASE("kernels: sum and maximum of one pass", "[nn]") {
  random_source random(11);
  at_every_level([&](const nn::kernel_set& k) {
    float sum = 0, most = 0;
    for (std::size_t n = 1; n <= 10 * k.width + 3; ++n) {
      auto x = random.reals(n);
      for (float& v : x) v -= 2;
      double expected = 0;
      for (const float v : x) expected += real(v);
      k.sum_and_maximum(x.data(), n, &sum, &most);
      CAPTURE(n);
      CHECK(std::abs(real(sum) - expected) <= 1e-6 * static_cast<double>(n));
      CHECK(most == *std::max_element(x.begin(), x.end()));
    }
    // A NaN in any place; whatever comes after it.
    for (const std::size_t n : {std::size_t{1}, std::size_t{3}, 4 * k.width, 9 * k.width + 2})
      for (std::size_t at = 0; at < n; ++at) {
        std::vector<float> x(n, 1);
        x[at] = std::nanf("");
        k.sum_and_maximum(x.data(), n, &sum, &most);
        CHECK(std::isnan(most));
        CHECK(std::isnan(sum));
      }
  });
}

TEST_CASE("kernels: element by element", "[nn]") {
  random_source random(12);
  at_every_level([&](const nn::kernel_set& k) {
    for (std::size_t n = 0; n <= 3 * k.width + 2; ++n) {
      CAPTURE(n);
      const auto a = random.reals(n), b = random.reals(n), c = random.reals(n);
      const auto check = [&](auto run, auto expected) {
        auto out = fresh(n + 3); // the last three must stay
        run(out.data());
        auto e = marked(n + 3);
        for (std::size_t i = 0; i < n; ++i) e[i] = expected(i);
        CHECK(difference(out, e) < 1e-6);
      };
      check([&](float* y) { k.add(a.data(), b.data(), y, n); }, [&](std::size_t i) { return real(a[i]) + real(b[i]); });
      check([&](float* y) { k.multiply(a.data(), b.data(), y, n); },
            [&](std::size_t i) { return real(a[i]) * real(b[i]); });
      check([&](float* y) { k.affine(a.data(), 0.75F, -0.5F, y, n); },
            [&](std::size_t i) { return 0.75 * real(a[i]) - 0.5; });
      check([&](float* y) { k.affine_each(a.data(), b.data(), c.data(), y, n); },
            [&](std::size_t i) { return real(b[i]) * real(a[i]) + real(c[i]); });
      for (int act = 0; act < 4; ++act) {
        const float low = act == 2 ? 0.25F : -0.5F;
        check([&](float* y) { k.activate(a.data(), y, n, act, low, 0.25F); },
              [&](std::size_t i) { return activated(real(a[i]), act, low, 0.25F); });
        auto in_place = a;
        k.activate(in_place.data(), in_place.data(), n, act, low, 0.25F);
        for (std::size_t i = 0; i < n; ++i) CHECK(real(in_place[i]) == activated(real(a[i]), act, low, 0.25F));
      }
    }
  });
}

TEST_CASE("kernels: activations keep NaN and take infinities", "[nn]") {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  at_every_level([&](const nn::kernel_set& k) {
    for (const std::size_t n : {std::size_t{1}, k.width, k.width + 1})
      for (int act = 0; act < 4; ++act) {
        std::vector<float> y(n);
        k.activate(std::vector<float>(n, nan).data(), y.data(), n, act, -0.5F, 0.5F);
        for (const float v : y) CHECK(std::isnan(v));
        k.activate(std::vector<float>(n, infinity).data(), y.data(), n, act, -0.5F, 0.5F);
        for (const float v : y) CHECK(v == (act == 1 ? 0.5F : infinity));
        k.activate(std::vector<float>(n, -infinity).data(), y.data(), n, act, act == 2 ? 0.5F : -0.5F, 0.5F);
        for (const float v : y) CHECK(v == (act == 0 || act == 2 ? -infinity : -0.5F));
      }
  });
}
