#include <aecnn/core/symbol.hpp>

#include <limits>
#include <type_traits>

#include <catch_compat.hpp>

TEST_CASE("a symbol holds 0 to 65535") {
  CHECK(std::is_unsigned_v<aecnn::symbol>);
  CHECK(std::numeric_limits<aecnn::symbol>::max() == 65535);
}
