#include <aecnn/entropy/table_header.hpp>

#include <cstdint>
#include <vector>

#include <catch_compat.hpp>
#include <random.hpp>

using namespace aecnn::detail;

namespace {

table_set random_set(random_integers& random) {
  table_set s;
  const std::uint32_t contexts = 1 + random.below(68), tokens = 2 + random.below(58);
  s.resize_for(contexts, tokens);
  s.detail_level = static_cast<int>(random.below(detail_levels));
  std::uint32_t table = 0;
  s.table_of[0] = 0;
  for (std::uint32_t c = 1; c < s.contexts; ++c) {
    if (table + 1 < max_clusters && random.below(4) == 0) ++table;
    s.table_of[c] = static_cast<std::uint8_t>(table);
  }
  s.tables = table + 1;
  s.table_of[s.contexts] = static_cast<std::uint8_t>(random.below(s.tables));
  const std::uint32_t top = top_step(s.detail_level);
  for (std::uint32_t k = 0; k < s.tables; ++k) {
    const std::uint32_t last = random.below(s.tokens);
    for (std::uint32_t t = 0; t < s.tokens; ++t)
      s.steps_of(k)[t] = static_cast<std::uint8_t>(t > last || (t < last && random.below(5) == 0) ? 0 : 1 + random.below(top));
    // A table of one token: it has everything.
    if (last == 0) s.steps_of(k)[0] = static_cast<std::uint8_t>(top);
  }
  return s;
}

} // namespace

TEST_CASE("tables make the round trip") {
  random_integers random(1);
  for (int repeat = 0; repeat < 500; ++repeat) {
    table_set set = random_set(random);
    decision_list list;
    decision_writer writer{list};
    REQUIRE(code_tables(writer, set));
    std::uint32_t state = 0;
    std::vector<std::uint16_t> words(300000);
    std::uint16_t* word = words.data() + words.size();
    std::uint16_t* const end = word;
    list.flush(state, 12, word);
    // The count of the cost is what it takes, but for the coarser probabilities of the lane.
    const double bits = 16.0 * static_cast<double>(end - word);
    REQUIRE(writer.cost / 256.0 <= bits * 1.02 + 32);
    REQUIRE(bits <= writer.cost / 256.0 * 1.02 + 32);
    table_set found;
    found.resize_for(set.contexts, set.tokens);
    lane_reader lane(state, 12, word, end);
    decision_reader reader{lane};
    REQUIRE(code_tables(reader, found));
    REQUIRE(found.detail_level == set.detail_level);
    REQUIRE(found.tables == set.tables);
    REQUIRE(found.table_of == set.table_of);
    for (std::uint32_t k = 0; k < set.tables; ++k)
      for (std::uint32_t t = 0; t < set.tokens; ++t) REQUIRE(found.steps_of(k)[t] == set.steps_of(k)[t]);
    REQUIRE(lane.state() == 0);
  }
}

TEST_CASE("whatever a header says, tables that are taken have a token and numbers in range") {
  random_integers random(2);
  int taken = 0;
  for (int repeat = 0; repeat < 3000; ++repeat) {
    table_set s;
    const std::uint32_t contexts = 1 + random.below(68), tokens = 2 + random.below(58);
    s.resize_for(contexts, tokens);
    std::vector<std::uint16_t> words(random.below(400));
    for (auto& w : words) w = static_cast<std::uint16_t>(random.below(65536));
    lane_reader lane((1U << 12) + random.below(1U << 27), 12, words.data(), words.data() + words.size());
    decision_reader reader{lane};
    if (!code_tables(reader, s)) continue;
    ++taken;
    REQUIRE(s.tables >= 1);
    REQUIRE(s.tables <= max_clusters);
    for (const auto t : s.table_of) REQUIRE(t < s.tables);
    for (std::uint32_t k = 0; k < s.tables; ++k) {
      bool any = false;
      for (std::uint32_t t = 0; t < s.tokens; ++t) {
        REQUIRE(s.steps_of(k)[t] <= top_step(s.detail_level));
        any = any || s.steps_of(k)[t] > 0;
      }
      REQUIRE(any);
    }
  }
  CHECK(taken > 500);
}

TEST_CASE("tables that repeat each other cost little") {
  random_integers random(3);
  table_set set = random_set(random);
  while (set.tables < 8) set = random_set(random);
  const auto cost = [](table_set s) {
    decision_list list;
    decision_writer writer{list};
    REQUIRE(code_tables(writer, s));
    return writer.cost;
  };
  const std::uint32_t different = cost(set);
  for (std::uint32_t k = 1; k < set.tables; ++k)
    for (std::uint32_t t = 0; t < set.tokens; ++t) set.steps_of(k)[t] = set.steps_of(0)[t];
  CHECK(cost(set) < different / 2);
}
