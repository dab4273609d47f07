#include <aecnn/decoder.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <Eigen/Core>

#include <aecnn/encoder.hpp>

#include <catch_compat.hpp>
#include <codec_profiles.hpp>
#include <feature_tensors.hpp>

using aecnn::decoder;
using aecnn::encoder;
using aecnn::errc;
using aecnn::framing;
using aecnn::shape3;
using aecnn::symbol;
using bytes = std::vector<std::byte>;
using codec_profiles::kind;

namespace {

const shape3 usual{6, 7, 9};

template <class Result>
errc code_of(const Result& r) {
  REQUIRE_FALSE(r.has_value());
  CHECK_FALSE(r.error().message.empty());
  return r.error().code;
}

// Not in a CHECK: xtensor takes every operator for its own.
bool same(const aecnn::tensor<float>& a, const aecnn::tensor<float>& b) { return a == b; }

bytes encoded(const aecnn::profile& p, std::size_t point, const std::vector<float>& x, shape3 shape,
              framing frame = framing::standard) {
  encoder e(p, {.operating_point = point, .frame = frame});
  return e.encode(feature_tensors::view(x, shape));
}

/// What the profile says that symbols stand for, computed one element at a time: dequantisation, 1x1 convolution, pixel
/// shuffle, and the part beyond height and width cut off.
std::vector<double> expected_tensor(const aecnn::profile& p, std::size_t point, const std::vector<symbol>& symbols, shape3 shape) {
  const auto& o = p.operating_points[point];
  const auto& q = o.quantizer;
  const auto& g = *p.network(o.decoder);
  const shape3 planes = o.latent_shape(shape.height, shape.width);
  std::vector<double> z(symbols.size());
  for (std::size_t i = 0; i < z.size(); ++i) {
    const std::size_t k = i / planes.area();
    const int d = symbols[i] - static_cast<int>(q.zero), m = std::abs(d);
    const int v = d == 0 ? 0 : 256 * m - q.shift[6 * k + (d < 0 ? 3 : 0) + static_cast<std::size_t>(std::min(m, 3)) - 1];
    z[i] = static_cast<double>((d < 0 ? -v : v) + q.offset[k]) * static_cast<double>(q.unit[k]);
  }
  const std::size_t s = o.stride();
  std::vector<double> y(shape.size());
  for (std::size_t c = 0; c < shape.channels; ++c)
    for (std::size_t i = 0; i < shape.height; ++i)
      for (std::size_t j = 0; j < shape.width; ++j) {
        const std::size_t row = c * s * s + (i % s) * s + j % s;
        double sum = static_cast<double>(g.weights[1].values[row]);
        for (std::size_t l = 0; l < planes.channels; ++l)
          sum += static_cast<double>(g.weights[0].values[row * planes.channels + l]) * z[l * planes.area() + i / s * planes.width + j / s];
        y[(c * shape.height + i) * shape.width + j] = sum;
      }
  return y;
}

} // namespace

TEST_CASE("decoded symbols are the encoded ones and the tensor is what they stand for") {
  for (const auto& shape : {usual, shape3{1, 1, 1}, shape3{1, 5, 5}, shape3{3, 1, 8}, shape3{9, 8, 1}, shape3{16, 16, 16}, shape3{5, 3, 67}}) {
    const auto p = codec_profiles::make_all(shape);
    for (std::size_t i = 0; i < p.operating_points.size(); ++i)
      for (const auto frame : {framing::standard, framing::none}) {
        CAPTURE(to_string(shape), p.operating_points[i].name);
        decoder d(p, {.frame = frame, .operating_point = i});
        encoder e(p, {.operating_point = i, .frame = frame});
        for (std::uint64_t seed = 0; seed < 3; ++seed) {
          const auto x = feature_tensors::make(shape, 20 + seed, seed == 1);
          const bytes stream = e.encode(feature_tensors::view(x, shape));
          const std::vector<symbol> sent(e.symbols().begin(), e.symbols().end());
          const auto found = d.try_decode_symbols(stream);
          REQUIRE(found.has_value());
          REQUIRE(std::vector<symbol>(found->begin(), found->end()) == sent);
          const auto y = d.decode(stream);
          REQUIRE(y.shape()[0] == shape.channels);
          REQUIRE(y.shape()[1] == shape.height);
          REQUIRE(y.shape()[2] == shape.width);
          CHECK(d.shape() == shape);
          CHECK(d.operating_point_index() == i);
          CHECK(std::vector<symbol>(d.symbols().begin(), d.symbols().end()) == sent);
          CHECK(d.symbols_shape() == e.symbols_shape());
          const auto expected = expected_tensor(p, i, sent, shape);
          double largest = 1;
          for (const double v : expected) largest = std::max(largest, std::abs(v));
          for (std::size_t n = 0; n < expected.size(); ++n) {
            CAPTURE(n);
            REQUIRE(std::abs(static_cast<double>(y.data()[n]) - expected[n]) <= 1e-5 * largest);
          }
        }
      }
  }
}

TEST_CASE("large tensors make the round trip") {
  for (const auto& shape : {shape3{2048, 7, 7}, shape3{256, 56, 56}}) {
    const auto p = codec_profiles::make(shape, {kind::direct, kind::rate_distortion}, shape.channels / 64);
    const auto x = feature_tensors::make(shape, 30, true);
    decoder d(p);
    for (std::size_t i = 0; i < 2; ++i) {
      encoder e(p, {.operating_point = i});
      const bytes stream = e.encode(feature_tensors::view(x, shape));
      const auto y = d.decode(stream);
      const auto again = d.try_decode_symbols(stream).value();
      REQUIRE(std::vector<symbol>(again.begin(), again.end()) == std::vector<symbol>(e.symbols().begin(), e.symbols().end()));
      const auto expected = expected_tensor(p, i, {e.symbols().begin(), e.symbols().end()}, shape);
      double worst = 0, largest = 0;
      for (std::size_t n = 0; n < expected.size(); ++n) {
        worst = std::max(worst, std::abs(static_cast<double>(y.data()[n]) - expected[n]));
        largest = std::max(largest, std::abs(expected[n]));
      }
      CHECK(worst <= 1e-5 * largest);
    }
  }
}

TEST_CASE("bit depths from 1 to 16 make the round trip") {
  for (int bits = 1; bits <= 16; ++bits) {
    CAPTURE(bits);
    const std::uint32_t levels = 1U << bits, zero = bits == 1 ? 0 : levels / 2;
    auto p = codec_profiles::make(usual, {kind::direct}, 1, 1);
    auto& o = p.operating_points[0];
    o.quantizer.levels = o.entropy.levels = levels;
    o.quantizer.zero = o.entropy.zero = zero;
    o.entropy.initial.clear();
    // The range -16..16 over all levels.
    for (auto& s : o.quantizer.scale) s = static_cast<float>(levels) * 8.0F;
    for (auto& u : o.quantizer.unit) u = 1.0F / (static_cast<float>(levels) * 8.0F);
    o.quantizer.offset.clear();
    for (auto& s : o.quantizer.shift) s = 0;
    aecnn::seal(p);
    const auto x = feature_tensors::make(usual, 31);
    encoder e(p);
    const bytes stream = e.encode(feature_tensors::view(x, usual));
    decoder d(p);
    const auto found = d.try_decode_symbols(stream).value();
    const std::vector<symbol> symbols(found.begin(), found.end());
    REQUIRE(symbols == std::vector<symbol>(e.symbols().begin(), e.symbols().end()));
    const auto q = aecnn::uniform_quantizer::create(o.quantizer, 6, true).value();
    const double step = 32.0 / static_cast<double>(levels);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto v = static_cast<double>(x[i]);
      const double low = -static_cast<double>(zero) * step, high = static_cast<double>(levels - 1 - zero) * step;
      const double clipped = v < low ? low : v > high ? high : v;
      // Half a step, or up to the edge of the dead zone where rounding is below one half.
      REQUIRE(std::abs(static_cast<double>(q.value(i / 63, symbols[i])) - clipped) <= step * (256 - 80) / 256);
    }
  }
}

TEST_CASE("one decoder decodes streams of all operating points and extents in any order") {
  const auto p = codec_profiles::make({4, 0, 0}, {kind::direct, kind::projected, kind::top_k, kind::rate_distortion});
  decoder d(p);
  random_integers random(40);
  for (int n = 0; n < 60; ++n) {
    const std::size_t i = random.below(4);
    const shape3 shape{4, 1 + random.below(12), 1 + random.below(12)};
    CAPTURE(i, to_string(shape));
    const auto x = feature_tensors::make(shape, random.next());
    encoder e(p, {.operating_point = i});
    const bytes stream = e.encode(feature_tensors::view(x, shape));
    const auto y = d.decode(stream);
    CHECK(d.operating_point_index() == i);
    REQUIRE(d.shape() == shape);
    const auto expected = expected_tensor(p, i, {e.symbols().begin(), e.symbols().end()}, shape);
    for (std::size_t k = 0; k < expected.size(); ++k) REQUIRE(static_cast<double>(y.data()[k]) == Approx(expected[k]).margin(1e-4));
    decoder bare(p, {.frame = framing::none, .operating_point = i, .height = shape.height, .width = shape.width});
    CHECK(same(bare.decode(encoded(p, i, x, shape, framing::none)), y));
  }
}

TEST_CASE("decode_to gives the same values in every layout and type") {
  const auto p = codec_profiles::make_all(usual);
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    const bytes stream = encoded(p, i, feature_tensors::make(usual, 41), usual);
    decoder d(p);
    const auto y = d.decode(stream);
    std::vector<float> values(y.data(), y.data() + y.size());
    const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (const auto& order : orders)
      for (const int gap : {0, 2})
        for (const unsigned reversed : {0U, 5U}) {
          feature_tensors::relaid<float> expected(values, usual, order, gap, reversed, -7.0F);
          feature_tensors::relaid<float> found(std::vector<float>(usual.size()), usual, order, gap, reversed, -7.0F);
          d.decode_to(stream, found.view());
          REQUIRE(found.memory() == expected.memory()); // what lies between the elements stays
        }
    std::vector<double> doubles(usual.size());
    d.decode_to(stream, aecnn::tensor_view<double>::chw(doubles.data(), 6, 7, 9));
    std::vector<Eigen::half> halves(usual.size());
    d.decode_to(stream, aecnn::tensor_view<Eigen::half>::hwc(halves.data(), 6, 7, 9));
    std::vector<Eigen::bfloat16> brains(usual.size());
    d.decode_to(stream, aecnn::tensor_view<Eigen::bfloat16>::chw(brains.data(), 6, 7, 9));
    aecnn::tensor<float> own({6, 7, 9});
    d.decode_to(stream, own);
    CHECK(same(own, y));
    for (std::size_t n = 0; n < values.size(); ++n) {
      REQUIRE(doubles[n] == static_cast<double>(values[n]));
      REQUIRE(static_cast<float>(brains[n]) == static_cast<float>(Eigen::bfloat16(values[n])));
      const std::size_t c = n / 63, area = n % 63;
      REQUIRE(static_cast<float>(halves[area * 6 + c]) == static_cast<float>(Eigen::half(values[n])));
    }
  }
}

TEST_CASE("after a failure decode_to leaves the output untouched and the decoder usable") {
  const auto p = codec_profiles::make_all(usual);
  decoder d(p);
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    const bytes stream = encoded(p, i, feature_tensors::make(usual, 42), usual);
    const auto expected = d.decode(stream);
    std::vector<float> y(usual.size(), 3.25F);
    const std::vector<float> before = y;
    for (std::size_t n = 0; n < stream.size(); ++n) {
      const auto r = d.try_decode_to(std::span(stream).first(n), aecnn::tensor_view<float>::chw(y.data(), 6, 7, 9));
      REQUIRE_FALSE(r.has_value());
      REQUIRE(y == before);
    }
    for (const auto& shape : {shape3{6, 9, 7}, shape3{7, 6, 9}, shape3{6, 7, 8}, shape3{0, 0, 0}}) {
      CHECK(code_of(d.try_decode_to(stream, aecnn::tensor_view<float>::chw(y.data(), shape.channels, shape.height, shape.width))) ==
            errc::bad_shape);
      CHECK(y == before);
    }
    CHECK(same(d.decode(stream), expected));
  }
}

TEST_CASE("streams of other profiles are refused") {
  const auto x = feature_tensors::make(usual, 43);
  const auto p = codec_profiles::make_all(usual);
  decoder d(p);
  int by_id = 0, by_sum = 0;
  for (std::uint32_t n = 0; n < 3000; ++n) {
    auto other = p;
    other.operating_points[0].quantizer.rounding[0] = 128;
    other.operating_points[0].quantizer.unit[0] *= 1.0F + static_cast<float>(n + 1) / 1024.0F;
    aecnn::seal(other);
    REQUIRE(other.hash != p.hash);
    const auto r = d.try_decode(encoded(other, 0, x, usual));
    REQUIRE_FALSE(r.has_value());
    if (aecnn::profile_id(other.hash) != aecnn::profile_id(p.hash)) {
      REQUIRE(r.error().code == errc::wrong_profile);
      ++by_id;
    } else {
      // The part of the hash in the header is the same by chance: the checksum covers the rest.
      REQUIRE(r.error().code == errc::checksum_mismatch);
      ++by_sum;
    }
  }
  CHECK(by_id > 2900);
  CHECK(by_sum > 0);
}

TEST_CASE("headers with another format, operating point or checksum are refused") {
  const auto p = codec_profiles::make_all(usual);
  decoder d(p);
  const bytes good = encoded(p, 1, feature_tensors::make(usual, 44), usual);
  const auto changed = [&](std::size_t at, unsigned v) {
    bytes b = good;
    b[at] = static_cast<std::byte>(v);
    return code_of(d.try_decode(b));
  };
  for (const unsigned format : {0U, 4U, 5U, 6U, 7U}) CHECK(changed(0, format * 32 + 1) == errc::unsupported_version);
  for (const unsigned format : {2U, 3U}) { // the payload of another mode
    const auto code = changed(0, format * 32 + 1);
    CHECK((code == errc::checksum_mismatch || code == errc::corrupt || code == errc::trailing_bytes));
  }
  for (unsigned point = 5; point < 32; ++point) CHECK(changed(0, 32 + point) == errc::bad_operating_point);
  for (const unsigned point : {0U, 2U, 3U, 4U}) {
    const auto code = changed(0, 32 + point);
    CHECK((code == errc::checksum_mismatch || code == errc::corrupt || code == errc::trailing_bytes));
  }
  for (unsigned v = 0; v < 256; ++v) {
    if (v != std::to_integer<unsigned>(good[1])) CHECK(changed(1, v) == errc::wrong_profile);
    if (v != std::to_integer<unsigned>(good[2])) CHECK(changed(2, v) == errc::checksum_mismatch);
    if (v != std::to_integer<unsigned>(good[3])) CHECK(changed(3, v) == errc::checksum_mismatch);
  }
  CHECK(code_of(d.try_decode({})) == errc::truncated);
}

TEST_CASE("every truncation, every flipped bit and every appended byte of a stream is an error") {
  for (const bool open : {false, true}) {
    const auto p = open ? codec_profiles::make({6, 0, 0}, {std::begin(codec_profiles::all_kinds), std::end(codec_profiles::all_kinds)})
                        : codec_profiles::make_all(usual);
    decoder d(p, {.bounds = {.max_elements = 1 << 16}});
    for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
      CAPTURE(open, p.operating_points[i].name);
      const bytes good = encoded(p, i, feature_tensors::make(usual, 45), usual);
      const auto refused = [&](const bytes& b) {
        const auto r = d.try_decode(b);
        if (r) return false;
        switch (r.error().code) {
        case errc::truncated:
        case errc::trailing_bytes:
        case errc::corrupt:
        case errc::checksum_mismatch:
        case errc::unsupported_version:
        case errc::wrong_profile:
        case errc::bad_operating_point:
        case errc::limit_exceeded: return true;
        default: return false;
        }
      };
      for (std::size_t n = 0; n < good.size(); ++n) {
        CAPTURE(n);
        REQUIRE(refused(bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n))));
      }
      for (std::size_t n = 0; n < 8 * good.size(); ++n) {
        CAPTURE(n);
        bytes b = good;
        b[n / 8] ^= static_cast<std::byte>(1U << (n % 8));
        REQUIRE(refused(b));
      }
      for (unsigned v = 0; v < 256; ++v) {
        bytes b = good;
        b.push_back(static_cast<std::byte>(v));
        REQUIRE(refused(b));
      }
      REQUIRE(d.try_decode(good).has_value());
    }
  }
}

TEST_CASE("random bytes end in an error or in a tensor of the right shape") {
  const auto p = codec_profiles::make_all(usual);
  random_integers random(46);
  std::size_t decoded = 0;
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    decoder bare(p, {.frame = framing::none, .operating_point = i}), standard(p);
    for (int n = 0; n < 2000; ++n) {
      bytes b(random.below(n < 1000 ? 6 : 60));
      for (auto& v : b) v = static_cast<std::byte>(random.below(256));
      CHECK_FALSE(standard.try_decode(b).has_value());
      if (const auto y = bare.try_decode(b)) {
        ++decoded;
        REQUIRE(y->size() == usual.size());
        for (const auto s : bare.try_decode_symbols(b).value()) REQUIRE(s < p.operating_points[i].quantizer.levels);
      }
    }
  }
  CHECK(decoded > 0); // short payloads without a checksum stand for something
}

TEST_CASE("a header may not ask for more than the limits") {
  const auto p = codec_profiles::make({6, 0, 0}, {kind::direct});
  const auto stream_of = [&](std::size_t height, std::size_t width) {
    bytes b;
    aecnn::write_header({0, 0, aecnn::profile_id(p.hash), 0, height, width}, true, b);
    return b;
  };
  decoder d(p, {.bounds = {.max_elements = 6 * 100 * 100, .max_extent = 200}});
  CHECK(code_of(d.try_decode(stream_of(201, 1))) == errc::limit_exceeded);
  CHECK(code_of(d.try_decode(stream_of(1, 201))) == errc::limit_exceeded);
  CHECK(code_of(d.try_decode(stream_of(200, 51))) == errc::limit_exceeded);
  CHECK(code_of(d.try_decode(stream_of(1 << 14, 1 << 14))) == errc::limit_exceeded);
  CHECK(code_of(d.try_decode(stream_of((1 << 14) + 1, 1))) == errc::corrupt);
  decoder usual_limits(p);
  CHECK(code_of(usual_limits.try_decode(stream_of(1 << 14, 1 << 14))) == errc::limit_exceeded);
  // Extents in a longer form than needed.
  bytes b = stream_of(1, 1);
  b.resize(4);
  for (const unsigned v : {0x80U, 0x00U, 0x00U}) b.push_back(static_cast<std::byte>(v));
  CHECK_FALSE(d.try_decode(b).has_value());
  decoder bare(p, {.frame = framing::none, .height = 101, .width = 100, .bounds = {.max_elements = 6 * 100 * 100}});
  CHECK(code_of(bare.try_decode({})) == errc::limit_exceeded);
}

TEST_CASE("a few bytes do not stand for a large tensor unless the caller allows it") {
  const auto p = codec_profiles::make({6, 0, 0}, {kind::direct});
  const aecnn::limits generous{.max_elements_per_byte = 1 << 20};
  // Elements that are all zero cost next to nothing.
  const auto zeros = [&](aecnn::encoder& e, std::size_t side) {
    return e.try_encode(feature_tensors::view(std::vector<float>(6 * side * side), {6, side, side}));
  };
  aecnn::encoder e(p, {.bounds = generous}), usual_encoder(p);
  decoder d(p, {.bounds = generous}), usual_decoder(p);
  const auto small = zeros(e, 73).value(), large = zeros(e, 300).value(); // 6 * 73 * 73 is just below 2^15
  CHECK(small.size() * 512 < 6 * 73 * 73);
  CHECK(large.size() * 512 < 6 * 300 * 300);
  CHECK(d.try_decode(large)->size() == 6 * 300 * 300);
  CHECK(usual_decoder.try_decode(small)->size() == 6 * 73 * 73);
  CHECK(code_of(usual_decoder.try_decode(large)) == errc::limit_exceeded);
  // The sender learns it, too.
  CHECK(zeros(usual_encoder, 73).has_value());
  CHECK(code_of(zeros(usual_encoder, 300)) == errc::limit_exceeded);
  // Exactly at the limit, and one element a byte above it.
  const std::size_t least = 6 * 300 * 300 / (large.size() + 1) + 1;
  CHECK(decoder(p, {.bounds = {.max_elements_per_byte = least}}).try_decode(large).has_value());
  REQUIRE(6 * 300 * 300 / (least - 1) > large.size());
  CHECK(code_of(decoder(p, {.bounds = {.max_elements_per_byte = least - 1}}).try_decode(large)) == errc::limit_exceeded);
  CHECK(code_of(decoder(p, {.bounds = {.max_elements_per_byte = 0}}).try_decode(large)) == errc::limit_exceeded);
  // Fixed extents are the profile's own business, and those of a bare payload the caller's.
  const auto fixed = codec_profiles::make({6, 300, 300}, {kind::direct});
  aecnn::encoder f(fixed);
  CHECK(decoder(fixed).try_decode(zeros(f, 300).value()).has_value());
  aecnn::encoder bare(p, {.frame = framing::none});
  CHECK(decoder(p, {.frame = framing::none, .height = 300, .width = 300}).try_decode(zeros(bare, 300).value()).has_value());
}

TEST_CASE("a few bytes do not take long in a slow mode unless the caller allows it, and encoders then take the default mode") {
  const auto p = codec_profiles::make({6, 0, 0}, {kind::direct}, 1);
  const aecnn::limits generous{.max_slow_symbols_per_byte = 1 << 20};
  const auto tensor = [](std::size_t side, float v) { return std::vector<float>(6 * side * side, v); };
  const auto zeros = [&](aecnn::encoder& e, std::size_t side) {
    return e.encode(feature_tensors::view(tensor(side, 0), {6, side, side}));
  };
  const auto mode_of = [](const bytes& stream) { return std::to_integer<unsigned>(stream[0]) >> 5; };
  aecnn::encoder e(p, {.mode = aecnn::max_mode, .bounds = generous}), usual_encoder(p, {.mode = aecnn::max_mode}), plain(p);
  decoder d(p, {.bounds = generous}), usual_decoder(p);
  const auto small = zeros(e, 26), large = zeros(e, 70); // 6 * 26 * 26 is just below 2^12
  REQUIRE(mode_of(large) == mode_of(small));
  CHECK(usual_decoder.try_decode(small).has_value());
  CHECK(usual_decoder.mode() == aecnn::max_mode);
  CHECK(d.try_decode(large).has_value());
  const auto refused = usual_decoder.try_decode(large);
  REQUIRE(code_of(refused) == errc::limit_exceeded);
  CHECK(refused.error().message.find("max_slow_symbols_per_byte") != std::string::npos);
  // Exactly at the limit, and one symbol a byte above it.
  const std::size_t symbols = 6 * 70 * 70, least = symbols / (large.size() + 1) + 1;
  CHECK(decoder(p, {.bounds = {.max_slow_symbols_per_byte = least}}).try_decode(large).has_value());
  REQUIRE(symbols / (least - 1) > large.size());
  CHECK(code_of(decoder(p, {.bounds = {.max_slow_symbols_per_byte = least - 1}}).try_decode(large)) == errc::limit_exceeded);
  // The usual encoder's stream is that of the default mode; the next one, of a tensor with more in it, is of its own mode again.
  const auto other = zeros(usual_encoder, 70);
  CHECK(other == zeros(plain, 70));
  CHECK(usual_decoder.try_decode(other).has_value());
  CHECK(usual_decoder.mode() == aecnn::standard_mode);
  const auto x = feature_tensors::make({6, 70, 70}, 1);
  const auto full = usual_encoder.encode(feature_tensors::view(x, {6, 70, 70}));
  CHECK(usual_decoder.try_decode(full).has_value());
  CHECK(usual_decoder.mode() == aecnn::max_mode);
  CHECK(full == e.encode(feature_tensors::view(x, {6, 70, 70})));
  // Fixed extents are the profile's own business, and those of a bare payload the caller's.
  const auto fixed = codec_profiles::make({6, 70, 70}, {kind::direct}, 1);
  aecnn::encoder f(fixed, {.mode = aecnn::max_mode}), bare(p, {.frame = framing::none, .mode = aecnn::max_mode});
  decoder fixed_decoder(fixed);
  CHECK(fixed_decoder.try_decode(zeros(f, 70)).has_value());
  CHECK(fixed_decoder.mode() == aecnn::max_mode);
  CHECK(decoder(p, {.frame = framing::none, .mode = aecnn::max_mode, .height = 70, .width = 70}).try_decode(zeros(bare, 70)).has_value());
}

TEST_CASE("decoders of profiles without a fitting network are refused") {
  const auto p = codec_profiles::make_all(usual);
  auto q = p;
  q.networks.clear();
  CHECK(code_of(decoder::create(q)) == errc::missing_field);
  q = p;
  q.networks.pop_back();
  CHECK(code_of(decoder::create(q)) == errc::missing_field);
  q = p; // another number of channels
  q.networks[0] = codec_profiles::network(p.operating_points[0].latents(), 5, 1, "decoder0");
  CHECK(code_of(decoder::create(q)) == errc::bad_field);
  q = p; // too small an output: no pixel shuffle behind a projection
  q.networks[2] = codec_profiles::network(p.operating_points[2].latents(), 6, 1, "decoder2");
  CHECK(code_of(decoder::create(q)) == errc::bad_field);
  q = p; // another number of latents
  q.networks[1] = codec_profiles::network(p.operating_points[1].latents() + 1, 6, 1, "decoder1");
  CHECK_FALSE(decoder::create(q).has_value());
  q = p;
  q.networks[3].nodes[0].op_type = "Unheard";
  CHECK(code_of(decoder::create(q)) == errc::unsupported);
  q = p;
  q.networks[1].name = "decoder0";
  CHECK(code_of(decoder::create(q)) == errc::duplicate_name);
  q = p;
  q.shape.height = 0;
  CHECK(code_of(decoder::create(q)) == errc::bad_field);
  CHECK(code_of(decoder::create(p, {.bounds = {.max_elements = 100}})) == errc::limit_exceeded);
  CHECK(code_of(decoder::create(p, {.frame = framing::none, .operating_point = 5})) == errc::bad_operating_point);
  const auto open = codec_profiles::make({6, 0, 0}, {kind::direct});
  CHECK(code_of(decoder::create(open, {.frame = framing::none})) == errc::invalid_argument);
  CHECK(code_of(decoder::create(open, {.frame = framing::none, .height = 3})) == errc::invalid_argument);
  CHECK(code_of(decoder::create(p, {}, {})) == errc::invalid_argument);
  CHECK_THROWS_AS(decoder(q), aecnn::error);
}

TEST_CASE("copies of a decoder give the same tensors on several threads at once") {
  const auto p = codec_profiles::make_all(usual);
  decoder original(p);
  std::vector<bytes> streams;
  std::vector<aecnn::tensor<float>> expected;
  for (std::size_t i = 0; i < p.operating_points.size(); ++i)
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      streams.push_back(encoded(p, i, feature_tensors::make(usual, 400 + seed), usual));
      expected.push_back(original.decode(streams.back()));
    }
  std::vector<int> count(4, 0);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < count.size(); ++t)
    threads.emplace_back([&, t, d = original]() mutable {
      for (int repeat = 0; repeat < 5; ++repeat)
        for (std::size_t i = 0; i < streams.size(); ++i) count[t] += same(d.decode(streams[i]), expected[i]) ? 1 : 0;
    });
  for (auto& t : threads) t.join();
  CHECK(count == std::vector<int>(4, static_cast<int>(5 * streams.size())));
}

TEST_CASE("a failing stream throws what try_decode returns") {
  const auto p = codec_profiles::make_all(usual);
  decoder d(p);
  bytes b = encoded(p, 0, feature_tensors::make(usual, 47), usual);
  b.pop_back();
  const auto r = d.try_decode(b);
  REQUIRE_FALSE(r.has_value());
  try {
    static_cast<void>(d.decode(b));
    FAIL("nothing was thrown");
  } catch (const aecnn::error& e) {
    CHECK(e.code() == r.error().code);
    CHECK(e.what() == r.error().message);
  }
  std::vector<float> y(usual.size());
  CHECK_THROWS_AS(d.decode_to(b, aecnn::tensor_view<float>::chw(y.data(), 6, 7, 9)), aecnn::error);
}
