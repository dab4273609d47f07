#include <aecnn/calibrate/fixed_step.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <aecnn/quantize/uniform_quantizer.hpp>

#include <catch_compat.hpp>
#include <random.hpp>

using aecnn::errc;
using aecnn::detail::nearest_symbol;

TEST_CASE("fixed step: halves go away from zero", "[fixed_step]") {
  CHECK(nearest_symbol(0.5) == 1);
  CHECK(nearest_symbol(-0.5) == -1);
  CHECK(nearest_symbol(2.5) == 3);
  CHECK(nearest_symbol(0.4999) == 0);
  CHECK(nearest_symbol(-1.4999) == -1);
}

TEST_CASE("fixed step: a unit is a 256th of the step", "[fixed_step]") {
  Eigen::MatrixXd rows(2, 3);
  rows << 0.5, -0.25, 0.125, 3, 2, -1;
  const Eigen::Vector2d bias(0.75, -20);
  for (const double step : {1.0, 0.3, 17.0}) {
    aecnn::operating_point o;
    o.selector.channels = {0, 1, 2};
    REQUIRE(aecnn::detail::set_step_projection(o, 1, rows, bias, step, {4, 2, {}}));
    CHECK(aecnn::projection::check(*o.projection, 3));
    const auto& p = *o.projection;
    CHECK(p.input_scale[0] * 8 <= 32767);
    for (std::size_t l = 0; l < 2; ++l) {
      const double unit = std::exp2(p.shift[l]) * 256 / step;
      CHECK(std::abs(p.bias[l] - bias(static_cast<Eigen::Index>(l)) * unit) <= 0.5);
      for (std::size_t i = 0; i < 3; ++i) {
        const double wanted = rows(static_cast<Eigen::Index>(l), static_cast<Eigen::Index>(i));
        CHECK(std::abs(p.weights[l * 3 + i] - wanted * unit / static_cast<double>(p.input_scale[i])) <= 0.5);
      }
    }
    // Without a bias none is stored.
    REQUIRE(aecnn::detail::set_step_projection(o, 1, rows, Eigen::Vector2d::Zero(), step, {4, 2, {}}));
    CHECK(o.projection->bias.empty());
  }
  // 2^-31 of the largest input is finer than 16-bit weights of 16-bit inputs can tell.
  aecnn::operating_point o;
  o.selector.channels = {0, 1, 2};
  const auto s = aecnn::detail::set_step_projection(o, 1, rows, bias, 1e-7, {4, 2, {}});
  REQUIRE_FALSE(s);
  CHECK(s.error().code == errc::invalid_argument);
}

TEST_CASE("fixed step: symbols are those of the latents, also with many inputs and with biases", "[fixed_step]") {
  // Of latents of 320 and of 2000 independent inputs, at most one in 800 lies so near a threshold that rounding decides.
  for (const int stride : {4, 10}) {
    const int channels = 20, n = channels * stride * stride, latents = 32;
    random_integers random(static_cast<std::uint64_t>(stride));
    const auto number = [&] { return random.between(-1000000, 1000000) / 1e6; };
    Eigen::MatrixXd rows(latents, n);
    Eigen::VectorXd bias(latents);
    for (auto& v : rows.reshaped()) v = number() * 1.7 / std::sqrt(n);
    for (auto& v : bias) v = 9 * number();
    aecnn::operating_point o;
    for (int c = 0; c < channels; ++c) o.selector.channels.push_back(static_cast<std::uint16_t>(c));
    // The mean products of inputs that are even over 0 to 4.
    const Eigen::MatrixXd products = Eigen::MatrixXd::Constant(n, n, 4) + 4.0 / 3 * Eigen::MatrixXd::Identity(n, n);
    const aecnn::detail::input_statistics statistics{4, 16.0 / 3, products};
    REQUIRE(aecnn::detail::set_step_projection(o, static_cast<std::size_t>(stride), rows, bias, 1, statistics));
    auto device = aecnn::projection::create(*o.projection, static_cast<std::size_t>(channels)).value();
    const std::size_t side = static_cast<std::size_t>(stride);
    const aecnn::shape3 shape{static_cast<std::size_t>(channels), side, side};
    std::vector<std::int32_t> units(latents);
    int others = 0, all = 0;
    for (int tensor = 0; tensor < 3000 / (stride / 4); ++tensor) {
      Eigen::VectorXf x(n);
      for (auto& v : x) v = static_cast<float>(2 + 2 * number());
      std::uint32_t not_finite = 0;
      device.apply(aecnn::detail::source_of(aecnn::tensor_view<const float>(x.data(), shape, {stride * stride, stride, 1})),
                   std::span<const std::uint16_t>(o.selector.channels), std::span(units), not_finite);
      const Eigen::VectorXd wanted = rows * x.cast<double>() + bias;
      for (std::size_t l = 0; l < units.size(); ++l, ++all) {
        const int d = (std::abs(units[l]) + 128) / 256;
        others += (units[l] < 0 ? -d : d) != static_cast<int>(nearest_symbol(wanted(static_cast<Eigen::Index>(l))));
      }
    }
    CAPTURE(stride, others);
    CHECK(others <= all / 800);
  }
}

TEST_CASE("fixed step: rounded weights make up for each other", "[fixed_step]") {
  // Two inputs that are nearly the same: only the weights' sum matters.
  Eigen::MatrixXd products(3, 3);
  products << 1, 0.9999, 0, 0.9999, 1, 0, 0, 0, 1;
  const Eigen::Vector3d weights(7.4, 2.4, -3.4);
  const aecnn::detail::weight_rounding plain(Eigen::MatrixXd(), 65535), better(products, 65535);
  CHECK(plain(weights) == std::vector<std::int16_t>{7, 2, -3});
  const auto found = better(weights);
  CHECK(found[0] + found[1] == 10);
  CHECK(found[2] == -3);
  // Independent inputs are rounded one by one, and so are weights that would leave the 16 bits.
  CHECK(aecnn::detail::weight_rounding(Eigen::MatrixXd::Identity(3, 3), 65535)(weights) == plain(weights));
  const Eigen::Vector3d high(32767.4, 32767.4, 0);
  CHECK(better(high) == std::vector<std::int16_t>{32767, 32767, 0});
  // Inputs that are always 0.
  CHECK(aecnn::detail::weight_rounding(Eigen::MatrixXd::Zero(3, 3), 65535)(weights) == plain(weights));
}
