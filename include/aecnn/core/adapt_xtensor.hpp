// xtensor expressions as feature tensors, without a copy: xt::xtensor, xt::xarray, xt::xtensor_fixed, what xt::adapt
// returns, and strided xt::view / xt::strided_view of them, const and mutable, any layout. An expression that has to be
// computed (a sum, a view through an index list) has no memory to look at and is not tensor_like: xt::eval it first.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

#if __has_include(<xtensor/xtensor.hpp>)
#include <xtensor/xexpression.hpp>
#include <xtensor/xtensor.hpp>
#include <xtensor/xutils.hpp>
#else // xtensor 0.26 moved its headers into folders
#include <xtensor/containers/xtensor.hpp>
#include <xtensor/core/xexpression.hpp>
#include <xtensor/utils/xutils.hpp>
#endif

#include <aecnn/core/error.hpp>
#include <aecnn/core/tensor_view.hpp>

namespace aecnn {
namespace detail {

/// The rank as a constant, or any_rank where it is only known at run time.
template <class X>
inline constexpr std::size_t xtensor_rank = xt::get_rank<std::remove_const_t<X>>::value;
inline constexpr std::size_t any_rank = static_cast<std::size_t>(-1);

/// An xtensor expression of rank 3, or of a rank known at run time, over memory of its own or of another container.
template <class X>
concept xtensor_in_memory = xt::is_xexpression<X>::value &&(xtensor_rank<X> == 3 || xtensor_rank<X> == any_rank) &&
                            requires(X& x) {
  requires std::is_pointer_v<decltype(x.data())>;
  { x.data_offset() } -> std::convertible_to<std::size_t>;
  { x.shape()[0] } -> std::convertible_to<std::size_t>;
  { x.strides()[0] } -> std::convertible_to<std::ptrdiff_t>;
  { x.dimension() } -> std::convertible_to<std::size_t>;
};

/// X of rank 3.
template <class X>
auto view_of_xtensor(X& x) noexcept {
  using element = std::remove_pointer_t<decltype(x.data())>;
  const auto extent = [&](std::size_t i) { return static_cast<std::size_t>(x.shape()[i]); };
  const auto stride = [&](std::size_t i) { return static_cast<std::ptrdiff_t>(x.strides()[i]); };
  return tensor_view<element>(x.data() + x.data_offset(), {extent(0), extent(1), extent(2)},
                              {stride(0), stride(1), stride(2)});
}

} // namespace detail

/// Rank 3 known at compile time: a view. Rank known at run time: a result, errc::bad_shape unless it is 3. Another
/// constant rank is not tensor_like.
template <detail::xtensor_in_memory X>
struct view_traits<X> {
  template <class MaybeConst>
  static auto view(MaybeConst& x) {
    if constexpr (detail::xtensor_rank<X> == 3) {
      return detail::view_of_xtensor(x);
    } else {
      using checked = result<decltype(detail::view_of_xtensor(x))>;
      return x.dimension() == 3 ? checked(detail::view_of_xtensor(x))
                                : checked(detail::fail(errc::bad_shape, "array of rank ", x.dimension(),
                                                       ", expected rank 3: [C,H,W]"));
    }
  }
};

} // namespace aecnn
