#include <aecnn/calibrate/priors.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <catch_compat.hpp>
#include <random.hpp>

using aecnn::context_coder;
using aecnn::context_parameters;
using aecnn::prior_statistics;
using aecnn::shape3;
using aecnn::symbol;
using plane = std::vector<symbol>;

namespace {

const shape3 usual{4, 6, 6};

/// Sparse symbols around `zero`, the later channels sparser.
plane make_symbols(std::uint64_t seed, std::uint32_t zero) {
  random_integers random(seed);
  plane s;
  for (std::uint32_t c = 0; c < 4; ++c)
    for (std::size_t i = 0; i < usual.area(); ++i) {
      const std::int32_t d = random.below(3 + 6 * c) == 0 ? random.geometric(static_cast<std::int32_t>(zero)) : 0;
      s.push_back(static_cast<symbol>(static_cast<std::int32_t>(zero) + d));
    }
  return s;
}
context_parameters parameters(std::uint32_t zero, std::uint8_t classes) {
  context_parameters p;
  p.levels = 2 * zero + 1;
  p.zero = zero;
  p.classes = classes;
  if (classes > 1) p.channel_class = {0, 0, 1, 1};
  return p;
}
std::size_t bytes_of(const context_parameters& p, std::uint64_t first, std::uint64_t last) {
  auto coder = context_coder::create(p, 4).value();
  std::size_t bytes = 0;
  for (std::uint64_t seed = first; seed < last; ++seed) {
    std::vector<std::byte> out;
    coder.encode(make_symbols(seed, p.zero), usual, {}, out).value();
    bytes += out.size();
  }
  return bytes;
}

} // namespace

TEST_CASE("trained states shorten the payloads of tensors that were not seen") {
  for (const std::uint32_t zero : {3U, 20U})
    for (const std::uint8_t classes : {std::uint8_t{1}, std::uint8_t{2}}) {
      auto p = parameters(zero, classes);
      prior_statistics statistics(p);
      for (std::uint64_t seed = 0; seed < 40; ++seed) REQUIRE(statistics.add(make_symbols(seed, zero), usual).has_value());
      const std::size_t cold = bytes_of(p, 100, 140);
      p.initial = statistics.train();
      REQUIRE(context_coder::check(p, 4).has_value());
      const std::size_t warm = bytes_of(p, 100, 140);
      CAPTURE(cold, warm);
      CHECK(warm < cold * 85 / 100);
    }
}

TEST_CASE("the states do not depend on states that the parameters had before") {
  auto p = parameters(3, 1);
  prior_statistics a(p);
  p.initial.assign(aecnn::context_layout(7, 3).state_count(), aecnn::pack_state(1000, 9));
  prior_statistics b(p);
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    REQUIRE(a.add(make_symbols(seed, 3), usual).has_value());
    REQUIRE(b.add(make_symbols(seed, 3), usual).has_value());
  }
  CHECK(a.train() == b.train());
}

TEST_CASE("merged statistics are those of one pass") {
  const auto p = parameters(5, 2);
  const auto counted = [&](std::uint64_t first, std::uint64_t last) {
    prior_statistics s(p);
    for (std::uint64_t seed = first; seed < last; ++seed) s.add(make_symbols(seed, 5), usual).value();
    return s;
  };
  const auto whole = counted(0, 20);
  auto merged = counted(0, 7);
  auto rest = counted(7, 13);
  rest.merge(counted(13, 20));
  merged.merge(rest);
  CHECK(merged.train() == whole.train());
  for (std::size_t half = 0; half < 2; ++half) CHECK(merged.train(2, half) == whole.train(2, half));
  auto turned = counted(13, 20);
  turned.merge(counted(0, 13));
  CHECK(turned.train() == whole.train()); // the order of tensors does not matter
}

TEST_CASE("folds leave their tensors out") {
  const auto p = parameters(3, 1);
  prior_statistics all(p), even(p);
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    all.add(make_symbols(seed, 3), usual).value();
    if (seed % 2 == 0) even.add(make_symbols(seed, 3), usual).value();
  }
  CHECK(all.train(2, 1) == even.train());
  CHECK(all.train(2, 0) != even.train());
}

TEST_CASE("confidence follows how alike the tensors are") {
  // One decision kind: zero or not, in one context of the first symbol of each of many channels.
  context_parameters p;
  p.levels = 2;
  const shape3 shape{64, 1, 1};
  prior_statistics alike(p), different(p);
  random_integers random(1);
  for (int t = 0; t < 40; ++t) {
    plane a(64), b(64, static_cast<symbol>(t % 2));
    for (auto& s : a) s = static_cast<symbol>(random.below(2));
    alike.add(a, shape).value();
    different.add(b, shape).value();
  }
  const auto state = aecnn::context_layout(2, 0).zero_model(aecnn::context_layout(2, 0).first_activity(), 0);
  const auto sure = aecnn::unpack_state(alike.train()[state]), unsure = aecnn::unpack_state(different.train()[state]);
  CHECK(sure.p1() == Approx(32768).margin(3000));
  CHECK(unsure.p1() == Approx(32768).margin(3000));
  CHECK(sure.count >= 32);
  CHECK(unsure.count <= 2);
}

TEST_CASE("symbols that do not fit are refused") {
  prior_statistics s(parameters(3, 1));
  const auto status = s.add(plane(10), usual);
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().code == aecnn::errc::bad_shape);
}

TEST_CASE("channels of similar activity share a class") {
  std::vector<plane> planes;
  random_integers random(2);
  for (int t = 0; t < 10; ++t) {
    plane s;
    for (std::uint32_t c = 0; c < 6; ++c)
      for (int i = 0; i < 50; ++i) s.push_back(static_cast<symbol>(100 + (c % 2 == 0 ? random.between(-60, 60) : random.between(-1, 1))));
    planes.push_back(s);
  }
  context_parameters p;
  p.levels = 201;
  p.zero = 100;
  aecnn::assign_classes(p, planes, 6);
  CHECK(p.classes >= 2);
  CHECK(p.classes <= 4);
  REQUIRE(p.channel_class.size() == 6);
  CHECK(p.channel_class[0] == p.channel_class[2]);
  CHECK(p.channel_class[0] == p.channel_class[4]);
  CHECK(p.channel_class[1] == p.channel_class[3]);
  CHECK(p.channel_class[0] != p.channel_class[1]);
  CHECK(context_coder::check(p, 6).has_value());
  // All alike, all zero, or one channel: one class.
  aecnn::assign_classes(p, std::vector<plane>(3, plane(60, 100)), 6);
  CHECK(p.classes == 1);
  CHECK(p.channel_class.empty());
  aecnn::assign_classes(p, planes, 1);
  CHECK(p.classes == 1);
}

TEST_CASE("a channel refers to the earlier one it goes with") {
  std::vector<plane> planes;
  random_integers random(3);
  for (int t = 0; t < 10; ++t) {
    plane s(4 * 80, 5);
    for (std::size_t i = 0; i < 80; ++i) {
      const auto at = [&](std::size_t c) -> symbol& { return s[c * 80 + i]; };
      at(0) = static_cast<symbol>(5 + random.geometric(3));
      at(1) = static_cast<symbol>(5 + random.geometric(3));
      at(2) = static_cast<symbol>(10 - at(0)); // of the same magnitude
      at(3) = at(1);
    }
    planes.push_back(s);
  }
  context_parameters p;
  p.levels = 11;
  p.zero = 5;
  aecnn::assign_references(p, planes, 4);
  CHECK(p.reference == std::vector<std::uint16_t>{context_parameters::no_reference, context_parameters::no_reference, 0, 1});
  CHECK(context_coder::check(p, 4).has_value());
  aecnn::assign_references(p, std::vector<plane>(2, plane(4 * 80, 5)), 4);
  CHECK(p.reference.empty());
}
