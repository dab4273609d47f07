#include <aecnn/core/blocks.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch_compat.hpp>
#include <feature_tensors.hpp>

using aecnn::fixed_block;
using aecnn::shape3;
using aecnn::tensor_view;

namespace {

/// Walks the channels and checks that every element comes exactly once, in its place, and with its value.
template <class View>
void check_walk(const View& view, const std::vector<std::int8_t>& expected, shape3 shape, const std::vector<std::uint16_t>& channels) {
  const auto source = aecnn::detail::source_of(view);
  std::vector<int> visits(channels.size() * shape.area());
  aecnn::detail::for_each_block(source, std::span<const std::uint16_t>(channels),
                                [&](std::size_t k, std::size_t first, std::size_t n, const float* block) {
                                  REQUIRE(k < channels.size());
                                  REQUIRE(n >= 1);
                                  REQUIRE(n <= fixed_block);
                                  REQUIRE(first + n <= shape.area());
                                  for (std::size_t i = 0; i < n; ++i) {
                                    ++visits[k * shape.area() + first + i];
                                    REQUIRE(block[i] * source.factor ==
                                            static_cast<float>(expected[channels[k] * shape.area() + first + i]) * 0.125F);
                                  }
                                  // Readable to the end, and finite, so that a check of the whole block is one of the elements.
                                  for (std::size_t i = n; i < fixed_block; ++i) REQUIRE(block[i] == 0.0F);
                                });
  for (const int v : visits) REQUIRE(v == 1);
}

} // namespace

TEST_CASE("every element of the chosen channels is visited once, in every layout") {
  for (const auto& shape : {shape3{1, 1, 1}, shape3{3, 5, 7}, shape3{5, 1, 64}, shape3{4, 64, 1}, shape3{2, 3, 65}, shape3{3, 16, 16}, shape3{70, 2, 3}, shape3{2, 1, 200}}) {
    const auto whole = feature_tensors::eighths(shape, 1, false);
    const auto x = feature_tensors::values(whole);
    std::vector<std::uint16_t> all, some, one = {static_cast<std::uint16_t>(shape.channels - 1)};
    for (std::size_t c = 0; c < shape.channels; ++c) {
      all.push_back(static_cast<std::uint16_t>(c));
      if (c % 3 == 0) some.push_back(static_cast<std::uint16_t>(c));
    }
    CAPTURE(to_string(shape));
    const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (const auto& order : orders)
      for (const int gap : {0, 1})
        for (unsigned reversed = 0; reversed < 8; ++reversed) {
          feature_tensors::relaid<float> floats(x, shape, order, gap, reversed, std::numeric_limits<float>::quiet_NaN());
          for (const auto& channels : {all, some, one}) check_walk(floats.view(), whole, shape, channels);
          feature_tensors::relaid<std::int8_t> bytes(whole, shape, order, gap, reversed, 99);
          check_walk(aecnn::quantized_view<std::int8_t>{bytes.view(), 0.125F, 0}, whole, shape, some);
        }
    feature_tensors::relaid<double> doubles(feature_tensors::values<double>(whole), shape, orders[3], 0, 0, 0.0);
    check_walk(doubles.view(), whole, shape, all);
  }
}

TEST_CASE("contiguous floats are handed on without a copy") {
  const std::vector<float> x(3 * 128, 1.0F);
  const std::vector<std::uint16_t> channels = {0, 2};
  std::vector<const float*> seen;
  aecnn::detail::for_each_block(aecnn::detail::source_of(tensor_view<const float>::chw(x.data(), 3, 8, 16)), std::span<const std::uint16_t>(channels),
                                [&](std::size_t, std::size_t, std::size_t, const float* block) { seen.push_back(block); });
  CHECK(seen == std::vector<const float*>{x.data(), x.data() + 64, x.data() + 256, x.data() + 320});
}

TEST_CASE("one row, column or value can stand for all: strides of zero") {
  const std::int8_t v = 5;
  const std::vector<std::int8_t> expected(2 * 3 * 70, 5);
  const aecnn::quantized_view<const std::int8_t> all{{&v, {2, 3, 70}, {0, 0, 0}}, 0.125F, 0};
  check_walk(all, expected, {2, 3, 70}, {0, 1});
}

TEST_CASE("no channels, no visits") {
  const std::vector<float> x(10);
  aecnn::detail::for_each_block(aecnn::detail::source_of(tensor_view<const float>::chw(x.data(), 1, 2, 5)), std::span<const std::uint16_t>(),
                                [&](std::size_t, std::size_t, std::size_t, const float*) { FAIL("visited"); });
  SUCCEED();
}
