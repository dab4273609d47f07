#include <aecnn/nn/operators.hpp>

#include <catch_compat.hpp>

namespace nn = aecnn::nn;

TEST_CASE("operators: found by their exact name", "[nn]") {
  for (const auto& entry : nn::operators) CHECK(nn::find_operator(entry.op_type) == entry.make);
  CHECK(nn::find_operator("conv") == nullptr);
  CHECK(nn::find_operator("") == nullptr);
}
