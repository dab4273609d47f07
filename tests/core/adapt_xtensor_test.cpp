#include <aecnn/core/adapt_xtensor.hpp>

#include <aecnn/core/tensor.hpp>

#include <string>
#include <type_traits>
#include <vector>

#include <catch_compat.hpp>

#if __has_include(<xtensor/xtensor.hpp>)
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xfixed.hpp>
#include <xtensor/xstrided_view.hpp>
#include <xtensor/xview.hpp>
#else
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xarray.hpp>
#include <xtensor/containers/xfixed.hpp>
#include <xtensor/views/xstrided_view.hpp>
#include <xtensor/views/xview.hpp>
#endif

using aecnn::as_view;
using aecnn::shape3;
using aecnn::tensor_view;
using aecnn::try_as_view;

namespace {

/// Every element of the view is the very element of the expression: same address, so nothing was copied.
template <class View, class X>
bool same_elements(const View& v, X& x) {
  if (v.shape != shape3{x.shape()[0], x.shape()[1], x.shape()[2]}) return false;
  for (std::size_t c = 0; c < v.shape.channels; ++c)
    for (std::size_t i = 0; i < v.shape.height; ++i)
      for (std::size_t j = 0; j < v.shape.width; ++j)
        if (&v(c, i, j) != &x(c, i, j)) return false;
  return true;
}

} // namespace

TEST_CASE("xt::xtensor of either layout, const and mutable", "[adapt_xtensor]") {
  aecnn::tensor<float> row({2, 3, 4});
  const auto v = as_view(row);
  static_assert(std::is_same_v<decltype(v), const tensor_view<float>>);
  CHECK(same_elements(v, row));
  v(1, 2, 3) = 9;
  CHECK(row(1, 2, 3) == 9);
  const auto& constant = row;
  static_assert(std::is_same_v<decltype(as_view(constant)), tensor_view<const float>>);
  CHECK(same_elements(as_view(constant), constant));

  xt::xtensor<double, 3, xt::layout_type::column_major> column({2, 3, 4});
  CHECK(same_elements(as_view(column), column));
  CHECK(as_view(column).strides[0] == 1);
  xt::xtensor<float, 3, xt::layout_type::dynamic> dynamic(std::array<std::size_t, 3>{2, 3, 4},
                                                          std::array<std::ptrdiff_t, 3>{1, 8, 2});
  CHECK(same_elements(as_view(dynamic), dynamic));
  xt::xtensor_fixed<float, xt::xshape<2, 3, 4>> fixed;
  CHECK(same_elements(as_view(fixed), fixed));
}

TEST_CASE("extents of one and of zero", "[adapt_xtensor]") {
  aecnn::tensor<float> one({1, 1, 1});
  CHECK(same_elements(as_view(one), one));
  aecnn::tensor<float> flat({5, 1, 7});
  CHECK(same_elements(as_view(flat), flat));
  aecnn::tensor<float> none({0, 3, 4});
  CHECK(as_view(none).shape == shape3{0, 3, 4});
}

TEST_CASE("another constant rank is refused at compile time", "[adapt_xtensor]") {
  static_assert(aecnn::tensor_like<xt::xtensor<float, 3>&>);
  static_assert(aecnn::tensor_like<const xt::xtensor<float, 3>&>);
  static_assert(aecnn::tensor_like<xt::xtensor<float, 3>>);
  static_assert(!aecnn::tensor_like<xt::xtensor<float, 2>&>);
  static_assert(!aecnn::tensor_like<xt::xtensor<float, 4>&>);
  static_assert(aecnn::tensor_like<xt::xarray<float>&>);
  using sum = decltype(std::declval<xt::xtensor<float, 3>&>() + 1.0F);
  static_assert(!aecnn::tensor_like<sum>);
  CHECK(aecnn::detail::xtensor_rank<xt::xtensor<float, 3>> == 3);
}

TEST_CASE("xt::xarray of rank 3, and what it says of other ranks", "[adapt_xtensor]") {
  xt::xarray<float> a = xt::xarray<float>::from_shape({4, 2, 3});
  const auto v = try_as_view(a);
  static_assert(std::is_same_v<decltype(v), const aecnn::result<tensor_view<float>>>);
  REQUIRE(v);
  CHECK(same_elements(*v, a));
  const auto& constant = a;
  static_assert(std::is_same_v<decltype(as_view(constant)), tensor_view<const float>>);
  CHECK(same_elements(as_view(constant), constant));
  xt::xarray<double, xt::layout_type::column_major> b =
      xt::xarray<double, xt::layout_type::column_major>::from_shape({4, 2, 3});
  CHECK(same_elements(as_view(b), b));

  for (const std::vector<std::size_t>& shape : {std::vector<std::size_t>{}, {3}, {2, 3}, {1, 2, 3, 4}}) {
    xt::xarray<float> c = xt::xarray<float>::from_shape(shape);
    const auto bad = try_as_view(c);
    REQUIRE_FALSE(bad);
    CHECK(bad.error().code == aecnn::errc::bad_shape);
    CHECK(bad.error().message.find("rank " + std::to_string(shape.size())) != std::string::npos);
    CHECK_THROWS_AS(as_view(c), aecnn::error);
  }
}

TEST_CASE("xt::adapt over the caller's memory", "[adapt_xtensor]") {
  std::vector<float> memory(24);
  auto t = xt::adapt(memory, std::array<std::size_t, 3>{2, 3, 4});
  CHECK(same_elements(as_view(t), t));
  CHECK(as_view(t).data == memory.data());
  auto a = xt::adapt(memory, std::vector<std::size_t>{4, 3, 2});
  CHECK(same_elements(as_view(a), a));
  auto p = xt::adapt(memory.data(), memory.size(), xt::no_ownership(), std::array<std::size_t, 3>{3, 2, 4});
  CHECK(same_elements(as_view(p), p));
  const float* read_only = memory.data();
  auto r = xt::adapt(read_only, memory.size(), xt::no_ownership(), std::array<std::size_t, 3>{3, 2, 4});
  static_assert(std::is_same_v<decltype(as_view(r)), tensor_view<const float>>);
  CHECK(same_elements(as_view(r), r));
}

TEST_CASE("strided views", "[adapt_xtensor]") {
  xt::xtensor<float, 4> batch({2, 3, 4, 5});
  auto item = xt::view(batch, 1, xt::all(), xt::all(), xt::all());
  static_assert(aecnn::tensor_like<decltype(item)&>);
  CHECK(same_elements(as_view(item), item));
  CHECK(as_view(item).data == batch.data() + 60);

  aecnn::tensor<float> t({6, 7, 8});
  auto part = xt::view(t, xt::range(1, 5, 2), xt::range(2, 6), xt::range(3, 8, 2));
  CHECK(same_elements(as_view(part), part));
  CHECK(as_view(part).shape == shape3{2, 4, 3});
  const auto& constant = t;
  auto part_of_constant = xt::view(constant, xt::range(0, 2), xt::all(), xt::all());
  static_assert(std::is_same_v<decltype(as_view(part_of_constant)), tensor_view<const float>>);
  CHECK(same_elements(as_view(part_of_constant), part_of_constant));

  auto strided = xt::strided_view(t, {xt::range(0, 6, 3), xt::all(), xt::range(1, 3)});
  REQUIRE(try_as_view(strided));
  CHECK(same_elements(as_view(strided), strided));
  auto swapped = xt::transpose(t, {2, 0, 1}); // a channels-last array seen channels-first
  REQUIRE(try_as_view(swapped));
  CHECK(same_elements(as_view(swapped), swapped));
  CHECK(as_view(swapped).shape == shape3{8, 6, 7});

  xt::xarray<float> a = xt::xarray<float>::from_shape({2, 3, 4, 5});
  auto of_array = xt::view(a, 0);
  REQUIRE(try_as_view(of_array));
  CHECK(same_elements(as_view(of_array), of_array));
}
