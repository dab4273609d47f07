// A network in integers: the same output bit for bit on every machine, instruction set and number of threads, from a
// fraction of the time and memory of floats.
//
//   auto q = nn::calibrate_quantization(graph, samples, shape).value();   // once, where the network is made
//   auto net = nn::quantized_network::create(graph, q).value();
//   net.prepare({16, 32, 32}).value();
//   net.run_to(input, output).value();                                    // floats in and out
//
// Between the quantised input and the dequantised output there is no floating point: weights are int8 per output
// channel, values are uint8 per tensor, sums are exact in 32 bits, and rescaling is defined in quantized/rescale.hpp.
// Operators: Conv, ConvTranspose and Gemm with what is folded into them, Add, Relu, Clip, pools, Concat, DepthToSpace,
// Slice, Pad, Flatten and Reshape to [N,C].
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/fixed_point.hpp>
#include <aecnn/core/instruction_set.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/nn/executor.hpp>
#include <aecnn/nn/graph.hpp>
#include <aecnn/nn/graph_index.hpp>
#include <aecnn/nn/infer.hpp>
#include <aecnn/nn/memory_plan.hpp>
#include <aecnn/nn/network.hpp>
#include <aecnn/nn/placement.hpp>
#include <aecnn/nn/quantized/calibrate.hpp>
#include <aecnn/nn/quantized/kernels.hpp>
#include <aecnn/nn/quantized/lower.hpp>
#include <aecnn/nn/quantized/quantization.hpp>

namespace aecnn::nn {

class quantized_network {
public:
  using extents = std::vector<std::int64_t>;

  /// Holds no graph: prepare and run_to fail with errc::invalid_argument.
  quantized_network() = default;
  quantized_network(const quantized_network&) = default;
  quantized_network(quantized_network&&) = default;
  quantized_network& operator=(quantized_network&&) = default;
  /// Copies before it changes anything, so that a network without memory for the copy keeps what it had.
  quantized_network& operator=(const quantized_network& other) { return *this = quantized_network(other); }

  /// Checks a graph of one input and one output and its quantisation and, where the graph declares its input's shape,
  /// prepares it. Errors as nn::network's, and of the quantisation: errc::bad_field (scale or zero point out of range),
  /// errc::duplicate_name; when it is prepared errc::missing_field (a value or convolution that it lacks),
  /// errc::unsupported (an operator without an integer form). `options.highest` changes the speed, never the output.
  static result<quantized_network> create(std::shared_ptr<const graph> g, quantization q,
                                          const network_options& options = {}) {
    return aecnn::detail::guarded([&]() -> result<quantized_network> {
      auto index = graph_index::create(*g, *options.operators, options.bounds);
      if (!index) return index.error();
      if (g->inputs.size() != 1 || g->outputs.size() != 1)
        return aecnn::detail::fail(errc::unsupported, "the network has ", g->inputs.size(), " inputs and ",
                                   g->outputs.size(), " outputs, a quantised one has 1 and 1");
      if (auto s = check(q); !s) return s.error();
      auto source = std::make_shared<checked>();
      source->integers = std::move(q);
      source->options = options;
      source->order = index->order();
      source->nodes = std::move(g);
      quantized_network n;
      n.source_ = std::move(source);
      const auto& declared = n.source_->nodes->input_shapes;
      if (!declared.empty() && !declared[0].empty() &&
          std::all_of(declared[0].begin(), declared[0].end(), [](auto e) { return e > 0; }))
        if (auto s = n.prepare(std::span(declared.data(), 1)); !s) return s.error();
      return n;
    });
  }
  static result<quantized_network> create(const graph& g, quantization q, const network_options& options = {}) {
    return aecnn::detail::guarded([&] { return create(std::make_shared<const graph>(g), std::move(q), options); });
  }

  /// Binds the input's shape: plans the steps, packs weights, places values in memory and allocates it. On failure the
  /// network keeps the shape it had.
  status prepare(std::span<const extents> shapes) {
    return aecnn::detail::guarded([&]() -> status {
      if (source_ == nullptr) return aecnn::detail::fail(errc::invalid_argument, "the network is empty");
      if (shapes.size() != 1)
        return aecnn::detail::fail(errc::invalid_argument, "prepare for ", shapes.size(), " inputs, the network has 1");
      const extents& shape = shapes[0];
      const checked& source = *source_;
      const network_options& options = source.options;
      if (auto s = check_input_shape(*source.nodes, shape, options.bounds); !s) return s;
      auto typed = infer(source.nodes, source.order, std::span(&shape, 1), *options.operators, options.bounds);
      if (!typed) return typed.error();
      auto code = lower_quantized(*typed, source.integers, quantized_kernels_for(options.highest));
      if (!code) return code.error();
      auto p = std::make_shared<plan>();
      p->input = shape;
      p->output = typed->values[typed->outputs[0]].type.shape;
      p->code = std::move(*code);
      p->memory = placement(p->code);
      const std::uint64_t floats = p->memory.floats();
      if (floats > options.bounds.max_activation_bytes / sizeof(float))
        return aecnn::detail::fail(errc::limit_exceeded, "the network needs ", 4 * floats,
                                   " bytes of activation memory, limit ", options.bounds.max_activation_bytes);
      adopt(std::move(p), runner_.threads());
      return {};
    });
  }
  /// The same; [C,H,W] stands for ONNX's [1,C,H,W].
  status prepare(const shape3& input) {
    return aecnn::detail::guarded([&]() -> status {
      const auto i = [](std::size_t n) { return static_cast<std::int64_t>(n); };
      extents e{1, i(input.channels), i(input.height), i(input.width)};
      if (source_ != nullptr && !source_->nodes->input_shapes.empty()) { // declared as [N,C], say
        const std::size_t rank = source_->nodes->input_shapes[0].size();
        while (rank < e.size() && e.back() == 1) e.pop_back();
      }
      return prepare(std::span<const extents>(&e, 1));
    });
  }

  /// Gives the network threads; null returns it to the calling thread alone. The executor must outlive the runs.
  void use(executor* e) { adopt(plan_, e); }

  bool prepared() const noexcept { return plan_ != nullptr; }
  const graph* source() const noexcept { return source_ == nullptr ? nullptr : source_->nodes.get(); }
  /// The integers that the network runs; null where it is empty.
  const quantization* integers() const noexcept { return source_ == nullptr ? nullptr : &source_->integers; }
  /// The shape given to prepare, and that of the output for it; none before.
  std::span<const extents> input_shapes() const noexcept {
    return prepared() ? std::span<const extents>(&plan_->input, 1) : std::span<const extents>{};
  }
  std::span<const extents> output_shapes() const noexcept {
    return prepared() ? std::span<const extents>(&plan_->output, 1) : std::span<const extents>{};
  }
  /// The same as [C,H,W], without leading extents of 1; all 0 before prepare or where they are of a higher rank.
  shape3 input_shape() const noexcept { return prepared() ? to_shape3(plan_->input) : shape3{}; }
  shape3 output_shape() const noexcept { return prepared() ? to_shape3(plan_->output) : shape3{}; }
  /// Bytes of memory for activations and scratch that prepare has allocated.
  std::size_t activation_bytes() const noexcept { return runner_.bytes(); }
  /// Multiply-adds of one run, as the operators define them.
  std::uint64_t multiply_adds() const noexcept {
    std::uint64_t n = 0;
    if (prepared())
      for (const auto& s : plan_->code.steps) n += s->multiply_adds;
    return n;
  }
  /// What one run consists of, for profiles of its time; none before prepare.
  std::span<const std::unique_ptr<step>> steps() const noexcept {
    return prepared() ? plan_->code.steps : std::span<const std::unique_ptr<step>>{};
  }

  /// Computes the output from the input, contiguous and row-major, of the prepared shape. The spans must not overlap.
  /// Allocates nothing. An infinity counts as the end of the range, a NaN as one of the two. errc::invalid_argument
  /// before prepare, errc::bad_shape where a span has not as many elements as the shape.
  status run_to(std::span<const float> input, std::span<float> output) {
    if (!prepared()) return aecnn::detail::fail(errc::invalid_argument, "run before prepare");
    const plan& p = *plan_;
    if (input.size() != element_count(p.input))
      return aecnn::detail::fail(errc::bad_shape, "input has ", input.size(), " elements, expected ",
                                 nn::to_string(p.input));
    if (output.size() != element_count(p.output))
      return aecnn::detail::fail(errc::bad_shape, "output has ", output.size(), " elements, expected ",
                                 nn::to_string(p.output));
    float** const table = runner_.bind(p.memory);
    table[p.code.inputs[0]] = const_cast<float*>(input.data()); // no step writes it
    table[p.code.outputs[0]] = output.data();
    runner_.run(p.code.steps, p.memory);
    return {};
  }

private:
  /// What all copies of a network share.
  struct checked {
    std::shared_ptr<const graph> nodes;
    std::vector<std::size_t> order;
    quantization integers;
    network_options options;
  };
  /// What all copies that are prepared for the same shape share.
  struct plan {
    extents input, output;
    quantized_program code;
    placement memory;
  };

  static status check(const quantization& q) {
    std::vector<std::string_view> names;
    for (const value_quantization& v : q.values) {
      if (!scale_is_valid(v.scale) || v.zero < 0 || v.zero > 255)
        return aecnn::detail::fail(errc::bad_field, "quantisation of '", v.name, "': scale ", v.scale, ", zero point ",
                                   v.zero, ", expected a scale within 2^-60..2^60 and a zero point within 0..255");
      names.push_back(v.name);
    }
    for (const convolution_quantization& c : q.convolutions)
      for (const float s : c.scales)
        if (!scale_is_valid(s))
          return aecnn::detail::fail(errc::bad_field, "quantisation of the weights of '", c.output, "': scale ", s,
                                     ", expected one within 2^-60..2^60");
    std::sort(names.begin(), names.end());
    if (const auto it = std::adjacent_find(names.begin(), names.end()); it != names.end())
      return aecnn::detail::fail(errc::duplicate_name, "quantisation has two values '", *it, "'");
    return {};
  }
  static bool scale_is_valid(float s) noexcept {
    return positive_normal(s, power_of_two(60)) &&
           std::bit_cast<std::uint32_t>(s) >= std::bit_cast<std::uint32_t>(power_of_two(-60));
  }

  static status check_input_shape(const graph& g, const extents& e, const limits& b) {
    std::size_t n = 1;
    bool fits = e.size() >= 2 && e.size() <= 4, zero = false;
    for (const std::int64_t extent : e) {
      zero = zero || extent < 1;
      fits = fits && !zero && aecnn::detail::multiply(n, static_cast<std::size_t>(extent), n) && n <= b.max_elements;
    }
    if (zero)
      return aecnn::detail::fail(errc::bad_shape, "network input '", g.inputs[0], "': shape ", nn::to_string(e),
                                 " has an extent of 0");
    if (e.size() < 2 || e.size() > 4)
      return aecnn::detail::fail(errc::bad_shape, "network input '", g.inputs[0], "': shape ", nn::to_string(e),
                                 ", expected rank 2 to 4");
    if (!fits || static_cast<std::uint64_t>(e[1]) > b.max_channels)
      return aecnn::detail::fail(errc::limit_exceeded, "network input '", g.inputs[0], "': shape ", nn::to_string(e),
                                 " is above the limits of ", b.max_channels, " channels, ", b.max_elements,
                                 " elements");
    if (g.input_shapes.empty() || g.input_shapes[0].empty()) return {};
    const extents& declared = g.input_shapes[0];
    bool same = declared.size() == e.size();
    for (std::size_t k = 0; same && k < e.size(); ++k) same = k == 0 || declared[k] < 1 || declared[k] == e[k];
    if (!same)
      return aecnn::detail::fail(errc::bad_shape, "network input '", g.inputs[0], "': shape ", nn::to_string(e),
                                 ", the network declares ", nn::to_string(declared));
    return {};
  }

  /// A network without memory for the plan keeps the plan and the executor it had.
  void adopt(std::shared_ptr<const plan> p, executor* e) {
    runner_.adopt(p == nullptr ? nullptr : &p->memory, e);
    plan_ = std::move(p);
  }

  std::shared_ptr<const checked> source_;
  std::shared_ptr<const plan> plan_;
  detail::runner runner_;
};

} // namespace aecnn::nn
