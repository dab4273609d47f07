#include <aecnn/entropy/context_coder.hpp>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <catch_compat.hpp>
#include <random.hpp>
#include <symbol_planes.hpp>

using aecnn::context_coder;
using aecnn::context_parameters;
using aecnn::errc;
using aecnn::shape3;
using aecnn::symbol;
using bytes = std::vector<std::byte>;
using plane = std::vector<symbol>;

namespace {

/// Adds up the ideal code length of the probabilities that the models give; learns like the coder.
struct ideal_length {
  double bits = 0;
  void encode(unsigned bit, aecnn::bit_model& m) {
    bits -= std::log2((bit ? m.p1() : 65536 - m.p1()) / 65536.0);
    m.update(bit);
  }
  void encode_bits(std::uint32_t, int count) { bits += count; }
};

bytes encode(context_coder& c, const plane& s, shape3 shape, const std::vector<std::uint8_t>& mask = {}) {
  bytes out;
  c.encode(s, shape, mask, out).value();
  return out;
}

void check_round_trip(const context_parameters& p, const plane& s, shape3 shape, const std::vector<std::uint8_t>& mask = {}) {
  auto coder = context_coder::create(p, shape.channels).value();
  const bytes payload = encode(coder, s, shape, mask);
  auto decoder = context_coder::create(p, shape.channels).value();
  plane found(s.size(), 0xffff);
  std::vector<std::uint8_t> found_mask(mask.size(), 7);
  const auto status = decoder.decode(payload, shape, found_mask, found);
  REQUIRE(status.has_value());
  REQUIRE((found == s));
  REQUIRE(found_mask == mask);
  ideal_length ideal;
  REQUIRE(coder.run(s, shape, mask, ideal).has_value());
  REQUIRE(8.0 * static_cast<double>(payload.size()) <= ideal.bits * 1.02 + 32);
}

template <class Result>
errc code_of(const Result& r) {
  REQUIRE_FALSE(r.has_value());
  CHECK_FALSE(r.error().message.empty());
  return r.error().code;
}

} // namespace

TEST_CASE("symbols of all alphabets and contents make the round trip near the ideal length of the models") {
  for (const auto levels : all_levels)
    for (const auto zero : {0U, levels / 2, levels - 1})
      for (const auto kind : all_contents) {
        CAPTURE(levels, zero, static_cast<int>(kind));
        context_parameters p;
        p.levels = levels;
        p.zero = zero;
        for (const auto& shape : {shape3{1, 1, 1}, shape3{3, 5, 7}, shape3{2, 1, 40}})
          check_round_trip(p, make_symbols(shape, levels, zero, kind, levels + zero), shape);
        const shape3 shape{4, 6, 5};
        check_round_trip(rich_parameters(levels, zero, 4, false, levels), make_symbols(shape, levels, zero, kind, levels), shape);
      }
}

TEST_CASE("all shapes make the round trip") {
  for (const auto& shape : {shape3{1, 1, 1}, shape3{1, 1, 1000}, shape3{1, 1000, 1}, shape3{1000, 1, 1}, shape3{2048, 7, 7}, shape3{3, 5, 7},
                            shape3{2, 70000, 1}, shape3{1, 2, 70000}, shape3{65535, 1, 2}}) {
    CAPTURE(to_string(shape));
    context_parameters p;
    p.levels = 9;
    p.zero = 4;
    check_round_trip(p, make_symbols(shape, 9, 4, content::sparse, shape.size()), shape);
    check_round_trip(rich_parameters(9, 4, shape.channels, false, 5), make_symbols(shape, 9, 4, content::smooth, 6), shape);
  }
}

TEST_CASE("a large tensor makes the round trip") {
  const shape3 shape{256, 56, 56};
  context_parameters p;
  p.levels = 31;
  p.zero = 15;
  check_round_trip(p, make_symbols(shape, 31, 15, content::sparse, 1), shape);
}

TEST_CASE("masks make the round trip, and channels that are not sent cost only their mask") {
  random_integers random(7);
  const shape3 shape{12, 4, 5};
  for (int repeat = 0; repeat < 40; ++repeat) {
    const auto p = rich_parameters(7, repeat % 2 ? 3 : 0, 12, true, static_cast<std::uint64_t>(repeat));
    std::vector<std::uint8_t> mask;
    for (int c = 0; c < 12; ++c) mask.push_back(static_cast<std::uint8_t>(repeat == 0 ? 0 : repeat == 1 ? 1 : random.below(2)));
    auto s = make_symbols(shape, 7, p.zero, content::random, static_cast<std::uint64_t>(repeat));
    for (std::size_t i = 0; i < s.size(); ++i)
      if (!mask[i / shape.area()]) s[i] = static_cast<symbol>(p.zero);
    CAPTURE(repeat);
    check_round_trip(p, s, shape, mask);
  }
  auto p = rich_parameters(7, 3, 12, true, 3);
  p.mask_prior.assign(12, 32768);
  auto coder = context_coder::create(p, 12).value();
  CHECK(encode(coder, plane(shape.size(), 3), shape, std::vector<std::uint8_t>(12)).size() <= 2);
}

TEST_CASE("learnt contexts beat the plain entropy of structured symbols") {
  // Smooth planes: the contexts must find the structure that a histogram does not.
  const shape3 shape{16, 32, 32};
  const auto s = make_symbols(shape, 33, 16, content::smooth, 8);
  std::vector<double> count(33);
  for (const auto v : s) ++count[v];
  double entropy = 0;
  for (const double n : count)
    if (n > 0) entropy -= n * std::log2(n / static_cast<double>(s.size()));
  context_parameters p;
  p.levels = 33;
  p.zero = 16;
  auto coder = context_coder::create(p, 16).value();
  CHECK(8.0 * static_cast<double>(encode(coder, s, shape).size()) < 0.8 * entropy);
  // Symbols that are independent of each other must not cost much more than their entropy.
  const auto noise = make_symbols(shape, 33, 16, content::random, 9);
  CHECK(8.0 * static_cast<double>(encode(coder, noise, shape).size()) < 1.08 * std::log2(33) * static_cast<double>(s.size()));
  CHECK(encode(coder, plane(shape.size(), 16), shape).size() < 40);
}

TEST_CASE("a reference helps where channels repeat each other") {
  const shape3 shape{2, 24, 24};
  auto s = make_symbols(shape, 3, 1, content::random, 10);
  for (std::size_t i = 0; i < shape.area(); ++i) s[i] = static_cast<symbol>(s[i] == 0 ? 1 : s[i]);
  for (std::size_t i = 0; i < shape.area(); ++i) s[shape.area() + i] = s[i];
  context_parameters p;
  p.levels = 3;
  p.zero = 1;
  auto alone = context_coder::create(p, 2).value();
  p.reference = {context_parameters::no_reference, 0};
  p.classes = 2;
  p.channel_class = {0, 1};
  auto together = context_coder::create(p, 2).value();
  CHECK(encode(together, s, shape).size() < encode(alone, s, shape).size() * 3 / 4);
}

TEST_CASE("the bytes do not depend on what the coder did before") {
  const shape3 shape{5, 9, 8};
  for (const bool masked : {false, true}) {
    const auto p = rich_parameters(20, 9, 5, masked, 11);
    const std::vector<std::uint8_t> mask(masked ? 5 : 0, 1);
    const auto s = make_symbols(shape, 20, 9, content::sparse, 12);
    auto fresh = context_coder::create(p, 5).value();
    const bytes expected = encode(fresh, s, shape, mask);
    auto used = context_coder::create(p, 5).value();
    encode(used, make_symbols({5, 1, 300}, 20, 9, content::extremes, 13), {5, 1, 300}, mask);
    CHECK(encode(used, s, shape, mask) == expected);
    plane found(s.size());
    std::vector<std::uint8_t> found_mask(mask.size());
    CHECK_FALSE(used.decode(bytes(1000, std::byte{0x77}), shape, found_mask, found).has_value());
    CHECK(encode(used, s, shape, mask) == expected);
    auto copy = used;
    CHECK(encode(copy, s, shape, mask) == expected);
    // Appended, not overwritten.
    bytes out = {std::byte{0xff}};
    REQUIRE(used.encode(s, shape, mask, out).has_value());
    CHECK(out.size() == expected.size() + 1);
    CHECK(bytes(out.begin() + 1, out.end()) == expected);
  }
}

TEST_CASE("encode_chosen gives the bytes of encode, and its prices are the ideal lengths") {
  const shape3 shape{4, 10, 11};
  for (const auto levels : {2U, 7U, 40U, 3000U}) {
    for (const bool masked : {false, true}) {
      const auto zero = (levels - 1) / 2;
      const auto p = rich_parameters(levels, zero, 4, masked, levels);
      auto coder = context_coder::create(p, 4).value();
      const std::vector<std::uint8_t> mask = masked ? std::vector<std::uint8_t>{1, 0, 1, 1} : std::vector<std::uint8_t>{};
      auto wanted = make_symbols(shape, levels, zero, content::sparse, 14);
      if (masked)
        for (std::size_t i = 0; i < shape.area(); ++i) wanted[shape.area() + i] = static_cast<symbol>(zero);
      const bytes expected = encode(coder, wanted, shape, mask);
      plane chosen(shape.size(), 0xffff);
      bytes out;
      double price_bits = 0;
      bool cheap = true;
      const auto status = coder.encode_chosen(std::span<symbol>(chosen), shape, mask, out, [&](std::size_t i, std::size_t c, const auto& price) {
        REQUIRE(c == i / shape.area());
        price_bits += price(wanted[i]) / 256.0;
        // The probabilities of all symbols add up to one: none is much below its share.
        if (levels == 7) {
          double sum = 0;
          for (symbol s = 0; s < 7; ++s) sum += std::exp2(-static_cast<double>(price(s)) / 256.0);
          cheap = cheap && std::abs(sum - 1) < 0.03;
        }
        return wanted[i];
      });
      REQUIRE(status.has_value());
      CHECK(out == expected);
      CHECK((chosen == wanted));
      if (levels == 7) CHECK(cheap);
      ideal_length ideal;
      REQUIRE(coder.run(wanted, shape, mask, ideal).has_value());
      if (!masked) CHECK(price_bits == Approx(ideal.bits).epsilon(0.02));
    }
  }
}

TEST_CASE("a payload that was cut, grown or changed is refused or decodes to symbols in range") {
  const shape3 shape{3, 6, 6};
  std::size_t refused = 0, accepted = 0;
  for (const auto levels : {2U, 5U, 30U, 300U}) {
    for (const bool masked : {false, true}) {
      const auto p = rich_parameters(levels, levels / 2, 3, masked, levels);
      auto coder = context_coder::create(p, 3).value();
      const bytes good = encode(coder, make_symbols(shape, levels, levels / 2, content::sparse, levels), shape,
                                std::vector<std::uint8_t>(masked ? 3 : 0, 1));
      const auto attempt = [&](const bytes& b) {
        plane found(shape.size(), 0xffff);
        std::vector<std::uint8_t> mask(masked ? 3 : 0);
        const auto status = coder.decode(b, shape, mask, found);
        for (const auto s : found) REQUIRE(s < levels);
        if (status) {
          // Then it is what the encoder writes for these symbols.
          REQUIRE(encode(coder, found, shape, mask) == b);
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
      bytes zero = good;
      zero.push_back(std::byte{0});
      plane found(shape.size());
      std::vector<std::uint8_t> mask(masked ? 3 : 0);
      CHECK(code_of(coder.decode(zero, shape, mask, found)) == errc::trailing_bytes);
    }
  }
  CHECK(refused > accepted);
}

TEST_CASE("symbols outside an alphabet that is no power of two are refused") {
  // Exp-Golomb classes reach beyond 20 levels: a payload of larger symbols, made with more levels, must be refused.
  context_parameters small, large;
  small.levels = 20;
  large.levels = 31;
  REQUIRE(aecnn::context_layout(20, 0).max_token() == aecnn::context_layout(31, 0).max_token());
  auto a = context_coder::create(small, 1).value(), b = context_coder::create(large, 1).value();
  const plane s(1, 30);
  const bytes payload = encode(b, s, {1, 1, 1});
  plane found(1);
  CHECK(code_of(a.decode(payload, {1, 1, 1}, {}, found)) == errc::corrupt);
  CHECK(found[0] < 20);
}

TEST_CASE("every parameter at fault is errc::bad_field") {
  const auto good = rich_parameters(10, 4, 6, true, 20);
  REQUIRE(context_coder::check(good, 6).has_value());
  const auto refused = [&](auto&& change) {
    auto p = good;
    change(p);
    const auto status = context_coder::check(p, 6);
    REQUIRE_FALSE(status.has_value());
    CHECK_FALSE(context_coder::create(p, 6).has_value());
    return status.error().code;
  };
  CHECK(refused([](auto& p) { p.levels = 1; }) == errc::bad_field);
  CHECK(refused([](auto& p) { p.levels = 0; }) == errc::bad_field);
  CHECK(refused([](auto& p) { p.levels = 65537; }) == errc::bad_field);
  CHECK(refused([](auto& p) { p.levels = 0xffffffff; }) == errc::bad_field);
  CHECK(refused([](auto& p) { p.zero = 10; }) == errc::bad_field);
  CHECK(refused([](auto& p) { p.classes = 0; }) == errc::bad_field);
  CHECK(refused([](auto& p) { p.classes = 4; }) == errc::bad_field); // initial states for three
  CHECK(refused([](auto& p) { p.reference.pop_back(); }) == errc::bad_field);
  CHECK(refused([](auto& p) { p.reference[0] = 0; }) == errc::bad_field);
  CHECK(refused([](auto& p) { p.reference[3] = 3; }) == errc::bad_field);
  CHECK(refused([](auto& p) { p.reference[3] = 5; }) == errc::bad_field);
  CHECK(refused([](auto& p) { p.channel_class.push_back(0); }) == errc::bad_field);
  CHECK(refused([](auto& p) { p.channel_class[2] = 3; }) == errc::bad_field);
  CHECK(refused([](auto& p) { p.initial.pop_back(); }) == errc::bad_field);
  CHECK(refused([](auto& p) { p.mask_prior.pop_back(); }) == errc::bad_field);
  CHECK(refused([](auto& p) { p.mask_prior[1] = 31; }) == errc::bad_field);
  CHECK(refused([](auto& p) { p.mask_prior[1] = 65505; }) == errc::bad_field);
  auto p = good;
  p.reference.clear();
  p.channel_class.clear();
  p.initial.clear();
  p.mask_prior.clear();
  CHECK(context_coder::check(p, 6).has_value());
  CHECK(context_coder::check(p, 7).has_value());
}

TEST_CASE("planes, masks and symbols that do not fit are refused") {
  const auto p = rich_parameters(10, 4, 6, true, 21);
  auto coder = context_coder::create(p, 6).value();
  context_parameters plain;
  plain.levels = 10;
  auto unmasked = context_coder::create(plain, 6).value();
  plane s(6 * 4, 4);
  std::vector<std::uint8_t> mask(6, 1), none;
  bytes out;
  REQUIRE(coder.encode(s, {6, 2, 2}, mask, out).has_value());
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  for (const auto& shape : {shape3{6, 2, 3}, shape3{5, 2, 2}, shape3{6, 0, 4}, shape3{6, 4, 0}, shape3{0, 2, 2}, shape3{6, most, 1}, shape3{6, most, most},
                            shape3{6, most / 6 + 5, 1}, shape3{6, (most >> 2) + 2, 4}, shape3{12, 1, 2}}) {
    CAPTURE(to_string(shape));
    CHECK(code_of(coder.encode(s, shape, mask, out)) == errc::bad_shape);
    CHECK(code_of(coder.decode({}, shape, mask, s)) == errc::bad_shape);
    CHECK(code_of(coder.encode_chosen(std::span<symbol>(s), shape, mask, out, [](auto, auto, const auto&) { return symbol{4}; })) == errc::bad_shape);
    ideal_length ideal;
    CHECK(code_of(coder.run(s, shape, mask, ideal)) == errc::bad_shape);
  }
  CHECK(code_of(coder.encode(s, {6, 2, 2}, none, out)) == errc::bad_shape);
  CHECK(code_of(coder.encode(s, {6, 2, 2}, std::vector<std::uint8_t>(7), out)) == errc::bad_shape);
  CHECK(code_of(coder.decode({}, {6, 2, 2}, none, s)) == errc::bad_shape);
  CHECK(code_of(unmasked.encode(s, {6, 2, 2}, mask, out)) == errc::bad_shape);
  s[23] = 10;
  CHECK(code_of(coder.encode(s, {6, 2, 2}, mask, out)) == errc::invalid_argument);
  s[23] = 65535;
  CHECK(code_of(unmasked.encode(s, {6, 2, 2}, none, out)) == errc::invalid_argument);
}

TEST_CASE("initial states that fit the data make a short payload shorter") {
  // States as the coder left them after other tensors of the same kind.
  const shape3 shape{6, 8, 8};
  context_parameters p;
  p.levels = 15;
  p.zero = 7;
  auto cold = context_coder::create(p, 6).value();
  CHECK(cold.models().size() == cold.layout().state_count());
  for (std::uint64_t seed = 0; seed < 10; ++seed) encode(cold, make_symbols({6, 8, 80}, 15, 7, content::sparse, 30 + seed), {6, 8, 80});
  for (const auto& m : cold.models()) p.initial.push_back(aecnn::pack_state(m.p1(), m.count >= 24 ? 11 : 2));
  auto warm = context_coder::create(p, 6).value();
  std::size_t cold_bytes = 0, warm_bytes = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto s = make_symbols(shape, 15, 7, content::sparse, 50 + seed);
    cold_bytes += encode(cold, s, shape).size();
    warm_bytes += encode(warm, s, shape).size();
  }
  CHECK(warm_bytes < cold_bytes * 9 / 10);
}

TEST_CASE("quantised real feature tensors come near the ideal length of the models") {
  // The example's .npy is read by hand, so that this test needs nothing beyond the entropy coder: version 1.0, '<f4', N,32,16,16.
  std::ifstream file(AECNN_EXAMPLE_DATA "/resnet56_stage2.npy", std::ios::binary);
  if (!file) {
    SUCCEED("the examples' data are not there");
    return;
  }
  char start[10];
  file.read(start, 10);
  file.seekg(10 + static_cast<unsigned char>(start[8]) + 256 * static_cast<unsigned char>(start[9]));
  const shape3 shape{32, 16, 16};
  std::vector<unsigned char> raw(4 * shape.size());
  double bits = 0, sent = 0;
  for (int t = 0; t < 8 && file.read(reinterpret_cast<char*>(raw.data()), static_cast<std::streamsize>(raw.size())); ++t)
    for (const float step : {2.0F, 0.5F, 0.0625F}) {
      plane s(shape.size());
      for (std::size_t i = 0; i < s.size(); ++i) {
        std::uint32_t word = 0;
        for (std::size_t b = 0; b < 4; ++b) word |= static_cast<std::uint32_t>(raw[4 * i + b]) << (8 * b);
        s[i] = static_cast<symbol>(std::bit_cast<float>(word) / step + 0.4F);
        REQUIRE(s[i] < 400);
      }
      context_parameters p;
      p.levels = 400;
      check_round_trip(p, s, shape);
      auto coder = context_coder::create(p, 32).value();
      ideal_length ideal;
      REQUIRE(coder.run(s, shape, {}, ideal).has_value());
      bits += ideal.bits;
      sent += 8.0 * static_cast<double>(encode(coder, s, shape).size());
    }
  CHECK(sent < bits * 1.005);
  CHECK(bits > 0);
}
