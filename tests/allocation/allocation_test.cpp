#include "allocations.hpp"

#include <cstddef>
#include <string>
#include <vector>

#include <aecnn/codec.hpp>
#include <aecnn/profile_io.hpp>

#include <catch_compat.hpp>
#include <codec_profiles.hpp>
#include <feature_tensors.hpp>

using aecnn::errc;
using aecnn::framing;
using aecnn::shape3;
using bytes = std::vector<std::byte>;

namespace {

const shape3 usual{8, 13, 11};

// Not in a CHECK: xtensor takes every operator for its own.
bool same(const aecnn::tensor<float>& a, const aecnn::tensor<float>& b) { return a == b; }

/// Calls f with ever more memory until it succeeds; every failure before that must be errc::out_of_memory.
template <class F>
long failures_until_success(F&& f) {
  for (long n = 0;; ++n) {
    const auto r = [&] {
      const allocations::only budget(n);
      return f();
    }();
    if (r.has_value()) return n;
    CAPTURE(n, r.error().message);
    REQUIRE(r.error().code == errc::out_of_memory);
    REQUIRE(n < 100000);
  }
}

} // namespace

TEST_CASE("the counter counts") {
  CHECK(allocations::in([] { static_cast<void>(std::vector<int>(100)); }) > 0);
  CHECK(allocations::in([] {
          std::vector<float> v(1000);
          v.push_back(1);
        }) > 1);
  CHECK(allocations::in([] {}) == 0);
  CHECK_THROWS_AS(
      [] {
        const allocations::only none(0);
        static_cast<void>(std::vector<int>(100));
      }(),
      std::bad_alloc);
}

TEST_CASE("encode_to allocates nothing after the first tensor of a shape, whatever the next ones hold") {
  const auto p = codec_profiles::make_all(usual);
  const std::vector<float> zeros(usual.size());
  auto noise = feature_tensors::make(usual, 60);
  random_integers random(61);
  for (float& v : noise) v = static_cast<float>(random.between(-1000, 1000)) / 8.0F;
  bytes buffer(100000);
  for (std::size_t i = 0; i < p.operating_points.size(); ++i)
    for (const auto& mode : aecnn::entropy_modes) {
      const auto frame = i % 2 == 0 ? framing::standard : framing::none;
      CAPTURE(p.operating_points[i].name, mode.name);
      aecnn::encoder e(p, {.operating_point = i, .frame = frame, .mode = mode});
      CHECK(allocations::in([&] { e.encode_to(feature_tensors::view(zeros, usual), buffer); }) > 0);
      std::size_t length = 0;
      CHECK(allocations::in([&] { length = e.encode_to(feature_tensors::view(noise, usual), buffer); }) == 0);
      CHECK(length > 20);
      CHECK(allocations::in([&] {
              length = e.encode_to(aecnn::tensor_view<const float>::hwc(noise.data(), 8, 13, 11), buffer);
            }) == 0);
    }
}

TEST_CASE("smaller tensors after a larger one need no allocation either") {
  const auto p = codec_profiles::make({8, 0, 0}, {std::begin(codec_profiles::all_kinds), std::end(codec_profiles::all_kinds)});
  const auto x = feature_tensors::make({8, 20, 20}, 62);
  bytes buffer(100000);
  for (std::size_t i = 0; i < 3 * p.operating_points.size(); ++i) {
    const auto& mode = aecnn::entropy_modes[i % 3];
    CAPTURE(p.operating_points[i / 3].name, mode.name);
    aecnn::encoder e(p, {.operating_point = i / 3, .mode = mode});
    e.encode_to(feature_tensors::view(x, {8, 20, 20}), buffer);
    for (const auto& shape : {shape3{8, 20, 19}, shape3{8, 3, 20}, shape3{8, 1, 1}, shape3{8, 20, 20}})
      CHECK(allocations::in([&] { e.encode_to(feature_tensors::view(x, shape), buffer); }) == 0);
  }
}

TEST_CASE("decode_to allocates nothing after the first stream of a shape and operating point") {
  const auto p = codec_profiles::make_all(usual);
  const std::vector<float> zeros(usual.size());
  const auto x = feature_tensors::make(usual, 63);
  for (const bool planar : {true, false}) {
    aecnn::decoder d(p);
    std::vector<float> floats(usual.size());
    std::vector<double> doubles(usual.size());
    const auto decode = [&](const bytes& stream) {
      if (planar)
        d.decode_to(stream, aecnn::tensor_view<float>::chw(floats.data(), 8, 13, 11));
      else
        d.decode_to(stream, aecnn::tensor_view<double>::hwc(doubles.data(), 8, 13, 11));
    };
    std::vector<bytes> first, second;
    const std::size_t count = 3 * p.operating_points.size();
    for (std::size_t i = 0; i < count; ++i) {
      aecnn::encoder e(p, {.operating_point = i / 3, .mode = aecnn::entropy_modes[i % 3]});
      first.push_back(e.encode(feature_tensors::view(zeros, usual)));
      second.push_back(e.encode(feature_tensors::view(x, usual)));
    }
    for (std::size_t i = 0; i < count; ++i) {
      CAPTURE(p.operating_points[i / 3].name, aecnn::entropy_modes[i % 3].name, planar);
      decode(first[i]);
      CHECK(allocations::in([&] { decode(second[i]); }) == 0);
    }
    // And between operating points and modes.
    for (int repeat = 0; repeat < 2; ++repeat)
      for (std::size_t i = count; i-- > 0;) CHECK(allocations::in([&] { decode(second[i]); }) == 0);
  }
}

TEST_CASE("without memory try_encode returns errc::out_of_memory and the encoder stays usable") {
  const auto p = codec_profiles::make_all(usual);
  const auto x = feature_tensors::make(usual, 64);
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    CAPTURE(p.operating_points[i].name);
    aecnn::encoder fresh(p, {.operating_point = i});
    aecnn::encoder reference = fresh;
    const bytes expected = reference.encode(feature_tensors::view(x, usual));
    CHECK(failures_until_success([&] {
            aecnn::encoder& e = fresh; // what one call could allocate stays for the next
            return e.try_encode(feature_tensors::view(x, usual));
          }) > 0);
    CHECK(fresh.encode(feature_tensors::view(x, usual)) == expected);
    aecnn::encoder other(p, {.operating_point = i});
    bytes buffer(expected.size(), std::byte{0xa5});
    CHECK(failures_until_success([&] { return other.try_encode_to(feature_tensors::view(x, usual), buffer); }) > 0);
    CHECK(buffer == expected);
  }
}

TEST_CASE("without memory try_decode returns errc::out_of_memory and the decoder stays usable") {
  const auto p = codec_profiles::make({8, 0, 0}, {std::begin(codec_profiles::all_kinds), std::end(codec_profiles::all_kinds)});
  const auto x = feature_tensors::make(usual, 65);
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    CAPTURE(p.operating_points[i].name);
    aecnn::encoder e(p, {.operating_point = i});
    const bytes stream = e.encode(feature_tensors::view(x, usual));
    aecnn::decoder reference(p), fresh(p), other(p);
    const auto expected = reference.decode(stream);
    CHECK(failures_until_success([&] { return fresh.try_decode(stream); }) > 0);
    CHECK(same(fresh.decode(stream), expected));
    aecnn::tensor<float> y({8, 13, 11});
    CHECK(failures_until_success([&] { return other.try_decode_to(stream, y); }) > 0);
    CHECK(same(y, expected));
    CHECK(failures_until_success([&] { return other.try_decode_symbols(stream); }) == 0);
  }
}

TEST_CASE("a failure that needs memory for its message is errc::out_of_memory where there is none") {
  const auto p = codec_profiles::make_all(usual);
  aecnn::encoder e(p);
  aecnn::decoder d(p);
  const std::vector<float> x(10);
  const bytes stream(3);
  const allocations::only none(0);
  const auto encoded = e.try_encode(feature_tensors::view(x, {1, 2, 5}));
  const auto decoded = d.try_decode(stream);
  const bool both = !encoded && !decoded && encoded.error().code == errc::out_of_memory && decoded.error().code == errc::out_of_memory;
  allocations::budget = -1;
  CHECK(both);
}

TEST_CASE("without memory try_load_profile and try_serialize_profile return errc::out_of_memory") {
  const auto p = codec_profiles::make({4, 5, 6}, {codec_profiles::kind::projected});
  const bytes file = aecnn::serialize_profile(p);
  // Every third allocation, as there are many.
  for (long n = 0, failed = 0;; n += 3) {
    const auto r = [&] {
      const allocations::only budget(n);
      return aecnn::try_load_profile(std::span<const std::byte>(file));
    }();
    if (r) {
      CHECK(r->hash == p.hash);
      CHECK(failed > 10);
      break;
    }
    CAPTURE(n, r.error().message);
    REQUIRE(r.error().code == errc::out_of_memory);
    ++failed;
  }
  for (long n = 0, failed = 0;; n += 7) {
    const auto r = [&] {
      const allocations::only budget(n);
      return aecnn::try_serialize_profile(p);
    }();
    if (r) {
      CHECK(*r == file);
      CHECK(failed > 10);
      break;
    }
    REQUIRE(r.error().code == errc::out_of_memory);
    ++failed;
  }
}
