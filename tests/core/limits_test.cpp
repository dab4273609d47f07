#include <aecnn/core/limits.hpp>

#include <limits>

#include <catch_compat.hpp>

TEST_CASE("the default limits admit published backbones and stop below what overflows", "[limits]") {
  const aecnn::limits l;
  CHECK(l.max_elements >= std::size_t{256} * 112 * 112);
  CHECK(l.max_channels >= 2048);
  CHECK(l.max_extent >= 1024);
  CHECK(l.max_operating_points <= 32); // five bits of the stream's header
  CHECK(l.max_elements <= std::numeric_limits<std::uint32_t>::max() / sizeof(double));
  CHECK(l.max_json_bytes < l.max_file_bytes);
}

TEST_CASE("each limit can be set by name", "[limits]") {
  const aecnn::limits l{.max_elements = 10, .max_file_bytes = 20};
  CHECK(l.max_elements == 10);
  CHECK(l.max_file_bytes == 20);
  CHECK(l.max_channels == aecnn::limits{}.max_channels);
}
