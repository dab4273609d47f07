#include <aecnn/entropy/mixing_model.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

#include <catch_compat.hpp>
#include <random.hpp>
#include <symbol_planes.hpp>

using aecnn::context_parameters;
using aecnn::mixing_model;
using aecnn::neighbourhood;

namespace {

/// Records decisions with their probabilities.
struct recorder {
  std::vector<unsigned> bits;
  std::vector<std::uint32_t> probabilities;
  unsigned code(unsigned bit, std::uint32_t p1) {
    bits.push_back(bit);
    probabilities.push_back(p1);
    return bit;
  }
};
/// Plays decisions back; the model must ask for them with the same probabilities.
struct player {
  const recorder& made;
  std::size_t at = 0;
  bool strayed = false;
  unsigned code(unsigned, std::uint32_t p1) {
    if (at >= made.bits.size() || made.probabilities[at] != p1) {
      strayed = true;
      return 0;
    }
    return made.bits[at++];
  }
};

neighbourhood random_neighbourhood(random_integers& random, std::int32_t low, std::int32_t high) {
  const auto draw = [&] {
    const std::int32_t d = random.below(3) ? random.geometric(6) : random.between(low, high);
    return d < low ? low : d > high ? high : d;
  };
  neighbourhood q;
  q.w = draw();
  q.n = draw();
  q.nw = draw();
  q.ne = draw();
  q.ww = draw();
  q.nn = draw();
  q.same = draw();
  q.east = draw();
  q.south = draw();
  q.first = random.below(50) == 0;
  return q;
}

} // namespace

TEST_CASE("every distance makes the round trip through the model's decisions") {
  for (const std::uint32_t levels : all_levels)
    for (const std::uint32_t zero : {0U, levels / 2, levels - 1}) {
      CAPTURE(levels, zero);
      for (const bool trained : {false, true}) {
        auto p = rich_parameters(levels, zero, 3, false, levels);
        if (!trained) p.initial.clear();
        mixing_model writer(p), reader(p);
        random_integers random(levels + zero);
        const auto low = -static_cast<std::int32_t>(zero), high = static_cast<std::int32_t>(levels - 1 - zero);
        for (int tensor = 0; tensor < 2; ++tensor) {
          writer.start();
          reader.start();
          for (int channel = 0; channel < 3; ++channel) {
            writer.start_channel(static_cast<std::size_t>(channel), channel > 0);
            reader.start_channel(static_cast<std::size_t>(channel), channel > 0);
            for (int n = 0; n < 100; ++n) {
              const neighbourhood q = random_neighbourhood(random, low, high);
              const std::int32_t d = n % 10 == 0 ? (n % 20 ? low : high) : q.w;
              recorder r;
              REQUIRE(writer.code(r, q, d) == d);
              for (const auto p1 : r.probabilities) REQUIRE((p1 >= 32 && p1 <= 65504));
              player back{r};
              REQUIRE(reader.code(back, q, 0) == d);
              REQUIRE_FALSE(back.strayed);
              REQUIRE(back.at == r.bits.size());
            }
          }
        }
      }
    }
}

TEST_CASE("the probabilities of all distances add up to at most one, and to nearly one where the alphabet is full") {
  // A copy of the model is asked for each distance in turn.
  for (const auto& [levels, zero] : {std::pair{4U, 0U}, std::pair{5U, 2U}, std::pair{16U, 0U}, std::pair{64U, 0U}, std::pair{63U, 31U}}) {
    context_parameters p;
    p.levels = levels;
    p.zero = zero;
    mixing_model model(p);
    model.start();
    model.start_channel(0, false);
    random_integers random(levels);
    const auto low = -static_cast<std::int32_t>(zero), high = static_cast<std::int32_t>(levels - 1 - zero);
    for (int n = 0; n < 60; ++n) {
      const neighbourhood q = random_neighbourhood(random, low, high);
      if (n % 10 == 9) {
        double sum = 0;
        for (std::int32_t d = low; d <= high; ++d) {
          mixing_model trial = model;
          trial.start(); // pointers into the copied model are set anew
          trial.start_channel(0, false);
          recorder r;
          trial.code(r, q, d);
          double share = 1;
          for (std::size_t i = 0; i < r.bits.size(); ++i) share *= (r.bits[i] ? r.probabilities[i] : 65536 - r.probabilities[i]) / 65536.0;
          sum += share;
        }
        CAPTURE(levels, zero, n, sum);
        REQUIRE(sum <= 1 + 1e-9);
        REQUIRE(sum > 0.999);
      }
      recorder r;
      model.code(r, q, random.below(2) ? q.w : q.n);
    }
  }
}

TEST_CASE("the model learns a plane that its neighbours predict") {
  // Each symbol is the plane through its neighbours: after a while it costs next to nothing.
  context_parameters p;
  p.levels = 256;
  mixing_model model(p);
  model.start();
  model.start_channel(0, false);
  random_integers random(4);
  double late = 0;
  for (int n = 0; n < 4000; ++n) {
    neighbourhood q;
    q.w = random.between(80, 160);
    q.n = random.between(80, 160);
    q.nw = (q.w + q.n) / 2;
    q.ne = q.n;
    q.ww = q.w;
    q.nn = q.n;
    recorder r;
    model.code(r, q, q.w + q.n - q.nw);
    if (n >= 3000)
      for (std::size_t i = 0; i < r.bits.size(); ++i) late -= std::log2((r.bits[i] ? r.probabilities[i] : 65536 - r.probabilities[i]) / 65536.0);
  }
  CHECK(late / 1000 < 1.5); // without the prediction about 6 bits
}

TEST_CASE("a model that has coded thousands of millions of channels still predicts like a new one") {
  const auto p = rich_parameters(16, 4, 3, false, 5);
  // Ages where they start anew, and every one before 2^32 that the second tensor's start or channels could meet it with.
  std::vector<std::uint32_t> ages{0xeffffff6U, 0xefffffffU, 0xf0000000U};
  for (std::uint32_t age = 0xffffffe0U; age != 0; ++age) ages.push_back(age);
  for (const std::uint32_t age : ages) {
    CAPTURE(age);
    mixing_model used(p, age);
    for (int tensor = 0; tensor < 4; ++tensor) {
      mixing_model fresh(p);
      random_integers random(static_cast<unsigned>(tensor));
      used.start();
      fresh.start();
      for (int channel = 0; channel < 9; ++channel) {
        used.start_channel(static_cast<std::size_t>(channel % 3), channel > 0);
        fresh.start_channel(static_cast<std::size_t>(channel % 3), channel > 0);
        for (int n = 0; n < 60; ++n) {
          const neighbourhood q = random_neighbourhood(random, -4, 11);
          recorder a, b;
          REQUIRE(used.code(a, q, q.w) == fresh.code(b, q, q.w));
          REQUIRE(a.probabilities == b.probabilities);
        }
      }
    }
  }
}
