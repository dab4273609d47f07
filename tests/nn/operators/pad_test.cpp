#include <aecnn/nn/operators/pad.hpp>

#include "evaluate.hpp"

using namespace evaluate;

namespace {
attributes mode(const char* name) { return {{"mode", std::string(name)}}; }
value pads(whole_numbers v) {
  const auto n = static_cast<std::int64_t>(v.size());
  return whole({n}, std::move(v));
}
} // namespace

TEST_CASE("pad: constant", "[nn]") {
  const value x = computed({2, 2}, {1, 2, 3, 4});
  const value y = first("Pad", {x, pads({1, 0, 0, 2})});
  CHECK(y.type.shape == shape{3, 4});
  CHECK(y.floats == numbers{0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 0, 0});
  CHECK(first("Pad", {x, pads({0, 1, 0, 0}), constant({}, {9})}).floats == numbers{9, 1, 2, 9, 3, 4});
  CHECK(first("Pad", {x, pads({0, 1, 0, 0}), computed({}, {9})}).floats == numbers{9, 1, 2, 9, 3, 4});
  CHECK(first("Pad", {whole({2}, {1, 2}), pads({1, 1}), whole({}, {5})}).integers == whole_numbers{5, 1, 2, 5});
  CHECK(first("Pad", {computed({}, {3}), pads({})}).floats == numbers{3});
  CHECK(first("Pad", {counting({0}), pads({1, 1})}).floats == numbers{0, 0});
}

TEST_CASE("pad: negative pads cut off", "[nn]") {
  const value x = counting({5});
  CHECK(first("Pad", {x, pads({-1, -2})}).floats == numbers{1, 2});
  CHECK(first("Pad", {x, pads({-2, 1}), constant({}, {9})}).floats == numbers{2, 3, 4, 9});
  CHECK(first("Pad", {x, pads({2, -4}), constant({}, {9})}).floats == numbers{9, 9, 0});
  CHECK(first("Pad", {x, pads({-7, 3}), constant({}, {9})}).floats == numbers{9});
  CHECK(first("Pad", {x, pads({-5, 0})}).floats.empty());
  CHECK(first("Pad", {x, pads({-2, 1}), left_out()}, mode("edge")).floats == numbers{2, 3, 4, 4});
  CHECK(first("Pad", {x, pads({-3, 2})}, mode("reflect")).floats == numbers{3, 4, 3, 2});
}

TEST_CASE("pad: reflected and repeated borders", "[nn]") {
  const value x = computed({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(first("Pad", {x, pads({0, 2, 0, 1})}, mode("reflect")).floats == numbers{3, 2, 1, 2, 3, 2, 6, 5, 4, 5, 6, 5});
  CHECK(first("Pad", {x, pads({1, 0, 1, 0})}, mode("reflect")).floats == numbers{4, 5, 6, 1, 2, 3, 4, 5, 6, 1, 2, 3});
  CHECK(first("Pad", {x, pads({1, 2, 0, 1})}, mode("edge")).floats ==
        numbers{1, 1, 1, 2, 3, 3, 1, 1, 1, 2, 3, 3, 4, 4, 4, 5, 6, 6});
}

TEST_CASE("pad: as a strided copy", "[nn]") {
  const value x = counting({2, 3});
  const auto made = make("Pad", {x, pads({0, 2, 1, 0}), constant({}, {4})});
  const nn::strided_copy* c = (*made)->as_strided_copy();
  REQUIRE(c != nullptr);
  CHECK(c->fill == 4);
  CHECK((c->axes[0].offset == 0 && c->axes[0].count == 2 && c->axes[1].offset == 2 && c->axes[1].count == 3));
  CHECK((*make("Pad", {x, pads({0, -1, 0, 0})}))->as_strided_copy() == nullptr);
  CHECK((*make("Pad", {x, pads({0, 1, 0, 0})}, mode("edge")))->as_strided_copy() == nullptr);
  CHECK((*make("Pad", {x, pads({0, 1, 0, 0}), computed({}, {1})}))->as_strided_copy() == nullptr);
}

TEST_CASE("pad: refusals", "[nn]") {
  const value x = counting({2, 3});
  CHECK(error_of("Pad", {x, pads({1, 1})}) == errc::bad_field);
  CHECK(error_of("Pad", {x, pads({0, 3, 0, 0})}, mode("reflect")) == errc::bad_field);
  CHECK(error_of("Pad", {x, pads({0, -2, 0, -2})}) == errc::bad_field);
  CHECK(error_of("Pad", {x, pads({0, INT64_MAX, 0, INT64_MAX})}) == errc::bad_field);
  CHECK(error_of("Pad", {x, pads({0, 1 << 30, 0, 0})}) == errc::limit_exceeded);
  CHECK(error_of("Pad", {x, pads({0, 0, 0, 0})}, mode("wrap")) == errc::unsupported);
  CHECK(error_of("Pad", {x, pads({0, 0, 0, 0})}, mode("mirror")) == errc::bad_field);
  CHECK(error_of("Pad", {x, pads({0, 0, 0, 0}), constant({2}, {1, 2})}) == errc::bad_shape);
  CHECK(error_of("Pad", {x, pads({0, 0, 0, 0}), whole({}, {1})}) == errc::bad_field);
  CHECK(error_of("Pad", {counting({0}), pads({1, 0})}, mode("edge")) == errc::bad_field);
}
