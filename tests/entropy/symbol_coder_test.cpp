// What holds for the coder of every mode.
#include <aecnn/entropy/symbol_coder.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <aecnn/entropy/entropy_coder.hpp>
#include <aecnn/entropy/modes.hpp>

#include <catch_compat.hpp>
#include <random.hpp>
#include <symbol_planes.hpp>

using aecnn::context_parameters;
using aecnn::entropy_mode;
using aecnn::entropy_modes;
using aecnn::errc;
using aecnn::shape3;
using aecnn::symbol;
using aecnn::symbol_coder;
using bytes = std::vector<std::byte>;
using plane = std::vector<symbol>;

namespace {

symbol_coder make_coder(const context_parameters& p, std::size_t channels, const entropy_mode& mode) {
  auto coder = symbol_coder::create(p, channels).value();
  coder.set_mode(mode).value();
  return coder;
}

bytes encode(symbol_coder& c, const plane& s, shape3 shape, const std::vector<std::uint8_t>& mask = {}) {
  bytes out;
  c.encode(s, shape, mask, out).value();
  return out;
}

void check_round_trip(const context_parameters& p, const plane& s, shape3 shape, const entropy_mode& mode,
                      const std::vector<std::uint8_t>& mask = {}) {
  auto coder = make_coder(p, shape.channels, mode);
  const bytes payload = encode(coder, s, shape, mask);
  auto decoder = make_coder(p, shape.channels, mode);
  plane found(s.size(), 0xffff);
  std::vector<std::uint8_t> found_mask(mask.size(), 7);
  const auto status = decoder.decode(payload, shape, found_mask, found);
  if (!status) FAIL(status.error().message);
  REQUIRE((found == s));
  REQUIRE(found_mask == mask);
}

template <class Result>
errc code_of(const Result& r) {
  REQUIRE_FALSE(r.has_value());
  CHECK_FALSE(r.error().message.empty());
  return r.error().code;
}

} // namespace

TEST_CASE("a symbol coder is an entropy coder with modes") {
  CHECK(aecnn::entropy_coder<symbol_coder>);
  CHECK(aecnn::multi_mode_coder<symbol_coder>);
  CHECK_FALSE(aecnn::multi_mode_coder<aecnn::context_coder>);
}

TEST_CASE("in every mode symbols of all alphabets and contents make the round trip") {
  for (const auto& mode : entropy_modes)
    for (const auto levels : all_levels)
      for (const auto zero : {0U, levels / 2, levels - 1})
        for (const auto kind : all_contents) {
          CAPTURE(mode.name, levels, zero, static_cast<int>(kind));
          context_parameters p;
          p.levels = levels;
          p.zero = zero;
          for (const auto& shape : {shape3{1, 1, 1}, shape3{3, 5, 7}})
            check_round_trip(p, make_symbols(shape, levels, zero, kind, levels + zero), shape, mode);
          const shape3 shape{4, 6, 5};
          check_round_trip(rich_parameters(levels, zero, 4, false, levels), make_symbols(shape, levels, zero, kind, levels), shape, mode);
        }
}

TEST_CASE("in every mode all shapes make the round trip") {
  for (const auto& mode : entropy_modes)
    for (const auto& shape : {shape3{1, 1, 1}, shape3{1, 1, 1000}, shape3{1, 1000, 1}, shape3{1000, 1, 1}, shape3{2048, 7, 7}, shape3{3, 5, 7},
                              shape3{2, 70000, 1}, shape3{1, 2, 70000}, shape3{16, 32, 32}, shape3{65535, 1, 2}}) {
      CAPTURE(mode.name, to_string(shape));
      context_parameters p;
      p.levels = 9;
      p.zero = 4;
      check_round_trip(p, make_symbols(shape, 9, 4, content::sparse, shape.size()), shape, mode);
      check_round_trip(rich_parameters(9, 4, shape.channels, false, 5), make_symbols(shape, 9, 4, content::smooth, 6), shape, mode);
    }
}

TEST_CASE("in every mode masks make the round trip, and channels that are not sent cost only their mask") {
  random_integers random(7);
  const shape3 shape{12, 4, 5};
  for (const auto& mode : entropy_modes) {
    CAPTURE(mode.name);
    for (int repeat = 0; repeat < 40; ++repeat) {
      const auto p = rich_parameters(7, repeat % 2 ? 3 : 0, 12, true, static_cast<std::uint64_t>(repeat));
      std::vector<std::uint8_t> mask;
      for (int c = 0; c < 12; ++c) mask.push_back(static_cast<std::uint8_t>(repeat == 0 ? 0 : repeat == 1 ? 1 : random.below(2)));
      auto s = make_symbols(shape, 7, p.zero, content::random, static_cast<std::uint64_t>(repeat));
      for (std::size_t i = 0; i < s.size(); ++i)
        if (!mask[i / shape.area()]) s[i] = static_cast<symbol>(p.zero);
      CAPTURE(repeat);
      check_round_trip(p, s, shape, mode, mask);
    }
    auto p = rich_parameters(7, 3, 12, true, 3);
    p.mask_prior.assign(12, 32768);
    auto coder = make_coder(p, 12, mode);
    CHECK(encode(coder, plane(shape.size(), 3), shape, std::vector<std::uint8_t>(12)).size() <= 4);
  }
}

TEST_CASE("in every mode the bytes do not depend on what the coder did before") {
  const shape3 shape{5, 9, 8};
  for (const auto& mode : entropy_modes)
    for (const bool masked : {false, true}) {
      CAPTURE(mode.name, masked);
      const auto p = rich_parameters(20, 9, 5, masked, 11);
      const std::vector<std::uint8_t> mask(masked ? 5 : 0, 1);
      const auto s = make_symbols(shape, 20, 9, content::sparse, 12);
      auto fresh = make_coder(p, 5, mode);
      const bytes expected = encode(fresh, s, shape, mask);
      auto used = make_coder(p, 5, mode);
      encode(used, make_symbols({5, 1, 300}, 20, 9, content::extremes, 13), {5, 1, 300}, mask);
      CHECK(encode(used, s, shape, mask) == expected);
      plane found(s.size());
      std::vector<std::uint8_t> found_mask(mask.size());
      CHECK_FALSE(used.decode(bytes(1000, std::byte{0x77}), shape, found_mask, found).has_value());
      CHECK(encode(used, s, shape, mask) == expected);
      auto copy = used;
      used = make_coder(p, 5, mode);
      CHECK(encode(copy, s, shape, mask) == expected);
      // Appended, not overwritten.
      bytes out = {std::byte{0xff}};
      REQUIRE(copy.encode(s, shape, mask, out).has_value());
      REQUIRE(out.size() == expected.size() + 1);
      CHECK(bytes(out.begin() + 1, out.end()) == expected);
      // Not even on other modes in between.
      for (const auto& other : entropy_modes) {
        copy.set_mode(other).value();
        encode(copy, s, shape, mask);
      }
      copy.set_mode(mode).value();
      CHECK(copy.mode() == mode);
      CHECK(encode(copy, s, shape, mask) == expected);
    }
}

TEST_CASE("the same symbols are chosen in every mode, and coded as encode does") {
  const shape3 shape{4, 10, 11};
  for (const auto levels : {2U, 7U, 40U, 3000U})
    for (const bool masked : {false, true}) {
      const auto zero = (levels - 1) / 2;
      const auto p = rich_parameters(levels, zero, 4, masked, levels);
      const std::vector<std::uint8_t> mask = masked ? std::vector<std::uint8_t>{1, 0, 1, 1} : std::vector<std::uint8_t>{};
      const auto wanted = make_symbols(shape, levels, zero, content::smooth, 14);
      plane first;
      for (const auto& mode : entropy_modes) {
        CAPTURE(levels, masked, mode.name);
        auto coder = make_coder(p, 4, mode);
        CHECK(coder.coded_mask() == masked);
        plane chosen(shape.size(), 0xffff);
        bytes out;
        // What is wanted, or zero where that saves more than three bits.
        const auto choose = [&](std::size_t i, std::size_t, const auto& price) {
          return price(static_cast<symbol>(zero)) + 768 < price(wanted[i]) ? static_cast<symbol>(zero) : wanted[i];
        };
        REQUIRE(coder.encode_chosen(std::span<symbol>(chosen), shape, mask, out, choose).has_value());
        if (first.empty()) first = chosen;
        CHECK((chosen == first));
        CHECK(out == encode(coder, chosen, shape, mask));
      }
      const auto choose = [&](std::size_t i, std::size_t, const auto& price) {
        return price(static_cast<symbol>(zero)) + 768 < price(wanted[i]) ? static_cast<symbol>(zero) : wanted[i];
      };
      // The modes' own coders, without a symbol_coder around them.
      const auto check_alone = [&](auto coder) {
        plane chosen(shape.size(), 0xffff);
        bytes out, again;
        REQUIRE(coder.encode_chosen(std::span<symbol>(chosen), shape, mask, out, choose).has_value());
        CHECK((chosen == first));
        REQUIRE(coder.encode(chosen, shape, mask, again).has_value());
        CHECK(out == again);
        CHECK(coder.encode_chosen(std::span<symbol>(chosen).first(3), shape, mask, out, choose).error().code == errc::bad_shape);
      };
      check_alone(aecnn::fast_coder::create(p, 4).value());
      check_alone(aecnn::mixing_coder::create(p, 4).value());
      CHECK((first != wanted));
    }
}

TEST_CASE("in every mode a payload that was cut, grown or changed is refused or decodes to symbols in range") {
  const shape3 shape{3, 6, 6};
  for (const auto& mode : entropy_modes) {
    std::size_t refused = 0, accepted = 0;
    for (const auto levels : {2U, 5U, 30U, 300U})
      for (const bool masked : {false, true}) {
        CAPTURE(mode.name, levels, masked);
        const auto p = rich_parameters(levels, levels / 2, 3, masked, levels);
        auto coder = make_coder(p, 3, mode);
        const bytes good = encode(coder, make_symbols(shape, levels, levels / 2, content::sparse, levels), shape,
                                  std::vector<std::uint8_t>(masked ? 3 : 0, 1));
        const auto attempt = [&](const bytes& b) {
          plane found(shape.size(), 0xffff);
          std::vector<std::uint8_t> mask(masked ? 3 : 0);
          const auto status = coder.decode(b, shape, mask, found);
          REQUIRE(std::all_of(found.begin(), found.end(), [levels = levels](auto s) { return s < levels; }));
          if (status) {
            ++accepted;
          } else {
            REQUIRE((status.error().code == errc::corrupt || status.error().code == errc::trailing_bytes));
            ++refused;
          }
        };
        for (std::size_t n = 0; n < good.size(); ++n) attempt(bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n)));
        for (std::size_t n = 0; n < 8 * good.size(); ++n) {
          bytes b = good;
          b[n / 8] ^= static_cast<std::byte>(1U << (n % 8));
          attempt(b);
        }
        for (unsigned v = 0; v < 256; ++v) {
          bytes b = good;
          b.push_back(static_cast<std::byte>(v));
          attempt(b);
          b.insert(b.end(), 30, static_cast<std::byte>(v));
          attempt(b);
        }
        random_integers random(levels);
        for (int n = 0; n < 200; ++n) {
          bytes b(random.below(80));
          for (auto& v : b) v = static_cast<std::byte>(random.below(256));
          attempt(b);
        }
      }
    CAPTURE(mode.name, refused, accepted);
    CHECK(refused > accepted);
  }
}

TEST_CASE("in every mode parameters, planes, masks and symbols that do not fit are refused") {
  const auto p = rich_parameters(10, 4, 6, true, 21);
  context_parameters plain;
  plain.levels = 10;
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  for (const auto& mode : entropy_modes) {
    CAPTURE(mode.name);
    auto coder = make_coder(p, 6, mode), unmasked = make_coder(plain, 6, mode);
    plane s(6 * 4, 4);
    std::vector<std::uint8_t> mask(6, 1), none;
    bytes out;
    REQUIRE(coder.encode(s, {6, 2, 2}, mask, out).has_value());
    out.clear();
    for (const auto& shape : {shape3{6, 2, 3}, shape3{5, 2, 2}, shape3{6, 0, 4}, shape3{6, 4, 0}, shape3{0, 2, 2}, shape3{6, most, 1},
                              shape3{6, most, most}, shape3{6, most / 6 + 5, 1}, shape3{6, (most >> 2) + 2, 4}, shape3{12, 1, 2}}) {
      CAPTURE(to_string(shape));
      CHECK(code_of(coder.encode(s, shape, mask, out)) == errc::bad_shape);
      CHECK(code_of(coder.decode({}, shape, mask, s)) == errc::bad_shape);
      CHECK(code_of(coder.encode_chosen(std::span<symbol>(s), shape, mask, out, [](auto, auto, const auto&) { return symbol{4}; })) ==
            errc::bad_shape);
    }
    CHECK(code_of(coder.encode(s, {6, 2, 2}, none, out)) == errc::bad_shape);
    CHECK(code_of(coder.encode(s, {6, 2, 2}, std::vector<std::uint8_t>(7), out)) == errc::bad_shape);
    CHECK(code_of(coder.decode({}, {6, 2, 2}, none, s)) == errc::bad_shape);
    CHECK(code_of(unmasked.encode(s, {6, 2, 2}, mask, out)) == errc::bad_shape);
    s[23] = 10;
    CHECK(code_of(coder.encode(s, {6, 2, 2}, mask, out)) == errc::invalid_argument);
    s[23] = 65535;
    CHECK(code_of(unmasked.encode(s, {6, 2, 2}, none, out)) == errc::invalid_argument);
    CHECK(out.empty());
    auto bad = p;
    bad.classes = 4; // initial states for three
    if (mode.create != nullptr) CHECK(code_of(mode.create(bad, 6)) == errc::bad_field);
    CHECK(code_of(symbol_coder::create(bad, 6)) == errc::bad_field);
  }
}

TEST_CASE("initial states that fit the data make a short payload shorter in every mode") {
  // States as the default coder left them after other tensors of the same kind.
  const shape3 shape{6, 8, 8};
  context_parameters p;
  p.levels = 15;
  p.zero = 7;
  auto teacher = aecnn::context_coder::create(p, 6).value();
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    bytes out;
    teacher.encode(make_symbols({6, 8, 80}, 15, 7, content::sparse, 30 + seed), {6, 8, 80}, {}, out).value();
  }
  auto q = p;
  for (const auto& m : teacher.models()) q.initial.push_back(aecnn::pack_state(m.p1(), m.count >= 24 ? 11 : 2));
  for (const auto& mode : entropy_modes) {
    auto cold = make_coder(p, 6, mode), warm = make_coder(q, 6, mode);
    std::size_t cold_bytes = 0, warm_bytes = 0;
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      const auto s = make_symbols(shape, 15, 7, content::sparse, 50 + seed);
      cold_bytes += encode(cold, s, shape).size();
      warm_bytes += encode(warm, s, shape).size();
    }
    CAPTURE(mode.name, cold_bytes, warm_bytes);
    // What the mode fast guesses where it knows nothing is near to these symbols.
    CHECK(warm_bytes <= (mode == aecnn::fast_mode ? cold_bytes : cold_bytes * 95 / 100));
  }
}
