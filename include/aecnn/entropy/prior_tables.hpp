// Tables without a header: from the initial states that a profile gives the adaptive coder, the probabilities of its binary decisions
// multiplied along the way to each token. Integers only, the same on every machine. O(classes * activities * tokens).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/core/buffer.hpp>
#include <aecnn/entropy/context.hpp>
#include <aecnn/entropy/frequency_table.hpp>
#include <aecnn/entropy/parameters.hpp>
#include <aecnn/entropy/token.hpp>

namespace aecnn::detail {

/// Stands in for an encoder: multiplies probabilities.
struct probability_product {
  std::uint64_t value = std::uint64_t{1} << 36;
  void encode(unsigned bit, const bit_model& m) noexcept { value = (value * (bit ? m.p1() : 65536 - m.p1())) >> 16; }
  void encode_bits(std::uint32_t, int count) noexcept { value >>= count; }
};

/// The tables of one class of models.
class prior_tables {
public:
  /// More tables than this are not derived from a profile: a decoder keeps 4 KiB for each.
  static constexpr std::size_t max_tables = 1024;

  /// packed: the state_count() states of the class.
  prior_tables(const context_layout& layout, const token_layout& tokens, const std::uint16_t* packed) : layout_(layout), tokens_(tokens) {
    resize(models_, layout.state_count());
    for (std::size_t i = 0; i < models_.size(); ++i) models_[i] = unpack_state(packed[i]);
    // What W, N and the reference say beyond the activity is averaged over: the mean of the patterns, weighted with their confidence.
    for (std::uint32_t a = 0; a < layout.activities(); ++a) {
      std::uint32_t sum = 0, weight = 0;
      for (std::uint32_t p = 0; p < 16; ++p) {
        const bit_model& m = models_[layout.zero_model(a, p)];
        sum += m.count * m.p1();
        weight += m.count;
      }
      if (weight != 0) models_[layout.zero_model(a, 0)] = bit_model::from(static_cast<std::uint16_t>(sum / weight), 0);
    }
  }

  /// The shares of all tokens in one activity.
  void shares(std::uint32_t activity, std::uint16_t* out) const noexcept {
    std::uint64_t weights[64];
    for (std::uint32_t t = 0; t < tokens_.count(); ++t) {
      const int bits = tokens_.bits(t);
      // The value in the middle stands for all of them; where it is not below levels, the largest that is.
      const std::uint32_t middle = tokens_.first(t) + ((1u << bits) >> 1), highest = tokens_.levels() - 1;
      const std::uint32_t v = middle < highest ? middle : highest;
      std::uint64_t w = weight(activity, v);
      if (bits > 0 && v < tokens_.alternating()) w = (w + weight(activity, v + 1)) / 2;
      w <<= bits;
      weights[t] = w > 0 ? w : 1;
    }
    scale_to_total(weights, tokens_.count(), out);
  }

private:
  std::uint64_t weight(std::uint32_t activity, std::uint32_t value) const noexcept {
    probability_product product;
    const std::int32_t distance = static_cast<std::int32_t>(tokens_.symbol_of_value(value)) - static_cast<std::int32_t>(tokens_.zero());
    put_distance(product, models_.data(), layout_, symbol_context{activity, 0, 0}, distance);
    return product.value;
  }
  const context_layout& layout_;
  token_layout tokens_;
  std::vector<bit_model> models_;
};

} // namespace aecnn::detail
