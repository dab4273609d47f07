// The entropy coder of encoder and decoder: context_coder, or that of the mode it is set to. All modes take the same parameters
// and code the same symbols.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/symbol.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/entropy/context_coder.hpp>
#include <aecnn/entropy/mode.hpp>
#include <aecnn/entropy/parameters.hpp>

namespace aecnn {

/// An `entropy_coder` with modes. Not to be shared between threads. A template so that a program that includes it and does not use it
/// does not pay for compiling it.
template <class ContextCoder>
class basic_symbol_coder {
public:
  using parameters = context_parameters;

  /// A coder for planes of `channels` channels, in the standard mode; fails like context_coder::check().
  static result<basic_symbol_coder> create(const parameters& p, std::size_t channels) {
    auto coder = ContextCoder::create(p, channels);
    if (!coder) return coder.error();
    return basic_symbol_coder(channels, std::move(*coder));
  }

  entropy_mode mode() const noexcept { return mode_; }
  /// What encode() and decode() use from now on. A mode's coder is made when it is first asked for, and kept.
  status set_mode(const entropy_mode& m) {
    if (m.create != nullptr) {
      if (others_.size() <= m.id) others_.resize(m.id + std::size_t{1});
      if (!others_[m.id]) {
        auto coder = m.create(standard_.get_parameters(), channels_);
        if (!coder) return coder.error();
        others_[m.id] = std::move(*coder);
      }
    }
    mode_ = m;
    return {};
  }

  bool coded_mask() const noexcept { return standard_.coded_mask(); }

  /// As context_coder::encode().
  status encode(std::span<const symbol> symbols, shape3 shape, std::span<const std::uint8_t> mask, std::vector<std::byte>& out) {
    return mode_ == standard_mode ? standard_.encode(symbols, shape, mask, out) : others_[mode_.id]->encode(symbols, shape, mask, out);
  }
  /// As context_coder::encode_chosen(); the choice, by the prices of context_coder's models, does not depend on the mode.
  template <class Choose>
  status encode_chosen(std::span<symbol> symbols, shape3 shape, std::span<const std::uint8_t> mask, std::vector<std::byte>& out,
                       Choose&& choose) {
    if (mode_ == standard_mode) return standard_.encode_chosen(symbols, shape, mask, out, choose);
    if (auto s = standard_.choose(symbols, shape, mask, choose); !s) return s;
    return others_[mode_.id]->encode(symbols, shape, mask, out);
  }
  /// As context_coder::decode().
  status decode(std::span<const std::byte> payload, shape3 shape, std::span<std::uint8_t> mask, std::span<symbol> symbols) {
    return mode_ == standard_mode ? standard_.decode(payload, shape, mask, symbols) : others_[mode_.id]->decode(payload, shape, mask, symbols);
  }

private:
  basic_symbol_coder(std::size_t channels, ContextCoder standard) : channels_(channels), standard_(std::move(standard)) {}

  std::size_t channels_;
  entropy_mode mode_;
  ContextCoder standard_;
  std::vector<any_coder> others_; ///< by id of their mode
};

using symbol_coder = basic_symbol_coder<context_coder>;

} // namespace aecnn
