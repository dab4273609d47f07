// The reconstructor component: the decoder network, from dequantised latents [L,h,w] to the tensor [C,H,W].
//
//   prepare(shape)          plans for latents of that shape; cheap where it has not changed
//   output_shape()          of the prepared plan; its height and width are at least the tensor's, the rest is cut off
//   run_to(in, out)         runs it; no allocation
//
// Failures are returned. To be made from a profile a reconstructor also has create(nn::graph, limits). nn::network is
// the default; another replaces it as the third template argument of basic_decoder.
#pragma once

#include <concepts>
#include <span>

#include <aecnn/core/error.hpp>
#include <aecnn/core/tensor_view.hpp>

namespace aecnn {

template <class R>
concept reconstructor = requires(R& r, const R& c, shape3 shape, std::span<const float> in, std::span<float> out) {
  { r.prepare(shape) } -> std::same_as<status>;
  { c.output_shape() } -> std::same_as<shape3>;
  { r.run_to(in, out) } -> std::same_as<status>;
};

} // namespace aecnn
