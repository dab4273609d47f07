// The default entropy coder: symbol planes, channel by channel in raster order, through adaptive binary contexts
// (context.hpp) into a range coder. Initial states may come from a profile, so that short payloads start with a model
// of the data. O(1) memory per context, O(symbols) time; integers only: the same bytes on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <aecnn/core/buffer.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/symbol.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/entropy/code_length.hpp>
#include <aecnn/entropy/context.hpp>
#include <aecnn/entropy/parameters.hpp>
#include <aecnn/entropy/range_coder.hpp>

namespace aecnn {

/// Codes planes of symbols [channels,height,width], 0..levels-1. A component: see `entropy_coder` in concepts.hpp.
/// Not to be shared between threads; cheap to create from shared parameters. Allocates only at creation, when a wider
/// plane than any before arrives, and when the output grows.
template <class BitModel>
class basic_context_coder {
public:
  using parameters = context_parameters;

  /// Checks the parameters for planes of `channels` channels. errc::bad_field names the one at fault.
  static status check(const parameters& p, std::size_t channels) {
    if (p.levels < 2 || p.levels > 65536) return detail::fail(errc::bad_field, "entropy levels: ", p.levels, ", expected 2 to 65536");
    if (p.zero >= p.levels) return detail::fail(errc::bad_field, "entropy zero: ", p.zero, ", expected below ", p.levels);
    if (p.classes < 1) return detail::fail(errc::bad_field, "entropy classes: 0, expected at least 1");
    if (!p.reference.empty() && p.reference.size() != channels)
      return detail::fail(errc::bad_field, "entropy reference: ", p.reference.size(), " entries, expected ", channels);
    for (std::size_t c = 0; c < p.reference.size(); ++c)
      if (p.reference[c] != parameters::no_reference && p.reference[c] >= c)
        return detail::fail(errc::bad_field, "entropy reference of channel ", c, ": ", p.reference[c],
                            ", expected an earlier channel");
    if (!p.channel_class.empty() && p.channel_class.size() != channels)
      return detail::fail(errc::bad_field, "entropy channel classes: ", p.channel_class.size(), " entries, expected ",
                          channels);
    for (const auto k : p.channel_class)
      if (k >= p.classes) return detail::fail(errc::bad_field, "entropy channel class: ", +k, ", expected below ", +p.classes);
    const std::size_t states = std::size_t{p.classes} * context_layout(p.levels, p.zero).state_count();
    if (!p.initial.empty() && p.initial.size() != states)
      return detail::fail(errc::bad_field, "entropy initial states: ", p.initial.size(), ", expected ", states);
    if (!p.mask_prior.empty() && p.mask_prior.size() != channels)
      return detail::fail(errc::bad_field, "entropy mask priors: ", p.mask_prior.size(), " entries, expected ", channels);
    for (const auto m : p.mask_prior)
      if (m < 32 || m > 65504) return detail::fail(errc::bad_field, "entropy mask prior: ", m, ", expected 32 to 65504");
    return {};
  }

  /// A coder for planes of `channels` channels; fails like check().
  static result<basic_context_coder> create(const parameters& p, std::size_t channels) {
    if (auto s = check(p, channels); !s) return s.error();
    return basic_context_coder(p, channels);
  }

  const parameters& get_parameters() const noexcept { return parameters_; }

  /// Whether every stream carries a mask of the channels that are sent.
  bool coded_mask() const noexcept { return !parameters_.mask_prior.empty(); }

  /// Appends the payload of `symbols` (channels * area of them, all below levels) to `out`. `mask` has an entry per
  /// channel, non-zero where the channel is sent (all symbols of the others must be `zero`); empty where coded_mask() is
  /// false. errc::bad_shape on wrong sizes, errc::invalid_argument on a symbol out of range.
  status encode(std::span<const symbol> symbols, shape3 shape, std::span<const std::uint8_t> mask,
                std::vector<std::byte>& out) {
    if (auto s = check_input(symbols, shape); !s) return s;
    const std::int32_t zero = static_cast<std::int32_t>(parameters_.zero);
    range_encoder coder(out);
    if (auto s = put_mask(coder, mask); !s) return s;
    traverse(symbols.data(), shape, mask, [&](std::size_t i, std::size_t, const symbol_context& c, BitModel* models) {
      const std::int32_t d = symbols[i] - zero;
      detail::put_distance(coder, models, layout_, c, d);
      return d;
    });
    coder.finish();
    return {};
  }

  /// As encode(), but `choose(index, channel, cost)` picks each symbol, which is stored in `symbols`; `cost(s)` gives the
  /// price of symbol s here and now in 1/256 bit. This is how an encoder trades distortion for rate.
  template <class Choose>
  status encode_chosen(std::span<symbol> symbols, shape3 shape, std::span<const std::uint8_t> mask,
                       std::vector<std::byte>& out, Choose&& choose) {
    range_encoder coder(out);
    if (auto s = choose_with(coder, symbols, shape, mask, choose); !s) return s;
    coder.finish();
    return {};
  }

  /// Picks the symbols as encode_chosen() does and writes nothing: for coders that take more to price a symbol.
  template <class Choose>
  status choose(std::span<symbol> symbols, shape3 shape, std::span<const std::uint8_t> mask, Choose&& choose) {
    model_trainer trainer;
    return choose_with(trainer, symbols, shape, mask, choose);
  }

  /// Decodes the whole of `payload` into `symbols` and, where coded_mask(), `mask`. errc::corrupt or
  /// errc::trailing_bytes where the payload is not one that encode() writes; the symbols are then unspecified, but in range.
  status decode(std::span<const std::byte> payload, shape3 shape, std::span<std::uint8_t> mask,
                std::span<symbol> symbols) {
    if (auto s = check_planes(symbols.size(), shape); !s) return s;
    range_decoder coder(payload);
    if (auto s = get_mask(coder, mask); !s) return s;
    const auto zero = static_cast<std::int32_t>(parameters_.zero);
    const auto levels = static_cast<std::int32_t>(parameters_.levels);
    for (std::size_t i = 0; i < symbols.size(); ++i) symbols[i] = static_cast<symbol>(zero);
    bool out_of_range = false;
    traverse(symbols.data(), shape, coded_mask() ? std::span<const std::uint8_t>(mask) : std::span<const std::uint8_t>(),
             [&](std::size_t i, std::size_t, const symbol_context& c, BitModel* models) {
               std::int32_t d = detail::get_distance(coder, models, layout_, c);
               if (static_cast<std::uint32_t>(d + zero) >= static_cast<std::uint32_t>(levels)) {
                 out_of_range = true;
                 d = 0;
               }
               symbols[i] = static_cast<symbol>(d + zero);
               return d;
             });
    if (out_of_range) return failure{errc::corrupt, "payload: a symbol is outside the levels of its plane"};
    return coder.finish();
  }

  /// Runs the models over `symbols` with any bit encoder in the place of the range coder: what tests and calibration
  /// use to compute ideal code lengths and to count how often each context meets each bit.
  template <class BitEncoder>
  status run(std::span<const symbol> symbols, shape3 shape, std::span<const std::uint8_t> mask, BitEncoder& coder) {
    if (auto s = check_planes(symbols.size(), shape); !s) return s;
    const auto zero = static_cast<std::int32_t>(parameters_.zero);
    if (auto s = put_mask(coder, mask); !s) return s;
    traverse(symbols.data(), shape, mask, [&](std::size_t i, std::size_t, const symbol_context& c, BitModel* models) {
      detail::put_distance(coder, models, layout_, c, symbols[i] - zero);
      return symbols[i] - zero;
    });
    return {};
  }

  /// The models as the last call left them, class after class: initial states for the next tensor of a sequence, and
  /// what calibration trains from.
  std::span<const BitModel> models() const noexcept { return detail::span_of(models_); }
  const context_layout& layout() const noexcept { return layout_; }

  /// errc::bad_shape where planes of this shape are not this coder's or do not have so many symbols.
  status check_planes(std::size_t symbols, shape3 shape) const {
    std::size_t area = 0, size = 0;
    if (shape.channels != channels_ || shape.height == 0 || shape.width == 0 || shape.channels == 0 ||
        !detail::multiply(shape.height, shape.width, area) ||
        !detail::multiply(shape.channels, area, size) || size != symbols)
      return detail::fail(errc::bad_shape, "symbol planes of shape ", to_string(shape), " with ", symbols,
                          " symbols, expected ", channels_, " channels of at least 1x1");
    return {};
  }
  /// The same, and errc::invalid_argument on a symbol out of range.
  status check_input(std::span<const symbol> symbols, shape3 shape) const {
    if (auto s = check_planes(symbols.size(), shape); !s) return s;
    for (const symbol v : symbols)
      if (v >= parameters_.levels)
        return detail::fail(errc::invalid_argument, "symbol ", +v, ", expected below ", parameters_.levels);
    return {};
  }

  /// Codes the mask of sent channels, with which every payload starts where coded_mask(). errc::bad_shape on a wrong size.
  template <class BitEncoder>
  status put_mask(BitEncoder& coder, std::span<const std::uint8_t> mask) const {
    if (auto s = check_mask(mask.size()); !s) return s;
    for (std::size_t c = 0; c < mask.size(); ++c) {
      BitModel m = BitModel::from(parameters_.mask_prior[c], 0);
      coder.encode(mask[c] != 0, m);
    }
    return {};
  }
  /// The inverse.
  template <class BitDecoder>
  status get_mask(BitDecoder& coder, std::span<std::uint8_t> mask) const {
    if (auto s = check_mask(mask.size()); !s) return s;
    for (std::size_t c = 0; c < mask.size(); ++c) mask[c] = static_cast<std::uint8_t>(coder.decode(parameters_.mask_prior[c]));
    return {};
  }

private:
  basic_context_coder(const parameters& p, std::size_t channels)
      : parameters_(p), layout_(p.levels, p.zero), channels_(channels) {
    detail::resize(initial_, std::size_t{p.classes} * layout_.state_count());
    for (std::size_t i = 0; i < p.initial.size(); ++i) initial_[i] = unpack_state(p.initial[i]);
    models_ = initial_;
  }

  status check_mask(std::size_t entries) const {
    if (entries == (coded_mask() ? channels_ : 0)) return {};
    return detail::fail(errc::bad_shape, "channel mask of ", entries, " entries, expected ", coded_mask() ? channels_ : 0);
  }

  // Stands in for an encoder: the models learn, nothing is written.
  struct model_trainer {
    void encode(unsigned bit, BitModel& m) noexcept { m.update(bit); }
    void encode_bits(std::uint32_t, int) noexcept {}
  };

  template <class BitEncoder, class Choose>
  status choose_with(BitEncoder& coder, std::span<symbol> symbols, shape3 shape, std::span<const std::uint8_t> mask, Choose& choose) {
    if (auto s = check_planes(symbols.size(), shape); !s) return s;
    if (auto s = put_mask(coder, mask); !s) return s;
    const auto zero = static_cast<std::int32_t>(parameters_.zero);
    for (std::size_t i = 0; i < symbols.size(); ++i) symbols[i] = static_cast<symbol>(zero);
    traverse(symbols.data(), shape, mask, [&](std::size_t i, std::size_t channel, const symbol_context& c, BitModel* models) {
      const auto price = [&](symbol s) {
        cost_counter count;
        detail::put_distance(count, models, layout_, c, s - zero);
        return count.total;
      };
      const symbol s = choose(i, channel, price);
      symbols[i] = s;
      detail::put_distance(coder, models, layout_, c, s - zero);
      return s - zero;
    });
    return {};
  }

  // Visits every symbol of the sent channels with its context; visit() returns the symbol's distance from zero.
  template <class Visit>
  void traverse(const symbol* symbols, shape3 shape, std::span<const std::uint8_t> mask, Visit&& visit) {
    for (std::size_t i = 0; i < models_.size(); ++i) models_[i] = initial_[i];
    const std::size_t width = shape.width;
    // Two rows of distances with a margin of one on the left and one on the right.
    detail::resize(rows_, 2 * (width + 2));
    std::int32_t* above = rows_.data();
    std::int32_t* here = above + width + 2;
    const std::uint32_t top = 8 * layout_.max_magnitude();
    const auto zero = static_cast<std::int32_t>(parameters_.zero);
    std::size_t i = 0;
    for (std::size_t channel = 0; channel < shape.channels; ++channel) {
      if (!mask.empty() && mask[channel] == 0) {
        i += shape.area();
        continue;
      }
      const std::size_t set = parameters_.channel_class.empty() ? 0 : parameters_.channel_class[channel];
      BitModel* models = models_.data() + set * layout_.state_count();
      const std::uint16_t reference =
          parameters_.reference.empty() ? parameters::no_reference : parameters_.reference[channel];
      const symbol* other = reference == parameters::no_reference ? nullptr : symbols + reference * shape.area();
      for (std::size_t y = 0; y < shape.height; ++y) {
        // Outside the plane a neighbour is what its nearest known neighbour is.
        here[0] = y > 0 ? above[1] : 0;
        if (y > 0) {
          above[0] = above[1];
          above[width + 1] = above[width];
        }
        for (std::size_t x = 0; x < width; ++x, ++i) {
          const std::int32_t w = here[x];
          std::int32_t n = w, ne = w, nw = w;
          if (y > 0) {
            n = above[x + 1];
            ne = above[x + 2];
            nw = above[x];
          }
          const auto magnitude = [](std::int32_t v) { return v < 0 ? -v : v; };
          std::int32_t activity = 3 * magnitude(w) + 3 * magnitude(n) + 2 * magnitude(ne) - magnitude(nw);
          activity = activity < 0 ? 0 : activity * 8 / 7;
          symbol_context c;
          c.activity = context_layout::quantise(static_cast<std::uint32_t>(activity) < top
                                                    ? static_cast<std::uint32_t>(activity)
                                                    : top);
          if (x == 0 && y == 0) c.activity = layout_.first_activity();
          c.pattern = (w != 0 ? 1u : 0u) | (n != 0 ? 2u : 0u);
          if (other != nullptr)
            c.pattern |= reference_class(static_cast<std::uint32_t>(magnitude(other[y * width + x] - zero))) << 2;
          c.expected = 3 * w + 3 * n + 2 * ne - nw;
          here[x + 1] = visit(i, channel, c, models);
        }
        std::int32_t* t = above;
        above = here;
        here = t;
      }
    }
  }

  parameters parameters_;
  context_layout layout_;
  std::size_t channels_;
  std::vector<BitModel> initial_, models_;
  std::vector<std::int32_t> rows_;
};

using context_coder = basic_context_coder<bit_model>;

} // namespace aecnn
