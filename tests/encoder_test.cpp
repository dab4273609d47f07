#include <aecnn/encoder.hpp>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <unsupported/Eigen/CXX11/Tensor>
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xview.hpp>

#include <aecnn/core/adapt_eigen.hpp>
#include <aecnn/core/adapt_xtensor.hpp>

#include <catch_compat.hpp>
#include <codec_profiles.hpp>
#include <feature_tensors.hpp>

using aecnn::encoder;
using aecnn::errc;
using aecnn::framing;
using aecnn::shape3;
using aecnn::symbol;
using bytes = std::vector<std::byte>;
using codec_profiles::kind;

namespace {

const shape3 usual{7, 9, 11};

/// What the documentation says of a directly quantised latent, in exact arithmetic.
std::int32_t expected_latent(const aecnn::uniform_parameters& q, std::size_t k, double x) {
  return static_cast<std::int32_t>(std::trunc(x * static_cast<double>(q.scale[k]))) - q.offset[k];
}
symbol expected_symbol(const aecnn::uniform_parameters& q, std::size_t k, double x) {
  const std::int32_t v = expected_latent(q, k, x);
  const std::int32_t m = (std::abs(v) + q.rounding[k]) / 256;
  const auto zero = static_cast<std::int32_t>(q.zero), most = static_cast<std::int32_t>(q.levels) - 1 - zero;
  const std::int32_t d = v < 0 ? -m : m;
  return static_cast<symbol>((d < -zero ? -zero : d > most ? most : d) + zero);
}

template <class Result>
errc code_of(const Result& r) {
  REQUIRE_FALSE(r.has_value());
  CHECK_FALSE(r.error().message.empty());
  return r.error().code;
}

} // namespace

TEST_CASE("symbols are those of the documented formula") {
  for (const auto& shape : {shape3{1, 1, 1}, usual, shape3{3, 1, 130}, shape3{5, 64, 1}}) {
    const auto p = codec_profiles::make(shape, {kind::direct});
    const auto x = feature_tensors::make(shape, 5);
    encoder e(p);
    e.encode(feature_tensors::view(x, shape));
    const auto& o = p.operating_points[0];
    REQUIRE(e.symbols_shape() == shape3{o.selector.channels.size(), shape.height, shape.width});
    REQUIRE(e.symbols().size() == e.symbols_shape().size());
    for (std::size_t k = 0; k < o.selector.channels.size(); ++k)
      for (std::size_t i = 0; i < shape.area(); ++i) {
        CAPTURE(k, i);
        REQUIRE(e.symbols()[k * shape.area() + i] ==
                expected_symbol(o.quantizer, k, static_cast<double>(x[o.selector.channels[k] * shape.area() + i])));
      }
  }
}

TEST_CASE("the payload is that of the entropy coder for these symbols, after a header of four bytes") {
  const auto p = codec_profiles::make_all(usual);
  const auto x = feature_tensors::make(usual, 6);
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    CAPTURE(p.operating_points[i].name);
    encoder e(p, {.operating_point = i});
    const bytes stream = e.encode(feature_tensors::view(x, usual));
    REQUIRE(stream.size() > 4);
    CHECK(std::to_integer<unsigned>(stream[0]) == 0x20 + i);
    CHECK(std::to_integer<unsigned>(stream[1]) == p.hash >> 56);
    CHECK(std::to_integer<unsigned>(stream[2]) + 256 * std::to_integer<unsigned>(stream[3]) ==
          aecnn::symbol_checksum(e.symbols(), p.hash, static_cast<std::uint32_t>(i)));
    const auto& parameters = p.operating_points[i].entropy;
    auto coder = aecnn::context_coder::create(parameters, e.symbols_shape().channels).value();
    std::vector<std::uint8_t> mask(parameters.mask_prior.size());
    std::vector<symbol> decoded(e.symbols().size());
    REQUIRE(coder.decode(std::span(stream).subspan(4), e.symbols_shape(), mask, decoded).has_value());
    CHECK(decoded == std::vector<symbol>(e.symbols().begin(), e.symbols().end()));
    bytes again;
    REQUIRE(coder.encode(decoded, e.symbols_shape(), mask, again).has_value());
    CHECK(again == bytes(stream.begin() + 4, stream.end()));

    encoder bare(p, {.operating_point = i, .frame = framing::none});
    CHECK(bare.encode(feature_tensors::view(x, usual)) == again);
  }
}

TEST_CASE("open extents travel in two to four more bytes") {
  struct extents {
    std::size_t height, width, header;
  };
  const auto p = codec_profiles::make({3, 0, 0}, {kind::direct, kind::projected});
  for (const auto& s : {extents{1, 1, 6}, extents{128, 1, 6}, extents{129, 1, 7}, extents{1, 129, 7}, extents{130, 129, 8}}) {
    CAPTURE(s.height, s.width);
    const shape3 shape{3, s.height, s.width};
    const auto x = feature_tensors::make(shape, 7);
    for (std::size_t i = 0; i < 2; ++i) {
      encoder e(p, {.operating_point = i}), bare(p, {.operating_point = i, .frame = framing::none});
      const bytes stream = e.encode(feature_tensors::view(x, shape)), payload = bare.encode(feature_tensors::view(x, shape));
      CHECK(stream.size() == payload.size() + s.header);
      CHECK(bytes(stream.begin() + static_cast<std::ptrdiff_t>(s.header), stream.end()) == payload);
    }
  }
  encoder e(p, {.bounds = {.max_elements = std::size_t{1} << 40, .max_extent = 1 << 20}});
  const std::vector<float> zero(1);
  const aecnn::tensor_view<const float> wide(zero.data(), {3, 1, (1 << 14) + 1}, {0, 0, 0});
  CHECK(code_of(e.try_encode(wide)) == errc::limit_exceeded);
}

TEST_CASE("the stream does not depend on the memory layout") {
  for (const auto& shape : {usual, shape3{64, 8, 8}, shape3{2, 5, 70}, shape3{70, 1, 3}, shape3{1, 1, 1}}) {
    const auto p = codec_profiles::make_all(shape);
    const auto x = feature_tensors::make(shape, 8);
    for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
      encoder e(p, {.operating_point = i});
      const bytes expected = e.encode(feature_tensors::view(x, shape));
      CAPTURE(p.operating_points[i].name, to_string(shape));
      const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
      // What lies between the elements must not be read.
      const float filler = std::numeric_limits<float>::quiet_NaN();
      for (const auto& order : orders)
        for (const int gap : {0, 1, 3})
          for (unsigned reversed = 0; reversed < 8; ++reversed) {
            feature_tensors::relaid<float> other(x, shape, order, gap, reversed, filler);
            CAPTURE(order[0], order[1], order[2], gap, reversed);
            REQUIRE(e.encode(other.view()) == expected);
          }
    }
  }
}

TEST_CASE("the stream does not depend on the container") {
  const shape3 shape = usual;
  const auto p = codec_profiles::make_all(shape);
  const auto x = feature_tensors::make(shape, 9);
  const auto at = [&](std::size_t c, std::size_t h, std::size_t w) { return x[(c * shape.height + h) * shape.width + w]; };
  xt::xtensor<float, 3> rows({shape.channels, shape.height, shape.width});
  xt::xtensor<float, 3, xt::layout_type::column_major> columns({shape.channels, shape.height, shape.width});
  xt::xarray<float> any(std::vector<std::size_t>{shape.channels, shape.height, shape.width});
  xt::xtensor<float, 4> batch({2, shape.height, shape.width, shape.channels});
  Eigen::Tensor<float, 3> eigen(7, 9, 11);
  Eigen::Tensor<double, 3, Eigen::RowMajor> eigen_rows(7, 9, 11);
  Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic> matrix(7, 99);
  for (std::size_t c = 0; c < shape.channels; ++c)
    for (std::size_t h = 0; h < shape.height; ++h)
      for (std::size_t w = 0; w < shape.width; ++w) {
        rows(c, h, w) = columns(c, h, w) = any(c, h, w) = batch(1, h, w, c) = at(c, h, w);
        const auto ec = static_cast<Eigen::Index>(c), eh = static_cast<Eigen::Index>(h), ew = static_cast<Eigen::Index>(w);
        eigen(ec, eh, ew) = at(c, h, w);
        eigen_rows(ec, eh, ew) = static_cast<double>(at(c, h, w));
        matrix(ec, eh * 11 + ew) = at(c, h, w);
      }
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    CAPTURE(p.operating_points[i].name);
    encoder e(p, {.operating_point = i});
    const bytes expected = e.encode(feature_tensors::view(x, shape));
    CHECK(e.encode(rows) == expected);
    CHECK(e.encode(columns) == expected);
    CHECK(e.encode(any) == expected);
    CHECK(e.encode(xt::transpose(xt::view(batch, 1), {2, 0, 1})) == expected);
    CHECK(e.encode(eigen) == expected);
    CHECK(e.encode(eigen_rows) == expected);
    CHECK(e.encode(aecnn::channel_rows(matrix, 9, 11)) == expected);
    CHECK(e.encode(aecnn::as_view(std::span<const float>(x), shape)) == expected);
  }
  encoder e(p);
  const xt::xarray<float> rank4(std::vector<std::size_t>{1, 7, 9, 11});
  CHECK(code_of(e.try_encode(rank4)) == errc::bad_shape);
}

TEST_CASE("the stream does not depend on the element type where it holds the values exactly") {
  using feature_tensors::relaid;
  const auto p = codec_profiles::make_all(usual);
  const auto whole = feature_tensors::eighths(usual, 10, false);
  std::vector<std::uint8_t> raised;
  for (const auto v : whole) raised.push_back(static_cast<std::uint8_t>(v + 128));
  for (const bool last : {false, true}) {
    const int order[3] = {last ? 1 : 0, last ? 2 : 1, last ? 0 : 2};
    for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
      CAPTURE(p.operating_points[i].name, last);
      encoder e(p, {.operating_point = i});
      const bytes expected = e.encode(relaid<float>(feature_tensors::values(whole), usual, order, 0, 0, 0.0F).view());
      CHECK(e.encode(relaid<double>(feature_tensors::values<double>(whole), usual, order, 0, 0, 0.0).view()) == expected);
      CHECK(e.encode(relaid<Eigen::half>(feature_tensors::values<Eigen::half>(whole), usual, order, 0, 0, Eigen::half(0)).view()) ==
            expected);
      CHECK(e.encode(relaid<Eigen::bfloat16>(feature_tensors::values<Eigen::bfloat16>(whole), usual, order, 0, 0, Eigen::bfloat16(0))
                         .view()) == expected);
      relaid<std::int8_t> s8(whole, usual, order, 0, 0, 0);
      CHECK(e.encode(aecnn::quantized_view<const std::int8_t>{s8.view(), feature_tensors::unit, 0}) == expected);
      relaid<std::uint8_t> u8(raised, usual, order, 0, 0, 0);
      CHECK(e.encode(aecnn::quantized_view<std::uint8_t>{u8.view(), feature_tensors::unit, 128}) == expected);
    }
  }
}

TEST_CASE("NaN and infinities of any sign and payload in a selected channel are errc::not_finite") {
  const auto p = codec_profiles::make_all(usual);
  const auto good = feature_tensors::make(usual, 11);
  const std::uint32_t bad[] = {0x7f800000, 0xff800000, 0x7f800001, 0xff800001, 0x7fc00000, 0xffc00000, 0x7fffffff, 0xffffffff};
  for (std::size_t i = 0; i < 3; ++i) { // kinds that read all of the selected channels
    CAPTURE(p.operating_points[i].name);
    encoder e(p, {.operating_point = i});
    for (const auto b : bad)
      for (const std::size_t at : {std::size_t{0}, std::size_t{98}, 2 * usual.area(), 4 * usual.area() + 50, usual.size() - 1}) {
        CAPTURE(b, at);
        auto x = good;
        x[at] = std::bit_cast<float>(b);
        CHECK(code_of(e.try_encode(feature_tensors::view(x, usual))) == errc::not_finite);
        std::vector<double> d(x.begin(), x.end());
        CHECK(code_of(e.try_encode(aecnn::tensor_view<const double>::chw(d.data(), 7, 9, 11))) == errc::not_finite);
      }
    // The others are not read.
    auto x = good;
    for (std::size_t at = usual.area(); at < 2 * usual.area(); ++at) x[at] = std::numeric_limits<float>::quiet_NaN();
    CHECK(e.encode(feature_tensors::view(x, usual)) == e.encode(feature_tensors::view(good, usual)));
    // Half of 65520 or more is infinity; a double above all floats is one, too.
    std::vector<Eigen::half> h(usual.size(), Eigen::half(1.0F));
    CHECK(e.try_encode(aecnn::tensor_view<Eigen::half>::chw(h.data(), 7, 9, 11)).has_value());
    h[3] = Eigen::half(70000.0F);
    CHECK(code_of(e.try_encode(aecnn::tensor_view<Eigen::half>::chw(h.data(), 7, 9, 11))) == errc::not_finite);
  }
  for (std::size_t i = 3; i < 5; ++i) { // everything not finite: whatever channels are chosen are not
    encoder e(p, {.operating_point = i});
    for (const auto b : bad) {
      const std::vector<float> x(usual.size(), std::bit_cast<float>(b));
      CHECK(code_of(e.try_encode(feature_tensors::view(x, usual))) == errc::not_finite);
    }
  }
  encoder e(p);
  CHECK_THROWS_AS(e.encode(feature_tensors::view(std::vector<float>(usual.size(), std::numeric_limits<float>::infinity()), usual)),
                  aecnn::error);
}

TEST_CASE("an encoder goes on working after a failure") {
  const auto p = codec_profiles::make_all(usual);
  const auto x = feature_tensors::make(usual, 12);
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    encoder e(p, {.operating_point = i});
    const bytes expected = e.encode(feature_tensors::view(x, usual));
    const std::vector<float> bad(usual.size(), std::numeric_limits<float>::quiet_NaN());
    CHECK_FALSE(e.try_encode(feature_tensors::view(bad, usual)).has_value());
    CHECK(e.encode(feature_tensors::view(x, usual)) == expected);
    CHECK_FALSE(e.try_encode(feature_tensors::view(x, {11, 9, 7})).has_value());
    CHECK(e.encode(feature_tensors::view(x, usual)) == expected);
  }
}

TEST_CASE("denormals are zeros, huge finite values the last symbols") {
  const auto p = codec_profiles::make(usual, {kind::direct, kind::rate_distortion, kind::projected});
  for (std::size_t i = 0; i < 3; ++i) {
    CAPTURE(p.operating_points[i].name);
    encoder e(p, {.operating_point = i});
    const std::vector<float> zeros(usual.size());
    const bytes expected = e.encode(feature_tensors::view(zeros, usual));
    for (const std::uint32_t b : {0x00000001U, 0x80000001U, 0x007fffffU, 0x807fffffU, 0x80000000U}) {
      const std::vector<float> x(usual.size(), std::bit_cast<float>(b));
      CHECK(e.encode(feature_tensors::view(x, usual)) == expected);
    }
  }
  encoder e(p);
  const auto& q = p.operating_points[0].quantizer;
  for (const float huge : {1e30F, std::numeric_limits<float>::max()})
    for (const float sign : {1.0F, -1.0F}) {
      const std::vector<float> x(usual.size(), sign * huge);
      const bytes stream = e.encode(feature_tensors::view(x, usual));
      CHECK(stream.size() < 100);
      for (const auto s : e.symbols()) REQUIRE(s == (sign > 0 ? q.levels - 1 : 0));
    }
}

TEST_CASE("constant and zero tensors take few bytes") {
  const shape3 shape{32, 16, 16};
  const auto p = codec_profiles::make_all(shape);
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    CAPTURE(p.operating_points[i].name);
    encoder e(p, {.operating_point = i});
    const std::size_t symbols = e.try_quantise(feature_tensors::view(std::vector<float>(shape.size()), shape)).value().size();
    for (const float v : {0.0F, 1.0F, -2.5F, 1e6F}) {
      CAPTURE(v);
      const bytes stream = e.encode(feature_tensors::view(std::vector<float>(shape.size(), v), shape));
      // 32/65536 is the rarest that a model believes in; then some symbols to learn it and the first one of each channel.
      CHECK(stream.size() < 4 + 110 + symbols * 64 / 65536 * 12);
    }
  }
}

TEST_CASE("tensors of another shape, of size zero or above the limits are refused") {
  const auto p = codec_profiles::make_all(usual);
  const auto open = codec_profiles::make({7, 0, 0}, {kind::direct, kind::projected, kind::top_k});
  const std::vector<float> x(10000);
  for (const auto& shape : {shape3{6, 9, 11}, shape3{8, 9, 11}, shape3{7, 11, 9}, shape3{7, 9, 12}, shape3{7, 10, 11}, shape3{0, 9, 11},
                            shape3{7, 0, 11}, shape3{7, 9, 0}, shape3{0, 0, 0}}) {
    CAPTURE(to_string(shape));
    for (const auto frame : {framing::standard, framing::none}) {
      for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
        encoder e(p, {.operating_point = i, .frame = frame});
        CHECK(code_of(e.try_encode(feature_tensors::view(x, shape))) == errc::bad_shape);
        CHECK(code_of(e.try_quantise(feature_tensors::view(x, shape))) == errc::bad_shape);
        CHECK(code_of(e.try_latents(feature_tensors::view(x, shape))) == errc::bad_shape);
        std::vector<std::byte> buffer(1000);
        CHECK(code_of(e.try_encode_to(feature_tensors::view(x, shape), buffer)) == errc::bad_shape);
      }
      for (std::size_t i = 0; i < open.operating_points.size(); ++i) {
        encoder e(open, {.operating_point = i, .frame = frame});
        const auto r = e.try_encode(feature_tensors::view(x, shape));
        CHECK(r.has_value() == (shape.channels == 7 && shape.area() > 0));
        if (!r) CHECK(r.error().code == errc::bad_shape);
      }
    }
  }
  // Shapes whose products overflow or exceed the limits, without memory behind them.
  const float one = 1;
  const auto huge = [&](shape3 s) { return aecnn::tensor_view<const float>(&one, s, {0, 0, 0}); };
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  for (const auto frame : {framing::standard, framing::none}) {
    encoder e(open, {.frame = frame});
    for (const auto& shape : {shape3{7, most, most}, shape3{7, most, 1}, shape3{7, 1, most / 2 + 1}, shape3{7, std::size_t{1} << 32, std::size_t{1} << 32},
                              shape3{7, 1 << 14, 1 << 14}})
      CHECK(code_of(e.try_encode(huge(shape))) == errc::limit_exceeded);
  }
  encoder narrow(open, {.bounds = {.max_elements = 700}});
  CHECK(narrow.try_encode(feature_tensors::view(x, {7, 10, 10})).has_value());
  CHECK(code_of(narrow.try_encode(feature_tensors::view(x, {7, 10, 11}))) == errc::limit_exceeded);
  encoder short_sides(open, {.bounds = {.max_extent = 10}});
  CHECK(short_sides.try_encode(feature_tensors::view(x, {7, 10, 10})).has_value());
  CHECK(code_of(short_sides.try_encode(feature_tensors::view(x, {7, 11, 1}))) == errc::limit_exceeded);
}

TEST_CASE("an already quantised tensor whose scale or zero point is out of range is refused") {
  const auto p = codec_profiles::make_all(usual);
  const auto whole = feature_tensors::eighths(usual, 13, false);
  const auto elements = aecnn::tensor_view<const std::int8_t>::chw(whole.data(), 7, 9, 11);
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    encoder e(p, {.operating_point = i});
    CAPTURE(p.operating_points[i].name);
    for (const float scale : {0.0F, -0.5F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                              -std::numeric_limits<float>::infinity()}) {
      CAPTURE(scale);
      CHECK(code_of(e.try_encode(aecnn::quantized_view<const std::int8_t>{elements, scale, 0})) == errc::invalid_argument);
    }
    for (const std::int32_t zero : {-256, 256, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()}) {
      CAPTURE(zero);
      CHECK(code_of(e.try_encode(aecnn::quantized_view<const std::int8_t>{elements, 1.0F, zero})) == errc::invalid_argument);
    }
    for (const std::int32_t zero : {-255, 255})
      CHECK(e.try_encode(aecnn::quantized_view<const std::int8_t>{elements, 1.0F, zero}).has_value());
  }
  // A scale so large that the product with the quantizer's is no float: zero stays zero, the rest saturates.
  encoder e(p);
  const auto& o = p.operating_points[0];
  e.encode(aecnn::quantized_view<const std::int8_t>{elements, 1e38F, 0});
  for (std::size_t k = 0; k < o.selector.channels.size(); ++k)
    for (std::size_t i = 0; i < usual.area(); ++i) {
      const auto v = whole[o.selector.channels[k] * usual.area() + i];
      REQUIRE(e.symbols()[k * usual.area() + i] ==
              (v == 0 ? expected_symbol(o.quantizer, k, 0) : v > 0 ? o.quantizer.levels - 1 : 0));
    }
}

TEST_CASE("encode_to writes the stream to the front of the buffer or leaves it alone") {
  const auto p = codec_profiles::make_all(usual);
  const auto x = feature_tensors::make(usual, 14);
  for (std::size_t i = 0; i < p.operating_points.size(); ++i)
    for (const auto frame : {framing::standard, framing::none}) {
      encoder e(p, {.operating_point = i, .frame = frame});
      const bytes expected = e.encode(feature_tensors::view(x, usual));
      bytes buffer(expected.size() + 3, std::byte{0xa5});
      CHECK(e.encode_to(feature_tensors::view(x, usual), buffer) == expected.size());
      CHECK(bytes(buffer.begin(), buffer.end() - 3) == expected);
      CHECK(bytes(buffer.end() - 3, buffer.end()) == bytes(3, std::byte{0xa5}));

      bytes exact(expected.size());
      CHECK(e.try_encode_to(feature_tensors::view(x, usual), exact).value() == expected.size());
      CHECK(exact == expected);

      for (const std::size_t size : {std::size_t{0}, std::size_t{3}, expected.size() - 1}) {
        bytes small(size, std::byte{0xa5});
        CHECK(code_of(e.try_encode_to(feature_tensors::view(x, usual), small)) == errc::buffer_too_small);
        CHECK(small == bytes(size, std::byte{0xa5}));
      }
      bytes untouched(1000, std::byte{0xa5});
      const std::vector<float> bad(usual.size(), std::numeric_limits<float>::quiet_NaN());
      CHECK(code_of(e.try_encode_to(feature_tensors::view(bad, usual), untouched)) == errc::not_finite);
      CHECK(untouched == bytes(1000, std::byte{0xa5}));
    }
}

TEST_CASE("try_quantise and try_latents give the formula's symbols and latents, whatever lambda is") {
  const auto p = codec_profiles::make(usual, {kind::direct, kind::rate_distortion});
  const auto x = feature_tensors::make(usual, 15);
  for (std::size_t i = 0; i < 2; ++i) {
    encoder e(p, {.operating_point = i});
    const auto& o = p.operating_points[i];
    const auto s = e.try_quantise(feature_tensors::view(x, usual)).value();
    const std::vector<symbol> symbols(s.begin(), s.end());
    const auto l = e.try_latents(feature_tensors::view(x, usual)).value();
    REQUIRE(symbols.size() == 4 * usual.area());
    REQUIRE(l.size() == symbols.size());
    for (std::size_t n = 0; n < symbols.size(); ++n) {
      const std::size_t k = n / usual.area();
      const auto v = static_cast<double>(x[o.selector.channels[k] * usual.area() + n % usual.area()]);
      REQUIRE(symbols[n] == expected_symbol(o.quantizer, k, v));
      REQUIRE(l[n] == expected_latent(o.quantizer, k, v));
    }
  }
}

TEST_CASE("the rate-distortion choice costs fewer bytes and only moves symbols toward zero") {
  const shape3 shape{16, 16, 16};
  const auto p = codec_profiles::make(shape, {kind::rate_distortion});
  auto nearest = p;
  nearest.operating_points[0].lambda = 0;
  std::size_t with = 0, without = 0;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    auto x = feature_tensors::make(shape, 100 + seed);
    for (float& v : x) v *= 0.125F; // a low rate
    encoder a(p), b(nearest);
    with += a.encode(feature_tensors::view(x, shape)).size();
    without += b.encode(feature_tensors::view(x, shape)).size();
    const auto zero = static_cast<int>(p.operating_points[0].quantizer.zero);
    for (std::size_t i = 0; i < a.symbols().size(); ++i) {
      const int chosen = a.symbols()[i] - zero, own = b.symbols()[i] - zero;
      const bool candidate = chosen == own || chosen == 0 || (own != 0 && chosen == own + (own > 0 ? -1 : 1));
      REQUIRE(candidate);
    }
  }
  CHECK(with < without * 95 / 100);
}

TEST_CASE("per-input selection sends the chosen channels and zeros for the others") {
  const shape3 shape{12, 5, 6};
  const auto p = codec_profiles::make(shape, {kind::top_k, kind::threshold}, 1);
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto x = feature_tensors::make(shape, 200 + seed);
    for (std::size_t i = 0; i < 2; ++i) {
      const auto& o = p.operating_points[i];
      encoder e(p, {.operating_point = i, .frame = framing::none});
      const bytes payload = e.encode(feature_tensors::view(x, shape));
      const auto selector = aecnn::channel_selector::create(o.selector, 12).value();
      aecnn::channel_selector::workspace w;
      std::vector<std::uint8_t> expected(12), found(12);
      REQUIRE(selector.choose(feature_tensors::view(x, shape), expected, w).has_value());
      auto coder = aecnn::context_coder::create(o.entropy, 12).value();
      std::vector<symbol> symbols(shape.size());
      REQUIRE(coder.decode(payload, shape, found, symbols).has_value());
      CHECK(found == expected);
      for (std::size_t n = 0; n < symbols.size(); ++n)
        REQUIRE(symbols[n] == (expected[n / 30] ? expected_symbol(o.quantizer, n / 30, static_cast<double>(x[n])) : o.quantizer.zero));
    }
  }
}

TEST_CASE("copies of an encoder give the same bytes on several threads at once") {
  const shape3 shape{16, 12, 12};
  const auto p = codec_profiles::make_all(shape);
  std::vector<std::vector<float>> tensors;
  for (std::uint64_t seed = 0; seed < 8; ++seed) tensors.push_back(feature_tensors::make(shape, 300 + seed));
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    encoder original(p, {.operating_point = i});
    std::vector<bytes> expected;
    for (const auto& x : tensors) expected.push_back(original.encode(feature_tensors::view(x, shape)));
    std::vector<std::vector<bytes>> found(4);
    std::vector<std::thread> threads;
    for (auto& f : found)
      threads.emplace_back([&f, e = original, &tensors, &shape]() mutable {
        for (int repeat = 0; repeat < 3; ++repeat) {
          f.clear();
          for (const auto& x : tensors) f.push_back(e.encode(feature_tensors::view(x, shape)));
        }
      });
    for (auto& t : threads) t.join();
    for (const auto& f : found) CHECK(f == expected);
  }
}

TEST_CASE("encoders of inconsistent profiles and of operating points that are not there are refused") {
  const auto p = codec_profiles::make_all(usual);
  for (const std::size_t i : {p.operating_points.size(), std::size_t{31}, std::numeric_limits<std::size_t>::max()})
    CHECK(code_of(encoder::create(p, {.operating_point = i})) == errc::bad_operating_point);
  CHECK_THROWS_AS(encoder(p, {.operating_point = 9}), aecnn::error);
  const auto refused = [&](std::size_t i, auto&& change) {
    auto q = p;
    change(q.operating_points[i]);
    return code_of(encoder::create(q, {.operating_point = i}));
  };
  CHECK(refused(0, [](auto& o) { o.quantizer.unit.pop_back(); }) == errc::bad_field);
  CHECK(refused(0, [](auto& o) { o.entropy.levels += 1; }) == errc::bad_field);
  CHECK(refused(0, [](auto& o) { o.selector.channels.back() = 7; }) == errc::bad_field);
  CHECK(refused(0, [](auto& o) { o.decoder = "none"; }) == errc::missing_field);
  CHECK(refused(2, [](auto& o) { o.projection->weights.pop_back(); }) == errc::bad_field);
  CHECK(refused(3, [](auto& o) { o.entropy.mask_prior.clear(); }) == errc::bad_field);
  CHECK(refused(3, [](auto& o) { o.selector.k = 0; }) == errc::bad_field);
  // Another point's fault does not stop this one.
  auto q = p;
  q.operating_points[1].quantizer.unit.clear();
  CHECK(encoder::create(q).has_value());
}

TEST_CASE("a profile without networks encodes the same payload") {
  const auto p = codec_profiles::make_all(usual);
  auto device = p;
  device.networks.clear();
  const auto x = feature_tensors::make(usual, 16);
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    // Its hash is kept: the streams are those of the whole profile.
    encoder whole(p, {.operating_point = i}), part(device, {.operating_point = i});
    CHECK(whole.encode(feature_tensors::view(x, usual)) == part.encode(feature_tensors::view(x, usual)));
  }
}

TEST_CASE("an encoder made of given components is the profile's own where they are") {
  const auto p = codec_profiles::make_all(usual);
  const auto x = feature_tensors::make(usual, 17);
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    const auto& o = p.operating_points[i];
    auto e = encoder::create(p, {.operating_point = i}, aecnn::channel_selector::create(o.selector, 7).value(),
                             aecnn::uniform_quantizer::create(o.quantizer, o.latents(), !o.projection).value(),
                             aecnn::symbol_coder::create(o.entropy, o.latents()).value())
                 .value();
    CHECK(e.encode(feature_tensors::view(x, usual)) == encoder(p, {.operating_point = i}).encode(feature_tensors::view(x, usual)));
  }
}
