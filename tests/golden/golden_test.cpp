// Streams and profiles in tests/data/golden stay what they are: encoding gives the same bytes, decoding the same symbols, and
// damaged streams the same errors.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <aecnn/codec.hpp>
#include <aecnn/io/file.hpp>
#include <aecnn/io/npy.hpp>
#include <aecnn/profile_io.hpp>

#include <catch_compat.hpp>
#include <golden_vectors.hpp>

using aecnn::framing;

namespace {

const std::string folder = AECNN_TEST_DATA "/golden/";

const aecnn::profile& profile_named(const std::string& name) {
  static std::map<std::string, aecnn::profile> loaded;
  if (const auto it = loaded.find(name); it != loaded.end()) return it->second;
  return loaded.emplace(name, aecnn::load_profile(std::filesystem::path(folder + name + ".aecnn"))).first->second;
}
const aecnn::io::feature_batch& features_named(const std::string& name) {
  static std::map<std::string, aecnn::io::feature_batch> loaded;
  if (const auto it = loaded.find(name); it != loaded.end()) return it->second;
  return loaded.emplace(name, aecnn::io::load_features(folder + name + ".npy")).first->second;
}
aecnn::decoder decoder_for(const aecnn::profile& p, std::size_t point, framing frame, const aecnn::entropy_mode& mode,
                           std::size_t height, std::size_t width) {
  aecnn::decode_options o;
  o.frame = frame;
  o.operating_point = point;
  if (frame == framing::none) o.mode = mode; // streams name their own
  if (p.open_extents() && frame == framing::none) {
    o.height = height;
    o.width = width;
  }
  return aecnn::decoder(p, o);
}

} // namespace

TEST_CASE("frozen tensors give the frozen streams") {
  std::set<std::string> profiles, modes;
  for (const auto& line : golden::lines_of(folder + "vectors.txt")) {
    const auto v = golden::vector_from(line);
    CAPTURE(v.profile, v.features, v.tensor, v.point, v.mode.name);
    aecnn::encoder e(profile_named(v.profile), {.operating_point = v.point, .frame = v.frame, .mode = v.mode});
    const auto stream = e.encode(features_named(v.features)[v.tensor]);
    CHECK(golden::hash(e.symbols()) == v.symbols);
    CHECK(golden::to_hex(stream) == golden::to_hex(v.stream));
    profiles.insert(v.profile);
    modes.insert(v.mode.name);
  }
  CHECK(profiles == std::set<std::string>{"calibrated", "depths", "kinds", "open"});
  CHECK(modes == std::set<std::string>{"default", "fast", "max"});
}

TEST_CASE("frozen streams give the frozen symbols and tensors") {
  for (const auto& line : golden::lines_of(folder + "vectors.txt")) {
    const auto v = golden::vector_from(line);
    CAPTURE(v.profile, v.features, v.tensor, v.point, v.mode.name);
    const auto& shape = features_named(v.features).shape;
    auto d = decoder_for(profile_named(v.profile), v.point, v.frame, v.mode, shape.height, shape.width);
    const auto symbols = d.try_decode_symbols(v.stream);
    REQUIRE(symbols.has_value());
    CHECK(golden::hash(*symbols) == v.symbols);
    const auto y = d.decode(v.stream);
    CHECK(d.mode() == v.mode);
    REQUIRE(d.shape() == shape);
    REQUIRE(v.values.size() == golden::sampled);
    const float largest = std::abs(*std::max_element(y.begin(), y.end(), [](float a, float b) { return std::abs(a) < std::abs(b); }));
    for (std::size_t k = 0; k < golden::sampled; ++k)
      CHECK(std::abs(y.data()[golden::sample_index(k, y.size())] - v.values[k]) <= 1e-5F * largest);
  }
}

TEST_CASE("frozen damaged streams give the frozen errors") {
  std::set<std::string> codes;
  for (const auto& line : golden::lines_of(folder + "bad.txt")) {
    const auto v = golden::bad_vector_from(line);
    CAPTURE(line);
    auto d = decoder_for(profile_named(v.profile), v.point, v.frame, v.mode, v.height, v.width);
    const auto r = d.try_decode(v.stream);
    REQUIRE_FALSE(r.has_value());
    CHECK(aecnn::name(r.error().code) == v.code);
    codes.insert(v.code);
  }
  // Each of these causes is among them.
  for (const char* code : {"truncated", "trailing_bytes", "corrupt", "checksum_mismatch", "unsupported_version", "wrong_profile",
                           "bad_operating_point", "limit_exceeded"}) {
    CAPTURE(code);
    CHECK(codes.count(code) == 1);
  }
}

TEST_CASE("frozen profiles are written as they are, and their probes verify") {
  for (const char* name : {"calibrated", "depths", "kinds", "open"}) {
    CAPTURE(name);
    const auto& p = profile_named(name);
    CHECK(aecnn::try_verify_probe(p).has_value());
    const auto file = aecnn::io::try_read_file(folder + name + ".aecnn").value();
    CHECK((aecnn::serialize_profile(p) == file));
  }
}
