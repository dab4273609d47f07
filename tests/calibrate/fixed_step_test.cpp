#include <aecnn/calibrate/fixed_step.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/quantize/uniform_quantizer.hpp>

#include <catch_compat.hpp>

using aecnn::errc;
using aecnn::detail::align_units;
using aecnn::detail::nearest_symbol;
using aecnn::detail::unit_alignment;

namespace {

/// The distance from zero of the symbol that the device's integers give to a latent in steps (docs/profile.md).
double symbol_of(double latent, double bias, const unit_alignment& a) {
  const double v = std::floor(a.gain * 256 * (latent - bias) + 0.5) - a.offset;
  return std::copysign(std::floor((std::abs(v) + 128) / 256), v);
}

std::size_t others(const std::vector<float>& latents, double bias, const unit_alignment& a) {
  std::size_t n = 0;
  for (const float v : latents)
    if (symbol_of(static_cast<double>(v), bias, a) != nearest_symbol(static_cast<double>(v))) ++n;
  return n;
}

/// `count` latents evenly over +-most.
std::vector<float> sweep(double most, int count) {
  std::vector<float> v;
  for (int i = 0; i < count; ++i) v.push_back(static_cast<float>(most * ((2.0 * i + 1) / count - 1)));
  return v;
}

} // namespace

TEST_CASE("fixed step: halves go away from zero", "[fixed_step]") {
  CHECK(nearest_symbol(0.5) == 1);
  CHECK(nearest_symbol(-0.5) == -1);
  CHECK(nearest_symbol(2.5) == 3);
  CHECK(nearest_symbol(0.4999) == 0);
  CHECK(nearest_symbol(-1.4999) == -1);
}

TEST_CASE("fixed step: thresholds are where the latents need them", "[fixed_step]") {
  // One pair of thresholds can be exact; the integers alone are half of 256 off at each.
  const auto inner = sweep(0.9, 20001);
  const auto a = align_units(inner, 0);
  CHECK(a.offset == 0);
  CHECK(a.gain < 0.9965);
  CHECK(a.gain > 0.9955);
  CHECK(others(inner, 0, a) == 0);
  CHECK(others(inner, 0, {}) > 35); // two gaps of half a unit: 43 of the sweep
  // Several pairs share what is left.
  const auto wide = sweep(2.4, 20001);
  CHECK(others(wide, 0, align_units(wide, 0)) < others(wide, 0, {}));
  // A bias is an offset in units: half a unit off at worst, never more others than with the nearest offset.
  for (const double bias : {0.3, -1.7, 12.0019, 0.498, -0.0001}) {
    const auto found = align_units(wide, bias);
    CHECK(std::abs(found.offset + found.gain * 256 * bias) <= 1.5);
    const unit_alignment plain{1, static_cast<std::int32_t>(std::lround(-256 * bias))};
    CHECK(others(wide, bias, found) <= others(wide, bias, plain));
  }
  // Nothing near a threshold, or nothing at all: the integers as they are.
  CHECK(align_units(std::vector<float>{0, 1, -1}, 0).gain == 1);
  CHECK(align_units({}, 0).gain == 1);
}

TEST_CASE("fixed step: a unit is a 256th of the step", "[fixed_step]") {
  Eigen::MatrixXd rows(2, 3);
  rows << 0.5, -0.25, 0.125, 3, 2, -1;
  const std::vector<unit_alignment> alignments{{1, 0}, {0.997, 0}};
  for (const double step : {1.0, 0.3, 17.0}) {
    aecnn::operating_point o;
    o.selector.channels = {0, 1, 2};
    REQUIRE(aecnn::detail::set_step_projection(o, 1, rows, step, alignments, {4, 2, {}}));
    CHECK(aecnn::projection::check(*o.projection, 3));
    const auto& p = *o.projection;
    CHECK(p.input_scale[0] * 8 <= 32767);
    CHECK(p.input_scale[0] * 16 >= 32766);
    for (std::size_t l = 0; l < 2; ++l)
      for (std::size_t i = 0; i < 3; ++i) {
        const double wanted = rows(static_cast<Eigen::Index>(l), static_cast<Eigen::Index>(i)) * alignments[l].gain;
        const double unit = std::exp2(p.shift[l]) * 256 / (step * static_cast<double>(p.input_scale[i]));
        CHECK(std::abs(p.weights[l * 3 + i] - wanted * unit) <= 0.5);
      }
  }
  // 2^-31 of the largest input is finer than 16-bit weights of 16-bit inputs can tell.
  aecnn::operating_point o;
  o.selector.channels = {0, 1, 2};
  const auto s = aecnn::detail::set_step_projection(o, 1, rows, 1e-7, alignments, {4, 2, {}});
  REQUIRE_FALSE(s);
  CHECK(s.error().code == errc::invalid_argument);
}

TEST_CASE("fixed step: rounded weights make up for each other", "[fixed_step]") {
  // Two inputs that are nearly the same: only the weights' sum matters.
  Eigen::MatrixXd products(3, 3);
  products << 1, 0.9999, 0, 0.9999, 1, 0, 0, 0, 1;
  const Eigen::Vector3d weights(7.4, 2.4, -3.4);
  const aecnn::detail::weight_rounding plain{Eigen::MatrixXd()}, better(products);
  CHECK(plain(weights) == std::vector<std::int16_t>{7, 2, -3});
  const auto found = better(weights);
  CHECK(found[0] + found[1] == 10);
  CHECK(found[2] == -3);
  // Independent inputs are rounded one by one, and so are weights that would leave the 16 bits.
  CHECK(aecnn::detail::weight_rounding(Eigen::MatrixXd::Identity(3, 3))(weights) == plain(weights));
  const Eigen::Vector3d high(32767.4, 32767.4, 0);
  CHECK(better(high) == std::vector<std::int16_t>{32767, 32767, 0});
  // Inputs that are always 0.
  CHECK(aecnn::detail::weight_rounding(Eigen::MatrixXd::Zero(3, 3))(weights) == plain(weights));
}
