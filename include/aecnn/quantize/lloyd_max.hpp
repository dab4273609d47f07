// Design of scalar quantisers with free reconstruction points, from a distribution or from samples: Lloyd-Max, and
// entropy constrained (lloyd_design.hpp has the formulas and sources). Made for calibration; in double precision.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/quantize/histogram.hpp>
#include <aecnn/quantize/lloyd_design.hpp>

namespace aecnn {

/// The quantiser with the least mse + lambda * rate that iterations from several starts (equidistant points, points by
/// the density's cube root, and, where lambda is above 0, fewer points) reach. Fewer levels come back where some are
/// worth no value. errc::invalid_argument where an option or the distribution is outside its domain.
inline result<scalar_codebook> design_scalar_quantizer(const distribution& d, const lloyd_max_options& options) {
  using detail::fail;
  if (options.levels < 2 || options.levels > 65536)
    return fail(errc::invalid_argument, "levels: ", options.levels, ", expected 2 to 65536");
  if (!(options.lambda >= 0)) return fail(errc::invalid_argument, "lambda: ", options.lambda, ", expected 0 or more");
  if (options.pin_low && options.pin_high && !(options.low < options.high))
    return fail(errc::invalid_argument, "pinned points: ", options.low, " and ", options.high, ", expected increasing");
  // Values without weight are left out; what remains decides.
  distribution used;
  if (d.values.size() == d.weights.size())
    for (std::size_t i = 0; i < d.values.size(); ++i) {
      if (!(d.weights[i] > 0)) continue;
      if (!used.values.empty() && !(d.values[i] > used.values.back()))
        return fail(errc::invalid_argument, "value ", d.values[i], " after ", used.values.back(),
                    ", expected increasing");
      used.values.push_back(d.values[i]);
      used.weights.push_back(d.weights[i]);
    }
  if (used.values.empty())
    return fail(errc::invalid_argument, "a distribution of ", d.values.size(), " values and ", d.weights.size(),
                " weights: expected as many weights as values, and one above 0");
  const double low = options.pin_low ? options.low : used.values.front();
  const double high = options.pin_high ? options.high : used.values.back();
  if (!(low <= used.values.back() && high >= used.values.front()))
    return fail(errc::invalid_argument, "pinned points ", low, " to ", high, " outside of the values ",
                used.values.front(), " to ", used.values.back());

  const auto equidistant = [&](std::size_t levels) {
    // The middles of cells of equal width, or the range's ends where a point is pinned.
    const double start = options.pin_low ? 0.5 : 0, end = static_cast<double>(levels) - (options.pin_high ? 0.5 : 0);
    std::vector<double> points;
    for (std::size_t i = 0; i < levels; ++i) {
      const double y = low + (static_cast<double>(i) + 0.5 - start) / (end - start) * (high - low);
      if (points.empty() || y > points.back()) points.push_back(y);
    }
    return points;
  };
  detail::lloyd_design best(used, options);
  double least = best.run(equidistant(options.levels));
  const auto attempt = [&](std::vector<double> points) {
    if (points.empty()) return;
    detail::lloyd_design design(used, options);
    const double cost = design.run(std::move(points));
    if (!(cost < least)) return;
    least = cost;
    best = std::move(design);
  };
  std::vector<double> companded;
  for (const double y : detail::companded_points(used, options.levels))
    if ((!options.pin_low || y > low || companded.empty()) && (!options.pin_high || y < high)) companded.push_back(y);
  attempt(std::move(companded));
  // The rate may be worth fewer levels than iterations give up by themselves, an odd number among them: two symbols of
  // equal probability never merge.
  const std::size_t fewest = options.pin_low || options.pin_high ? 2 : 1;
  for (std::size_t n = options.levels; options.lambda > 0 && n > fewest; n = (n + 1) / 2) attempt(equidistant(n - 1));
  return best.codebook();
}

/// The same for samples: each value weighs 1. They are counted in a histogram of 65536 bins over their range first.
/// Also errc::not_finite.
inline result<scalar_codebook> design_scalar_quantizer(std::span<const float> samples,
                                                       const lloyd_max_options& options) {
  range_accumulator range;
  if (auto s = range.add(samples); !s) return s.error();
  distribution d;
  if (range.count() > 0 && range.low() == range.high()) {
    d.values = {static_cast<double>(range.low())};
    d.weights = {1};
  } else if (range.count() > 0) {
    auto h = histogram::create(range.low(), range.high(), 65536);
    if (!h) return h.error();
    if (auto s = h->add(samples); !s) return s.error();
    d = h->values();
  }
  return design_scalar_quantizer(d, options);
}

} // namespace aecnn
