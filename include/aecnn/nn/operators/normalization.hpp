// BatchNormalization (inference) and InstanceNormalization: y = scale * (x - mean) / sqrt(variance + epsilon) + bias.
// One computes mean and variance from the input's planes, the other is given them. Cost: a few operations a element.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/nn/operators/broadcasting.hpp>
#include <aecnn/nn/operators/common.hpp>

namespace aecnn::nn::detail {

/// y = scale * x + shift on one plane.
inline void scale_row(const float* x, float* y, std::size_t n, double scale, double shift) noexcept {
  const float s = static_cast<float>(scale), t = static_cast<float>(shift);
  map_row(x, y, n, [s, t](float v) { return v * s + t; });
}

class batch_normalization final : public operation {
public:
  /// `affine` is empty where the parameters are computed.
  batch_normalization(extents shape, float epsilon, channel_affine affine)
      : operation(one(floats(std::move(shape)))), epsilon_(epsilon), affine_(std::move(affine)) {}
  const channel_affine* as_affine() const override { return affine_.scale.empty() ? nullptr : &affine_; }
  std::uint64_t multiply_adds() const override { return element_count(outputs()[0].shape); }

  /// scale / sqrt(variance + epsilon) and bias - mean * that.
  static std::pair<double, double> parameters(float scale, float bias, float mean, float variance, float epsilon) {
    const double s = scale / std::sqrt(static_cast<double>(variance) + static_cast<double>(epsilon));
    return {s, bias - mean * s};
  }

  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    const extents& shape = outputs()[0].shape;
    const std::size_t channels = product(shape, 1, 2), area = product(shape, 2, shape.size());
    const std::size_t batch = product(shape, 0, 1);
    for (std::size_t n = 0; n < batch; ++n)
      for (std::size_t c = 0; c < channels; ++c) {
        const auto [scale, shift] =
            parameters(in[1].floats[c], in[2].floats[c], in[3].floats[c], in[4].floats[c], epsilon_);
        const std::size_t at = (n * channels + c) * area;
        scale_row(in[0].floats + at, out[0].floats + at, area, scale, shift);
      }
  }

private:
  float epsilon_;
  channel_affine affine_;
};

/// Inputs first..last must be vectors of as many elements as input 0 has channels.
inline void expect_channel_vectors(node_reader& r, std::size_t first, std::size_t last) {
  if (r.failed()) return;
  const std::int64_t channels = r.shape(0)[1];
  for (std::size_t i = first; i <= last; ++i)
    if (r.rank(i) != 1 || r.shape(i)[0] != channels)
      r.fail(errc::bad_shape, "input ", i, " has shape ", to_string(r.shape(i)), ", expected [", channels, "]");
}

inline made_operation make_batch_normalization(node_reader& r) {
  expect(r, 5, 5, {"epsilon", "momentum", "training_mode", "spatial"});
  r.integer("spatial", 1, 1, 1);
  if (r.integer("training_mode", 0, 0, 1) != 0) r.fail(errc::unsupported, "attribute 'training_mode' is 1, expected 0");
  const float epsilon = r.number("epsilon", 1e-5F);
  expect_floats(r, 0, 4);
  r.expect_rank(0, 2, static_cast<std::int64_t>(max_rank));
  expect_channel_vectors(r, 1, 4);
  if (r.failed()) return r.error();
  channel_affine f;
  if (r.is_constant(1) && r.is_constant(2) && r.is_constant(3) && r.is_constant(4)) {
    const std::span<const float> scales = r.constant_floats(1, "scale"), biases = r.constant_floats(2, "bias"),
                                 means = r.constant_floats(3, "mean"), variances = r.constant_floats(4, "variance");
    if (r.failed()) return r.error();
    f.scale.resize(scales.size());
    f.shift.resize(scales.size());
    for (std::size_t c = 0; c < scales.size(); ++c) {
      const auto [scale, shift] = batch_normalization::parameters(scales[c], biases[c], means[c], variances[c], epsilon);
      f.scale[c] = scale;
      f.shift[c] = shift;
    }
  }
  return finish<batch_normalization>(r, r.shape(0), epsilon, std::move(f));
}

class instance_normalization final : public operation {
public:
  instance_normalization(extents shape, float epsilon) : operation(one(floats(std::move(shape)))), epsilon_(epsilon) {}
  std::uint64_t multiply_adds() const override { return 3 * element_count(outputs()[0].shape); }
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    const extents& shape = outputs()[0].shape;
    const std::size_t channels = product(shape, 1, 2), area = product(shape, 2, shape.size());
    const std::size_t batch = product(shape, 0, 1);
    for (std::size_t n = 0; n < batch; ++n)
      for (std::size_t c = 0; c < channels; ++c) {
        const std::size_t at = (n * channels + c) * area;
        const float* x = in[0].floats + at;
        double sum = 0, squares = 0;
        for (std::size_t i = 0; i < area; ++i) sum += static_cast<double>(x[i]);
        const double mean = sum / static_cast<double>(area);
        for (std::size_t i = 0; i < area; ++i) {
          const double d = static_cast<double>(x[i]) - mean;
          squares += d * d;
        }
        const double deviation = std::sqrt(squares / static_cast<double>(area) + static_cast<double>(epsilon_));
        const double scale = static_cast<double>(in[1].floats[c]) / deviation;
        const float m = static_cast<float>(mean), s = static_cast<float>(scale), b = in[2].floats[c];
        map_row(x, out[0].floats + at, area, [m, s, b](float v) { return (v - m) * s + b; });
      }
  }

private:
  float epsilon_;
};

inline made_operation make_instance_normalization(node_reader& r) {
  expect(r, 3, 3, {"epsilon"});
  const float epsilon = r.number("epsilon", 1e-5F);
  expect_floats(r, 0, 2);
  r.expect_rank(0, 3, static_cast<std::int64_t>(max_rank));
  expect_channel_vectors(r, 1, 2);
  return finish<instance_normalization>(r, r.shape(0), epsilon);
}

} // namespace aecnn::nn::detail
