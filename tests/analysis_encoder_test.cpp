#include <aecnn/analysis_encoder.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/calibrate/merge.hpp>
#include <aecnn/calibrate/pack.hpp>
#include <aecnn/codec.hpp>
#include <aecnn/encoder.hpp>
#include <aecnn/io/profile_source.hpp>
#include <aecnn/nn/build.hpp>
#include <aecnn/profile_io.hpp>

#include <catch_compat.hpp>
#include <feature_tensors.hpp>

namespace nn = aecnn::nn;
using aecnn::errc;

namespace {

constexpr aecnn::shape3 usual{5, 6, 8};

std::vector<float> weights(std::size_t n, unsigned seed) {
  std::vector<float> w(n);
  for (std::size_t i = 0; i < n; ++i) {
    seed = seed * 1664525U + 1013904223U;
    w[i] = static_cast<float>(static_cast<int>(seed >> 16 & 255) - 128) / 256;
  }
  return w;
}

/// Three channels to four latents at half the resolution, with a ReLU between two convolutions.
nn::graph analysis(bool strided = true, std::int64_t inputs = 3) {
  nn::graph g = nn::start("analysis");
  const std::int64_t s = strided ? 2 : 1;
  const auto hidden =
      nn::relu(g, nn::conv(g, "x", {6, inputs, 3, 3}, weights(static_cast<std::size_t>(54 * inputs), 1), {},
                           {.strides = {s, s}, .pads = {1, 1, 1, 1}}));
  nn::finish(g, nn::conv(g, hidden, {4, 6, 1, 1}, weights(24, 2), {0.5F, -0.25F, 0, 1}));
  return g;
}

/// Four latents to the five channels at twice the resolution.
nn::graph decoder(std::int64_t s = 2) {
  nn::graph g = nn::start("decoder", "z");
  nn::finish(g, nn::conv_transpose(g, "z", {4, 5, s, s}, weights(static_cast<std::size_t>(20 * s * s), 3), {},
                                   {.strides = {s, s}}));
  return g;
}

struct samples {
  std::vector<std::vector<float>> values;
  std::vector<aecnn::tensor_view<const float>> tensors;
  samples() {
    for (unsigned t = 0; t < 3; ++t) values.push_back(feature_tensors::make(usual, 20 + t));
    for (const auto& x : values) tensors.push_back(feature_tensors::view(x, usual));
  }
};

aecnn::pack_options options(double step = 0.5) {
  aecnn::pack_options o;
  o.name = "analysed";
  o.decoder = decoder();
  o.channels = {0, 2, 3};
  o.analysis_network = analysis();
  o.step = step;
  return o;
}

/// The latents that the network makes of the channels.
std::vector<float> latents(const nn::graph& g, const std::vector<std::uint16_t>& channels,
                           const aecnn::tensor_view<const float>& x) {
  nn::network net = nn::network::create(g).value();
  REQUIRE(net.prepare(aecnn::shape3{channels.size(), x.shape.height, x.shape.width}));
  std::vector<float> in, out(net.output_shape().size());
  for (const auto c : channels)
    for (std::size_t i = 0; i < x.shape.height; ++i)
      for (std::size_t j = 0; j < x.shape.width; ++j) in.push_back(x(c, i, j));
  REQUIRE(net.run_to(in, out));
  return out;
}

/// Equal but for latents within a hair of a boundary.
void check_symbols(std::span<const aecnn::symbol> symbols, const std::vector<float>& values, double step, int zero) {
  REQUIRE(symbols.size() == values.size());
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    const double v = static_cast<double>(values[i]) / step;
    if (std::abs(std::abs(v - std::floor(v)) - 0.5) > 1e-3)
      CHECK(static_cast<int>(symbols[i]) - zero == std::lround(v));
  }
}

} // namespace

TEST_CASE("an analysis network's latents are quantised and decoded", "[analysis]") {
  const samples s;
  const auto o = options();
  const auto p = aecnn::pack(s.tensors, o);
  const auto& point = p.operating_points[0];
  REQUIRE(point.analysis);
  CHECK(point.analysis->latents == 4);
  CHECK(point.analysis->stride == 2);
  CHECK(point.latent_shape(6, 8) == aecnn::shape3{4, 3, 4});
  CHECK(p.networks.size() == 2);
  CHECK(p.has_decoders());
  aecnn::analysis_encoder e(p);
  aecnn::decoder d(p);
  nn::network rebuild = nn::network::create(decoder()).value();
  REQUIRE(rebuild.prepare(aecnn::shape3{4, 3, 4}));
  for (const auto& x : s.tensors) {
    const auto y = d.decode(e.encode(x));
    check_symbols(e.symbols(), latents(analysis(), o.channels, x), 0.5, static_cast<int>(point.quantizer.zero));
    std::vector<float> rounded, expected(usual.size());
    for (const auto v : e.symbols())
      rounded.push_back(0.5F * static_cast<float>(static_cast<int>(v) - static_cast<int>(point.quantizer.zero)));
    REQUIRE(rebuild.run_to(rounded, expected));
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(std::abs(y.data()[i] - expected[i]) < 1e-4F);
  }
  CHECK(point.expected_bytes > 4);
  CHECK(point.expected_error > 0);
}

TEST_CASE("an analysis network reads tensors of any layout and type", "[analysis]") {
  const samples s;
  const auto p = aecnn::pack(s.tensors, options());
  aecnn::analysis_encoder e(p);
  const auto expected = e.encode(s.tensors[0]);
  std::vector<float> last(usual.size());
  std::vector<double> wide(s.values[0].begin(), s.values[0].end());
  for (std::size_t c = 0; c < 5; ++c)
    for (std::size_t i = 0; i < 48; ++i) last[i * 5 + c] = s.values[0][c * 48 + i];
  CHECK(e.encode(aecnn::tensor_view<const float>::hwc(last.data(), 5, 6, 8)) == expected);
  CHECK(e.encode(aecnn::tensor_view<const double>::chw(wide.data(), 5, 6, 8)) == expected);
  aecnn::analysis_encoder copy = e;
  CHECK(copy.encode(s.tensors[0]) == expected);

  auto x = s.values[0];
  x[48 * 2 + 5] = std::numeric_limits<float>::quiet_NaN();
  CHECK(e.try_encode(feature_tensors::view(x, usual)).error().code == errc::not_finite);
  x[48 * 2 + 5] = -std::numeric_limits<float>::infinity();
  CHECK(e.try_encode(feature_tensors::view(x, usual)).error().code == errc::not_finite);
  x = s.values[0];
  x[48 * 1 + 5] = std::numeric_limits<float>::quiet_NaN(); // a channel that is not sent
  CHECK(e.encode(feature_tensors::view(x, usual)) == expected);
}

TEST_CASE("an analysis encoder does what an encoder does", "[analysis]") {
  const samples s;
  auto o = options();
  o.analysis_network.reset();
  o.channels = {0, 1, 2, 3};
  o.decoder = decoder(1);
  const auto p = aecnn::pack(s.tensors, o);
  CHECK_FALSE(p.operating_points[0].analysis);
  CHECK(aecnn::analysis_encoder(p).encode(s.tensors[1]) == aecnn::encoder(p).encode(s.tensors[1]));
}

TEST_CASE("an encoder without networks refuses an analysis network", "[analysis]") {
  const samples s;
  const auto p = aecnn::pack(s.tensors, options());
  CHECK(aecnn::encoder::create(p).error().code == errc::unsupported);
  CHECK(aecnn::io::try_profile_source(p, "f").error().code == errc::unsupported);
}

TEST_CASE("a bare device keeps the analysis network alone", "[analysis]") {
  const samples s;
  const auto p = aecnn::pack(s.tensors, options());
  auto device = p;
  std::erase_if(device.networks, [](const nn::graph& g) { return g.name == "decoder"; });
  CHECK_FALSE(device.has_decoders());
  CHECK(aecnn::analysis_encoder(device).encode(s.tensors[0]) == aecnn::analysis_encoder(p).encode(s.tensors[0]));
  CHECK(aecnn::decoder::create(device).error().code == errc::missing_field);
  device.networks.clear();
  CHECK(aecnn::analysis_encoder::create(device).error().code == errc::missing_field);
}

TEST_CASE("profiles with analysis networks survive a file, a merge and a change of extents", "[analysis]") {
  const samples s;
  auto o = options();
  o.lambda = 20000;
  const auto fine = aecnn::pack(s.tensors, o);
  o = options(1.5);
  o.open_extents = true;
  const auto coarse = aecnn::pack(s.tensors, o);
  const auto loaded = aecnn::load_profile(aecnn::serialize_profile(fine));
  CHECK(loaded.hash == fine.hash);
  CHECK(loaded.operating_points[0].analysis->network == "analysis");
  CHECK(aecnn::try_verify_probe(loaded));
  CHECK(aecnn::analysis_encoder(loaded).encode(s.tensors[2]) == aecnn::analysis_encoder(fine).encode(s.tensors[2]));

  const auto both = aecnn::merge(std::vector{fine, aecnn::pack(s.tensors, options(1.5))});
  CHECK(both.networks.size() == 2);
  CHECK(aecnn::try_verify_probe(both));
  o = options(1.5);
  o.analysis_network->weights[0].values[0] += 1;
  const auto three = aecnn::merge(std::vector{fine, aecnn::pack(s.tensors, o)});
  CHECK(three.networks.size() == 3);
  CHECK(three.operating_points[1].analysis->network == "analysis.1");
  CHECK(aecnn::try_verify_probe(three));

  // Other extents, odd ones too, in turn.
  aecnn::analysis_encoder e(coarse);
  aecnn::decoder d(coarse);
  for (const aecnn::shape3 shape : {aecnn::shape3{5, 7, 3}, usual, aecnn::shape3{5, 1, 1}}) {
    const auto x = feature_tensors::make(shape, 9);
    const auto view = feature_tensors::view(x, shape);
    const auto y = d.decode(e.encode(view));
    CHECK(y.shape()[1] == shape.height);
    check_symbols(e.symbols(), latents(analysis(), {0, 2, 3}, view), 1.5,
                  static_cast<int>(coarse.operating_points[0].quantizer.zero));
  }
}

TEST_CASE("a probe notices another analysis network", "[analysis]") {
  const samples s;
  auto p = aecnn::pack(s.tensors, options());
  CHECK(aecnn::try_verify_probe(p));
  auto changed = p;
  changed.networks[0].weights[0].values[4] += 0.5F;
  aecnn::seal(changed);
  CHECK(changed.hash != p.hash);
  CHECK(aecnn::try_verify_probe(changed).error().code == errc::wrong_profile);
  changed.hash = p.hash;
  CHECK(aecnn::try_verify_probe(changed).error().code == errc::probe_mismatch);
  changed = p;
  changed.networks[1].weights[0].values[4] += 0.5F;
  CHECK(aecnn::try_verify_probe(changed).error().code == errc::probe_mismatch);
}

TEST_CASE("analysis networks that do not fit are refused", "[analysis]") {
  const samples s;
  const auto code = [&](auto change) {
    auto o = options();
    change(o);
    const auto r = aecnn::try_pack(s.tensors, o);
    return r ? errc{} : r.error().code;
  };
  CHECK(code([](auto&) {}) == errc{});
  CHECK(code([](auto& o) { o.analysis_network = analysis(false); }) == errc::bad_shape); // the decoder's latents
  CHECK(code([](auto& o) {
          o.analysis_network = analysis(false);
          o.decoder = decoder(1);
        }) == errc{});
  CHECK(code([](auto& o) { o.analysis_network = analysis(true, 2); }) == errc::bad_shape);
  CHECK(code([](auto& o) { o.analysis_network->outputs.clear(); }) != errc{});
  CHECK(code([](auto& o) { o.analysis_network->nodes[0].op_type = "Nothing"; }) == errc::unsupported);
  CHECK(code([](auto& o) { o.analysis_network->weights[1].values[0] = std::nanf(""); }) != errc{});
  CHECK(code([](auto& o) { o.analysis = aecnn::analysis_layer{}; }) == errc::invalid_argument);

  const auto p = aecnn::pack(s.tensors, options());
  const auto checked = [&](auto change) {
    auto q = p;
    change(q);
    aecnn::seal(q);
    const auto r = aecnn::check(q);
    const auto e = aecnn::analysis_encoder::create(q);
    CHECK((r || !e));
    return r ? e ? errc{} : e.error().code : r.error().code;
  };
  CHECK(checked([](auto&) {}) == errc{});
  CHECK(checked([](auto& q) { q.operating_points[0].analysis->network = "other"; }) == errc::missing_field);
  CHECK(checked([](auto& q) { q.operating_points[0].analysis->network = "decoder"; }) == errc::bad_field);
  CHECK(checked([](auto& q) { q.operating_points[0].analysis->latents = 0; }) == errc::bad_field);
  CHECK(checked([](auto& q) { q.operating_points[0].analysis->latents = 3; }) == errc::bad_field); // quantizer of 4
  CHECK(checked([](auto& q) { q.operating_points[0].analysis->stride = 0; }) == errc::bad_field);
  CHECK(checked([](auto& q) { q.operating_points[0].analysis->stride = 3; }) == errc::bad_shape);
  CHECK(checked([](auto& q) { q.operating_points[0].analysis->stride = 257; }) == errc::bad_field);
  CHECK(checked([](auto& q) { q.operating_points[0].projection.emplace(); }) == errc::bad_field);
  CHECK(checked([](auto& q) { q.operating_points[0].selector.kind = aecnn::selection_kind::top_k; }) != errc{});
  CHECK(checked([](auto& q) { q.operating_points[0].selector.channels = {0, 1}; }) == errc::bad_shape);
}
