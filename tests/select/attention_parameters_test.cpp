#include <aecnn/select/attention_parameters.hpp>
#include <aecnn/select/channel_attention.hpp>

#include "attention_example.hpp"
#include <catch_compat.hpp>

#include <bit>
#include <cstdint>

using aecnn::attention_kind;
using aecnn::channel_attention;
using aecnn::errc;

namespace {

errc code_of(const aecnn::attention_parameters& p) {
  const auto r = channel_attention::create(p);
  REQUIRE_FALSE(r.has_value());
  REQUIRE(aecnn::check(p).has_value() == (r.error().message.find("add up") != std::string::npos));
  return r.error().code;
}

} // namespace

TEST_CASE("parameters that are wrong are refused by name", "[select]") {
  const auto good = example::attention(attention_kind::cbam);
  CHECK(aecnn::check(good).has_value());
  auto p = good;
  p.channels = 0;
  CHECK(code_of(p) == errc::bad_field);
  p = good;
  p.channels = 70000;
  CHECK(code_of(p) == errc::limit_exceeded);
  p = good;
  p.hidden = 0;
  CHECK(code_of(p) == errc::bad_field);
  p = good;
  p.w1.pop_back();
  CHECK(code_of(p) == errc::bad_field);
  CHECK(aecnn::check(p).error().message == "attention w1: 35 elements, expected 36");
  p = good;
  p.b2.push_back(0);
  CHECK(code_of(p) == errc::bad_field);
  p = good;
  p.kernel = {1};
  CHECK(code_of(p) == errc::bad_field);
  p = good;
  p.input_exponent = 25;
  CHECK(code_of(p) == errc::bad_field);
  p = good;
  p.kind = static_cast<attention_kind>(3);
  CHECK(code_of(p) == errc::bad_field);
  for (const std::uint32_t bits : {0x7fc00000u, 0x7f800000u, 0xff800000u, 0x49800001u}) {
    p = good;
    p.w2[3] = std::bit_cast<float>(bits);
    CHECK(code_of(p) == errc::bad_field);
  }
  p = good;
  for (auto& v : p.w2) v = 1048576.0f * 512.0f / 3.0f; // too large one by one
  CHECK(code_of(p) == errc::bad_field);
  aecnn::limits bounds;
  bounds.max_elements = 35;
  const auto large = aecnn::check(good, bounds);
  REQUIRE_FALSE(large.has_value());
  CHECK(large.error().code == errc::limit_exceeded);
  CHECK(large.error().message == "attention w1: 3 by 12 elements, limit 35");

  auto eca = example::attention(attention_kind::eca);
  CHECK(aecnn::check(eca).has_value());
  eca.kernel.pop_back();
  CHECK(code_of(eca) == errc::bad_field);
  eca.kernel.assign(25, 0.5f);
  CHECK(code_of(eca) == errc::bad_field);
}
