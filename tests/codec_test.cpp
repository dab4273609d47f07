#include <aecnn/codec.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <catch_compat.hpp>
#include <codec_profiles.hpp>
#include <feature_tensors.hpp>

using aecnn::errc;
using aecnn::framing;
using aecnn::shape3;
using bytes = std::vector<std::byte>;
using codec_profiles::kind;

namespace {

const shape3 usual{6, 8, 10};

template <class Result>
errc code_of(const Result& r) {
  REQUIRE_FALSE(r.has_value());
  CHECK_FALSE(r.error().message.empty());
  return r.error().code;
}

// Not in a CHECK: xtensor takes every operator for its own.
bool same(const aecnn::tensor<float>& a, const aecnn::tensor<float>& b) { return a == b; }

aecnn::profile probed() {
  auto p = codec_profiles::make_all(usual);
  const auto x = feature_tensors::make(usual, 50);
  REQUIRE(aecnn::make_probe(p, feature_tensors::view(x, usual)).has_value());
  return p;
}

} // namespace

TEST_CASE("a codec is an encoder and a decoder of the same options") {
  const auto p = codec_profiles::make_all(usual);
  const auto x = feature_tensors::make(usual, 51);
  for (std::size_t i = 0; i < p.operating_points.size(); ++i)
    for (const auto frame : {framing::standard, framing::none})
      for (const auto& mode : aecnn::entropy_modes) {
        aecnn::codec both(p, {.operating_point = i, .frame = frame, .mode = mode});
        aecnn::encoder e(p, {.operating_point = i, .frame = frame, .mode = mode});
        aecnn::decoder d(p, {.frame = frame, .operating_point = i, .mode = mode});
        const bytes stream = both.encode(feature_tensors::view(x, usual));
        CHECK(stream == e.encode(feature_tensors::view(x, usual)));
        CHECK(both.try_encode(feature_tensors::view(x, usual)).value() == stream);
        CHECK(same(both.decode(stream), d.decode(stream)));
        CHECK(same(both.try_decode(stream).value(), d.decode(stream)));
        CHECK(both.encoder_side().symbols_shape() == e.symbols_shape());
        CHECK(both.decoder_side().operating_point_index() == i);
        CHECK(both.decoder_side().mode() == mode);
      }
}

TEST_CASE("every mode gives the same symbols and the same tensor, and a decoder takes streams of all modes in turn") {
  const auto p = codec_profiles::make_all(usual);
  const auto x = feature_tensors::make(usual, 52);
  aecnn::decoder d(p);
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    CAPTURE(p.operating_points[i].name);
    aecnn::encoder standard(p, {.operating_point = i});
    const bytes expected = standard.encode(feature_tensors::view(x, usual));
    const auto y = d.decode(expected);
    for (int repeat = 0; repeat < 2; ++repeat)
      for (const auto& mode : aecnn::entropy_modes) {
        CAPTURE(mode.name);
        aecnn::encoder e(p, {.operating_point = i, .mode = mode});
        bytes stream = e.encode(feature_tensors::view(x, usual));
        CHECK(std::to_integer<unsigned>(stream[0]) == ((1U + mode.id) << 5 | i));
        CHECK(std::equal(e.symbols().begin(), e.symbols().end(), standard.symbols().begin(), standard.symbols().end()));
        CHECK(same(d.decode(stream), y));
        CHECK(d.mode() == mode);
        CHECK((stream == expected) == (mode == aecnn::standard_mode));
        // The checksum is over the symbols: it does not depend on the mode, and a mode taken for another is noticed.
        CHECK(stream[2] == expected[2]);
        CHECK(stream[3] == expected[3]);
        stream[0] = static_cast<std::byte>((1U + (mode.id + 1U) % 3U) << 5 | i);
        CHECK_FALSE(d.try_decode(stream).has_value());
      }
  }
}

TEST_CASE("a mode that streams cannot name is refused, and so is a mode without a coder for it") {
  const auto p = codec_profiles::make_all(usual);
  aecnn::entropy_mode odd = aecnn::max_mode;
  odd.id = 3;
  CHECK(code_of(aecnn::encoder::create(p, {.mode = odd})) == errc::invalid_argument);
  CHECK(code_of(aecnn::decoder::create(p, {.frame = framing::none, .mode = odd})) == errc::invalid_argument);
  using plain_encoder = aecnn::basic_encoder<aecnn::channel_selector, aecnn::uniform_quantizer, aecnn::context_coder>;
  using plain_decoder = aecnn::basic_decoder<aecnn::uniform_quantizer, aecnn::context_coder, aecnn::nn::network>;
  CHECK(code_of(plain_encoder::create(p, {.mode = aecnn::max_mode})) == errc::unsupported);
  const auto x = feature_tensors::make(usual, 53);
  plain_decoder d(p);
  CHECK(same(d.decode(plain_encoder(p).encode(feature_tensors::view(x, usual))), aecnn::codec(p).decode(aecnn::codec(p).encode(feature_tensors::view(x, usual)))));
  CHECK(code_of(d.try_decode(aecnn::encoder(p, {.mode = aecnn::max_mode}).encode(feature_tensors::view(x, usual)))) == errc::unsupported);
}

TEST_CASE("codec options that do not fit the profile are refused") {
  const auto p = codec_profiles::make_all(usual);
  const auto open = codec_profiles::make({6, 0, 0}, {kind::direct});
  CHECK(code_of(aecnn::codec::create(p, {.operating_point = 5})) == errc::bad_operating_point);
  CHECK(code_of(aecnn::codec::create(open, {.frame = framing::none})) == errc::invalid_argument);
  CHECK(aecnn::codec::create(open).has_value());
  auto device = p;
  device.networks.clear();
  CHECK(code_of(aecnn::codec::create(device)) == errc::missing_field);
  CHECK_THROWS_AS(aecnn::codec(device), aecnn::error);
}

TEST_CASE("a probe holds what every operating point makes of the tensor and verifies") {
  const auto p = probed();
  REQUIRE(p.probe.has_value());
  const auto& probe = *p.probe;
  CHECK(probe.height == 8);
  CHECK(probe.width == 10);
  // The largest magnitude is 127 units, every value the nearest unit.
  const auto x = feature_tensors::make(usual, 50);
  float largest = 0;
  for (const float v : x) largest = std::max(largest, std::abs(v));
  CHECK(probe.scale == Approx(largest / 127.0F));
  REQUIRE(probe.input.size() == usual.size());
  for (std::size_t i = 0; i < x.size(); ++i) REQUIRE(std::abs(probe.scale * static_cast<float>(probe.input[i]) - x[i]) <= 0.5001F * probe.scale);
  const auto rounded = aecnn::detail::probe_input(probe);
  REQUIRE(probe.streams.size() == p.operating_points.size());
  REQUIRE(probe.outputs.size() == p.operating_points.size());
  aecnn::decoder d(p);
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    aecnn::encoder e(p, {.operating_point = i});
    CHECK(probe.streams[i] == e.encode(feature_tensors::view(rounded, usual)));
    const auto y = d.decode(probe.streams[i]);
    REQUIRE(probe.outputs[i].size() == 480);
    for (std::size_t k = 0; k < 480; ++k) REQUIRE(probe.outputs[i][k] == y.data()[k]);
  }
  CHECK(aecnn::try_verify_probe(p).has_value());
  CHECK_NOTHROW(aecnn::verify_probe(p));
}

TEST_CASE("a large output is probed at 1024 evenly spaced elements") {
  const shape3 shape{8, 20, 20};
  auto p = codec_profiles::make(shape, {kind::direct});
  REQUIRE(aecnn::make_probe(p, feature_tensors::view(feature_tensors::make(shape, 52), shape)).has_value());
  REQUIRE(p.probe->outputs[0].size() == 1024);
  aecnn::decoder d(p);
  const auto y = d.decode(p.probe->streams[0]);
  for (std::size_t k = 0; k < 1024; ++k) REQUIRE(p.probe->outputs[0][k] == y.data()[k * 3200 / 1024]);
  CHECK(aecnn::try_verify_probe(p).has_value());
}

TEST_CASE("a probe of a profile with open extents verifies") {
  auto p = codec_profiles::make({6, 0, 0}, {kind::direct, kind::projected, kind::top_k});
  const shape3 shape{6, 5, 7};
  REQUIRE(aecnn::make_probe(p, feature_tensors::view(feature_tensors::make(shape, 53), shape)).has_value());
  CHECK(p.probe->height == 5);
  CHECK(p.probe->width == 7);
  CHECK(aecnn::try_verify_probe(p).has_value());
}

TEST_CASE("a probe of a tensor of zeros verifies") {
  auto p = codec_profiles::make_all(usual);
  const std::vector<float> zeros(usual.size());
  REQUIRE(aecnn::make_probe(p, feature_tensors::view(zeros, usual)).has_value());
  CHECK(p.probe->scale > 0);
  CHECK(aecnn::try_verify_probe(p).has_value());
}

TEST_CASE("a probe that gives other bytes or another output is errc::probe_mismatch") {
  const auto p = probed();
  const auto code_with = [&](auto&& change) {
    auto q = p;
    change(q);
    return code_of(aecnn::try_verify_probe(q));
  };
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    CAPTURE(p.operating_points[i].name);
    CHECK(code_with([&](auto& q) { q.probe->streams[i].back() ^= std::byte{1}; }) == errc::probe_mismatch);
    CHECK(code_with([&](auto& q) { q.probe->streams[i].pop_back(); }) == errc::probe_mismatch);
    CHECK(code_with([&](auto& q) { q.probe->outputs[i][7] += 0.1F; }) == errc::probe_mismatch);
    CHECK(code_with([&](auto& q) { q.networks[i].weights[0].values[0] += 0.5F; }) == errc::probe_mismatch);
    CHECK(code_with([&](auto& q) { q.networks[i].weights[1].values[0] += 0.5F; }) == errc::probe_mismatch);
    CHECK(code_with([&](auto& q) { for (auto& s : q.operating_points[i].entropy.initial) s ^= 0x8000; }) == errc::probe_mismatch);
    CHECK(code_with([&](auto& q) { q.operating_points[i].quantizer.offset[0] += 64; }) == errc::probe_mismatch);
    CHECK(code_with([&](auto& q) { q.hash ^= std::uint64_t{1} << 63; }) == errc::probe_mismatch);
  }
  CHECK(code_with([&](auto& q) { q.probe->input[3] = static_cast<std::int8_t>(q.probe->input[3] ^ 0x40); }) == errc::probe_mismatch);
  CHECK(code_with([&](auto& q) { q.probe->streams.pop_back(); }) == errc::probe_mismatch);
  CHECK(code_with([&](auto& q) { q.probe->outputs.pop_back(); }) == errc::missing_field);
  CHECK(code_with([&](auto& q) { q.probe->input.pop_back(); }) == errc::bad_field);
  CHECK(code_with([&](auto& q) { q.probe.reset(); }) == errc::missing_field);
  CHECK_THROWS_AS(
      [&] {
        auto q = p;
        q.probe.reset();
        aecnn::verify_probe(q);
      }(),
      aecnn::error);
  // A rounding error is none.
  auto q = p;
  for (auto& values : q.probe->outputs)
    for (auto& v : values) v *= 1.000001F;
  CHECK(aecnn::try_verify_probe(q).has_value());
}
