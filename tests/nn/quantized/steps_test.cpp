#include <aecnn/nn/quantized/steps.hpp>

#include "integer_reference.hpp"

using namespace integer_reference;

namespace {

std::string append(nn::graph& g, const char* op, std::vector<std::string> inputs,
                   std::vector<std::pair<std::string, nn::attribute>> attributes = {}) {
  return nn::detail::append(g, nn::detail::next_name(g, op), op, std::move(inputs), std::move(attributes));
}
std::string integers(nn::graph& g, extents v) {
  const std::string name = "integers" + std::to_string(g.weights.size());
  nn::weight w{name, {static_cast<std::int64_t>(v.size())}, {}};
  w.integers = std::move(v);
  w.type = nn::element_type::int64;
  g.weights.push_back(std::move(w));
  return name;
}

/// A tensor of the given shape whose bytes a function of the index gives.
template <class F>
bytes fill(extents shape, float scale, std::int64_t zero, const F& f) {
  bytes b{std::move(shape), scale, zero};
  b.data.resize(b.size());
  for (std::int64_t n = 0; n < b.shape[0]; ++n)
    for (std::int64_t c = 0; c < b.shape[1]; ++c)
      for (std::int64_t y = 0; y < b.shape[2]; ++y)
        for (std::int64_t x = 0; x < b.shape[3]; ++x) b.data[b.index(n, c, y, x)] = f(n, c, y, x);
  return b;
}

void check_one(nn::graph& g, const std::string& output, const bytes& x, const bytes& y) {
  nn::finish(g, output);
  check(g, {{value("x", x), value(output, y)}, {}}, x, y);
}

} // namespace

TEST_CASE("integer pools equal the reference") {
  random_integers random(51);
  for (int round = 0; round < 24; ++round) {
    const bytes x = random_bytes(random, {2, random.between(1, 37), random.between(4, 9), 7}, random_scale(random, 4),
                                 random_zero(random));
    const std::int64_t kernel = random.between(1, 3), stride = random.between(1, 2),
                       pad = kernel > 1 ? random.between(0, 1) : 0;
    const bool maximum = round % 2 == 0, count = round % 4 == 1;
    nn::graph g = nn::start("pool");
    std::vector<std::pair<std::string, nn::attribute>> a{{"kernel_shape", extents{kernel, kernel}},
                                                         {"strides", extents{stride, stride}},
                                                         {"pads", extents{pad, pad, pad, pad}}};
    if (count) a.emplace_back("count_include_pad", std::int64_t{1});
    const std::string out = append(g, maximum ? "MaxPool" : "AveragePool", {"x"}, a);
    const extents shape{2, x.shape[1], (x.shape[2] + 2 * pad - kernel) / stride + 1,
                        (7 + 2 * pad - kernel) / stride + 1};
    const float scale = maximum ? x.scale : random_scale(random, 4);
    const std::int64_t zero = maximum ? x.zero : random_zero(random);
    const bytes y = fill(shape, scale, zero, [&](auto n, auto c, auto v, auto u) {
      std::int64_t most = 0, sum = 0, taps = 0;
      for (std::int64_t i = v * stride - pad; i < v * stride - pad + kernel; ++i)
        for (std::int64_t j = u * stride - pad; j < u * stride - pad + kernel; ++j) {
          if (i < 0 || j < 0 || i >= x.shape[2] || j >= 7) continue;
          most = std::max(most, x.at(n, c, i, j));
          sum += x.at(n, c, i, j) - x.zero;
          ++taps;
        }
      if (maximum) return most;
      const std::int64_t divisor = count ? kernel * kernel : taps;
      const factor f(static_cast<long double>(x.scale) /
                     (static_cast<long double>(scale) * static_cast<long double>(divisor)));
      return std::clamp<std::int64_t>(round_32(f.product(sum)) + zero, 0, 255);
    });
    INFO("round " << round);
    check_one(g, out, x, y);
  }
}

TEST_CASE("integer global pools equal the reference") {
  random_integers random(52);
  const bytes x = random_bytes(random, {2, 19, 8, 8}, random_scale(random, 5), 31);
  const float scale = random_scale(random, 6);
  nn::graph g = nn::start("average");
  const bytes mean = fill({2, 19, 1, 1}, scale, 17, [&](auto n, auto c, auto, auto) {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < 64; ++i) sum += x.at(n, c, i / 8, i % 8) - 31;
    return std::clamp<std::int64_t>(round_32(factor(static_cast<long double>(x.scale) / scale / 64).product(sum)) + 17,
                                    0, 255);
  });
  const std::string average = append(g, "GlobalAveragePool", {"x"});
  check_one(g, average, x, mean);
  nn::graph h = nn::start("maximum");
  const bytes most = fill({2, 19, 1, 1}, x.scale, 31, [&](auto n, auto c, auto, auto) {
    std::int64_t m = 0;
    for (std::int64_t i = 0; i < 64; ++i) m = std::max(m, x.at(n, c, i / 8, i % 8));
    return m;
  });
  const std::string maximum = append(h, "GlobalMaxPool", {"x"});
  check_one(h, maximum, x, most);
}

TEST_CASE("integer slices and pads fill with the zero point") {
  random_integers random(53);
  const bytes x = random_bytes(random, {1, 6, 7, 8}, 0.25F, 200);
  nn::graph g = nn::start("shortcut");
  const std::string sliced =
      append(g, "Slice", {"x", integers(g, {0, 0}), integers(g, {100, 100}), integers(g, {2, 3}), integers(g, {2, 2})});
  const std::string padded = append(g, "Pad", {sliced, integers(g, {0, 2, 0, 1, 0, 3, 1, 0})});
  const bytes y = fill({1, 11, 5, 5}, 0.25F, 200, [&](auto, auto c, auto v, auto u) -> std::int64_t {
    if (c < 2 || c >= 8 || v >= 4 || u < 1) return 200;
    return x.at(0, c - 2, 2 * v, 2 * (u - 1));
  });
  check_one(g, padded, x, y);
}

TEST_CASE("integer sums, joins and activations rescale") {
  random_integers random(54);
  for (int round = 0; round < 6; ++round) {
    const bytes x = random_bytes(random, {1, 5, 3, 4}, random_scale(random, 4), random_zero(random));
    nn::graph g = nn::start("join");
    // Two values of other scales: 1x1 averages, which rescale.
    const std::string a = append(g, "AveragePool", {"x"}, {{"kernel_shape", extents{1, 1}}});
    const std::string r = nn::relu(g, a);
    const std::string s = nn::add(g, r, "x");
    const std::string out = nn::concat(g, {s, "x", r});
    const auto rescaled = [&](const bytes& from, float scale, std::int64_t zero, std::int64_t low) {
      return fill(from.shape, scale, zero, [&](auto n, auto c, auto v, auto u) {
        bytes to{{}, scale, zero};
        return std::clamp<std::int64_t>(round_32(activation_part(from.at(n, c, v, u), from, to)) + zero, low, 255);
      });
    };
    float scales[4];
    for (float& f : scales) f = random_scale(random, 4);
    const bytes first = fill(x.shape, scales[0], 99, [&](auto n, auto c, auto v, auto u) {
      const factor f(static_cast<long double>(x.scale) / scales[0]);
      return std::clamp<std::int64_t>(round_32(f.product(x.at(n, c, v, u) - x.zero)) + 99, 0, 255);
    });
    const bytes second = rescaled(first, scales[1], 40, 40);
    const bytes third = fill(x.shape, scales[2], 50, [&](auto n, auto c, auto v, auto u) {
      bytes to{{}, scales[2], 50};
      const std::int64_t sum =
          activation_part(second.at(n, c, v, u), second, to) + activation_part(x.at(n, c, v, u), x, to);
      return std::clamp<std::int64_t>(round_32(sum) + 50, 0, 255);
    });
    const bytes parts[3] = {rescaled(third, scales[3], 60, 0), rescaled(x, scales[3], 60, 0),
                            rescaled(second, scales[3], 60, 0)};
    const bytes y = fill({1, 15, 3, 4}, scales[3], 60,
                         [&](auto, auto c, auto v, auto u) { return parts[c / 5].at(0, c % 5, v, u); });
    nn::finish(g, out);
    INFO("round " << round);
    check(g, {{value("x", x), value(a, first), value(r, second), value(s, third), value(out, y)}, {}}, x, y);
  }
}

TEST_CASE("integer networks move bytes as ONNX does") {
  random_integers random(55);
  const bytes x = random_bytes(random, {2, 12, 3, 5}, 0.5F, 3);
  for (const bool pixel_shuffle : {false, true}) {
    nn::graph g = nn::start("shuffle");
    const std::string out = nn::depth_to_space(g, "x", 2, pixel_shuffle ? "CRD" : "DCR");
    check_one(g, out, x, fill({2, 3, 6, 10}, 0.5F, 3, [&](auto n, auto c, auto v, auto u) {
                const std::int64_t part = v % 2 * 2 + u % 2;
                return x.at(n, pixel_shuffle ? c * 4 + part : part * 3 + c, v / 2, u / 2);
              }));
  }
  nn::graph g = nn::start("flat");
  const std::string out = append(g, "Flatten", {"x"});
  bytes y{{2, 180, 1, 1}, 0.5F, 3, x.data};
  nn::finish(g, out);
  check(g, {{value("x", x), value(out, y)}, {}}, x, y);
  // What has one pixel, or the same shape, needs no step.
  nn::graph h = nn::start("same");
  const bytes z = random_bytes(random, {2, 12, 1, 1}, 0.5F, 3);
  nn::finish(h, append(h, "Flatten", {nn::identity(h, "x")}));
  check(h, {{value("x", z), value(h.nodes[0].outputs[0], z), value(h.outputs[0], z)}, {}}, z, z);
}
