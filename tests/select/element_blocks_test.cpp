#include <aecnn/select/element_blocks.hpp>

#include <catch_compat.hpp>

#include <cstdint>
#include <vector>

using aecnn::tensor_view;

namespace {

template <class View>
std::vector<float> blocks(const View& v, std::size_t channel) {
  std::vector<float> all;
  bool last = false;
  aecnn::detail::for_each_channel_block(aecnn::detail::source_of(v), channel, [&](const float* x, std::size_t n) {
    CHECK_FALSE(last); // only the last block is short
    last = n < aecnn::fixed_block;
    REQUIRE(n > 0);
    all.insert(all.end(), x, x + n);
    float outside = 0;
    for (std::size_t i = n; i < aecnn::fixed_block; ++i) outside += x[i] == 0 ? 0.0f : 1.0f;
    CHECK(outside == 0);
  });
  return all;
}

std::vector<float> ramp(std::size_t n) {
  std::vector<float> x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<float>(i + 1);
  return x;
}

} // namespace

TEST_CASE("blocks hold a channel's elements in row order, for every layout", "[select]") {
  const std::size_t c = 3;
  for (const std::size_t h : {std::size_t{1}, std::size_t{8}, std::size_t{9}})
    for (const std::size_t w : {std::size_t{1}, std::size_t{16}, std::size_t{21}}) {
      const auto x = ramp(c * h * w);
      const auto chw = tensor_view<const float>::chw(x.data(), c, h, w);
      std::vector<float> last(x.size());
      const auto hwc = tensor_view<float>::hwc(last.data(), c, h, w);
      for (std::size_t k = 0; k < c; ++k)
        for (std::size_t y = 0; y < h; ++y)
          for (std::size_t i = 0; i < w; ++i) hwc(k, y, i) = chw(k, y, i);
      const std::vector<double> wide(x.begin(), x.end());
      for (std::size_t k = 0; k < c; ++k) {
        const auto begin = x.begin() + static_cast<std::ptrdiff_t>(k * h * w);
        const std::vector<float> expected(begin, begin + static_cast<std::ptrdiff_t>(h * w));
        CHECK(blocks(chw, k) == expected);
        CHECK(blocks(hwc, k) == expected);
        CHECK(blocks(tensor_view<const double>::chw(wide.data(), c, h, w), k) == expected);
      }
      std::vector<float> scratch;
      CHECK(aecnn::detail::planar(aecnn::detail::source_of(chw), scratch) == x.data());
      CHECK(scratch.empty());
      const float* copy = aecnn::detail::planar(
          aecnn::detail::source_of(tensor_view<const double>::chw(wide.data(), c, h, w)), scratch);
      CHECK(std::vector<float>(copy, copy + x.size()) == x);
      copy = aecnn::detail::planar(aecnn::detail::source_of(hwc), scratch);
      CHECK(std::vector<float>(copy, copy + x.size()) == x);
    }
}

TEST_CASE("quantised tensors give numbers without, and planar values with their scale", "[select]") {
  const std::vector<std::uint8_t> q = {0, 128, 255, 10};
  const aecnn::quantized_view<const std::uint8_t> v{tensor_view<const std::uint8_t>::chw(q.data(), 2, 1, 2), 0.5f, 10};
  CHECK(blocks(v, 0) == std::vector<float>{-10, 118});
  CHECK(blocks(v, 1) == std::vector<float>{245, 0});
  std::vector<float> scratch;
  const float* p = aecnn::detail::planar(aecnn::detail::source_of(v), scratch);
  CHECK(std::vector<float>(p, p + 4) == std::vector<float>{-5, 59, 122.5f, 0});
}

TEST_CASE("a channel without pixels has no blocks", "[select]") {
  CHECK(blocks(tensor_view<const float>::chw(nullptr, 1, 0, 7), 0).empty());
  CHECK(blocks(tensor_view<const float>::hwc(nullptr, 1, 7, 0), 0).empty());
}
