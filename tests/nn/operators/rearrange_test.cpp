#include <aecnn/nn/operators/rearrange.hpp>

#include "evaluate.hpp"

using namespace evaluate;

TEST_CASE("rearrange: transposition", "[nn]") {
  const value x = counting({2, 3});
  const value y = first("Transpose", {x});
  CHECK(y.type.shape == shape{3, 2});
  CHECK(y.floats == numbers{0, 3, 1, 4, 2, 5});
  const value z = first("Transpose", {counting({2, 3, 2})}, {{"perm", list{1, 0, 2}}});
  CHECK(z.type.shape == shape{3, 2, 2});
  CHECK(z.floats == numbers{0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11});
  CHECK(first("Transpose", {whole({2, 2}, {1, 2, 3, 4})}).integers == whole_numbers{1, 3, 2, 4});
  CHECK(first("Transpose", {computed({}, {7})}).floats == numbers{7});
  CHECK(first("Transpose", {counting({2, 0})}).type.shape == shape{0, 2});
  CHECK(error_of("Transpose", {x}, {{"perm", list{0, 0}}}) == errc::bad_field);
  CHECK(error_of("Transpose", {x}, {{"perm", list{0, 2}}}) == errc::bad_field);
  CHECK(error_of("Transpose", {x}, {{"perm", list{0}}}) == errc::bad_field);
}

TEST_CASE("rearrange: expansion", "[nn]") {
  const value y = first("Expand", {computed({2, 1}, {1, 2}), whole({2}, {1, 3})});
  CHECK(y.type.shape == shape{2, 3});
  CHECK(y.floats == numbers{1, 1, 1, 2, 2, 2});
  CHECK(first("Expand", {computed({}, {5}), whole({1}, {4})}).floats == numbers{5, 5, 5, 5});
  CHECK(first("Expand", {whole({1}, {5}), whole({2}, {2, 1})}).integers == whole_numbers{5, 5});
  value unknown = whole({1}, {4});
  unknown.constant = false;
  CHECK(error_of("Expand", {counting({1}), unknown}) == errc::unsupported);
  CHECK(error_of("Expand", {counting({2}), whole({1}, {3})}) == errc::bad_shape);
  CHECK(error_of("Expand", {counting({1}), whole({1}, {-1})}) == errc::bad_field);
  CHECK(error_of("Expand", {counting({1}), whole({2}, {1 << 20, 1 << 20})}) == errc::limit_exceeded);
  CHECK(error_of("Expand", {counting({1}), whole({9}, {1, 1, 1, 1, 1, 1, 1, 1, 1})}) == errc::limit_exceeded);
}

TEST_CASE("rearrange: depth to space and back", "[nn]") {
  const value x = counting({1, 8, 1, 2});
  // Output [1,2,2,4]. DCR: channel c of block row i, column j is input channel (2 i + j) * 2 + c; CRD: c * 4 + 2 i + j.
  CHECK(first("DepthToSpace", {x}, {{"blocksize", std::int64_t{2}}}).floats ==
        numbers{0, 4, 1, 5, 8, 12, 9, 13, 2, 6, 3, 7, 10, 14, 11, 15});
  CHECK(first("DepthToSpace", {x}, {{"blocksize", std::int64_t{2}}, {"mode", std::string("CRD")}}).floats ==
        numbers{0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15});
  const value wide = first("DepthToSpace", {x}, {{"blocksize", std::int64_t{2}}});
  CHECK(wide.type.shape == shape{1, 2, 2, 4});
  const value back = first("SpaceToDepth", {wide}, {{"blocksize", std::int64_t{2}}});
  CHECK(back.type.shape == x.type.shape);
  CHECK(back.floats == x.floats);
  const auto made = make("DepthToSpace", {x}, {{"blocksize", std::int64_t{2}}, {"mode", std::string("CRD")}});
  REQUIRE((*made)->as_depth_to_space() != nullptr);
  CHECK((*made)->as_depth_to_space()->block == 2);
  CHECK((*made)->as_depth_to_space()->column_row_depth);
}

TEST_CASE("rearrange: refusals of blocks", "[nn]") {
  const value x = counting({1, 8, 3, 2});
  CHECK(error_of("DepthToSpace", {x}) == errc::missing_field);
  CHECK(error_of("DepthToSpace", {x}, {{"blocksize", std::int64_t{3}}}) == errc::bad_shape);
  CHECK(error_of("DepthToSpace", {x}, {{"blocksize", std::int64_t{0}}}) == errc::bad_field);
  CHECK(error_of("DepthToSpace", {x}, {{"blocksize", std::int64_t{2}}, {"mode", std::string("DRC")}}) ==
        errc::bad_field);
  CHECK(error_of("DepthToSpace", {counting({8, 3, 2})}, {{"blocksize", std::int64_t{2}}}) == errc::bad_shape);
  CHECK(error_of("SpaceToDepth", {x}, {{"blocksize", std::int64_t{2}}}) == errc::bad_shape);
}
