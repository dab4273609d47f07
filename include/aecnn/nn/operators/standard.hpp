// Every operator of the library by its ONNX name.
#pragma once

#include <aecnn/core/config.hpp>
#include <aecnn/nn/operators.hpp>
#include <aecnn/nn/operators/arithmetic.hpp>
#include <aecnn/nn/operators/cast.hpp>
#include <aecnn/nn/operators/clip.hpp>
#include <aecnn/nn/operators/comparison.hpp>
#include <aecnn/nn/operators/concat.hpp>
#include <aecnn/nn/operators/constant.hpp>
#include <aecnn/nn/operators/convolution.hpp>
#include <aecnn/nn/operators/elementwise.hpp>
#include <aecnn/nn/operators/gather.hpp>
#include <aecnn/nn/operators/normalization.hpp>
#include <aecnn/nn/operators/pad.hpp>
#include <aecnn/nn/operators/pooling.hpp>
#include <aecnn/nn/operators/power.hpp>
#include <aecnn/nn/operators/product.hpp>
#include <aecnn/nn/operators/quantize.hpp>
#include <aecnn/nn/operators/rearrange.hpp>
#include <aecnn/nn/operators/reduce.hpp>
#include <aecnn/nn/operators/resize.hpp>
#include <aecnn/nn/operators/shape.hpp>
#include <aecnn/nn/operators/slice.hpp>
#include <aecnn/nn/operators/softmax.hpp>

namespace aecnn::nn {
namespace detail {

inline void add_convolutions(operator_set& s) {
  s.add("Conv", make_convolution);
  s.add("ConvTranspose", make_transposed_convolution);
  s.add("Gemm", make_gemm);
  s.add("MatMul", make_matrix_product);
  s.add("BatchNormalization", make_batch_normalization);
  s.add("InstanceNormalization", make_instance_normalization);
  s.add("MaxPool", make_max_pool);
  s.add("AveragePool", make_average_pool);
  s.add("GlobalMaxPool", make_global_pool<true>);
  s.add("GlobalAveragePool", make_global_pool<false>);
}

inline void add_elementwise(operator_set& s) {
  s.add("Relu", make_relu);
  s.add("LeakyRelu", make_leaky_relu);
  s.add("Clip", make_clip);
  s.add("Sigmoid", make_elementwise<function::sigmoid>);
  s.add("HardSigmoid", make_hard_sigmoid);
  s.add("HardSwish", make_elementwise<function::hard_swish>);
  s.add("Tanh", make_elementwise<function::tanh>);
  s.add("Elu", make_elu);
  s.add("Softplus", make_elementwise<function::softplus>);
  s.add("Exp", make_elementwise<function::exp>);
  s.add("Log", make_elementwise<function::log>);
  s.add("Sqrt", make_elementwise<function::sqrt>);
  s.add("Erf", make_elementwise<function::erf>);
  s.add("Reciprocal", make_elementwise<function::reciprocal>);
  s.add("Floor", make_elementwise<function::floor>);
  s.add("Ceil", make_elementwise<function::ceil>);
  s.add("Round", make_elementwise<function::round>);
  s.add("Abs", make_arithmetic<function::absolute, function::integer_absolute>);
  s.add("Neg", make_arithmetic<function::negative, function::integer_negative>);
  s.add("Not", make_not);
}

inline void add_arithmetic(operator_set& s) {
  s.add("Add", make_binary<binary_kind::add>);
  s.add("Sub", make_binary<binary_kind::subtract>);
  s.add("Mul", make_binary<binary_kind::multiply>);
  s.add("Div", make_binary<binary_kind::divide>);
  s.add("Pow", make_power);
  s.add("Mod", make_modulo);
  s.add("PRelu", make_parametric_relu);
  s.add("Min", make_variadic<binary_kind::minimum>);
  s.add("Max", make_variadic<binary_kind::maximum>);
  s.add("Sum", make_variadic<binary_kind::add>);
  s.add("Mean", make_variadic<binary_kind::add, true>);
}

inline void add_comparisons(operator_set& s) {
  s.add("Equal", make_comparison<relation::equal>);
  s.add("Less", make_comparison<relation::less>);
  s.add("LessOrEqual", make_comparison<relation::less_or_equal>);
  s.add("Greater", make_comparison<relation::greater>);
  s.add("GreaterOrEqual", make_comparison<relation::greater_or_equal>);
  s.add("And", make_comparison<relation::both>);
  s.add("Or", make_comparison<relation::either>);
  s.add("Where", make_where);
}

inline void add_reductions(operator_set& s) {
  s.add("ReduceSum", make_reduce<reduction::sum>);
  s.add("ReduceMean", make_reduce<reduction::mean>);
  s.add("ReduceMax", make_reduce<reduction::maximum>);
  s.add("ReduceMin", make_reduce<reduction::minimum>);
  s.add("ReduceProd", make_reduce<reduction::product>);
  s.add("ReduceSumSquare", make_reduce<reduction::square_sum>);
  s.add("ReduceL1", make_reduce<reduction::absolute_sum>);
  s.add("ReduceL2", make_reduce<reduction::norm>);
  s.add("Softmax", make_softmax<false>);
  s.add("LogSoftmax", make_softmax<true>);
}

inline void add_movement(operator_set& s) {
  s.add("Concat", make_concat);
  s.add("Split", make_split);
  s.add("Slice", make_slice);
  s.add("Pad", make_pad);
  s.add("Transpose", make_transpose);
  s.add("Expand", make_expand);
  s.add("DepthToSpace", make_depth_to_space);
  s.add("SpaceToDepth", make_space_to_depth);
  s.add("Reshape", make_reshape);
  s.add("Flatten", make_flatten);
  s.add("Squeeze", make_squeeze);
  s.add("Unsqueeze", make_unsqueeze);
  s.add("Identity", make_identity);
  s.add("Dropout", make_dropout);
  s.add("Gather", make_gather);
  s.add("Resize", make_resize);
  s.add("Upsample", make_upsample);
  s.add("Shape", make_shape);
  s.add("Size", make_size);
}

inline void add_constants(operator_set& s) {
  s.add("Constant", make_constant);
  s.add("ConstantOfShape", make_constant_of_shape);
  s.add("Range", make_range);
  s.add("Cast", make_cast);
  s.add("QuantizeLinear", make_quantize);
  s.add("DequantizeLinear", make_dequantize);
}

inline operator_set make_standard_operators() {
  operator_set s;
  add_convolutions(s);
  add_elementwise(s);
  add_arithmetic(s);
  add_comparisons(s);
  add_reductions(s);
  add_movement(s);
  add_constants(s);
  return s;
}

inline const operator_set& standard_operators() {
  static const operator_set all = make_standard_operators();
  return all;
}

} // namespace detail

#if !defined(AECNN_SEPARATE_NETWORK) // else in separate.hpp
inline const operator_set& operator_set::standard() { return detail::standard_operators(); }
#endif

} // namespace aecnn::nn
