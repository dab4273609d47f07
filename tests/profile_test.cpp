#include <aecnn/profile.hpp>

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch_compat.hpp>
#include <example_profiles.hpp>

using aecnn::errc;
using aecnn::profile;

namespace {

struct change {
  std::string what;
  std::function<void(profile&)> apply;
};

/// One change of every field that the content hash covers, for example_profiles::large_profile().
std::vector<change> hashed_changes() {
  std::vector<change> c = {
      {"channels", [](profile& p) { ++p.shape.channels; }},
      {"height", [](profile& p) { ++p.shape.height; }},
      {"width", [](profile& p) { ++p.shape.width; }},
      {"height and width", [](profile& p) { std::swap(p.shape.height, p.shape.width); }},
      {"number of points", [](profile& p) { p.operating_points.pop_back(); }},
      {"order of points", [](profile& p) { std::swap(p.operating_points[0], p.operating_points[1]); }},
      {"number of networks", [](profile& p) { p.networks.pop_back(); }},
      {"order of networks", [](profile& p) { std::swap(p.networks[0], p.networks[1]); }},
  };
  for (std::size_t i = 0; i < 3; ++i) {
    const auto at = [&](std::string what, auto f) {
      c.push_back({"point " + std::to_string(i) + " " + what, [i, f](profile& p) { f(p.operating_points[i]); }});
    };
    at("channels", [](auto& o) { ++o.selector.channels.back(); });
    at("fewer channels", [](auto& o) { o.selector.channels.pop_back(); });
    at("levels", [](auto& o) { ++o.quantizer.levels; });
    at("zero", [](auto& o) { ++o.quantizer.zero; });
    at("unit", [](auto& o) { o.quantizer.unit[1] *= 2; });
    at("offset", [](auto& o) { ++o.quantizer.offset[1]; });
    at("no offset", [](auto& o) { o.quantizer.offset.clear(); });
    at("rounding", [](auto& o) { ++o.quantizer.rounding[1]; });
    at("shift", [](auto& o) { ++o.quantizer.shift[5]; });
    at("classes", [](auto& o) { ++o.entropy.classes; });
    at("reference", [](auto& o) { o.entropy.reference[2] = 0; });
    at("no reference", [](auto& o) { o.entropy.reference.clear(); });
    at("channel class", [](auto& o) { o.entropy.channel_class[0] = 1; });
    at("no channel class", [](auto& o) { o.entropy.channel_class.clear(); });
    at("initial", [](auto& o) { ++o.entropy.initial.back(); });
    at("no initial", [](auto& o) { o.entropy.initial.clear(); });
    at("mask prior", [](auto& o) { o.entropy.mask_prior.resize(o.entropy.mask_prior.size() + 1); });
    at("lambda", [](auto& o) { ++o.lambda; });
    at("decoder", [](auto& o) { o.decoder += '0'; });
    at("selection kind", [](auto& o) { o.selector.kind = aecnn::selection_kind::threshold; });
    at("projection", [](auto& o) {
      if (o.projection)
        o.projection.reset();
      else
        o.projection.emplace();
    });
  }
  const auto chooser = [&](std::string what, auto f) {
    c.push_back({what, [f](profile& p) { f(p.operating_points[1].selector); }});
  };
  c.push_back({"scale", [](profile& p) { p.operating_points[0].quantizer.scale[3] = 77.0f; }});
  c.push_back({"mask prior value", [](profile& p) { ++p.operating_points[1].entropy.mask_prior[0]; }});
  chooser("k", [](auto& s) { ++s.k; });
  chooser("threshold", [](auto& s) { s.threshold = 0.5f; });
  chooser("attention kind", [](auto& s) { s.attention.kind = aecnn::attention_kind::se; });
  chooser("attention channels", [](auto& s) { ++s.attention.channels; });
  chooser("attention hidden", [](auto& s) { ++s.attention.hidden; });
  chooser("attention w1", [](auto& s) { s.attention.w1[3] += 1.0f; });
  chooser("attention b1", [](auto& s) { s.attention.b1.clear(); });
  chooser("attention w2", [](auto& s) { s.attention.w2[3] += 1.0f; });
  chooser("attention b2", [](auto& s) { s.attention.b2[3] += 1.0f; });
  chooser("attention kernel", [](auto& s) { s.attention.kernel = {1.0f}; });
  chooser("attention exponent", [](auto& s) { ++s.attention.input_exponent; });
  const auto projection = [&](std::string what, auto f) {
    c.push_back({what, [f](profile& p) { f(*p.operating_points[2].projection); }});
  };
  projection("stride", [](auto& j) { ++j.stride; });
  projection("input scale", [](auto& j) { j.input_scale[0] = 3.0f; });
  projection("projection weights", [](auto& j) { ++j.weights[7]; });
  projection("projection shift", [](auto& j) { ++j.shift[1]; });
  const auto network = [&](std::string what, auto f) {
    c.push_back({"network " + what, [f](profile& p) { f(p.networks[1]); }});
  };
  network("name", [](auto& g) { g.name = "other"; });
  network("input", [](auto& g) { g.inputs[0] += 'x'; });
  network("output", [](auto& g) { g.outputs[0] += 'x'; });
  network("fewer nodes", [](auto& g) { g.nodes.pop_back(); });
  network("order of nodes", [](auto& g) { std::swap(g.nodes[0], g.nodes[1]); });
  network("operator", [](auto& g) { g.nodes[1].op_type = "Relu"; });
  network("node input", [](auto& g) { g.nodes[2].inputs[1] = "low"; });
  network("node output", [](auto& g) { g.nodes[0].outputs[0] = "z"; });
  network("attribute name", [](auto& g) { g.nodes[0].attributes[0].first = "dilations"; });
  network("order of attributes", [](auto& g) { std::swap(g.nodes[0].attributes[0], g.nodes[0].attributes[1]); });
  network("attribute type",
          [](auto& g) { g.nodes[0].attributes[2].second.type = aecnn::nn::attribute::kind::numbers; });
  network("integer", [](auto& g) { g.nodes[0].attributes[1].second.integer = 1; });
  network("integers", [](auto& g) { g.nodes[0].attributes[0].second.integers[1] = 1; });
  network("number", [](auto& g) { g.nodes[1].attributes[0].second.number = 0.2f; });
  network("numbers", [](auto& g) { g.nodes[3].attributes[1].second.numbers[1] = 0.0f; }); // was -0
  network("text", [](auto& g) { g.nodes[3].attributes[0].second.text = "CRD"; });
  network("fewer weights", [](auto& g) { g.weights.pop_back(); });
  network("weight name", [](auto& g) { g.weights[0].name = "w0"; });
  network("weight shape", [](auto& g) { g.weights[0].shape = {3, 2, 2, 1}; });
  network("weight value", [](auto& g) { g.weights[0].values[11] = 5.0f; });
  return c;
}

aecnn::failure failure_of(const profile& p, const aecnn::limits& l = {}) {
  const auto s = aecnn::check(p, l);
  return s ? aecnn::failure{} : s.error();
}

} // namespace

TEST_CASE("every field that shapes bytes or reconstructions changes the content hash", "[profile]") {
  const auto base = example_profiles::large_profile();
  std::set<std::uint64_t> seen = {aecnn::content_hash(base)};
  for (const auto& c : hashed_changes()) {
    auto p = base;
    c.apply(p);
    INFO(c.what);
    REQUIRE(example_profiles::fields(p) != example_profiles::fields(base));
    // Also different from all the other changes: no field runs into its neighbour.
    CHECK(seen.insert(aecnn::content_hash(p)).second);
  }
}

TEST_CASE("what is for people, the probe and the hash itself leave the content hash alone", "[profile]") {
  const auto base = example_profiles::large_profile();
  const std::vector<change> changes = {
      {"name", [](profile& p) { p.name += 'x'; }},
      {"point name", [](profile& p) { p.operating_points[1].name += 'x'; }},
      {"expected bytes", [](profile& p) { p.operating_points[1].expected_bytes = 1; }},
      {"expected error", [](profile& p) { p.operating_points[1].expected_error = 1; }},
      {"node name", [](profile& p) { p.networks[1].nodes[1].name = "renamed"; }},
      {"probe", [](profile& p) { p.probe.reset(); }},
      {"hash", [](profile& p) { p.hash = 0; }},
      {"attention of a fixed set", [](profile& p) { p.operating_points[0].selector.attention.hidden = 9; }},
  };
  for (const auto& c : changes) {
    auto p = base;
    c.apply(p);
    INFO(c.what);
    REQUIRE(example_profiles::fields(p) != example_profiles::fields(base));
    CHECK(aecnn::content_hash(p) == base.hash);
  }
}

TEST_CASE("content hashes are frozen", "[profile]") {
  // Computed from the files of these profiles by a program written from docs/profile.md.
  CHECK(example_profiles::small_profile().hash == 0x08f2e269e5d3314aU);
  CHECK(example_profiles::large_profile().hash == 0xe1f2d82f1ed980caU);
}

TEST_CASE("seal stores the content hash", "[profile]") {
  auto p = example_profiles::small_profile();
  p.operating_points[0].lambda = 9;
  CHECK(p.hash != aecnn::content_hash(p));
  aecnn::seal(p);
  CHECK(p.hash == aecnn::content_hash(p));
}

TEST_CASE("the example profiles are consistent", "[profile]") {
  for (const auto& p : example_profiles::all()) CHECK(failure_of(p).message.empty());
}

TEST_CASE("latents, stride and shapes of an operating point", "[profile]") {
  const auto p = example_profiles::large_profile();
  CHECK(p.operating_points[0].latents() == 6);
  CHECK(p.operating_points[0].latent_shape(4, 5) == aecnn::shape3{6, 4, 5});
  CHECK(p.operating_points[1].latents() == 4);
  CHECK(p.operating_points[2].latents() == 3);
  CHECK(p.operating_points[2].stride() == 2);
  CHECK(p.operating_points[2].latent_shape(4, 5) == aecnn::shape3{3, 2, 3});
  CHECK(p.network("decoder.1") == &p.networks[1]);
  CHECK(p.network("decoder") == nullptr);
  CHECK_FALSE(p.open_extents());
  CHECK(aecnn::profile_probe::output_index(0, 4, 120) == 0);
  CHECK(aecnn::profile_probe::output_index(3, 4, 120) == 90);
  CHECK(aecnn::profile_probe::output_index(2, 3, 7) == 4);
}

TEST_CASE("check names what is inconsistent", "[profile]") {
  struct fault {
    errc code;
    std::string says;
    std::function<void(profile&)> make;
  };
  const std::vector<fault> faults = {
      {errc::bad_field, "channels", [](profile& p) { p.shape.channels = 0; }},
      {errc::bad_field, "channels", [](profile& p) { p.shape.channels = 70000; }},
      {errc::bad_field, "both", [](profile& p) { p.shape.height = 0; }},
      {errc::limit_exceeded, "limits", [](profile& p) { p.shape.width = 16385; }},
      {errc::bad_field, "0 operating points", [](profile& p) { p.operating_points.clear(); }},
      {errc::bad_field, "33 operating points",
       [](profile& p) { p.operating_points.resize(33, p.operating_points[0]); }},
      {errc::duplicate_name, "decoder0", [](profile& p) { p.networks[1].name = "decoder0"; }},
      {errc::missing_field, "point 1: decoder network 'none'",
       [](profile& p) { p.operating_points[1].decoder = "none"; }},
      {errc::bad_field, "point 0: selector channels",
       [](profile& p) { p.operating_points[0].selector.channels[1] = 0; }},
      {errc::bad_field, "point 2: a projection needs",
       [](profile& p) {
         p.operating_points[1].projection = p.operating_points[2].projection;
         std::swap(p.operating_points[1], p.operating_points[2]);
       }},
      {errc::bad_field, "point 2: projection stride", [](profile& p) { p.operating_points[2].projection->stride = 0; }},
      {errc::bad_field, "point 1: an analysis network needs",
       [](profile& p) { p.operating_points[1].analysis.emplace(aecnn::analysis_parameters{"net", 2, 1}); }},
      {errc::bad_field, "point 0: quantizer unit", [](profile& p) { p.operating_points[0].quantizer.unit.pop_back(); }},
      {errc::bad_field, "point 2: quantizer scale",
       [](profile& p) {
         p.operating_points[2].quantizer.scale = {1, 1, 1};
       }},
      {errc::bad_field, "point 1: entropy classes", [](profile& p) { p.operating_points[1].entropy.classes = 0; }},
      {errc::bad_field, "entropy levels and zero",
       [](profile& p) {
         p.operating_points[0].entropy.levels += 2;
         p.operating_points[0].entropy.initial.clear();
       }},
      {errc::bad_field, "mask priors", [](profile& p) { p.operating_points[1].entropy.mask_prior.clear(); }},
      {errc::bad_field, "mask priors",
       [](profile& p) { p.operating_points[0].entropy.mask_prior.assign(6, std::uint16_t{40000}); }},
  };
  for (const auto& f : faults) {
    auto p = example_profiles::large_profile();
    f.make(p);
    const auto found = failure_of(p);
    INFO(found.message);
    CHECK(found.code == f.code);
    CHECK(found.message.find(f.says) != std::string::npos);
  }
}

TEST_CASE("check obeys the limits", "[profile]") {
  const auto p = example_profiles::large_profile();
  aecnn::limits l;
  l.max_operating_points = 2;
  CHECK(failure_of(p, l).code == errc::bad_field);
  l = {};
  l.max_channels = 5;
  CHECK(failure_of(p, l).code == errc::bad_field);
  l = {};
  l.max_extent = 4;
  CHECK(failure_of(p, l).code == errc::limit_exceeded);
  l = {};
  l.max_elements = 119;
  CHECK(failure_of(p, l).code == errc::limit_exceeded);
  l.max_elements = 120;
  CHECK(failure_of(p, l).message.empty());
}

TEST_CASE("a device needs no networks", "[profile]") {
  auto p = example_profiles::large_profile();
  p.networks.clear();
  CHECK(failure_of(p).message.empty());
}
