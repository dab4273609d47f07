#include <aecnn/calibrate/merge.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <aecnn/calibrate/pack.hpp>
#include <aecnn/nn/build.hpp>
#include <aecnn/profile_io.hpp>

#include <catch_compat.hpp>

namespace nn = aecnn::nn;
using aecnn::errc;

namespace {

/// A profile that sends channel 0 of [2,3,4] and gives it back times `gain`.
aecnn::profile one_channel(float gain, int bits, bool probe = true) {
  std::vector<float> x;
  for (int i = 0; i < 24; ++i) x.push_back(static_cast<float>(i * 7 % 17) - 8.0F);
  const auto view = aecnn::tensor_view<const float>::chw(x.data(), 2, 3, 4);
  nn::graph g = nn::start("net", "z");
  nn::finish(g, nn::conv(g, "z", {2, 1, 1, 1}, {gain, 0}));
  aecnn::pack_options o;
  o.name = "gain " + std::to_string(static_cast<int>(gain));
  o.decoder = g;
  o.channels = {0};
  o.bits = bits;
  o.probe = probe;
  return aecnn::pack({&view, 1}, o);
}

std::vector<std::byte> stream_of(const aecnn::profile& p, std::size_t point) {
  std::vector<float> x(24, 0.0F);
  x[1] = 3;
  x[2] = -4;
  return aecnn::encoder(p, {.operating_point = point}).encode(aecnn::tensor_view<const float>::chw(x.data(), 2, 3, 4));
}

} // namespace

TEST_CASE("merge: points keep what they do, networks are shared or renamed", "[merge]") {
  const std::vector<aecnn::profile> parts{one_channel(1, 4), one_channel(2, 4), one_channel(1, 6), one_channel(2, 3)};
  const auto p = aecnn::merge(parts);
  CHECK(p.name == "gain 1");
  CHECK(p.shape == parts[0].shape);
  CHECK(p.hash == aecnn::content_hash(p));
  REQUIRE(p.operating_points.size() == 4);
  REQUIRE(p.networks.size() == 2);
  CHECK(p.networks[0].name == "decoder");
  CHECK(p.networks[1].name == "decoder.1");
  const std::vector<std::string> decoders{"decoder", "decoder.1", "decoder", "decoder.1"};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto& found = p.operating_points[i];
    const auto& given = parts[i].operating_points[0];
    CHECK(found.decoder == decoders[i]);
    CHECK(found.name == given.name);
    CHECK(found.expected_bytes == given.expected_bytes);
    CHECK(found.expected_error == given.expected_error);
    // Each point decodes to what its own profile makes of the tensor.
    const auto y = aecnn::decoder(p).decode(stream_of(p, i));
    const auto own = aecnn::decoder(parts[i]).decode(stream_of(parts[i], 0));
    CHECK(std::vector<float>(y.begin(), y.end()) == std::vector<float>(own.begin(), own.end()));
    CHECK(stream_of(p, i).size() == stream_of(parts[i], 0).size());
  }
  REQUIRE(p.probe);
  CHECK(p.probe->input == parts[0].probe->input);
  CHECK(p.probe->scale == parts[0].probe->scale);
  CHECK(p.probe->streams.size() == 4);
  CHECK(aecnn::try_verify_probe(p));
  CHECK(aecnn::try_serialize_profile(p));
}

TEST_CASE("merge: names, and profiles of several points", "[merge]") {
  const auto first =
      aecnn::merge(std::vector{one_channel(1, 4), one_channel(3, 4, false)}, {.name = "n", .names = {"a", "b"}});
  CHECK(first.name == "n");
  const auto p = aecnn::merge(std::vector{first, one_channel(5, 4)}, {.name = "", .names = {"x", "", "z"}});
  CHECK(p.name == "n");
  CHECK(p.operating_points[0].name == "x");
  CHECK(p.operating_points[1].name.empty());
  CHECK(p.networks.size() == 3);
  CHECK(p.networks[1].name == "decoder.1");
  CHECK(p.networks[2].name == "decoder.2");
  CHECK(p.operating_points[2].decoder == "decoder.2");
  // Without a probe in the first there is none.
  CHECK_FALSE(aecnn::merge(std::vector{one_channel(1, 4, false), one_channel(3, 4)}).probe);
  // Weights that compare equal and have other bits are other networks.
  auto zero = one_channel(1, 4), negative = zero;
  REQUIRE(zero.networks[0].weights[0].values.back() == 0);
  negative.networks[0].weights[0].values.back() = -0.0F;
  aecnn::seal(negative);
  CHECK(aecnn::merge(std::vector{zero, negative}).networks.size() == 2);
  CHECK(aecnn::merge(std::vector{zero, zero}).networks.size() == 1);
}

TEST_CASE("merge: what does not fit is refused", "[merge]") {
  const auto code = [](const std::vector<aecnn::profile>& parts, const aecnn::merge_options& o = {}) {
    const auto r = aecnn::try_merge(parts, o);
    return r ? errc{} : r.error().code;
  };
  const auto good = one_channel(1, 4, false);
  auto open = good, device = good, broken = good;
  open.shape.height = open.shape.width = 0;
  device.networks.clear();
  broken.operating_points[0].quantizer.levels = 1;
  auto unusable = one_channel(1, 4);
  unusable.networks[0].nodes[0].op_type = "Nothing";
  CHECK(code({unusable}) == errc::unsupported);
  CHECK(code({good}) == errc{});
  CHECK(code({}) == errc::invalid_argument);
  CHECK(code({good, open}) == errc::bad_shape);
  CHECK(code({open, open}) == errc{});
  CHECK(code({good, device}) == errc::missing_field);
  CHECK(code({device, good}) == errc::missing_field);
  CHECK(code({good, broken}) == errc::bad_field);
  CHECK(code(std::vector(32, good)) == errc{});
  CHECK(code(std::vector(33, good)) == errc::invalid_argument);
  CHECK(code({good, good}, {.name = {}, .names = {"a"}}) == errc::invalid_argument);
  const auto devices = aecnn::merge(std::vector{device, device});
  CHECK(devices.networks.empty());
  CHECK(devices.operating_points[1].decoder == "decoder");
  CHECK_THROWS_AS(aecnn::merge(std::vector{good, open}), aecnn::error);
}
