// The encoder for profiles whose operating points may have analysis networks: the device side with nn's evaluator. It encodes
// the other operating points as aecnn::encoder does.
//
//   aecnn::analysis_encoder enc(profile);
//
// The network's floats are rounded to symbols, so devices of different instruction sets may choose other symbols for latents
// that lie near a boundary; what a stream decodes to is exact everywhere.
#pragma once

#include <aecnn/encoder.hpp>
#include <aecnn/nn/network.hpp>

namespace aecnn {

/// encoder, with nn::network for the analysis.
using analysis_encoder = basic_encoder<channel_selector, uniform_quantizer, symbol_coder, nn::network>;

} // namespace aecnn
