// Chooses the scales of an integer network from what the float network computes for sample inputs, and quantises its
// weights. This happens once, where the network is made; its result is stored, so its arithmetic is ordinary floating
// point. Cost: one or two runs of the float network a sample.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/fixed_point.hpp>
#include <aecnn/nn/graph.hpp>
#include <aecnn/nn/graph_index.hpp>
#include <aecnn/nn/infer.hpp>
#include <aecnn/nn/network.hpp>
#include <aecnn/nn/quantized/lower.hpp>
#include <aecnn/nn/quantized/quantization.hpp>
#include <aecnn/nn/quantized/rescale.hpp>

namespace aecnn::nn {

struct quantization_options {
  /// What of a value's distribution its 256 integers cover.
  enum class coverage {
    everything,    ///< from the least to the largest sample
    percentile,    ///< all but `tails` of the samples at either end
    squared_error, ///< the range with the least mean squared error of the samples, clipping included
  };
  coverage ranges = coverage::squared_error;
  double tails = 1e-4; ///< coverage::percentile; 0 or more, below 0.5
  network_options network{};
};

namespace detail {

inline constexpr std::size_t histogram_bins = 2048;

/// What the samples show of one value.
struct observed_range {
  float low = 0, high = 0; ///< 0 included
  std::vector<std::uint64_t> counts{};

  void widen(std::span<const float> x) noexcept {
    for (const float v : x) {
      low = std::min(low, v);
      high = std::max(high, v);
    }
  }
  double width() const noexcept { return (static_cast<double>(high) - low) / histogram_bins; }
  void count(std::span<const float> x) {
    counts.resize(histogram_bins);
    if (!(width() > 0)) return;
    for (const float v : x) {
      const double i = (static_cast<double>(v) - low) / width();
      ++counts[i < 1 ? 0 : std::min(histogram_bins - 1, static_cast<std::size_t>(i))];
    }
  }
  double centre(std::size_t i) const noexcept { return low + (static_cast<double>(i) + 0.5) * width(); }

  void cut_tails(double part) {
    std::uint64_t total = 0;
    for (const std::uint64_t n : counts) total += n;
    const auto allowed = static_cast<std::uint64_t>(part * static_cast<double>(total));
    std::size_t first = 0, last = counts.size();
    for (std::uint64_t n = 0; first + 1 < last && (n += counts[first]) <= allowed;) ++first;
    for (std::uint64_t n = 0; last > first + 1 && (n += counts[last - 1]) <= allowed;) --last;
    const double from = low + static_cast<double>(first) * width(), to = low + static_cast<double>(last) * width();
    low = std::min(0.0F, static_cast<float>(from));
    high = std::max(0.0F, static_cast<float>(to));
  }

  /// The mean squared error of a range, up to a factor.
  double error(double from, double to) const {
    const double step = (to - from) / 255;
    double sum = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] == 0) continue;
      const double x = centre(i), clipped = x < from ? from - x : x > to ? x - to : 0;
      sum += static_cast<double>(counts[i]) * (clipped * clipped + (clipped == 0 ? step * step / 12 : 0));
    }
    return sum;
  }
  void minimize_error() {
    double best = std::numeric_limits<double>::infinity(), from = low, to = high;
    // Each end on its own, from all of it down to a quarter; twice, because the ends share the step.
    for (int pass = 0; pass < 2; ++pass)
      for (const bool upper : {true, false}) {
        double& end = upper ? to : from;
        const double whole = upper ? high : low;
        double chosen = end;
        for (int k = 100; k >= 25; --k) {
          end = whole * k / 100;
          if (!(to > from)) continue;
          if (const double e = error(from, to); e < best) {
            best = e;
            chosen = end;
          }
        }
        end = chosen;
      }
    low = static_cast<float>(from);
    high = static_cast<float>(to);
  }
};

inline float bounded_scale(double s) noexcept {
  return static_cast<float>(std::clamp(s, std::ldexp(1.0, -60), std::ldexp(1.0, 60)));
}

inline value_quantization quantize_range(std::string name, const observed_range& r) {
  value_quantization v;
  v.name = std::move(name);
  const double range = static_cast<double>(r.high) - r.low;
  if (!(range > 0)) return v;
  v.scale = bounded_scale(range / 255);
  v.zero = static_cast<std::int32_t>(std::clamp(std::nearbyint(-r.low / static_cast<double>(v.scale)), 0.0, 255.0));
  return v;
}

inline convolution_quantization quantize_weights(std::string output, const fused_convolution& f, float input_scale) {
  convolution_quantization q;
  q.output = std::move(output);
  const std::size_t taps = f.taps(), outputs = f.spec.outputs, count = outputs * f.group_inputs() * taps;
  const float* w = f.weight_data();
  const auto channel = [&](std::size_t i) {
    return f.spec.transposed
               ? i / (taps * f.group_outputs()) / f.group_inputs() * f.group_outputs() + i / taps % f.group_outputs()
               : i / (taps * f.group_inputs());
  };
  std::vector<double> largest(outputs);
  for (std::size_t i = 0; i < count; ++i)
    largest[channel(i)] = std::max(largest[channel(i)], std::fabs(static_cast<double>(w[i])));
  for (std::size_t o = 0; o < outputs; ++o) {
    // A bias far above the weights must still fit its integer.
    const double least = std::fabs(static_cast<double>(f.bias[o])) / input_scale / (1 << 28),
                 s = std::max(largest[o] / 127, least);
    q.scales.push_back(s > 0 ? bounded_scale(s) : 1.0F);
    const double b = static_cast<double>(f.bias[o]) / (static_cast<double>(input_scale) * q.scales[o]);
    q.bias.push_back(static_cast<std::int32_t>(std::nearbyint(std::clamp(b, -1073741824.0, 1073741824.0))));
  }
  for (std::size_t i = 0; i < count; ++i)
    q.weights.push_back(static_cast<std::int8_t>(
        std::clamp(std::nearbyint(static_cast<double>(w[i]) / q.scales[channel(i)]), -127.0, 127.0)));
  return q;
}

class calibration {
public:
  calibration(const graph& g, const quantization_options& o) : graph_(g), options_(o) {}

  result<quantization> run(std::span<const std::span<const float>> samples, std::span<const std::int64_t> given) {
    const std::vector<std::int64_t> shape(given.begin(), given.end());
    auto index = graph_index::create(graph_, *options_.network.operators, options_.network.bounds);
    if (!index) return index.error();
    if (graph_.inputs.size() != 1)
      return aecnn::detail::fail(errc::unsupported, "the network has ", graph_.inputs.size(),
                                 " inputs, a quantised one has 1");
    if (samples.empty()) return aecnn::detail::fail(errc::invalid_argument, "no samples to calibrate with");
    if (!(options_.tails >= 0 && options_.tails < 0.5))
      return aecnn::detail::fail(errc::invalid_argument, "tails are ", options_.tails,
                                 ", expected 0 or more and below 0.5");
    // What the stages make is what must be observed; the float network joins the same operations as long as nothing
    // else is.
    auto source = std::make_shared<graph>(graph_);
    auto whole = network::create(source, options_.network);
    if (!whole) return whole.error();
    if (auto s = whole->prepare(std::span(&shape, 1)); !s) return s.error();
    auto typed =
        infer(source, index->order(), std::span(&shape, 1), *options_.network.operators, options_.network.bounds);
    if (!typed) return typed.error();
    const std::vector<stage> stages = quantized_stages(*typed);
    auto observed = std::make_shared<graph>(graph_);
    observed->outputs.clear();
    for (const stage& s : stages)
      if (s.type != stage::kind::view)
        for (const std::size_t v : s.outputs)
          if (v != no_value) observed->outputs.emplace_back(typed->values[v].name);
    if (auto s = observe(observed, samples, shape); !s) return s.error();
    return choose(*typed, stages);
  }

private:
  status observe(const std::shared_ptr<graph>& g, std::span<const std::span<const float>> samples,
                 const std::vector<std::int64_t>& shape) {
    names_ = g->outputs;
    ranges_.resize(names_.size() + 1);
    std::optional<network> net;
    std::vector<std::vector<float>> values;
    std::vector<std::span<float>> to;
    if (!names_.empty()) {
      auto n = network::create(g, options_.network);
      if (!n) return n.error();
      net = std::move(*n);
      if (auto s = net->prepare(std::span(&shape, 1)); !s) return s;
      for (const auto& e : net->output_shapes()) values.emplace_back(element_count(e));
      for (auto& v : values) to.emplace_back(v);
    }
    const int passes = options_.ranges == quantization_options::coverage::everything ? 1 : 2;
    for (int pass = 0; pass < passes; ++pass)
      for (const std::span<const float>& x : samples) {
        if (x.size() != element_count(shape))
          return aecnn::detail::fail(errc::bad_shape, "a sample has ", x.size(), " elements, expected ",
                                     nn::to_string(shape));
        if (!all_finite(x.data(), x.size()))
          return aecnn::detail::fail(errc::not_finite, "a sample holds a NaN or an infinity");
        if (net)
          if (auto s = net->run_to(std::span(&x, 1), to); !s) return s;
        for (std::size_t i = 0; i < ranges_.size(); ++i) {
          const std::span<const float> v = i < to.size() ? std::span<const float>(to[i]) : x;
          if (!all_finite(v.data(), v.size()))
            return aecnn::detail::fail(errc::not_finite, "value '", names_[i], "' becomes a NaN or an infinity");
          if (pass == 0)
            ranges_[i].widen(v);
          else
            ranges_[i].count(v);
        }
      }
    for (observed_range& r : ranges_) {
      if (r.counts.empty() || !(r.width() > 0)) continue;
      if (options_.ranges == quantization_options::coverage::percentile)
        r.cut_tails(options_.tails);
      else
        r.minimize_error();
    }
    return {};
  }

  result<quantization> choose(const typed_graph& g, const std::vector<stage>& stages) const {
    std::unordered_map<std::string_view, const observed_range*> ranges;
    for (std::size_t i = 0; i < names_.size(); ++i) ranges.emplace(names_[i], &ranges_[i]);
    quantization q;
    std::vector<value_quantization> values(g.values.size());
    const auto name = [&](std::size_t v) { return std::string(g.values[v].name); };
    const auto add = [&](std::size_t v, value_quantization chosen) {
      chosen.name = name(v);
      values[v] = chosen;
      q.values.push_back(std::move(chosen));
    };
    add(g.inputs[0], quantize_range({}, ranges_.back()));
    for (const stage& s : stages) {
      using kind = stage::kind;
      const bool maximum = s.type == kind::pool && s.op->as_pooling()->maximum;
      for (std::size_t i = 0; i < s.outputs.size(); ++i) {
        const std::size_t v = s.outputs[i];
        if (v == no_value) continue;
        // Whatever only moves bytes keeps their scale.
        if (s.type == kind::view || s.type == kind::strided_copy || s.type == kind::depth_to_space || maximum ||
            (s.type == kind::global_pools && i == 1)) {
          add(v, values[s.inputs[0]]);
          continue;
        }
        value_quantization chosen = quantize_range({}, *ranges.at(g.values[v].name));
        // A sum or table cannot rescale by more than ratio_limit.
        for (std::size_t k = s.type == kind::convolution ? 1 : 0; k < s.inputs.size(); ++k)
          if (s.inputs[k] != no_value && !g.values[s.inputs[k]].is_constant())
            chosen.scale = std::max(chosen.scale, values[s.inputs[k]].scale * 2 / static_cast<float>(ratio_limit));
        add(v, std::move(chosen));
      }
      if (s.type == kind::convolution)
        q.convolutions.push_back(quantize_weights(name(s.outputs[0]), s.conv, values[s.inputs[0]].scale));
    }
    return q;
  }

  const graph& graph_;
  const quantization_options& options_;
  std::vector<std::string> names_;
  std::vector<observed_range> ranges_; ///< of names_, then of the input
};

} // namespace detail

/// Quantises a graph of one input from samples of it, each contiguous and of the given shape. What has no integer form
/// is only refused by quantized_network. errc::invalid_argument (no samples, options), errc::bad_shape (a sample's
/// size), errc::not_finite, and what network::create and prepare say of the graph.
inline result<quantization> calibrate_quantization(const graph& g, std::span<const std::span<const float>> samples,
                                                   std::span<const std::int64_t> shape,
                                                   const quantization_options& options = {}) {
  return aecnn::detail::guarded([&] { return detail::calibration(g, options).run(samples, shape); });
}

} // namespace aecnn::nn
