#include <aecnn/nn/operators/broadcasting.hpp>

#include "evaluate.hpp"

using namespace evaluate;
namespace detail = aecnn::nn::detail;

TEST_CASE("broadcasting: shapes align at the right", "[nn]") {
  const nn::node n{"Add", "n", {}, {}, {}};
  const aecnn::limits bounds;
  nn::node_reader r(n, 0, {}, bounds);
  CHECK(detail::broadcast_shape(r, {2, 3}, {3}) == shape{2, 3});
  CHECK(detail::broadcast_shape(r, {}, {4, 1}) == shape{4, 1});
  CHECK(detail::broadcast_shape(r, {5, 1, 2}, {3, 1}) == shape{5, 3, 2});
  CHECK(detail::broadcast_shape(r, {1}, {0}) == shape{0});
  CHECK_FALSE(r.failed());
  detail::broadcast_shape(r, {0}, {2});
  CHECK(r.failed());
}

TEST_CASE("broadcasting: rows in blocks agree with single elements", "[nn]") {
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 40U}) {
    numbers x(size), y(size);
    for (std::size_t i = 0; i < size; ++i) x[i] = static_cast<float>(i);
    detail::map_row(x.data(), y.data(), size, [](float v) { return 2 * v; });
    detail::zip_row(x.data(), y.data(), y.data(), size, [](float a, float b) { return b - a; });
    CHECK(y == x);
  }
}
