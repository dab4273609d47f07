#include <aecnn/entropy/context.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <aecnn/entropy/bit_model.hpp>

#include <catch_compat.hpp>
#include <random.hpp>

using aecnn::bit_model;
using aecnn::context_layout;
using aecnn::symbol_context;

namespace {

/// Records decisions by the model's number; plain bits under number -1 and their count.
struct recorder {
  const bit_model* first;
  std::vector<std::pair<long, std::uint32_t>> made;
  void encode(unsigned bit, const bit_model& m) { made.emplace_back(&m - first, bit); }
  void encode_bits(std::uint32_t v, int count) {
    made.emplace_back(-1 - count, v);
  }
};
/// Plays a record back; asks for another model or another number of bits are noticed.
struct player {
  const bit_model* first;
  const std::vector<std::pair<long, std::uint32_t>>& made;
  std::size_t at = 0;
  bool strayed = false;
  std::uint32_t next(long number) {
    if (at >= made.size() || made[at].first != number) {
      strayed = true;
      return 0;
    }
    return made[at++].second;
  }
  unsigned decode(const bit_model& m) { return next(&m - first); }
  std::uint32_t decode_bits(int count) { return next(-1 - count); }
};

} // namespace

TEST_CASE("activities are quantised in rising steps, four an octave, and each is used") {
  std::uint32_t last = 0;
  std::set<std::uint32_t> used;
  for (std::uint32_t a = 0; a <= 8 * 65535; ++a) {
    const auto q = context_layout::quantise(a);
    REQUIRE(q >= last);
    REQUIRE(q <= last + 1);
    last = q;
    used.insert(q);
  }
  CHECK(used.size() == last + 1);
  CHECK(context_layout::quantise(1000 * 8 * 2) == context_layout::quantise(1000 * 8) + 4);
  CHECK(context_layout::quantise(0) == 0);
  CHECK(context_layout::quantise(7) == 3);
}

TEST_CASE("every distance makes the round trip in every context, inside the models of the layout") {
  struct alphabet {
    std::uint32_t levels, zero;
  };
  random_integers random(1);
  for (const auto& a : {alphabet{2, 0}, alphabet{2, 1}, alphabet{3, 1}, alphabet{4, 0}, alphabet{16, 0}, alphabet{17, 0}, alphabet{31, 15},
                        alphabet{32, 15}, alphabet{33, 16}, alphabet{255, 127}, alphabet{256, 0}, alphabet{257, 3}, alphabet{4095, 2047},
                        alphabet{65535, 32767}, alphabet{65536, 0}, alphabet{65536, 65535}, alphabet{65536, 32768}}) {
    const context_layout layout(a.levels, a.zero);
    CAPTURE(a.levels, a.zero, layout.state_count());
    std::vector<bit_model> models(layout.state_count());
    const auto low = -static_cast<std::int32_t>(a.zero), high = static_cast<std::int32_t>(a.levels - 1 - a.zero);
    REQUIRE(layout.max_magnitude() == static_cast<std::uint32_t>(std::max(-low, high)));
    for (int n = 0; n < 3000; ++n) {
      std::int32_t d = random.between(low, high);
      if (n < 200) d = low + n < high ? low + n : high;
      else if (n < 400) d = high - n + 200 > low ? high - n + 200 : low;
      else if (n < 1000) d = std::min(std::max(random.geometric(20), low), high);
      symbol_context c;
      c.activity = random.below(layout.first_activity() + 1);
      c.pattern = random.below(16);
      c.expected = random.between(-20, 20);
      recorder r{models.data(), {}};
      aecnn::detail::put_distance(r, models.data(), layout, c, d);
      for (const auto& [model, value] : r.made) {
        REQUIRE(model < static_cast<long>(models.size()));
        if (model >= 0) REQUIRE(value <= 1);
      }
      player p{models.data(), r.made};
      REQUIRE(aecnn::detail::get_distance(p, models.data(), layout, c) == d);
      REQUIRE_FALSE(p.strayed);
      REQUIRE(p.at == r.made.size());
    }
  }
}

TEST_CASE("the models of different roles and contexts do not overlap") {
  for (const auto& [levels, zero] : {std::pair{5U, 2U}, std::pair{9U, 0U}, std::pair{301U, 150U}, std::pair{1000U, 0U}}) {
    const context_layout l(levels, zero);
    std::map<std::uint32_t, int> owner;
    int next = 0;
    const auto claim = [&](std::uint32_t model) {
      REQUIRE(model < l.state_count());
      REQUIRE(owner.emplace(model, next).second);
    };
    // Thresholds from 2 on, then three of the four places of every token of two bits or more.
    for (std::uint32_t a = 0; a < l.activities(); ++a) {
      for (std::uint32_t p = 0; p < 16; ++p, ++next) claim(l.zero_model(a, p));
      for (std::uint32_t k = 2; k <= l.max_token(); ++k, ++next) claim(l.magnitude_model(a) + k - 2);
      if (!l.unary())
        for (std::uint32_t k = 0; k < 4 * (l.max_token() + 1); ++k, ++next) claim(l.magnitude_model(a) + l.max_token() - 1 + k);
    }
    if (l.is_signed())
      for (std::uint32_t e = 0; e < 5; ++e)
        for (std::uint32_t t = 1; t <= 3; ++t, ++next) claim(l.sign_model(e, t));
    CHECK(owner.size() == l.state_count());
  }
}

TEST_CASE("tokens partition the magnitudes, and the expected one follows the activity") {
  for (const auto& [levels, zero] : {std::pair{2U, 0U}, std::pair{16U, 0U}, std::pair{17U, 0U}, std::pair{256U, 0U}, std::pair{65536U, 30000U}}) {
    const context_layout l(levels, zero);
    CAPTURE(levels, zero);
    std::uint32_t last = 0;
    for (std::uint32_t m = 0; m <= l.max_magnitude(); ++m) {
      const std::uint32_t t = l.token(m);
      REQUIRE((t == last || t == last + 1));
      REQUIRE(l.smallest_of(t) <= m);
      if (t != last) REQUIRE(l.smallest_of(t) == m);
      last = t;
    }
    CHECK(last == l.max_token());
    std::uint32_t before = 1;
    for (std::uint32_t a = 0; a < l.first_activity(); ++a) {
      const std::uint32_t expected = l.expected_token(a);
      REQUIRE(expected >= before);
      REQUIRE(expected <= l.max_token());
      REQUIRE(context_layout::quantise(context_layout::smallest(a)) == a);
      if (a > 0) REQUIRE(context_layout::quantise(context_layout::smallest(a) - 1) == a - 1);
      before = expected;
    }
    CHECK(l.expected_token(l.first_activity()) == 1);
    // All neighbours of magnitude m: the activity is 8 m, and the walk starts near the token of m.
    const std::uint32_t m = l.max_magnitude();
    CHECK(l.expected_token(context_layout::quantise(8 * m)) + 1 >= l.max_token());
  }
}

TEST_CASE("a sign or magnitude without alternatives costs nothing") {
  recorder r{nullptr, {}};
  const context_layout two(2, 0);
  std::vector<bit_model> models(two.state_count());
  r.first = models.data();
  aecnn::detail::put_distance(r, models.data(), two, {}, 1);
  CHECK(r.made.size() == 1); // not zero: it must be 1
  const context_layout three(3, 1);
  models.resize(three.state_count());
  r = {models.data(), {}};
  aecnn::detail::put_distance(r, models.data(), three, {}, -1);
  CHECK(r.made.size() == 2); // and its sign
}

TEST_CASE("references and expectations have the documented classes") {
  CHECK(aecnn::reference_class(0) == 1);
  CHECK(aecnn::reference_class(1) == 2);
  CHECK(aecnn::reference_class(2) == 3);
  CHECK(aecnn::reference_class(3) == 3);
  CHECK(aecnn::reference_class(65535) == 3);
  CHECK(aecnn::detail::expectation(0) == 0);
  CHECK(aecnn::detail::expectation(1) == 1);
  CHECK(aecnn::detail::expectation(7) == 1);
  CHECK(aecnn::detail::expectation(8) == 3);
  CHECK(aecnn::detail::expectation(-7) == 2);
  CHECK(aecnn::detail::expectation(-8) == 4);
}
