#include <aecnn/nn/operators/standard.hpp>

#include "evaluate.hpp"

using namespace evaluate;

TEST_CASE("operators: the standard set takes operators of one's own", "[nn]") {
  const nn::operator_set& standard = nn::operator_set::standard();
  for (const char* name :
       {"Conv", "ConvTranspose", "BatchNormalization", "Relu", "Gemm", "MatMul", "Resize", "Range", "Cast"})
    CHECK(standard.find(name) != nullptr);
  CHECK(standard.find("LSTM") == nullptr);
  nn::operator_set mine = standard;
  mine.add("Double", standard.find("Identity"));
  CHECK(mine.find("Double") == standard.find("Identity"));
  CHECK(standard.find("Double") == nullptr);
}

TEST_CASE("operators: none accepts a node without inputs, outputs or sense", "[nn]") {
  for (const auto& [name, maker] : nn::operator_set::standard()) {
    INFO(name);
    CHECK(error_of(name, {}) != errc{});
    CHECK(error_of(name, {}, {}, 0) != errc{});
    CHECK(error_of(name, {left_out(), left_out(), left_out()}) != errc{});
    CHECK(error_of(name, {counting({2, 2})}, {{"no_such_attribute", std::int64_t{1}}}) != errc{});
    value huge = counting({0});
    huge.type.shape = {0, std::int64_t{1} << 62};
    CHECK(error_of(name, {huge, huge, huge, huge, huge}) != errc{});
  }
}
