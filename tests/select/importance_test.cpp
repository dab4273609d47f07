#include <aecnn/select/importance.hpp>

#include "attention_example.hpp"
#include <catch_compat.hpp>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

using aecnn::errc;
using aecnn::tensor_view;

namespace {

constexpr std::size_t channels = 12, height = 5, width = 9;

std::vector<std::vector<float>> tensors(std::size_t n) {
  std::mt19937 engine(11);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> t(n, std::vector<float>(channels * height * width));
  for (auto& x : t)
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto c = static_cast<float>(i / (height * width));
      x[i] = c + 0.25f * (1 + c) * normal(engine);
    }
  return t;
}

tensor_view<const float> chw(const std::vector<float>& x) {
  return tensor_view<const float>::chw(x.data(), channels, height, width);
}

/// Every way to split 6 tensors into two shards, merged in both directions, gives the same bits.
template <class Accumulator>
void check_sharding(const Accumulator& empty, const std::vector<std::vector<float>>& data) {
  Accumulator all = empty;
  for (const auto& x : data) all.add(chw(x)).value();
  const auto expected = all.scores();
  for (unsigned split = 0; split < 64; ++split) {
    Accumulator a = empty, b = empty;
    for (std::size_t i = 6; i-- > 0;) ((split >> i & 1) != 0 ? a : b).add(chw(data[i])).value();
    Accumulator ab = a, ba = b;
    ab.merge(b).value();
    ba.merge(a).value();
    REQUIRE(ab.scores() == expected);
    REQUIRE(ba.scores() == expected);
  }
}

} // namespace

TEST_CASE("mean attention averages the sigmoid of the logits", "[select]") {
  const auto attention = aecnn::channel_attention::create(example::attention(aecnn::attention_kind::cbam)).value();
  aecnn::attention_importance a(attention);
  CHECK(a.scores() == std::vector<double>(channels, 0.0));
  const auto x = example::tensor();
  std::vector<float> zero(x.size(), 0.0f);
  a.add(chw(x)).value();
  CHECK(a.scores()[4] == Approx(1 / (1 + std::exp(-example::cbam_logits[4]))).margin(1e-5));
  a.add(chw(zero)).value();
  CHECK(a.tensors() == 2);
  aecnn::attention_workspace w;
  std::vector<float> both(channels), one(channels);
  attention.weights(chw(x), std::span<float>(both), w).value();
  attention.weights(chw(zero), std::span<float>(one), w).value();
  for (std::size_t c = 0; c < channels; ++c)
    CHECK(a.scores()[c] == (static_cast<double>(both[c]) + static_cast<double>(one[c])) / 2);
  CHECK(aecnn::rank_channels(a.scores()).size() == channels);
  CHECK(a.add(tensor_view<const float>::chw(x.data(), 3, 1, 1)).error().code == errc::bad_shape);
  CHECK(a.tensors() == 2);
  check_sharding(aecnn::attention_importance(attention), tensors(6));
  auto narrow = example::attention(aecnn::attention_kind::eca);
  narrow.channels = 3;
  narrow.kernel = {0.5f};
  aecnn::attention_importance three(aecnn::channel_attention::create(narrow).value());
  CHECK(three.merge(a).error().code == errc::bad_shape);
  CHECK(three.tensors() == 0);
}

TEST_CASE("energy and variance agree with their definitions", "[select]") {
  const auto data = tensors(6);
  aecnn::energy_importance energy(channels);
  aecnn::variance_importance variance(channels);
  for (const auto& x : data) {
    energy.add(chw(x)).value();
    variance.add(chw(x)).value();
  }
  const std::size_t area = height * width;
  for (std::size_t c = 0; c < channels; ++c) {
    double sum = 0, square = 0, centred = 0;
    const auto n = static_cast<double>(6 * area);
    for (const auto& x : data)
      for (std::size_t i = c * area; i < (c + 1) * area; ++i) {
        sum += static_cast<double>(x[i]);
        square += static_cast<double>(x[i]) * static_cast<double>(x[i]);
      }
    for (const auto& x : data)
      for (std::size_t i = c * area; i < (c + 1) * area; ++i)
        centred += std::pow(static_cast<double>(x[i]) - sum / n, 2);
    CHECK(energy.scores()[c] == Approx(square / n).epsilon(1e-12));
    CHECK(energy.mean(c) == Approx(sum / n).epsilon(1e-12).margin(1e-12));
    CHECK(variance.scores()[c] == Approx(centred / n).epsilon(1e-10));
  }
  CHECK(energy.elements() == 6 * area);
  // A large constant channel has energy but carries nothing.
  std::vector<float> constant(channels * area, 1000.0f);
  aecnn::variance_importance v(channels);
  v.add(chw(constant)).value();
  CHECK(v.scores() == std::vector<double>(channels, 0.0));
  check_sharding(aecnn::energy_importance(channels), data);
  check_sharding(aecnn::variance_importance(channels), data);
}

TEST_CASE("layouts and element types give the same moments", "[select]") {
  const auto data = tensors(1);
  aecnn::energy_importance expected(channels), other(channels), wide(channels), quantised(channels);
  expected.add(chw(data[0])).value();
  std::vector<float> last(data[0].size());
  const auto hwc = tensor_view<float>::hwc(last.data(), channels, height, width);
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t y = 0; y < height; ++y)
      for (std::size_t i = 0; i < width; ++i) hwc(c, y, i) = chw(data[0])(c, y, i);
  other.add(hwc).value();
  CHECK(other.scores() == expected.scores());
  const std::vector<double> doubles(data[0].begin(), data[0].end());
  wide.add(tensor_view<const double>::chw(doubles.data(), channels, height, width)).value();
  CHECK(wide.scores() == expected.scores());
  const std::vector<std::uint8_t> q(channels * height * width, 130);
  quantised
      .add(aecnn::quantized_view<const std::uint8_t>{
          tensor_view<const std::uint8_t>::chw(q.data(), channels, height, width), 0.5f, 128})
      .value();
  CHECK(quantised.scores() == std::vector<double>(channels, 1.0));
}

TEST_CASE("moments refuse what does not fit and stay as they were", "[select]") {
  auto data = tensors(2);
  aecnn::energy_importance e(channels), smaller(channels - 1);
  e.add(chw(data[0])).value();
  const auto before = e.scores();
  CHECK(e.add(tensor_view<const float>::chw(data[1].data(), 4, 3, 3)).error().code == errc::bad_shape);
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    data[1][400] = bad;
    CHECK(e.add(chw(data[1])).error().code == errc::not_finite);
  }
  CHECK(e.merge(smaller).error().code == errc::bad_shape);
  CHECK(e.scores() == before);
  CHECK(e.elements() == height * width);
  CHECK(aecnn::energy_importance(2).scores() == std::vector<double>{0, 0});
  CHECK(aecnn::variance_importance(2).scores() == std::vector<double>{0, 0});
}
