#include <aecnn/select/channel_pooling.hpp>

#include <catch_compat.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

using aecnn::tensor_view;

namespace {

std::vector<float> noise(std::size_t n, std::uint32_t seed) {
  std::vector<float> x(n);
  for (auto& v : x) {
    seed = seed * 1664525u + 1013904223u;
    v = static_cast<float>(static_cast<std::int32_t>(seed >> 8) - (1 << 23)) / 65536.0f; // -128..128, 24 bits
  }
  return x;
}

struct pooled {
  std::vector<std::int32_t> average, maximum;
  friend bool operator==(const pooled&, const pooled&) = default;
};

template <class View>
pooled pool(const View& v, float scale) {
  const auto source = aecnn::detail::source_of(v);
  const std::size_t n = source.elements.shape.channels;
  pooled p{std::vector<std::int32_t>(n), std::vector<std::int32_t>(n)};
  aecnn::detail::pool_channels<true>(source, scale, p.average, p.maximum);
  std::vector<std::int32_t> only(n);
  aecnn::detail::pool_channels<false>(source, scale, only, {});
  CHECK(only == p.average);
  return p;
}

/// The definition: truncated elements, exact sums, division with rounding.
pooled reference(const tensor_view<const float>& v, double scale) {
  pooled p;
  for (std::size_t c = 0; c < v.shape.channels; ++c) {
    std::int64_t sum = 0, top = INT64_MIN;
    for (std::size_t y = 0; y < v.shape.height; ++y)
      for (std::size_t x = 0; x < v.shape.width; ++x) {
        const auto t = static_cast<std::int64_t>(static_cast<double>(v(c, y, x)) * scale);
        sum += t;
        top = t > top ? t : top;
      }
    p.average.push_back(static_cast<std::int32_t>(
        std::llround(static_cast<long double>(sum) / static_cast<long double>(v.shape.area()))));
    p.maximum.push_back(static_cast<std::int32_t>(top));
  }
  return p;
}

} // namespace

TEST_CASE("every layout and element type pools to the exact integers", "[select]") {
  struct extent {
    std::size_t c, h, w;
  };
  for (const auto [c, h, w] : {extent{1, 1, 1}, extent{3, 7, 7}, extent{5, 8, 8}, extent{81, 14, 14}, extent{64, 3, 43},
                               extent{17, 1, 130}, extent{130, 65, 1}}) {
    const auto x = noise(c * h * w, static_cast<std::uint32_t>(c + h));
    const auto chw = tensor_view<const float>::chw(x.data(), c, h, w);
    const pooled expected = reference(chw, 65536.0);
    CAPTURE(c, h, w);
    CHECK(pool(chw, 65536.0f) == expected);

    std::vector<float> last(x.size());
    std::vector<double> wide(x.begin(), x.end());
    std::vector<float> spaced(2 * x.size() + 2 * c * h);
    tensor_view<float> hwc = tensor_view<float>::hwc(last.data(), c, h, w);
    const auto row = static_cast<std::ptrdiff_t>(2 * w + 2);
    tensor_view<float> padded(spaced.data(), {c, h, w}, {row * static_cast<std::ptrdiff_t>(h), row, 2});
    for (std::size_t i = 0; i < c; ++i)
      for (std::size_t y = 0; y < h; ++y)
        for (std::size_t k = 0; k < w; ++k) padded(i, y, k) = hwc(i, y, k) = chw(i, y, k);
    CHECK(pool(hwc, 65536.0f) == expected);
    CHECK(pool(padded, 65536.0f) == expected);
    CHECK(pool(tensor_view<const double>::chw(wide.data(), c, h, w), 65536.0f) == expected);
    // Rows from the bottom up.
    const tensor_view<const float> flipped(chw.row(0, h - 1), {c, h, w}, {chw.strides[0], -chw.strides[1], 1});
    CHECK(pool(flipped, 65536.0f) == expected);
  }
}

TEST_CASE("a channel of large values does not overflow", "[select]") {
  const std::vector<float> x(256 * 300, 1e30f), y(256 * 300, -1e30f);
  for (const bool last : {false, true}) {
    const auto view = [&](const std::vector<float>& v) {
      return last ? tensor_view<const float>::hwc(v.data(), 1, 256, 300)
                  : tensor_view<const float>::chw(v.data(), 1, 256, 300);
    };
    CHECK(pool(view(x), 1.0f) == pooled{{aecnn::fixed_limit}, {aecnn::fixed_limit}});
    CHECK(pool(view(y), 1.0f) == pooled{{-aecnn::fixed_limit}, {-aecnn::fixed_limit}});
  }
  // More than 65536 pixels of 16 channels: the channels-last loop moves its 32-bit sums to 64 bits on the way.
  const std::vector<float> many(16 * 70000, -3.75f);
  const auto p = pool(tensor_view<const float>::hwc(many.data(), 16, 700, 100), 65536.0f);
  CHECK(p.average == std::vector<std::int32_t>(16, -245760));
  CHECK(p.maximum == std::vector<std::int32_t>(16, -245760));
}

TEST_CASE("a quantised tensor pools to its values", "[select]") {
  const std::vector<std::int8_t> q = {-128, 127, 3, 3, 3, 4};
  aecnn::quantized_view<const std::int8_t> v{tensor_view<const std::int8_t>::chw(q.data(), 2, 1, 3), 0.5f, 3};
  const auto p = pool(v, 0.5f * 256.0f);
  CHECK(p.average == std::vector<std::int32_t>{-299, 43}); // (-65.5 + 62 + 0) / 3, (0 + 0 + 0.5) / 3, times 256
  CHECK(p.maximum == std::vector<std::int32_t>{62 * 256, 128});
}

TEST_CASE("a tensor without pixels pools to zeros", "[select]") {
  pooled p{{7, 7}, {7, 7}};
  aecnn::detail::pool_channels<true>(aecnn::detail::source_of(tensor_view<const float>::chw(nullptr, 2, 0, 5)), 1.0f,
                                     p.average, p.maximum);
  CHECK(p == pooled{{0, 0}, {0, 0}});
}

TEST_CASE("divide_rounded rounds halves away from zero", "[select]") {
  CHECK(aecnn::detail::divide_rounded(5, 2) == 3);
  CHECK(aecnn::detail::divide_rounded(-5, 2) == -3);
  CHECK(aecnn::detail::divide_rounded(4, 3) == 1);
  CHECK(aecnn::detail::divide_rounded(-4, 3) == -1);
  CHECK(aecnn::detail::divide_rounded(0, 7) == 0);
}
