// The entropy coder component: symbol planes [L,h,w] to bytes and back, exactly.
//
//   coded_mask()            whether the payload starts with the mask of sent channels
//   encode(symbols, shape, mask, out)            appends the payload
//   encode_chosen(symbols, shape, mask, out, f)  the same, where f(index, k, price) picks each symbol of channel k and
//                                                price(s) is what symbol s would cost there, in 1/256 bit
//   decode(payload, shape, mask, symbols)        the inverse; refuses what is not a payload, reads nothing beyond it
//
// `mask` has an entry per channel where coded_mask(), else none. Deterministic in integers: the same symbols give the same bytes
// on every machine. Failures are returned. To be made from a profile a coder also has create(context_parameters,
// channels). Replaces the default as the third template argument of basic_encoder and the second of basic_decoder.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/symbol.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/entropy/mode.hpp>

namespace aecnn {

namespace detail {
/// Stands for any function that picks symbols, to check encode_chosen in the concept below.
struct any_choice {
  template <class Price>
  symbol operator()(std::size_t, std::size_t, const Price& price) const {
    return static_cast<symbol>(price(symbol{0}) & 1);
  }
};
} // namespace detail

template <class E>
concept entropy_coder = requires(E& e, const E& c, std::span<const symbol> symbols, std::span<symbol> out_symbols,
                                 shape3 shape, std::span<const std::uint8_t> mask, std::span<std::uint8_t> out_mask,
                                 std::vector<std::byte>& out, std::span<const std::byte> payload) {
  { c.coded_mask() } -> std::convertible_to<bool>;
  { e.encode(symbols, shape, mask, out) } -> std::same_as<status>;
  { e.encode_chosen(out_symbols, shape, mask, out, detail::any_choice{}) } -> std::same_as<status>;
  { e.decode(payload, shape, out_mask, out_symbols) } -> std::same_as<status>;
};

/// An entropy coder that can be set to a mode (mode.hpp); the others have the standard mode alone.
template <class E>
concept multi_mode_coder = entropy_coder<E> && requires(E& e, const entropy_mode& m) {
  { e.set_mode(m) } -> std::same_as<status>;
};

} // namespace aecnn
