#include <aecnn/calibrate/options.hpp>

#include <catch_compat.hpp>

TEST_CASE("a ratio is one of bytes against 32-bit floats") {
  CHECK(aecnn::bytes_for_ratio({32, 16, 16}, 1) == 32768);
  CHECK(aecnn::bytes_for_ratio({32, 16, 16}, 256) == 128);
}
