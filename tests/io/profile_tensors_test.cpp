#include <aecnn/io/profile_tensors.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <catch_compat.hpp>
#include <example_profiles.hpp>
#include <profile_files.hpp>

using aecnn::errc;
using aecnn::profile;
using aecnn::io::safetensors;
using namespace profile_files;

TEST_CASE("tensors are read strictly", "[profile_tensors]") {
  struct fault {
    std::string what;
    std::function<void(safetensors&)> make;
    errc code;
    std::string says;
  };
  const auto expect = [](const profile& p, const std::vector<fault>& faults) {
    for (const auto& f : faults) {
      INFO(f.what);
      check_failure(edited(p, f.make), f.code, f.says);
    }
  };
  const profile large = example_profiles::large_profile();
  // Each tensor left out: a missing field, or, where it may be absent, another content.
  std::vector<std::string> optional = {
      "op0.quantizer.offset",      "op0.entropy.reference",     "op0.entropy.initial", "op0.entropy.channel_class",
      "op1.selector.attention.b1", "op1.selector.attention.b2", "op0.projection.bias",  "probe.op0.output"};
  for (const auto& e : aecnn::io::parse_safetensors(aecnn::serialize_profile(large)).entries) {
    std::string first = e.name;
    if (first.starts_with("op1.quantizer") || first.starts_with("op1.entropy") || first.starts_with("op2."))
      first[2] = '0';
    if (first.starts_with("probe.op2")) first[8] = '0';
    const bool may_be_absent = std::find(optional.begin(), optional.end(), first) != optional.end();
    INFO(e.name);
    check_failure(edited(large, [&](safetensors& s) { remove_tensor(s, e.name); }),
                  may_be_absent ? errc::corrupt : errc::missing_field, may_be_absent ? "hash" : '"' + e.name + '"');
    // The same elements as a type of another size, or in another shape.
    check_failure(edited(large,
                         [&](safetensors& s) {
                           const auto shape = e.shape;
                           std::size_t n = 1;
                           for (const auto extent : shape) n *= extent;
                           put_tensor(s, e.name, shape, std::vector<double>(n));
                         }),
                  errc::bad_field, '"' + e.name + '"');
    if (!e.name.starts_with("network"))
      check_failure(edited(large,
                           [&](safetensors& s) {
                             auto shape = e.shape;
                             shape.push_back(1);
                             const auto raw = *s.bytes(e.name);
                             const bytes copy(raw.begin(), raw.end());
                             remove_tensor(s, e.name);
                             s.add(e.name, e.type, shape, copy);
                           }),
                    errc::bad_field, '"' + e.name + '"');
  }
  using f32 = std::vector<float>;
  using u16 = std::vector<std::uint16_t>;
  const profile small = example_profiles::small_profile();
  expect(small,
         {
             {"unknown", [](safetensors& s) { put_tensor(s, "op0.selector.k", {1}, f32{1}); }, errc::bad_field,
              "\"op0.selector.k\" belongs to no field"},
             {"unused point",
              [](safetensors& s) {
                put_tensor(s, "op1.quantizer.unit", {2}, f32{1, 1});
              },
              errc::bad_field, "op1"},
             {"unused probe", [](safetensors& s) { put_tensor(s, "probe.scale", {}, f32{1}); }, errc::bad_field,
              "probe.scale"},
             {"scalar", [](safetensors& s) { put_tensor(s, "op0.quantizer.unit", {}, f32{1}); }, errc::bad_field,
              "shape ()"},
             {"too many",
              [](safetensors& s) {
                put_tensor(s, "op0.quantizer.unit", {3}, f32{1, 1, 1});
              },
              errc::bad_field, "F32 of shape (3,), expected F32 of shape (2)"},
             {"signed",
              [](safetensors& s) {
                put_tensor(s, "op0.quantizer.rounding", {2}, std::vector<std::int16_t>{1, 1});
              },
              errc::bad_field, "I16 of shape (2,), expected U16"},
             {"order of shift",
              [](safetensors& s) {
                put_tensor(s, "op0.quantizer.shift", {2, 3, 2}, std::vector<std::int16_t>(12));
              },
              errc::bad_field, "expected I16 of shape (2, 2, 3)"},
             {"no channels", [](safetensors& s) { put_tensor(s, "op0.selector.channels", {0}, u16{}); },
              errc::bad_field, "expected U16 of shape (at least 1)"},
             {"empty optional",
              [](safetensors& s) { put_tensor(s, "op0.quantizer.offset", {0}, std::vector<std::int32_t>{}); },
              errc::bad_field, "op0.quantizer.offset"},
             {"mask prior of a fixed set",
              [](safetensors& s) {
                put_tensor(s, "op0.entropy.mask_prior", {2}, u16{40000, 40000});
              },
              errc::bad_field, "belongs to no field"},
             {"values",
              [](safetensors& s) {
                put_tensor(s, "op0.selector.channels", {2}, u16{4, 1});
              },
              errc::bad_field, "selector channels"},
             {"channel",
              [](safetensors& s) {
                put_tensor(s, "op0.selector.channels", {2}, u16{1, 6});
              },
              errc::bad_field, "below 6"},
             {"rounding",
              [](safetensors& s) {
                put_tensor(s, "op0.quantizer.rounding", {2}, u16{1, 256});
              },
              errc::bad_field, "rounding"},
             {"nan",
              [](safetensors& s) {
                put_tensor(s, "op0.quantizer.scale", {2}, f32{1, std::numeric_limits<float>::quiet_NaN()});
              },
              errc::bad_field, "quantizer scale"},
             {"zero",
              [](safetensors& s) {
                put_tensor(s, "op0.quantizer.unit", {2}, f32{1, 0});
              },
              errc::bad_field, "quantizer unit"},
             {"value",
              [](safetensors& s) {
                put_tensor(s, "op0.quantizer.unit", {2}, f32{1, 2});
              },
              errc::corrupt, "hash"},
             {"initial",
              [](safetensors& s) {
                put_tensor(s, "op0.entropy.initial", {1, 7}, u16(7));
              },
              errc::bad_field, "entropy.initial"},
             {"weight type", [](safetensors& s) { put_tensor(s, "network0.b", {6}, std::vector<std::int32_t>(6)); },
              errc::bad_field, "expected F32, F16 or I64"},
             {"weight of integers",
              [](safetensors& s) { put_tensor(s, "network0.b", {6}, std::vector<std::int64_t>(6)); }, errc::corrupt,
              "hash"},
             {"weight shape",
              [](safetensors& s) {
                put_tensor(s, "network0.b", {6, 1}, f32(6));
              },
              errc::corrupt, "hash"},
             {"empty weight", [](safetensors& s) { put_tensor(s, "network0.b", {0}, f32{}); }, errc::bad_shape,
              "networks[0].weights[1] 'b'"},
             {"weight value", [](safetensors& s) { put_tensor(s, "network0.b", {6}, f32(6)); }, errc::corrupt, "hash"},
         });
  expect(large, {
                    {"probe input",
                     [](safetensors& s) {
                       put_tensor(s, "probe.input", {6, 4, 5}, std::vector<std::int8_t>(120));
                     },
                     errc::corrupt, "hash of its probe"},
                    {"probe shape",
                     [](safetensors& s) {
                       put_tensor(s, "probe.input", {6, 5, 4}, std::vector<std::int8_t>(120));
                     },
                     errc::bad_field, "probe.input"},
                    {"probe scale", [](safetensors& s) { put_tensor(s, "probe.scale", {}, f32{0}); }, errc::bad_field,
                     "probe.scale"},
                    {"probe stream",
                     [](safetensors& s) { put_tensor(s, "probe.op1.stream", {1}, std::vector<std::uint8_t>{1}); },
                     errc::corrupt, "hash of its probe"},
                    {"probe output", [](safetensors& s) { put_tensor(s, "probe.op0.output", {121}, f32(121)); },
                     errc::bad_field, "probe.op0"},
                    {"absent probe output", [](safetensors& s) { put_tensor(s, "probe.op1.output", {1}, f32{1}); },
                     errc::corrupt, "probe"},
                    {"no probe hash",
                     [](safetensors& s) {
                       std::erase_if(s.metadata, [](const auto& e) { return e.first == "aecnn.probe_hash"; });
                     },
                     errc::missing_field, "aecnn.probe_hash"},
                    {"stride of weights",
                     [](safetensors& s) {
                       put_tensor(s, "op2.projection.weights", {3, 4, 4}, std::vector<std::int16_t>(48));
                     },
                     errc::bad_field, "expected I16 of shape (3, 4, 2, 2)"},
                    {"attention",
                     [](safetensors& s) {
                       put_tensor(s, "op1.selector.attention.w1", {2, 7}, f32(14));
                     },
                     errc::bad_field, "expected F32 of shape (at least 1, 6)"},
                    {"hidden",
                     [](safetensors& s) {
                       put_tensor(s, "op1.selector.attention.w1", {3, 6}, f32(18));
                     },
                     errc::bad_field, "op1.selector.attention.b1"},
                });
}

TEST_CASE("weights of integers are kept, and are no floats to the hash", "[profile_tensors]") {
  profile p = example_profiles::small_profile();
  auto& weights = p.networks[0].weights;
  weights.push_back({"axes", {2}, {}, {-1, std::int64_t{1} << 40}, aecnn::nn::element_type::int64});
  weights.push_back({"axis", {}, {}, {3}, aecnn::nn::element_type::int64});
  aecnn::seal(p);
  const auto file = aecnn::serialize_profile(p);
  const auto content = aecnn::io::parse_safetensors(file);
  CHECK(content.find("network0.axes")->type == aecnn::io::dtype::int64);
  CHECK(content.find("network0.axis")->shape.empty());
  const auto loaded = aecnn::load_profile(std::span<const std::byte>(file));
  CHECK(loaded.networks == p.networks);
  CHECK(loaded.hash == p.hash);

  // The same bytes as floats, and one integer changed.
  profile other = p;
  other.networks[0].weights[2] = {"axes", {2, 2}, std::vector<float>(4)};
  profile zeros = p;
  zeros.networks[0].weights[2] = {"axes", {2, 2}, {}, {0, 0, 0, 0}, aecnn::nn::element_type::int64};
  CHECK(aecnn::content_hash(other) != aecnn::content_hash(zeros));
  other = p;
  other.networks[0].weights[2].integers[1] = 5;
  CHECK(aecnn::content_hash(other) != p.hash);

  // Both kinds at once, and none.
  other = p;
  other.networks[0].weights[2].values = {1, 2};
  CHECK(aecnn::try_serialize_profile(other).error().code == errc::bad_field);
  other = p;
  other.networks[0].weights[2].shape = {0};
  other.networks[0].weights[2].integers.clear();
  CHECK(aecnn::try_serialize_profile(other).error().code == errc::bad_shape);
}

TEST_CASE("weights of 16 bits are the same profile", "[profile_tensors]") {
  profile p = example_profiles::small_profile();
  auto& weights = p.networks[0].weights;
  REQUIRE(weights.size() >= 2);
  weights[0].values.assign(weights[0].values.size(), -0.375F);
  weights[1].values.assign(weights[1].values.size(), 0.1F);
  aecnn::seal(p);
  const auto file = aecnn::serialize_profile(p);
  const auto content = aecnn::io::parse_safetensors(file);
  const std::string half = "network0." + weights[0].name, single = "network0." + weights[1].name;
  CHECK(content.find(half)->type == aecnn::io::dtype::float16);
  CHECK(content.find(single)->type == aecnn::io::dtype::float32);
  const auto loaded = aecnn::load_profile(std::span<const std::byte>(file));
  CHECK(loaded.networks == p.networks);
  CHECK(loaded.hash == p.hash);

  // The same in 32 bits; another element, another shape, a cut file, and 16 bits elsewhere.
  const std::vector<std::size_t> shape = content.find(half)->shape;
  const auto wide = edited(p, [&](safetensors& s) { put_tensor(s, half, shape, weights[0].values); });
  CHECK(wide.size() > file.size());
  const auto same = aecnn::load_profile(std::span<const std::byte>(wide));
  CHECK(same.networks == p.networks);
  CHECK(aecnn::serialize_profile(same) == file);
  const auto halves = [&](const std::string& name, std::vector<std::size_t> extents, std::byte top) {
    return edited(p, [&](safetensors& s) {
      std::size_t n = 2;
      for (const auto extent : extents) n *= extent;
      std::vector<std::byte> raw(n, top);
      remove_tensor(s, name);
      s.add(name, aecnn::io::dtype::float16, extents, raw);
    });
  };
  check_failure(halves(half, shape, std::byte{0x3c}), errc::corrupt, "hash");
  check_failure(halves(half, shape, std::byte{0x7c}), errc::bad_field, "F16");
  auto extended = shape;
  extended.push_back(2);
  CHECK_FALSE(load(halves(half, extended, std::byte{0x3c})));
  check_failure(halves("op0.quantizer.unit", {2}, std::byte{0x3c}), errc::bad_field, "expected F32");
  check_failure(halves("op0.selector.channels", {2}, std::byte{0}), errc::bad_field, "F16 of shape (2,), expected U16");
  check_failure({file.begin(), file.end() - 1}, errc::truncated, "");
}
