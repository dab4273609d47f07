// A network that runs: the decoder of a profile, an analysis network, channel attention, a head or a tail.
//
//   auto net = nn::network::create(graph).value();        // or nn::load_onnx("decoder.onnx")
//   xt::xarray<float> y = net.run(x);                      // prepares for the shape of x where it is new
//
// or, without allocating while running,
//
//   net.prepare({16, 32, 32}).value();                     // infers shapes, folds, packs weights, plans memory
//   net.run_to(input, output).value();                     // as often as wanted
//
// A graph has any number of inputs and outputs, all float32. Weights are shared by all copies of a network; a copy has
// activation memory of its own, so a program gives every thread a copy, or one network several threads (`use`).
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
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
#include <aecnn/nn/executor.hpp>
#include <aecnn/nn/graph.hpp>
#include <aecnn/nn/graph_index.hpp>
#include <aecnn/nn/memory_plan.hpp>
#include <aecnn/nn/operators.hpp>
#include <aecnn/nn/placement.hpp>
#include <aecnn/nn/program.hpp>
#include <aecnn/nn/runner.hpp>

namespace aecnn::nn {

struct network_options {
  limits bounds{};
  /// Lowers the instruction set that the kernels use; results of different sets differ by rounding.
  instruction_set highest = best_instruction_set();
  /// Leaves out Winograd: an error of at most 1e-6 of the largest output instead of 2e-5, at a lower speed.
  bool exact = false;
  /// Must outlive the network and its copies.
  const operator_set* operators = &operator_set::standard();
};

class network {
public:
  using extents = std::vector<std::int64_t>;
  /// What run takes and returns: xt::xarray<float>, row-major whatever xtensor's default is.
  using array = xt::xarray<float, xt::layout_type::row_major>;

  /// Holds no graph: prepare and run_to fail with errc::invalid_argument.
  network() = default;
  network(const network&) = default;
  network(network&&) noexcept = default;
  network& operator=(network&&) noexcept = default;
  network& operator=(const network& other) { return *this = network(other); }

  /// Checks a graph and, where it declares the shapes of all inputs, prepares it for them. Errors name the node:
  /// errc::unsupported (operator, attribute, a weight that is computed), errc::missing_field (an input, attribute or
  /// output), errc::bad_field (attribute out of range, cycle), errc::bad_shape, errc::duplicate_name,
  /// errc::limit_exceeded.
  static result<network> create(std::shared_ptr<const graph> g, const network_options& options = {}) {
    return aecnn::detail::guarded([&]() -> result<network> {
      auto index = graph_index::create(*g, *options.operators, options.bounds);
      if (!index) return index.error();
      auto source = std::make_shared<checked_graph>();
      source->options = options;
      source->order = index->order();
      source->nodes = std::move(g);
      network n;
      n.source_ = std::move(source);
      if (n.declares_shapes())
        if (auto s = n.prepare(n.source_->nodes->input_shapes); !s) return s.error();
      return n;
    });
  }
  static result<network> create(const graph& g, const network_options& options = {}) {
    return aecnn::detail::guarded([&] { return create(std::make_shared<const graph>(g), options); });
  }
  /// The same with limits alone, as a reconstructor is made.
  template <std::same_as<limits> Limits>
  static result<network> create(const graph& g, const Limits& bounds,
                                instruction_set highest = best_instruction_set()) {
    network_options options;
    options.bounds = bounds;
    options.highest = highest;
    return create(g, options);
  }

  const graph* source() const noexcept { return source_ == nullptr ? nullptr : source_->nodes.get(); }

  /// Binds the shapes of all inputs: infers the other shapes, folds constants, packs weights, plans the memory with
  /// reuse and allocates it. On failure the network keeps the shapes it had. errc::bad_shape where the shapes do not
  /// suit the graph or an extent is 0, errc::limit_exceeded where a value or the memory is above the limits, and what
  /// create says of nodes.
  status prepare(std::span<const extents> shapes) {
    return aecnn::detail::guarded([&]() -> status {
      if (source_ == nullptr) return aecnn::detail::fail(errc::invalid_argument, "the network is empty");
      const checked_graph& source = *source_;
      const network_options& options = source.options;
      if (auto s = check(shapes); !s) return s;
      auto code = compile(
          {source.nodes, source.order, shapes, *options.operators, options.bounds, options.highest, options.exact});
      if (!code) return code.error();
      auto p = std::make_shared<plan>();
      p->inputs.assign(shapes.begin(), shapes.end());
      for (const std::size_t v : code->graph.outputs) p->outputs.push_back(code->graph.values[v].type.shape);
      p->code = std::move(*code);
      p->memory = placement(p->code);
      const std::uint64_t floats = p->memory.floats();
      if (floats > options.bounds.max_activation_bytes / sizeof(float))
        return aecnn::detail::fail(errc::limit_exceeded, "the network needs ", floats,
                                   " floats of activation memory, limit ", options.bounds.max_activation_bytes,
                                   " bytes");
      adopt(std::move(p), runner_.threads());
      return {};
    });
  }
  /// The same for a network of one input; [C,H,W] stands for ONNX's [1,C,H,W].
  status prepare(const shape3& input) {
    if (source_ != nullptr && source_->nodes->inputs.size() != 1)
      return aecnn::detail::fail(errc::invalid_argument, "the network has ", source_->nodes->inputs.size(),
                                 " inputs, expected 1");
    return aecnn::detail::guarded([&]() -> status {
      const auto i = [](std::size_t n) { return static_cast<std::int64_t>(n); };
      extents e{1, i(input.channels), i(input.height), i(input.width)};
      if (source_ != nullptr && !source_->nodes->input_shapes.empty()) { // declared as [N,C], say
        std::size_t rank = source_->nodes->input_shapes[0].size();
        while (rank < e.size() && e.back() == 1) e.pop_back();
        while (e.size() < rank) e.push_back(1);
      }
      const extents shapes[] = {std::move(e)};
      return prepare(shapes);
    });
  }

  /// Gives the network threads; null returns it to the calling thread alone. The executor must outlive the runs.
  void use(executor* e) { adopt(plan_, e); }

  bool prepared() const noexcept { return plan_ != nullptr; }
  /// The shapes given to prepare, and those of the outputs for them; none before.
  std::span<const extents> input_shapes() const noexcept {
    return prepared() ? plan_->inputs : std::span<const extents>{};
  }
  std::span<const extents> output_shapes() const noexcept {
    return prepared() ? plan_->outputs : std::span<const extents>{};
  }
  /// The first input and output as [C,H,W], without leading extents of 1; all 0 before prepare or where they are of a
  /// higher rank.
  shape3 input_shape() const noexcept { return prepared() ? to_shape3(plan_->inputs[0]) : shape3{}; }
  shape3 output_shape() const noexcept { return prepared() ? to_shape3(plan_->outputs[0]) : shape3{}; }
  /// Bytes of memory for activations and scratch that prepare has allocated.
  std::size_t activation_bytes() const noexcept { return runner_.bytes(); }
  /// Multiply-adds of one run for the prepared shapes, as the operators define them.
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

  /// Computes all outputs from all inputs, contiguous and row-major, of the prepared shapes. No span may overlap an
  /// output.
  /// Allocates nothing. errc::invalid_argument before prepare or where the numbers of inputs or outputs differ,
  /// errc::bad_shape where a span has not as many elements as the shape.
  status run_to(std::span<const std::span<const float>> inputs, std::span<const std::span<float>> outputs) {
    if (!prepared()) return aecnn::detail::fail(errc::invalid_argument, "run before prepare");
    const plan& p = *plan_;
    if (inputs.size() != p.inputs.size() || outputs.size() != p.outputs.size())
      return aecnn::detail::fail(errc::invalid_argument, "run with ", inputs.size(), " inputs and ", outputs.size(),
                                 " outputs, expected ", p.inputs.size(), " and ", p.outputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (auto s = expect("input", i, inputs[i].size(), p.inputs[i]); !s) return s;
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (auto s = expect("output", i, outputs[i].size(), p.outputs[i]); !s) return s;
    float** const table = runner_.bind(p.memory);
    // Steps do not write the buffers of inputs.
    for (std::size_t i = 0; i < inputs.size(); ++i) table[p.code.inputs[i]] = const_cast<float*>(inputs[i].data());
    for (std::size_t i = 0; i < outputs.size(); ++i) table[p.code.outputs[i]] = outputs[i].data();
    runner_.run(p.code.steps, p.memory);
    return {};
  }
  /// The same for a network of one input and one output.
  status run_to(std::span<const float> input, std::span<float> output) {
    return run_to(std::span(&input, 1), std::span(&output, 1));
  }

  /// The outputs for the inputs, in the graph's order. Calls prepare where a shape differs from the prepared one.
  result<std::vector<array>> try_run(std::span<const array> inputs) {
    return aecnn::detail::guarded([&]() -> result<std::vector<array>> {
      std::vector<extents> shapes;
      std::vector<std::span<const float>> in;
      for (const array& a : inputs) {
        shapes.emplace_back(a.shape().begin(), a.shape().end());
        in.emplace_back(a.data(), a.size());
      }
      if (!prepared() || !std::equal(shapes.begin(), shapes.end(), plan_->inputs.begin(), plan_->inputs.end()))
        if (auto s = prepare(shapes); !s) return s.error();
      std::vector<array> out;
      std::vector<std::span<float>> to;
      for (const extents& e : plan_->outputs) {
        out.emplace_back(array::shape_type(e.begin(), e.end()));
        to.emplace_back(out.back().data(), out.back().size());
      }
      if (auto s = run_to(in, to); !s) return s.error();
      return out;
    });
  }
  /// As try_run; throws `aecnn::error`.
  std::vector<array> run(std::span<const array> inputs) { return try_run(inputs).value(); }

  /// The outputs by name for the inputs by name. errc::missing_field where an input has no value, errc::bad_field where
  /// a name is not an input's.
  result<std::vector<std::pair<std::string, array>>> try_run(std::span<const std::pair<std::string, array>> inputs) {
    return aecnn::detail::guarded([&]() -> result<std::vector<std::pair<std::string, array>>> {
      if (source_ == nullptr) return aecnn::detail::fail(errc::invalid_argument, "the network is empty");
      const graph& g = *source_->nodes;
      std::vector<array> ordered;
      for (const std::string& name : g.inputs) {
        const auto it = std::find_if(inputs.begin(), inputs.end(), [&](const auto& i) { return i.first == name; });
        if (it == inputs.end())
          return aecnn::detail::fail(errc::missing_field, "network input '", name, "' has no value");
        ordered.push_back(it->second);
      }
      for (const auto& i : inputs)
        if (std::find(g.inputs.begin(), g.inputs.end(), i.first) == g.inputs.end())
          return aecnn::detail::fail(errc::bad_field, "the network has no input '", i.first, "'");
      auto out = try_run(std::span<const array>(ordered));
      if (!out) return out.error();
      std::vector<std::pair<std::string, array>> named;
      for (std::size_t i = 0; i < out->size(); ++i) named.emplace_back(g.outputs[i], std::move((*out)[i]));
      return named;
    });
  }

  /// The output for x, any xtensor expression, of a network of one input and one output. A batch [N,...] of a network
  /// that declares a batch of 1 or none is computed item by item; a [C,H,W] stands for [1,C,H,W] where the network
  /// takes rank 4, and the output then has no batch either.
  template <class X>
  result<array> try_run(const xt::xexpression<X>& x) {
    return aecnn::detail::guarded([&]() -> result<array> {
      const array input = x.derived_cast();
      if (source_ == nullptr) return aecnn::detail::fail(errc::invalid_argument, "the network is empty");
      const graph& g = *source_->nodes;
      if (g.inputs.size() != 1 || g.outputs.size() != 1)
        return aecnn::detail::fail(errc::invalid_argument, "the network has ", g.inputs.size(), " inputs and ",
                                   g.outputs.size(), " outputs, expected 1 and 1");
      extents shape(input.shape().begin(), input.shape().end());
      const std::size_t rank = g.input_shapes.empty() ? 4 : g.input_shapes[0].size();
      const bool without_batch = shape.size() + 1 == rank;
      if (without_batch) shape.insert(shape.begin(), 1);
      if (g.input_shapes.empty() && shape.size() != 4)
        return aecnn::detail::fail(errc::bad_shape, "input of rank ", input.dimension(),
                                   ", expected [C,H,W] or [N,C,H,W]");
      const bool item_by_item = !shape.empty() && shape[0] > 1 &&
                                (g.input_shapes.empty() || g.input_shapes[0].empty() || g.input_shapes[0][0] <= 1);
      const std::size_t items = item_by_item ? static_cast<std::size_t>(shape[0]) : 1;
      if (item_by_item) shape[0] = 1;
      if (!prepared() || plan_->inputs[0] != shape) {
        const extents shapes[] = {shape};
        if (auto s = prepare(shapes); !s) return s.error();
      }
      extents out = plan_->outputs[0];
      const std::size_t in_size = element_count(shape), out_size = element_count(out);
      if (item_by_item) {
        if (out.empty() || out[0] != 1)
          return aecnn::detail::fail(errc::bad_shape, "output of shape ", nn::to_string(out),
                                     " for one item, expected a first extent of 1");
        out[0] = static_cast<std::int64_t>(items);
      } else if (without_batch && !out.empty() && out[0] == 1) {
        out.erase(out.begin());
      }
      array output(array::shape_type(out.begin(), out.end()));
      for (std::size_t i = 0; i < items; ++i)
        if (auto s = run_to(std::span<const float>(input.data() + i * in_size, in_size),
                            std::span<float>(output.data() + i * out_size, out_size));
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
  /// What all copies of a network share.
  struct checked_graph {
    std::shared_ptr<const graph> nodes;
    std::vector<std::size_t> order;
    network_options options;
  };
  /// What all copies that are prepared for the same shapes share.
  struct plan {
    std::vector<extents> inputs, outputs;
    program code;
    placement memory;
  };

  bool declares_shapes() const noexcept {
    const graph& g = *source_->nodes;
    for (const extents& e : g.input_shapes)
      for (const std::int64_t extent : e)
        if (extent < 1) return false;
    return !g.input_shapes.empty();
  }

  status check(std::span<const extents> shapes) const {
    const graph& g = *source_->nodes;
    const limits& b = source_->options.bounds;
    if (shapes.size() != g.inputs.size())
      return aecnn::detail::fail(errc::invalid_argument, "prepare for ", shapes.size(), " inputs, the network has ",
                                 g.inputs.size());
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const extents& e = shapes[i];
      std::size_t n = 1;
      bool fits = e.size() <= max_rank, zero = false;
      for (const std::int64_t extent : e) {
        zero = zero || extent < 1;
        fits = fits &&
               (extent < 1 || (aecnn::detail::multiply(n, static_cast<std::size_t>(extent), n) && n <= b.max_elements));
      }
      if (e.size() == 4)
        fits = fits && static_cast<std::uint64_t>(e[1]) <= b.max_channels &&
               static_cast<std::uint64_t>(e[2]) <= b.max_extent && static_cast<std::uint64_t>(e[3]) <= b.max_extent;
      if (zero)
        return aecnn::detail::fail(errc::bad_shape, "network input '", g.inputs[i], "': shape ", nn::to_string(e),
                                   " has an extent of 0");
      if (!fits)
        return aecnn::detail::fail(errc::limit_exceeded, "network input '", g.inputs[i], "': shape ", nn::to_string(e),
                                   " is above the limits of ", b.max_channels, " channels, extent ", b.max_extent, ", ",
                                   b.max_elements, " elements");
      if (g.input_shapes.empty()) continue;
      const extents& declared = g.input_shapes[i];
      bool same = declared.size() == e.size();
      for (std::size_t k = 0; same && k < e.size(); ++k) same = k == 0 || declared[k] < 1 || declared[k] == e[k];
      if (!same)
        return aecnn::detail::fail(errc::bad_shape, "network input '", g.inputs[i], "': shape ", nn::to_string(e),
                                   ", the network declares ", nn::to_string(declared));
    }
    return {};
  }

  static status expect(std::string_view what, std::size_t i, std::size_t found, const extents& shape) {
    if (found == element_count(shape)) return {};
    return aecnn::detail::fail(errc::bad_shape, what, " ", i, " has ", found, " elements, expected ",
                               nn::to_string(shape));
  }

  /// A network without memory for the plan keeps the plan and the executor it had.
  void adopt(std::shared_ptr<const plan> p, executor* e) {
    runner_.adopt(p == nullptr ? nullptr : &p->memory, e);
    plan_ = std::move(p);
  }

  std::shared_ptr<const checked_graph> source_;
  std::shared_ptr<const plan> plan_;
  aecnn::nn::detail::runner runner_;
};

/// Multiply-adds of a graph for an input of the given shape. Allocates the memory that a run would need.
inline result<std::uint64_t> multiply_adds(const graph& g, const shape3& input, const limits& bounds = {}) {
  auto n = network::create(g, bounds);
  if (!n) return n.error();
  if (auto s = n->prepare(input); !s) return s.error();
  return n->multiply_adds();
}

} // namespace aecnn::nn
