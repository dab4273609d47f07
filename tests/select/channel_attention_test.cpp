#include <aecnn/select/channel_attention.hpp>

#include "attention_example.hpp"
#include <catch_compat.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

using aecnn::attention_kind;
using aecnn::channel_attention;
using aecnn::errc;
using aecnn::tensor_view;

namespace {

std::vector<std::int32_t> logits(const aecnn::attention_parameters& p, const tensor_view<const float>& x) {
  const auto a = channel_attention::create(p).value();
  aecnn::attention_workspace w;
  std::vector<std::int32_t> out(p.channels);
  a.logits(x, std::span<std::int32_t>(out), w).value();
  return out;
}

/// The formula of the papers in double precision.
std::vector<double> reference(const aecnn::attention_parameters& p, const tensor_view<const float>& x) {
  const std::size_t n = p.channels;
  std::vector<double> average(n), maximum(n), out(n);
  for (std::size_t c = 0; c < n; ++c) {
    maximum[c] = x(c, 0, 0);
    for (std::size_t y = 0; y < x.shape.height; ++y)
      for (std::size_t i = 0; i < x.shape.width; ++i) {
        average[c] += x(c, y, i);
        maximum[c] = std::max(maximum[c], static_cast<double>(x(c, y, i)));
      }
    average[c] /= static_cast<double>(x.shape.area());
  }
  const auto perceptron = [&](const std::vector<double>& a) {
    std::vector<double> h(p.hidden);
    for (std::size_t j = 0; j < p.hidden; ++j) {
      h[j] = p.b1.empty() ? 0 : p.b1[j];
      for (std::size_t c = 0; c < n; ++c) h[j] += static_cast<double>(p.w1[j * n + c]) * a[c];
      h[j] = std::max(h[j], 0.0);
    }
    for (std::size_t c = 0; c < n; ++c) {
      out[c] += p.b2.empty() ? 0 : p.b2[c];
      for (std::size_t j = 0; j < p.hidden; ++j) out[c] += static_cast<double>(p.w2[c * p.hidden + j]) * h[j];
    }
  };
  if (p.kind == attention_kind::eca) {
    const auto half = static_cast<std::ptrdiff_t>(p.kernel.size() / 2);
    for (std::ptrdiff_t c = 0; c < static_cast<std::ptrdiff_t>(n); ++c)
      for (std::ptrdiff_t k = -half; k <= half; ++k)
        if (c + k >= 0 && c + k < static_cast<std::ptrdiff_t>(n))
          out[static_cast<std::size_t>(c)] += static_cast<double>(p.kernel[static_cast<std::size_t>(k + half)]) *
                                              average[static_cast<std::size_t>(c + k)];
    return out;
  }
  perceptron(average);
  if (p.kind == attention_kind::cbam) perceptron(maximum);
  return out;
}

double worst(const std::vector<std::int32_t>& fixed, const std::vector<double>& expected, int bits = 16) {
  REQUIRE(fixed.size() == expected.size());
  double w = 0;
  for (std::size_t i = 0; i < fixed.size(); ++i)
    w = std::max(w, std::abs(std::ldexp(fixed[i], -bits) - expected[i]) / std::max(1.0, std::abs(expected[i])));
  return w;
}

} // namespace

TEST_CASE("logits agree with values computed by numpy", "[select]") {
  const auto x = example::tensor();
  const auto view = tensor_view<const float>::chw(x.data(), example::channels, example::height, example::width);
  CHECK(worst(logits(example::attention(attention_kind::cbam), view), example::cbam_logits) < 5e-5);
  CHECK(worst(logits(example::attention(attention_kind::se), view), example::se_logits) < 5e-5);
  CHECK(worst(logits(example::attention(attention_kind::eca), view), example::eca_logits) < 5e-5);
}

TEST_CASE("logits are these integers on every machine", "[select]") {
  const auto x = example::tensor();
  const auto chw = tensor_view<const float>::chw(x.data(), example::channels, example::height, example::width);
  const std::vector<std::int32_t> expected = {-39050, 14007,  5773,  -55858, 50595,  42360,
                                              -19270, -27505, 25552, 17318,  -44313, 62140};
  CHECK(logits(example::attention(attention_kind::cbam), chw) == expected);
}

TEST_CASE("logits are within 1e-4 of double precision for random networks", "[select]") {
  std::mt19937 engine(3);
  std::normal_distribution<float> normal;
  for (const std::size_t channels : {std::size_t{16}, std::size_t{64}, std::size_t{256}, std::size_t{2048}}) {
    const std::size_t side = channels == 2048 ? 7 : 14;
    std::vector<float> x(channels * side * side);
    for (auto& v : x) v = std::max(0.0f, normal(engine));
    const auto view = tensor_view<const float>::chw(x.data(), channels, side, side);
    for (const auto kind : {attention_kind::cbam, attention_kind::se, attention_kind::eca}) {
      aecnn::attention_parameters p;
      p.kind = kind;
      p.channels = channels;
      if (kind == attention_kind::eca) {
        for (int i = 0; i < 5; ++i) p.kernel.push_back(normal(engine));
      } else { // the usual initialisation: standard deviation sqrt(2 / inputs)
        p.hidden = channels / 16;
        for (std::size_t i = 0; i < p.hidden * channels; ++i) {
          p.w1.push_back(normal(engine) * std::sqrt(2.0f / static_cast<float>(channels)));
          p.w2.push_back(normal(engine) * std::sqrt(2.0f / static_cast<float>(p.hidden)));
        }
        for (std::size_t i = 0; i < p.hidden; ++i) p.b1.push_back(0.1f * normal(engine));
        for (std::size_t i = 0; i < channels; ++i) p.b2.push_back(0.1f * normal(engine));
      }
      CAPTURE(channels, static_cast<int>(kind));
      CHECK(worst(logits(p, view), reference(p, view)) < 1e-4);
      p.input_exponent = 22;
      CHECK(worst(logits(p, view), reference(p, view), 22) < 1e-5);
    }
  }
}

TEST_CASE("absent biases are zero", "[select]") {
  const auto x = example::tensor();
  const auto view = tensor_view<const float>::chw(x.data(), example::channels, example::height, example::width);
  auto p = example::attention(attention_kind::cbam);
  p.b1.clear();
  p.b2.clear();
  const auto absent = logits(p, view);
  CHECK(worst(absent, reference(p, view)) < 5e-5);
  p.b1.assign(example::hidden, 0.0f);
  p.b2.assign(example::channels, 0.0f);
  CHECK(logits(p, view) == absent);
}

TEST_CASE("weights are the sigmoid of the logits", "[select]") {
  const auto x = example::tensor();
  const auto view = tensor_view<const float>::chw(x.data(), example::channels, example::height, example::width);
  const auto a = channel_attention::create(example::attention(attention_kind::cbam)).value();
  aecnn::attention_workspace w;
  std::vector<float> out(example::channels);
  a.weights(view, std::span<float>(out), w).value();
  for (std::size_t c = 0; c < out.size(); ++c)
    CHECK(out[c] == Approx(1.0 / (1.0 + std::exp(-example::cbam_logits[c]))).margin(2e-5));
  CHECK(a.channels() == example::channels);
  CHECK(a.kind() == attention_kind::cbam);
  CHECK(a.fraction_bits() == 16);
}

TEST_CASE("large values and weights saturate", "[select]") {
  aecnn::attention_parameters p;
  p.kind = attention_kind::cbam;
  p.channels = 2;
  p.hidden = 1;
  p.w1 = {1000, 1000};
  p.w2 = {1000, -1000};
  const std::vector<float> x = {3e38f, std::numeric_limits<float>::infinity()};
  CHECK(logits(p, tensor_view<const float>::chw(x.data(), 2, 1, 1)) ==
        std::vector<std::int32_t>{2147483647, -2147483647});
  p.w2 = {0, 0};
  p.b2 = {-1048576, 1048576};
  CHECK(logits(p, tensor_view<const float>::chw(x.data(), 2, 1, 1)) ==
        std::vector<std::int32_t>{-2147483647, 2147483647});
}

TEST_CASE("shapes that do not fit are refused", "[select]") {
  const auto a = channel_attention::create(example::attention(attention_kind::se)).value();
  aecnn::attention_workspace w;
  const auto x = example::tensor();
  std::vector<std::int32_t> out(example::channels);
  std::span<std::int32_t> all(out);
  CHECK(a.logits(tensor_view<const float>::chw(x.data(), 11, 5, 9), all, w).error().code == errc::bad_shape);
  CHECK(a.logits(tensor_view<const float>::chw(x.data(), 12, 5, 9), all.first(11), w).error().code ==
        errc::invalid_argument);
  CHECK(a.logits(tensor_view<const float>::chw(x.data(), 12, 1u << 16, 1u << 16), all, w).error().code ==
        errc::bad_shape);
  std::vector<std::uint8_t> q(12);
  const aecnn::quantized_view<const std::uint8_t> no_scale{tensor_view<const std::uint8_t>::chw(q.data(), 12, 1, 1), 0,
                                                           0};
  CHECK(a.logits(no_scale, all, w).error().code == errc::invalid_argument);
  std::vector<float> weights(11);
  const auto refused = a.weights(tensor_view<const float>::chw(x.data(), 12, 5, 9), std::span<float>(weights), w);
  CHECK(refused.error().code == errc::invalid_argument);
  CHECK(refused.error().message == "span of 11 weights, expected 12");
  // Without pixels the pooled values are 0, which leaves the biases.
  CHECK(a.logits(tensor_view<const float>::chw(nullptr, 12, 0, 9), all, w).has_value());
}
