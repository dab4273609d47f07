#include <aecnn/core/config.hpp>

#include <catch_compat.hpp>

TEST_CASE("the configuration matches the compiler", "[config]") {
#if defined(__cpp_exceptions)
  CHECK(AECNN_EXCEPTIONS == 1);
#else
  CHECK(AECNN_EXCEPTIONS == 0);
#endif
  CHECK(AECNN_VERSION_MAJOR >= 0);
  CHECK(AECNN_VERSION_MAJOR * 10000 + AECNN_VERSION_MINOR * 100 + AECNN_VERSION_PATCH >= 100);
}
