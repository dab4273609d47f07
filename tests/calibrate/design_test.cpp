#include <aecnn/calibrate/design.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <catch_compat.hpp>
#include <feature_tensors.hpp>

using aecnn::shape3;
using aecnn::symbol;
using aecnn::detail::calibration_data;

namespace {

using feature_view = aecnn::tensor_view<const float>;

struct data_set {
  std::vector<std::vector<float>> values;
  std::vector<feature_view> tensors;
  data_set(shape3 s, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) values.push_back(feature_tensors::make(s, i));
    for (const auto& v : values) tensors.push_back(feature_tensors::view(v, s));
  }
  calibration_data look() const {
    calibration_data d;
    d.tensors = tensors;
    d.largest = 16;
    d.negative = true;
    return d;
  }
};

} // namespace

TEST_CASE("integer latents are the analysis in units of a 256th of the step") {
  const shape3 shape{6, 8, 8};
  const data_set set(shape, 6);
  const auto data = set.look();
  for (const std::size_t stride : {1U, 2U, 4U})
    for (const double step : {0.05, 1.0, 30.0}) {
      CAPTURE(stride, step);
      const auto analysis = aecnn::klt_analysis(set.tensors, stride, 20);
      const std::vector<double> weights(analysis.latents(), 1.0);
      auto o = aecnn::detail::make_point(data, analysis, step, weights, false);
      aecnn::profile p;
      p.shape = shape;
      p.operating_points = {o};
      REQUIRE(aecnn::check(p).has_value());
      auto e = aecnn::encoder::create(p).value();
      const auto latents = e.try_latents(set.tensors[0]).value();
      const Eigen::MatrixXd exact = analysis.rows * aecnn::detail::patches(set.tensors[0], stride);
      const auto area = static_cast<std::size_t>(exact.cols());
      double worst = 0;
      for (std::size_t l = 0; l < analysis.latents(); ++l) {
        // The unit is that of the integer weights, near but not exactly step / 256.
        CHECK(static_cast<double>(o.quantizer.unit[l]) == Approx(step / 256).epsilon(0.2));
        for (std::size_t i = 0; i < area; ++i) {
          const double found = (latents[l * area + i] + o.quantizer.offset[l]) * static_cast<double>(o.quantizer.unit[l]);
          worst = std::max(worst, std::abs(found - exact(static_cast<Eigen::Index>(l), static_cast<Eigen::Index>(i))));
        }
      }
      CHECK(worst < std::max(0.05 * step, 0.06));
    }
}

TEST_CASE("narrowed levels keep all symbols, with room for larger ones") {
  aecnn::operating_point o;
  o.quantizer.levels = o.entropy.levels = 65535;
  o.quantizer.zero = o.entropy.zero = 32767;
  std::vector<std::vector<symbol>> symbols = {{32767, 32767 + 8, 32767 - 3}, {32766, 32768, 32767}};
  aecnn::detail::narrow_levels(o, symbols);
  CHECK(o.quantizer.zero == 10);
  CHECK(o.quantizer.levels == 21);
  CHECK(o.entropy.levels == 21);
  CHECK(o.entropy.zero == 10);
  CHECK(symbols == std::vector<std::vector<symbol>>{{10, 18, 7}, {9, 11, 10}});
  // Nothing but zeros, and unsigned symbols at the end of the range.
  o.quantizer.zero = o.entropy.zero = 5;
  symbols = {{5, 5}};
  aecnn::detail::narrow_levels(o, symbols);
  CHECK(o.quantizer.levels == 3);
  o.quantizer.zero = o.entropy.zero = 0;
  symbols = {{0, 65535}};
  aecnn::detail::narrow_levels(o, symbols);
  CHECK(o.quantizer.levels == 65536);
  CHECK(symbols[0][1] == 65535);
}

TEST_CASE("reconstruction points move to the means of their cells") {
  const shape3 shape{2, 20, 20};
  const data_set set(shape, 4);
  const auto data = set.look();
  const auto analysis = aecnn::select_analysis(set.tensors, {0, 1});
  const std::vector<double> weights(2, 1.0);
  auto o = aecnn::detail::make_point(data, analysis, 3.0, weights, false);
  std::vector<std::vector<symbol>> symbols;
  shape3 planes;
  REQUIRE(aecnn::detail::encode_all(data, o, nullptr, symbols, planes).has_value());
  CHECK(planes == shape);
  const auto error = [&] {
    const auto q = aecnn::uniform_quantizer::create(o.quantizer, 2, true).value();
    double sum = 0;
    for (std::size_t t = 0; t < 4; ++t)
      for (std::size_t i = 0; i < 800; ++i)
        sum += std::pow(static_cast<double>(q.value(i / 400, symbols[t][i]) - set.values[t][i]), 2);
    return sum;
  };
  const double before = error();
  REQUIRE(aecnn::detail::learn_points(data, o, symbols).has_value());
  CHECK(error() < before);
  for (const auto s : o.quantizer.shift) CHECK(std::abs(s) <= 128);
}

TEST_CASE("the step search ends near the target") {
  const shape3 shape{8, 12, 12};
  const data_set set(shape, 10);
  const auto data = set.look();
  const auto analysis = aecnn::klt_analysis(set.tensors, 1, 100);
  const std::vector<double> weights(analysis.latents(), 1.0);
  for (const double target : {40.0, 200.0, 600.0})
    for (const double start : {1e-3, 1.0, 1e3}) {
      CAPTURE(target, start);
      const auto d = aecnn::detail::search_step(data, analysis, target, start, weights, true, 1, false, 0.01).value();
      CHECK(d.bytes == Approx(target).epsilon(0.03));
      CHECK(d.symbols.size() == 10);
      CHECK(d.planes == shape3{analysis.latents(), 12, 12});
    }
}
