#include <aecnn/profile_io.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <catch_compat.hpp>
#include <example_profiles.hpp>
#include <profile_files.hpp>

#include <aecnn/encoder.hpp>

using aecnn::errc;
using aecnn::profile;
using aecnn::try_load_profile;
using aecnn::io::safetensors;
using example_profiles::fields;
using namespace profile_files;

namespace {

/// A tensor of the examples' channels, by formula.
std::vector<float> example_tensor(std::size_t height, std::size_t width) {
  return example_profiles::filled<float>(example_profiles::channels * height * width,
                                         [](int i) { return 0.02f * static_cast<float>(i * 37 % 101 - 50); });
}

} // namespace

TEST_CASE("profiles of all kinds survive a file unchanged", "[profile_io]") {
  for (const profile& p : example_profiles::all()) {
    const bytes file = aecnn::serialize_profile(p);
    const auto loaded = load(file);
    REQUIRE(loaded);
    CHECK(fields(*loaded) == fields(p));
    CHECK(aecnn::serialize_profile(*loaded) == file);
  }
}

TEST_CASE("a loaded profile gives the streams of the original", "[profile_io]") {
  for (const profile& p : example_profiles::all()) {
    const profile q = aecnn::load_profile(std::span<const std::byte>(aecnn::serialize_profile(p)));
    const auto x = example_tensor(4, 5);
    const auto view = aecnn::tensor_view<const float>::chw(x.data(), example_profiles::channels, 4, 5);
    for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
      aecnn::encoder a(p, {.operating_point = i}), b(q, {.operating_point = i});
      const auto stream = a.encode(view);
      CHECK(stream.size() > 4);
      CHECK(b.encode(view) == stream);
    }
  }
}

TEST_CASE("the file's metadata and tensors are the documented ones", "[profile_io]") {
  const bytes file = aecnn::serialize_profile(example_profiles::small_profile());
  const auto content = aecnn::io::parse_safetensors(file);
  CHECK(content.metadata.size() == 3);
  CHECK(*content.find_metadata("aecnn.version") == "1");
  CHECK(*content.find_metadata("aecnn.hash") == aecnn::io::detail::to_hex(example_profiles::small_profile().hash));
  CHECK(*content.find_metadata("aecnn.profile") ==
        R"({"name":"example","shape":[6,4,5],"operating_points":[{"name":"point","selector":{"kind":"fixed"},)"
        R"("quantizer":{"levels":5,"zero":2},"entropy":{"classes":1},"lambda":0,"decoder":"decoder0",)"
        R"("expected_bytes":12.25,"expected_error":0.0625}],"networks":[{"name":"decoder0","inputs":["latents"],)"
        R"("outputs":["tensor"],"nodes":[{"op_type":"Conv","name":"expand","inputs":["latents","w","b"],)"
        R"("outputs":["tensor"],"attributes":[]}],"weights":["w","b"]}]})");
  std::string names;
  for (const auto& e : content.entries)
    names += e.name + ' ' + std::string(name(e.type)) + aecnn::io::detail::shape_text(e.shape) + '\n';
  CHECK(names == "network0.b F32(6,)\n"
                 "network0.w F32(6, 2, 1, 1)\n"
                 "op0.quantizer.rounding U16(2,)\n"
                 "op0.quantizer.scale F32(2,)\n"
                 "op0.quantizer.shift I16(2, 2, 3)\n"
                 "op0.quantizer.unit F32(2,)\n"
                 "op0.selector.channels U16(2,)\n");
}

TEST_CASE("every truncation of a file is an error", "[profile_io]") {
  const bytes file = aecnn::serialize_profile(example_profiles::small_profile());
  for (std::size_t n = 0; n < file.size(); ++n)
    if (load({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n)}))
      FAIL("accepted the first " << n << " bytes");
  bytes longer = file;
  longer.push_back(std::byte{0});
  check_failure(longer, errc::trailing_bytes, "");
}

TEST_CASE("every flipped bit is an error or changes nothing but names", "[profile_io]") {
  auto original = example_profiles::small_profile();
  example_profiles::add_probe(original);
  const bytes file = aecnn::serialize_profile(original);
  const std::string expected = fields(example_profiles::without_names(original));
  std::size_t refused = 0, accepted = 0;
  for (std::size_t i = 0; i < 8 * file.size(); ++i) {
    bytes changed = file;
    changed[i / 8] ^= std::byte{1} << (i % 8);
    const auto p = load(changed);
    ++(p ? accepted : refused);
    if (p && fields(example_profiles::without_names(*p)) != expected) FAIL("accepted with bit " << i << " flipped");
  }
  CHECK(refused + accepted == 8 * file.size());
  // The names "example", "point", "expand" and the numbers 12.25 and 0.0625 have 28 bytes.
  CHECK(accepted > 0);
  CHECK(accepted < 8 * 28);
}

TEST_CASE("what the metadata may hold", "[profile_io]") {
  const profile p = example_profiles::small_profile();
  const auto with = [&](const std::string& key, const std::string& value) {
    return edited(p, [&](safetensors& s) { s.set_metadata(key, value); });
  };
  const auto without = [&](const std::string& key) {
    return edited(
        p, [&](safetensors& s) { std::erase_if(s.metadata, [&](const auto& entry) { return entry.first == key; }); });
  };
  check_failure(without("aecnn.version"), errc::missing_field, "'aecnn.version'");
  check_failure(without("aecnn.hash"), errc::missing_field, "'aecnn.hash'");
  check_failure(without("aecnn.profile"), errc::missing_field, "'aecnn.profile'");
  check_failure(with("aecnn.version", "2"), errc::unsupported_version, "'2', expected '1'");
  check_failure(with("aecnn.version", ""), errc::unsupported_version, "expected '1'");
  check_failure(with("format", "pt"), errc::bad_field, "\"format\"");
  check_failure(with("aecnn.probe_hash", "0000000000000000"), errc::bad_field, "aecnn.probe_hash");
  for (const char* hash : {"", "0", "00000000000000000", "000000000000000G", "-000000000000000", "000000000000000A"})
    check_failure(with("aecnn.hash", hash), errc::bad_field, "16 lower-case hexadecimal digits");
  check_failure(with("aecnn.hash", "0123456789abcdef"), errc::corrupt, "0123456789abcdef");
  check_failure(with("aecnn.profile", ""), errc::bad_format, "syntax");
  check_failure(with("aecnn.profile", "{\"name\":}"), errc::bad_format, "byte 9");
  check_failure(with("aecnn.profile", "{} {}"), errc::bad_format, "syntax");
  check_failure(with("aecnn.profile", std::string("{}\0{}", 5)), errc::bad_format, "control character at byte 2");
  check_failure(with("aecnn.profile", "[]"), errc::bad_field, "document: found an array, expected an object");
  check_failure(with("aecnn.profile", "1e999"), errc::bad_format, "syntax");
}

TEST_CASE("files beyond the limits are refused", "[profile_io]") {
  const profile p = example_profiles::large_profile();
  const bytes file = aecnn::serialize_profile(p);
  const auto content = aecnn::io::parse_safetensors(file);
  const auto refused = [&](std::size_t aecnn::limits::*member, std::size_t enough, errc code) {
    aecnn::limits l;
    l.*member = enough;
    const auto at = load(file, l);
    INFO((at ? std::string() : at.error().message));
    CHECK(at);
    l.*member = enough - 1;
    check_failure(file, code, "", l);
    CHECK(aecnn::try_serialize_profile(p, l).error().code == code);
  };
  refused(&aecnn::limits::max_file_bytes, file.size(), errc::limit_exceeded);
  refused(&aecnn::limits::max_tensors, content.entries.size(), errc::limit_exceeded);
  refused(&aecnn::limits::max_nodes, 4, errc::limit_exceeded);
  refused(&aecnn::limits::max_json_depth, 8, errc::limit_exceeded);
  refused(&aecnn::limits::max_name_bytes, std::string("op2.projection.input_scale").size(), errc::limit_exceeded);
  std::size_t largest = 0;
  for (const auto& o : p.operating_points) largest = std::max(largest, o.entropy.initial.size());
  refused(&aecnn::limits::max_elements, largest, errc::limit_exceeded);
  aecnn::limits l;
  l.max_operating_points = 2;
  check_failure(file, errc::limit_exceeded, "operating_points: 3 elements, at most 2", l);
  l = {};
  l.max_json_bytes = 1000;
  check_failure(file, errc::limit_exceeded, "header", l);
  l = {};
  l.max_channels = 5;
  check_failure(file, errc::bad_field, "channels", l);
  l = {};
  l.max_extent = 4;
  check_failure(file, errc::limit_exceeded, "limits", l);
}

TEST_CASE("hostile documents end early", "[profile_io]") {
  const profile p = example_profiles::small_profile();
  const auto document = [&](const std::string& text) {
    return edited(p, [&](safetensors& s) { s.set_metadata("aecnn.profile", text); });
  };
  check_failure(document(std::string(100000, '[')), errc::limit_exceeded, "deeper than 64");
  std::string zeros = "[0";
  for (int i = 0; i < 1100000; ++i) zeros += ",0";
  check_failure(document(zeros + "]"), errc::limit_exceeded, "JSON values");
  std::string keys = "{\"name\":\"\"";
  for (int i = 0; i < 100000; ++i) keys += ",\"name\":\"\"";
  check_failure(document(keys + "}"), errc::duplicate_name, "name");
  std::string attributes = R"({"name":"x","i":0})";
  for (int i = 0; i < 64; ++i) attributes += R"(,{"name":"x)" + std::to_string(i) + R"(","i":0})";
  check_failure(reworded(p, R"("attributes":[])", R"("attributes":[)" + attributes + "]"), errc::limit_exceeded,
                "networks[0].nodes[0].attributes: 65 elements, at most 64");
  check_failure(reworded(p, "\"example\"", '"' + std::string(257, 'x') + '"'), errc::limit_exceeded, "name: 257 bytes");
}

TEST_CASE("only consistent, sealed profiles are saved", "[profile_io]") {
  struct fault {
    errc code;
    std::string says;
    std::function<void(profile&)> make;
    bool seal = true;
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<fault> faults = {
      {errc::invalid_argument, "not sealed", [](profile& p) { p.operating_points[0].lambda = 1; }, false},
      {errc::bad_field, "point 0", [](profile& p) { p.operating_points[0].quantizer.levels = 0; }},
      {errc::bad_field, "operating_points[0]: expected_bytes",
       [&](profile& p) { p.operating_points[0].expected_bytes = nan; }},
      {errc::bad_field, "operating_points[2]: expected_bytes",
       [](profile& p) { p.operating_points[2].expected_error = std::numeric_limits<double>::infinity(); }},
      {errc::bad_field, "operating_points[1]: expected_bytes",
       [](profile& p) { p.operating_points[1].expected_error = -1; }},
      {errc::limit_exceeded, "name: 300 bytes", [](profile& p) { p.name.assign(300, 'n'); }},
      {errc::bad_format, "", [](profile& p) { p.operating_points[1].name = "\xff"; }},
      {errc::limit_exceeded, "", [](profile& p) { p.networks[0].weights[0].name.assign(250, 'w'); }},
      {errc::bad_shape, "networks[0].weights[0] 'w'", [](profile& p) { p.networks[0].weights[0].values.pop_back(); }},
      {errc::bad_shape, "networks[0].weights[0] 'w'", [](profile& p) { p.networks[0].weights[0].shape[0] = -6; }},
      {errc::duplicate_name, "named 'w'", [](profile& p) { p.networks[0].weights[1].name = "w"; }},
      {errc::unsupported, "", [](profile& p) { p.networks[0].weights[1].shape.resize(9, 1); }},
      {errc::bad_field, "nodes[0].outputs: none", [](profile& p) { p.networks[0].nodes[0].outputs.clear(); }},
      {errc::bad_field, "networks[1].outputs: none", [](profile& p) { p.networks[1].outputs.clear(); }},
      {errc::bad_field, "no operating point uses", [](profile& p) { p.operating_points[1].decoder = "decoder0"; }},
      {errc::corrupt, "hash", // a value in a member that the attribute's type does not name
       [](profile& p) { p.networks[1].nodes[1].attributes[0].second.integer = 3; }},
      {errc::bad_field, "probe.scale", [&](profile& p) { p.probe->scale = nan; }},
      {errc::bad_field, "probe.input", [](profile& p) { p.probe->input.pop_back(); }},
      {errc::bad_field, "probe: height", [](profile& p) { p.probe->height = 5; }},
      {errc::bad_field, "probe: 2 streams", [](profile& p) { p.probe->streams.pop_back(); }},
      {errc::bad_field, "probe.op2", [](profile& p) { p.probe->streams[2].clear(); }},
      {errc::bad_field, "probe.op1", [](profile& p) { p.probe->outputs[1].resize(121); }},
  };
  const auto folder = std::filesystem::temp_directory_path() / "aecnn_profile_io_refused.aecnn";
  std::filesystem::remove(folder);
  for (const auto& f : faults) {
    profile p = example_profiles::large_profile();
    f.make(p);
    if (f.seal) aecnn::seal(p);
    const auto file = aecnn::try_serialize_profile(p);
    INFO(f.says);
    REQUIRE_FALSE(file);
    INFO(file.error().message);
    CHECK(file.error().code == f.code);
    CHECK(file.error().message.find(f.says) != std::string::npos);
    CHECK(aecnn::try_save_profile(p, folder).error().code == f.code);
    CHECK_FALSE(std::filesystem::exists(folder));
  }
}

TEST_CASE("profiles are saved to and loaded from files", "[profile_io]") {
  const auto path = std::filesystem::temp_directory_path() / "aecnn_profile_io_test.aecnn";
  const profile p = example_profiles::large_profile();
  aecnn::save_profile(p, path);
  CHECK(fields(aecnn::load_profile(path)) == fields(p));
  CHECK(fields(aecnn::load_profile(path.string())) == fields(p));
  CHECK(fields(aecnn::load_profile(path.string().c_str())) == fields(p));
  CHECK(aecnn::io::read_file(path) == aecnn::serialize_profile(p));

  auto damaged = aecnn::serialize_profile(p);
  damaged.back() ^= std::byte{1};
  aecnn::io::write_file(path, damaged);
  const auto failed = try_load_profile(path);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == errc::corrupt);
  CHECK(failed.error().message.find("aecnn_profile_io_test.aecnn") != std::string::npos);
  CHECK_THROWS_AS(aecnn::load_profile(path), aecnn::error);
  CHECK_THROWS_AS(aecnn::load_profile(std::span<const std::byte>(damaged)), aecnn::error);

  std::filesystem::remove(path);
  CHECK(try_load_profile(path).error().code == errc::io_error);
  CHECK(aecnn::try_save_profile(p, path / "missing" / "folder").error().code == errc::io_error);
}

TEST_CASE("the largest and the oddest profiles survive a file", "[profile_io]") {
  profile p = example_profiles::one_point(example_profiles::fixed_point({5}, 32767));
  p.operating_points[0].quantizer.levels = p.operating_points[0].entropy.levels = 65536;
  p.operating_points[0].quantizer.zero = p.operating_points[0].entropy.zero = 65535;
  p.operating_points[0].entropy.classes = 255;
  p.operating_points[0].lambda = 0xffffffff;
  const auto states = aecnn::context_layout(65536, 65535).state_count();
  p.operating_points[0].entropy.initial.assign(255 * std::size_t{states}, 0x8003);
  p.name = std::string("\0\x1f\x7f", 3) + std::string(253, 'n');
  p.shape = {65535, 1, 1};
  p.operating_points[0].selector.channels = {65534};
  p.networks[0].weights[0].values[0] = std::numeric_limits<float>::denorm_min();
  p.networks[0].weights[0].values[1] = -std::numeric_limits<float>::infinity();
  p.operating_points.resize(32, p.operating_points[0]);
  for (std::size_t i = 1; i < 32; ++i) p.operating_points[i].entropy.initial.clear();
  aecnn::seal(p);
  const auto loaded = load(aecnn::serialize_profile(p));
  REQUIRE(loaded);
  CHECK(fields(*loaded) == fields(p));
}
