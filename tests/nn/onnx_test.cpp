#include <aecnn/nn/onnx.hpp>

#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <protozero/pbf_writer.hpp>

#include <catch_compat.hpp>
#include <onnx_files.hpp>

namespace nn = aecnn::nn;
using aecnn::errc;
using namespace onnx_files;
using protozero::pbf_writer;

namespace {

std::span<const std::byte> bytes_of(const std::string& s) { return std::as_bytes(std::span(s)); }
aecnn::result<nn::graph> parse(const std::string& s, const nn::onnx_options& o = {}) {
  return nn::try_parse_onnx(bytes_of(s), o);
}
nn::graph read(const parts& p) {
  const auto g = parse(model(p));
  INFO((g ? "" : g.error().message));
  REQUIRE(g);
  return *g;
}
/// The code of the failure; the message holds all of the needles.
errc code_of(const std::string& s, std::vector<std::string> needles = {}, const nn::onnx_options& o = {}) {
  const auto g = parse(s, o);
  if (g) return errc{};
  for (const auto& n : needles) {
    INFO(g.error().message << " should mention " << n);
    CHECK(g.error().message.find(n) != std::string::npos);
  }
  return g.error().code;
}
nn::weight only_weight(const std::string& initializer) {
  const auto g = read({.nodes = {}, .initializers = {initializer}});
  REQUIRE(g.weights.size() == 1);
  return g.weights[0];
}
errc tensor_code(const std::string& initializer, std::vector<std::string> needles = {}) {
  return code_of(model({.nodes = {}, .initializers = {initializer}}), std::move(needles));
}
using ints = std::vector<std::int64_t>;
using floats = std::vector<float>;

} // namespace

TEST_CASE("ONNX: nodes, attributes, weights, inputs and outputs", "[onnx]") {
  const auto g = read(convolution());
  CHECK(g.name == "net");
  CHECK(g.inputs == std::vector<std::string>{"x"}); // w is an initializer
  CHECK(g.input_shapes == std::vector<ints>{{-1, 3, 8, -1}});
  CHECK(g.outputs == std::vector<std::string>{"y"});
  REQUIRE(g.nodes.size() == 2);
  CHECK(g.nodes[0].op_type == "Conv");
  CHECK(g.nodes[0].name == "first");
  CHECK(g.nodes[0].inputs == std::vector<std::string>{"x", "w", ""});
  CHECK(g.nodes[1].outputs == std::vector<std::string>{"y"});
  REQUIRE(g.nodes[0].attributes.size() == 3);
  CHECK(g.nodes[0].attributes[0] == std::pair<std::string, nn::attribute>("pads", ints{0, 1, -1, 2}));
  CHECK(g.nodes[0].attributes[1].second == nn::attribute(std::string("NOTSET")));
  CHECK(g.nodes[0].attributes[2].second == nn::attribute(std::int64_t{1}));
  REQUIRE(g.weights.size() == 1);
  CHECK(g.weights[0] == nn::weight{"w", {2, 3, 1, 1}, {0, 1, 0, 0, 0, 0}});
}

TEST_CASE("ONNX: raw elements of every type", "[onnx]") {
  CHECK(only_weight(raw_tensor("w", 1, {2}, raw<std::uint32_t>({0x3fc00000, 0xff800000}))).values ==
        floats{1.5F, -std::numeric_limits<float>::infinity()});
  CHECK(only_weight(raw_tensor("w", 10, {3}, raw<std::uint16_t>({0x3c00, 0xc100, 1}))).values ==
        floats{1, -2.5F, 0x1p-24F});
  CHECK(only_weight(raw_tensor("w", 16, {2}, raw<std::uint16_t>({0x3f80, 0xc020}))).values == floats{1, -2.5F});
  CHECK(only_weight(raw_tensor("w", 11, {1}, raw<std::uint64_t>({std::bit_cast<std::uint64_t>(0.1)}))).values ==
        floats{0.1F});
  const auto integers = [](int type, const std::string& data, ints expected) {
    const auto w = only_weight(raw_tensor("w", type, {2}, data));
    CHECK(w.type == nn::element_type::int64);
    CHECK(w.values.empty());
    CHECK(w.integers == expected);
  };
  integers(2, {'\x80', '\1'}, {128, 1});
  integers(3, {'\x80', '\1'}, {-128, 1});
  integers(9, {'\0', '\1'}, {0, 1});
  integers(4, raw<std::uint16_t>({0x8000, 2}), {32768, 2});
  integers(5, raw<std::uint16_t>({0x8000, 2}), {-32768, 2});
  integers(6, raw<std::uint32_t>({0x80000000, 3}), {-2147483648LL, 3});
  integers(12, raw<std::uint32_t>({0x80000000, 3}), {2147483648LL, 3});
  integers(7, raw<std::uint64_t>({0xffffffffffffffffU, 4}), {-1, 4});
  integers(13, raw<std::uint64_t>({0x7fffffffffffffffU, 4}), {0x7fffffffffffffffLL, 4});
  CHECK(tensor_code(raw_tensor("big", 13, {1}, raw<std::uint64_t>({0x8000000000000000U})), {"'big'", "out of range"}) ==
        errc::bad_field);
  CHECK(tensor_code(raw_tensor("w", 9, {1}, "\2")) == errc::bad_field);
  CHECK(only_weight(raw_tensor("w", 1, {}, raw<std::uint32_t>({0x40000000}))) == nn::weight{"w", {}, {2}}); // a scalar
}

TEST_CASE("ONNX: typed elements, packed and one by one", "[onnx]") {
  const floats f{1.5F, -2};
  CHECK(only_weight(tensor("w", 1, {2}, [&](pbf_writer& w) { w.add_packed_float(4, f.begin(), f.end()); })).values ==
        f);
  CHECK(only_weight(tensor("w", 1, {2}, [&](pbf_writer& w) {
          for (const float v : f) w.add_float(4, v);
        })).values == f);
  const std::vector<double> d{0.1, 1e300};
  CHECK(only_weight(tensor("w", 11, {2}, [&](pbf_writer& w) { w.add_packed_double(10, d.begin(), d.end()); })).values ==
        floats{0.1F, std::numeric_limits<float>::infinity()});
  CHECK(only_weight(tensor("w", 11, {1}, [&](pbf_writer& w) { w.add_double(10, 0.5); })).values == floats{0.5F});
  const auto typed = [](int type, std::uint32_t field, ints values) {
    const auto packed = only_weight(tensor("w", type, {static_cast<std::int64_t>(values.size())}, [&](pbf_writer& w) {
      w.add_packed_int64(field, values.begin(), values.end());
    }));
    const auto single = only_weight(tensor("w", type, {static_cast<std::int64_t>(values.size())}, [&](pbf_writer& w) {
      for (const std::int64_t v : values) w.add_int64(field, v);
    }));
    CHECK(packed == single);
    CHECK(packed.integers == values);
  };
  typed(2, 5, {0, 255});
  typed(3, 5, {-128, 127});
  typed(4, 5, {0, 65535});
  typed(5, 5, {-32768, 32767});
  typed(6, 5, {-2147483648LL, 2147483647});
  typed(9, 5, {0, 1});
  typed(7, 7, {-1, std::int64_t{1} << 62});
  typed(12, 11, {0, 4294967295});
  typed(13, 11, {5, std::int64_t{1} << 62});
  const auto half = [](int type, ints bits) {
    return only_weight(tensor("w", type, {2}, [&](pbf_writer& w) { w.add_packed_int64(5, bits.begin(), bits.end()); }));
  };
  CHECK(half(10, {0x3c00, 0xc100}) == nn::weight{"w", {2}, {1, -2.5F}});
  CHECK(half(16, {0x3f80, 0xc020}) == nn::weight{"w", {2}, {1, -2.5F}});

  const auto one = [](int type, std::uint32_t field, std::int64_t v) {
    return tensor("w", type, {1}, [=](pbf_writer& w) { w.add_int64(field, v); });
  };
  for (const auto& [type, v] : std::vector<std::pair<int, std::int64_t>>{
           {2, 256}, {2, -1}, {3, 128}, {4, 65536}, {5, -32769}, {6, 2147483648LL}, {9, 2}, {10, 65536}, {16, -1}})
    CHECK(tensor_code(one(type, 5, v), {"out of range"}) == errc::bad_field);
  CHECK(tensor_code(one(7, 5, 1)) == errc::bad_field); // the field of another type
  CHECK(tensor_code(one(1, 5, 1)) == errc::bad_field);
  CHECK(tensor_code(one(6, 7, 1)) == errc::bad_field);
  CHECK(tensor_code(tensor("w", 6, {1}, [](pbf_writer& w) { w.add_float(4, 1); })) == errc::bad_field);
  CHECK(tensor_code(tensor("w", 1, {1},
                           [](pbf_writer& w) {
                             w.add_float(4, 1);
                             w.add_bytes(9, raw<std::uint32_t>({1}));
                           }),
                    {"twice"}) == errc::bad_field);
}

TEST_CASE("ONNX: shapes are checked before elements are allocated", "[onnx]") {
  const auto four = raw<std::uint32_t>({1, 2, 3, 4});
  CHECK(only_weight(raw_tensor("w", 1, {2, 0, 3}, "")).shape == ints{2, 0, 3});
  CHECK(tensor_code(raw_tensor("w", 1, {2, 2}, four)) == errc{});
  CHECK(tensor_code(raw_tensor("wide", 1, {5}, four), {"initializer 'wide'", "16 bytes", "20"}) == errc::bad_shape);
  CHECK(tensor_code(raw_tensor("w", 1, {3}, four)) == errc::bad_shape);
  CHECK(tensor_code(raw_tensor("w", 1, {-4}, four)) == errc::bad_shape);
  CHECK(tensor_code(raw_tensor("w", 1, {1LL << 62, 4}, four)) == errc::limit_exceeded);
  CHECK(tensor_code(raw_tensor("w", 1, {0, 1LL << 62, 4}, "")) == errc::limit_exceeded);
  CHECK(tensor_code(raw_tensor("w", 1, {(1LL << 26) + 1}, four)) == errc::limit_exceeded);
  CHECK(tensor_code(raw_tensor("w", 1, {1LL << 26}, four)) == errc::bad_shape);
  CHECK(tensor_code(raw_tensor("w", 1, ints(33, 1), four)) == errc::unsupported);
  CHECK(tensor_code(tensor("w", 6, {3}, [](pbf_writer& w) { w.add_int32(5, 1); })) == errc::bad_shape);
  nn::onnx_options small;
  small.bounds.max_elements = 3;
  const auto m = model({.nodes = {}, .initializers = {raw_tensor("w", 1, {4}, four)}});
  CHECK(code_of(m, {"max_elements"}, small) == errc::limit_exceeded);
  const auto typed = tensor("w", 6, {4}, [](pbf_writer& w) {
    for (int i = 0; i < 4; ++i) w.add_int32(5, i);
  });
  CHECK(code_of(model({.nodes = {}, .initializers = {typed}}), {"max_elements"}, small) == errc::limit_exceeded);
}

TEST_CASE("ONNX: tensors that are refused", "[onnx]") {
  CHECK(tensor_code(tensor("far", 1, {1}, [](pbf_writer& w) { w.add_message(13, std::string()); }),
                    {"'far'", "external data"}) == errc::unsupported);
  CHECK(tensor_code(tensor("far", 1, {1}, [](pbf_writer& w) { w.add_int32(14, 1); }), {"'far'"}) == errc::unsupported);
  CHECK(tensor_code(tensor("w", 1, {1}, [](pbf_writer& w) {
          w.add_int32(14, 0);
          w.add_float(4, 1);
        })) == errc{});
  CHECK(tensor_code(tensor("part", 1, {1}, [](pbf_writer& w) { w.add_message(3, std::string()); })) ==
        errc::unsupported);
  CHECK(tensor_code(tensor("both", 7, {1}, [](pbf_writer& w) {
          w.add_int32(5, 1);
          w.add_int64(7, 1);
        }), {"'both' holds its elements twice"}) == errc::bad_field);
  for (const int type : {8, 14, 15, 17, 22, -1})
    CHECK(tensor_code(raw_tensor("odd", type, {0}, ""), {"'odd'"}) == errc::unsupported);
  CHECK(tensor_code(raw_tensor("odd", 0, {0}, ""), {"'odd'"}) == errc::missing_field);
}

TEST_CASE("ONNX: Constant nodes become weights", "[onnx]") {
  const auto constant = [](const std::string& a) { return read({.nodes = {node("Constant", {}, {"c"}, {a})}}); };
  const auto with_tensor = [](const std::string& name, const std::string& t) {
    return attribute(name, 4, [&](pbf_writer& w) { w.add_message(5, t); });
  };
  const auto g = constant(with_tensor("value", raw_tensor("", 7, {2}, raw<std::uint64_t>({7, 8}))));
  CHECK(g.nodes.empty());
  REQUIRE(g.weights.size() == 1);
  CHECK(g.weights[0] == nn::weight{"c", {2}, {}, {7, 8}, nn::element_type::int64});
  CHECK(constant(integer("value_int", -3)).weights[0] == nn::weight{"c", {}, {}, {-3}, nn::element_type::int64});
  CHECK(constant(attribute("value_float", 1, [](pbf_writer& w) { w.add_float(2, 0.5F); })).weights[0] ==
        nn::weight{"c", {}, {0.5F}});
  const floats f{1, 2, 3};
  CHECK(constant(attribute("value_floats", 6, [&](pbf_writer& w) {
          w.add_packed_float(7, f.begin(), f.end());
        })).weights[0] == nn::weight{"c", {3}, f});
  CHECK(constant(attribute("value_ints", 7, [](pbf_writer& w) { w.add_int64(8, 5); })).weights[0] ==
        nn::weight{"c", {1}, {}, {5}, nn::element_type::int64});

  // ConstantOfShape's tensor is a number; any other tensor has no place in a graph.
  const auto fill = [&](const std::string& t) {
    return model({.nodes = {node("ConstantOfShape", {"s"}, {"y"}, {with_tensor("value", t)}, "fill")}});
  };
  auto read_fill = parse(fill(raw_tensor("", 1, {1}, raw<std::uint32_t>({0x3f000000}))));
  REQUIRE(read_fill);
  CHECK(read_fill->nodes[0].attributes[0].second == nn::attribute(0.5F));
  read_fill = parse(fill(raw_tensor("", 7, {1}, raw<std::uint64_t>({9}))));
  REQUIRE(read_fill);
  CHECK(read_fill->nodes[0].attributes[0].second == nn::attribute(std::int64_t{9}));
  CHECK(code_of(fill(raw_tensor("", 7, {2}, raw<std::uint64_t>({9, 9}))), {"'fill'"}) == errc::bad_shape);
  CHECK(code_of(model({.nodes = {node("Other", {}, {"y"}, {with_tensor("value", raw_tensor("", 1, {0}, ""))}, "it")}}),
                {"node 'it' (Other)", "'value'"}) == errc::unsupported);
  CHECK(code_of(model({.nodes = {node("Constant", {}, {"y"}, {})}}), {"node #0 (Constant)"}) == errc::bad_field);
  const auto text = attribute("value_string", 3, [](pbf_writer& w) { w.add_string(4, "s"); });
  CHECK(code_of(model({.nodes = {node("Constant", {}, {"y"}, {text}, "it")}}), {"node 'it' (Constant)", "a string"}) ==
        errc::unsupported);
  CHECK(code_of(model({.nodes = {node("Constant", {}, {""}, {integer("value_int", 1)})}})) == errc::bad_field);
}

TEST_CASE("ONNX: attributes that are refused, and those without a type", "[onnx]") {
  const auto with = [](const std::string& a) { return model({.nodes = {node("Op", {"x"}, {"y"}, {a}, "it")}}); };
  for (const int type : {5, 8, 9, 10, 11, 12, 13, 99})
    CHECK(code_of(with(attribute("a", type, [](pbf_writer&) {})), {"node 'it' (Op)", "'a'"}) == errc::unsupported);
  CHECK(code_of(with(attribute("a", 4, [](pbf_writer&) {}))) == errc::missing_field);
  CHECK(code_of(with(attribute("a", 2, [](pbf_writer& w) { w.add_string(21, "b"); }))) == errc::unsupported);
  const auto untyped = [&](auto fill) {
    return parse(with(attribute("a", 0, fill))).value().nodes[0].attributes[0].second;
  };
  CHECK(untyped([](pbf_writer& w) { w.add_float(2, 2); }) == nn::attribute(2.0F));
  CHECK(untyped([](pbf_writer& w) { w.add_int64(3, 2); }) == nn::attribute(std::int64_t{2}));
  CHECK(untyped([](pbf_writer& w) { w.add_string(4, "s"); }) == nn::attribute(std::string("s")));
  CHECK(untyped([](pbf_writer& w) { w.add_float(7, 2); }) == nn::attribute(floats{2}));
  CHECK(untyped([](pbf_writer& w) { w.add_int64(8, 2); }) == nn::attribute(ints{2}));
  CHECK(code_of(with(attribute("a", 0, [](pbf_writer&) {}))) == errc::unsupported);
  CHECK(parse(with(attribute("a", 7, [](pbf_writer&) {}))).value().nodes[0].attributes[0].second ==
        nn::attribute(ints{}));
  std::vector<std::string> many(65, integer("a", 1));
  CHECK(code_of(model({.nodes = {node("Op", {}, {"y"}, many)}})) == errc::limit_exceeded);
}

TEST_CASE("ONNX: operator sets and domains", "[onnx]") {
  const parts p{
      .nodes = {node("Softmax", {"x"}, {"h"}, {}, {}, "ai.onnx"), node("Mine", {"h"}, {"y"}, {}, {}, "custom")}};
  const auto g = parse(model(p, 13));
  REQUIRE(g);
  CHECK(g->nodes[0].op_type == "Softmax");
  CHECK(g->nodes[0].attributes.empty());
  CHECK(g->nodes[1].op_type == "custom::Mine");
  const auto old = parse(model(p, 11));
  REQUIRE(old);
  REQUIRE(old->nodes[0].attributes.size() == 1);
  CHECK(old->nodes[0].attributes[0] == std::pair<std::string, nn::attribute>("opset", std::int64_t{11}));
  CHECK(old->nodes[1].attributes.empty());
  CHECK(parse(model({.nodes = {node("LogSoftmax", {"x"}, {"y"})}}, 12)).value().nodes[0].attributes.size() == 1);
  CHECK(parse(model(p, 9)));
  CHECK(parse(model(p, 18)));
  CHECK(parse(model(p, 1)));
  CHECK(code_of(model(p, 0), {"0", "9 to 18"}) == errc::unsupported_version);
  const parts elu{.nodes = {node("Elu", {"x"}, {"y"}, {}, "e")}}, upsample{.nodes = {node("Upsample", {"x"}, {"y"})}};
  CHECK(parse(model(elu, 6)));
  CHECK(code_of(model(elu, 5), {"node 'e' (Elu)", "set 5"}) == errc::unsupported_version);
  CHECK(code_of(model(upsample, 8), {"(Upsample)", "9 to 18"}) == errc::unsupported_version);
  CHECK(parse(model(upsample, 9)));
  CHECK(code_of(model(p, 19), {"19", "9 to 18"}) == errc::unsupported_version);

  const auto top = [&](auto fill) {
    return message([&](pbf_writer& w) {
      w.add_int64(1, 8);
      fill(w);
    });
  };
  const auto body = graph_bytes(p);
  CHECK(code_of(top([&](pbf_writer& w) { w.add_message(7, body); }), {"operator set"}) == errc::missing_field);
  CHECK(code_of(top([&](pbf_writer& w) { w.add_message(8, opset(13)); }), {"no graph"}) == errc::missing_field);
  CHECK(code_of(top([&](pbf_writer& w) {
          w.add_message(7, body);
          w.add_message(7, body);
          w.add_message(8, opset(13));
        })) == errc::bad_format);
  const auto versions = [&](std::int64_t second) {
    return top([&](pbf_writer& w) {
      w.add_message(7, body);
      w.add_message(8, opset(13));
      w.add_message(8, opset(second, "ai.onnx"));
    });
  };
  CHECK(code_of(versions(13)) == errc{});
  CHECK(code_of(versions(14)) == errc::bad_format);
  CHECK(code_of(top([&](pbf_writer& w) {
                  w.add_message(7, body);
                  w.add_message(8, opset(13));
                  w.add_message(25, std::string());
                }),
                {"functions"}) == errc::unsupported);
  CHECK(code_of(message([](pbf_writer& w) { w.add_int64(1, 2); })) == errc::unsupported_version);
  CHECK(code_of(message([](pbf_writer& w) { w.add_int64(5, 2); }), {"not an ONNX model"}) == errc::bad_format);
}

TEST_CASE("ONNX: inputs that are not floats become constants of the caller's", "[onnx]") {
  parts p{.nodes = {node("Reshape", {"x", "shape"}, {"y"})}};
  p.inputs = {value("shape", {2}, 7), value("x", {4})};
  CHECK(code_of(model(p), {"'shape'", "int64"}) == errc::unsupported);
  const nn::weight shape{"shape", {2}, {}, {2, 2}, nn::element_type::int64};
  const auto g = parse(model(p), {.bounds = {}, .constants = {shape}});
  REQUIRE(g);
  CHECK(g->inputs == std::vector<std::string>{"x"});
  CHECK(g->input_shapes == std::vector<ints>{{4}});
  CHECK(g->weights == std::vector<nn::weight>{shape});
  CHECK(code_of(model(p), {"'z'"}, {.bounds = {}, .constants = {shape, {"z", {}, {1}}}}) == errc::invalid_argument);
  p.inputs = {message([](pbf_writer& w) {
    w.add_string(1, "list");
    w.add_message(2, message([](pbf_writer& t) { t.add_message(4, std::string()); }));
  })};
  CHECK(code_of(model(p), {"'list'"}) == errc::unsupported);
  for (const int type : {10, 11, 16}) {
    p.inputs = {value("x", {4}, type)};
    CHECK(code_of(model(p)) == errc{});
  }
}

TEST_CASE("ONNX: limits on counts", "[onnx]") {
  nn::onnx_options o;
  o.bounds.max_nodes = 2;
  o.bounds.max_tensors = 1;
  const auto p = convolution();
  CHECK(code_of(model(p), {}, o) == errc::limit_exceeded); // the convolution has three inputs
  o.bounds.max_nodes = 3;
  CHECK(code_of(model(p), {}, o) == errc{});
  o.bounds.max_tensors = 0;
  CHECK(code_of(model(p), {"max_tensors"}, o) == errc::limit_exceeded);
  o.bounds.max_tensors = 1;
  parts many = p;
  many.nodes.resize(4, p.nodes[1]);
  CHECK(code_of(model(many), {"max_nodes"}, o) == errc::limit_exceeded);
  o.bounds.max_file_bytes = 10;
  CHECK(code_of(model(p), {"max_file_bytes"}, o) == errc::limit_exceeded);
}

TEST_CASE("ONNX: an input of too many dimensions is refused", "[onnx]") {
  parts p = convolution();
  p.inputs = {value("x", ints(33, 1))};
  CHECK(code_of(model(p), {"dimensions"}) == errc::unsupported);
}

TEST_CASE("ONNX: a file cut anywhere gives an error", "[onnx]") {
  parts p = convolution();
  p.nodes.push_back(node("Constant", {}, {"k"}, {attribute("value", 4, [](pbf_writer& w) {
                           w.add_message(5, tensor("", 11, {1}, [](pbf_writer& t) { t.add_double(10, 1); }));
                         })}));
  const std::string whole = model(p);
  REQUIRE(parse(whole));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const auto cut =
        std::vector<std::byte>(bytes_of(whole).begin(), bytes_of(whole).begin() + static_cast<std::ptrdiff_t>(n));
    const auto g = nn::try_parse_onnx(cut);
    REQUIRE_FALSE(g);
    REQUIRE((g.error().code == errc::truncated || g.error().code == errc::missing_field));
  }
}

TEST_CASE("ONNX: changed bytes are read without a fault", "[onnx]") {
  const std::string whole = model(convolution());
  std::size_t refused = 0;
  for (std::size_t n = 0; n < whole.size(); ++n)
    for (const int change : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
      std::string other = whole;
      other[n] = static_cast<char>(static_cast<unsigned char>(other[n]) ^ change);
      if (!parse(other)) ++refused;
    }
  CHECK(refused > whole.size());
  CHECK(code_of(std::string(1, '\x0b')) == errc::bad_format);                            // a group
  CHECK(code_of(std::string("\x00\x01", 2)) == errc::bad_format);                        // field 0
  CHECK(code_of(std::string("\x08") + std::string(11, '\xff')) == errc::bad_format);     // an endless integer
  CHECK(code_of(std::string("\x3a\xff\xff\xff\xff\x0f", 6) + "abc") == errc::truncated); // a length above the file
  CHECK(code_of(message([](pbf_writer& w) { w.add_int64(7, 1); }), {"field 7 of ModelProto"}) == errc::bad_format);
}

TEST_CASE("ONNX: files", "[onnx]") {
  const auto missing = nn::try_load_onnx_graph("no such file.onnx");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == errc::io_error);
  CHECK_THROWS_AS(nn::load_onnx_graph("no such file.onnx"), aecnn::error);
  CHECK_THROWS_AS(nn::parse_onnx({}), aecnn::error);
  CHECK(nn::parse_onnx(bytes_of(model(convolution()))).nodes.size() == 2);
  const auto path = std::filesystem::temp_directory_path() / "aecnn_onnx_test.onnx";
  aecnn::io::write_file(path, bytes_of(model(convolution())));
  CHECK(nn::load_onnx_graph(path).nodes.size() == 2);
  CHECK(nn::try_load_onnx(path).has_value());
  aecnn::io::write_file(path, bytes_of(model(convolution()).substr(0, 20)));
  for (const aecnn::failure& f : {nn::try_load_onnx_graph(path).error(), nn::try_load_onnx(path).error()}) {
    CHECK(f.code == errc::truncated);
    CHECK(f.message.find("'" + path.string() + "': ") == 0);
  }
  std::filesystem::remove(path);
}

TEST_CASE("ONNX: a network that runs", "[onnx]") {
  parts p;
  p.inputs = {value("x", {1, 2, 1, 2})};
  p.initializers = {raw_tensor("w", 1, {1, 2, 1, 1}, raw<std::uint32_t>({0x40000000, 0xbf800000}))}; // 2, -1
  p.nodes = {node("Conv", {"x", "w"}, {"y"})};
  auto net = nn::load_onnx(bytes_of(model(p)));
  REQUIRE(net.prepared());
  const std::vector<float> x{1, 2, 3, 4};
  std::vector<float> y(2);
  REQUIRE(net.run_to(std::span(x), std::span(y)));
  CHECK(y == std::vector<float>{-1, 0});
  p.inputs = {value("x", {0, 2, 0, 0})};
  CHECK_FALSE(nn::load_onnx(bytes_of(model(p))).prepared());
  p.nodes[0] = node("Nothing", {"x"}, {"y"});
  CHECK(nn::try_load_onnx(bytes_of(model(p))).error().code == errc::unsupported);
  CHECK(nn::try_load_onnx(bytes_of("")).error().code == errc::truncated);
  CHECK(nn::try_load_onnx(std::filesystem::path("no such file.onnx")).error().code == errc::io_error);
  CHECK_THROWS_AS(nn::load_onnx(std::filesystem::path("no such file.onnx")), aecnn::error);
}
