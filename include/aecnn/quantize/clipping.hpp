// The range that a uniform quantiser should cover: values outside are clipped, which costs error there and buys a finer
// step inside. Chosen to minimise the mean squared error over the observed distribution (Banner, Nahshan, Soudry 2019
// minimise it for a fitted Laplacian or Gaussian; Cohen, Choi, Bajic, arXiv 2105.07102, section on clipping, for a
// model of leaky-ReLU outputs; here the histogram itself stands in for a model). Time: at most 1000 evaluations of all
// the distribution's values.
#pragma once

#include <cstddef>
#include <cstdint>

#include <aecnn/core/error.hpp>
#include <aecnn/quantize/histogram.hpp>

namespace aecnn {

/// Where the value 0 lies in the chosen range.
enum class clipping_zero : std::uint8_t {
  anywhere, ///< both limits are free
  on_grid,  ///< 0 is one of the levels
  at_low    ///< 0 is the lowest level: for values that are never negative
};

struct clipping_range {
  double low = 0, high = 0; ///< the lowest and the highest level; equal where all values are one
  double mse = 0;           ///< mean squared error of the nearest of 2^bits equidistant levels from low to high
};

/// Mean squared error of `d` when each value goes to the nearest of `levels` points from low to high; 0 where d is
/// empty. levels is at least 2, high above low.
inline double uniform_error(const distribution& d, double low, double high, std::size_t levels) noexcept {
  const double top = static_cast<double>(levels - 1), step = (high - low) / top, inverse = top / (high - low);
  double sum = 0, weight = 0;
  for (std::size_t i = 0; i < d.values.size(); ++i) {
    const double position = (d.values[i] - low) * inverse;
    const double inside = position < 0 ? 0 : position > top ? top : position;
    const double above = inside + 0.5; // its whole part is the nearest level
    const auto level = static_cast<double>(static_cast<std::int64_t>(above));
    const double error = d.values[i] - (low + level * step);
    sum += d.weights[i] * error * error;
    weight += d.weights[i];
  }
  return weight > 0 ? sum / weight : 0;
}

namespace detail {

/// The x in low..high at which f is least: a coarse grid, because f may have several minima, then finer ones around the
/// best point. f(high) is always tried.
template <class Function>
double grid_minimum(double low, double high, Function&& f) {
  double best = high, least = f(high);
  constexpr int points = 32;
  double from = low, to = high;
  for (int level = 0; level < 3; ++level) {
    const double step = (to - from) / points;
    for (int i = 0; i <= points; ++i) {
      const double x = from + step * i, value = f(x);
      if (!(value < least)) continue;
      best = x;
      least = value;
    }
    from = best - step > low ? best - step : low;
    to = best + step < high ? best + step : high;
  }
  return best;
}

} // namespace detail

/// The best range for 2^bits levels; bits 1 to 16. errc::invalid_argument where bits is outside or `d` has no weight.
inline result<clipping_range> choose_clipping(const distribution& d, int bits,
                                              clipping_zero zero = clipping_zero::anywhere) {
  using detail::fail;
  if (bits < 1 || bits > 16) return fail(errc::invalid_argument, "bits: ", bits, ", expected 1 to 16");
  double weight = 0;
  for (const double w : d.weights) weight += w;
  if (d.weights.size() != d.values.size() || !(weight > 0))
    return fail(errc::invalid_argument, "a distribution of ", d.values.size(), " values and ", d.weights.size(),
                " weights, the sum of which is ", weight, ": expected as many weights as values and a sum above 0");
  const std::size_t levels = std::size_t{1} << bits;
  const double top = static_cast<double>(levels - 1);
  double least = d.values.front(), most = d.values.back();
  if (zero != clipping_zero::anywhere) {
    least = least < 0 && zero != clipping_zero::at_low ? least : 0;
    most = most > 0 ? most : 0;
  }
  const double width = most - least;
  if (!(width > 0)) {
    double error = 0;
    for (std::size_t i = 0; i < d.values.size(); ++i)
      error += d.weights[i] * (d.values[i] - least) * (d.values[i] - least) / weight;
    return clipping_range{least, least, error};
  }
  const auto error = [&](double low, double high) { return uniform_error(d, low, high, levels); };

  double low = least, high = most;
  if (zero == clipping_zero::at_low) {
    high = detail::grid_minimum(width / 1024, most, [&](double h) { return error(0, h); });
    return clipping_range{0, high, error(0, high)};
  }
  // Coordinate descent: one limit at a time, a few rounds.
  for (int round = 0; round < 3; ++round) {
    high = detail::grid_minimum(low + width / 1024, most > low + width / 1024 ? most : low + width / 1024,
                                [&](double h) { return error(low, h); });
    low = -detail::grid_minimum(-high + width / 1024, -least > -high + width / 1024 ? -least : -high + width / 1024,
                                [&](double l) { return error(-l, high); });
  }
  if (zero == clipping_zero::anywhere) return clipping_range{low, high, error(low, high)};

  // 0 is level k: k as the free optimum suggests and its neighbours, each with its best step.
  const double guess = low >= 0 ? 0 : high <= 0 ? top : -low / (high - low) * top;
  clipping_range best{0, 0, 0};
  bool found = false;
  for (int offset = -1; offset <= 2; ++offset) {
    const double k = static_cast<double>(static_cast<std::int64_t>(guess)) + offset;
    if (k < 0 || k > top) continue;
    // The widest step still reaches the farthest value on one side, whichever side needs more.
    const double below = k > 0 ? -least / k : 0, above = k < top ? most / (top - k) : 0;
    const double widest = below > above ? below : above;
    if (!(widest > 0)) continue;
    const double step =
        detail::grid_minimum(widest / 1024, widest, [&](double s) { return error(-k * s, (top - k) * s); });
    const clipping_range r{-k * step, (top - k) * step, error(-k * step, (top - k) * step)};
    if (found && !(r.mse < best.mse)) continue;
    best = r;
    found = true;
  }
  return best;
}

/// The same from a histogram.
inline result<clipping_range> choose_clipping(const histogram& h, int bits,
                                              clipping_zero zero = clipping_zero::anywhere) {
  return choose_clipping(h.values(), bits, zero);
}

} // namespace aecnn
