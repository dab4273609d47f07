// Which versions of ONNX's operators are read: 9 to 18, and from older files those operators that meant the same then
// (onnx.ai/onnx/operators, "since version"; changes that only added attributes or element types do not count).
#pragma once

#include <cstdint>
#include <string_view>

namespace aecnn::nn {

/// The versions of ONNX's operators of which a file may use all that the library has.
inline constexpr std::int64_t onnx_first_opset = 9, onnx_last_opset = 18;

namespace detail {

/// Whether an operator of a file older than onnx_first_opset means what it means since.
constexpr bool unchanged_since(std::string_view op_type, std::int64_t opset) noexcept {
  struct entry {
    std::string_view name;
    std::int64_t since;
  };
  constexpr entry entries[] = {{"Constant", 1},
                               {"Conv", 1},
                               {"ConvTranspose", 1},
                               {"DepthToSpace", 1},
                               {"Flatten", 1},
                               {"Gather", 1},
                               {"GlobalMaxPool", 1},
                               {"GlobalAveragePool", 1},
                               {"Identity", 1},
                               {"MatMul", 1},
                               {"MaxPool", 1},
                               {"Not", 1},
                               {"ReduceMax", 1},
                               {"ReduceMean", 1},
                               {"ReduceMin", 1},
                               {"ReduceSum", 1},
                               {"Shape", 1},
                               {"Softmax", 1},
                               {"LogSoftmax", 1},
                               {"Softplus", 1},
                               {"SpaceToDepth", 1},
                               {"Squeeze", 1},
                               {"Transpose", 1},
                               {"Unsqueeze", 1},
                               {"Pad", 2},
                               {"Split", 2},
                               {"Concat", 4},
                               {"Reshape", 5},
                               {"Abs", 6},
                               {"Cast", 6},
                               {"Ceil", 6},
                               {"Clip", 6},
                               {"Elu", 6},
                               {"Exp", 6},
                               {"Floor", 6},
                               {"HardSigmoid", 6},
                               {"InstanceNormalization", 6},
                               {"LeakyRelu", 6},
                               {"Log", 6},
                               {"Neg", 6},
                               {"Reciprocal", 6},
                               {"Relu", 6},
                               {"Sigmoid", 6},
                               {"Sqrt", 6},
                               {"Tanh", 6},
                               {"Add", 7},
                               {"AveragePool", 7},
                               {"Div", 7},
                               {"Dropout", 7},
                               {"Gemm", 7},
                               {"Mul", 7},
                               {"Pow", 7},
                               {"PRelu", 7},
                               {"Sub", 7},
                               {"And", 7},
                               {"Or", 7},
                               {"Expand", 8},
                               {"Max", 8},
                               {"Mean", 8},
                               {"Min", 8},
                               {"Sum", 8}};
  for (const entry& e : entries)
    if (e.name == op_type) return opset >= e.since;
  return false;
}

} // namespace detail
} // namespace aecnn::nn
