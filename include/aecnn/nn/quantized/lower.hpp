// From the stages of a graph to integer steps. Every value becomes one channels-last tensor of bytes with the border
// that its readers need. What has no integer form is refused with errc::unsupported and the node's name. Cost: linear
// in the weights.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/nn/fuse.hpp>
#include <aecnn/nn/infer.hpp>
#include <aecnn/nn/quantized/convolution.hpp>
#include <aecnn/nn/quantized/pointwise.hpp>
#include <aecnn/nn/quantized/quantization.hpp>
#include <aecnn/nn/quantized/steps.hpp>
#include <aecnn/nn/steps/step.hpp>

namespace aecnn::nn {

/// The stages that an integer network is made of: the same on every machine, since joining changes the rounding.
inline std::vector<stage> quantized_stages(const typed_graph& g) {
  return fuse(g, [](const fused_convolution& c, const block_rearrangement& d) {
    const auto block = static_cast<std::size_t>(d.block);
    const std::size_t part = c.spec.outputs / (block * block);
    return c.spec.groups == 1 && !c.depthwise() && part % 4 == 0 && part * block % quantized_lanes == 0;
  });
}

/// What an integer network runs.
struct quantized_program {
  std::vector<std::unique_ptr<step>> steps;
  std::vector<std::size_t> buffer_sizes;    ///< floats
  std::vector<std::size_t> inputs, outputs; ///< buffers that the caller brings
};

namespace detail {

/// [N,C,H,W], [N,C,L] or [N,C] as planes, with channels of memory.
inline plane_layout byte_layout(const std::vector<std::int64_t>& shape, std::size_t border) noexcept {
  const auto at = [&](std::size_t i) { return i < shape.size() ? static_cast<std::size_t>(shape[i]) : 1; };
  const std::size_t channels = (at(1) + 3) / 4 * 4;
  if (shape.size() == 3) return {at(0), 1, at(2), channels, border};
  return {at(0), at(2), at(3), channels, border};
}

class quantized_lowering {
public:
  quantized_lowering(const typed_graph& g, const quantization& q, const quantized_kernel_set& kernels)
      : graph_(g), kernels_(kernels), places_(g.values.size()) {
    for (const value_quantization& v : q.values) values_.emplace(v.name, &v);
    for (const convolution_quantization& c : q.convolutions) convolutions_.emplace(c.output, &c);
  }

  result<quantized_program> run() {
    const std::vector<stage> stages = quantized_stages(graph_);
    for (const stage& s : stages)
      if (s.type == stage::kind::convolution) reserve_border(s);
    for (auto s = stages.rbegin(); s != stages.rend(); ++s) // a view's readers read what it is a view of
      if (s->type == stage::kind::view) {
        std::size_t& border = places_[s->inputs[0]].border;
        border = std::max(border, places_[s->outputs[0]].border);
      }
    for (const std::size_t v : graph_.inputs) {
      out_.inputs.push_back(add_buffer(4 * element_count(shape(v))));
      const byte_operand to = make(v, "network input");
      if (failure_) return *failure_;
      push(std::make_unique<quantize_step>(kernels_, out_.inputs.back(), to), "quantise");
    }
    for (const stage& s : stages)
      for (const std::size_t v : s.inputs)
        if (v != no_value) places_[v].read = true;
    for (const stage& s : stages) {
      emit(s);
      if (failure_) return *failure_;
    }
    for (const std::size_t v : graph_.outputs) {
      if (v == stored_) continue;
      if (graph_.values[v].is_constant())
        return aecnn::detail::fail(errc::unsupported, "network output '", graph_.values[v].name, "' is a constant");
      out_.outputs.push_back(add_buffer(4 * element_count(shape(v))));
      push(std::make_unique<dequantize_step>(kernels_, places_[v].operand, out_.outputs.back()), "dequantise");
    }
    return std::move(out_);
  }

private:
  struct place {
    byte_operand operand;
    std::size_t border = 0;
    bool made = false, read = false;
  };

  const std::vector<std::int64_t>& shape(std::size_t v) const { return graph_.values[v].type.shape; }

  template <class... Parts>
  void refuse(errc code, const std::string& label, const Parts&... parts) {
    if (!failure_) failure_ = aecnn::detail::fail(code, label, ": ", parts...);
  }

  std::size_t add_buffer(std::size_t bytes) {
    out_.buffer_sizes.push_back((bytes + 3) / 4 + 16);
    return out_.buffer_sizes.size() - 1;
  }
  void push(std::unique_ptr<step> s, const std::string& label, std::uint64_t multiply_adds = 0) {
    s->label = label;
    s->multiply_adds = multiply_adds;
    out_.steps.push_back(std::move(s));
  }

  void reserve_border(const stage& s) {
    if (!has_planes(s.inputs[0]) || !has_planes(s.outputs[0])) return;
    plane_layout out = byte_layout(shape(s.outputs[0]), 0);
    out.height /= static_cast<std::size_t>(s.conv.rearrange.block);
    out.width /= static_cast<std::size_t>(s.conv.rearrange.block);
    std::size_t& border = places_[s.inputs[0]].border;
    border = std::max(border, required_border(s.conv.spec, byte_layout(shape(s.inputs[0]), 0), out));
  }
  bool has_planes(std::size_t v) const {
    const auto& s = shape(v);
    return s.size() >= 2 && s.size() <= 4 && element_count(s) != 0;
  }

  /// The buffer of a value that a step is about to write.
  byte_operand make(std::size_t v, const std::string& label) {
    const std::string_view name = graph_.values[v].name;
    const auto found = values_.find(name);
    place& p = places_[v];
    if (!has_planes(v)) {
      refuse(errc::unsupported, label, "'", name, "' has shape ", nn::to_string(shape(v)),
             ", integer networks have [N,C], [N,C,L] and [N,C,H,W]");
    } else if (found == values_.end()) {
      refuse(errc::missing_field, label, "the quantisation has no value '", name, "'");
    } else {
      const value_quantization& q = *found->second;
      p.operand.layout = byte_layout(shape(v), p.border);
      p.operand.channels = static_cast<std::size_t>(shape(v)[1]);
      p.operand.buffer = add_buffer(p.operand.layout.size());
      p.operand.scale = q.scale;
      p.operand.zero = q.zero;
      p.made = true;
    }
    return p.operand;
  }
  /// The same for a value that keeps another's scale.
  bool keeps_scale(std::size_t from, const byte_operand& to, const std::string& label) {
    if (failure_) return false;
    const byte_operand& f = places_[from].operand;
    if (f.scale == to.scale && f.zero == to.zero) return true;
    refuse(errc::bad_field, label, "the output is quantised otherwise than the input");
    return false;
  }
  bool is_made(const stage& s) {
    for (const std::size_t v : s.inputs)
      if (v == no_value || !places_[v].made) {
        refuse(errc::unsupported, s.label, "an operand is a constant, which has no integer form here");
        return false;
      }
    return true;
  }
  /// Whether scale_in / scale_out fits the multipliers of activations.
  bool fits(std::size_t v, const byte_operand& to, const std::string& label) {
    if (failure_) return false;
    if (activation_multiplier(places_[v].operand.scale, to.scale) < ratio_limit << 24) return true;
    refuse(errc::bad_field, label, "a scale is ", ratio_limit, " times the output's or more");
    return false;
  }

  void emit(const stage& s) {
    if (!is_made(s)) return;
    switch (s.type) {
    case stage::kind::convolution:
      return emit_convolution(s);
    case stage::kind::view:
      return emit_view(s);
    case stage::kind::elementwise:
      if (const activation* a = s.op->as_activation(); a != nullptr && a->type != activation::kind::leaky)
        return emit_table(s, *a);
      break;
    case stage::kind::binary:
      if (*s.op->as_binary() == binary_kind::add && shape(s.inputs[0]) == shape(s.inputs[1])) {
        const byte_operand to = make(s.outputs[0], s.label);
        if (!fits(s.inputs[0], to, s.label) || !fits(s.inputs[1], to, s.label)) return;
        return push(std::make_unique<sum_step>(places_[s.inputs[0]].operand, places_[s.inputs[1]].operand, to),
                    s.label);
      }
      break;
    case stage::kind::pool:
      return emit_pool(s, *s.op->as_pooling(), s.outputs[0]);
    case stage::kind::global_pools:
      for (const bool maximum : {false, true})
        if (s.outputs[maximum ? 1 : 0] != no_value && !failure_) {
          pooling p;
          p.maximum = maximum;
          const plane_layout& l = places_[s.inputs[0]].operand.layout;
          p.area.kernel[0] = static_cast<std::int64_t>(l.height);
          p.area.kernel[1] = static_cast<std::int64_t>(l.width);
          emit_pool(s, p, s.outputs[maximum ? 1 : 0]);
        }
      return;
    case stage::kind::strided_copy:
      if (shape(s.inputs[0]).size() == 4) {
        const byte_operand to = make(s.outputs[0], s.label);
        if (!keeps_scale(s.inputs[0], to, s.label)) return;
        const auto fill = static_cast<std::uint8_t>(to_byte(s.copy.fill, steps_of(to.scale), to.zero));
        return push(std::make_unique<byte_copy_step>(s.copy, fill, places_[s.inputs[0]].operand, to), s.label);
      }
      break;
    case stage::kind::depth_to_space: {
      const byte_operand to = make(s.outputs[0], s.label);
      if (!keeps_scale(s.inputs[0], to, s.label)) return;
      return push(
          std::make_unique<byte_depth_to_space_step>(*s.op->as_depth_to_space(), places_[s.inputs[0]].operand, to),
          s.label);
    }
    case stage::kind::concat:
      return emit_table(s, {});
    case stage::kind::affine:
    case stage::kind::other:
      break;
    }
    refuse(errc::unsupported, s.label, "has no integer form");
  }

  void emit_view(const stage& s) {
    const std::size_t from = s.inputs[0], to = s.outputs[0];
    const auto trimmed = [&](std::size_t v) {
      std::vector<std::int64_t> e = shape(v);
      while (e.size() > 2 && e.back() == 1) e.pop_back();
      return e;
    };
    if (has_planes(to) && trimmed(from) == trimmed(to)) {
      const std::size_t border = places_[to].border;
      places_[to] = places_[from];
      places_[to].border = border;
      places_[to].operand.layout = byte_layout(shape(to), places_[from].operand.layout.border);
      return;
    }
    if (shape(to).size() != 2 || shape(to)[0] != shape(from)[0])
      return refuse(errc::unsupported, s.label, "gives shape ", nn::to_string(shape(to)),
                    ", integer networks can only flatten to [N,C]");
    const byte_operand made = make(to, s.label);
    if (!keeps_scale(from, made, s.label)) return;
    push(std::make_unique<flatten_step>(places_[from].operand, made), s.label);
  }

  void emit_pool(const stage& s, const pooling& p, std::size_t output) {
    const byte_operand& from = places_[s.inputs[0]].operand;
    const byte_operand to = make(output, s.label);
    if (failure_ || (p.maximum && !keeps_scale(s.inputs[0], to, s.label))) return;
    if (!p.maximum && p.area.kernel[0] * p.area.kernel[1] > (1 << 22))
      return refuse(errc::limit_exceeded, s.label, "a window of more than ", 1 << 22, " elements");
    push(std::make_unique<byte_pool_step>(p, from, to), s.label);
  }

  /// Rescales, clips and joins.
  void emit_table(const stage& s, const activation& a) {
    const byte_operand to = make(s.outputs[0], s.label);
    if (failure_) return;
    const auto [low, high] = byte_bounds(a, to.scale, to.zero);
    std::vector<byte_operand> from;
    std::vector<byte_table> tables;
    for (const std::size_t v : s.inputs) {
      if (!fits(v, to, s.label)) return;
      from.push_back(places_[v].operand);
      const std::int64_t m = activation_multiplier(from.back().scale, to.scale);
      byte_table t{};
      for (std::int32_t i = 0; i < 256; ++i) {
        const std::int64_t x = std::int64_t{(i - from.back().zero) * 256} * m + (std::int64_t{1} << 31);
        t[static_cast<std::size_t>(i)] =
            static_cast<std::uint8_t>(std::clamp(static_cast<std::int32_t>(x >> 32) + to.zero, low, high));
      }
      tables.push_back(t);
    }
    push(std::make_unique<concat_step>(std::move(from), std::move(tables), to), s.label);
  }

  void emit_convolution(const stage& s) {
    const fused_convolution& f = s.conv;
    const std::size_t o = s.outputs[0];
    const auto found = convolutions_.find(graph_.values[o].name);
    if (f.after.type == activation::kind::leaky)
      return refuse(errc::unsupported, s.label, "LeakyRelu has no integer form");
    if (found == convolutions_.end())
      return refuse(errc::missing_field, s.label, "the quantisation has no convolution '", graph_.values[o].name, "'");
    const integer_convolution c{f, *found->second};
    const std::size_t weights = f.taps() * f.group_inputs() * f.spec.outputs;
    if (c.integers.scales.size() != f.spec.outputs || c.integers.bias.size() != f.spec.outputs ||
        c.integers.weights.size() != weights)
      return refuse(errc::bad_shape, s.label, "the quantisation has ", c.integers.weights.size(), " weights, ",
                    c.integers.scales.size(), " scales and ", c.integers.bias.size(), " biases, expected ", weights,
                    " and ", f.spec.outputs);
    const byte_operand to = make(o, s.label);
    if (failure_ || !sums_fit(c, places_[s.inputs[0]].operand.zero, s.label)) return;
    const byte_operand* residual = nullptr;
    if (f.has_residual) {
      residual = &places_[s.inputs[1]].operand;
      if (!fits(s.inputs[1], to, s.label)) return;
    }
    const std::uint64_t cost =
        std::uint64_t{f.taps()} * f.group_inputs() *
        (f.spec.transposed ? places_[s.inputs[0]].operand.layout.pixels() * f.spec.outputs : element_count(shape(o)));
    const byte_operand& from = places_[s.inputs[0]].operand;
    if (ends_network(s)) {
      stored_ = o;
      out_.outputs.push_back(add_buffer(4 * element_count(shape(o))));
      return push(std::make_unique<pointwise_floats>(c, kernels_, from, to, out_.outputs.back()), s.label, cost);
    }
    if (f.depthwise() && f.rearrange.block == 1)
      push(std::make_unique<byte_depthwise>(c, kernels_, from, to, residual), s.label, cost);
    else
      push(std::make_unique<byte_convolution>(c, kernels_, from, to, residual), s.label, cost);
  }

  /// Whether a convolution may store the network's output itself.
  bool ends_network(const stage& s) const {
    const window& w = s.conv.spec.area;
    return graph_.outputs.size() == 1 && graph_.outputs[0] == s.outputs[0] && !places_[s.outputs[0]].read &&
           !s.conv.spec.transposed && s.conv.taps() == 1 && s.conv.spec.groups == 1 && !s.conv.has_residual &&
           s.conv.rearrange.block == 1 && w.strides[0] == 1 && w.strides[1] == 1 &&
           w.before[0] + w.before[1] + w.after[0] + w.after[1] == 0;
  }

  /// Whether no sum of products with any bytes leaves 32 bits.
  bool sums_fit(const integer_convolution& c, std::int32_t zero, const std::string& label) {
    const fused_convolution& f = c.shape;
    for (std::size_t o = 0; o < f.spec.outputs; ++o) {
      std::int64_t positive = 0, negative = 0;
      for (std::size_t k = 0; k < f.group_inputs(); ++k)
        for (std::size_t t = 0; t < f.taps(); ++t) {
          const std::int32_t w = c.weight(o, k, t);
          (w > 0 ? positive : negative) += w;
        }
      // With any subset of the taps, as in a transposed convolution.
      const std::int64_t bias = c.integers.bias[o], low = bias - zero * positive + 255 * negative,
                         high = bias - zero * negative + 255 * positive;
      if (low < -std::int64_t{0x7fffffff} || high > 0x7fffffff) {
        refuse(errc::limit_exceeded, label, "sums of output channel ", o, " can reach ", low, " to ", high,
               ", more than 32 bits hold");
        return false;
      }
    }
    return true;
  }

  const typed_graph& graph_;
  const quantized_kernel_set& kernels_;
  std::vector<place> places_;
  std::unordered_map<std::string_view, const value_quantization*> values_;
  std::unordered_map<std::string_view, const convolution_quantization*> convolutions_;
  quantized_program out_;
  std::size_t stored_ = no_value; ///< the output that a convolution has stored as floats
  std::optional<failure> failure_;
};

} // namespace detail

/// Lowers a typed graph to integer steps. errc::unsupported, errc::missing_field, errc::bad_field, errc::bad_shape,
/// errc::limit_exceeded.
inline result<quantized_program> lower_quantized(const typed_graph& g, const quantization& q,
                                                 const quantized_kernel_set& kernels) {
  return detail::quantized_lowering(g, q, kernels).run();
}

} // namespace aecnn::nn
