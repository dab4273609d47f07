// A network that runs: the decoder of a profile, an analysis network, channel attention.
//
//   auto net = nn::network::create(graph).value();
//   net.prepare({16, 32, 32}).value();          // binds the input's shape, plans and allocates all memory
//   net.run_to(input, output).value();          // as often as wanted, without allocating
//   xt::xarray<float> y = net.run(x);           // or all in one: x is [C,H,W] or [N,C,H,W]
//
// One input and one output, both [C,H,W] (ONNX's [1,C,H,W]); operators as in nn/operators.hpp. Weights are shared by all
// copies of a network; a copy has memory of its own, so a program gives every thread a copy.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#if __has_include(<xtensor/xarray.hpp>)
#include <xtensor/xarray.hpp>
#else // xtensor 0.26 moved its headers into folders
#include <xtensor/containers/xarray.hpp>
#endif

#include <aecnn/core/error.hpp>
#include <aecnn/core/instruction_set.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/nn/compile.hpp>
#include <aecnn/nn/graph.hpp>
#include <aecnn/nn/memory_plan.hpp>
#include <aecnn/nn/operation.hpp>

namespace aecnn::nn {

class network {
public:
  /// What run takes and returns: xt::xarray<float>, row-major whatever xtensor's default is.
  using array = xt::xarray<float, xt::layout_type::row_major>;

  /// Holds no graph: prepare and run_to fail with errc::invalid_argument.
  network() = default;

  /// Checks and compiles a graph; the errors are those of nn::compile. `highest` lowers the instruction set that the
  /// kernels use; results of different sets differ by rounding.
  static result<network> create(const graph& g, const limits& bounds = {},
                                instruction_set highest = best_instruction_set()) {
    return aecnn::detail::guarded([&]() -> result<network> {
      auto compiled = compile(g, bounds, highest);
      if (!compiled) return compiled.error();
      network n;
      n.compiled_ = std::move(*compiled);
      return n;
    });
  }

  /// Binds the input's shape: infers all shapes, plans the memory with reuse, allocates it. On failure the network keeps
  /// the shape it had. errc::bad_shape where the shape does not suit the graph or an extent is 0, errc::limit_exceeded
  /// where a value or the memory is above the limits.
  status prepare(const shape3& input) {
    return aecnn::detail::guarded([&]() -> status {
      if (compiled_ == nullptr) return aecnn::detail::fail(errc::invalid_argument, "the network is empty");
      plan p;
      if (auto s = infer(input, p); !s) return s;
      const std::uint64_t floats = place_values(p);
      const limits& bounds = compiled_->bounds;
      if (floats > bounds.max_activation_bytes / sizeof(float))
        return aecnn::detail::fail(errc::limit_exceeded, "the network needs ", floats,
                                   " floats of activation memory for an "
                                   "input of ",
                                   aecnn::to_string(input), ", limit ", bounds.max_activation_bytes, " bytes");
      std::vector<float> memory(static_cast<std::size_t>(floats));
      memory_.swap(memory);
      plan_ = std::move(p);
      return {};
    });
  }

  bool prepared() const noexcept { return !plan_.shapes.empty(); }
  /// The shape given to prepare; all 0 before.
  shape3 input_shape() const noexcept { return prepared() ? plan_.shapes.front() : shape3{}; }
  /// [C,H,W] of the output for the prepared input; all 0 before prepare.
  shape3 output_shape() const noexcept { return prepared() ? plan_.shapes[compiled_->output] : shape3{}; }
  /// Bytes of memory for activations and scratch that prepare has allocated.
  std::size_t activation_bytes() const noexcept { return memory_.size() * sizeof(float); }
  /// Multiply-adds of one run for the prepared input.
  std::uint64_t multiply_adds() const noexcept { return plan_.multiply_adds; }

  /// Computes the output from contiguous [C,H,W] elements of the prepared shapes. `input` and `output` must not overlap.
  /// Allocates nothing. errc::invalid_argument before prepare, errc::bad_shape where a span has not as many elements as
  /// the shape.
  status run_to(std::span<const float> input, std::span<float> output) {
    if (!prepared()) return aecnn::detail::fail(errc::invalid_argument, "run before prepare");
    const shape3 &in = plan_.shapes.front(), &out = plan_.shapes[compiled_->output];
    if (input.size() != in.size() || output.size() != out.size())
      return aecnn::detail::fail(errc::bad_shape, "run from ", input.size(), " to ", output.size(),
                                 " elements, expected ", aecnn::to_string(in), " to ", aecnn::to_string(out));
    if (compiled_->steps.empty()) std::copy(input.begin(), input.end(), output.begin());
    const std::size_t misaligned = reinterpret_cast<std::uintptr_t>(memory_.data()) / sizeof(float) % memory_granule;
    float* const base = memory_.data() + (misaligned == 0 ? 0 : memory_granule - misaligned);
    for (std::size_t i = 0; i < compiled_->steps.size(); ++i) {
      const step& s = compiled_->steps[i];
      for (std::size_t k = 0; k < s.inputs.size(); ++k) {
        const std::size_t v = s.inputs[k];
        const float* data = v == 0 ? input.data() : v == compiled_->output ? output.data() : base + plan_.offsets[v];
        plan_.operands[k] = {data, plan_.shapes[v]};
      }
      float* to = i + 1 == compiled_->output ? output.data() : base + plan_.offsets[i + 1];
      s.op->run(std::span(plan_.operands.data(), s.inputs.size()), to, plan_.shapes[i + 1], base + plan_.scratch);
    }
    return {};
  }

  /// The output for x, an xtensor expression [C,H,W] or [N,C,H,W], of the same rank. Calls prepare where the shape differs
  /// from the prepared one. Items of a batch are computed one after another.
  template <class X>
  result<array> try_run(const xt::xexpression<X>& x) {
    return aecnn::detail::guarded([&]() -> result<array> {
      const array input = x.derived_cast();
      const std::size_t rank = input.dimension();
      if (rank != 3 && rank != 4)
        return aecnn::detail::fail(errc::bad_shape, "input of rank ", rank, ", expected [C,H,W] or [N,C,H,W]");
      const auto extent = [&](std::size_t i) { return static_cast<std::size_t>(input.shape()[rank - 3 + i]); };
      const shape3 in{extent(0), extent(1), extent(2)};
      if (!prepared() || in != input_shape())
        if (auto s = prepare(in); !s) return s.error();
      const shape3 out = output_shape();
      const std::size_t items = rank == 4 ? static_cast<std::size_t>(input.shape()[0]) : 1;
      array::shape_type shape;
      if (rank == 4) shape.push_back(items);
      shape.insert(shape.end(), {out.channels, out.height, out.width});
      array output(shape);
      for (std::size_t i = 0; i < items; ++i)
        if (auto s = run_to(std::span(input.data() + i * in.size(), in.size()),
                            std::span(output.data() + i * out.size(), out.size()));
            !s)
          return s.error();
      return output;
    });
  }
  /// As try_run; throws `aecnn::error`.
  template <class X>
  array run(const xt::xexpression<X>& x) {
    return try_run(x).value();
  }

private:
  struct plan {
    std::vector<shape3> shapes;       // of every value
    std::vector<std::size_t> offsets; // of every value in memory_; unused for the network's input and output
    std::vector<operand> operands;    // as many as the widest step reads
    std::size_t scratch = 0;          // offset
    std::uint64_t scratch_floats = 0;
    std::uint64_t multiply_adds = 0;
  };

  status check(const shape3& s, std::string_view what) const {
    const limits& b = compiled_->bounds;
    if (s.channels == 0 || s.height == 0 || s.width == 0)
      return aecnn::detail::fail(errc::bad_shape, what, ": shape ", aecnn::to_string(s), " has an extent of 0");
    if (s.channels > b.max_channels || s.height > b.max_extent || s.width > b.max_extent ||
        s.height > b.max_elements / s.width || s.channels > b.max_elements / s.area())
      return aecnn::detail::fail(errc::limit_exceeded, what, ": shape ", aecnn::to_string(s),
                                 " is above the limits of ", b.max_channels, " channels, extent ", b.max_extent, ", ",
                                 b.max_elements, " elements");
    return {};
  }

  status infer(const shape3& input, plan& p) const {
    if (auto s = check(input, "network input"); !s) return s;
    p.shapes.push_back(input);
    std::vector<shape3> in;
    std::size_t widest = 0;
    for (const step& s : compiled_->steps) {
      in.clear();
      for (const std::size_t v : s.inputs) in.push_back(p.shapes[v]);
      const auto out = s.op->output_shape(in);
      if (!out) return aecnn::detail::fail(out.error().code, s.label, ": ", out.error().message);
      if (auto ok = check(*out, s.label); !ok) return ok;
      p.shapes.push_back(*out);
      p.scratch_floats = std::max(p.scratch_floats, s.op->workspace(in));
      p.multiply_adds += s.op->multiply_adds(in);
      widest = std::max(widest, s.inputs.size());
    }
    p.operands.resize(widest);
    return {};
  }

  /// Gives every value its offset and returns the floats of memory: values, scratch, and room to align the start.
  std::uint64_t place_values(plan& p) const {
    const std::vector<step>& steps = compiled_->steps;
    std::vector<std::size_t> last_use(p.shapes.size());
    for (std::size_t i = 0; i < steps.size(); ++i)
      for (const std::size_t v : steps[i].inputs) last_use[v] = i;
    std::vector<lifetime> blocks;
    std::vector<std::size_t> block_of(p.shapes.size());
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const std::size_t v = i + 1;
      if (v == compiled_->output) continue;
      const std::size_t first = steps[i].inputs.empty() ? 0 : steps[i].inputs[0];
      const bool reuse = steps[i].op->in_place() && first != 0 && first != compiled_->output && last_use[first] == i &&
                         p.shapes[first] == p.shapes[v];
      if (!reuse) blocks.push_back({p.shapes[v].size(), i, i, 0});
      block_of[v] = reuse ? block_of[first] : blocks.size() - 1;
      blocks[block_of[v]].last = std::max(i, last_use[v]);
    }
    const std::uint64_t values = plan_memory(blocks);
    p.offsets.resize(p.shapes.size());
    for (std::size_t v = 1; v < p.shapes.size(); ++v)
      if (v != compiled_->output) p.offsets[v] = static_cast<std::size_t>(blocks[block_of[v]].offset);
    p.scratch = static_cast<std::size_t>(values);
    return values + p.scratch_floats + memory_granule;
  }

  std::shared_ptr<const compiled_graph> compiled_;
  plan plan_;
  std::vector<float> memory_;
};

/// Multiply-adds of a graph for an input of the given shape. Allocates the memory that a run would need.
inline result<std::uint64_t> multiply_adds(const graph& g, const shape3& input, const limits& bounds = {}) {
  auto n = network::create(g, bounds);
  if (!n) return n.error();
  if (auto s = n->prepare(input); !s) return s.error();
  return n->multiply_adds();
}

} // namespace aecnn::nn
