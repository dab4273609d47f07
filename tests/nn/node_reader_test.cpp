#include <aecnn/nn/node_reader.hpp>

#include <cstdint>
#include <limits>

#include <catch_compat.hpp>

namespace nn = aecnn::nn;
using aecnn::errc;

namespace {

const nn::tensor_type matrix{nn::element_type::float32, {2, 3}}, vector{nn::element_type::int64, {2}},
    scalar{nn::element_type::float32, {}};
const float floats[] = {1, 2, 3, 4, 5, 6};
const std::int64_t integers[] = {7, 8};

/// A computed matrix, constant integers, a constant scalar, and one that is left out.
const nn::input_info inputs[] = {{&matrix, {}}, {&vector, {nullptr, integers}}, {&scalar, {floats, nullptr}}, {}};

nn::node conv() {
  return {"Conv",
          "a",
          {"x", "i", "s", ""},
          {"y"},
          {{"group", std::int64_t{4}},
           {"alpha", 0.5F},
           {"mode", std::string("DCR")},
           {"pads", std::vector<std::int64_t>{1, 2}},
           {"scales", std::vector<float>{1, 2}}}};
}

/// What `read` fails with on a node; the message must follow the node's name.
template <class Read>
errc code_of(Read read, const std::string& part, const aecnn::limits& bounds = {}) {
  const nn::node n = conv();
  nn::node_reader r(n, 0, inputs, bounds);
  read(r);
  if (!r.failed()) return errc{};
  INFO(r.error().message);
  CHECK(r.error().message.find("node 'a' (Conv): ") == 0);
  CHECK(r.error().message.find(part) != std::string::npos);
  return r.error().code;
}
using reader = nn::node_reader&;

} // namespace

TEST_CASE("node_reader: reads what is there and the default otherwise", "[nn]") {
  const nn::node n = conv();
  const aecnn::limits bounds;
  nn::node_reader r(n, 0, inputs, bounds);
  CHECK(r.name() == "node 'a' (Conv)");
  CHECK(r.integer("group", 1, 1, 8) == 4);
  CHECK(r.integer("axis", 1, 1, 8) == 1);
  CHECK(r.number("alpha", 0) == 0.5F);
  CHECK(r.number("beta", 3) == 3);
  CHECK(r.integers("pads", 2, 0, 0, 9) == std::vector<std::int64_t>{1, 2});
  CHECK(r.integers("strides", 2, 1, 1, 8) == std::vector<std::int64_t>{1, 1});
  CHECK(r.integer_list("pads", 4, 0, 9) == std::vector<std::int64_t>{1, 2});
  CHECK(r.integer_list("axes", 4, 0, 9).empty());
  CHECK(r.numbers("scales") == std::vector<float>{1, 2});
  CHECK(r.numbers("none").empty());
  CHECK(r.text("mode", "CRD") == "DCR");
  CHECK(r.text("auto_pad", "NOTSET") == "NOTSET");
  CHECK(r.any_attribute("alpha") != nullptr);
  CHECK(r.any_attribute("beta") == nullptr);
  CHECK(r.axis("axis", -1, 4) == 3);
  CHECK(r.axis("axis", 0, 4) == 0);
  CHECK_FALSE(r.failed());
}

TEST_CASE("node_reader: inputs, their types and constants", "[nn]") {
  const nn::node n = conv();
  const aecnn::limits bounds;
  nn::node_reader r(n, 0, inputs, bounds);
  r.expect_inputs(3, 4);
  r.expect_inputs(1, nn::node_reader::any_number);
  CHECK(r.input_count() == 4);
  CHECK(r.output_count() == 1);
  CHECK(r.has_input(0));
  CHECK_FALSE(r.has_input(3));
  CHECK_FALSE(r.has_input(4));
  CHECK(r.shape(0) == std::vector<std::int64_t>{2, 3});
  CHECK(r.rank(0) == 2);
  CHECK(r.rank(2) == 0);
  CHECK(r.shape(3).empty());
  CHECK(r.type(1) == nn::element_type::int64);
  r.expect_float(0);
  r.expect_float(3); // left out
  r.expect_rank(0, 1, 2);
  CHECK_FALSE(r.is_constant(0));
  CHECK(r.is_constant(1));
  CHECK_FALSE(r.is_constant(3));
  CHECK(r.constant(0).floats == nullptr);
  CHECK(r.constant_integers(1, "axes")[1] == 8);
  CHECK(r.constant_integers(1, "axes").size() == 2);
  CHECK(r.constant_floats(2, "value").size() == 1);
  CHECK(r.constant_floats(2, "value")[0] == 1);
  CHECK_FALSE(r.failed());
}

TEST_CASE("node_reader: errors of inputs", "[nn]") {
  CHECK(code_of([](reader r) { r.expect_inputs(5, 6); }, "has 4 inputs, expected 5 to 6") == errc::missing_field);
  CHECK(code_of([](reader r) { r.expect_inputs(5, nn::node_reader::any_number); }, "expected 5 or more") ==
        errc::missing_field);
  CHECK(code_of([](reader r) { r.expect_inputs(1, 3); }, "has 4 inputs, expected 1 to 3") == errc::bad_field);
  CHECK(code_of([](reader r) { r.expect_inputs(2, 2); }, "expected 2") == errc::bad_field);
  CHECK(code_of([](reader r) { r.expect_inputs(4, 4); }, "input 3 is missing") == errc::missing_field);
  CHECK(code_of([](reader r) { r.expect_float(1); }, "input 1 holds integers") == errc::unsupported);
  CHECK(code_of([](reader r) { r.expect_rank(0, 3, 4); }, "input 0 has shape [2,3], expected a rank of 3 to 4") ==
        errc::bad_shape);
  CHECK(code_of([](reader r) { CHECK(r.constant_integers(0, "axes").empty()); }, "input 0 (axes, 'x') is computed") ==
        errc::unsupported);
  CHECK(code_of([](reader r) { CHECK(r.constant_floats(0, "w").empty()); }, "expected a constant") ==
        errc::unsupported);
  CHECK(code_of([](reader r) { CHECK(r.constant_integers(2, "axes").empty()); }, "input 2 (axes) holds floats") ==
        errc::bad_field);
  CHECK(code_of([](reader r) { CHECK(r.constant_floats(1, "w").empty()); }, "input 1 (w) holds integers") ==
        errc::bad_field);
  CHECK(code_of([](reader r) { CHECK(r.constant_floats(3, "w").empty()); }, "input 3 (w) is missing") ==
        errc::missing_field);
}

TEST_CASE("node_reader: errors of attributes", "[nn]") {
  CHECK(code_of([](reader r) { CHECK(r.integer("group", 1, 5, 8) == 1); }, "attribute 'group' is 4, expected 5 to 8") ==
        errc::bad_field);
  CHECK(code_of([](reader r) { CHECK(r.integer("alpha", 7, 0, 8) == 7); }, "attribute 'alpha' has another type") ==
        errc::bad_field);
  CHECK(code_of([](reader r) { CHECK(r.number("group", 7) == 7); }, "expected a float") == errc::bad_field);
  CHECK(code_of([](reader r) { CHECK(r.text("group", "b") == "b"); }, "expected a string") == errc::bad_field);
  CHECK(code_of([](reader r) { CHECK(r.integers("pads", 4, 0, 0, 9).size() == 4); },
                "'pads' has 2 elements, expected 4") == errc::bad_field);
  CHECK(code_of([](reader r) { CHECK(r.integers("pads", 2, 0, 0, 1)[1] == 0); }, "'pads' is 2, expected 0 to 1") ==
        errc::bad_field);
  CHECK(code_of([](reader r) { CHECK(r.integer_list("pads", 1, 0, 9).empty()); }, "expected at most 1") ==
        errc::bad_field);
  CHECK(code_of([](reader r) { CHECK(r.integer_list("pads", 2, 0, 1).empty()); }, "'pads' is 2") == errc::bad_field);
  CHECK(code_of([](reader r) { r.expect_attributes({"group", "alpha", "mode", "pads"}); }, "'scales'") != errc{});
  CHECK(code_of([](reader r) { r.expect_attributes({"group", "alpha", "mode", "pads", "scales"}); }, "") == errc{});
  for (const std::int64_t axis : {std::int64_t{4}, std::int64_t{-5}, std::numeric_limits<std::int64_t>::min()})
    CHECK(code_of([&](reader r) { CHECK(r.axis("attribute 'axis'", axis, 4) == 0); }, "expected -4 to 3") ==
          errc::bad_field);
  for (const float v : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    const nn::node n{"Elu", "", {}, {}, {{"alpha", v}}};
    const aecnn::limits bounds;
    nn::node_reader r(n, 0, {}, bounds);
    CHECK(r.number("alpha", 1) == 1);
    CHECK(r.error().message == "node #0 (Elu): attribute 'alpha' is not finite");
  }
}

TEST_CASE("node_reader: output shapes within the limits, without overflow", "[nn]") {
  aecnn::limits bounds;
  bounds.max_elements = 100;
  const auto admitted = [&](const std::vector<std::int64_t>& shape) {
    return code_of(
        [&](reader r) {
          const bool fits = r.admit(shape);
          CHECK(fits == !r.failed());
        },
        "output of shape", bounds);
  };
  CHECK(admitted({}) == errc{});
  CHECK(admitted({4, 25}) == errc{});
  CHECK(admitted({4, 0, 1000}) == errc{});
  CHECK(admitted({4, 26}) == errc::limit_exceeded);
  CHECK(admitted({std::int64_t{1} << 33, std::int64_t{1} << 33}) == errc::limit_exceeded);
  CHECK(admitted({2, -1}) == errc::bad_shape);
}

TEST_CASE("node_reader: the first failure stays, with the node's name", "[nn]") {
  const nn::node n{"Conv", "", {}, {}, {{"group", std::int64_t{9}}, {"mode", std::int64_t{1}}}};
  const aecnn::limits bounds;
  nn::node_reader r(n, 7, {}, bounds);
  CHECK(r.integer("group", 1, 1, 8) == 1);
  CHECK(r.text("mode", "DCR") == "DCR");
  REQUIRE(r.failed());
  CHECK(r.error().code == errc::bad_field);
  CHECK(r.error().message == "node #7 (Conv): attribute 'group' is 9, expected 1 to 8");
  CHECK(nn::label({"Add", std::string(1000, 'n'), {}, {}}, 0).size() < 300);
  CHECK(nn::to_string(std::vector<std::int64_t>{1, -1}) == "[1,-1]");
  CHECK(nn::to_string({}) == "[]");
}
