// The table of operators: from an ONNX operator name to the function that reads such a node.
#pragma once

#include <memory>
#include <string_view>

#include <aecnn/core/error.hpp>
#include <aecnn/core/instruction_set.hpp>
#include <aecnn/nn/convolution.hpp>
#include <aecnn/nn/convolution_transpose.hpp>
#include <aecnn/nn/elementwise.hpp>
#include <aecnn/nn/node_reader.hpp>
#include <aecnn/nn/operation.hpp>
#include <aecnn/nn/rearrange.hpp>

namespace aecnn::nn {

/// Reads a node into an operation; the failure names the node.
using operation_maker = result<std::unique_ptr<operation>> (*)(node_reader&, instruction_set);

struct operator_entry {
  std::string_view op_type;
  operation_maker make;
};

/// Every operator that a network may use.
inline constexpr operator_entry operators[] = {
    {"Add", make_binary<sum_of>},
    {"BatchNormalization", make_batch_normalization},
    {"Clip", make_clip},
    {"Concat", make_concat},
    {"Conv", make_convolution},
    {"ConvTranspose", make_convolution_transpose},
    {"DepthToSpace", make_depth_to_space},
    {"Identity", make_identity},
    {"LeakyRelu", make_leaky_relu},
    {"Mul", make_binary<product_of>},
    {"Relu", make_relu},
    {"Sigmoid", make_sigmoid},
};

/// The maker of an operator, or null where it is unknown.
inline operation_maker find_operator(std::string_view op_type) noexcept {
  for (const operator_entry& e : operators)
    if (e.op_type == op_type) return e.make;
  return nullptr;
}

} // namespace aecnn::nn
