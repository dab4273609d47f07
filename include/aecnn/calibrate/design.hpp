// Operating points from an analysis and a step: integer projection and quantiser parameters, and what they do to the
// calibration tensors. The encoder itself does the coding, so the rates are real bytes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <Eigen/Dense>

#include <aecnn/calibrate/analysis.hpp>
#include <aecnn/calibrate/priors.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/encoder.hpp>
#include <aecnn/profile.hpp>

namespace aecnn::detail {

/// The tensors that calibration looks at and what is known of all of them.
struct calibration_data {
  std::span<const tensor_view<const float>> tensors;
  float largest = 0;  ///< largest magnitude
  bool negative = false;
  double squares = 0; ///< sum of squares of all elements
  shape3 shape() const noexcept { return tensors.front().shape; }
  double elements() const noexcept { return static_cast<double>(shape().size() * tensors.size()); }
};

/// An operating point under construction and its effect.
struct designed_point {
  operating_point point;
  double step = 0;
  double bytes = 0;                             ///< mean stream length, header included, cross-validated over two halves
  std::vector<std::vector<symbol>> symbols;     ///< of every tensor
  shape3 planes{};
};

/// Lambda in steps squared per bit, times 65536. The slope of a uniform quantiser's distortion over its rate at high rate is
/// ln(2)/6 = 0.116 steps squared per bit, which serves orthonormal transforms; channels that also help to predict others
/// are worth more than their own error, and 0.05 gave the least error of 0 to 0.25.
inline std::uint32_t calibration_lambda(bool project) noexcept { return project ? 7864 : 3277; }

/// The weights of `analysis` as integers for latents in units of step / 256.
inline void set_projection(operating_point& o, const linear_analysis& analysis, double step, float largest) {
  const Eigen::Index n = analysis.rows.cols();
  const double headroom = 4.0; // later tensors may exceed those seen here
  const double input_scale = 32767.0 / (headroom * std::max(static_cast<double>(largest), 1e-20));
  projection_parameters p;
  p.stride = static_cast<std::uint32_t>(analysis.stride);
  p.input_scale.assign(o.selector.channels.size(), static_cast<float>(input_scale));
  const double exact_scale = static_cast<double>(p.input_scale.front());
  for (Eigen::Index l = 0; l < analysis.rows.rows(); ++l) {
    const double most = std::max(analysis.rows.row(l).cwiseAbs().maxCoeff(), 1e-12);
    const double sum = std::max(analysis.rows.row(l).cwiseAbs().sum(), 1e-12);
    const double room = std::min(32766.0 / most, (65535.0 - 0.5 * static_cast<double>(n)) / sum);
    const int shift = std::clamp(static_cast<int>(std::floor(std::log2(room * step * exact_scale / 256.0))), 0, 30);
    const double gain = std::min(room, 256.0 * std::exp2(shift) / (step * exact_scale));
    for (Eigen::Index i = 0; i < n; ++i)
      p.weights.push_back(static_cast<std::int16_t>(std::lround(analysis.rows(l, i) * gain)));
    p.shift.push_back(static_cast<std::uint8_t>(shift));
    o.quantizer.unit.push_back(static_cast<float>(std::exp2(shift) / (gain * exact_scale)));
  }
  o.projection = std::move(p);
}

/// An operating point of `analysis` whose latent l has step `step * weights[l]`; cold entropy parameters.
inline operating_point make_point(const calibration_data& data, const linear_analysis& analysis, double step,
                                  std::span<const double> weights, bool rate_distortion) {
  operating_point o;
  const std::size_t latents = analysis.latents();
  const bool project = analysis.channels.empty();
  if (project) {
    for (std::size_t c = 0; c < data.shape().channels; ++c) o.selector.channels.push_back(static_cast<std::uint16_t>(c));
    set_projection(o, analysis, step, data.largest);
  } else {
    o.selector.channels = analysis.channels;
    for (std::size_t k = 0; k < latents; ++k) {
      o.quantizer.unit.push_back(static_cast<float>(step * weights[k] / 256.0));
      o.quantizer.scale.push_back(static_cast<float>(256.0 / (step * weights[k])));
    }
  }
  const bool is_signed = project || data.negative;
  if (is_signed)
    for (std::size_t l = 0; l < latents; ++l)
      o.quantizer.offset.push_back(static_cast<std::int32_t>(std::lround(
          std::clamp(analysis.mean(static_cast<Eigen::Index>(l)) / static_cast<double>(o.quantizer.unit[l]), -16777216.0, 16777216.0))));
  o.quantizer.rounding.assign(latents, rate_distortion ? 128 : 96);
  o.quantizer.shift.assign(6 * latents, 0);
  o.lambda = rate_distortion ? calibration_lambda(project) : 0;
  // As many levels as any symbol could need; narrowed once symbols are known.
  o.quantizer.zero = is_signed ? 32767 : 0;
  o.quantizer.levels = is_signed ? 65535 : 65536;
  o.entropy.levels = o.quantizer.levels;
  o.entropy.zero = o.quantizer.zero;
  return o;
}

/// Narrows the levels to what the symbols use and a quarter more, and moves the symbols along.
inline void narrow_levels(operating_point& o, std::vector<std::vector<symbol>>& symbols) {
  const auto zero = static_cast<std::int32_t>(o.quantizer.zero);
  std::int32_t most = 1;
  for (const auto& t : symbols)
    for (const symbol s : t) most = std::max(most, std::abs(static_cast<std::int32_t>(s) - zero));
  most = std::min(most + most / 4, zero == 0 ? 65535 : 32767);
  const std::int32_t new_zero = zero == 0 ? 0 : most;
  for (auto& t : symbols)
    for (symbol& s : t) s = static_cast<symbol>(static_cast<std::int32_t>(s) - zero + new_zero);
  o.quantizer.zero = o.entropy.zero = static_cast<std::uint32_t>(new_zero);
  o.quantizer.levels = o.entropy.levels = static_cast<std::uint32_t>(new_zero + most + 1);
}

/// Encodes all tensors; initial states per tensor parity where `halves` is given. Returns the mean stream length.
inline result<double> encode_all(const calibration_data& data, const operating_point& o,
                                 const std::vector<std::uint16_t>* halves, std::vector<std::vector<symbol>>& symbols,
                                 shape3& planes) {
  profile p;
  p.shape = data.shape();
  p.operating_points = {o};
  double bytes = 0;
  symbols.resize(data.tensors.size());
  limits wide;
  wide.max_elements = static_cast<std::size_t>(-1);
  for (std::size_t half = 0; half < (halves != nullptr ? 2U : 1U); ++half) {
    if (halves != nullptr) p.operating_points[0].entropy.initial = halves[half];
    auto e = encoder::create(p, {.bounds = wide});
    if (!e) return e.error();
    for (std::size_t t = half; t < data.tensors.size(); t += halves != nullptr ? 2 : 1) {
      auto stream = e->try_encode(data.tensors[t]);
      if (!stream) return stream.error();
      bytes += static_cast<double>(stream->size());
      symbols[t].assign(e->symbols().begin(), e->symbols().end());
      planes = e->symbols_shape();
    }
  }
  return bytes / static_cast<double>(data.tensors.size());
}

/// Trains initial states, on all tensors into the point and on each half into `halves`.
inline status train(operating_point& o, const std::vector<std::vector<symbol>>& symbols, shape3 planes,
                    std::vector<std::uint16_t> (&halves)[2]) {
  prior_statistics statistics(o.entropy);
  for (const auto& s : symbols)
    if (auto ok = statistics.add(s, planes); !ok) return ok;
  o.entropy.initial = statistics.train();
  for (std::size_t half = 0; half < 2; ++half) halves[half] = symbols.size() > 1 ? statistics.train(2, half) : o.entropy.initial;
  return {};
}

/// Moves each reconstruction point to the mean of its cell, where enough latents fell into it.
inline status learn_points(const calibration_data& data, operating_point& o, const std::vector<std::vector<symbol>>& symbols) {
  profile p;
  p.shape = data.shape();
  p.operating_points = {o};
  limits wide;
  wide.max_elements = static_cast<std::size_t>(-1);
  auto e = encoder::create(p, {.bounds = wide});
  if (!e) return e.error();
  const std::size_t latents = o.latents();
  const auto zero = static_cast<std::int32_t>(o.quantizer.zero);
  std::vector<double> sum(6 * latents), count(6 * latents);
  double all_sum[6] = {}, all_count[6] = {};
  for (std::size_t t = 0; t < data.tensors.size(); ++t) {
    auto values = e->try_latents(data.tensors[t]);
    if (!values) return values.error();
    const std::size_t area = symbols[t].size() / latents;
    for (std::size_t i = 0; i < symbols[t].size(); ++i) {
      const std::int32_t d = static_cast<std::int32_t>(symbols[t][i]) - zero;
      if (d == 0) continue;
      const std::int32_t m = std::abs(d);
      const std::size_t cell = (d < 0 ? 3U : 0U) + static_cast<std::size_t>(std::min(m, 3) - 1);
      const double short_by = 256.0 * m - (d < 0 ? -1.0 : 1.0) * (*values)[i];
      if (std::abs(short_by) > 512) continue; // clipped
      sum[i / area * 6 + cell] += short_by;
      count[i / area * 6 + cell] += 1;
      all_sum[cell] += short_by;
      all_count[cell] += 1;
    }
  }
  for (std::size_t i = 0; i < sum.size(); ++i) {
    // Ten latents' worth of the mean over all channels steadies the cells that few latents fell into.
    const double common = all_count[i % 6] > 0 ? all_sum[i % 6] / all_count[i % 6] : 0.0;
    o.quantizer.shift[i] = static_cast<std::int16_t>(
        std::clamp(std::lround((sum[i] + 10 * common) / (count[i] + 10)), -128L, 128L));
  }
  return {};
}

/// Designs the point at one step: symbols, states, points. `rounds` of mutual refinement.
inline result<designed_point> design(const calibration_data& data, const linear_analysis& analysis, double step,
                                     std::span<const double> weights, bool rate_distortion, int rounds, bool references) {
  designed_point d;
  d.step = step;
  d.point = make_point(data, analysis, step, weights, rate_distortion);
  auto bytes = encode_all(data, d.point, nullptr, d.symbols, d.planes);
  if (!bytes) return bytes.error();
  for (int round = 0; round < rounds; ++round) {
    if (round == 0) narrow_levels(d.point, d.symbols);
    if (auto s = learn_points(data, d.point, d.symbols); !s) return s.error();
    assign_classes(d.point.entropy, d.symbols, d.planes.channels);
    if (references) assign_references(d.point.entropy, d.symbols, d.planes.channels);
    std::vector<std::uint16_t> halves[2];
    if (auto s = train(d.point, d.symbols, d.planes, halves); !s) return s.error();
    bytes = encode_all(data, d.point, halves, d.symbols, d.planes);
    if (!bytes) return bytes.error();
  }
  d.bytes = *bytes;
  return d;
}

/// The point whose mean stream length is nearest to the target, not above it by more than `tolerance` (relative), starting
/// from the step `start`.
inline result<designed_point> search_step(const calibration_data& data, const linear_analysis& analysis, double target,
                                          double start, std::span<const double> weights, bool rate_distortion, int rounds,
                                          bool references, double tolerance) {
  double low = 0, high = 0, low_bytes = 0, high_bytes = 0; // steps around the target: bytes fall as the step grows
  double step = start;
  const double smallest = 4.0 * static_cast<double>(data.largest) / 32000.0 / 256.0;
  result<designed_point> best = failure{errc::invalid_argument, "calibration: no step reaches the target"};
  for (int i = 0; i < 24; ++i) {
    auto d = design(data, analysis, step, weights, rate_distortion, rounds, references);
    if (!d) return d;
    const double bytes = d->bytes;
    const bool above = bytes > target;
    if (!best || std::abs(std::log(bytes / target)) < std::abs(std::log(best->bytes / target))) best = std::move(d);
    if (std::abs(bytes / target - 1) <= tolerance) break;
    if (above) {
      low = step;
      low_bytes = bytes;
    } else {
      high = step;
      high_bytes = bytes;
      if (step <= smallest) break; // finer than this is exact
    }
    if (low > 0 && high > 0) {
      if (high / low < 1.002) break;
      // Regula falsi on logarithms, kept away from the ends.
      const double share = std::log(low_bytes / target) / std::log(low_bytes / high_bytes);
      step = low * std::pow(high / low, std::clamp(share, 0.1, 0.9));
    } else {
      step = above ? step * std::clamp(bytes / target, 1.2, 4.0) : std::max(smallest, step / std::clamp(target / bytes, 1.2, 4.0));
    }
  }
  return best;
}

} // namespace aecnn::detail
