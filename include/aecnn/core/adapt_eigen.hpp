// Eigen's types as feature tensors, without a copy: Eigen::Tensor and TensorMap of rank 3 (either layout), and
// matrices, arrays, maps, references and blocks, read with one channel a row. Elements: float, double, Eigen::half,
// Eigen::bfloat16.
#pragma once

#include <cstddef>
#include <type_traits>

#include <Eigen/Core>
#include <unsupported/Eigen/CXX11/Tensor>

#include <aecnn/core/bytes.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/tensor_view.hpp>

namespace aecnn {
namespace detail {

/// Eigen::Tensor, TensorFixedSize or TensorMap of rank 3: contiguous memory in either order.
template <class X>
struct is_eigen_tensor : std::false_type {};
template <class Scalar, int Options, class Index>
struct is_eigen_tensor<Eigen::Tensor<Scalar, 3, Options, Index>> : std::true_type {};
template <class Scalar, std::ptrdiff_t C, std::ptrdiff_t H, std::ptrdiff_t W, int Options, class Index>
struct is_eigen_tensor<Eigen::TensorFixedSize<Scalar, Eigen::Sizes<C, H, W>, Options, Index>> : std::true_type {};
template <class Plain, int Options, template <class> class MakePointer>
struct is_eigen_tensor<Eigen::TensorMap<Plain, Options, MakePointer>> : is_eigen_tensor<std::remove_const_t<Plain>> {};

template <class X>
concept eigen_tensor = is_eigen_tensor<X>::value;

/// A matrix, array, map, reference or block whose elements lie in memory.
template <class X>
concept eigen_matrix = std::is_base_of_v<Eigen::DenseBase<X>, X> && requires(X& x) {
  requires bool(static_cast<unsigned>(X::Flags) & static_cast<unsigned>(Eigen::DirectAccessBit));
  requires std::is_pointer_v<decltype(x.data())>;
};

} // namespace detail

/// [C,H,W] = the tensor's three dimensions.
template <detail::eigen_tensor X>
struct view_traits<X> {
  template <class MaybeConst>
  static auto view(MaybeConst& x) noexcept {
    using element = std::remove_pointer_t<decltype(x.data())>;
    const auto c = static_cast<std::ptrdiff_t>(x.dimension(0)), h = static_cast<std::ptrdiff_t>(x.dimension(1)),
               w = static_cast<std::ptrdiff_t>(x.dimension(2));
    const shape3 shape{static_cast<std::size_t>(c), static_cast<std::size_t>(h), static_cast<std::size_t>(w)};
    if constexpr (static_cast<int>(X::Layout) == static_cast<int>(Eigen::RowMajor))
      return tensor_view<element>(x.data(), shape, {h * w, w, 1});
    else
      return tensor_view<element>(x.data(), shape, {1, c, c * h});
  }
};

/// One channel a row: [rows,1,cols]. For planes of several rows see channel_rows.
template <detail::eigen_matrix X>
struct view_traits<X> {
  template <class MaybeConst>
  static auto view(MaybeConst& x) noexcept {
    using element = std::remove_pointer_t<decltype(x.data())>;
    return tensor_view<element>(x.data(), {static_cast<std::size_t>(x.rows()), 1, static_cast<std::size_t>(x.cols())},
                                {static_cast<std::ptrdiff_t>(x.rowStride()),
                                 static_cast<std::ptrdiff_t>(x.cols() * x.colStride()),
                                 static_cast<std::ptrdiff_t>(x.colStride())});
  }
};

/// A matrix with one channel a row, each row a plane of height x width in row-major order: [rows,height,width].
/// errc::bad_shape unless the matrix has height * width columns.
template <class Matrix>
  requires detail::eigen_matrix<std::remove_cvref_t<Matrix>>
auto try_channel_rows(Matrix&& matrix, std::size_t height, std::size_t width)
    -> result<tensor_view<std::remove_pointer_t<decltype(matrix.data())>>> {
  std::size_t area = 0;
  if (!detail::multiply(height, width, area) || area != static_cast<std::size_t>(matrix.cols()))
    return detail::fail(errc::bad_shape, "matrix of ", matrix.rows(), " rows and ", matrix.cols(),
                        " columns, expected one column for each element of a ", height, 'x', width, " plane");
  const auto column = static_cast<std::ptrdiff_t>(matrix.colStride());
  return tensor_view<std::remove_pointer_t<decltype(matrix.data())>>(
      matrix.data(), {static_cast<std::size_t>(matrix.rows()), height, width},
      {static_cast<std::ptrdiff_t>(matrix.rowStride()), static_cast<std::ptrdiff_t>(width) * column, column});
}
/// The same; throws errc::bad_shape.
template <class Matrix>
  requires detail::eigen_matrix<std::remove_cvref_t<Matrix>>
auto channel_rows(Matrix&& matrix, std::size_t height, std::size_t width) {
  return try_channel_rows(matrix, height, width).value();
}

} // namespace aecnn
