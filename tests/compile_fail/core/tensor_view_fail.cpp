// What as_view and tensor_view refuse at compile time.
// case 1: tensor_like
// case 2: tensor_like
// case 3: tensor_like|view_traits
// case 4: quantized_view
// case 5: tensor_view<float>
// case 6: conversion from .*tensor_view<double>
// case 7: feature_element
// case 8: feature_element
// case 9: feature_element
#include <cstdint>
#include <string>
#include <vector>

#include <aecnn/core/tensor_view.hpp>

struct unknown_tensor {
  float* data;
};

struct half_like {
  std::uint16_t bits;
  explicit operator float() const { return static_cast<float>(bits); }
};

struct no_number {};

template <aecnn::feature_element T>
void takes_element(const T&) {}

void all(float* p, const float* q) {
  static_cast<void>(q);
  // These compile in every case.
  auto view = aecnn::tensor_view<float>::chw(p, 1, 2, 3);
  aecnn::tensor_view<const float> reading = view;
  static_cast<void>(aecnn::as_view(view));
  static_cast<void>(aecnn::as_view(reading));
  takes_element(1.0f);
  takes_element(1.0);
  takes_element(half_like{});
#if AECNN_CASE == 1 // a type without view_traits
  unknown_tensor x{p};
  static_cast<void>(aecnn::as_view(x));
#elif AECNN_CASE == 2 // a vector has no shape
  std::vector<float> x(6);
  static_cast<void>(aecnn::as_view(x));
#elif AECNN_CASE == 3 // a pointer has no shape
  static_cast<void>(aecnn::try_as_view(p));
#elif AECNN_CASE == 4 // only 8-bit integers are quantised elements
  aecnn::quantized_view<std::int32_t> x;
#elif AECNN_CASE == 5 // read access does not become write access
  aecnn::tensor_view<float> writing = reading;
#elif AECNN_CASE == 6 // double elements are not float elements
  aecnn::tensor_view<const float> other = aecnn::tensor_view<double>{};
#elif AECNN_CASE == 7 // an integer without a scale
  takes_element(std::int8_t{1});
#elif AECNN_CASE == 8
  takes_element(no_number{});
#elif AECNN_CASE == 9
  takes_element(std::string{});
#endif
}
