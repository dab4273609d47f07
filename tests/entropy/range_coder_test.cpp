#include <aecnn/entropy/range_coder.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <catch_compat.hpp>
#include <random.hpp>

using aecnn::errc;
using aecnn::range_decoder;
using aecnn::range_encoder;
using bytes = std::vector<std::byte>;

namespace {

/// A decision: a bit of probability p1, or `count` plain bits where p1 is 0.
struct decision {
  std::uint32_t value, p1;
  int count;
};

std::vector<decision> random_decisions(random_integers& random, std::size_t n, int kind) {
  std::vector<decision> out;
  for (std::size_t i = 0; i < n; ++i) {
    std::uint32_t p = 0;
    switch (kind) {
    case 0: p = 1 + random.below(65535); break;                          // any
    case 1: p = random.below(2) ? 1 : 65535; break;                      // extreme
    case 2: p = 32 + random.below(200); break;                           // rare ones
    case 3: p = 65504 - random.below(200); break;                        // frequent ones
    default: p = random.below(4) == 0 ? 0 : 1 + random.below(65535);     // with plain bits
    }
    if (p == 0) {
      const int count = static_cast<int>(random.below(17));
      out.push_back({count == 0 ? 0 : random.below(1U << count), 0, count});
    } else {
      out.push_back({random.below(65536) < p ? 1U : 0U, p, 1});
    }
  }
  return out;
}

bytes encode(const std::vector<decision>& d) {
  bytes out;
  range_encoder e(out);
  for (const auto& v : d) v.p1 == 0 ? e.encode_bits(v.value, v.count) : e.encode(v.value, v.p1);
  e.finish();
  return out;
}

double ideal_bits(const std::vector<decision>& d) {
  double sum = 0;
  for (const auto& v : d) sum += v.p1 == 0 ? v.count : -std::log2((v.value ? v.p1 : 65536 - v.p1) / 65536.0);
  return sum;
}

/// Whether the payload decodes to these decisions and ends there.
bool decodes(const bytes& payload, const std::vector<decision>& d) {
  range_decoder r(payload);
  for (const auto& v : d)
    if ((v.p1 == 0 ? r.decode_bits(v.count) : r.decode(v.p1)) != v.value) return false;
  return r.finish().has_value();
}

} // namespace

TEST_CASE("random decisions of all kinds make the round trip within 8 bits of the ideal length") {
  random_integers random(1);
  double total_ideal = 0, total_found = 0;
  for (int kind = 0; kind < 5; ++kind)
    for (const std::size_t n : {0U, 1U, 2U, 3U, 5U, 8U, 13U, 50U, 300U, 1000U, 10000U, 100000U})
      for (int repeat = 0; repeat < (n <= 300 ? 50 : 2); ++repeat) {
        const auto d = random_decisions(random, n, kind);
        const bytes payload = encode(d);
        CAPTURE(kind, n);
        REQUIRE(decodes(payload, d));
        const double ideal = ideal_bits(d), found = 8.0 * static_cast<double>(payload.size());
        REQUIRE(found < ideal + 8 + 1e-4 * static_cast<double>(n));
        total_ideal += ideal;
        total_found += found;
        if (!payload.empty()) REQUIRE(payload.back() != std::byte{0});
      }
  CHECK(total_found >= total_ideal); // nothing is shorter on the whole
}

TEST_CASE("no decision has an empty payload, and likely ones cost nothing") {
  CHECK(encode({}).empty());
  CHECK(range_decoder(bytes{}).finish().has_value());
  const std::vector<decision> likely(1000, {1, 65535, 1});
  CHECK(encode(likely).empty());
  CHECK(decodes({}, likely));
}

TEST_CASE("carries run back through long runs of 0xff") {
  // A zero of probability 1/65536 leaves low just below the top of the interval; the bytes are ff until a carry comes.
  random_integers random(2);
  for (int run = 1; run < 60; ++run)
    for (const unsigned last : {0U, 1U}) {
      std::vector<decision> d(static_cast<std::size_t>(run), {0, 65535, 1});
      d.push_back({last, 1, 1});
      d.push_back({1 - last, 65535, 1});
      d.push_back({random.below(65536), 0, 16});
      CAPTURE(run, last);
      const bytes payload = encode(d);
      REQUIRE(decodes(payload, d));
    }
  // With something before the run, so that the carry ends there.
  bool long_run = false, carried = false;
  for (int repeat = 0; repeat < 300; ++repeat) {
    std::vector<decision> d = random_decisions(random, 20, 0);
    const bytes start = encode(d);
    for (int i = 0; i < 30; ++i) d.push_back({65535, 0, 16});
    for (int i = 0; i < 3; ++i) d.push_back({random.below(2), 1 + random.below(65535), 1});
    const bytes payload = encode(d);
    REQUIRE(decodes(payload, d));
    int run = 0;
    for (const auto b : payload) {
      run = b == std::byte{0xff} ? run + 1 : 0;
      long_run = long_run || run > 20;
    }
    int zeros = 0;
    for (const auto b : payload) {
      zeros = b == std::byte{0} ? zeros + 1 : 0;
      carried = carried || zeros > 20;
    }
  }
  CHECK((long_run || carried));
}

TEST_CASE("a carry passes through whole words of 0xff that are already written") {
  // The interval is steered by hand: low stays just below a power of two while range shrinks, then a decision lifts it over.
  random_integers random(9);
  std::size_t carries = 0;
  for (int repeat = 0; repeat < 20000; ++repeat) {
    // Track low with 128 bits of fraction to choose bits that keep it just below 1/2.
    std::vector<decision> d;
    bytes so_far;
    long double low = 0, range = 1;
    for (int i = 0; i < 40; ++i) {
      const std::uint32_t p = 1 + random.below(65535);
      const long double split = range * static_cast<long double>(p) / 65536;
      const unsigned bit = low + split <= 0.5L ? 0 : 1;
      if (bit) {
        range = split;
      } else {
        low += split;
        range -= split;
      }
      d.push_back({bit, p, 1});
    }
    d.push_back({0, 1 + random.below(65535), 1});
    d.push_back({random.below(2), 1 + random.below(65535), 1});
    const bytes payload = encode(d);
    REQUIRE(decodes(payload, d));
    carries += !payload.empty() && payload[0] == std::byte{0x80} ? 1 : 0;
  }
  CHECK(carries > 100);
}

TEST_CASE("what stands before the payload in the vector stays") {
  random_integers random(4);
  for (int repeat = 0; repeat < 200; ++repeat) {
    const auto d = random_decisions(random, random.below(200), repeat % 5);
    bytes out = {std::byte{0xff}, std::byte{0xff}, std::byte{0x00}, std::byte{0x00}};
    range_encoder e(out);
    for (const auto& v : d) v.p1 == 0 ? e.encode_bits(v.value, v.count) : e.encode(v.value, v.p1);
    e.finish();
    const bytes payload = encode(d);
    REQUIRE(out.size() == 4 + payload.size());
    REQUIRE(bytes(out.begin(), out.begin() + 4) == bytes{std::byte{0xff}, std::byte{0xff}, std::byte{0x00}, std::byte{0x00}});
    REQUIRE(bytes(out.begin() + 4, out.end()) == payload);
  }
}

TEST_CASE("the payload is the only one for its decisions: no other string is accepted for them") {
  random_integers random(5);
  for (int repeat = 0; repeat < 200; ++repeat) {
    const auto d = random_decisions(random, 1 + random.below(60), repeat % 5);
    const bytes payload = encode(d);
    REQUIRE(decodes(payload, d));
    for (std::size_t n = 0; n < payload.size(); ++n)
      REQUIRE_FALSE(decodes(bytes(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(n)), d));
    for (std::size_t n = 0; n < 8 * payload.size(); ++n) {
      bytes b = payload;
      b[n / 8] ^= static_cast<std::byte>(1U << (n % 8));
      REQUIRE_FALSE(decodes(b, d));
    }
    for (unsigned v = 0; v < 256; ++v) {
      bytes b = payload;
      b.push_back(static_cast<std::byte>(v));
      REQUIRE_FALSE(decodes(b, d));
      b.push_back(static_cast<std::byte>(255 - v));
      REQUIRE_FALSE(decodes(b, d));
    }
  }
}

TEST_CASE("every payload that is accepted is what the encoder writes for what was decoded") {
  random_integers random(6);
  int accepted = 0;
  for (int repeat = 0; repeat < 20000; ++repeat) {
    bytes b(random.below(8));
    for (auto& v : b) v = static_cast<std::byte>(random.below(256));
    const auto model = random_decisions(random, 1 + random.below(40), repeat % 5);
    range_decoder r(b);
    std::vector<decision> found;
    for (const auto& v : model) {
      const std::uint32_t value = v.p1 == 0 ? r.decode_bits(v.count) : r.decode(v.p1);
      REQUIRE(value < (1U << v.count));
      found.push_back({value, v.p1, v.count});
    }
    const bool ok = r.finish().has_value();
    accepted += ok;
    REQUIRE(ok == (encode(found) == b));
  }
  CHECK(accepted > 50);
}

TEST_CASE("ends of payloads are refused by their cause") {
  random_integers random(10);
  std::vector<decision> d;
  for (int i = 0; i < 20; ++i) d.push_back({random.below(65536), 0, 16});
  const bytes payload = encode(d);
  const auto code = [&](const bytes& b) {
    range_decoder r(b);
    for (const auto& v : d) static_cast<void>(r.decode_bits(v.count));
    const auto s = r.finish();
    REQUIRE_FALSE(s.has_value());
    return s.error().code;
  };
  bytes zero = payload;
  zero.push_back(std::byte{0});
  CHECK(code(zero) == errc::trailing_bytes);
  bytes longer = payload;
  longer.resize(payload.size() + 20, std::byte{1});
  CHECK(code(longer) == errc::trailing_bytes);
  bytes inside = payload; // within the decoder's window
  inside.push_back(std::byte{0x55});
  CHECK(code(inside) == errc::corrupt);
}

TEST_CASE("adaptive models give the same bits on both sides") {
  random_integers random(7);
  std::vector<unsigned> bits;
  for (int i = 0; i < 5000; ++i) bits.push_back(random.below(10) < static_cast<std::uint32_t>(i / 600) ? 1 : 0);
  bytes payload;
  range_encoder e(payload);
  aecnn::bit_model m;
  for (const auto b : bits) e.encode(b, m);
  e.finish();
  range_decoder r(payload);
  aecnn::bit_model n;
  for (const auto b : bits) REQUIRE(r.decode(n) == b);
  CHECK(r.finish().has_value());
  CHECK((n.quick == m.quick && n.slow == m.slow && n.count == m.count));
}

TEST_CASE("the shortest final value is the smallest multiple of its unit in the interval") {
  random_integers random(8);
  for (int repeat = 0; repeat < 100000; ++repeat) {
    const std::uint64_t low = random.below(8) == 0 ? 0 - std::uint64_t{random.below(1000)} : random.next();
    const std::uint64_t range = (random.next() >> random.below(32)) | (std::uint64_t{1} << 32);
    const auto f = aecnn::detail::shortest(low, range);
    REQUIRE(f.value - low < range); // inside, modulo 2^64
    REQUIRE(f.carry == (f.value < low));
    if (low == 0) continue;
    if (f.bytes < 8) REQUIRE((f.bytes == 0 ? f.value : f.value << (8 * f.bytes)) == 0);
    for (int n = 0; n < f.bytes; ++n) {
      // The first multiple of a larger unit at or above low lies outside.
      const std::uint64_t unit = n == 0 ? 0 : std::uint64_t{1} << (64 - 8 * n);
      const std::uint64_t up = n == 0 ? 0 : (low + unit - 1) / unit * unit;
      const bool wraps = n != 0 && low > std::uint64_t{0} - unit;
      REQUIRE((wraps ? std::uint64_t{0} : up) - low >= range);
    }
  }
}

TEST_CASE("an interval of one value ends with that value in full") {
  const auto f = aecnn::detail::shortest(0x0123456789abcdefU, 1);
  CHECK(f.value == 0x0123456789abcdefU);
  CHECK(f.bytes == 8);
  CHECK_FALSE(f.carry);
}
