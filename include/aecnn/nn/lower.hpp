// From stages to steps on buffers: chooses for every value whether it lies channels-first (as ONNX has it) or
// channels-last (as convolutions want it), converts where the two meet, picks the algorithm of every convolution and
// packs its weights.
// Cost: linear in the weights.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/nn/fuse.hpp>
#include <aecnn/nn/infer.hpp>
#include <aecnn/nn/kernels/kernel_set.hpp>
#include <aecnn/nn/program.hpp>
#include <aecnn/nn/steps/depthwise_convolution.hpp>
#include <aecnn/nn/steps/direct_convolution.hpp>
#include <aecnn/nn/steps/layout_steps.hpp>
#include <aecnn/nn/steps/pointwise_convolution.hpp>
#include <aecnn/nn/steps/step.hpp>
#include <aecnn/nn/steps/value_steps.hpp>
#include <aecnn/nn/steps/winograd.hpp>

namespace aecnn::nn {

struct lowering_options {
  const kernel_set* kernels = nullptr;
  bool exact = false; ///< no Winograd
};

namespace detail {

class lowering {
public:
  lowering(typed_graph g, const lowering_options& o) : kernels_(*o.kernels), exact_(o.exact) {
    out_.graph = std::move(g);
  }

  program run() {
    const typed_graph& g = out_.graph;
    stages_ = fuse(g, [this](const fused_convolution& c, const block_rearrangement& d) { return can_rearrange(c, d); });
    places_.resize(g.values.size());
    roots_.resize(g.values.size());
    readers_.resize(g.values.size());
    borders_.resize(g.values.size());
    for (std::size_t v = 0; v < roots_.size(); ++v) roots_[v] = v;
    for (const stage& s : stages_) {
      if (s.type == stage::kind::view && shape(s.inputs[0]) == shape(s.outputs[0]))
        roots_[s.outputs[0]] = root(s.inputs[0]);
      for (const std::size_t v : s.inputs)
        if (v != no_value) ++readers_[root(v)];
    }
    std::size_t weights = 0, transformed = 0;
    for (const stage& s : stages_)
      if (s.type == stage::kind::convolution)
        weights += s.conv.spec.outputs * s.conv.group_inputs() * s.conv.taps() * sizeof(float);
    choose_all(weights > furthest_bytes ? weights_place::furthest : weights_place::near);
    for (const choice& c : methods_) transformed += c.winograd.weight_bytes;
    if (weights <= furthest_bytes && transformed > far_bytes) choose_all(weights_place::far);
    for (const std::size_t v : g.inputs) {
      out_.inputs.push_back(add_buffer(element_count(shape(v))));
      set_plain(v, out_.inputs.back());
    }
    for (std::size_t i = 0; i < stages_.size(); ++i) emit(stages_[i], methods_[i]);
    finish_outputs();
    return std::move(out_);
  }

private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  enum class method : std::uint8_t { direct, winograd, depthwise, pointwise };
  struct choice {
    method how = method::direct;
    winograd_plan winograd{};
  };
  /// The buffers that hold a value.
  struct place {
    std::size_t first = none, last = none; ///< channels-first, channels-last
    std::size_t border = 0;                ///< of the channels-last buffer
  };

  /// Values that are the same tensor share a root.
  std::size_t root(std::size_t v) const { return roots_[v]; }
  const std::vector<std::int64_t>& shape(std::size_t v) const { return out_.graph.values[v].type.shape; }
  bool is_constant(std::size_t v) const { return out_.graph.values[v].is_constant(); }
  bool is_output(std::size_t v) const {
    for (const std::size_t o : out_.graph.outputs)
      if (root(o) == root(v)) return true;
    return false;
  }
  /// [N,C,H,W], [N,C,L] or [N,C] with at least one element.
  bool has_planes(std::size_t v) const {
    const auto& s = shape(v);
    return s.size() >= 2 && s.size() <= 4 && element_count(s) != 0;
  }
  plane_layout layout(std::size_t v, std::size_t border = 0) const {
    const auto& s = shape(v);
    const auto at = [&](std::size_t i) { return i < s.size() ? static_cast<std::size_t>(s[i]) : 1; };
    if (s.size() == 3) return {at(0), 1, at(2), at(1), border};
    return {at(0), at(2), at(3), at(1), border};
  }
  /// Whether both orders of the elements are the same.
  bool same_order(std::size_t v) const {
    const plane_layout l = layout(v);
    return has_planes(v) && (l.channels == 1 || l.height * l.width == 1);
  }

  std::size_t add_buffer(std::size_t floats) {
    out_.buffer_sizes.push_back(floats);
    return out_.buffer_sizes.size() - 1;
  }
  void set_plain(std::size_t v, std::size_t buffer) {
    place& p = places_[root(v)];
    p.first = buffer;
    if (same_order(v) && p.last == none && borders_[root(v)] == 0) {
      p.last = buffer;
      p.border = 0;
    }
  }
  bool has_last(std::size_t v) const { return places_[root(v)].last != none; }

  void push(std::unique_ptr<step> s, const std::string& label, std::uint64_t multiply_adds = 0) {
    s->label = label;
    if (multiply_adds != 0) s->multiply_adds = multiply_adds;
    out_.steps.push_back(std::move(s));
  }

  /// A new channels-last buffer for a value; `step_clears` receives its border.
  operand new_last(std::size_t v) {
    const std::size_t r = root(v), border = borders_[r];
    const plane_layout l = layout(v, border);
    const std::size_t buffer = add_buffer(l.size());
    place& p = places_[r];
    p.last = buffer;
    p.border = border;
    if (border == 0 && same_order(v)) p.first = buffer;
    return {buffer, l};
  }
  std::size_t new_plain(std::size_t v) {
    const std::size_t buffer = add_buffer(element_count(shape(v)));
    set_plain(v, buffer);
    return buffer;
  }
  template <class Step>
  std::unique_ptr<Step> clearing(std::unique_ptr<Step> s, const operand& to) {
    if (to.layout.border != 0) s->borders.emplace_back(to.buffer, to.layout);
    return s;
  }

  /// The channels-first buffer of a value, converted where there is none yet.
  std::size_t plain(std::size_t v) {
    const place& p = places_[root(v)];
    if (p.first != none) return p.first;
    const operand from{p.last, layout(v, p.border)};
    const std::size_t to = new_plain(v);
    push(std::make_unique<to_channels_first>(kernels_, from.buffer, to, from.layout), "to channels-first");
    return to;
  }
  /// The channels-last buffer of a value, which has the border that the value's readers require.
  operand last(std::size_t v) {
    place& p = places_[root(v)];
    if (p.last != none) return {p.last, layout(v, p.border)};
    const std::size_t from = p.first;
    const operand to = new_last(v);
    p.first = from;
    push(clearing(std::make_unique<to_channels_last>(kernels_, from, to.buffer, to.layout), to), "to channels-last");
    return to;
  }

  bool can_rearrange(const fused_convolution& c, const block_rearrangement& d) const {
    const auto block = static_cast<std::size_t>(d.block);
    return !exact_ && c.spec.groups == 1 && !c.depthwise() &&
           c.spec.outputs / (block * block) * block % kernels_.width == 0;
  }

  /// Transformed weights that a second-level cache keeps from one run to the next.
  static constexpr std::size_t far_bytes = std::size_t{3} << 19;
  /// Weights that a last-level cache keeps.
  static constexpr std::size_t furthest_bytes = std::size_t{32} << 20;

  void choose_all(weights_place weights) {
    methods_.assign(stages_.size(), {});
    std::fill(borders_.begin(), borders_.end(), std::size_t{0});
    for (std::size_t i = 0; i < stages_.size(); ++i)
      if (stages_[i].type == stage::kind::convolution) choose(stages_[i], methods_[i], weights);
  }
  void choose(const stage& s, choice& c, weights_place weights) {
    const fused_convolution& f = s.conv;
    const plane_layout in = layout(s.inputs[0]), out = layout(s.outputs[0]);
    const window& w = f.spec.area;
    const bool plain_window = f.taps() == 1 && w.strides[0] == 1 && w.strides[1] == 1 && w.before[0] == 0 &&
                              w.before[1] == 0 && w.after[0] == 0 && w.after[1] == 0;
    // Sums that are added in parts need the output's earlier value, which only the direct form reads.
    if ((!exact_ || f.spec.inputs <= 128) && !f.spec.transposed && plain_window && f.spec.groups == 1 &&
        !f.has_residual && f.rearrange.block == 1 && readers_[root(s.outputs[0])] == 0 && is_output(s.outputs[0]) &&
        out.height * out.width > 1) {
      c.how = method::pointwise;
      return;
    }
    plane_layout before_rearranging = out;
    before_rearranging.height /= static_cast<std::size_t>(f.rearrange.block);
    before_rearranging.width /= static_cast<std::size_t>(f.rearrange.block);
    if (f.depthwise() && f.rearrange.block == 1) {
      c.how = method::depthwise;
    } else if (!exact_) {
      c.winograd = plan_winograd(f, before_rearranging, kernels_, weights);
      if (c.winograd.m != 0) {
        c.how = method::winograd;
        return;
      }
    }
    std::size_t& border = borders_[root(s.inputs[0])];
    border = std::max(border, required_border(f.spec, in, before_rearranging));
  }

  void emit(const stage& s, const choice& c) {
    switch (s.type) {
    case stage::kind::convolution:
      return emit_convolution(s, c);
    case stage::kind::view:
      if (root(s.outputs[0]) != s.outputs[0]) return;
      return set_plain(s.outputs[0], plain(s.inputs[0]));
    case stage::kind::affine:
      return emit_affine(s);
    case stage::kind::elementwise:
      return emit_elementwise(s);
    case stage::kind::binary:
      return emit_binary(s);
    case stage::kind::pool:
      if (has_planes(s.inputs[0]) && shape(s.inputs[0]).size() >= 3 && has_planes(s.outputs[0])) {
        const operand from = last(s.inputs[0]), to = new_last(s.outputs[0]);
        return push(clearing(std::make_unique<pool_step>(kernels_, *s.op->as_pooling(), from, to), to), s.label);
      }
      return emit_operation(s);
    case stage::kind::global_pools:
      return emit_global_pools(s);
    case stage::kind::strided_copy:
      if (has_last(s.inputs[0]) && shape(s.inputs[0]).size() == 4 && has_planes(s.outputs[0])) {
        const operand from = last(s.inputs[0]), to = new_last(s.outputs[0]);
        return push(
            clearing(std::make_unique<strided_copy_step>(s.copy, from.buffer, from.layout, to.buffer, to.layout), to),
            s.label);
      }
      return emit_plain_copy(s);
    case stage::kind::depth_to_space:
      if (has_last(s.inputs[0]) && has_planes(s.outputs[0])) {
        const operand from = last(s.inputs[0]), to = new_last(s.outputs[0]);
        return push(clearing(std::make_unique<depth_to_space_step>(*s.op->as_depth_to_space(), from.buffer, from.layout,
                                                                   to.buffer, to.layout),
                             to),
                    s.label);
      }
      return emit_operation(s);
    case stage::kind::concat:
      return emit_concat(s);
    case stage::kind::other:
      return emit_operation(s);
    }
  }

  void emit_convolution(const stage& s, const choice& c) {
    const fused_convolution& f = s.conv;
    const std::size_t v = s.inputs[0], o = s.outputs[0];
    const plane_layout given = layout(o);
    const std::uint64_t cost = static_cast<std::uint64_t>(f.taps()) * f.group_inputs() *
                               (f.spec.transposed ? layout(v).pixels() * f.spec.outputs : given.size());
    if (c.how == method::pointwise) {
      const bool first = !has_last(v);
      const operand from = first ? operand{plain(v), layout(v)} : last(v);
      const std::size_t to = new_plain(o);
      return push(std::make_unique<pointwise_convolution>(f, kernels_, from.buffer, from.layout, first, to), s.label,
                  cost);
    }
    const operand residual = f.has_residual ? last(s.inputs[1]) : operand{};
    const operand from = last(v);
    if (c.how == method::winograd) {
      const operand to = new_last(o);
      auto weights = std::make_shared<const winograd_weights>(f, c.winograd, kernels_, to.layout);
      if (c.winograd.in_strips())
        return push(
            clearing(std::make_unique<winograd_convolution>(std::move(weights), from.buffer, from.layout, to.buffer,
                                                            residual.buffer, residual.layout, f.has_residual),
                     to),
            s.label, cost);
      const std::size_t tiles = add_buffer(c.winograd.products() * c.winograd.tiles * f.spec.inputs);
      push(std::make_unique<winograd_forward_step>(weights, from.buffer, from.layout, tiles),
           s.label + " forward transform");
      return push(clearing(std::make_unique<winograd_multiply_step>(std::move(weights), tiles, to.buffer,
                                                                    residual.buffer, residual.layout, f.has_residual),
                           to),
                  s.label, cost);
    }
    const operand to = new_last(o);
    if (c.how == method::depthwise)
      return push(clearing(std::make_unique<depthwise_convolution>(f, kernels_, from.buffer, from.layout, to.buffer,
                                                                   to.layout, residual.buffer, residual.layout),
                           to),
                  s.label, cost);
    push(clearing(std::make_unique<direct_convolution>(f, kernels_, from.buffer, from.layout, to.buffer, to.layout,
                                                       residual.buffer, residual.layout, exact_),
                  to),
         s.label, cost);
  }

  void emit_affine(const stage& s) {
    const std::size_t v = s.inputs[0];
    const std::size_t most = std::max(s.affine.scale.size(), s.affine.shift.size());
    if (!has_planes(v) || shape(v) != shape(s.outputs[0]) || (most != 1 && most != layout(v).channels))
      return emit_operation(s);
    if (has_last(v)) {
      const operand from = last(v), to = new_last(s.outputs[0]);
      return push(clearing(std::make_unique<affine_step>(kernels_, s.affine, from, to, 0), to), s.label);
    }
    const operand from{plain(v), layout(v)}, to{new_plain(s.outputs[0]), layout(v)};
    push(std::make_unique<affine_step>(kernels_, s.affine, from, to, from.layout.height * from.layout.width), s.label);
  }

  void emit_elementwise(const stage& s) {
    const std::size_t v = s.inputs[0];
    const elementwise_function& f = *s.op->as_elementwise();
    if (has_last(v) && has_planes(v)) {
      const operand from = last(v), to = new_last(s.outputs[0]);
      return push(clearing(std::make_unique<elementwise_step>(kernels_, f, s.op->as_activation(), from, to,
                                                              row_walk(from.layout)),
                           to),
                  s.label);
    }
    const operand from{plain(v), {}}, to{new_plain(s.outputs[0]), {}};
    push(std::make_unique<elementwise_step>(kernels_, f, s.op->as_activation(), from, to,
                                            row_walk::contiguous(element_count(shape(v)))),
         s.label);
  }

  void emit_binary(const stage& s) {
    const binary_kind kind = *s.op->as_binary();
    const bool product = kind == binary_kind::multiply;
    const std::size_t a = s.inputs[0], b = s.inputs[1], o = s.outputs[0];
    if ((kind != binary_kind::add && !product) || !has_planes(o)) return emit_operation(s);
    if (shape(a) == shape(b)) {
      if (has_last(a) || has_last(b)) {
        const operand x = last(a), y = last(b), to = new_last(o);
        return push(clearing(std::make_unique<binary_step>(kernels_, product, x, y, to, row_walk(to.layout)), to),
                    s.label);
      }
      const operand x{plain(a), {}}, y{plain(b), {}}, to{new_plain(o), {}};
      return push(
          std::make_unique<binary_step>(kernels_, product, x, y, to, row_walk::contiguous(element_count(shape(o)))),
          s.label);
    }
    const auto is_factor = [&](std::size_t v, std::size_t x) {
      const auto &f = shape(v), &t = shape(x);
      return product && f.size() == 4 && t.size() == 4 && shape(o) == t && f[0] == t[0] && f[1] == t[1] && f[2] == 1 &&
             f[3] == 1;
    };
    const bool second = is_factor(b, a);
    if (!second && !is_factor(a, b)) return emit_operation(s);
    const std::size_t x = second ? a : b, factor = second ? b : a;
    const operand f = last(factor);
    if (f.layout.border != 0) return emit_operation(s);
    if (has_last(x) && places_[root(x)].first == none) {
      const operand from = last(x), to = new_last(o);
      return push(clearing(std::make_unique<channel_product_step>(kernels_, from, f, to, 0), to), s.label);
    }
    const operand from{plain(x), layout(x)}, to{new_plain(o), layout(o)};
    push(std::make_unique<channel_product_step>(kernels_, from, f, to, from.layout.height * from.layout.width),
         s.label);
  }

  void emit_global_pools(const stage& s) {
    const bool first = places_[root(s.inputs[0])].first != none;
    const operand from = first ? operand{plain(s.inputs[0]), layout(s.inputs[0])} : last(s.inputs[0]);
    std::size_t made[2] = {none, none};
    for (std::size_t i = 0; i < 2; ++i)
      if (s.outputs[i] != no_value) made[i] = new_plain(s.outputs[i]);
    push(std::make_unique<global_pool_step>(kernels_, from, first, made[0], made[1]), s.label);
  }

  void emit_concat(const stage& s) {
    bool any = false, planes = has_planes(s.outputs[0]) && shape(s.outputs[0]).size() >= 3;
    for (const std::size_t v : s.inputs) {
      any = any || has_last(v);
      planes = planes && has_planes(v);
    }
    if (!any || !planes) return emit_operation(s);
    std::vector<std::size_t> buffers;
    std::vector<plane_layout> layouts;
    for (const std::size_t v : s.inputs) {
      const operand x = last(v);
      buffers.push_back(x.buffer);
      layouts.push_back(x.layout);
    }
    const operand to = new_last(s.outputs[0]);
    push(clearing(std::make_unique<channel_concat_step>(std::move(buffers), std::move(layouts), to.buffer, to.layout),
                  to),
         s.label);
  }

  /// A copy on channels-first tensors, which may be several slices and pads in one.
  void emit_plain_copy(const stage& s) {
    if (s.op != nullptr) return emit_operation(s);
    const std::size_t from = plain(s.inputs[0]), to = new_plain(s.outputs[0]);
    push(std::make_unique<plain_copy_step>(s.copy, from, shape(s.inputs[0]), to, shape(s.outputs[0])), s.label);
  }

  void emit_operation(const stage& s) {
    std::vector<operation_step::input> in;
    for (const std::size_t v : s.operands) {
      operation_step::input i;
      if (v != no_value && is_constant(v))
        i.constant = out_.graph.values[v].constant;
      else if (v != no_value)
        i.buffer = plain(v);
      in.push_back(i);
    }
    std::vector<std::size_t> out;
    for (const std::size_t v : s.outputs) out.push_back(new_plain(v));
    push(std::make_unique<operation_step>(*s.op, std::move(in), std::move(out)), s.label);
  }

  /// Every output gets a buffer of its own that the caller brings.
  void finish_outputs() {
    for (const std::size_t v : out_.graph.outputs) {
      const std::size_t size = element_count(shape(v));
      if (is_constant(v)) {
        const std::size_t to = add_buffer(size);
        push(std::make_unique<copy_step>(none, to, size, out_.graph.values[v].constant.floats), "constant");
        out_.outputs.push_back(to);
        continue;
      }
      const std::size_t from = plain(v);
      const auto taken = [&](const std::vector<std::size_t>& list) {
        return std::find(list.begin(), list.end(), from) != list.end();
      };
      if (!taken(out_.inputs) && !taken(out_.outputs)) {
        out_.outputs.push_back(from);
        continue;
      }
      const std::size_t to = add_buffer(size);
      push(std::make_unique<copy_step>(from, to, size), "copy to the output");
      out_.outputs.push_back(to);
    }
  }

  const kernel_set& kernels_;
  bool exact_;
  program out_;
  std::vector<stage> stages_;
  std::vector<choice> methods_;
  std::vector<place> places_;
  std::vector<std::size_t> roots_, readers_, borders_;
};

} // namespace detail

/// Lowers a typed graph. Never fails: every shape was checked when it was inferred.
inline program lower(typed_graph g, const lowering_options& options) {
  return detail::lowering(std::move(g), options).run();
}

} // namespace aecnn::nn
