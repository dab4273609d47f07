// The encoder's first pass: the context and the token of every symbol, and how often they meet. The context is the quantised activity of
// context.hpp, 3 W + 3 N + 2 NE - NW over magnitudes; a row without a row above takes W for its other neighbours. O(symbols).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/core/buffer.hpp>
#include <aecnn/core/instruction_set.hpp>
#include <aecnn/core/symbol.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/entropy/context.hpp>
#include <aecnn/entropy/scan_kernel.hpp>
#include <aecnn/entropy/token.hpp>

namespace aecnn::detail {

/// activity_of_sum: the quantised activity of sums -M..8M, for alphabets where that is a short table.
class activity_table {
public:
  static constexpr std::uint32_t max_magnitude = 255;
  activity_table() = default;
  explicit activity_table(const context_layout& layout) : m_(layout.max_magnitude()) {
    if (m_ > max_magnitude) return;
    resize(table_, 9 * std::size_t{m_} + 1);
    for (std::size_t i = 0; i < table_.size(); ++i)
      table_[i] = static_cast<std::uint8_t>(compute(static_cast<std::int32_t>(i) - static_cast<std::int32_t>(m_)));
  }
  bool short_table() const noexcept { return !table_.empty(); }
  std::size_t sums() const noexcept { return table_.size(); }
  /// Indexed by sum + M.
  const std::uint8_t* data() const noexcept { return table_.data(); }
  std::uint32_t compute(std::int32_t sum) const noexcept {
    const auto most = 8 * static_cast<std::int32_t>(m_);
    const std::int32_t a = sum < 0 ? 0 : sum * 8 / 7;
    return context_layout::quantise(static_cast<std::uint32_t>(a < most ? a : most));
  }
  std::uint32_t operator()(std::int32_t sum) const noexcept {
    const std::int32_t index = sum + static_cast<std::int32_t>(m_);
    return table_.empty() ? compute(sum) : table_[static_cast<std::size_t>(index)];
  }

private:
  std::uint32_t m_ = 1;
  std::vector<std::uint8_t> table_;
};

class context_scan {
public:
  context_scan() = default;
  context_scan(const context_layout& layout, const token_layout& tokens)
      : activities_(layout), tokens_(tokens), contexts_(layout.activities()) {
    resize(code_of_sum_, activities_.sums());
    for (std::size_t i = 0; i < code_of_sum_.size(); ++i) code_of_sum_[i] = activities_.data()[i] * tokens_.count();
  }
  /// Forgets all counts.
  void start(std::uint32_t classes, std::size_t symbols) {
    resize(codes_, symbols);
    resize(counts_, std::size_t{classes} * size() * copies);
    for (auto& c : counts_) c = 0;
  }
  /// Scans a channel's symbols, all below levels; `index` is the place of its codes.
  void add(const symbol* symbols, std::size_t height, std::size_t width, std::uint32_t set, std::size_t index, instruction_set level) {
    const std::size_t area = height * width;
    const std::uint16_t* magnitudes = symbols;
    if (tokens_.zero() != 0) {
      resize(magnitudes_, area);
      for (std::size_t i = 0; i < area; ++i) magnitudes_[i] = static_cast<std::uint16_t>(tokens_.magnitude(symbols[i]));
      magnitudes = magnitudes_.data();
    }
    std::uint16_t* codes = codes_.data() + index;
    std::size_t x = 0;
    for (; x < width; ++x) codes[x] = code(symbols, magnitudes, width, 0, x);
    if (activities_.short_table() && choose_scan_kernel(level) != nullptr && area >= width + 1 + scan_block) {
      // All rows but the first as one line, which is right but for the first and the last column.
      const scan_rules rules{tokens_, code_of_sum_.data() + tokens_.magnitude_of_value(tokens_.levels() - 1)};
      choose_scan_kernel(level)(rules, symbols, magnitudes, width, area, codes);
      for (std::size_t y = 1; y < height; ++y) {
        codes[y * width] = code(symbols, magnitudes, width, y, 0);
        codes[y * width + width - 1] = code(symbols, magnitudes, width, y, width - 1);
      }
    } else {
      for (std::size_t y = 1; y < height; ++y)
        for (x = 0; x < width; ++x) codes[y * width + x] = code(symbols, magnitudes, width, y, x);
    }
    std::uint32_t* c = counts(set);
    std::size_t i = 0;
    for (; i + copies <= area; i += copies) {
      ++c[copies * codes[i]];
      ++c[copies * codes[i + 1] + 1];
      ++c[copies * codes[i + 2] + 2];
      ++c[copies * codes[i + 3] + 3];
    }
    for (; i < area; ++i) ++c[copies * codes[i]];
  }
  /// Changes a row that add() has scanned to one without a row above.
  void cut(const symbol* symbols, std::size_t width, std::uint32_t set, std::size_t index) {
    std::uint32_t* c = counts(set);
    resize(magnitudes_, width);
    for (std::size_t x = 0; x < width; ++x) magnitudes_[x] = static_cast<std::uint16_t>(tokens_.magnitude(symbols[x]));
    for (std::size_t x = 0; x < width; ++x) {
      --c[copies * codes_[index + x]];
      codes_[index + x] = code(symbols, magnitudes_.data(), width, 0, x);
      ++c[copies * codes_[index + x]];
    }
  }
  std::uint32_t contexts() const noexcept { return contexts_; }
  std::uint32_t tokens() const noexcept { return tokens_.count(); }
  /// contexts * tokens: codes of symbols are below it.
  std::size_t size() const noexcept { return std::size_t{contexts_} * tokens_.count(); }
  const activity_table& activities() const noexcept { return activities_; }
  const std::uint16_t* codes() const noexcept { return codes_.data(); }
  /// Adds the counts [contexts][tokens] of a class to `out`.
  void sum_counts(std::uint32_t set, std::uint32_t* out) const noexcept {
    const std::uint32_t* from = counts_.data() + set * size() * copies;
    for (std::size_t i = 0; i < size(); ++i)
      for (std::size_t c = 0; c < copies; ++c) out[i] += from[copies * i + c];
  }

private:
  // Neighbouring symbols often raise the same counter: with one for each of four columns none waits for the one before.
  static constexpr std::size_t copies = 4;
  std::uint32_t* counts(std::uint32_t set) noexcept { return counts_.data() + set * size() * copies; }

  std::uint16_t code(const symbol* symbols, const std::uint16_t* magnitudes, std::size_t width, std::size_t y, std::size_t x) const noexcept {
    const std::uint16_t* here = magnitudes + y * width;
    std::uint32_t a = contexts_ - 1;
    if (y > 0) {
      const std::uint16_t* above = here - width;
      const std::int32_t n = above[x], w = x > 0 ? here[x - 1] : n, nw = x > 0 ? above[x - 1] : n, ne = x + 1 < width ? above[x + 1] : n;
      a = activities_(3 * w + 3 * n + 2 * ne - nw);
    } else if (x > 0) {
      a = activities_(7 * std::int32_t{here[x - 1]});
    }
    return static_cast<std::uint16_t>(a * tokens_.count() + tokens_.token(tokens_.value(symbols[y * width + x])));
  }

  activity_table activities_;
  token_layout tokens_;
  std::uint32_t contexts_ = 0;
  std::vector<std::uint16_t> codes_, magnitudes_;
  std::vector<std::uint32_t> counts_, code_of_sum_;
};

} // namespace aecnn::detail
