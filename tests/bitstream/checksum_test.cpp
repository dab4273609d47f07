#include <aecnn/bitstream/checksum.hpp>

#include <cstdint>
#include <map>
#include <vector>

#include <catch_compat.hpp>
#include <random.hpp>

using aecnn::symbol;
using aecnn::symbol_checksum;

namespace {

/// docs/bitstream.md, section 9.
std::uint16_t documented(const std::vector<symbol>& s, std::uint64_t hash, std::uint32_t j, std::uint32_t extents) {
  const auto step = [](std::uint32_t x, std::uint32_t v) {
    const std::uint32_t y = (x ^ v) * 2654435761U;
    return (y << 13) | (y >> 19);
  };
  std::uint32_t lane[4] = {static_cast<std::uint32_t>(hash & 0xffffffffU), static_cast<std::uint32_t>(hash >> 32), j,
                           static_cast<std::uint32_t>(s.size())};
  for (std::size_t i = 0; i < s.size(); ++i) lane[i & 3] = step(lane[i & 3], s[i]);
  std::uint32_t x = extents;
  for (const auto l : lane) x = step(x, l);
  x = x ^ (x >> 15);
  x = x * 2246822507U;
  return static_cast<std::uint16_t>(x >> 16);
}

} // namespace

TEST_CASE("the checksum is the documented one") {
  random_integers random(1);
  for (std::size_t n = 0; n < 70; ++n) {
    std::vector<symbol> s(n);
    for (auto& v : s) v = static_cast<symbol>(random.below(65536));
    const std::uint64_t hash = random.next();
    const std::uint32_t j = random.below(32), extents = random.below(1U << 28);
    REQUIRE(symbol_checksum(s, hash, j) == documented(s, hash, j, 0));
    REQUIRE(symbol_checksum(s, hash, j, extents) == documented(s, hash, j, extents));
  }
  const symbol example[] = {0, 1, 0, 2, 1, 0};
  CHECK(symbol_checksum(example, 0x0123456789abcdefU, 2) == 0x06b9);
  static_assert(symbol_checksum({}, 0, 0) == symbol_checksum({}, 0, 0)); // usable in constant expressions
}

TEST_CASE("coded extents differ wherever extents do, and are 0 where the profile fixes them") {
  CHECK(aecnn::coded_extents(false, 5, 7) == 0);
  CHECK(aecnn::coded_extents(true, 1, 1) == 0);
  CHECK(aecnn::coded_extents(true, 2, 3) == (1U << 14) + 2);
  CHECK(aecnn::coded_extents(true, 1 << 14, 1 << 14) == (1U << 28) - 1);
  CHECK(aecnn::coded_extents(true, 3, 5) != aecnn::coded_extents(true, 5, 3));
}

TEST_CASE("changes of any part change the checksum but for one in about 65536") {
  random_integers random(2);
  std::size_t same = 0, tried = 0;
  for (int n = 0; n < 3000; ++n) {
    std::vector<symbol> s(1 + random.below(50));
    for (auto& v : s) v = static_cast<symbol>(random.below(8));
    const std::uint64_t hash = random.next();
    const std::uint16_t sum = symbol_checksum(s, hash, 3, 77);
    const auto compare = [&](std::uint16_t other) {
      ++tried;
      same += other == sum;
    };
    compare(symbol_checksum(s, hash ^ (std::uint64_t{1} << random.below(64)), 3, 77));
    compare(symbol_checksum(s, hash, 2, 77));
    compare(symbol_checksum(s, hash, 3, 78));
    auto changed = s;
    changed[random.below(static_cast<std::uint32_t>(s.size()))] ^= 1;
    compare(symbol_checksum(changed, hash, 3, 77));
    changed = s;
    changed.push_back(0);
    compare(symbol_checksum(changed, hash, 3, 77));
    if (s.size() > 4 && s[0] != s[4]) {
      changed = s;
      std::swap(changed[0], changed[4]); // of the same lane
      compare(symbol_checksum(changed, hash, 3, 77));
    }
  }
  CHECK(same <= 3);
  CHECK(tried > 15000);
}

TEST_CASE("checksums of similar symbols are spread evenly") {
  std::map<unsigned, int> top;
  for (unsigned n = 0; n < 16000; ++n) {
    const symbol s[] = {static_cast<symbol>(n), 0, 0};
    ++top[symbol_checksum(s, 1, 0) >> 12];
  }
  for (unsigned i = 0; i < 16; ++i) CHECK(top[i] == Approx(1000).margin(150));
}
