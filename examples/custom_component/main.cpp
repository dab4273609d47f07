// A component of one's own: a quantizer with free thresholds and points for each channel (entropy-constrained
// Lloyd-Max) in the place of the uniform one, beside the library's own selector, entropy coder and decoder network. And an
// operator of one's own in a network (custom_operator.cpp).
//
//   custom_component FOLDER      the folder of resnet56_stage2.npy: examples/data
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <utility>
#include <vector>

#include <aecnn/aecnn.hpp>

#include "custom_operator.hpp"

using feature_view = aecnn::tensor_view<const float>;

/// Models aecnn::quantizer; quantize/quantizer.hpp says what each function means. A latent is a value in 1/4096.
class codebook_quantizer {
public:
  static constexpr float units = 4096;

  /// Designs a codebook for each channel that operating point `o` sends. `samples` are not negative (after a ReLU): the
  /// lowest point is 0, so that symbol 0 is zero.
  codebook_quantizer(const aecnn::operating_point& o, const std::vector<feature_view>& samples) {
    for (std::size_t k = 0; k < o.selector.channels.size(); ++k) {
      const std::size_t c = o.selector.channels[k];
      std::vector<float> values;
      for (const feature_view& x : samples) values.insert(values.end(), x.row(c, 0), x.row(c, 0) + x.shape.area());
      // Where a uniform step is small, one bit less costs 6 dB: 2 ln 2 / 12 of the step squared.
      const double step = 256.0 * static_cast<double>(o.quantizer.unit[k]);
      const auto book = aecnn::design_scalar_quantizer(
          values, {.levels = 64, .lambda = 0.1155 * step * step, .pin_low = true, .low = 0});
      auto& [thresholds, points] = codebooks_.emplace_back();
      for (const float t : book.value().thresholds) thresholds.push_back(aecnn::to_fixed(t, units));
      for (const float y : book.value().points) points.push_back(aecnn::to_fixed(y, units));
      levels_ = std::max(levels_, static_cast<std::uint32_t>(points.size()));
    }
  }

  std::uint32_t levels() const { return levels_; }
  std::uint32_t zero() const { return 0; }
  std::int32_t offset(std::size_t) const { return 0; }
  std::uint32_t latents(std::size_t, float factor, const float* in, std::int32_t* out) const {
    for (std::size_t i = 0; i < aecnn::fixed_block; ++i) out[i] = aecnn::to_fixed(in[i], units * factor);
    return aecnn::all_finite(in, aecnn::fixed_block) ? 0 : 0x80000000U;
  }
  std::uint32_t symbols(std::size_t k, float factor, const float* in, aecnn::symbol* out) const {
    for (std::size_t i = 0; i < aecnn::fixed_block; ++i) out[i] = quantise(k, aecnn::to_fixed(in[i], units * factor));
    return aecnn::all_finite(in, aecnn::fixed_block) ? 0 : 0x80000000U;
  }
  aecnn::symbol quantise(std::size_t k, std::int32_t latent) const {
    const auto& t = codebooks_[k].thresholds;
    return static_cast<aecnn::symbol>(std::upper_bound(t.begin(), t.end(), latent) - t.begin());
  }
  /// A damaged stream may hold a symbol below levels() that this channel has no point for.
  std::int32_t point(std::size_t k, aecnn::symbol s) const {
    return codebooks_[k].points[std::min<std::size_t>(s, codebooks_[k].points.size() - 1)];
  }
  float value(std::size_t k, aecnn::symbol s) const { return static_cast<float>(point(k, s)) / units; }

private:
  struct codebook {
    std::vector<std::int32_t> thresholds, points;
  };
  std::vector<codebook> codebooks_;
  std::uint32_t levels_ = 2;
};
static_assert(aecnn::quantizer<codebook_quantizer>);

using codebook_encoder = aecnn::basic_encoder<aecnn::channel_selector, codebook_quantizer, aecnn::context_coder>;
using codebook_decoder = aecnn::basic_decoder<codebook_quantizer, aecnn::context_coder, aecnn::nn::network>;

template <class Encoder, class Decoder>
void measure(const char* name, Encoder encoder, Decoder& decoder, const std::vector<feature_view>& tensors) {
  double bytes = 0, squared_error = 0, energy = 0;
  for (const feature_view& x : tensors) {
    const auto stream = encoder.encode(x);
    const auto y = decoder.decode(stream);
    bytes += static_cast<double>(stream.size()) / static_cast<double>(tensors.size());
    for (std::size_t i = 0; i < y.size(); ++i) {
      squared_error += std::pow(static_cast<double>(x.data[i]) - static_cast<double>(y.data()[i]), 2);
      energy += std::pow(static_cast<double>(x.data[i]), 2);
    }
  }
  std::printf("  %-9s %7.1f bytes a tensor, relative error %.4f\n", name, bytes, std::sqrt(squared_error / energy));
}

int main(int argc, char** argv) {
  const std::filesystem::path folder = argc > 1 ? argv[1] : "examples/data";
  const auto features = aecnn::io::load_features(folder / "resnet56_stage2.npy");
  std::vector<feature_view> samples, others;
  for (std::size_t i = 0; i < features.count; ++i) (i < features.count / 2 ? samples : others).push_back(features[i]);
  aecnn::calibrate_options options;
  options.rate_distortion = false; // the profile's lambda is in the unit of the uniform quantizer
  for (const double ratio : {8, 16, 32}) options.target_bytes.push_back(aecnn::bytes_for_ratio(features.shape, ratio));
  const aecnn::profile profile = aecnn::calibrate(samples, options);

  // The profile's hash does not cover components of one's own: both sides must be given the same ones.
  std::vector<codebook_decoder::components> parts;
  for (const auto& o : profile.operating_points) {
    codebook_quantizer quantise(o, samples);
    aecnn::context_parameters alphabet; // without trained states
    alphabet.levels = quantise.levels();
    parts.push_back({std::move(quantise), aecnn::context_coder::create(alphabet, o.latents()).value(),
                     aecnn::nn::network::create(*profile.network(o.decoder)).value()});
  }
  auto codebook_side = codebook_decoder::create(profile, {}, parts).value();
  aecnn::decoder uniform_side(profile);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const aecnn::operating_point& o = profile.operating_points[i];
    std::printf("operating point %s, %zu channels\n", o.name.c_str(), o.latents());
    measure("uniform", aecnn::encoder(profile, {.operating_point = i}), uniform_side, others);
    auto select = aecnn::channel_selector::create(o.selector, profile.shape.channels).value();
    auto encoder = codebook_encoder::create(profile, {.operating_point = i}, select, parts[i].quantise, parts[i].code);
    measure("codebook", encoder.value(), codebook_side, others);
  }
  run_custom_operator();
}
