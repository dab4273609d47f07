// Profiles of any shape and kind for whole-codec tests, by formula: all weights are exact floats, so that the expected
// symbols and tensors can be computed without the library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/nn/build.hpp>
#include <aecnn/profile.hpp>

#include <random.hpp>

namespace codec_profiles {

enum class kind { direct, rate_distortion, projected, top_k, threshold };
inline constexpr kind all_kinds[] = {kind::direct, kind::rate_distortion, kind::projected, kind::top_k, kind::threshold};
inline const char* name(kind k) {
  constexpr const char* names[] = {"direct", "rate_distortion", "projected", "top_k", "threshold"};
  return names[static_cast<int>(k)];
}

/// A 1x1 convolution with weights in 64ths, a pixel shuffle where stride > 1.
inline aecnn::nn::graph network(std::size_t latents, std::size_t channels, std::size_t stride, std::string network_name) {
  random_integers random(latents * 1000 + channels);
  const std::size_t outputs = channels * stride * stride;
  std::vector<float> weights(outputs * latents), bias(outputs);
  for (auto& w : weights) w = static_cast<float>(random.between(-64, 64)) / 64.0F;
  for (auto& b : bias) b = static_cast<float>(random.between(-64, 64)) / 64.0F;
  auto g = aecnn::nn::start(std::move(network_name), "latents");
  auto last = aecnn::nn::conv(g, "latents", {static_cast<std::int64_t>(outputs), static_cast<std::int64_t>(latents), 1, 1},
                              std::move(weights), std::move(bias));
  if (stride > 1) last = aecnn::nn::depth_to_space(g, last, static_cast<std::int64_t>(stride), "CRD");
  aecnn::nn::finish(g, last);
  return g;
}

/// Of every `every`-th channel, with steps of 1/4 to 3/4; symbols of magnitude up to `zero`, and 1 more above zero.
inline aecnn::operating_point point(kind k, std::size_t channels, std::size_t every, std::uint32_t zero, std::size_t stride) {
  random_integers random(channels + 17 * every + 31 * zero);
  aecnn::operating_point o;
  for (std::size_t c = 0; c < channels; c += every) o.selector.channels.push_back(static_cast<std::uint16_t>(c));
  const std::size_t selected = o.selector.channels.size();
  const bool projected = k == kind::projected;
  const std::size_t latents = projected ? selected * stride * stride / 2 + 1 : selected;
  if (projected) {
    auto& p = o.projection.emplace();
    p.stride = static_cast<std::uint32_t>(stride);
    p.input_scale.assign(selected, 512.0F);
    const std::size_t inputs = selected * stride * stride;
    const auto most = static_cast<std::int32_t>(65535 / inputs < 4000 ? 65535 / inputs : 4000);
    for (std::size_t i = 0; i < latents * inputs; ++i) p.weights.push_back(static_cast<std::int16_t>(random.between(-most, most)));
    for (std::size_t l = 0; l < latents; ++l) p.bias.push_back(random.between(-4000000, 4000000)); // up to a step
    p.shift.assign(latents, 14);
  }
  o.name = name(k);
  auto& q = o.quantizer;
  q.zero = zero;
  q.levels = 2 * zero + 2;
  for (std::size_t i = 0; i < latents; ++i) {
    const std::int32_t quarters = random.between(1, 3);
    q.unit.push_back(static_cast<float>(quarters) / 1024.0F);
    if (!projected) q.scale.push_back(1024.0F / static_cast<float>(quarters));
    q.offset.push_back(random.between(-200, 200));
    q.rounding.push_back(static_cast<std::uint16_t>(random.between(80, 128)));
    for (int j = 0; j < 6; ++j) q.shift.push_back(static_cast<std::int16_t>(random.between(-10, 60)));
  }
  auto& e = o.entropy;
  e.levels = q.levels;
  e.zero = q.zero;
  e.classes = latents > 2 ? 2 : 1;
  for (std::size_t i = 0; i < latents; ++i) {
    e.channel_class.push_back(static_cast<std::uint8_t>(latents > 2 ? i % 2 : 0));
    e.reference.push_back(static_cast<std::uint16_t>(i % 3 == 0 ? aecnn::context_parameters::no_reference : i - 1));
  }
  const std::size_t states = e.classes * aecnn::context_layout(q.levels, q.zero).state_count();
  for (std::size_t i = 0; i < states; ++i) e.initial.push_back(aecnn::pack_state(10000 + random.below(40000), random.below(9)));
  if (k == kind::rate_distortion) o.lambda = 9830;
  if (k == kind::top_k || k == kind::threshold) {
    auto& s = o.selector;
    auto& a = s.attention;
    a.channels = channels;
    if (k == kind::top_k) {
      s.kind = aecnn::selection_kind::top_k;
      s.k = (selected + 1) / 2;
      a.kind = aecnn::attention_kind::cbam;
      a.hidden = 2;
      for (std::size_t i = 0; i < 2 * channels; ++i) a.w1.push_back(static_cast<float>(random.between(-32, 32)) / 256.0F);
      for (std::size_t i = 0; i < 2 * channels; ++i) a.w2.push_back(static_cast<float>(random.between(-32, 32)) / 64.0F);
    } else {
      s.kind = aecnn::selection_kind::threshold;
      s.threshold = 0.5F;
      a.kind = aecnn::attention_kind::eca;
      a.kernel = {channels > 1 ? 0.5F : 0.0F};
      a.input_exponent = 12;
    }
    for (std::size_t i = 0; i < selected; ++i) e.mask_prior.push_back(static_cast<std::uint16_t>(random.between(20000, 50000)));
  }
  return o;
}

/// A profile with one operating point a kind. Height and width 0 leave the extents open.
inline aecnn::profile make(aecnn::shape3 shape, const std::vector<kind>& kinds, std::size_t every = 2, std::uint32_t zero = 7,
                           std::size_t stride = 2) {
  aecnn::profile p;
  p.name = "test";
  p.shape = shape;
  for (const kind k : kinds) {
    auto o = point(k, shape.channels, every, zero, stride);
    o.decoder = "decoder" + std::to_string(p.networks.size());
    p.networks.push_back(network(o.latents(), shape.channels, o.stride(), o.decoder));
    p.operating_points.push_back(std::move(o));
  }
  aecnn::seal(p);
  return p;
}
inline aecnn::profile make_all(aecnn::shape3 shape) { return make(shape, {std::begin(all_kinds), std::end(all_kinds)}); }

} // namespace codec_profiles
