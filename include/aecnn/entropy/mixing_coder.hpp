// The smallest entropy coder: symbol planes, channel by channel in raster order, through mixing_model into a range coder. Several
// times slower than context_coder and some percent smaller. Initial states are the same as context_coder's. Memory depends on the
// alphabet, not on the planes, but for three rows of them; O(symbols) time; integers only: the same bytes on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/core/buffer.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/symbol.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/entropy/context_coder.hpp>
#include <aecnn/entropy/mixing_model.hpp>
#include <aecnn/entropy/mode.hpp>
#include <aecnn/entropy/parameters.hpp>
#include <aecnn/entropy/range_coder.hpp>

namespace aecnn {

/// Codes planes of symbols [channels,height,width], 0..levels-1: an `entropy_coder`. Not to be shared between threads. Allocates only
/// at creation, when a wider plane than any before arrives, and when the output grows.
class mixing_coder {
public:
  using parameters = context_parameters;

  /// A coder for planes of `channels` channels; fails like context_coder::check().
  static result<mixing_coder> create(const parameters& p, std::size_t channels) {
    auto choice = context_coder::create(p, channels);
    if (!choice) return choice.error();
    return mixing_coder(p, std::move(*choice));
  }

  bool coded_mask() const noexcept { return choice_.coded_mask(); }

  /// As context_coder::encode().
  status encode(std::span<const symbol> symbols, shape3 shape, std::span<const std::uint8_t> mask, std::vector<std::byte>& out) {
    if (auto s = choice_.check_input(symbols, shape); !s) return s;
    range_encoder coder(out);
    if (auto s = choice_.put_mask(coder, mask); !s) return s;
    bit_writer writer{&coder};
    const auto zero = static_cast<std::int32_t>(parameters_.zero);
    traverse(symbols.data(), shape, mask, [&](std::size_t i, const neighbourhood& q) {
      return model_.code(writer, q, symbols[i] - zero);
    });
    coder.finish();
    return {};
  }

  /// As context_coder::encode_chosen(). The symbols are chosen by the prices of context_coder's models, so that they are the same with
  /// either coder.
  template <class Choose>
  status encode_chosen(std::span<symbol> symbols, shape3 shape, std::span<const std::uint8_t> mask, std::vector<std::byte>& out,
                       Choose&& choose) {
    if (auto s = choice_.choose(symbols, shape, mask, choose); !s) return s;
    return encode(symbols, shape, mask, out);
  }

  /// As context_coder::decode().
  status decode(std::span<const std::byte> payload, shape3 shape, std::span<std::uint8_t> mask, std::span<symbol> symbols) {
    if (auto s = choice_.check_planes(symbols.size(), shape); !s) return s;
    range_decoder coder(payload);
    if (auto s = choice_.get_mask(coder, mask); !s) return s;
    const auto zero = static_cast<std::int32_t>(parameters_.zero);
    for (std::size_t i = 0; i < symbols.size(); ++i) symbols[i] = static_cast<symbol>(zero);
    bool out_of_range = false;
    bit_reader reader{&coder};
    traverse(symbols.data(), shape, coded_mask() ? std::span<const std::uint8_t>(mask) : std::span<const std::uint8_t>(),
             [&](std::size_t i, const neighbourhood& q) {
               std::int32_t d = model_.code(reader, q, 0);
               if (static_cast<std::uint32_t>(d + zero) >= parameters_.levels) {
                 out_of_range = true;
                 d = 0;
               }
               symbols[i] = static_cast<symbol>(d + zero);
               return d;
             },
             // What no encoder wrote is not decoded to its end.
             [&] { return out_of_range || coder.outside(); });
    if (out_of_range) return failure{errc::corrupt, "payload: a symbol is outside the levels of its plane"};
    return coder.finish();
  }

  /// Runs the model over `symbols` with any bit coder in the place of the range coder (mixing_model::code), to compute ideal code
  /// lengths. The mask is not coded.
  template <class BitCoder>
  status run(std::span<const symbol> symbols, shape3 shape, std::span<const std::uint8_t> mask, BitCoder& coder) {
    if (auto s = choice_.check_input(symbols, shape); !s) return s;
    const auto zero = static_cast<std::int32_t>(parameters_.zero);
    traverse(symbols.data(), shape, mask, [&](std::size_t i, const neighbourhood& q) {
      return model_.code(coder, q, symbols[i] - zero);
    });
    return {};
  }

private:
  mixing_coder(const parameters& p, context_coder choice) : parameters_(p), choice_(std::move(choice)), model_(p) {}

  struct bit_writer {
    range_encoder* coder;
    unsigned code(unsigned bit, std::uint32_t p1) const {
      coder->encode(bit, p1);
      return bit;
    }
  };
  struct bit_reader {
    range_decoder* coder;
    unsigned code(unsigned, std::uint32_t p1) const noexcept { return coder->decode(p1); }
  };

  struct never {
    bool operator()() const noexcept { return false; }
  };
  // Visits every symbol of the sent channels with its neighbourhood; visit() returns the symbol's distance from zero. Ends before a row
  // where stop() says so.
  template <class Visit, class Stop = never>
  void traverse(const symbol* symbols, shape3 shape, std::span<const std::uint8_t> mask, Visit&& visit, Stop&& stop = {}) {
    model_.start();
    const std::size_t width = shape.width;
    detail::resize(rows_, 3 * width);
    const auto zero = static_cast<std::int32_t>(parameters_.zero);
    std::int32_t* here = rows_.data();
    std::int32_t* above = here + width;
    std::int32_t* second = above + width;
    std::size_t i = 0;
    for (std::size_t channel = 0; channel < shape.channels; ++channel) {
      if (!mask.empty() && mask[channel] == 0) {
        i += shape.area();
        continue;
      }
      const std::uint16_t reference = parameters_.reference.empty() ? parameters::no_reference : parameters_.reference[channel];
      const symbol* other = reference == parameters::no_reference ? nullptr : symbols + reference * shape.area();
      model_.start_channel(parameters_.channel_class.empty() ? 0 : parameters_.channel_class[channel], other != nullptr);
      for (std::size_t y = 0; y < shape.height; ++y) {
        if (stop()) return;
        for (std::size_t x = 0; x < width; ++x, ++i) {
          neighbourhood q;
          q.first = x == 0 && y == 0;
          q.w = x > 0 ? here[x - 1] : y > 0 ? above[0] : 0;
          q.n = y > 0 ? above[x] : q.w;
          q.nw = x > 0 && y > 0 ? above[x - 1] : q.n;
          q.ne = y > 0 && x + 1 < width ? above[x + 1] : q.n;
          q.ww = x > 1 ? here[x - 2] : q.w;
          q.nn = y > 1 ? second[x] : q.n;
          if (other != nullptr) {
            const symbol* o = other + y * width + x;
            q.same = o[0] - zero;
            q.east = x + 1 < width ? o[1] - zero : q.same;
            q.south = y + 1 < shape.height ? o[width] - zero : q.same;
          }
          here[x] = visit(i, q);
        }
        std::int32_t* oldest = second;
        second = above;
        above = here;
        here = oldest;
      }
    }
  }

  parameters parameters_;
  context_coder choice_;
  mixing_model model_;
  std::vector<std::int32_t> rows_;
};

/// The mode for the fewest bytes.
inline constexpr entropy_mode max_mode{2, "max", &detail::make_mode_coder<mixing_coder>, true};

} // namespace aecnn
