#include <aecnn/entropy/context_scan.hpp>

#include <cstdint>
#include <vector>

#include <catch_compat.hpp>
#include <symbol_planes.hpp>

using aecnn::context_layout;
using aecnn::instruction_set;
using aecnn::shape3;
using aecnn::detail::context_scan;
using aecnn::detail::token_layout;

namespace {

/// The activity of a symbol as context.hpp describes it; the first one has the last.
std::uint32_t activity(const context_layout& l, const std::vector<std::int32_t>& m, std::size_t width, std::size_t y, std::size_t x) {
  if (y == 0 && x == 0) return l.first_activity();
  const auto at = [&](std::size_t row, std::size_t column) { return m[row * width + column]; };
  std::int32_t w = x > 0 ? at(y, x - 1) : at(y - 1, 0), n = w, ne = w, nw = w;
  if (y > 0) {
    n = at(y - 1, x);
    ne = x + 1 < width ? at(y - 1, x + 1) : n;
    nw = x > 0 ? at(y - 1, x - 1) : n;
  }
  const std::int32_t sum = 3 * w + 3 * n + 2 * ne - nw, a = sum < 0 ? 0 : sum * 8 / 7, top = 8 * static_cast<std::int32_t>(l.max_magnitude());
  return context_layout::quantise(static_cast<std::uint32_t>(a < top ? a : top));
}

} // namespace

TEST_CASE("all instruction sets find the contexts of context.hpp, and count them") {
  for (const std::uint32_t levels : {2U, 4U, 7U, 16U, 17U, 64U, 256U, 257U, 4096U, 65536U})
    for (const std::uint32_t zero : {0U, levels / 2, levels - 1})
      for (const shape3& shape : {shape3{1, 1, 1}, shape3{1, 1, 90}, shape3{1, 90, 1}, shape3{1, 7, 5}, shape3{1, 33, 41}, shape3{1, 16, 64}})
        for (const auto level : {instruction_set::portable, instruction_set::avx2, instruction_set::avx512}) {
          if (level > aecnn::best_instruction_set()) continue;
          CAPTURE(levels, zero, to_string(shape), static_cast<int>(level));
          const context_layout layout(levels, zero);
          const token_layout tokens(levels, zero);
          const auto s = make_symbols(shape, levels, zero, content::smooth, levels);
          std::vector<std::int32_t> m;
          for (const auto v : s) m.push_back(static_cast<std::int32_t>(tokens.magnitude(v)));
          context_scan scan(layout, tokens);
          scan.start(1, shape.size());
          scan.add(s.data(), shape.height, shape.width, 0, 0, level);
          std::vector<std::uint32_t> counts(scan.size()), expected(scan.size());
          bool right = true;
          for (std::size_t y = 0, i = 0; y < shape.height; ++y)
            for (std::size_t x = 0; x < shape.width; ++x, ++i) {
              const std::uint32_t code = activity(layout, m, shape.width, y, x) * tokens.count() + tokens.token(tokens.value(s[i]));
              right = right && scan.codes()[i] == code;
              ++expected[code];
            }
          REQUIRE(right);
          scan.sum_counts(0, counts.data());
          REQUIRE(counts == expected);
          if (shape.height < 2) continue;
          // A row that is cut off has no row above.
          const std::size_t y = shape.height / 2;
          scan.cut(s.data() + y * shape.width, shape.width, 0, y * shape.width);
          const std::vector<std::int32_t> row(m.begin() + static_cast<std::ptrdiff_t>(y * shape.width), m.end());
          for (std::size_t x = 0; x < shape.width; ++x)
            REQUIRE(scan.codes()[y * shape.width + x] / tokens.count() == activity(layout, row, shape.width, 0, x));
        }
}
