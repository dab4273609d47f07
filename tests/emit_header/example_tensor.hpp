// The tensor that generator and consumers encode, [6,4,5] by formula.
#pragma once

#include <vector>

#include <aecnn/core/tensor_view.hpp>

inline std::vector<float> example_tensor() {
  std::vector<float> x;
  for (int i = 0; i < 6 * 4 * 5; ++i) x.push_back(0.02f * static_cast<float>(i * 37 % 101 - 50));
  return x;
}

inline aecnn::tensor_view<const float> example_view(const std::vector<float>& x) {
  return aecnn::tensor_view<const float>::chw(x.data(), 6, 4, 5);
}
