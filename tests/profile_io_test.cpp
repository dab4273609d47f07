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

#include <aecnn/encoder.hpp>
#include <aecnn/io/profile_source.hpp>

using aecnn::errc;
using aecnn::profile;
using aecnn::try_load_profile;
using aecnn::io::safetensors;
using bytes = std::vector<std::byte>;
using example_profiles::fields;

namespace {

auto load(const bytes& file, const aecnn::limits& l = {}) { return try_load_profile(std::span<const std::byte>(file), l); }

/// The file of a profile after a change of its tensors or metadata.
bytes edited(const profile& p, const std::function<void(safetensors&)>& edit) {
  const bytes original = aecnn::serialize_profile(p);
  auto content = aecnn::io::parse_safetensors(original);
  edit(content);
  return aecnn::io::serialize(content);
}

void replace(std::string& text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
}

/// The file of a profile after a change of its document's text.
bytes reworded(const profile& p, const std::string& from, const std::string& to) {
  return edited(p, [&](safetensors& s) {
    std::string text = *s.find_metadata("aecnn.profile");
    replace(text, from, to);
    s.set_metadata("aecnn.profile", text);
  });
}

void remove_tensor(safetensors& s, const std::string& name) {
  REQUIRE(s.find(name) != nullptr);
  safetensors rest;
  rest.metadata = s.metadata;
  for (const auto& e : s.entries)
    if (e.name != name) rest.add(e.name, e.type, e.shape, *s.bytes(e.name));
  s = rest;
}

template <class T>
void put_tensor(safetensors& s, const std::string& name, const std::vector<std::size_t>& shape, const std::vector<T>& v) {
  if (s.find(name) != nullptr) remove_tensor(s, name);
  s.add(name, shape, v);
}

void check_failure(const bytes& file, errc code, const std::string& says, const aecnn::limits& l = {}) {
  const auto p = load(file, l);
  REQUIRE_FALSE(p);
  INFO(p.error().message);
  CHECK(p.error().code == code);
  CHECK(p.error().message.find(says) != std::string::npos);
}

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

TEST_CASE("attributes of every type are written with exact bits", "[profile_io]") {
  const bytes file = aecnn::serialize_profile(example_profiles::large_profile());
  const auto content = aecnn::io::parse_safetensors(file);
  const std::string& text = *content.find_metadata("aecnn.profile");
  for (const char* part :
       {R"({"name":"strides","ints":[2,2]})", R"({"name":"group","i":-1})", R"({"name":"pads","ints":[]})",
        R"({"name":"alpha","f":"3dcccccd"})", R"({"name":"mode","s":"DCR"})",
        R"({"name":"zeta","floats":["3fc00000","80000000"]})", R"({"name":"blocksize","i":9223372036854775807})",
        R"("outputs":["out \"1\"\n"])", R"("expected_bytes":1e-300)", R"("probe":{"height":4,"width":5})"}) {
    INFO(part);
    CHECK(text.find(part) != std::string::npos);
  }
}

TEST_CASE("every truncation of a file is an error", "[profile_io]") {
  const bytes file = aecnn::serialize_profile(example_profiles::small_profile());
  for (std::size_t n = 0; n < file.size(); ++n)
    if (load({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n)})) FAIL("accepted the first " << n << " bytes");
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
    return edited(p, [&](safetensors& s) {
      std::erase_if(s.metadata, [&](const auto& entry) { return entry.first == key; });
    });
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

TEST_CASE("the document is read strictly", "[profile_io]") {
  struct fault {
    std::string from, to;
    errc code;
    std::string says;
  };
  const auto expect = [](const profile& p, const std::vector<fault>& faults) {
    for (const auto& f : faults) {
      INFO(f.from << " -> " << f.to);
      check_failure(reworded(p, f.from, f.to), f.code, f.says);
    }
  };
  expect(example_profiles::small_profile(), {
    {R"("name":"example",)", "", errc::missing_field, "name: is missing"},
    {R"("name":"example")", R"("name":7)", errc::bad_field, "name: found an integer, expected a string"},
    {R"("name":"example")", R"("name":"a","name":"b")", errc::duplicate_name, "key 'name' occurs twice"},
    {R"("name":"example")", R"("name":"a","nmae":"b")", errc::bad_field, "unknown key 'nmae'"},
    {"\"shape\":[6,4,5],", "", errc::missing_field, "shape: is missing"},
    {"[6,4,5]", "[6,4]", errc::bad_field, "shape: 2 extents"},
    {"[6,4,5]", "[6,4,5,1]", errc::limit_exceeded, "shape: 4 elements"},
    {"[6,4,5]", "[0,4,5]", errc::bad_field, "shape[0]: 0, expected 1 to 65535"},
    {"[6,4,5]", "[6,-4,5]", errc::bad_field, "shape[1]: -4"},
    {"[6,4,5]", "[6,4,5.0]", errc::bad_field, "shape[2]: found a fraction, expected an integer"},
    {"[6,4,5]", "[6,4,18446744073709551616]", errc::bad_field, "shape[2]: found a fraction"},
    {"[6,4,5]", "[6,4,null]", errc::bad_field, "shape[2]: found null"},
    {"[6,4,5]", "[6,0,5]", errc::bad_field, "both extents"},
    {"[6,4,5]", "[6,16385,5]", errc::limit_exceeded, "6x16385x5"},
    {"[6,4,5]", "[7,4,5]", errc::corrupt, "hash"},
    {R"("operating_points":[{)", R"("operating_points":[[],{)", errc::bad_field, "operating_points[0]: found an array"},
    {R"("name":"point",)", "", errc::missing_field, "operating_points[0].name: is missing"},
    {R"("name":"point")", R"("name":true)", errc::bad_field, "operating_points[0].name: found true or false"},
    {R"("selector":{"kind":"fixed"},)", "", errc::missing_field, "operating_points[0].selector: is missing"},
    {R"({"kind":"fixed"})", "{}", errc::missing_field, "operating_points[0].selector.kind: is missing"},
    {R"("fixed")", R"("random")", errc::bad_field, "selector.kind: 'random', expected one of fixed, top_k, threshold"},
    {R"("kind":"fixed")", R"("kind":"fixed","k":1)", errc::bad_field, "selector: unknown key 'k'"},
    {R"("kind":"fixed")", R"("kind":"top_k","k":0)", errc::bad_field, "selector.k: 0, expected 1 to 6"},
    {R"("kind":"fixed")", R"("kind":"top_k","k":1)", errc::missing_field, "selector.attention: is missing"},
    {R"("quantizer":{)", R"("projection":{"stride":1},"quantizer":{)", errc::missing_field, "op0.projection.shift"},
    {R"("quantizer":{)", R"("projection":{"stride":17},"quantizer":{)", errc::bad_field, "projection.stride: 17"},
    {R"("quantizer":{)", R"("projection":{},"quantizer":{)", errc::missing_field, "projection.stride: is missing"},
    {R"("quantizer":{)", R"("projection":null,"quantizer":{)", errc::bad_field, "projection: found null"},
    {R"("levels":5)", R"("levels":1)", errc::bad_field, "operating_points[0].quantizer.levels: 1, expected 2 to 65536"},
    {R"("levels":5)", R"("levels":65537)", errc::bad_field, "quantizer.levels: 65537"},
    {R"("levels":5)", R"("levels":"5")", errc::bad_field, "quantizer.levels: found a string"},
    {R"("levels":5,)", "", errc::missing_field, "quantizer.levels: is missing"},
    {R"("zero":2)", R"("zero":5)", errc::bad_field, "quantizer.zero: 5, expected 0 to 4"},
    {R"("zero":2)", R"("zero":2,"offset":0)", errc::bad_field, "quantizer: unknown key 'offset'"},
    {R"("entropy":{"classes":1})", R"("entropy":{})", errc::missing_field, "entropy.classes: is missing"},
    {R"("classes":1)", R"("classes":0)", errc::bad_field, "entropy.classes: 0, expected 1 to 255"},
    {R"("classes":1)", R"("classes":256)", errc::bad_field, "entropy.classes: 256"},
    {R"("lambda":0)", R"("lambda":4294967296)", errc::bad_field, "lambda: 4294967296"},
    {R"("lambda":0)", R"("lambda":1)", errc::corrupt, "hash"},
    {R"("decoder":"decoder0")", R"("decoder":"decoder1")", errc::missing_field, "decoder network 'decoder1'"},
    {"12.25", "-12.25", errc::bad_field, "operating_points[0].expected_bytes: negative"},
    {"12.25", "\"12.25\"", errc::bad_field, "operating_points[0].expected_bytes: found a string"},
    {"12.25", "1e400", errc::bad_format, "syntax"},
    {R"(,"expected_error":0.0625)", "", errc::missing_field, "expected_error: is missing"},
    {R"("networks":[)", R"("networks":[{},)", errc::missing_field, "networks[0].name: is missing"},
    {R"("networks":[)", R"("networks":null,"other":[)", errc::bad_field, "unknown key 'other'"},
    {R"({"name":"decoder0")", R"({"name":"decoder2")", errc::missing_field, "decoder network 'decoder0'"},
    {R"({"name":"decoder0")", R"({"name":"")", errc::missing_field, "decoder network 'decoder0'"},
    {R"("inputs":["latents"])", R"("inputs":"latents")", errc::bad_field, "networks[0].inputs: found a string"},
    {R"("inputs":["latents"])", R"("inputs":[3])", errc::bad_field, "networks[0].inputs[0]: found an integer"},
    {R"("inputs":["latents"])", R"("inputs":[])", errc::bad_field, "networks[0].inputs: none"},
    {R"("inputs":["latents"])", R"("inputs":["tensor"])", errc::duplicate_name, "named 'tensor'"},
    {R"("inputs":["latents"])", R"("inputs":[""])", errc::bad_field, "without a name"},
    {R"("op_type":"Conv")", R"("op_type":"")", errc::bad_field, "networks[0].nodes[0].op_type: empty"},
    {R"("op_type":"Conv")", R"("op_type":"Relu")", errc::corrupt, "hash"},
    {R"("op_type":"Conv",)", "", errc::missing_field, "networks[0].nodes[0].op_type: is missing"},
    {R"("op_type":"Conv")", R"("op_type":"Conv","domain":"")", errc::bad_field, "nodes[0]: unknown key 'domain'"},
    {R"("name":"expand",)", "", errc::missing_field, "networks[0].nodes[0].name: is missing"},
    {R"(,"attributes":[])", "", errc::missing_field, "networks[0].nodes[0].attributes: is missing"},
    {R"("attributes":[])", R"("attributes":[{"name":"a"}])", errc::bad_field, "attributes[0]: expected exactly one of"},
    {R"("attributes":[])", R"("attributes":[{"name":"a","i":1,"s":""}])", errc::bad_field, "exactly one of"},
    {R"("attributes":[])", R"("attributes":[{"i":1}])", errc::missing_field, "attributes[0].name: is missing"},
    {R"("attributes":[])", R"("attributes":[{"name":"","i":1}])", errc::bad_field, "attributes[0].name: empty"},
    {R"("attributes":[])", R"("attributes":[{"name":"a","i":1},{"name":"a","i":1}])", errc::duplicate_name, "'a' occurs twice"},
    {R"("attributes":[])", R"("attributes":[{"name":"a","i":9223372036854775808}])", errc::bad_field, "attributes[0].i"},
    {R"("attributes":[])", R"("attributes":[{"name":"a","f":0.1}])", errc::bad_field, "attributes[0].f: found a fraction"},
    {R"("attributes":[])", R"("attributes":[{"name":"a","f":"3DCCCCCD"}])", errc::bad_field, "8 lower-case"},
    {R"("attributes":[])", R"("attributes":[{"name":"a","floats":["0"]}])", errc::bad_field, "attributes[0].floats[0]"},
    {R"("attributes":[])", R"("attributes":[{"name":"a","t":1}])", errc::bad_field, "unknown key 't'"},
    {R"("weights":["w","b"])", R"("weights":["w"])", errc::bad_field, "\"network0.b\" belongs to no field"},
    {R"("weights":["w","b"])", R"("weights":["w","b","c"])", errc::missing_field, "\"network0.c\""},
    {R"("weights":["w","b"])", R"("weights":["w","b","b"])", errc::duplicate_name, "\"network0.b\""},
    {R"("weights":["w","b"])", R"("weights":["b","w"])", errc::corrupt, "hash"},
    {R"("weights":["w","b"]})", R"("weights":["w","b"]}],"probe":[)", errc::bad_field, "probe: found an array"},
    {R"("weights":["w","b"]}])", R"("weights":["w","b"]}],"probe":{"height":4,"width":5})", errc::missing_field, "probe.scale"},
  });
  const auto chooser = example_profiles::one_point(
      example_profiles::choosing_point(aecnn::selection_kind::top_k, aecnn::attention_kind::cbam, true));
  expect(chooser, {
    {R"("k":2)", R"("k":7)", errc::bad_field, "selector.k: 7, expected 1 to 6"},
    {R"("k":2)", R"("k":5)", errc::bad_field, "selector k: 5"},
    {R"("k":2,)", "", errc::missing_field, "selector.k: is missing"},
    {R"("k":2)", R"("k":1)", errc::corrupt, "hash"},
    {R"("kind":"top_k","k":2)", R"("kind":"threshold")", errc::missing_field, "op0.selector.threshold"},
    {R"("kind":"top_k","k":2)", R"("kind":"threshold","k":2)", errc::bad_field, "unknown key 'k'"},
    {R"("cbam")", R"("senet")", errc::bad_field, "selector.attention.kind: 'senet'"},
    {R"("cbam")", R"("eca")", errc::missing_field, "op0.selector.attention.kernel"},
    {R"("cbam")", R"("se")", errc::corrupt, "hash"},
    {R"("input_exponent":14)", R"("input_exponent":25)", errc::bad_field, "attention.input_exponent: 25, expected 8 to 24"},
  });
  expect(example_profiles::large_profile(), {
    {R"("probe":{"height":4)", R"("probe":{"height":5)", errc::bad_field, "probe.input"},
    {R"("probe":{"height":4,)", R"("probe":{)", errc::missing_field, "probe.height"},
    {R"(,"probe":{"height":4,"width":5})", "", errc::bad_field, "aecnn.probe_hash"},
    {R"("decoder":"decoder.1")", R"("decoder":"decoder0")", errc::bad_field, "networks[1]: no operating point uses 'decoder.1'"},
    {R"({"name":"decoder.1")", R"({"name":"decoder0")", errc::duplicate_name, "decoder0"},
  });
}

TEST_CASE("tensors are read strictly", "[profile_io]") {
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
  std::vector<std::string> optional = {"op0.quantizer.offset",    "op0.entropy.reference",
                                       "op0.entropy.initial",     "op0.entropy.channel_class",
                                       "op1.selector.attention.b1", "op1.selector.attention.b2", "probe.op0.output"};
  for (const auto& e : aecnn::io::parse_safetensors(aecnn::serialize_profile(large)).entries) {
    std::string first = e.name;
    if (first.starts_with("op1.quantizer") || first.starts_with("op1.entropy") || first.starts_with("op2.")) first[2] = '0';
    if (first.starts_with("probe.op2")) first[8] = '0';
    const bool may_be_absent = std::find(optional.begin(), optional.end(), first) != optional.end();
    INFO(e.name);
    check_failure(edited(large, [&](safetensors& s) { remove_tensor(s, e.name); }),
                  may_be_absent ? errc::corrupt : errc::missing_field, may_be_absent ? "hash" : '"' + e.name + '"');
    // The same elements as a type of another size, or in another shape.
    check_failure(edited(large, [&](safetensors& s) {
                    const auto shape = e.shape;
                    std::size_t n = 1;
                    for (const auto extent : shape) n *= extent;
                    put_tensor(s, e.name, shape, std::vector<double>(n));
                  }), errc::bad_field, '"' + e.name + '"');
    if (!e.name.starts_with("network"))
      check_failure(edited(large, [&](safetensors& s) {
                      auto shape = e.shape;
                      shape.push_back(1);
                      const auto raw = *s.bytes(e.name);
                      const bytes copy(raw.begin(), raw.end());
                      remove_tensor(s, e.name);
                      s.add(e.name, e.type, shape, copy);
                    }), errc::bad_field, '"' + e.name + '"');
  }
  using f32 = std::vector<float>;
  using u16 = std::vector<std::uint16_t>;
  const profile small = example_profiles::small_profile();
  expect(small, {
    {"unknown", [](safetensors& s) { put_tensor(s, "op0.selector.k", {1}, f32{1}); }, errc::bad_field,
     "\"op0.selector.k\" belongs to no field"},
    {"unused point", [](safetensors& s) { put_tensor(s, "op1.quantizer.unit", {2}, f32{1, 1}); }, errc::bad_field, "op1"},
    {"unused probe", [](safetensors& s) { put_tensor(s, "probe.scale", {}, f32{1}); }, errc::bad_field, "probe.scale"},
    {"scalar", [](safetensors& s) { put_tensor(s, "op0.quantizer.unit", {}, f32{1}); }, errc::bad_field, "shape ()"},
    {"too many", [](safetensors& s) { put_tensor(s, "op0.quantizer.unit", {3}, f32{1, 1, 1}); }, errc::bad_field,
     "F32 of shape (3,), expected F32 of shape (2)"},
    {"signed", [](safetensors& s) { put_tensor(s, "op0.quantizer.rounding", {2}, std::vector<std::int16_t>{1, 1}); },
     errc::bad_field, "I16 of shape (2,), expected U16"},
    {"order of shift", [](safetensors& s) { put_tensor(s, "op0.quantizer.shift", {2, 3, 2}, std::vector<std::int16_t>(12)); },
     errc::bad_field, "expected I16 of shape (2, 2, 3)"},
    {"no channels", [](safetensors& s) { put_tensor(s, "op0.selector.channels", {0}, u16{}); }, errc::bad_field,
     "expected U16 of shape (at least 1)"},
    {"empty optional", [](safetensors& s) { put_tensor(s, "op0.quantizer.offset", {0}, std::vector<std::int32_t>{}); },
     errc::bad_field, "op0.quantizer.offset"},
    {"mask prior of a fixed set", [](safetensors& s) { put_tensor(s, "op0.entropy.mask_prior", {2}, u16{40000, 40000}); },
     errc::bad_field, "belongs to no field"},
    {"values", [](safetensors& s) { put_tensor(s, "op0.selector.channels", {2}, u16{4, 1}); }, errc::bad_field, "selector channels"},
    {"channel", [](safetensors& s) { put_tensor(s, "op0.selector.channels", {2}, u16{1, 6}); }, errc::bad_field, "below 6"},
    {"rounding", [](safetensors& s) { put_tensor(s, "op0.quantizer.rounding", {2}, u16{1, 256}); }, errc::bad_field, "rounding"},
    {"nan", [](safetensors& s) { put_tensor(s, "op0.quantizer.scale", {2}, f32{1, std::numeric_limits<float>::quiet_NaN()}); },
     errc::bad_field, "quantizer scale"},
    {"zero", [](safetensors& s) { put_tensor(s, "op0.quantizer.unit", {2}, f32{1, 0}); }, errc::bad_field, "quantizer unit"},
    {"value", [](safetensors& s) { put_tensor(s, "op0.quantizer.unit", {2}, f32{1, 2}); }, errc::corrupt, "hash"},
    {"initial", [](safetensors& s) { put_tensor(s, "op0.entropy.initial", {1, 7}, u16(7)); }, errc::bad_field, "entropy.initial"},
    {"weight type", [](safetensors& s) { put_tensor(s, "network0.b", {6}, std::vector<std::int32_t>(6)); }, errc::bad_field,
     "expected F32"},
    {"weight shape", [](safetensors& s) { put_tensor(s, "network0.b", {6, 1}, f32(6)); }, errc::corrupt, "hash"},
    {"empty weight", [](safetensors& s) { put_tensor(s, "network0.b", {0}, f32{}); }, errc::bad_shape, "networks[0].weights[1] 'b'"},
    {"weight value", [](safetensors& s) { put_tensor(s, "network0.b", {6}, f32(6)); }, errc::corrupt, "hash"},
  });
  expect(large, {
    {"probe input", [](safetensors& s) { put_tensor(s, "probe.input", {6, 4, 5}, std::vector<std::int8_t>(120)); }, errc::corrupt,
     "hash of its probe"},
    {"probe shape", [](safetensors& s) { put_tensor(s, "probe.input", {6, 5, 4}, std::vector<std::int8_t>(120)); },
     errc::bad_field, "probe.input"},
    {"probe scale", [](safetensors& s) { put_tensor(s, "probe.scale", {}, f32{0}); }, errc::bad_field, "probe.scale"},
    {"probe stream", [](safetensors& s) { put_tensor(s, "probe.op1.stream", {1}, std::vector<std::uint8_t>{1}); }, errc::corrupt,
     "hash of its probe"},
    {"probe output", [](safetensors& s) { put_tensor(s, "probe.op0.output", {121}, f32(121)); }, errc::bad_field, "probe.op0"},
    {"absent probe output", [](safetensors& s) { put_tensor(s, "probe.op1.output", {1}, f32{1}); }, errc::corrupt, "probe"},
    {"no probe hash", [](safetensors& s) { std::erase_if(s.metadata, [](const auto& e) { return e.first == "aecnn.probe_hash"; }); },
     errc::missing_field, "aecnn.probe_hash"},
    {"stride of weights", [](safetensors& s) { put_tensor(s, "op2.projection.weights", {3, 4, 4}, std::vector<std::int16_t>(48)); },
     errc::bad_field, "expected I16 of shape (3, 4, 2, 2)"},
    {"attention", [](safetensors& s) { put_tensor(s, "op1.selector.attention.w1", {2, 7}, f32(14)); }, errc::bad_field,
     "expected F32 of shape (at least 1, 6)"},
    {"hidden", [](safetensors& s) { put_tensor(s, "op1.selector.attention.w1", {3, 6}, f32(18)); }, errc::bad_field,
     "op1.selector.attention.b1"},
  });
}

TEST_CASE("files beyond the limits are refused", "[profile_io]") {
  const profile p = example_profiles::large_profile();
  const bytes file = aecnn::serialize_profile(p);
  const auto content = aecnn::io::parse_safetensors(file);
  const auto refused = [&](std::size_t aecnn::limits::* member, std::size_t enough, errc code) {
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
      {errc::bad_field, "operating_points[0]: expected_bytes", [&](profile& p) { p.operating_points[0].expected_bytes = nan; }},
      {errc::bad_field, "operating_points[2]: expected_bytes",
       [](profile& p) { p.operating_points[2].expected_error = std::numeric_limits<double>::infinity(); }},
      {errc::bad_field, "operating_points[1]: expected_bytes", [](profile& p) { p.operating_points[1].expected_error = -1; }},
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

TEST_CASE("source text of the device's side", "[profile_io]") {
  const profile p = example_profiles::large_profile();
  const std::string text = aecnn::io::profile_source(p, "camera_profile");
  CHECK(text == aecnn::io::profile_source(p, "camera_profile"));
  CHECK(text.find("inline aecnn::profile camera_profile() {") != std::string::npos);
  CHECK(text.find("p.hash = 0x" + aecnn::io::detail::to_hex(p.hash) + "U;") != std::string::npos);
  CHECK(text.find("op0_quantizer_scale[] = {\n  0x1.9p+6F, 0x1.953334p+6F,") != std::string::npos);
  CHECK(text.find("\"large \\342\\202\\254 \\042quoted\\042 \\134 \\011\"") != std::string::npos);
  for (const char* header : {"nlohmann", "safetensors", "profile_io"}) CHECK(text.find(header) == std::string::npos);
  // Networks stay on the server: the server's profile has the same source with the networks or without them.
  auto device = p;
  device.networks.clear();
  device.probe.reset();
  CHECK(aecnn::io::profile_source(device, "camera_profile") == text);

  for (const char* name : {"", "1st", "a-b", "a b", "_a", "a__b", "a::b", "\xc3\xa9"}) {
    INFO(name);
    CHECK(aecnn::io::try_profile_source(p, name).error().code == errc::invalid_argument);
  }
  device.operating_points[0].quantizer.levels = 0;
  CHECK(aecnn::io::try_profile_source(device, "f").error().code == errc::bad_field);
}
