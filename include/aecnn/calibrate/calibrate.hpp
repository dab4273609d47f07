// Makes a profile from sample feature tensors, without any training framework.
//
// 1. Statistics: extremes, energy, channel covariance or block-transform covariances.
// 2. For each target rate: the analysis (which channels, or which block transform), and by bisection on real streams the
//    quantiser step that meets the rate, with reconstruction points, entropy-model states, channel classes and references
//    learnt from the symbols; symbols are chosen by rate and distortion. Of several analyses the one with the least
//    cross-validated squared error wins.
// 3. The closed-form decoder: ridge regression from the dequantised latents (reconstruction.hpp).
// 4. A probe, from the first tensor.
//
// Time: some tens of encodings of all tensors per target. Deterministic for one build; the profile's floats may differ in
// their last bits between builds, which changes nothing once the profile is shared.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <Eigen/Dense>

#include <aecnn/calibrate/analysis.hpp>
#include <aecnn/calibrate/design.hpp>
#include <aecnn/calibrate/options.hpp>
#include <aecnn/calibrate/reconstruction.hpp>
#include <aecnn/codec.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/profile.hpp>
#include <aecnn/select/covariance.hpp>
#include <aecnn/select/importance.hpp>
#include <aecnn/select/reconstruction_ranking.hpp>

namespace aecnn {

namespace detail {

/// A designed point with its decoder.
struct fitted_point {
  designed_point design;
  linear_decoder decoder;
};

/// The dequantised latents of a tensor's symbols: [L, h * w].
inline Eigen::MatrixXd dequantise(const operating_point& o, const uniform_quantizer& q, const std::vector<symbol>& symbols) {
  const std::size_t latents = o.latents(), area = symbols.size() / latents;
  Eigen::MatrixXd z(static_cast<Eigen::Index>(latents), static_cast<Eigen::Index>(area));
  for (std::size_t k = 0; k < latents; ++k)
    for (std::size_t i = 0; i < area; ++i)
      z(static_cast<Eigen::Index>(k), static_cast<Eigen::Index>(i)) = static_cast<double>(q.value(k, symbols[k * area + i]));
  return z;
}

/// The best linear decoder of the point with a neighbourhood of `side`.
inline result<linear_decoder> fit_decoder(const calibration_data& data, const linear_analysis& analysis,
                                          const designed_point& d, std::size_t side) {
  using Eigen::Index;
  auto q = uniform_quantizer::create(d.point.quantizer, d.point.latents(), !d.point.projection);
  if (!q) return q.error();
  // The prior: what was not sent is its mean, what was sent goes back through the transposed analysis.
  const Eigen::MatrixXd back = analysis.rows.transpose();
  const Eigen::VectorXd back_bias = analysis.patch_mean - back * analysis.mean;
  ridge_statistics sums(analysis.latents(), static_cast<std::size_t>(analysis.rows.cols()), side);
  for (std::size_t t = 0; t < data.tensors.size(); ++t) {
    const Eigen::MatrixXd z = dequantise(d.point, *q, d.symbols[t]);
    Eigen::MatrixXd residual = patches(data.tensors[t], analysis.stride);
    residual.noalias() -= back * z;
    residual.colwise() -= back_bias;
    sums.add(z, d.planes.height, d.planes.width, residual);
  }
  const auto correction = sums.solve();
  linear_decoder r;
  r.side = side;
  r.error = correction.error;
  const auto taps = static_cast<Index>(side * side);
  r.weights = correction.weights.leftCols(correction.weights.cols() - 1);
  for (Index l = 0; l < back.cols(); ++l) r.weights.col(l * taps + taps / 2) += back.col(l);
  r.bias = correction.weights.rightCols(1) + back_bias;
  return r;
}

/// Keeps only latents that any symbol uses, so that neither side computes the others.
inline linear_analysis used_latents(const linear_analysis& a, const designed_point& d) {
  std::vector<Eigen::Index> used;
  const std::size_t area = d.planes.area();
  for (std::size_t k = 0; k < d.planes.channels; ++k) {
    bool any = false;
    for (const auto& s : d.symbols)
      any = any || std::any_of(s.begin() + static_cast<std::ptrdiff_t>(k * area),
                               s.begin() + static_cast<std::ptrdiff_t>((k + 1) * area),
                               [&](symbol v) { return v != d.point.quantizer.zero; });
    if (any) used.push_back(static_cast<Eigen::Index>(k));
  }
  if (used.empty()) used.push_back(0);
  linear_analysis r;
  r.stride = a.stride;
  r.orthonormal = a.orthonormal;
  r.patch_mean = a.patch_mean;
  r.rows = a.rows(used, Eigen::all);
  r.mean = a.mean(used);
  r.variance = a.variance(used);
  return r;
}

/// For selected channels: the weight of an error in each of them on the whole tensor, as step factors. A channel whose value
/// predicts others deserves a finer step: 1 / norm of its column in the best linear predictor.
inline std::vector<double> step_weights(const linear_analysis& a, std::span<const double> covariance) {
  using Eigen::Index;
  std::vector<double> weights(a.latents(), 1.0);
  if (a.channels.empty()) return weights;
  const Index c = a.rows.cols(), k = a.rows.rows();
  const Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> all(covariance.data(), c, c);
  Eigen::MatrixXd inner = a.rows * all * a.rows.transpose();
  inner.diagonal().array() += 1e-6 * std::max(inner.diagonal().mean(), 1e-300);
  const Eigen::MatrixXd predictor = inner.ldlt().solve(a.rows * all); // [K, C]
  for (Index i = 0; i < k; ++i) weights[static_cast<std::size_t>(i)] = 1.0 / std::max(predictor.row(i).norm(), 1.0);
  return weights;
}

/// Runs through the whole calibration and keeps the caller informed.
class calibrator {
public:
  calibrator(std::span<const tensor_view<const float>> tensors, const calibrate_options& options)
      : options_(options) {
    data_.tensors = tensors;
  }

  result<profile> run() {
    if (auto s = check_input(); !s) return s.error();
    report("statistics", 0);
    if (auto s = gather(); !s) return s.error();
    profile p;
    p.name = options_.name;
    p.shape = data_.shape();
    if (options_.open_extents) p.shape.height = p.shape.width = 0;
    for (std::size_t i = 0; i < options_.target_bytes.size(); ++i) {
      target_ = i;
      auto f = best_point(options_.target_bytes[i]);
      if (!f) return f.error();
      finish(p, *f);
    }
    seal(p);
    if (auto s = check(p, options_.bounds); !s) return s.error();
    report("probe", 0.99);
    if (options_.probe)
      if (auto s = make_probe(p, data_.tensors.front()); !s) return s.error();
    report("done", 1);
    return p;
  }

private:
  static constexpr std::size_t max_latents = 1024;
  static double all_bytes(const shape3& s) { return static_cast<double>(s.size()) * 4; }

  status check_input() const {
    if (data_.tensors.empty()) return failure{errc::invalid_argument, "calibration: no tensors"};
    const shape3 s = data_.shape();
    if (s.size() == 0 || s.channels > options_.bounds.max_channels || s.size() > options_.bounds.max_elements)
      return fail(errc::bad_shape, "calibration: tensors of shape ", to_string(s));
    for (std::size_t i = 0; i < data_.tensors.size(); ++i)
      if (data_.tensors[i].shape != s)
        return fail(errc::bad_shape, "calibration: tensor ", i, " is ", to_string(data_.tensors[i].shape), ", expected ", to_string(s));
    if (options_.target_bytes.empty() || options_.target_bytes.size() > 32)
      return fail(errc::invalid_argument, "calibration: ", options_.target_bytes.size(), " target rates, expected 1 to 32");
    for (const double b : options_.target_bytes)
      if (!(b >= 5) || b > 1e12)
        return fail(errc::invalid_argument, "calibration: target of ", b, " bytes a tensor, expected at least 5 (the header takes 4)");
    if (options_.max_stride < 1 || options_.max_stride > 8)
      return fail(errc::invalid_argument, "calibration: max_stride ", options_.max_stride, ", expected 1 to 8");
    return {};
  }

  void report(std::string_view stage, double fraction) const {
    if (options_.progress) options_.progress(stage, fraction);
  }
  void report_target(std::string_view stage, double share) const {
    report(stage, 0.02 + 0.96 * (static_cast<double>(target_) + share) / static_cast<double>(options_.target_bytes.size()));
  }

  // Pass 1: extremes and energy; covariance or transforms. A subset serves the search where there is very much data.
  status gather() {
    for (std::size_t t = 0; t < data_.tensors.size(); ++t) {
      const auto& x = data_.tensors[t];
      for (std::size_t c = 0; c < x.shape.channels; ++c)
        for (std::size_t i = 0; i < x.shape.height; ++i)
          for (std::size_t j = 0; j < x.shape.width; ++j) {
            const float v = x(c, i, j);
            if (!all_finite(&v, 1))
              return fail(errc::not_finite, "calibration: tensor ", t, " holds a NaN or an infinity");
            data_.largest = std::max(data_.largest, std::abs(v));
            data_.negative = data_.negative || v < 0;
            data_.squares += static_cast<double>(v) * static_cast<double>(v);
          }
    }
    // Products of 64 elements are summed in float (select/covariance.hpp).
    if (data_.largest > 1e18F)
      return fail(errc::invalid_argument, "calibration: an element of magnitude ", data_.largest, ", expected at most 1e18");
    // A tensor that is zero everywhere still gets a valid profile.
    if (data_.largest == 0) data_.largest = 1;
    search_ = data_;
    const std::size_t most = std::max<std::size_t>(8, 4'000'000 / data_.shape().size());
    if (search_.tensors.size() > most) search_.tensors = search_.tensors.first(most);
    if (options_.transform == transform_kind::klt) {
      const shape3 s = data_.shape();
      // Transforms are compared on tensors that they were not learnt from.
      std::vector<tensor_view<const float>> learn;
      for (std::size_t t = 0; t < data_.tensors.size(); ++t)
        (t % 2 == 0 && data_.tensors.size() > 1 ? learn : unseen_).push_back(data_.tensors[t]);
      if (learn.empty()) learn = unseen_;
      search_.tensors = std::span<const tensor_view<const float>>(unseen_).first(std::min(unseen_.size(), most));
      for (std::size_t stride = 1; stride <= options_.max_stride; stride *= 2) {
        if (stride > 1 && (stride > std::max(s.height, s.width) || s.channels * stride * stride > 4096)) break;
        trials_.push_back(klt_analysis(learn, stride, max_latents));
        strides_.push_back(stride);
      }
      // Sparse tensors at high rates are best left as they are.
      for (std::size_t c = 0; c < s.channels; ++c) order_.push_back(static_cast<std::uint16_t>(c));
      trials_.push_back(selected(s.channels));
    }
    covariance_accumulator covariance(data_.shape().channels);
    for (const auto& x : data_.tensors)
      if (auto s = covariance.add(x); !s) return s;
    covariance_ = covariance.covariance();
    return options_.transform == transform_kind::klt ? status() : rank();
  }

  status rank() {
    const std::size_t channels = data_.shape().channels;
    if (options_.rank == rank_kind::reconstruction) {
      auto order = reconstruction_ranking(covariance_, channels, channels);
      if (!order) return order.error();
      order_ = order->channels;
      return {};
    }
    if (options_.rank == rank_kind::attention) {
      attention_parameters a;
      if (options_.attention) {
        a = *options_.attention;
      } else {
        // Identity perceptron on values scaled to the tensors' own size: sigmoid(average + maximum).
        a.channels = a.hidden = channels;
        a.w1.assign(channels * channels, 0.0F);
        a.w2 = a.w1;
        const float scale = std::clamp(1.0F / data_.largest, 1e-4F, 1e4F);
        for (std::size_t c = 0; c < channels; ++c) {
          a.w1[c * channels + c] = scale;
          a.w2[c * channels + c] = 1;
        }
      }
      if (a.channels != channels)
        return fail(errc::bad_shape, "calibration: attention of ", a.channels, " channels, the tensors have ", channels);
      auto attention = channel_attention::create(a, options_.bounds);
      if (!attention) return attention.error();
      attention_importance importance(std::move(*attention));
      for (const auto& x : data_.tensors)
        if (auto s = importance.add(x); !s) return s;
      order_ = rank_channels(importance.scores());
      return {};
    }
    channel_moments moments(channels);
    for (const auto& x : data_.tensors)
      if (auto s = moments.add(x); !s) return s;
    std::vector<double> scores(channels);
    for (std::size_t c = 0; c < channels; ++c)
      scores[c] = options_.rank == rank_kind::energy ? moments.energy(c) : moments.variance(c);
    order_ = rank_channels(scores);
    return {};
  }

  linear_analysis selected(std::size_t k) const {
    std::vector<std::uint16_t> channels(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(k));
    std::sort(channels.begin(), channels.end());
    return select_analysis(data_.tensors, std::move(channels));
  }

  /// A step to start from: the one at which the latents' entropy at high rate would be the target.
  double first_step(const linear_analysis& a, double target, double latents_a_tensor) const {
    const double bits = 8 * target / latents_a_tensor;
    const double deviation = std::sqrt(std::max(a.variance.mean(), 1e-12));
    return std::max(deviation * std::exp2(1.5 - bits), 1e-6 * static_cast<double>(data_.largest));
  }

  result<fitted_point> try_analysis(const calibration_data& data, const linear_analysis& a, double target, double start,
                                    int rounds, bool references, double tolerance,
                                    std::size_t most_inputs) {
    const std::vector<double> weights = step_weights(a, covariance_);
    const shape3 s = data.shape();
    const double n = static_cast<double>(a.latents() * projection::reduced(s.height, a.stride) * projection::reduced(s.width, a.stride));
    if (start <= 0) start = first_step(a, target, n);
    auto d = search_step(data, a, target, start, weights, options_.rate_distortion, rounds, references, tolerance);
    if (!d) return d.error();
    linear_analysis used = a.channels.empty() ? used_latents(a, *d) : a;
    fitted_point f;
    if (used.latents() < a.latents()) {
      // The same symbols without the planes that are always zero.
      d = search_step(data, used, target, d->step, weights, options_.rate_distortion, rounds, references, tolerance);
      if (!d) return d.error();
    }
    f.design = std::move(*d);
    auto r = fit_decoder(data, used, f.design, 1);
    if (!r) return r.error();
    f.decoder = std::move(*r);
    const std::size_t samples = f.design.planes.area() * data.tensors.size(), inputs = 9 * used.latents();
    if (inputs <= most_inputs && inputs * 4 <= samples) {
      auto larger = fit_decoder(data, used, f.design, 3);
      if (!larger) return larger.error();
      if (larger->error < 0.98 * f.decoder.error) f.decoder = std::move(*larger);
    }
    return f;
  }

  result<fitted_point> best_point(double target) {
    struct option {
      std::size_t number;
      double step;
      double error;
    };
    std::vector<option> tried;
    const bool klt = options_.transform == transform_kind::klt;
    const std::size_t channels = data_.shape().channels;
    const auto evaluate = [&](std::size_t number) -> status {
      for (const option& o : tried)
        if (o.number == number) return {};
      const linear_analysis a = klt ? trials_[number] : selected(number);
      auto f = try_analysis(search_, a, target, 0, 1, false, 0.03, 320); // larger ones take minutes
      if (!f) return f.error();
      // Rates differ a little: compare at the slope of 6 dB a bit and element that sent latents have at least.
      tried.push_back({number, f->design.step, f->decoder.error * std::max(1.0, f->design.bytes / target)});
      report_target(klt ? "transform" : "channels", 0.6 * std::min(1.0, static_cast<double>(tried.size()) / 6));
      return {};
    };
    const auto best = [&] {
      return *std::min_element(tried.begin(), tried.end(), [](const auto& l, const auto& r) { return l.error < r.error; });
    };
    if (klt) {
      for (std::size_t i = 0; i < trials_.size(); ++i)
        if (auto s = evaluate(i); !s) return s.error();
    } else {
      // The error has one valley over the number of channels: walk from the last target's number, halving or doubling, then
      // refine.
      std::size_t k = last_count_ > 0 ? last_count_ : channels;
      for (double factor : {2.0, 1.41, 1.19}) {
        for (;;) {
          for (const double f : {1.0, factor, 1 / factor}) {
            const auto n = static_cast<std::size_t>(std::lround(std::clamp(static_cast<double>(k) * f, 1.0, static_cast<double>(channels))));
            if (auto s = evaluate(n); !s) return s.error();
          }
          if (best().number == k) break;
          k = best().number;
        }
      }
      last_count_ = best().number;
    }
    report_target("rate", 0.6);
    const option b = best();
    const linear_analysis a = !klt                           ? selected(b.number)
                              : b.number < strides_.size() ? klt_analysis(data_.tensors, strides_[b.number], max_latents)
                                                             : trials_[b.number];
    return try_analysis(data_, a, target, b.step, 2, true, 0.01, 900);
  }

  void finish(profile& p, fitted_point& f) const {
    operating_point& o = f.design.point;
    const double ratio = all_bytes(data_.shape()) / options_.target_bytes[target_];
    o.name = std::to_string(std::lround(ratio)) + "x";
    o.decoder = "decoder" + std::to_string(target_);
    o.expected_bytes = f.design.bytes;
    o.expected_error = data_.squares > 0 ? f.decoder.error / data_.squares : 0;
    p.networks.push_back(decoder_network(f.decoder, o.latents(), o.stride(), !data_.negative, o.decoder));
    p.operating_points.push_back(std::move(o));
  }

  calibrate_options options_;
  calibration_data data_, search_;
  std::vector<tensor_view<const float>> unseen_; ///< klt: what the trials are compared on
  std::vector<linear_analysis> trials_;
  std::vector<std::size_t> strides_;             ///< of the trials that are transforms
  std::vector<double> covariance_;
  std::vector<std::uint16_t> order_;
  std::size_t target_ = 0, last_count_ = 0;
};

} // namespace detail

/// A profile with one operating point per target, calibrated on `tensors` (all of one shape; 16 or more are advisable).
/// errc::invalid_argument or errc::bad_shape where the input does not fit, errc::not_finite where a tensor holds a NaN or
/// an infinity.
inline result<profile> try_calibrate(std::span<const tensor_view<const float>> tensors, const calibrate_options& options) {
  return detail::guarded([&]() -> result<profile> { return detail::calibrator(tensors, options).run(); });
}
/// As try_calibrate(); throws aecnn::error.
inline profile calibrate(std::span<const tensor_view<const float>> tensors, const calibrate_options& options) {
  return try_calibrate(tensors, options).value();
}

} // namespace aecnn
