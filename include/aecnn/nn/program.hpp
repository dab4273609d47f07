// A compiled network: steps on buffers, for inputs of fixed shapes.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <aecnn/nn/infer.hpp>
#include <aecnn/nn/steps/step.hpp>

namespace aecnn::nn {

/// What a network runs, for inputs of fixed shapes.
struct program {
  typed_graph graph; ///< owns the operations and constants that the steps read
  std::vector<std::unique_ptr<step>> steps;
  std::vector<std::size_t> buffer_sizes;    ///< floats
  std::vector<std::size_t> inputs, outputs; ///< buffers that the caller brings, in the graph's order
};

} // namespace aecnn::nn
