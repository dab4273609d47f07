#include <aecnn/io/network_json.hpp>

#include <bit>
#include <cstdint>
#include <optional>
#include <string>

#include <catch_compat.hpp>
#include <example_profiles.hpp>

using aecnn::errc;

namespace {

std::string text_of(const aecnn::nn::graph& g) {
  aecnn::io::json_writer out;
  aecnn::io::write_network(out, g);
  return out.result();
}

aecnn::nn::graph read(const std::string& text, const aecnn::limits& l = {}) {
  const auto d = aecnn::io::json_document::parse(text, l, "text");
  REQUIRE(d);
  std::optional<aecnn::failure> why;
  auto g = aecnn::io::read_network(aecnn::io::json_field(*d, why), l);
  INFO((why ? why->message : ""));
  REQUIRE_FALSE(why);
  return g;
}

} // namespace

TEST_CASE("a network's document keeps everything but the elements of its weights", "[network_json]") {
  auto g = example_profiles::large_network("name");
  const auto loaded = read(text_of(g));
  CHECK(text_of(loaded) == text_of(g));
  for (auto& w : g.weights) {
    w.shape.clear();
    w.values.clear();
  }
  CHECK(loaded == g);
}

TEST_CASE("float attributes keep their bits", "[network_json]") {
  aecnn::nn::graph g = example_profiles::small_network(2, "n");
  g.nodes[0].attributes = {{"a", aecnn::nn::attribute(std::vector<float>{})}};
  for (const std::uint32_t bits : {0U, 0x80000000U, 1U, 0x7f800000U, 0x7fc01234U, 0x3f800001U})
    g.nodes[0].attributes[0].second.numbers.push_back(std::bit_cast<float>(bits));
  const auto loaded = read(text_of(g));
  REQUIRE(loaded.nodes[0].attributes[0].second.numbers.size() == 6);
  for (std::size_t i = 0; i < 6; ++i)
    CHECK(std::bit_cast<std::uint32_t>(loaded.nodes[0].attributes[0].second.numbers[i]) ==
          std::bit_cast<std::uint32_t>(g.nodes[0].attributes[0].second.numbers[i]));
}

TEST_CASE("hexadecimal digits", "[network_json]") {
  using aecnn::io::detail::from_hex, aecnn::io::detail::to_hex;
  CHECK(to_hex(std::uint64_t{0x0123456789abcdefU}) == "0123456789abcdef");
  CHECK(to_hex(std::uint32_t{0xf}) == "0000000f");
  std::uint32_t v = 0;
  CHECK(from_hex("89abcdef", v));
  CHECK(v == 0x89abcdefU);
  for (const char* wrong : {"", "89abcde", "89abcdeff", "89ABCDEF", "0x234567", " 9abcdef", "+9abcdef", "89abcdeg"})
    CHECK_FALSE(from_hex(wrong, v));
}

TEST_CASE("the form of a network is checked", "[network_json]") {
  aecnn::limits l;
  const auto failure_of = [&](const aecnn::nn::graph& g) {
    const auto s = aecnn::io::check_network(g, "net", l);
    return s ? aecnn::failure{} : s.error();
  };
  const auto good = example_profiles::large_network("name");
  CHECK(failure_of(good).message.empty());
  auto g = good;
  g.weights[0].shape = {std::int64_t{1} << 62, 4};
  CHECK(failure_of(g).code == errc::bad_shape);
  g = good;
  g.weights[1] = {"high", {0}, {}};
  CHECK(failure_of(g).code == errc::bad_shape);
  g = good;
  g.nodes[0].outputs = {"latents"};
  CHECK(failure_of(g).code == errc::duplicate_name);
  g = good;
  g.nodes[1].attributes.push_back(g.nodes[1].attributes[0]);
  CHECK(failure_of(g).message == "net.nodes[1].attributes: 'alpha' occurs twice");
  g = good;
  g.nodes[1].outputs.push_back("");
  CHECK(failure_of(g).code == errc::bad_field);
  g = good;
  for (int i = 0; i < 65; ++i) g.nodes[2].attributes.emplace_back("a" + std::to_string(i), std::int64_t{i});
  CHECK(failure_of(g).code == errc::limit_exceeded);
  CHECK(failure_of(g).message.find("net.nodes[2].attributes: ") == 0);
  l.max_nodes = 4;
  l.max_tensors = 2;
  l.max_elements = 12;
  CHECK(failure_of(good).message.empty());
  l.max_nodes = 3;
  CHECK(failure_of(good).code == errc::limit_exceeded);
  l.max_nodes = 4;
  l.max_tensors = 1;
  CHECK(failure_of(good).code == errc::limit_exceeded);
  l.max_tensors = 2;
  l.max_elements = 11;
  CHECK(failure_of(good).code == errc::limit_exceeded);
}
