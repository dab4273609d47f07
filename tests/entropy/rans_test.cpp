#include <aecnn/entropy/rans.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/entropy/bit_model.hpp>

#include <catch_compat.hpp>
#include <random.hpp>

using namespace aecnn::detail;
using bytes = std::vector<std::byte>;

TEST_CASE("an encoder's step with a reciprocal is the step with a division") {
  random_integers random(1);
  for (int base : {10, 12, 15})
    for (std::uint32_t f = 1; f <= rans_total; ++f) {
      const std::uint32_t start = random.below(rans_total - f + 1);
      const rans_entry e({start, f}, base);
      const std::uint32_t limit = f << (base + 16 - rans_precision);
      for (int n = 0; n < 40; ++n) {
        // States that have room: below the limit; the largest of all among them.
        const std::uint32_t x = n == 0 ? limit - 1 : n == 1 ? 1U << base : random.below(limit);
        REQUIRE(e.limit == limit);
        REQUIRE(e.step(x) == (x / f) * rans_total + x % f + start);
      }
    }
}

TEST_CASE("decisions come back in the order in which they were listed, and the state ends where it began") {
  random_integers random(2);
  for (int repeat = 0; repeat < 300; ++repeat) {
    const int base = 10 + repeat % 6;
    const auto count = random.below(repeat % 2 ? 20 : 2000);
    struct decision {
      std::uint32_t value;
      int bits; ///< 0: a binary decision
      std::uint32_t p1;
    };
    std::vector<decision> made;
    decision_list list;
    aecnn::bit_model model;
    for (std::uint32_t i = 0; i < count; ++i) {
      decision d{random.below(2), 0, 1 + random.below(65535)};
      if (random.below(4) == 0) {
        d.bits = 1 + static_cast<int>(random.below(16));
        d.value = random.below(1U << d.bits);
        list.encode_bits(d.value, d.bits);
      } else if (random.below(2)) {
        d.p1 = 0;
        list.encode(d.value, model);
      } else {
        list.encode(d.value, d.p1);
      }
      made.push_back(d);
    }
    const std::uint32_t first = repeat % 3 == 0 ? 0 : 1U << base;
    std::uint32_t state = first;
    std::vector<std::uint16_t> words(2 * count + 8);
    std::uint16_t* word = words.data() + words.size();
    std::uint16_t* const end = word;
    list.flush(state, base, word);
    bytes payload;
    put_payload(state, word, end, payload);
    REQUIRE(payload.size() == state_bytes(payload.size()) + 2 * static_cast<std::size_t>(end - word));
    std::uint32_t found = ~0U;
    REQUIRE(get_state(payload, base, found));
    REQUIRE(found == state);
    lane_reader reader(found, base, word, end);
    aecnn::bit_model learning;
    for (const auto& d : made) {
      if (d.bits > 0) REQUIRE(reader.decode_bits(d.bits) == d.value);
      else if (d.p1 == 0) REQUIRE(reader.decode(learning) == d.value);
      else REQUIRE(reader.decode(d.p1) == d.value);
    }
    REQUIRE(reader.state() == first);
    REQUIRE(reader.word() == end);
  }
}

TEST_CASE("a payload has one form: states of another length are refused") {
  const std::uint16_t words[] = {1, 2};
  for (const int base : {10, 15}) {
    std::uint32_t found = 0;
    const auto state_of = [&](std::initializer_list<unsigned> values) {
      bytes b;
      for (const unsigned v : values) b.push_back(static_cast<std::byte>(v));
      return get_state(b, base, found);
    };
    CHECK(state_of({}));
    CHECK(found == 0);
    CHECK(state_of({7}));
    CHECK(found == 7);
    CHECK_FALSE(state_of({7, 0}));
    CHECK_FALSE(state_of({0}));
    CHECK_FALSE(state_of({7, 1, 0, 0}));
    CHECK_FALSE(state_of({0xff, 0xff, 0xff, 0xff})); // above every state
    CHECK(state_of({0, 0, 1, 1, 2}));                // three bytes and a word
    CHECK(found == 65536);
    CHECK_FALSE(state_of({1, 0, 0, 1, 2}));          // below the base, though words follow
    CHECK_FALSE(state_of({0, 0, 1, 0, 1, 2}));       // four bytes where three do
    bytes b;
    put_payload(1U << 24, words, words + 2, b);
    CHECK(b.size() == 8);
    REQUIRE(get_state(b, base, found));
    CHECK(found == 1U << 24);
  }
}

TEST_CASE("a reader at the end of its words stops refilling and stays within its memory") {
  const std::uint16_t none = 0;
  lane_reader reader(1U << 12, 12, &none, &none);
  for (int n = 0; n < 1000; ++n) reader.decode(30000U);
  CHECK(reader.word() == &none);
}
