// Joins operations that run faster as one: scales and shifts go into the weights of the convolution before them,
// activations, residual sums and DepthToSpace into its stores, padding into its window; slices and pads into one copy;
// average and maximum of the same planes into one pass. Cost: linear in nodes, and in the weights that change.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/nn/infer.hpp>
#include <aecnn/nn/operation.hpp>
#include <aecnn/nn/steps/fused_convolution.hpp>

namespace aecnn::nn {

/// One or more operations that become one or more steps.
struct stage {
  enum class kind {
    convolution,
    affine,
    elementwise,
    binary,
    pool,
    global_pools,
    strided_copy,
    depth_to_space,
    concat,
    view,
    other
  };
  kind type = kind::other;
  const operation* op = nullptr;
  std::vector<std::size_t> inputs, outputs; ///< values; of a convolution: input and, with a residual, what is added
  std::vector<std::size_t> operands;        ///< the inputs of `op`
  std::string label;
  fused_convolution conv{};
  channel_affine affine{};
  strided_copy copy{};
};

namespace detail {

class fusion {
public:
  /// `fuse_rearrange(convolution, block)` tells whether the kernels can store a convolution's output rearranged.
  template <class FuseRearrange>
  std::vector<stage> run(const typed_graph& g, const FuseRearrange& fuse_rearrange) {
    graph_ = &g;
    readers_.resize(g.values.size());
    makers_.assign(g.values.size(), no_value);
    for (const typed_node& n : g.nodes)
      for (const std::size_t v : n.inputs)
        if (v != no_value) ++readers_[v];
    for (const std::size_t v : g.outputs) ++readers_[v];
    for (const typed_node& n : g.nodes) add(n, fuse_rearrange);
    std::vector<stage> out;
    for (stage& s : stages_)
      if (!s.outputs.empty()) out.push_back(std::move(s));
    return out;
  }

private:
  const typed_value& value(std::size_t v) const { return graph_->values[v]; }
  const std::vector<std::int64_t>& shape(std::size_t v) const { return value(v).type.shape; }

  /// The stage that makes a value which nothing else reads; null where there is none of that kind.
  stage* sole(std::size_t v, stage::kind kind) {
    if (v == no_value || readers_[v] != 1 || makers_[v] == no_value) return nullptr;
    stage& s = stages_[makers_[v]];
    return s.type == kind ? &s : nullptr;
  }
  /// Lets a stage make another value instead of its first output.
  void redirect(stage& s, std::size_t v) {
    makers_[v] = static_cast<std::size_t>(&s - stages_.data());
    s.outputs[0] = v;
  }
  void append(stage s) {
    for (const std::size_t v : s.outputs)
      if (v != no_value) makers_[v] = stages_.size();
    stages_.push_back(std::move(s));
  }

  template <class FuseRearrange>
  void add(const typed_node& n, const FuseRearrange& fuse_rearrange) {
    const operation& op = *n.op;
    std::size_t data = no_value; // the only input that is not a constant
    std::size_t computed = 0;
    for (const std::size_t v : n.inputs)
      if (v != no_value && !value(v).is_constant()) {
        data = v;
        ++computed;
      }
    if (computed != 1) data = no_value;
    const std::size_t out = n.outputs[0];
    stage s;
    s.op = &op;
    s.inputs = s.operands = n.inputs;
    s.outputs = n.outputs;
    s.label = n.label;
    if (op.is_view() && data != no_value && data == n.inputs[0]) {
      s.type = stage::kind::view;
      s.inputs = {data};
    } else if (op.as_convolution() != nullptr && data != no_value && data == n.inputs[0]) {
      start_convolution(s, *op.as_convolution());
    } else if (op.as_affine() != nullptr && data != no_value) {
      if (stage* c = sole(data, stage::kind::convolution); c != nullptr && fold(*c, *op.as_affine()))
        return redirect(*c, out);
      s.type = stage::kind::affine;
      s.affine = *op.as_affine();
      s.inputs = {data};
    } else if (op.as_elementwise() != nullptr && data != no_value) {
      const activation* a = op.as_activation();
      stage* c = sole(data, stage::kind::convolution);
      if (a != nullptr && c != nullptr && c->conv.after.type == activation::kind::none) {
        c->conv.after = *a;
        return redirect(*c, out);
      }
      s.type = stage::kind::elementwise;
      s.inputs = {data};
    } else if (op.as_binary() != nullptr && computed == 2 && n.inputs.size() == 2) {
      if (*op.as_binary() == binary_kind::add && fuse_residual(n, out)) return;
      s.type = stage::kind::binary;
    } else if (op.as_depth_to_space() != nullptr && data != no_value) {
      stage* c = sole(data, stage::kind::convolution);
      if (c != nullptr && !c->conv.has_residual && c->conv.rearrange.block == 1 && !c->conv.spec.transposed &&
          fuse_rearrange(c->conv, *op.as_depth_to_space())) {
        c->conv.rearrange = *op.as_depth_to_space();
        return redirect(*c, out);
      }
      s.type = stage::kind::depth_to_space;
    } else if (op.as_pooling() != nullptr && data != no_value) {
      if (add_global_pool(*op.as_pooling(), data, s)) return;
    } else if (op.as_strided_copy() != nullptr && data != no_value && data == n.inputs[0]) {
      s.type = stage::kind::strided_copy;
      s.copy = *op.as_strided_copy();
      s.inputs = {data};
      if (stage* before = sole(data, stage::kind::strided_copy); before != nullptr && compose(before->copy, s.copy)) {
        s.inputs = before->inputs;
        s.op = nullptr;
        before->outputs.clear();
      }
    } else if (op.is_channel_concat() && computed == n.inputs.size()) {
      s.type = stage::kind::concat;
    }
    append(std::move(s));
  }

  void start_convolution(stage& s, const convolution& c) {
    s.type = stage::kind::convolution;
    s.inputs = {s.inputs[0]};
    s.conv.spec = c;
    s.conv.bias.assign(c.outputs, 0.0F);
    if (c.bias != nullptr) s.conv.bias.assign(c.bias, c.bias + c.outputs);
    // Zeros that a Pad puts around the planes are the window's own padding.
    const stage* pad = sole(s.inputs[0], stage::kind::strided_copy);
    if (pad == nullptr || c.transposed || pad->copy.fill != 0 || pad->copy.axes.size() != 4) return;
    const std::size_t from = pad->inputs[0], to = pad->outputs[0];
    for (std::size_t i = 0; i < 4; ++i) {
      const strided_copy::axis& a = pad->copy.axes[i];
      if (a.start != 0 || a.step != 1 || a.count != shape(from)[i] || (i < 2 && shape(from)[i] != shape(to)[i])) return;
    }
    for (std::size_t i = 0; i < 2; ++i) {
      const strided_copy::axis& a = pad->copy.axes[i + 2];
      s.conv.spec.area.before[i] += a.offset;
      s.conv.spec.area.after[i] += shape(to)[i + 2] - a.offset - a.count;
    }
    stages_[makers_[to]].outputs.clear();
    s.inputs = {from};
  }

  /// y = scale * conv + shift. With DepthToSpace in between only where all channels share it.
  static bool fold(stage& s, const channel_affine& f) {
    fused_convolution& c = s.conv;
    const bool same = f.scale.size() == 1 && f.shift.size() == 1;
    if (c.after.type != activation::kind::none || c.has_residual || (c.rearrange.block != 1 && !same)) return false;
    const std::size_t outputs = c.spec.outputs, taps = c.taps();
    if (!same &&
        ((f.scale.size() != 1 && f.scale.size() != outputs) || (f.shift.size() != 1 && f.shift.size() != outputs)))
      return false;
    const auto scale = [&](std::size_t o) { return f.scale[f.scale.size() == 1 ? 0 : o]; };
    const std::size_t count =
        c.spec.transposed ? c.spec.inputs * c.group_outputs() * taps : outputs * c.group_inputs() * taps;
    if (c.weights.empty()) c.weights.assign(c.spec.weights, c.spec.weights + count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t o = c.spec.transposed ? i / (taps * c.group_outputs()) / c.group_inputs() * c.group_outputs() +
                                                    i / taps % c.group_outputs()
                                              : i / (taps * c.group_inputs());
      c.weights[i] = static_cast<float>(c.weights[i] * scale(o));
    }
    for (std::size_t o = 0; o < outputs; ++o)
      c.bias[o] = static_cast<float>(c.bias[o] * scale(o) + f.shift[f.shift.size() == 1 ? 0 : o]);
    return true;
  }

  /// Lets the later of the two convolutions, or the only one, add the other operand before it stores.
  bool fuse_residual(const typed_node& n, std::size_t out) {
    const std::size_t a = n.inputs[0], b = n.inputs[1];
    if (a == b || shape(a) != shape(b)) return false;
    const auto host = [&](std::size_t v) -> stage* {
      stage* c = sole(v, stage::kind::convolution);
      return c != nullptr && c->conv.after.type == activation::kind::none && !c->conv.has_residual &&
                     c->conv.rearrange.block == 1 && shape(v).size() == 4
                 ? c
                 : nullptr;
    };
    stage* first = host(a);
    stage* second = host(b);
    if (first != nullptr && second != nullptr) (first < second ? first : second) = nullptr;
    stage* chosen = first != nullptr ? first : second;
    if (chosen == nullptr) return false;
    stage moved = std::move(*chosen); // it runs when both operands are there
    chosen->outputs.clear();
    moved.conv.has_residual = true;
    moved.inputs.push_back(chosen == first ? b : a);
    moved.outputs = {out};
    append(std::move(moved));
    return true;
  }

  bool add_global_pool(const pooling& p, std::size_t data, stage& s) {
    const auto& in = shape(data);
    const auto& out = shape(s.outputs[0]);
    s.inputs = {data};
    s.type = stage::kind::pool;
    if (in.size() != 4 || out.size() != 4 || out[2] != 1 || out[3] != 1 || p.area.kernel[0] != in[2] ||
        p.area.kernel[1] != in[3] || p.area.before[0] != 0 || p.area.before[1] != 0 || p.area.dilations[0] != 1 ||
        p.area.dilations[1] != 1)
      return false;
    s.type = stage::kind::global_pools;
    const std::size_t made = s.outputs[0];
    s.outputs = {p.maximum ? no_value : made, p.maximum ? made : no_value};
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      stage& other = stages_[i];
      if (other.type != stage::kind::global_pools || other.outputs.empty() || other.inputs[0] != data ||
          other.outputs[p.maximum ? 1 : 0] != no_value)
        continue;
      other.outputs[p.maximum ? 1 : 0] = made;
      makers_[made] = i;
      return true;
    }
    return false;
  }

  /// second after first, into second; false where their fills differ or a step is not positive.
  static bool compose(const strided_copy& first, strided_copy& second) {
    if (first.axes.size() != second.axes.size()) return false;
    strided_copy out;
    bool first_fills = false;
    for (std::size_t i = 0; i < first.axes.size(); ++i) {
      const strided_copy::axis &a = first.axes[i], &b = second.axes[i];
      if (a.step < 1 || b.step < 1) return false;
      // Output index j of second reads index k = b.start + b.step * (j - b.offset) of the middle, which reads
      // a.start + a.step * (k - a.offset): of those k the ones in [a.offset, a.offset + a.count) count.
      strided_copy::axis c;
      std::int64_t low = 0, high = b.count;
      while (low < high && b.start + b.step * low < a.offset) ++low;
      while (high > low && b.start + b.step * (high - 1) >= a.offset + a.count) --high;
      first_fills = first_fills || high - low != b.count;
      c.offset = b.offset + low;
      c.count = high - low;
      c.step = a.step * b.step;
      c.start = a.start + a.step * (b.start + b.step * low - a.offset);
      out.axes.push_back(c);
    }
    if (first_fills && first.fill != second.fill) return false;
    out.fill = second.fill;
    second = std::move(out);
    return true;
  }

  const typed_graph* graph_ = nullptr;
  std::vector<stage> stages_;
  std::vector<std::size_t> readers_, makers_;
};

} // namespace detail

/// The stages of a network in an order in which they can run. Convolutions keep pointers into the graph's weights.
template <class FuseRearrange>
std::vector<stage> fuse(const typed_graph& g, const FuseRearrange& fuse_rearrange) {
  return detail::fusion().run(g, fuse_rearrange);
}

} // namespace aecnn::nn
