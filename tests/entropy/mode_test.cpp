#include <aecnn/entropy/mode.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <catch_compat.hpp>

namespace {

int alive = 0;

/// Counts its instances; codes a symbol as one byte more each time.
class counting_coder {
public:
  static aecnn::result<counting_coder> create(const aecnn::context_parameters& p, std::size_t channels) {
    if (channels == 0) return aecnn::failure{aecnn::errc::bad_field, "no channels"};
    return counting_coder(p.levels);
  }
  counting_coder(const counting_coder& other) : calls_(other.calls_) { ++alive; }
  counting_coder(counting_coder&& other) noexcept : calls_(other.calls_) { ++alive; }
  counting_coder& operator=(const counting_coder&) = default;
  ~counting_coder() { --alive; }
  aecnn::status encode(std::span<const aecnn::symbol>, aecnn::shape3, std::span<const std::uint8_t>, std::vector<std::byte>& out) {
    out.push_back(static_cast<std::byte>(calls_++));
    return {};
  }
  aecnn::status decode(std::span<const std::byte>, aecnn::shape3, std::span<std::uint8_t>, std::span<aecnn::symbol> symbols) {
    symbols[0] = static_cast<aecnn::symbol>(calls_);
    return {};
  }

private:
  explicit counting_coder(std::uint32_t calls) : calls_(calls) { ++alive; }
  std::uint32_t calls_;
};

constexpr aecnn::entropy_mode counting_mode{7, "counting", &aecnn::detail::make_mode_coder<counting_coder>};

} // namespace

TEST_CASE("a mode makes its coder, and a copy of the coder goes its own way") {
  {
    aecnn::context_parameters p;
    p.levels = 40;
    aecnn::any_coder a = counting_mode.create(p, 1).value();
    REQUIRE(a);
    std::vector<std::byte> out;
    REQUIRE(a->encode({}, {}, {}, out).has_value());
    aecnn::any_coder b = a;
    REQUIRE(b->encode({}, {}, {}, out).has_value());
    REQUIRE(a->encode({}, {}, {}, out).has_value());
    REQUIRE(a->encode({}, {}, {}, out).has_value());
    CHECK(out == std::vector<std::byte>{std::byte{40}, std::byte{41}, std::byte{41}, std::byte{42}});
    aecnn::any_coder c = std::move(a);
    aecnn::symbol s = 0;
    REQUIRE(c->decode({}, {}, {}, {&s, 1}).has_value());
    CHECK(s == 43);
    b = c;
    b = std::move(c);
    REQUIRE(b->decode({}, {}, {}, {&s, 1}).has_value());
    CHECK(s == 43);
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
  const aecnn::any_coder none;
  CHECK_FALSE(none);
  const aecnn::any_coder copy = none;
  CHECK_FALSE(copy);
}

TEST_CASE("a mode hands on why its coder cannot be made") {
  const auto r = counting_mode.create({}, 0);
  REQUIRE_FALSE(r.has_value());
  CHECK(r.error().code == aecnn::errc::bad_field);
}

TEST_CASE("modes are compared by their ids") {
  CHECK(aecnn::standard_mode == aecnn::entropy_mode{});
  CHECK(counting_mode != aecnn::standard_mode);
  CHECK(std::string(aecnn::standard_mode.name) == "default");
  CHECK(aecnn::standard_mode.create == nullptr);
}
