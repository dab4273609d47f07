// The quantizer component: latents to symbols and back. A latent is a value in integer units of the quantizer's choosing, for
// channel k of those that are sent.
//
//   levels(), zero()        the alphabet 0..levels-1 and the symbol of zero
//   latents(k, factor, in, out)   the latents of 64 values in[i] * factor; the top bit of the result is set where a value is not
//                           finite. A projection's latents come from elsewhere: only offset(k) is then subtracted
//   symbols(k, factor, in, out)   the symbols of 64 values, as quantise() of latents() would give them
//   quantise(k, latent)     the symbol of a latent
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
concept quantizer = requires(const Q& q, std::size_t k, std::int32_t latent, const float* values, std::int32_t* latents,
                             symbol s, symbol* symbols) {
  { q.levels() } -> std::convertible_to<std::uint32_t>;
  { q.zero() } -> std::convertible_to<std::uint32_t>;
  { q.offset(k) } -> std::convertible_to<std::int32_t>;
  { q.latents(k, 1.0F, values, latents) } -> std::convertible_to<std::uint32_t>;
  { q.symbols(k, 1.0F, values, symbols) } -> std::convertible_to<std::uint32_t>;
  { q.quantise(k, latent) } -> std::same_as<symbol>;
  { q.point(k, s) } -> std::convertible_to<std::int32_t>;
  { q.value(k, s) } -> std::convertible_to<float>;
};

} // namespace aecnn
