// What holds for every coder is in symbol_coder_test.cpp.
#include <aecnn/entropy/fast_coder.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/entropy/entropy_coder.hpp>

#include <catch_compat.hpp>
#include <golden_vectors.hpp>
#include <random.hpp>
#include <symbol_planes.hpp>

using aecnn::context_parameters;
using aecnn::fast_coder;
using aecnn::instruction_set;
using aecnn::shape3;
using bytes = std::vector<std::byte>;
using plane = std::vector<aecnn::symbol>;

namespace {

fast_coder make(const context_parameters& p, std::size_t channels, instruction_set most = instruction_set::avx512) {
  auto coder = fast_coder::create(p, channels).value();
  coder.limit_instructions(most);
  return coder;
}

bytes encode(fast_coder& c, const plane& s, shape3 shape, const std::vector<std::uint8_t>& mask = {}) {
  bytes out;
  c.encode(s, shape, mask, out).value();
  return out;
}

double entropy_of(const plane& s, std::uint32_t levels) {
  std::vector<double> count(levels);
  for (const auto v : s) ++count[v];
  double bits = 0;
  for (const double n : count)
    if (n > 0) bits -= n * std::log2(n / static_cast<double>(s.size()));
  return bits;
}

} // namespace

TEST_CASE("a fast coder is an entropy coder") { CHECK(aecnn::entropy_coder<fast_coder>); }

TEST_CASE("a fast coder refuses the parameters that a context coder refuses") {
  aecnn::context_parameters p;
  p.levels = 4;
  CHECK(fast_coder::check(p, 3));
  p.zero = 4;
  CHECK(fast_coder::check(p, 3).error().code == aecnn::errc::bad_field);
  CHECK(fast_coder::create(p, 3).error().code == aecnn::errc::bad_field);
}

TEST_CASE("all instruction sets write the same bytes and read the same symbols") {
  for (const std::uint32_t levels : {2U, 4U, 15U, 16U, 17U, 64U, 256U, 300U, 5000U, 65536U})
    for (const std::uint32_t zero : {0U, levels / 2, levels - 1})
      for (const shape3& shape : {shape3{3, 9, 7}, shape3{40, 16, 16}, shape3{33, 28, 28}, shape3{5, 70, 61}, shape3{1, 200, 150}, shape3{64, 8, 8}}) {
        context_parameters p;
        const bool rich = shape.channels == 33;
        if (rich) p = rich_parameters(levels, zero, shape.channels, true, levels);
        p.levels = levels;
        p.zero = zero;
        std::vector<std::uint8_t> mask;
        auto s = make_symbols(shape, levels, zero, levels % 2 ? content::smooth : content::sparse, levels);
        if (rich)
          for (std::size_t c = 0; c < shape.channels; ++c) {
            mask.push_back(c % 5 != 2);
            for (std::size_t i = 0; !mask.back() && i < shape.area(); ++i) s[c * shape.area() + i] = static_cast<aecnn::symbol>(zero);
          }
        bytes expected;
        for (const auto level : {instruction_set::portable, instruction_set::avx2, instruction_set::avx512}) {
          CAPTURE(levels, zero, to_string(shape), static_cast<int>(level));
          auto coder = make(p, shape.channels, level);
          const bytes payload = encode(coder, s, shape, mask);
          if (expected.empty()) expected = payload;
          REQUIRE((payload == expected));
          plane found(s.size(), 0xffff);
          std::vector<std::uint8_t> found_mask(mask.size());
          const auto status = coder.decode(payload, shape, found_mask, found);
          REQUIRE(status.has_value());
          REQUIRE((found == s));
          REQUIRE(found_mask == mask);
        }
        // What one refuses, and what another makes of the same damage.
        random_integers random(levels);
        for (int n = 0; n < 6; ++n) {
          bytes damaged = expected;
          if (damaged.empty()) break;
          damaged[random.below(static_cast<std::uint32_t>(damaged.size()))] ^= static_cast<std::byte>(1 + random.below(255));
          bool first = false;
          for (const auto level : {instruction_set::portable, instruction_set::avx2, instruction_set::avx512}) {
            auto coder = make(p, shape.channels, level);
            plane found(s.size());
            std::vector<std::uint8_t> found_mask(mask.size());
            const bool taken = coder.decode(damaged, shape, found_mask, found).has_value();
            if (level == instruction_set::portable) first = taken;
            REQUIRE(taken == first);
            REQUIRE(std::all_of(found.begin(), found.end(), [levels = levels](auto v) { return v < levels; }));
          }
        }
      }
}

TEST_CASE("contexts find the structure of smooth planes, noise costs little more than its entropy, and nothing costs nothing") {
  const shape3 shape{64, 40, 40};
  for (const std::uint32_t levels : {4U, 33U, 256U}) {
    CAPTURE(levels);
    context_parameters p;
    p.levels = levels;
    p.zero = levels / 2;
    auto coder = make(p, 64);
    const auto smooth = make_symbols(shape, levels, p.zero, content::smooth, 8);
    // At four levels the noise that smooth planes have, too, is all there is.
    CHECK(8.0 * static_cast<double>(encode(coder, smooth, shape).size()) < (levels == 4 ? 1.01 : 0.9) * entropy_of(smooth, levels));
    const auto noise = make_symbols(shape, levels, p.zero, content::random, 9);
    CHECK(8.0 * static_cast<double>(encode(coder, noise, shape).size()) < 1.03 * entropy_of(noise, levels));
    CHECK(encode(coder, plane(shape.size(), static_cast<aecnn::symbol>(p.zero)), shape).size() < 40);
  }
}

TEST_CASE("short payloads need no tables: a few symbols take a few bytes") {
  context_parameters p;
  p.levels = 16;
  auto coder = make(p, 1);
  CHECK(encode(coder, plane(1, 0), {1, 1, 1}).size() <= 2);
  CHECK(encode(coder, plane(64, 0), {1, 8, 8}).size() <= 8);
  CHECK(encode(coder, make_symbols({1, 8, 8}, 16, 0, content::sparse, 3), {1, 8, 8}).size() < 32);
}

TEST_CASE("the tables of a profile are used where they fit") {
  const shape3 shape{4, 4, 4};
  context_parameters p;
  p.levels = 16;
  auto teacher = aecnn::context_coder::create(p, 4).value();
  // Seven of the symbols alone, which the guess without a profile does not expect.
  const auto like = [&](const shape3& size, std::uint64_t seed) {
    auto s = make_symbols(size, 16, 0, content::random, seed);
    constexpr aecnn::symbol some[] = {1, 4, 6, 9, 11, 14, 15};
    for (auto& v : s) v = some[v % 7];
    return s;
  };
  const shape3 large{4, 80, 80};
  bytes out;
  teacher.encode(like(large, 1), large, {}, out).value();
  for (const auto& m : teacher.models()) p.initial.push_back(aecnn::pack_state(m.p1(), m.count > 0 ? 8 : 0));
  context_parameters cold;
  cold.levels = 16;
  auto without = make(cold, 4), with = make(p, 4);
  CHECK(encode(with, like(shape, 100), shape).size() < encode(without, like(shape, 100), shape).size() * 95 / 100);
}

TEST_CASE("payloads of the mode fast are what they were: the format is frozen by these hashes") {
  struct sample {
    std::uint32_t levels, zero;
    bool rich;
    std::uint64_t expected;
  };
  for (const auto& [levels, zero, rich, expected] :
       {sample{2, 0, false, 0xec7a606862abe5c1U},
        sample{4, 0, true, 0x5ef322ed0fdba630U},
        sample{16, 7, false, 0x9d4322deffe717a3U},
        sample{256, 0, false, 0x2047abbbd3eaf870U},
        sample{255, 128, true, 0x730653e16409ec3eU},
        sample{65536, 0, false, 0xa56dc1932ca7d317U}}) {
    context_parameters p;
    if (rich) p = rich_parameters(levels, zero, 40, false, 3);
    p.levels = levels;
    p.zero = zero;
    auto coder = make(p, 40);
    bytes all;
    for (const auto kind : all_contents)
      for (const shape3& shape : {shape3{40, 3, 4}, shape3{40, 20, 21}})
        REQUIRE(coder.encode(make_symbols(shape, levels, zero, kind, 77), shape, {}, all).has_value());
    CAPTURE(levels, zero, rich);
    CHECK(golden::hash(all) == expected);
  }
}
