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

namespace detail {

// What is done at each symbol, with its index, channel, contexts and models; visit() returns the symbol's distance from
// zero. Objects that are passed by value, so that the bit coder in them stays in registers.

/// Codes given symbols.
template <class BitEncoder>
struct symbol_writer {
  BitEncoder coder;
  const symbol* symbols;
  std::int32_t zero;

  template <bool Signed, class Models>
  [[gnu::always_inline]] std::int32_t visit(std::size_t i, std::size_t, const context_layout& layout,
                                            const symbol_context& c, Models* models) {
    const std::int32_t d = Signed ? symbols[i] - zero : symbols[i];
    put_distance<Signed>(coder, models, layout, c, d);
    return d;
  }
};

/// Codes the symbols that `choose` picks.
template <class BitEncoder, class Choose>
struct symbol_chooser {
  BitEncoder coder;
  symbol* symbols;
  std::int32_t zero;
  Choose& choose;

  template <bool Signed, class Models>
  std::int32_t visit(std::size_t i, std::size_t channel, const context_layout& layout, const symbol_context& c,
                     Models* models) {
    const auto price = [&](symbol s) {
      cost_counter count;
      put_distance<Signed>(count, models, layout, c, s - zero);
      return count.total;
    };
    const symbol s = choose(i, channel, price);
    symbols[i] = s;
    put_distance<Signed>(coder, models, layout, c, s - zero);
    return s - zero;
  }
};

/// Decodes symbols.
template <class BitDecoder>
struct symbol_reader {
  BitDecoder coder;
  symbol* symbols = nullptr;
  std::int32_t zero = 0;
  std::uint32_t levels = 0;
  bool out_of_range = false;

  template <bool Signed, class Models>
  [[gnu::always_inline]] std::int32_t visit(std::size_t i, std::size_t, const context_layout& layout,
                                            const symbol_context& c, Models* models) {
    std::int32_t d = get_distance<Signed>(coder, models, layout, c);
    if (static_cast<std::uint32_t>(d + zero) >= levels) {
      out_of_range = true;
      d = 0;
    }
    symbols[i] = static_cast<symbol>(d + zero);
    return d;
  }
};

} // namespace detail

/// Codes planes of symbols [channels,height,width], 0..levels-1. A component: see entropy_coder.hpp.
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
    range_encoder coder(out);
    if (auto s = put_mask(coder, mask); !s) return s;
    traverse(detail::symbol_writer<range_encoder>{coder, symbols.data(), zero()}, symbols.data(), shape, mask).coder.finish();
    return {};
  }

  /// As encode(), but `choose(index, channel, cost)` picks each symbol, which is stored in `symbols`; `cost(s)` gives the
  /// price of symbol s here and now in 1/256 bit. This is how an encoder trades distortion for rate.
  template <class Choose>
  status encode_chosen(std::span<symbol> symbols, shape3 shape, std::span<const std::uint8_t> mask,
                       std::vector<std::byte>& out, Choose&& choose) {
    if (auto s = check_planes(symbols.size(), shape); !s) return s;
    range_encoder coder(out);
    if (auto s = put_mask(coder, mask); !s) return s;
    choose_with(coder, symbols, shape, mask, choose).finish();
    return {};
  }

  /// Picks the symbols as encode_chosen() does and writes nothing: for coders that take more to price a symbol.
  template <class Choose>
  status choose(std::span<symbol> symbols, shape3 shape, std::span<const std::uint8_t> mask, Choose&& choose) {
    if (auto s = check_planes(symbols.size(), shape); !s) return s;
    model_trainer trainer;
    if (auto s = put_mask(trainer, mask); !s) return s;
    choose_with(trainer, symbols, shape, mask, choose);
    return {};
  }

  /// Decodes the whole of `payload` into `symbols` and, where coded_mask(), `mask`. errc::corrupt or
  /// errc::trailing_bytes where the payload is not one that encode() writes; the symbols are then unspecified, but in range.
  status decode(std::span<const std::byte> payload, shape3 shape, std::span<std::uint8_t> mask,
                std::span<symbol> symbols) {
    if (auto s = check_planes(symbols.size(), shape); !s) return s;
    range_decoder coder(payload);
    if (auto s = get_mask(coder, mask); !s) return s;
    const std::span<const std::uint8_t> sent = coded_mask() ? mask : std::span<std::uint8_t>();
    for (std::size_t c = 0; c < sent.size(); ++c)
      if (sent[c] == 0)
        for (std::size_t i = 0; i < shape.area(); ++i)
          symbols[c * shape.area() + i] = static_cast<symbol>(parameters_.zero);
    const auto reader = traverse(detail::symbol_reader<range_decoder>{coder, symbols.data(), zero(), parameters_.levels},
                                 symbols.data(), shape, sent);
    if (reader.out_of_range) return failure{errc::corrupt, "payload: a symbol is outside the levels of its plane"};
    return reader.coder.finish();
  }

  /// Runs the models over `symbols` with any bit encoder in the place of the range coder: what tests and calibration
  /// use to compute ideal code lengths and to count how often each context meets each bit.
  template <class BitEncoder>
  status run(std::span<const symbol> symbols, shape3 shape, std::span<const std::uint8_t> mask, BitEncoder& coder) {
    if (auto s = check_planes(symbols.size(), shape); !s) return s;
    if (auto s = put_mask(coder, mask); !s) return s;
    traverse(detail::symbol_writer<BitEncoder&>{coder, symbols.data(), zero()}, symbols.data(), shape, mask);
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
    // The bits that occur in a block are an upper bound of its symbols, which needs no branch; only where that is not enough is
    // each symbol looked at.
    constexpr std::size_t block = 64;
    const auto last = static_cast<symbol>(parameters_.levels - 1);
    const symbol* const first = symbols.data();
    for (std::size_t i = 0; i < symbols.size();) {
      const std::size_t start = i;
      if (start + block <= symbols.size()) {
        symbol bits = 0;
        for (std::size_t k = 0; k < block; ++k) bits = static_cast<symbol>(bits | first[start + k]);
        i += block;
        if (bits <= last) continue;
      } else {
        i = symbols.size();
      }
      for (std::size_t k = start; k < i; ++k)
        if (first[k] > last)
          return detail::fail(errc::invalid_argument, "symbol ", +first[k], ", expected below ", parameters_.levels);
    }
    return {};
  }

  /// errc::bad_shape where a mask of so many entries is not one of this coder's planes.
  status check_mask(std::size_t entries) const {
    if (entries == (coded_mask() ? channels_ : 0)) return {};
    return detail::fail(errc::bad_shape, "channel mask of ", entries, " entries, expected ", coded_mask() ? channels_ : 0);
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
    const auto max = static_cast<std::int32_t>(layout_.max_magnitude());
    if (max > max_tabulated) return;
    detail::resize(activities_, 9 * static_cast<std::size_t>(max) + 2);
    std::uint8_t* activity = activities_.data();
    for (std::int32_t sum = -max; sum <= layout_.no_neighbours(); ++sum)
      *activity++ = static_cast<std::uint8_t>(layout_.activity(sum));
  }

  // Stands in for an encoder: the models learn, nothing is written.
  struct model_trainer {
    void encode(unsigned bit, BitModel& m) noexcept { m.update(bit); }
    void encode_bits(std::uint32_t, int) noexcept {}
  };

  template <class BitEncoder, class Choose>
  BitEncoder choose_with(BitEncoder coder, std::span<symbol> symbols, shape3 shape, std::span<const std::uint8_t> mask,
                         Choose& choose) {
    for (std::size_t i = 0; i < symbols.size(); ++i) symbols[i] = static_cast<symbol>(parameters_.zero);
    return traverse(detail::symbol_chooser<BitEncoder, Choose>{coder, symbols.data(), zero(), choose}, symbols.data(),
                    shape, mask).coder;
  }

  std::int32_t zero() const noexcept { return static_cast<std::int32_t>(parameters_.zero); }

  // Visits every symbol of the sent channels, and returns the visitor.
  template <class Visitor>
  Visitor traverse(Visitor visitor, const symbol* symbols, shape3 shape, std::span<const std::uint8_t> mask) {
    for (std::size_t i = 0; i < models_.size(); ++i) models_[i] = initial_[i];
    detail::resize(rows_, 5 * (shape.width + 2));
    return layout_.is_signed() ? walk<true>(visitor, symbols, shape, mask) : walk<false>(visitor, symbols, shape, mask);
  }

  template <bool Signed, class Visitor>
  Visitor walk(Visitor visitor, const symbol* symbols, shape3 shape, std::span<const std::uint8_t> mask) {
    const std::size_t width = shape.width;
    // Two rows of distances with a margin of one on the left and one on the right.
    std::int32_t* above = rows_.data();
    std::int32_t* here = above + width + 2;
    // What the row above and the reference say about each symbol of a row.
    std::int32_t* const sums = here + width + 2;
    std::int32_t* const patterns = sums + width + 2;
    std::int32_t* const expected = patterns + width + 2;
    const context_layout layout = layout_;
    const std::int32_t zero = this->zero();
    const std::uint8_t* activities = activities_.empty() ? nullptr : activities_.data() + layout.max_magnitude();
    const auto magnitude = [](std::int32_t v) { return Signed && v < 0 ? -v : v; };
    std::size_t i = 0;
    for (std::size_t channel = 0; channel < shape.channels; ++channel) {
      if (!mask.empty() && mask[channel] == 0) {
        i += shape.area();
        continue;
      }
      const std::size_t set = parameters_.channel_class.empty() ? 0 : parameters_.channel_class[channel];
      BitModel* models = models_.data() + set * layout.state_count();
      const std::uint16_t reference =
          parameters_.reference.empty() ? parameters::no_reference : parameters_.reference[channel];
      const symbol* other = reference == parameters::no_reference ? nullptr : symbols + reference * shape.area();
      for (std::size_t y = 0; y < shape.height; ++y) {
        // Outside the plane a neighbour is what its nearest known neighbour is: above the first row, all are W.
        if (y > 0) {
          above[0] = above[1];
          above[width + 1] = above[width];
          for (std::size_t x = 0; x < width; ++x) {
            const std::int32_t nw = above[x], n = above[x + 1], ne = above[x + 2];
            sums[x] = 3 * magnitude(n) + 2 * magnitude(ne) - magnitude(nw);
            patterns[x] = n != 0 ? 2 : 0;
            if constexpr (Signed) expected[x] = 3 * n + 2 * ne - nw;
          }
        } else {
          for (std::size_t x = 0; x < width; ++x) sums[x] = patterns[x] = expected[x] = 0;
          sums[0] = layout.no_neighbours();
        }
        if (other != nullptr)
          for (std::size_t x = 0; x < width; ++x)
            patterns[x] |= static_cast<std::int32_t>(
                reference_class(static_cast<std::uint32_t>(magnitude(other[y * width + x] - zero))) << 2);
        const std::int32_t weight = y > 0 ? 3 : 7, not_zero = y > 0 ? 1 : 3;
        std::int32_t w = y > 0 ? above[1] : 0;
        for (std::size_t x = 0; x < width; ++x, ++i) {
          const std::int32_t sum = weight * magnitude(w) + sums[x];
          symbol_context c;
          c.activity = activities != nullptr ? activities[sum] : layout.activity(sum);
          c.pattern = static_cast<std::uint32_t>(patterns[x] | (w != 0 ? not_zero : 0));
          if constexpr (Signed) c.expected = weight * w + expected[x];
          w = visitor.template visit<Signed>(i, channel, layout, c, models);
          here[x + 1] = w;
        }
        std::int32_t* t = above;
        above = here;
        here = t;
      }
    }
    return visitor;
  }

  // The largest magnitude for which activities are looked up.
  static constexpr std::int32_t max_tabulated = 255;

  parameters parameters_;
  context_layout layout_;
  std::size_t channels_;
  std::vector<BitModel> initial_, models_;
  std::vector<std::uint8_t> activities_; // layout_.activity() of -max_magnitude..8 max_magnitude, or empty
  std::vector<std::int32_t> rows_;
};

using context_coder = basic_context_coder<bit_model>;

} // namespace aecnn
