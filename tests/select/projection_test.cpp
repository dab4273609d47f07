#include <aecnn/select/projection.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <catch_compat.hpp>
#include <feature_tensors.hpp>

using aecnn::errc;
using aecnn::projection;
using aecnn::projection_parameters;
using aecnn::shape3;

namespace {

/// sum: bound of the magnitudes of a row.
projection_parameters parameters(std::uint32_t stride, std::size_t channels, std::size_t latents, std::uint64_t seed,
                                 std::size_t sum = 65535) {
  random_integers random(seed);
  projection_parameters p;
  p.stride = stride;
  const std::size_t inputs = channels * stride * stride;
  const auto most = static_cast<std::int32_t>(sum / inputs < 32767 ? sum / inputs : 32767);
  for (std::size_t i = 0; i < latents * inputs; ++i) p.weights.push_back(static_cast<std::int16_t>(random.between(-most, most)));
  for (std::size_t l = 0; l < latents; ++l) p.shift.push_back(static_cast<std::uint8_t>(random.below(12)));
  for (std::size_t k = 0; k < channels; ++k) p.input_scale.push_back(static_cast<float>(random.between(1, 4000)) / 3.0F);
  return p;
}

/// The documented sum, one latent at a time.
std::vector<std::int32_t> expected_latents(const projection_parameters& p, const std::vector<std::int8_t>& eighths, shape3 shape,
                                           const std::vector<std::uint16_t>& channels) {
  const std::size_t s = p.stride, h = (shape.height + s - 1) / s, w = (shape.width + s - 1) / s;
  std::int64_t largest = 0;
  for (std::size_t l = 0; l < p.shift.size(); ++l) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < channels.size() * s * s; ++i) sum += std::abs(p.weights[l * channels.size() * s * s + i]);
    largest = std::max(largest, sum);
  }
  std::int64_t bias = 0;
  for (const std::int32_t b : p.bias) bias = std::max<std::int64_t>(bias, std::abs(b));
  const double limit = largest == 0 ? 32767.0 : std::min(32767.0, std::floor(static_cast<double>(0x7fffffff - bias) / static_cast<double>(largest)));
  std::vector<std::int32_t> out;
  for (std::size_t l = 0; l < p.shift.size(); ++l)
    for (std::size_t y = 0; y < h; ++y)
      for (std::size_t x = 0; x < w; ++x) {
        std::int64_t sum = p.bias.empty() ? 0 : p.bias[l];
        for (std::size_t k = 0; k < channels.size(); ++k)
          for (std::size_t a = 0; a < s; ++a)
            for (std::size_t b = 0; b < s; ++b) {
              const std::size_t row = std::min(y * s + a, shape.height - 1), column = std::min(x * s + b, shape.width - 1);
              const double value = eighths[(channels[k] * shape.height + row) * shape.width + column] * 0.125;
              // Twice the input: an exact product in double, rounded once to float and truncated. Half of it, away from zero,
              // limited so that sums fit 32 bits.
              const auto product = static_cast<float>(value * 2 * static_cast<double>(p.input_scale[k]));
              const double halves = std::trunc(static_cast<double>(product)) / 2;
              const auto u = static_cast<std::int64_t>(std::max(-limit, std::min(limit, halves < 0 ? std::floor(halves) : std::ceil(halves))));
              sum += u * p.weights[((l * channels.size() + k) * s + a) * s + b];
            }
        const double quotient = static_cast<double>(sum) / std::exp2(p.shift[l]);
        const double limited = std::max<double>(-aecnn::fixed_limit, std::min<double>(aecnn::fixed_limit, std::trunc(quotient)));
        out.push_back(static_cast<std::int32_t>(limited));
      }
  return out;
}

template <class View>
std::vector<std::int32_t> latents_of(projection& a, const View& view, const std::vector<std::uint16_t>& channels, shape3 shape) {
  std::vector<std::int32_t> out(a.latents() * projection::reduced(shape.height, a.stride()) * projection::reduced(shape.width, a.stride()), 12345);
  std::uint32_t not_finite = 0;
  a.apply(aecnn::detail::source_of(view), std::span<const std::uint16_t>(channels), std::span<std::int32_t>(out), not_finite);
  REQUIRE((not_finite >> 31) == 0);
  return out;
}

} // namespace

TEST_CASE("latents are the documented sums for every stride, extent, layout and element type") {
  for (const std::uint32_t stride : {1U, 2U, 3U, 4U, 7U, 16U})
    for (const auto& shape : {shape3{5, 1, 1}, shape3{5, 8, 8}, shape3{5, 9, 7}, shape3{5, 1, 33}, shape3{5, 17, 2}, shape3{5, 13, 70}}) {
      const auto whole = feature_tensors::eighths(shape, stride, false);
      const auto x = feature_tensors::values(whole);
      for (const std::vector<std::uint16_t>& channels : {std::vector<std::uint16_t>{0, 1, 2, 3, 4}, {1, 4}, {2}})
        for (const std::size_t latents : {1U, 4U, 5U}) {
          CAPTURE(stride, to_string(shape), channels.size(), latents);
          const auto p = parameters(stride, channels.size(), latents, stride + latents);
          auto a = projection::create(p, channels.size()).value();
          REQUIRE(a.latents() == latents);
          REQUIRE(a.stride() == stride);
          const auto expected = expected_latents(p, whole, shape, channels);
          REQUIRE((latents_of(a, feature_tensors::view(x, shape), channels, shape) == expected));
          const int last[3] = {1, 2, 0}, columns_outside[3] = {0, 2, 1};
          feature_tensors::relaid<float> hwc(x, shape, last, 0, 0, 0.0F), strided(x, shape, columns_outside, 2, 5, 0.0F);
          REQUIRE((latents_of(a, hwc.view(), channels, shape) == expected));
          REQUIRE((latents_of(a, strided.view(), channels, shape) == expected));
          feature_tensors::relaid<double> doubles(feature_tensors::values<double>(whole), shape, last, 1, 2, 0.0);
          REQUIRE((latents_of(a, doubles.view(), channels, shape) == expected));
          feature_tensors::relaid<std::int8_t> bytes(whole, shape, last, 0, 0, 0);
          REQUIRE((latents_of(a, aecnn::quantized_view<std::int8_t>{bytes.view(), 0.125F, 0}, channels, shape) == expected));
        }
    }
}

TEST_CASE("all instruction sets give the documented latents of random parameters, also where inputs saturate") {
  const auto best = aecnn::best_instruction_set();
  random_integers random(7);
  const auto pick = [&](std::size_t most) { return 1 + static_cast<std::size_t>(random.below(static_cast<std::uint32_t>(most))); };
  for (int repeat = 0; repeat < 400; ++repeat) {
    const auto stride = static_cast<std::uint32_t>(repeat % 3 == 0 ? pick(16) : repeat % 3 == 1 ? 2 : 1);
    const shape3 shape{pick(9), pick(stride > 4 ? 40 : 24), pick(stride > 4 ? 40 : 24)};
    std::vector<std::uint16_t> channels;
    for (std::size_t k = 0; k < shape.channels; ++k)
      if (k == 0 || random.below(4) != 0) channels.push_back(static_cast<std::uint16_t>(k));
    const std::size_t inputs = channels.size() * stride * stride;
    const auto sum = static_cast<std::size_t>(repeat % 5 < 2 ? 65535 : random.between(65535, projection::largest_sum));
    auto p = parameters(stride, channels.size(), pick(11), static_cast<std::uint64_t>(repeat), sum);
    if (repeat % 4 == 0) {
      // Elements of magnitude 16 end near and above the limit; whole rows of weights at their bound.
      for (auto& v : p.input_scale) v = static_cast<float>(random.between(2000, 3000));
      const auto most = static_cast<std::int16_t>(sum / inputs < 32767 ? sum / inputs : 32767);
      for (auto& v : p.weights) v = random.below(8) != 0 ? most : static_cast<std::int16_t>(-most);
      for (auto& v : p.shift) v = static_cast<std::uint8_t>(random.below(3));
    }
    if (repeat % 3 == 0) {
      const std::int32_t most = repeat % 2 == 0 ? projection::largest_bias : 3000;
      for (std::size_t l = 0; l < p.shift.size(); ++l) p.bias.push_back(random.between(-most, most));
    }
    const auto whole = feature_tensors::eighths(shape, static_cast<std::uint64_t>(repeat), false);
    const auto x = feature_tensors::values(whole);
    const auto expected = expected_latents(p, whole, shape, channels);
    const int last[3] = {1, 2, 0};
    feature_tensors::relaid<float> hwc(x, shape, last, 0, 0, 0.0F);
    feature_tensors::relaid<std::int8_t> bytes(whole, shape, last, 0, 0, 0);
    for (const auto level : {aecnn::instruction_set::portable, aecnn::instruction_set::vector4, aecnn::instruction_set::avx2,
                             aecnn::instruction_set::avx512}) {
      if (level > best) continue;
      CAPTURE(repeat, stride, to_string(shape), channels.size(), p.shift.size(), static_cast<int>(level));
      aecnn::limit_instruction_set(level);
      auto a = projection::create(p, channels.size()).value();
      aecnn::limit_instruction_set(best);
      REQUIRE((latents_of(a, feature_tensors::view(x, shape), channels, shape) == expected));
      REQUIRE((latents_of(a, hwc.view(), channels, shape) == expected));
      REQUIRE((latents_of(a, aecnn::quantized_view<std::int8_t>{bytes.view(), 0.125F, 0}, channels, shape) == expected));
    }
  }
}

TEST_CASE("what an earlier tensor left behind does not matter") {
  const auto p = parameters(2, 3, 6, 9);
  auto a = projection::create(p, 3).value();
  const std::vector<std::uint16_t> channels = {0, 1, 2};
  for (const auto& shape : {shape3{3, 20, 20}, shape3{3, 3, 5}, shape3{3, 1, 1}, shape3{3, 19, 21}}) {
    const auto whole = feature_tensors::eighths(shape, shape.size(), false);
    REQUIRE((latents_of(a, feature_tensors::view(feature_tensors::values(whole), shape), channels, shape) == expected_latents(p, whole, shape, channels)));
  }
}

TEST_CASE("large inputs saturate at 16 bits and sums stay exact at the bound of the weights") {
  projection_parameters p;
  p.input_scale = {1e9F, 1e9F, 1e9F};
  p.weights = {32767, 32767, 1, -32767, -32767, -1, 32767, -32767, 1};
  p.shift = {0, 0, 0};
  REQUIRE(projection::check(p, 3).has_value());
  auto a = projection::create(p, 3).value();
  const std::vector<std::uint16_t> channels = {0, 1, 2};
  for (const float v : {1.0F, 1e30F, std::numeric_limits<float>::max()}) {
    const std::vector<float> x(3, v);
    // 65535 * 32767 is above what a latent may be.
    CHECK(latents_of(a, feature_tensors::view(x, {3, 1, 1}), channels, {3, 1, 1}) ==
          std::vector<std::int32_t>{aecnn::fixed_limit, -aecnn::fixed_limit, 32767});
    const std::vector<float> negative(3, -v);
    CHECK(latents_of(a, feature_tensors::view(negative, {3, 1, 1}), channels, {3, 1, 1}) ==
          std::vector<std::int32_t>{-aecnn::fixed_limit, aecnn::fixed_limit, -32767});
  }
  p.shift = {1, 15, 30};
  auto b = projection::create(p, 3).value();
  const std::vector<float> x(3, 1.0F);
  const std::int64_t sum = 65535LL * 32767;
  CHECK(latents_of(b, feature_tensors::view(x, {3, 1, 1}), channels, {3, 1, 1}) ==
        std::vector<std::int32_t>{static_cast<std::int32_t>(sum / 2), static_cast<std::int32_t>(-sum / (1 << 15)), 0});
}

TEST_CASE("a NaN or an infinity in a selected channel is noticed, in others it is not") {
  const shape3 shape{4, 5, 9};
  auto a = projection::create(parameters(2, 2, 3, 1), 2).value();
  const std::vector<std::uint16_t> channels = {1, 3};
  std::vector<std::int32_t> out(3 * 3 * 5);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()})
    for (std::size_t i = 0; i < shape.size(); ++i) {
      std::vector<float> x(shape.size(), 1.0F);
      x[i] = bad;
      std::uint32_t seen = 0;
      a.apply(aecnn::detail::source_of(feature_tensors::view(x, shape)), std::span<const std::uint16_t>(channels), std::span<std::int32_t>(out), seen);
      const std::size_t c = i / shape.area();
      REQUIRE((seen >> 31) == (c == 1 || c == 3 ? 1 : 0));
    }
}

TEST_CASE("every parameter at fault is errc::bad_field and is named") {
  const auto good = parameters(2, 3, 4, 2);
  REQUIRE(projection::check(good, 3).has_value());
  const auto refused = [&](const char* name, auto&& change) {
    auto p = good;
    change(p);
    CAPTURE(name);
    const auto s = projection::check(p, 3);
    REQUIRE_FALSE(s.has_value());
    CHECK(s.error().code == errc::bad_field);
    CHECK(s.error().message.find(name) != std::string::npos);
    CHECK_FALSE(projection::create(p, 3).has_value());
  };
  refused("stride", [](auto& p) { p.stride = 0; });
  refused("stride", [](auto& p) { p.stride = 17; });
  refused("stride", [](auto& p) { p.stride = 0xffffffff; });
  refused("scale", [](auto& p) { p.input_scale.pop_back(); });
  for (const float bad : {0.0F, -1.0F, std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN(), 1.3e30F})
    refused("scale", [&](auto& p) { p.input_scale[1] = bad; });
  refused("weights", [](auto& p) { p.weights.pop_back(); });
  refused("weights", [](auto& p) { p.shift.pop_back(); });
  refused("weights", [](auto& p) { p.shift.clear(); });
  refused("weights", [](auto& p) {
    p.shift.clear();
    p.weights.clear();
  });
  refused("shift", [](auto& p) { p.shift[3] = 31; });
  refused("bias", [](auto& p) { p.bias = {1, 2, 3}; });
  refused("bias", [](auto& p) { p.bias = {1, 2, 3, (1 << 30) + 1}; });
  refused("bias", [](auto& p) { p.bias = {1, 2, std::numeric_limits<std::int32_t>::min(), 4}; });
  refused("weights of latent 2", [](auto& p) {
    p.stride = 4;
    p.weights.assign(p.shift.size() * 48, 0);
    for (std::size_t i = 0; i < 33; ++i) p.weights[2 * 48 + i] = i < 31 ? -32768 : 16384;
  });
}

TEST_CASE("the magnitudes of a row add to 2^20 - 1 at most, and the inputs' limit keeps every sum within 32 bits") {
  projection_parameters p;
  p.stride = 4;
  p.input_scale = {1e9F, 1e9F};
  p.shift = {0};
  p.weights.assign(32, -32768);
  p.weights[0] = 32767; // 2^20 - 1 in all
  REQUIRE(projection::check(p, 2).has_value());
  CHECK(projection::input_limit(projection::largest_sum) == 2048);
  auto a = projection::create(p, 2).value();
  const std::vector<std::uint16_t> channels = {0, 1};
  CHECK(latents_of(a, feature_tensors::view(std::vector<float>(32, 1.0F), {2, 4, 4}), channels, {2, 4, 4}) ==
        std::vector<std::int32_t>{-aecnn::fixed_limit});
  p.shift = {12};
  auto b = projection::create(p, 2).value();
  CHECK(latents_of(b, feature_tensors::view(std::vector<float>(32, -1.0F), {2, 4, 4}), channels, {2, 4, 4}) ==
        std::vector<std::int32_t>{2048 * (31 * 32768 - 32767) / 4096});
  p.weights[0] = -32768;
  const auto s = projection::check(p, 2);
  REQUIRE_FALSE(s.has_value());
  CHECK(s.error().message.find("1048576") != std::string::npos);
  for (std::int64_t sum = 0; sum <= projection::largest_sum; sum += 1 + sum / 100) {
    const std::int32_t limit = projection::input_limit(static_cast<std::int32_t>(sum));
    CHECK(limit * sum <= 0x7fffffff);
    CHECK((limit == 32767 || (limit + 1) * sum > 0x7fffffff));
    const std::int32_t beside = projection::input_limit(static_cast<std::int32_t>(sum), projection::largest_bias);
    CHECK(beside * sum + projection::largest_bias <= 0x7fffffff);
    CHECK(beside >= 1024);
  }
}

TEST_CASE("latent planes cover the tensor") {
  CHECK(projection::reduced(1, 16) == 1);
  CHECK(projection::reduced(16, 16) == 1);
  CHECK(projection::reduced(17, 16) == 2);
  CHECK(projection::reduced(7, 1) == 7);
}
