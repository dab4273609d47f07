// Tables that both sides know before the payload: from a profile's initial states (prior_tables.hpp), or, where there are none, a
// guess: magnitudes that fall off geometrically around what their neighbours suggest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/core/buffer.hpp>
#include <aecnn/entropy/context.hpp>
#include <aecnn/entropy/frequency_table.hpp>
#include <aecnn/entropy/parameters.hpp>
#include <aecnn/entropy/prior_tables.hpp>
#include <aecnn/entropy/token.hpp>

namespace aecnn::detail {

/// Shares where nothing is known but the activity: a mean mu from the neighbours, 256 mu = 64 activity / 2 + 64, and magnitudes m
/// with probability (mu / (mu + 1))^m / (mu + 1).
inline void generic_shares(const context_layout& layout, const token_layout& tokens, std::uint32_t activity, std::uint16_t* out) noexcept {
  const std::uint32_t typical = activity == layout.first_activity() ? layout.max_magnitude() / 2 : context_layout::smallest(activity) / 2;
  const std::uint64_t mean = std::uint64_t{64} * typical + 64;
  // In 2^-32: the ratio of neighbouring probabilities; powers by squaring.
  const std::uint64_t ratio = (mean << 32) / (mean + 256);
  const auto power = [](std::uint64_t base, std::uint32_t n) {
    std::uint64_t r = std::uint64_t{1} << 32;
    for (; n != 0; n >>= 1) {
      if (n & 1) r = (r * base) >> 32;
      base = (base * base) >> 32;
    }
    return r;
  };
  std::uint64_t weights[64];
  for (std::uint32_t t = 0; t < tokens.count(); ++t) {
    const int bits = tokens.bits(t);
    const std::uint32_t first = tokens.first(t);
    const std::uint32_t middle = first + ((1u << bits) >> 1);
    const std::uint32_t m = tokens.magnitude_of_value(middle < tokens.levels() ? middle : tokens.levels() - 1);
    std::uint64_t w = power(ratio, m) >> 8;
    if (m > 0 && first <= tokens.alternating()) w >>= 1;
    w <<= bits;
    weights[t] = w > 0 ? w : 1;
  }
  scale_to_total(weights, tokens.count(), out);
}

/// The shares of every class and activity.
class known_tables {
public:
  /// Computes the shares at the first call.
  void prepare(const context_parameters& p, const context_layout& layout, const token_layout& tokens) {
    if (!shares_.empty()) return;
    contexts_ = layout.activities();
    tokens_ = tokens.count();
    classes_ = usable(p, layout) ? p.classes : 1;
    resize(shares_, std::size_t{classes_} * contexts_ * tokens_);
    if (!usable(p, layout)) {
      for (std::uint32_t a = 0; a < contexts_; ++a) generic_shares(layout, tokens, a, shares_.data() + std::size_t{a} * tokens_);
      return;
    }
    for (std::uint32_t k = 0; k < classes_; ++k) {
      const prior_tables prior(layout, tokens, p.initial.data() + std::size_t{k} * layout.state_count());
      for (std::uint32_t a = 0; a < contexts_; ++a)
        prior.shares(a, shares_.data() + (std::size_t{k} * contexts_ + a) * tokens_);
    }
  }
  /// Whether the tables come from the profile.
  static bool usable(const context_parameters& p, const context_layout& layout) noexcept {
    return !p.initial.empty() && std::size_t{p.classes} * (layout.activities()) <= prior_tables::max_tables;
  }
  std::uint32_t classes() const noexcept { return classes_; }
  std::size_t tables() const noexcept { return std::size_t{classes_} * contexts_; }
  const std::uint16_t* shares(std::size_t table) const noexcept { return shares_.data() + table * tokens_; }

private:
  std::uint32_t contexts_ = 0, tokens_ = 0, classes_ = 1;
  std::vector<std::uint16_t> shares_;
};

} // namespace aecnn::detail
