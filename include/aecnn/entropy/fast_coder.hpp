// The fast entropy coder: symbol planes through probability tables that stay as they are within a payload, chosen by the activity
// around each symbol, into interleaved range asymmetric numeral systems (rans.hpp). The tables are sent (table_header.hpp) or
// known to both sides (known_tables.hpp), whatever is shorter. One to 32 lanes, by what they cost; the bytes do not depend on the vector
// instructions at hand, and neither does a decoder on those of the encoder. Integers only. O(symbols).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <aecnn/core/buffer.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/instruction_set.hpp>
#include <aecnn/core/symbol.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/entropy/context_clustering.hpp>
#include <aecnn/entropy/context_coder.hpp>
#include <aecnn/entropy/context_scan.hpp>
#include <aecnn/entropy/known_tables.hpp>
#include <aecnn/entropy/lane_decoder.hpp>
#include <aecnn/entropy/lane_encoder.hpp>
#include <aecnn/entropy/mode.hpp>
#include <aecnn/entropy/parameters.hpp>
#include <aecnn/entropy/table_header.hpp>

namespace aecnn {

/// Codes planes of symbols [channels,height,width], 0..levels-1. A component: see `entropy_coder` in entropy_coder.hpp; takes the
/// parameters of context_coder, of which `reference` does not change its payloads. Not to be shared between threads. Allocates only
/// at creation, when a larger tensor than any before arrives, and when the output grows.
class fast_coder {
public:
  using parameters = context_parameters;

  /// Checks the parameters for planes of `channels` channels. errc::bad_field names the one at fault.
  static status check(const parameters& p, std::size_t channels) { return context_coder::check(p, channels); }

  /// A coder for planes of `channels` channels; fails like check().
  static result<fast_coder> create(const parameters& p, std::size_t channels) {
    auto adaptive = context_coder::create(p, channels);
    if (!adaptive) return adaptive.error();
    return fast_coder(p, channels, static_cast<context_coder&&>(*adaptive));
  }

  /// Whether every payload carries a mask of the channels that are sent.
  bool coded_mask() const noexcept { return adaptive_.coded_mask(); }

  /// Uses no better vector instructions than these. Changes speed, not bytes.
  void limit_instructions(instruction_set most) noexcept { instructions_ = most < instructions_ ? most : instructions_; }

  /// Appends the payload of `symbols` (channels * area of them, all below levels) to `out`. `mask` has an entry per
  /// channel, non-zero where the channel is sent (all symbols of the others must be `zero`); empty where coded_mask() is
  /// false. errc::bad_shape on wrong sizes, errc::invalid_argument on a symbol out of range.
  status encode(std::span<const symbol> symbols, shape3 shape, std::span<const std::uint8_t> mask, std::vector<std::byte>& out) {
    if (auto s = adaptive_.check_input(symbols, shape); !s) return s;
    if (auto s = adaptive_.check_mask(mask.size()); !s) return s;
    encode_planes(symbols.data(), shape, mask, out);
    return {};
  }

  /// As encode(), but `choose(index, channel, cost)` picks each symbol, which is stored in `symbols`. The costs are those of
  /// context_coder, so that the same symbols are chosen in every mode.
  template <class Choose>
  status encode_chosen(std::span<symbol> symbols, shape3 shape, std::span<const std::uint8_t> mask, std::vector<std::byte>& out,
                       Choose&& choose) {
    if (auto s = adaptive_.choose(symbols, shape, mask, choose); !s) return s;
    return encode(symbols, shape, mask, out);
  }

  /// Decodes the whole of `payload` into `symbols` and, where coded_mask(), `mask`. errc::corrupt or
  /// errc::trailing_bytes where the payload is not one of the format; the symbols are then unspecified, but in range. Other
  /// payloads than that of encode() may stand for the same symbols, with other tables or lanes.
  status decode(std::span<const std::byte> payload, shape3 shape, std::span<std::uint8_t> mask, std::span<symbol> symbols) {
    if (auto s = adaptive_.check_planes(symbols.size(), shape); !s) return s;
    if (auto s = adaptive_.check_mask(mask.size()); !s) return s;
    const auto found = decode_planes(payload, shape, mask, symbols.data());
    if (found != errc{}) {
      // Some rows may hold anything that was there before.
      for (symbol& s : symbols)
        if (s >= parameters_.levels) s = static_cast<symbol>(parameters_.zero);
      if (found == errc::trailing_bytes) return failure{found, "payload: bytes follow the end of the coded symbols"};
      return failure{found, "payload: truncated or changed, the coder states are not the encoder's"};
    }
    return {};
  }

private:
  fast_coder(const parameters& p, std::size_t channels, context_coder&& adaptive)
      : parameters_(p), layout_(p.levels, p.zero), tokens_(p.levels, p.zero), channels_(channels),
        instructions_(best_instruction_set()), adaptive_(static_cast<context_coder&&>(adaptive)), scan_(layout_, tokens_) {
    set_.resize_for(layout_.activities() - 1, tokens_.count());
  }

  /// Decisions in front of the symbols: the mask, lanes, and at most a walk over all steps for every token of every table.
  std::size_t most_decisions() const noexcept {
    const std::size_t steps = detail::top_step(detail::detail_levels - 1) + 4;
    return channels_ + set_.contexts + std::size_t{detail::max_clusters} * (set_.tokens * (steps + 1) + 16) + 8 * detail::max_lanes + 64;
  }
  /// The class of a channel among the known tables.
  const std::uint8_t* channel_classes() const noexcept {
    return known_.classes() > 1 && !parameters_.channel_class.empty() ? parameters_.channel_class.data() : nullptr;
  }
  std::uint32_t channel_class(std::size_t c) const noexcept { return channel_classes() != nullptr ? channel_classes()[c] : 0u; }

  void encode_planes(const symbol* symbols, shape3 shape, std::span<const std::uint8_t> mask, std::vector<std::byte>& out) {
    known_.prepare(parameters_, layout_, tokens_);
    order_.start(shape, mask.empty() ? nullptr : mask.data());
    list_.clear();
    for (std::size_t c = 0; c < mask.size(); ++c) list_.encode(mask[c] != 0, parameters_.mask_prior[c]);
    std::uint32_t state = 0;
    const std::size_t n = order_.symbols();
    // A word a step at most: one or two a symbol, and one for every decision of the header.
    const std::size_t decisions = most_decisions();
    list_.reserve(decisions);
    header_.reserve(decisions);
    detail::resize(words_, (tokens_.deep() ? 2 : 1) * shape.size() + decisions);
    std::uint16_t* const end = words_.data() + words_.size();
    detail::lane_encoding pass;
    pass.word = end;
    if (n > 0) {
      scan(symbols, shape);
      const std::uint64_t bits = choose_tables();
      choose_lanes(bits);
      if (order_.bands() > 1) {
        cut_bands(symbols, shape);
        choose_tables();
      }
      put_tables();
      pass.tokens = tokens_;
      pass.symbols = symbols;
      pass.codes = scan_.codes();
      pass.entries = own_ ? entries_.data() : table_entries_.data();
      pass.classes = own_ ? nullptr : channel_classes();
      pass.class_entries = scan_.size();
      const std::uint32_t first_state = order_.lanes() > 1 ? 1u << tokens_.base() : 0;
      for (auto& s : pass.states) s = first_state;
      pass.run(order_, shape);
      if (n >= detail::min_symbols_of_lanes) {
        std::uint32_t log = 0;
        while ((1u << log) < order_.lanes()) ++log;
        list_.encode_bits(log, 3);
        for (std::uint32_t i = 1; i < order_.lanes(); ++i) {
          const int length = static_cast<int>(std::bit_width(pass.states[i])) - 1;
          list_.encode_bits(static_cast<std::uint32_t>(length - tokens_.base()), 4);
          list_.encode_bits(pass.states[i] & 0xffff, length < 16 ? length : 16);
          list_.encode_bits((pass.states[i] ^ (1u << length)) >> 16, length < 16 ? 0 : length - 16);
        }
      }
      state = pass.states[0];
    }
    list_.flush(state, tokens_.base(), pass.word);
    detail::put_payload(state, pass.word, end, out);
  }

  void scan(const symbol* symbols, shape3 shape) {
    scan_.start(known_.classes(), shape.size());
    for (std::size_t i = 0; i < order_.sent(); ++i) {
      const std::uint32_t c = order_.channel(i);
      scan_.add(symbols + c * shape.area(), shape.height, shape.width, channel_class(c), i * shape.area(), instructions_);
    }
  }
  /// Rows at the start of a band have no row above.
  void cut_bands(const symbol* symbols, shape3 shape) {
    for (std::size_t i = 0; i < order_.sent(); ++i)
      for (std::size_t y = order_.band_rows(); y < shape.height; y += order_.band_rows()) {
        const std::uint32_t c = order_.channel(i);
        scan_.cut(symbols + c * shape.area() + y * shape.width, shape.width, channel_class(c), i * shape.area() + y * shape.width);
      }
  }
  /// Designs tables for the counts and decides whether to send them; returns the length of all symbols, in bits.
  std::uint64_t choose_tables() {
    const std::size_t size = scan_.size();
    detail::resize(counts_, size);
    for (auto& c : counts_) c = 0;
    std::uint64_t known = 0;
    for (std::uint32_t k = 0; k < known_.classes(); ++k) {
      detail::resize(class_counts_, size);
      for (auto& c : class_counts_) c = 0;
      scan_.sum_counts(k, class_counts_.data());
      for (std::uint32_t a = 0; a < scan_.contexts(); ++a)
        known += cost(class_counts_.data() + std::size_t{a} * scan_.tokens(), known_.shares(std::size_t{k} * scan_.contexts() + a));
      for (std::size_t i = 0; i < size; ++i) counts_[i] += class_counts_[i];
    }
    clustering_.run(counts_.data(), set_.contexts, set_.tokens);
    const std::uint32_t first = clustering_.join(counts_.data() + std::size_t{set_.contexts} * set_.tokens);
    set_.tables = clustering_.clusters();
    for (std::uint32_t a = 0; a < set_.contexts; ++a) set_.table_of[a] = static_cast<std::uint8_t>(clustering_.cluster(a));
    set_.table_of[set_.contexts] = static_cast<std::uint8_t>(first);
    const std::size_t n = order_.symbols();
    set_.detail_level = n < 6000 ? 0 : n < 300000 ? 1 : 2;
    detail::resize(shares_, std::size_t{detail::max_clusters} * set_.tokens);
    std::uint64_t sent = 0;
    for (std::uint32_t k = 0; k < set_.tables; ++k) {
      const std::uint32_t* counts = clustering_.counts(k);
      std::uint32_t total = 0;
      for (std::uint32_t t = 0; t < set_.tokens; ++t) total += counts[t];
      for (std::uint32_t t = 0; t < set_.tokens; ++t)
        set_.steps_of(k)[t] = static_cast<std::uint8_t>(detail::step_of(counts[t], total, set_.detail_level));
      detail::shares_of_steps(set_.steps_of(k), set_.tokens, set_.detail_level, shares_.data() + std::size_t{k} * set_.tokens);
      sent += cost(counts, shares_.data() + std::size_t{k} * set_.tokens);
    }
    header_.clear();
    detail::decision_writer writer{header_};
    static_cast<void>(detail::code_tables(writer, set_));
    sent += std::uint64_t{writer.cost} << 8;
    own_ = sent < known;
    return (own_ ? sent : known) >> 16;
  }
  /// Length of symbols with these counts, in 2^-16 bit.
  std::uint64_t cost(const std::uint32_t* counts, const std::uint16_t* shares) const noexcept {
    std::uint64_t sum = 0;
    for (std::uint32_t t = 0; t < set_.tokens; ++t)
      if (counts[t] != 0)
        sum += std::uint64_t{counts[t]} * ((std::uint64_t{detail::rans_precision} << 16) - detail::fixed_log2(shares[t]));
    return sum;
  }
  /// As many lanes as take less than a 28th of the payload, and as have units to work on.
  void choose_lanes(std::uint64_t bits) noexcept {
    std::uint32_t lanes = 1;
    if (order_.symbols() >= detail::min_symbols_of_lanes)
      while (lanes < detail::max_lanes) {
        order_.set_lanes(2 * lanes);
        if (std::uint64_t{2 * lanes} * static_cast<std::uint64_t>(tokens_.base() + 4) * 28 > bits) break;
        if (order_.bands() > 1 && order_.band_rows() < 16) break;
        if (order_.units() < 2 * lanes) break;
        lanes *= 2;
      }
    order_.set_lanes(lanes);
  }
  /// Puts the tables into the header, and makes the encoder's entries.
  void put_tables() {
    list_.encode(own_ ? 1u : 0u, 32768u);
    if (own_) list_.append(header_);
    const std::size_t tables = own_ ? set_.tables : known_.tables(), tokens = set_.tokens;
    detail::resize(table_entries_, (known_.tables() > detail::max_clusters ? known_.tables() : detail::max_clusters) * tokens);
    detail::resize(entries_, scan_.size());
    for (std::size_t k = 0; k < tables; ++k) {
      const std::uint16_t* shares = own_ ? shares_.data() + k * tokens : known_.shares(k);
      std::uint32_t start = 0;
      for (std::uint32_t t = 0; t < tokens; ++t) {
        auto& e = table_entries_[k * tokens + t];
        e = detail::rans_entry({start, shares[t]}, tokens_.base());
        e.plain = static_cast<std::uint8_t>(tokens_.bits(t));
        e.first = static_cast<std::uint16_t>(tokens_.first(t));
        start += shares[t];
      }
    }
    if (!own_) return;
    for (std::uint32_t a = 0; a < scan_.contexts(); ++a)
      for (std::size_t t = 0; t < tokens; ++t) entries_[a * tokens + t] = table_entries_[set_.table_of[a] * tokens + t];
  }

  errc decode_planes(std::span<const std::byte> payload, shape3 shape, std::span<std::uint8_t> mask, symbol* symbols) {
    const std::size_t first = detail::state_bytes(payload.size());
    const std::size_t words = (payload.size() - first) / 2, most = (tokens_.deep() ? 2 : 1) * shape.size() + most_decisions();
    if (words > most) return errc::trailing_bytes;
    std::uint32_t state = 0;
    if (!detail::get_state(payload, tokens_.base(), state)) return errc::corrupt;
    // Past the end there are as many zeros as all lanes can take in a row.
    const std::size_t row = detail::most_lanes(shape) * shape.width;
    const std::size_t margin = (tokens_.deep() ? 2 : 1) * (row < shape.size() ? row : shape.size()) + 64;
    detail::resize(words_, most + margin);
    std::uint16_t* const word = words_.data();
    for (std::size_t i = 0; i < words; ++i)
      word[i] = static_cast<std::uint16_t>(std::to_integer<unsigned>(payload[first + 2 * i]) |
                                           std::to_integer<unsigned>(payload[first + 2 * i + 1]) << 8);
    for (std::size_t i = words; i < words + margin; ++i) word[i] = 0;
    const std::uint16_t* const end = word + words;
    detail::lane_reader header(state, tokens_.base(), word, end);
    for (std::size_t c = 0; c < mask.size(); ++c) mask[c] = static_cast<std::uint8_t>(header.decode(std::uint32_t{parameters_.mask_prior[c]}));
    order_.start(shape, coded_mask() ? mask.data() : nullptr);
    if (order_.sent() < channels_)
      for (std::size_t c = 0; c < channels_; ++c)
        if (mask[c] == 0)
          for (std::size_t i = 0; i < shape.area(); ++i) symbols[c * shape.area() + i] = static_cast<symbol>(parameters_.zero);
    detail::lane_decoding pass;
    pass.states[0] = header.state();
    pass.word = header.word();
    known_.prepare(parameters_, layout_, tokens_);
    tables_.reserve(set_, known_, scan_.activities());
    if (order_.symbols() > 0) {
      own_ = header.decode(32768u) != 0;
      if (own_) {
        detail::decision_reader reader{header};
        if (!detail::code_tables(reader, set_)) return errc::corrupt;
      }
      std::uint32_t log = 0;
      if (order_.symbols() >= detail::min_symbols_of_lanes) log = header.decode_bits(3);
      if ((1u << log) > detail::max_lanes) return errc::corrupt;
      order_.set_lanes(1u << log);
      if (order_.units() < order_.lanes()) return errc::corrupt; // no encoder pays for lanes without work
      for (std::uint32_t i = 1; i < order_.lanes(); ++i) {
        const int length = static_cast<int>(header.decode_bits(4)) + tokens_.base();
        std::uint32_t s = header.decode_bits(length < 16 ? length : 16);
        if (length > 16) s |= header.decode_bits(length - 16) << 16;
        pass.states[i] = s | (1u << length);
      }
      pass.states[0] = header.state();
      pass.word = header.word();
      tables_.prepare(own_, set_, known_, scan_.activities(), tokens_);
      pass.symbols = symbols;
      pass.end = end;
      pass.classes = own_ ? nullptr : channel_classes();
      pass.class_tables = scan_.contexts();
      if (!pass.run(order_, shape, tables_.rules(), instructions_, rows_)) return errc::corrupt;
    }
    if (pass.word < end) return errc::trailing_bytes;
    const std::uint32_t last = order_.lanes() > 1 ? 1u << tokens_.base() : 0;
    std::uint32_t wrong = pass.word > end ? 1u : 0u;
    for (std::uint32_t i = 0; i < order_.lanes(); ++i) wrong |= pass.states[i] ^ last;
    return wrong == 0 ? errc{} : errc::corrupt;
  }

  parameters parameters_;
  context_layout layout_;
  detail::token_layout tokens_;
  std::size_t channels_;
  instruction_set instructions_;
  context_coder adaptive_;
  detail::lane_order order_;
  detail::context_scan scan_;
  detail::context_clustering clustering_;
  detail::table_set set_;
  detail::known_tables known_;
  detail::slot_tables tables_;
  detail::decision_list list_, header_;
  std::vector<std::uint32_t> counts_, class_counts_;
  std::vector<std::uint16_t> shares_, words_, rows_;
  std::vector<detail::rans_entry> entries_, table_entries_;
  bool own_ = false;
};

/// The mode for the highest speed.
inline constexpr entropy_mode fast_mode{1, "fast", &detail::make_mode_coder<fast_coder>};

} // namespace aecnn
