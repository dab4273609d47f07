// The selector component: which channels of a feature tensor the device sends.
//
// A selector has (a `create(selector_parameters, channels)` besides where it is to be made from a profile)
//   - `candidates()`: the channels that may be sent, increasing, each below the tensor's channels. The decoder knows
//     them from the profile;
//   - `per_input()`: false where every candidate is always sent. Otherwise the encoder asks choose() for each tensor,
//     and the mask travels in the stream, coded by the entropy coder;
//   - `choose(x, mask, workspace)`: sets mask[i] to 1 where candidates()[i] is sent for the tensor x, and to 0
//     elsewhere. mask has candidates().size() elements; at least one is 1. The view x is a tensor_view<const T> or a
//     quantized_view. Failures are returned. After the first call with a workspace it does not allocate; the selector
//     itself is constant and shared by threads, each of which has a workspace of its own.
// A choice shapes the bytes: two machines with the same tensor must make the same one, so it should be made in integers
// (core/fixed_point.hpp says how to get there).
//
// A selector of your own may look at anything: a region of interest, the symbols' cost, a schedule. It replaces the
// default as the first template argument of basic_encoder.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <aecnn/core/error.hpp>
#include <aecnn/core/tensor_view.hpp>

namespace aecnn {

template <class S>
concept selector = requires(const S& s, const tensor_view<const float>& x, std::span<std::uint8_t> mask,
                            typename S::workspace& w) {
  { s.candidates() } -> std::convertible_to<std::span<const std::uint16_t>>;
  { s.per_input() } -> std::convertible_to<bool>;
  { s.choose(x, mask, w) } -> std::same_as<status>;
};

} // namespace aecnn
