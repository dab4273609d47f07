// What makes an integer network of a graph, as data: how every value is quantised, and the integer weights of every
// convolution. Calibration writes it (calibrate.hpp), quantized_network runs it; a profile can store it. Whatever
// depends on floating-point arithmetic has been computed by then, so that a stored quantisation gives the same output
// on every machine.
//
//   value = scale * (q - zero), q in 0..255       activations, one scale a tensor
//   weight = scale[o] * q, q in -127..127          weights, one scale an output channel
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace aecnn::nn {

/// How one value of a graph is quantised.
struct value_quantization {
  std::string name;      ///< the value's, in the graph
  float scale = 1;       ///< a normal number above 0
  std::int32_t zero = 0; ///< the integer that stands for 0; 0..255
  friend bool operator==(const value_quantization&, const value_quantization&) = default;
};

/// The integers of one convolution with what was folded into it.
struct convolution_quantization {
  std::string output;               ///< the name of the value that it makes, after what it is fused with
  std::vector<float> scales;        ///< of the weights, one an output channel
  std::vector<std::int8_t> weights; ///< in the order of the graph's weight
  std::vector<std::int32_t> bias;   ///< in units of the input's scale times the channel's
  friend bool operator==(const convolution_quantization&, const convolution_quantization&) = default;
};

struct quantization {
  std::vector<value_quantization> values;
  std::vector<convolution_quantization> convolutions;
  friend bool operator==(const quantization&, const quantization&) = default;
};

} // namespace aecnn::nn
