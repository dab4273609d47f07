// The quantizer component: latents to symbols and back. A latent is a value in integer units of the quantizer's choosing, for
// channel k of those that are sent.
//
//   levels(), zero()        the alphabet 0..levels-1 and the symbol of zero
//   scale(k), offset(k)     latent = truncate(value * scale) - offset
//   quantise(k, latent)     the symbol of a latent; quantise_block(k, latents, symbols) of 64 of them
//   point(k, s)             the latent that symbol s stands for
//   value(k, s)             the value that symbol s stands for
//
// Deterministic in integers: the same latent gives the same symbol on every machine. To be made from a profile a quantizer
// also has create(uniform_parameters, channels, direct). Replaces the default as the second template argument of
// basic_encoder and the first of basic_decoder (examples/custom_component).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <aecnn/core/symbol.hpp>

namespace aecnn {

template <class Q>
concept quantizer = requires(const Q& q, std::size_t k, std::int32_t latent, const std::int32_t* latents, symbol s,
                             symbol* symbols) {
  { q.levels() } -> std::convertible_to<std::uint32_t>;
  { q.zero() } -> std::convertible_to<std::uint32_t>;
  { q.scale(k) } -> std::convertible_to<float>;
  { q.offset(k) } -> std::convertible_to<std::int32_t>;
  { q.quantise(k, latent) } -> std::same_as<symbol>;
  q.quantise_block(k, latents, symbols);
  { q.point(k, s) } -> std::convertible_to<std::int32_t>;
  { q.value(k, s) } -> std::convertible_to<float>;
};

} // namespace aecnn
