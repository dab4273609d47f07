#include <aecnn/entropy/known_tables.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

#include <aecnn/entropy/context_coder.hpp>

#include <catch_compat.hpp>
#include <symbol_planes.hpp>

using namespace aecnn::detail;
using aecnn::context_layout;
using aecnn::context_parameters;

TEST_CASE("known tables give every token of every class and activity a share of the whole") {
  for (const std::uint32_t levels : all_levels)
    for (const std::uint32_t zero : {0U, levels / 2, levels - 1})
      for (const bool rich : {false, true}) {
        context_parameters p;
        if (rich) p = rich_parameters(levels, zero, 3, false, levels);
        p.levels = levels;
        p.zero = zero;
        const context_layout layout(levels, zero);
        const token_layout tokens(levels, zero);
        known_tables known;
        known.prepare(p, layout, tokens);
        CAPTURE(levels, zero, rich);
        REQUIRE(known.classes() == (rich ? 3U : 1U));
        REQUIRE(known.tables() == std::size_t{known.classes()} * layout.activities());
        for (std::size_t k = 0; k < known.tables(); ++k) {
          std::uint32_t sum = 0;
          for (std::uint32_t t = 0; t < tokens.count(); ++t) {
            REQUIRE(known.shares(k)[t] >= 1);
            sum += known.shares(k)[t];
          }
          REQUIRE(sum == rans_total);
        }
      }
}

TEST_CASE("without a profile more activity means larger magnitudes") {
  const context_layout layout(256, 0);
  const token_layout tokens(256, 0);
  known_tables known;
  context_parameters p;
  p.levels = 256;
  known.prepare(p, layout, tokens);
  double before = -1;
  for (std::uint32_t a = 0; a < layout.first_activity(); ++a) {
    double mean = 0;
    for (std::uint32_t t = 0; t < tokens.count(); ++t) mean += known.shares(a)[t] * static_cast<double>(tokens.first(t)) / rans_total;
    CHECK(mean >= before);
    before = mean;
  }
}

TEST_CASE("tables from initial states are the distribution that the adaptive coder starts with") {
  // A full alphabet of four levels: the product of the decisions' probabilities is that of the symbol.
  context_parameters p = rich_parameters(4, 0, 1, false, 9);
  p.classes = 1;
  p.channel_class.clear();
  p.reference.clear();
  const context_layout layout(4, 0);
  p.initial.resize(layout.state_count());
  // All patterns of an activity alike, so that their mean is known.
  for (std::uint32_t a = 0; a < layout.activities(); ++a)
    for (std::uint32_t r = 0; r < 16; ++r) p.initial[layout.zero_model(a, r)] = static_cast<std::uint16_t>(p.initial[layout.zero_model(a, 0)] | 5);
  const token_layout tokens(4, 0);
  known_tables known;
  known.prepare(p, layout, tokens);
  for (std::uint32_t a = 0; a < layout.activities(); ++a) {
    std::vector<aecnn::bit_model> models;
    for (const auto s : p.initial) models.push_back(aecnn::unpack_state(s));
    for (std::int32_t d = 0; d < 4; ++d) {
      probability_product product;
      put_distance(product, models.data(), layout, aecnn::symbol_context{a, 0, 0}, d);
      const double expected = static_cast<double>(product.value) / 68719476736.0 * rans_total;
      CHECK(std::abs(known.shares(a)[d] - expected) <= 5);
    }
  }
}
