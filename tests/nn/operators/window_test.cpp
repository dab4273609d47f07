#include <aecnn/nn/operators/window.hpp>

#include "evaluate.hpp"

using namespace evaluate;
namespace detail = aecnn::nn::detail;

TEST_CASE("window: padding that keeps the size", "[nn]") {
  nn::window w;
  w.kernel[0] = 4;
  w.kernel[1] = 3;
  w.strides[1] = 2;
  const std::int64_t extent[2] = {5, 6};
  detail::resolve_padding(w, detail::auto_padding::same_upper, extent);
  // Rows: 4 + 5 - 1 - 5 = 3 missing. Columns: 3 outputs span 2 * 2 + 3 = 7, 1 missing.
  CHECK((w.before[0] == 1 && w.after[0] == 2 && w.before[1] == 0 && w.after[1] == 1));
  detail::resolve_padding(w, detail::auto_padding::same_lower, extent);
  CHECK((w.before[0] == 2 && w.after[0] == 1 && w.before[1] == 1 && w.after[1] == 0));
  detail::resolve_padding(w, detail::auto_padding::valid, extent);
  CHECK((w.before[0] == 0 && w.after[0] == 0 && w.before[1] == 0 && w.after[1] == 0));
}

TEST_CASE("window: outputs whose tap lies inside", "[nn]") {
  for (std::int64_t offset = -5; offset <= 5; ++offset)
    for (std::int64_t stride = 1; stride <= 3; ++stride) {
      const detail::range r = detail::inside(offset, stride, 4, 6);
      for (std::int64_t o = 0; o < 6; ++o) {
        const std::int64_t at = o * stride + offset;
        CHECK((o >= r.first && o < r.last) == (at >= 0 && at < 4));
      }
    }
}

TEST_CASE("window: refusals", "[nn]") {
  const value x = counting({1, 1, 5, 5});
  CHECK(error_of("MaxPool", {x}) == errc::missing_field);
  CHECK(error_of("MaxPool", {x}, {{"kernel_shape", list{3}}}) == errc::bad_field);
  CHECK(error_of("MaxPool", {x}, {{"kernel_shape", list{0, 3}}}) == errc::bad_field);
  CHECK(error_of("MaxPool", {x}, {{"kernel_shape", list{3, 3}}, {"strides", list{1, 0}}}) == errc::bad_field);
  CHECK(error_of("MaxPool", {x}, {{"kernel_shape", list{3, 3}}, {"pads", list{1, 1}}}) == errc::bad_field);
  CHECK(error_of("MaxPool", {x}, {{"kernel_shape", list{3, 3}}, {"auto_pad", std::string("SAME")}}) == errc::bad_field);
  CHECK(error_of("MaxPool", {x}, {{"kernel_shape", list{3, 6}}}) == errc::bad_shape);
  CHECK(error_of("MaxPool", {x}, {{"kernel_shape", list{3, 1 << 20}}}) == errc::bad_field);
}
