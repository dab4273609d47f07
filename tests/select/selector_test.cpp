#include <aecnn/select/selector.hpp>

#include <catch_compat.hpp>

#include <array>
#include <cstdint>
#include <span>

namespace {

/// Sends channel 1 always and channel 0 where the first element is positive.
struct first_if_positive {
  struct parameters {};
  struct workspace {};
  static aecnn::result<first_if_positive> create(const parameters&, std::size_t channels) {
    if (channels < 2)
      return aecnn::detail::fail(aecnn::errc::bad_field, "channels: ", channels, ", expected at least 2");
    return first_if_positive{};
  }
  std::span<const std::uint16_t> candidates() const { return channels; }
  bool per_input() const { return true; }
  template <class View>
  aecnn::status choose(const View& x, std::span<std::uint8_t> mask, workspace&) const {
    mask[0] = x(0, 0, 0) > 0 ? 1 : 0;
    mask[1] = 1;
    return {};
  }
  std::array<std::uint16_t, 2> channels = {0, 1};
};

struct without_choose {
  struct parameters {};
  struct workspace {};
  static aecnn::result<without_choose> create(const parameters&, std::size_t) { return without_choose{}; }
  std::span<const std::uint16_t> candidates() const { return {}; }
  bool per_input() const { return false; }
};

struct returns_nothing : first_if_positive {
  static aecnn::result<returns_nothing> create(const parameters&, std::size_t) { return returns_nothing{}; }
  template <class View>
  void choose(const View&, std::span<std::uint8_t>, workspace&) const {}
};

static_assert(aecnn::selector<first_if_positive>);
static_assert(!aecnn::selector<without_choose>);
static_assert(!aecnn::selector<returns_nothing>);
static_assert(!aecnn::selector<int>);

template <aecnn::selector S>
std::array<std::uint8_t, 2> choose(const S& s, float first) {
  const float x[] = {first, 5};
  std::array<std::uint8_t, 2> mask{};
  typename S::workspace w;
  s.choose(aecnn::tensor_view<const float>::chw(x, 2, 1, 1), mask, w).value();
  return mask;
}

} // namespace

TEST_CASE("a selector of one's own is used through the concept", "[select]") {
  const auto s = first_if_positive::create({}, 2).value();
  CHECK(choose(s, 3) == std::array<std::uint8_t, 2>{1, 1});
  CHECK(choose(s, -3) == std::array<std::uint8_t, 2>{0, 1});
}
