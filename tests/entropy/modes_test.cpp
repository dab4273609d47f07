#include <aecnn/entropy/modes.hpp>

#include <string>

#include <catch_compat.hpp>

TEST_CASE("every mode is found by its name and its id") {
  for (std::size_t i = 0; i < aecnn::entropy_modes.size(); ++i) {
    const auto& m = aecnn::entropy_modes[i];
    CHECK(m.id == i);
    REQUIRE(aecnn::find_mode(m.name) != nullptr);
    CHECK(*aecnn::find_mode(m.name) == m);
    REQUIRE(aecnn::find_mode(static_cast<std::uint32_t>(i)) != nullptr);
    CHECK(*aecnn::find_mode(static_cast<std::uint32_t>(i)) == m);
    CHECK((m.create == nullptr) == (i == 0));
  }
  CHECK(std::string(aecnn::standard_mode.name) == "default");
  CHECK(std::string(aecnn::fast_mode.name) == "fast");
  CHECK(std::string(aecnn::max_mode.name) == "max");
  CHECK(aecnn::find_mode("Default") == nullptr);
  CHECK(aecnn::find_mode("") == nullptr);
  CHECK(aecnn::find_mode(3U) == nullptr);
  CHECK(aecnn::find_mode(0xffffffffU) == nullptr);
}
