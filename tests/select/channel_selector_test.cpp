#include <aecnn/select/channel_selector.hpp>

#include "attention_example.hpp"
#include <catch_compat.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

using aecnn::attention_kind;
using aecnn::channel_selector;
using aecnn::errc;
using aecnn::selection_kind;
using aecnn::selector_parameters;
using aecnn::tensor_view;

static_assert(aecnn::selector<channel_selector>);

namespace {

const std::vector<std::uint16_t> all_channels = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

selector_parameters per_input(selection_kind kind, std::vector<std::uint16_t> channels = all_channels) {
  selector_parameters p;
  p.kind = kind;
  p.channels = std::move(channels);
  p.attention = example::attention(attention_kind::cbam);
  return p;
}

template <class View>
std::vector<std::uint8_t> choose(const selector_parameters& p, const View& x) {
  const auto s = channel_selector::create(p, example::channels).value();
  CHECK(s.per_input() == (p.kind != selection_kind::fixed));
  CHECK(std::equal(s.candidates().begin(), s.candidates().end(), p.channels.begin(), p.channels.end()));
  aecnn::attention_workspace w;
  std::vector<std::uint8_t> mask(p.channels.size(), 9);
  s.choose(x, mask, w).value();
  return mask;
}

/// The mask of the k channels with the largest of these values, ties to the lower channel.
std::vector<std::uint8_t> largest(const std::vector<double>& logits, const std::vector<std::uint16_t>& channels,
                                  std::size_t k) {
  std::vector<std::size_t> order(channels.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return logits[channels[a]] > logits[channels[b]]; });
  std::vector<std::uint8_t> mask(channels.size(), 0);
  for (std::size_t i = 0; i < k; ++i) mask[order[i]] = 1;
  return mask;
}

std::string message_of(const selector_parameters& p) {
  const auto s = channel_selector::create(p, example::channels);
  REQUIRE_FALSE(s.has_value());
  CHECK(s.error().code == errc::bad_field);
  return s.error().message;
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("a fixed set sends every candidate", "[select]") {
  selector_parameters p;
  p.channels = {1, 4, 11};
  const auto x = example::tensor();
  CHECK(choose(p, tensor_view<const float>::chw(x.data(), 12, 5, 9)) == std::vector<std::uint8_t>{1, 1, 1});
  CHECK(channel_selector::create(p, 12).value().most_sent() == 3);
}

TEST_CASE("top_k sends the k candidates with the largest attention", "[select]") {
  const auto x = example::tensor();
  const auto view = tensor_view<const float>::chw(x.data(), 12, 5, 9);
  for (const auto& channels : {all_channels, std::vector<std::uint16_t>{0, 2, 3, 7, 10}})
    for (std::size_t k = 1; k <= channels.size(); ++k) {
      auto p = per_input(selection_kind::top_k, channels);
      p.k = k;
      CHECK(choose(p, view) == largest(example::cbam_logits, channels, k));
      CHECK(channel_selector::create(p, 12).value().most_sent() == k);
    }
}

TEST_CASE("threshold sends the candidates that reach it, and always one", "[select]") {
  const auto x = example::tensor();
  const auto view = tensor_view<const float>::chw(x.data(), 12, 5, 9);
  for (const float t : {0.01f, 0.4f, 0.5f, 0.6f, 0.7f}) {
    auto p = per_input(selection_kind::threshold);
    p.threshold = t;
    std::vector<std::uint8_t> expected;
    for (const double l : example::cbam_logits) expected.push_back(1 / (1 + std::exp(-l)) >= t ? 1 : 0);
    CHECK(choose(p, view) == expected);
  }
  auto p = per_input(selection_kind::threshold);
  p.threshold = 0.95f; // above every channel's attention
  CHECK(choose(p, view) == largest(example::cbam_logits, all_channels, 1));
  p.channels = {0, 2, 10};
  CHECK(choose(p, view) == std::vector<std::uint8_t>{0, 1, 0});
}

TEST_CASE("ties go to the lower channel", "[select]") {
  auto p = per_input(selection_kind::top_k);
  p.attention.kind = attention_kind::eca;
  p.attention.hidden = 0;
  p.attention.w1.clear();
  p.attention.b1.clear();
  p.attention.w2.clear();
  p.attention.b2.clear();
  p.attention.kernel = {1}; // the logit is the mean
  const std::vector<float> x = {1, -2, 3, 3, 3, 0, 3, 7, 1, 1, 1, -5};
  const auto view = tensor_view<const float>::chw(x.data(), 12, 1, 1);
  p.k = 3;
  CHECK(choose(p, view) == std::vector<std::uint8_t>{0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0});
  p.k = 7;
  CHECK(choose(p, view) == std::vector<std::uint8_t>{1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0});
  const std::vector<float> same(12, -3.5f);
  p.k = 5;
  CHECK(choose(p, tensor_view<const float>::chw(same.data(), 12, 1, 1)) ==
        std::vector<std::uint8_t>{1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0});
  // Saturated logits are ties, too.
  const std::vector<float> huge(12, -1e30f);
  CHECK(choose(p, tensor_view<const float>::chw(huge.data(), 12, 1, 1)) ==
        std::vector<std::uint8_t>{1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0});
}

TEST_CASE("the choice does not depend on the layout or the element type", "[select]") {
  auto p = per_input(selection_kind::top_k);
  p.k = 5;
  const auto x = example::tensor();
  const auto chw = tensor_view<const float>::chw(x.data(), 12, 5, 9);
  const auto expected = largest(example::cbam_logits, all_channels, 5);
  std::vector<float> last(x.size());
  const auto hwc = tensor_view<float>::hwc(last.data(), 12, 5, 9);
  for (std::size_t c = 0; c < 12; ++c)
    for (std::size_t y = 0; y < 5; ++y)
      for (std::size_t i = 0; i < 9; ++i) hwc(c, y, i) = chw(c, y, i);
  CHECK(choose(p, hwc) == expected);
  const std::vector<double> wide(x.begin(), x.end());
  CHECK(choose(p, tensor_view<const double>::chw(wide.data(), 12, 5, 9)) == expected);
  std::vector<std::int8_t> quantised; // the example's values are multiples of 1/32 in -30..66
  for (const float v : x) quantised.push_back(static_cast<std::int8_t>(v * 32));
  CHECK(choose(p, aecnn::quantized_view<const std::int8_t>{
                      tensor_view<const std::int8_t>::chw(quantised.data(), 12, 5, 9), 1.0f / 32, 0}) == expected);
}

TEST_CASE("a workspace serves different selectors one after the other", "[select]") {
  auto p = per_input(selection_kind::top_k);
  p.k = 2;
  const auto s = channel_selector::create(p, 12).value();
  aecnn::attention_workspace w;
  w.logits.resize(40);
  w.average.resize(40);
  const auto x = example::tensor();
  std::vector<std::uint8_t> mask(12);
  s.choose(tensor_view<const float>::chw(x.data(), 12, 5, 9), mask, w).value();
  CHECK(mask == largest(example::cbam_logits, all_channels, 2));
}

TEST_CASE("tensors and masks that do not fit are refused", "[select]") {
  selector_parameters p;
  p.channels = {1, 4};
  const auto fixed = channel_selector::create(p, 12).value();
  const auto x = example::tensor();
  aecnn::attention_workspace w;
  std::vector<std::uint8_t> mask(2);
  CHECK(fixed.choose(tensor_view<const float>::chw(x.data(), 11, 1, 1), mask, w).error().code == errc::bad_shape);
  mask.resize(3);
  CHECK(fixed.choose(tensor_view<const float>::chw(x.data(), 12, 1, 1), mask, w).error().code ==
        errc::invalid_argument);
}

TEST_CASE("selector parameters that are wrong are refused by name", "[select]") {
  selector_parameters p;
  CHECK(message_of(p) == "selector channels: none, expected at least 1");
  p.channels = {1, 12};
  CHECK(message_of(p) == "selector channels[1]: 12, expected below 12");
  p.channels = {4, 4};
  CHECK(message_of(p) == "selector channels[1]: 4 after 4, expected increasing numbers");
  p.channels = {4, 3};
  CHECK(contains(message_of(p), "increasing"));
  p.channels = {3, 4};
  p.k = 1;
  CHECK(message_of(p) == "selector k: 1, expected 0 for this kind");
  p.k = 0;
  p.threshold = 0.5f;
  CHECK(contains(message_of(p), "selector threshold"));

  p = per_input(selection_kind::top_k);
  CHECK(contains(message_of(p), "selector k: 0"));
  p.k = 13;
  CHECK(contains(message_of(p), "selector k: 13"));
  p.k = 2;
  p.attention.channels = 11;
  CHECK(message_of(p) == "selector attention: 11 channels, expected 12");
  p.attention.channels = 12;
  p.attention.w1.pop_back();
  CHECK(contains(message_of(p), "attention w1"));

  p = per_input(selection_kind::threshold);
  for (const std::uint32_t bits : {0u, 0x80000000u, 0xbf000000u, 0x3f800000u, 0x7fc00000u, 0x7f800000u}) {
    p.threshold = std::bit_cast<float>(bits);
    CHECK(contains(message_of(p), "selector threshold"));
  }
  p.threshold = 0.5f;
  CHECK(channel_selector::create(p, 12).has_value());
  p.kind = static_cast<selection_kind>(7);
  p.threshold = 0;
  CHECK(message_of(p) == "selector kind: 7, expected fixed, top_k or threshold");
}
