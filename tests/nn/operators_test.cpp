#include <aecnn/nn/operators.hpp>
#include <aecnn/nn/operators/standard.hpp>

#include <catch_compat.hpp>

namespace nn = aecnn::nn;

namespace {

aecnn::result<std::unique_ptr<nn::operation>> refuse(nn::node_reader& r) {
  r.fail(aecnn::errc::unsupported, "is refused");
  return r.error();
}

} // namespace

TEST_CASE("operators: a table takes, replaces and finds makers by name", "[nn]") {
  nn::operator_set s;
  CHECK(s.find("Relu") == nullptr);
  CHECK(s.begin() == s.end());
  s.add("Relu", refuse);
  CHECK(s.find("Relu") == refuse);
  CHECK(s.find("relu") == nullptr);
  nn::operator_set mine = nn::operator_set::standard();
  CHECK(mine.find("Relu") != refuse);
  mine.add("Relu", refuse);
  CHECK(mine.find("Relu") == refuse);
  CHECK(nn::operator_set::standard().find("Relu") != refuse);
}

TEST_CASE("operators: the library's own", "[nn]") {
  const nn::operator_set& s = nn::operator_set::standard();
  for (const char* name : {"Conv",
                           "ConvTranspose",
                           "BatchNormalization",
                           "InstanceNormalization",
                           "Relu",
                           "LeakyRelu",
                           "PRelu",
                           "Clip",
                           "Sigmoid",
                           "HardSigmoid",
                           "HardSwish",
                           "Tanh",
                           "Elu",
                           "Erf",
                           "Softmax",
                           "Add",
                           "Sub",
                           "Mul",
                           "Div",
                           "Min",
                           "Max",
                           "Pow",
                           "Sqrt",
                           "Exp",
                           "Abs",
                           "Neg",
                           "Concat",
                           "Split",
                           "Slice",
                           "Pad",
                           "Flatten",
                           "Reshape",
                           "Transpose",
                           "Squeeze",
                           "Unsqueeze",
                           "Identity",
                           "Dropout",
                           "Constant",
                           "Cast",
                           "MaxPool",
                           "AveragePool",
                           "GlobalAveragePool",
                           "GlobalMaxPool",
                           "ReduceMean",
                           "ReduceMax",
                           "ReduceSum",
                           "Gemm",
                           "MatMul",
                           "DepthToSpace",
                           "SpaceToDepth",
                           "Resize",
                           "Upsample",
                           "Shape",
                           "Gather",
                           "ConstantOfShape",
                           "Range",
                           "DequantizeLinear"}) {
    CAPTURE(name);
    CHECK(s.find(name) != nullptr);
  }
  std::size_t count = 0;
  for (const auto& entry : s) count += entry.second != nullptr ? 1U : 0U;
  CHECK(count >= 57);
}
