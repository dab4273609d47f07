// From a graph and the shapes of its inputs to a program: infer.hpp, fuse.hpp, lower.hpp in one call. This is what a
// program that defines AECNN_SEPARATE_NETWORK compiles only once (core/config.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/instruction_set.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/nn/graph.hpp>
#include <aecnn/nn/operators.hpp>
#include <aecnn/nn/program.hpp>

#if !defined(AECNN_SEPARATE_NETWORK)
#include <aecnn/nn/compile_inline.hpp>
#endif

namespace aecnn::nn {

/// A graph whose names were checked (`order` is graph_index's), the shapes of its inputs, and how to run it.
struct compilation {
  std::shared_ptr<const graph> source;
  std::span<const std::size_t> order;
  std::span<const std::vector<std::int64_t>> input_shapes;
  const operator_set& operators;
  const limits& bounds;
  instruction_set highest;
  bool exact;
};

/// The program; errors are those of infer.
#if defined(AECNN_SEPARATE_NETWORK)
result<program> compile(const compilation& c);
#else
inline result<program> compile(const compilation& c) { return detail::compile(c); }
#endif

} // namespace aecnn::nn
