// A profile around networks that were trained elsewhere: a decoder, perhaps an analysis for the device, and the
// channels to send. From sample tensors come the quantiser's steps (for each latent the range of least squared error, in
// 2^bits levels) or, where the step is given, its levels, the entropy coder's initial states, the expectations and the
// probe. Time: a few encodings and one decoding of all tensors.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <Eigen/Dense>

#include <aecnn/calibrate/analysis.hpp>
#include <aecnn/calibrate/analysis_layer.hpp>
#include <aecnn/calibrate/design.hpp>
#include <aecnn/calibrate/fixed_step.hpp>
#include <aecnn/calibrate/priors.hpp>
#include <aecnn/codec.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/fixed_point.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/io/element.hpp>
#include <aecnn/nn/graph.hpp>
#include <aecnn/nn/network.hpp>
#include <aecnn/profile.hpp>
#include <aecnn/quantize/clipping.hpp>
#include <aecnn/quantize/histogram.hpp>

namespace aecnn {

struct pack_options {
  std::string name;                       ///< profile::name
  nn::graph decoder;                      ///< from latents [1,L,h,w] to the tensor [1,C,H,W]
  std::vector<std::uint16_t> channels;    ///< that are sent, increasing; empty: all
  std::optional<analysis_layer> analysis; ///< of these channels, linear
  std::optional<nn::graph> analysis_network = {}; ///< in its place: any network, [1,K,H,W] to [1,L,h,w]
  int bits = 8;                           ///< 1 to 16: 2^bits levels a latent; without effect where there is a step
  std::optional<double> step = {};        ///< of every latent: the decoder gets round(latent / step) * step
  std::uint32_t lambda = 0;               ///< operating_point::lambda
  bool float16 = false;                   ///< round the decoder's weights to float16, which halves the file
  bool open_extents = false;              ///< leave height and width open
  bool probe = true;                      ///< put a self-check into the profile
  limits bounds{};
};

namespace detail {

class packer {
public:
  packer(std::span<const tensor_view<const float>> tensors, const pack_options& options)
      : options_(options), tensors_(tensors) {
    data_.tensors = tensors;
  }

  result<profile> run() {
    if (auto s = check_input(); !s) return s.error();
    profile p;
    p.name = options_.name;
    p.shape = data_.shape();
    optional<analysis_parameters> analysis;
    if (options_.analysis_network) {
      p.networks.push_back(storable(*options_.analysis_network, "analysis"));
      if (auto s = analyse(p.networks[0], analysis); !s) return s.error();
    }
    // With an analysis network everything up to its end is about the latents as if they were the tensors.
    operating_point o;
    o.selector.channels = planes_;
    o.decoder = "decoder";
    o.lambda = options_.lambda;
    if (auto s = options_.step ? quantise_by_step(o, *options_.step) : quantise_by_range(o); !s) return s.error();
    designed_point d;
    auto bytes = encode_all(data_, o, nullptr, d.symbols, d.planes);
    if (!bytes) return bytes.error();
    assign_classes(o.entropy, d.symbols, d.planes.channels);
    assign_references(o.entropy, d.symbols, d.planes.channels);
    std::vector<std::uint16_t> halves[2];
    if (auto s = train(o, d.symbols, d.planes, halves); !s) return s.error();
    bytes = encode_all(data_, o, halves, d.symbols, d.planes);
    if (!bytes) return bytes.error();
    o.expected_bytes = *bytes;

    o.selector.channels = channels_;
    o.analysis = std::move(analysis);
    p.networks.push_back(decoder());
    if (auto s = check_decoder(p.networks.back(), o, p.shape); !s) return s.error();
    if (options_.open_extents) p.shape.height = p.shape.width = 0;
    p.operating_points = {std::move(o)};
    seal(p);
    if (auto s = check(p, options_.bounds); !s) return s.error();
    if (auto s = measure(p); !s) return s.error();
    if (options_.probe)
      if (auto s = make_probe(p, tensors_.front()); !s) return s.error();
    return p;
  }

private:
  status check_input() {
    if (data_.tensors.empty()) return failure{errc::invalid_argument, "pack: no tensors"};
    const shape3 s = data_.shape();
    if (s.size() == 0 || s.channels > 65535) return fail(errc::bad_shape, "pack: tensors of shape ", to_string(s));
    if (options_.bits < 1 || options_.bits > 16)
      return fail(errc::invalid_argument, "pack: ", options_.bits, " bits, expected 1 to 16");
    if (options_.step && !(*options_.step >= 1e-20 && *options_.step <= 1e20))
      return fail(errc::invalid_argument, "pack: ", step_name(*options_.step), ", expected 1e-20 to 1e20");
    if (options_.float16)
      for (const nn::weight& w : options_.decoder.weights)
        for (std::size_t i = 0; i < w.values.size(); ++i)
          if (std::abs(w.values[i]) >= 65520)
            return fail(errc::invalid_argument, "decoder network: element ", i, " of weight '", w.name, "' is ",
                        w.values[i], ", expected below 65520 in magnitude for float16");
    for (std::size_t t = 0; t < data_.tensors.size(); ++t) {
      const auto& x = data_.tensors[t];
      if (x.shape != s)
        return fail(errc::bad_shape, "pack: tensor ", t, " is ", to_string(x.shape), ", expected ", to_string(s));
      for (std::size_t c = 0; c < s.channels; ++c)
        for (std::size_t i = 0; i < s.height; ++i)
          for (std::size_t j = 0; j < s.width; ++j) {
            const float v = x(c, i, j);
            if (!all_finite(&v, 1)) return fail(errc::not_finite, "pack: tensor ", t, " holds a NaN or an infinity");
            data_.largest = std::max(data_.largest, std::abs(v));
            data_.negative = data_.negative || v < 0;
            data_.squares += static_cast<double>(v) * static_cast<double>(v);
          }
    }
    if (data_.largest > 1e18F)
      return fail(errc::invalid_argument, "pack: an element of magnitude ", data_.largest, ", expected at most 1e18");
    if (data_.largest == 0) data_.largest = 1;
    channels_ = options_.channels;
    if (channels_.empty())
      for (std::size_t c = 0; c < s.channels; ++c) channels_.push_back(static_cast<std::uint16_t>(c));
    planes_ = channels_;
    squares_ = data_.squares;
    if (options_.analysis && options_.analysis_network)
      return failure{errc::invalid_argument, "pack: a linear analysis and an analysis network, expected one of them"};
    for (std::size_t i = 0; i < channels_.size(); ++i)
      if (channels_[i] >= s.channels || (i > 0 && channels_[i] <= channels_[i - 1]))
        return fail(errc::invalid_argument, "pack: channel ", channels_[i], ", expected increasing numbers below ",
                    s.channels);
    if (const auto& a = options_.analysis;
        a && static_cast<std::size_t>(a->rows.cols()) != channels_.size() * a->stride * a->stride)
      return fail(errc::bad_shape, "analysis network: takes ",
                  static_cast<std::size_t>(a->rows.cols()) / a->stride / a->stride, " channels, ", channels_.size(),
                  " are sent");
    return {};
  }

  /// Runs the network over the channels of all tensors; what it gives takes the place of the tensors.
  status analyse(const nn::graph& g, optional<analysis_parameters>& analysis) {
    const auto at = [](const failure& f) { return failure{f.code, "analysis network: " + f.message}; };
    const shape3 s = data_.shape(), in{channels_.size(), s.height, s.width};
    if (g.inputs.size() != 1 || g.outputs.size() != 1)
      return fail(errc::unsupported, "analysis network: ", g.inputs.size(), " inputs and ", g.outputs.size(),
                  " outputs, expected 1 and 1");
    auto net = nn::network::create(g, options_.bounds);
    if (!net) return at(net.error());
    if (auto ok = net->prepare(in); !ok) return at(ok.error());
    const shape3 out = net->output_shape();
    const std::size_t step = out.height == 0 ? 0 : (s.height + out.height - 1) / out.height;
    if (out.size() == 0 || step > 256 || out.height != projection::reduced(s.height, step) ||
        out.width != projection::reduced(s.width, step) || out.channels > 65535)
      return fail(errc::bad_shape, "analysis network: gives ", nn::to_string(net->output_shapes()[0]), " for ",
                  to_string(in), ", expected latents of as many pixels or a whole number of times fewer each way");
    analysis.emplace(analysis_parameters{g.name, static_cast<std::uint32_t>(out.channels), static_cast<std::uint32_t>(step)});
    std::vector<float> given(in.size());
    latents_.resize(tensors_.size() * out.size());
    data_.largest = 0;
    data_.negative = true;
    data_.squares = 0;
    for (std::size_t t = 0; t < tensors_.size(); ++t) {
      float* to = given.data();
      for (const std::uint16_t c : channels_)
        for (std::size_t i = 0; i < s.height; ++i)
          for (std::size_t j = 0; j < s.width; ++j) *to++ = tensors_[t](c, i, j);
      const auto made = std::span(latents_).subspan(t * out.size(), out.size());
      if (auto ok = net->run_to(given, made); !ok) return at(ok.error());
      if (!all_finite(made.data(), made.size()))
        return fail(errc::not_finite, "analysis network: a latent of tensor ", t, " is a NaN or an infinity");
      for (const float v : made) {
        data_.largest = std::max(data_.largest, std::abs(v));
        data_.squares += static_cast<double>(v) * static_cast<double>(v);
      }
      views_.push_back(tensor_view<const float>::chw(made.data(), out.channels, out.height, out.width));
    }
    if (data_.largest == 0) data_.largest = 1;
    data_.tensors = views_;
    planes_.clear();
    for (std::size_t k = 0; k < out.channels; ++k) planes_.push_back(static_cast<std::uint16_t>(k));
    return {};
  }

  std::size_t stride() const noexcept { return options_.analysis ? options_.analysis->stride : 1; }

  /// Latent l of all tensors, before its bias.
  std::vector<float> latent_values(std::size_t l) const {
    std::vector<float> values;
    const shape3 s = data_.shape();
    for (const auto& x : data_.tensors) {
      if (!options_.analysis) {
        for (std::size_t i = 0; i < s.height; ++i)
          for (std::size_t j = 0; j < s.width; ++j) values.push_back(x(planes_[l], i, j));
        continue;
      }
      const auto row = options_.analysis->rows.row(static_cast<Eigen::Index>(l));
      const std::size_t k = stride();
      for (std::size_t y = 0; y < projection::reduced(s.height, k); ++y)
        for (std::size_t column = 0; column < projection::reduced(s.width, k); ++column) {
          double sum = 0;
          Eigen::Index tap = 0;
          for (const std::uint16_t c : channels_)
            for (std::size_t i = 0; i < k; ++i)
              for (std::size_t j = 0; j < k; ++j)
                sum += row(tap++) * static_cast<double>(
                                        x(c, std::min(y * k + i, s.height - 1), std::min(column * k + j, s.width - 1)));
          values.push_back(static_cast<float>(sum));
        }
    }
    return values;
  }

  /// Mean products of the inputs of a latent; empty where there are so many that they would take long.
  Eigen::MatrixXd input_products() const {
    const auto n = options_.analysis->rows.cols(), taps = static_cast<Eigen::Index>(stride() * stride());
    if (n > 2048) return {};
    Eigen::MatrixXd products = Eigen::MatrixXd::Zero(n, n);
    double count = 0;
    for (const auto& x : data_.tensors) {
      const Eigen::MatrixXd all = patches(x, stride());
      Eigen::MatrixXd sent(n, all.cols());
      for (std::size_t k = 0; k < channels_.size(); ++k)
        sent.middleRows(static_cast<Eigen::Index>(k) * taps, taps) = all.middleRows(channels_[k] * taps, taps);
      products.selfadjointView<Eigen::Lower>().rankUpdate(sent);
      count += static_cast<double>(all.cols());
    }
    return Eigen::MatrixXd(products.selfadjointView<Eigen::Lower>()) / count;
  }

  std::size_t latents() const noexcept {
    return options_.analysis ? static_cast<std::size_t>(options_.analysis->rows.rows()) : planes_.size();
  }
  bool is_signed() const noexcept { return options_.analysis || data_.negative; }

  /// What both ways of quantising have in common: the nearest symbols, and points in the middle.
  static void finish(operating_point& o, std::size_t latents) {
    o.quantizer.rounding.assign(latents, 128);
    o.quantizer.shift.assign(6 * latents, 0);
    o.entropy.levels = o.quantizer.levels;
    o.entropy.zero = o.quantizer.zero;
  }

  /// The given step for all latents; the levels are those of the tensors and one more on each side.
  status quantise_by_step(operating_point& o, double step) {
    o.name = step_name(step);
    auto& q = o.quantizer;
    double low = 0, high = 0;
    for (std::size_t l = 0; l < latents(); ++l) {
      const double bias = options_.analysis ? options_.analysis->bias(static_cast<Eigen::Index>(l)) / step : 0;
      std::vector<float> values = latent_values(l);
      for (float& v : values) {
        v = static_cast<float>(static_cast<double>(v) / step + bias);
        low = std::min(low, nearest_symbol(static_cast<double>(v)));
        high = std::max(high, nearest_symbol(static_cast<double>(v)));
      }
      if (!all_finite(values.data(), values.size()))
        return fail(errc::not_finite, "pack: latent ", l, " holds a NaN or an infinity");
      if (high - low > 65533)
        return fail(errc::invalid_argument, "pack: ", o.name, ": more than 65534 levels with latent ", l);
      if (std::abs(bias) > 60000)
        return fail(errc::invalid_argument, "pack: ", o.name, ": latent ", l, " has a bias of ", bias,
                    " steps, expected at most 60000");
    }
    q.zero = is_signed() ? static_cast<std::uint32_t>(1 - low) : 0;
    q.levels = q.zero + static_cast<std::uint32_t>(high) + 2;
    q.unit.assign(latents(), static_cast<float>(step / 256));
    finish(o, latents());
    if (!options_.analysis) {
      q.scale.assign(latents(), static_cast<float>(256 / step));
      return {};
    }
    return set_step_projection(o, stride(), options_.analysis->rows, options_.analysis->bias, step,
                               {data_.largest, data_.squares / data_.elements(), input_products()});
  }

  /// Steps, offsets and levels. All latents share the symbol `zero`, which is that of their means on the average.
  status quantise_by_range(operating_point& o) {
    o.name = std::to_string(options_.bits) + " bits";
    const std::size_t latents = this->latents();
    const bool is_signed = this->is_signed();
    const double top = std::exp2(options_.bits) - 1;
    std::vector<double> low(latents), step(latents);
    double position = 0;
    for (std::size_t l = 0; l < latents; ++l) {
      const std::vector<float> values = latent_values(l);
      range_accumulator range;
      if (auto s = range.add(values); !s) return s;
      const auto width = static_cast<double>(range.high()) - static_cast<double>(range.low());
      const double magnitude =
          std::max(std::abs(static_cast<double>(range.low())), std::abs(static_cast<double>(range.high())));
      low[l] = is_signed ? static_cast<double>(range.low()) : 0;
      step[l] = width / top;
      if (auto h = histogram::create(range.low(), range.high()); h) {
        if (auto s = h->add(values); !s) return s;
        const auto best =
            choose_clipping(*h, options_.bits, is_signed ? clipping_zero::anywhere : clipping_zero::at_low);
        if (!best) return best.error();
        low[l] = best->low;
        step[l] = (best->high - best->low) / top;
      }
      // Constant latents, and those far from 0: offsets are at most 2^16 steps.
      step[l] = std::max({step[l], magnitude / 30000, 1e-9 * static_cast<double>(data_.largest), 1e-30});
      double mean = 0;
      for (const float v : values) mean += static_cast<double>(v) / static_cast<double>(values.size());
      position += std::clamp((mean - low[l]) / step[l], 0.0, top) / static_cast<double>(latents);
    }
    if (options_.analysis) {
      // In steps, then the units back in the latents' own measure.
      linear_analysis a;
      a.stride = stride();
      a.rows = options_.analysis->rows;
      for (std::size_t l = 0; l < latents; ++l) a.rows.row(static_cast<Eigen::Index>(l)) /= step[l];
      set_projection(o, a, 1.0, data_.largest);
      for (std::size_t l = 0; l < latents; ++l)
        o.quantizer.unit[l] = static_cast<float>(static_cast<double>(o.quantizer.unit[l]) * step[l]);
      for (const double b : options_.analysis->bias) bias_.push_back(static_cast<float>(b));
    } else {
      for (const double s : step) {
        o.quantizer.unit.push_back(static_cast<float>(s / 256));
        o.quantizer.scale.push_back(static_cast<float>(256 / s));
      }
    }
    auto& q = o.quantizer;
    q.levels = std::uint32_t{1} << options_.bits;
    q.zero = is_signed ? static_cast<std::uint32_t>(std::lround(position)) : 0;
    if (is_signed)
      for (std::size_t l = 0; l < latents; ++l)
        q.offset.push_back(
            static_cast<std::int32_t>(std::lround((low[l] + q.zero * step[l]) / static_cast<double>(q.unit[l]))));
    finish(o, latents);
    return {};
  }

  /// A network by the name that the operating point uses, with what a profile cannot hold replaced.
  nn::graph storable(nn::graph g, const char* name) const {
    g.name = name;
    g.input_shapes.clear();
    // Resize's optional inputs are left out, as exporters of old did not.
    for (nn::node& n : g.nodes)
      if (n.op_type == "Resize")
        for (std::string& input : n.inputs)
          if (std::any_of(g.weights.begin(), g.weights.end(),
                          [&](const nn::weight& w) { return w.name == input && w.size() == 0; }))
            input.clear();
    std::erase_if(g.weights, [&](const nn::weight& w) {
      return w.size() == 0 && std::none_of(g.nodes.begin(), g.nodes.end(), [&](const nn::node& n) {
               return std::find(n.inputs.begin(), n.inputs.end(), w.name) != n.inputs.end();
             });
    });
    return g;
  }

  nn::graph decoder() const {
    nn::graph g = storable(options_.decoder, "decoder");
    if (options_.float16)
      for (nn::weight& w : g.weights)
        for (float& v : w.values) v = io::half_to_float(io::float_to_half(v));
    const auto nothing = [](float b) { return b == 0; };
    if (std::all_of(bias_.begin(), bias_.end(), nothing) || g.inputs.size() != 1) return g;
    // The analysis network's bias, which the symbols' values lack.
    const std::string input = g.inputs[0], biased = input + ".biased";
    for (nn::node& n : g.nodes) std::replace(n.inputs.begin(), n.inputs.end(), input, biased);
    nn::weight bias{input + ".bias", {1, static_cast<std::int64_t>(bias_.size()), 1, 1}, bias_};
    g.nodes.insert(g.nodes.begin(), {"Add", biased, {input, bias.name}, {biased}});
    g.weights.push_back(std::move(bias));
    return g;
  }

  status check_decoder(const nn::graph& g, const operating_point& o, shape3 s) const {
    if (g.inputs.size() != 1 || g.outputs.size() != 1)
      return fail(errc::unsupported, "decoder network: ", g.inputs.size(), " inputs and ", g.outputs.size(),
                  " outputs, expected 1 and 1");
    const shape3 latents = o.latent_shape(s.height, s.width);
    if (!options_.decoder.input_shapes.empty()) {
      const auto& declared = options_.decoder.input_shapes[0];
      const std::size_t extents[] = {1, latents.channels, latents.height, latents.width};
      bool fits = declared.size() == 4;
      for (std::size_t k = 1; fits && k < 4; ++k)
        fits = declared[k] < 1 || static_cast<std::size_t>(declared[k]) == extents[k];
      if (!fits)
        return fail(errc::bad_shape, "decoder network: takes ", nn::to_string(declared), ", the latents are ",
                    to_string(latents));
    }
    auto net = nn::network::create(g, options_.bounds);
    if (!net) return fail(net.error().code, "decoder network: ", net.error().message);
    if (auto ok = net->prepare(latents); !ok) return fail(ok.error().code, "decoder network: ", ok.error().message);
    const shape3 out = net->output_shape();
    const std::size_t k = o.stride();
    if (out.channels != s.channels || (out.height != s.height && out.height != latents.height * k) ||
        (out.width != s.width && out.width != latents.width * k) || out.height < s.height || out.width < s.width)
      return fail(errc::bad_shape, "decoder network: gives ", nn::to_string(net->output_shapes()[0]),
                  " for latents of ", to_string(latents), ", expected the tensors' shape, ", to_string(s));
    return {};
  }

  /// Decodes all tensors: sets the expected error.
  status measure(profile& p) const {
    auto c = codec::create(p, {.bounds = options_.bounds});
    if (!c) return c.error();
    double errors = 0;
    for (const auto& x : tensors_) {
      const auto stream = c->try_encode(x);
      if (!stream) return stream.error();
      const auto y = c->try_decode(*stream);
      if (!y) return y.error();
      const float* at = y->data();
      for (std::size_t k = 0; k < x.shape.channels; ++k)
        for (std::size_t i = 0; i < x.shape.height; ++i)
          for (std::size_t j = 0; j < x.shape.width; ++j) {
            const double d = static_cast<double>(x(k, i, j)) - static_cast<double>(*at++);
            errors += d * d;
          }
    }
    if (!(errors < 1e300))
      return fail(errc::not_finite, "decoder network: its output holds a NaN, an infinity or values without measure");
    p.operating_points[0].expected_error = squares_ > 0 ? errors / squares_ : 0;
    return {};
  }

  const pack_options& options_;
  std::span<const tensor_view<const float>> tensors_;
  calibration_data data_;                       ///< of the tensors, or of the latents that an analysis network makes
  double squares_ = 0;                          ///< of the tensors
  std::vector<std::uint16_t> channels_;         ///< that are sent or analysed
  std::vector<std::uint16_t> planes_;           ///< of data_ that are quantised, or projected
  std::vector<float> latents_;
  std::vector<tensor_view<const float>> views_; ///< of latents_
  std::vector<float> bias_; ///< [latents] what the decoder adds to the symbols' values; empty without an analysis
};

} // namespace detail

/// A profile of one operating point around given networks; the tensors have one shape. errc::invalid_argument,
/// errc::bad_shape and errc::unsupported where tensors, options and networks do not fit each other, errc::not_finite.
inline result<profile> try_pack(std::span<const tensor_view<const float>> tensors, const pack_options& options) {
  return detail::guarded([&]() -> result<profile> { return detail::packer(tensors, options).run(); });
}
/// As try_pack(); throws aecnn::error.
inline profile pack(std::span<const tensor_view<const float>> tensors, const pack_options& options) {
  return try_pack(tensors, options).value();
}

} // namespace aecnn
