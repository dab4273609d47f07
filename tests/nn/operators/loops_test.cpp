#include <aecnn/nn/operators/loops.hpp>

#include <array>

#include "evaluate.hpp"

using namespace evaluate;
namespace detail = aecnn::nn::detail;

TEST_CASE("loops: contiguous axes merge", "[nn]") {
  const shape s{2, 3, 4, 5};
  const detail::loops<1> whole_tensor(s, std::array<detail::extents, 1>{detail::contiguous_strides(s)});
  CHECK(whole_tensor.row() == 120);
  CHECK(whole_tensor.step(0) == 1);
  const detail::loops<2> channels(s, {detail::contiguous_strides(s), detail::broadcast_strides(shape{3, 1, 1}, s)});
  CHECK(channels.row() == 20);
  CHECK(channels.step(1) == 0);
  std::vector<std::array<std::int64_t, 2>> seen;
  channels.rows([&](const auto& at) { seen.push_back(at); });
  REQUIRE(seen.size() == 6);
  CHECK(seen[2] == std::array<std::int64_t, 2>{40, 2});
  CHECK(seen[4] == std::array<std::int64_t, 2>{80, 1});
}

TEST_CASE("loops: scalars run once, empty shapes never", "[nn]") {
  int calls = 0;
  const detail::loops<1> scalar(shape{}, std::array<detail::extents, 1>{});
  scalar.rows([&](const auto&) { ++calls; });
  CHECK(scalar.row() == 1);
  CHECK(calls == 1);
  const detail::loops<1> empty(shape{2, 0, 3}, std::array<detail::extents, 1>{detail::extents{0, 3, 1}});
  empty.rows([&](const auto&) { ++calls; });
  CHECK(calls == 1);
}

TEST_CASE("loops: strides of any sign", "[nn]") {
  const numbers x{0, 1, 2, 3, 4, 5};
  numbers y(6);
  const detail::loops<1> l(shape{3, 2}, std::array<detail::extents, 1>{detail::extents{-1, 3}});
  detail::copy_strided(x.data() + 2, y.data(), l);
  CHECK(y == numbers{2, 5, 1, 4, 0, 3});
}
