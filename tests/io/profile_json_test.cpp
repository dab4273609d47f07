#include <aecnn/io/profile_json.hpp>

#include <string>
#include <vector>

#include <catch_compat.hpp>
#include <example_profiles.hpp>
#include <profile_files.hpp>

using aecnn::errc;
using aecnn::profile;
using aecnn::io::safetensors;
using namespace profile_files;

TEST_CASE("the document is read strictly", "[profile_json]") {
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
  expect(
      example_profiles::small_profile(),
      {
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
          {R"("operating_points":[{)", R"("operating_points":[[],{)", errc::bad_field,
           "operating_points[0]: found an array"},
          {R"("name":"point",)", "", errc::missing_field, "operating_points[0].name: is missing"},
          {R"("name":"point")", R"("name":true)", errc::bad_field, "operating_points[0].name: found true or false"},
          {R"("selector":{"kind":"fixed"},)", "", errc::missing_field, "operating_points[0].selector: is missing"},
          {R"({"kind":"fixed"})", "{}", errc::missing_field, "operating_points[0].selector.kind: is missing"},
          {R"("fixed")", R"("random")", errc::bad_field,
           "selector.kind: 'random', expected one of fixed, top_k, threshold"},
          {R"("kind":"fixed")", R"("kind":"fixed","k":1)", errc::bad_field, "selector: unknown key 'k'"},
          {R"("kind":"fixed")", R"("kind":"top_k","k":0)", errc::bad_field, "selector.k: 0, expected 1 to 6"},
          {R"("kind":"fixed")", R"("kind":"top_k","k":1)", errc::missing_field, "selector.attention: is missing"},
          {R"("quantizer":{)", R"("projection":{"stride":1},"quantizer":{)", errc::missing_field,
           "op0.projection.shift"},
          {R"("quantizer":{)", R"("projection":{"stride":17},"quantizer":{)", errc::bad_field, "projection.stride: 17"},
          {R"("quantizer":{)", R"("projection":{},"quantizer":{)", errc::missing_field,
           "projection.stride: is missing"},
          {R"("quantizer":{)", R"("projection":null,"quantizer":{)", errc::bad_field, "projection: found null"},
          {R"("levels":5)", R"("levels":1)", errc::bad_field,
           "operating_points[0].quantizer.levels: 1, expected 2 to 65536"},
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
          {R"("attributes":[])", R"("attributes":[{"name":"a"}])", errc::bad_field,
           "attributes[0]: expected exactly one of"},
          {R"("attributes":[])", R"("attributes":[{"name":"a","i":1,"s":""}])", errc::bad_field, "exactly one of"},
          {R"("attributes":[])", R"("attributes":[{"i":1}])", errc::missing_field, "attributes[0].name: is missing"},
          {R"("attributes":[])", R"("attributes":[{"name":"","i":1}])", errc::bad_field, "attributes[0].name: empty"},
          {R"("attributes":[])", R"("attributes":[{"name":"a","i":1},{"name":"a","i":1}])", errc::duplicate_name,
           "'a' occurs twice"},
          {R"("attributes":[])", R"("attributes":[{"name":"a","i":9223372036854775808}])", errc::bad_field,
           "attributes[0].i"},
          {R"("attributes":[])", R"("attributes":[{"name":"a","f":0.1}])", errc::bad_field,
           "attributes[0].f: found a fraction"},
          {R"("attributes":[])", R"("attributes":[{"name":"a","f":"3DCCCCCD"}])", errc::bad_field, "8 lower-case"},
          {R"("attributes":[])", R"("attributes":[{"name":"a","floats":["0"]}])", errc::bad_field,
           "attributes[0].floats[0]"},
          {R"("attributes":[])", R"("attributes":[{"name":"a","t":1}])", errc::bad_field, "unknown key 't'"},
          {R"("weights":["w","b"])", R"("weights":["w"])", errc::bad_field, "\"network0.b\" belongs to no field"},
          {R"("weights":["w","b"])", R"("weights":["w","b","c"])", errc::missing_field, "\"network0.c\""},
          {R"("weights":["w","b"])", R"("weights":["w","b","b"])", errc::duplicate_name, "\"network0.b\""},
          {R"("weights":["w","b"])", R"("weights":["b","w"])", errc::corrupt, "hash"},
          {R"("weights":["w","b"]})", R"("weights":["w","b"]}],"probe":[)", errc::bad_field, "probe: found an array"},
          {R"("weights":["w","b"]}])", R"("weights":["w","b"]}],"probe":{"height":4,"width":5})", errc::missing_field,
           "probe.scale"},
      });
  const auto chooser = example_profiles::one_point(
      example_profiles::choosing_point(aecnn::selection_kind::top_k, aecnn::attention_kind::cbam, true));
  expect(chooser,
         {
             {R"("k":2)", R"("k":7)", errc::bad_field, "selector.k: 7, expected 1 to 6"},
             {R"("k":2)", R"("k":5)", errc::bad_field, "selector k: 5"},
             {R"("k":2,)", "", errc::missing_field, "selector.k: is missing"},
             {R"("k":2)", R"("k":1)", errc::corrupt, "hash"},
             {R"("kind":"top_k","k":2)", R"("kind":"threshold")", errc::missing_field, "op0.selector.threshold"},
             {R"("kind":"top_k","k":2)", R"("kind":"threshold","k":2)", errc::bad_field, "unknown key 'k'"},
             {R"("cbam")", R"("senet")", errc::bad_field, "selector.attention.kind: 'senet'"},
             {R"("cbam")", R"("eca")", errc::missing_field, "op0.selector.attention.kernel"},
             {R"("cbam")", R"("se")", errc::corrupt, "hash"},
             {R"("input_exponent":14)", R"("input_exponent":25)", errc::bad_field,
              "attention.input_exponent: 25, expected 8 to 24"},
         });
  expect(example_profiles::large_profile(),
         {
             {R"("probe":{"height":4)", R"("probe":{"height":5)", errc::bad_field, "probe.input"},
             {R"("probe":{"height":4,)", R"("probe":{)", errc::missing_field, "probe.height"},
             {R"(,"probe":{"height":4,"width":5})", "", errc::bad_field, "aecnn.probe_hash"},
             {R"("decoder":"decoder.1")", R"("decoder":"decoder0")", errc::bad_field,
              "networks[1]: no operating point uses 'decoder.1'"},
             {R"({"name":"decoder.1")", R"({"name":"decoder0")", errc::duplicate_name, "decoder0"},
         });
}

TEST_CASE("attributes of every type are written with exact bits", "[profile_json]") {
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
