#include <aecnn/core/adapt_eigen.hpp>

#include <string>
#include <type_traits>
#include <vector>

#include <catch_compat.hpp>

using aecnn::as_view;
using aecnn::shape3;
using aecnn::tensor_view;

static_assert(aecnn::feature_element<Eigen::half>);
static_assert(aecnn::feature_element<Eigen::bfloat16>);

namespace {

template <class View, class X>
bool same_elements(const View& v, X& x) {
  if (v.shape != shape3{static_cast<std::size_t>(x.dimension(0)), static_cast<std::size_t>(x.dimension(1)),
                        static_cast<std::size_t>(x.dimension(2))})
    return false;
  for (std::size_t c = 0; c < v.shape.channels; ++c)
    for (std::size_t i = 0; i < v.shape.height; ++i)
      for (std::size_t j = 0; j < v.shape.width; ++j)
        if (&v(c, i, j) != &x(static_cast<Eigen::Index>(c), static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)))
          return false;
  return true;
}

template <class View, class M>
bool same_rows(const View& v, const M& m, std::size_t height, std::size_t width) {
  if (v.shape != shape3{static_cast<std::size_t>(m.rows()), height, width}) return false;
  for (std::size_t c = 0; c < v.shape.channels; ++c)
    for (std::size_t i = 0; i < height; ++i)
      for (std::size_t j = 0; j < width; ++j)
        if (v(c, i, j) != m(static_cast<Eigen::Index>(c), static_cast<Eigen::Index>(i * width + j))) return false;
  return true;
}

} // namespace

TEST_CASE("Eigen::Tensor of either layout, const and mutable", "[adapt_eigen]") {
  Eigen::Tensor<float, 3, Eigen::RowMajor> row(2, 3, 4);
  const auto v = as_view(row);
  static_assert(std::is_same_v<decltype(v), const tensor_view<float>>);
  CHECK(same_elements(v, row));
  CHECK(v.strides == std::array<std::ptrdiff_t, 3>{12, 4, 1});
  v(1, 2, 3) = 9;
  CHECK(row(1, 2, 3) == 9);
  const auto& constant = row;
  static_assert(std::is_same_v<decltype(as_view(constant)), tensor_view<const float>>);
  CHECK(same_elements(as_view(constant), constant));

  Eigen::Tensor<double, 3> column(2, 3, 4);
  CHECK(same_elements(as_view(column), column));
  CHECK(as_view(column).strides == std::array<std::ptrdiff_t, 3>{1, 2, 6});
  Eigen::Tensor<float, 3, Eigen::RowMajor, int> narrow_index(3, 2, 2);
  CHECK(as_view(narrow_index).shape == shape3{3, 2, 2});
  Eigen::TensorFixedSize<float, Eigen::Sizes<2, 3, 4>> fixed;
  CHECK(same_elements(as_view(fixed), fixed));

  static_assert(!aecnn::tensor_like<Eigen::Tensor<float, 2>&>);
  static_assert(!aecnn::tensor_like<Eigen::Tensor<float, 4>&>);
  using sum = decltype(std::declval<Eigen::Tensor<float, 3>&>() + std::declval<Eigen::Tensor<float, 3>&>());
  static_assert(!aecnn::tensor_like<sum>);
}

TEST_CASE("Eigen::TensorMap", "[adapt_eigen]") {
  std::vector<float> memory(24);
  Eigen::TensorMap<Eigen::Tensor<float, 3, Eigen::RowMajor>> map(memory.data(), 2, 3, 4);
  static_assert(std::is_same_v<decltype(as_view(map)), tensor_view<float>>);
  CHECK(same_elements(as_view(map), map));
  CHECK(as_view(map).data == memory.data());
  Eigen::TensorMap<const Eigen::Tensor<float, 3>> constant(memory.data(), 4, 3, 2);
  static_assert(std::is_same_v<decltype(as_view(constant)), tensor_view<const float>>);
  CHECK(same_elements(as_view(constant), constant));
  static_assert(!aecnn::tensor_like<Eigen::TensorMap<Eigen::Tensor<float, 4>>&>);
}

TEST_CASE("half-precision elements convert exactly", "[adapt_eigen]") {
  Eigen::Tensor<Eigen::half, 3, Eigen::RowMajor> h(1, 2, 2);
  h.setConstant(Eigen::half(0.333251953125F));
  CHECK(static_cast<float>(as_view(h)(0, 1, 1)) == 0.333251953125F);
  Eigen::Matrix<Eigen::bfloat16, Eigen::Dynamic, Eigen::Dynamic> b(2, 3);
  b.setConstant(Eigen::bfloat16(-2.5F));
  CHECK(static_cast<float>(as_view(b)(1, 0, 2)) == -2.5F);
}

TEST_CASE("a matrix is one channel a row", "[adapt_eigen]") {
  Eigen::MatrixXf m = Eigen::MatrixXf::Random(4, 6);
  static_assert(std::is_same_v<decltype(as_view(m)), tensor_view<float>>);
  CHECK(same_rows(as_view(m), m, 1, 6));
  CHECK(as_view(m).data == m.data());
  const auto& constant = m;
  static_assert(std::is_same_v<decltype(as_view(constant)), tensor_view<const float>>);
  as_view(m)(3, 0, 5) = 8;
  CHECK(m(3, 5) == 8);

  Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> r =
      Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>::Random(4, 6);
  CHECK(same_rows(as_view(r), r, 1, 6));
  Eigen::ArrayXXf a = Eigen::ArrayXXf::Random(3, 5);
  CHECK(same_rows(as_view(a), a, 1, 5));
  Eigen::VectorXf pooled = Eigen::VectorXf::Random(7);
  CHECK(same_rows(as_view(pooled), pooled, 1, 1));

  using product = decltype(m * m);
  static_assert(!aecnn::tensor_like<product>);
  using sum = decltype(m + m);
  static_assert(!aecnn::tensor_like<sum>);
}

TEST_CASE("maps, blocks and references keep their strides", "[adapt_eigen]") {
  std::vector<float> memory(60);
  for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<float>(i);
  using strided = Eigen::Map<Eigen::MatrixXf, 0, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>>;
  strided map(memory.data(), 3, 4, {15, 4});
  CHECK(same_rows(as_view(map), map, 1, 4));
  Eigen::Map<const Eigen::MatrixXf> constant(memory.data(), 6, 10);
  static_assert(std::is_same_v<decltype(as_view(constant)), tensor_view<const float>>);
  auto block = constant.block(1, 2, 3, 6);
  CHECK(same_rows(as_view(block), block, 1, 6));
  auto planes = aecnn::channel_rows(block, 2, 3);
  static_assert(std::is_same_v<decltype(planes), tensor_view<const float>>);
  CHECK(same_rows(planes, block, 2, 3));
  Eigen::Ref<const Eigen::MatrixXf> ref(constant);
  CHECK(same_rows(as_view(ref), ref, 1, 10));
  auto turned = constant.transpose();
  CHECK(same_rows(as_view(turned), turned, 1, 6));
}

TEST_CASE("channel_rows gives planes", "[adapt_eigen]") {
  Eigen::MatrixXf column = Eigen::MatrixXf::Random(5, 12);
  const auto v = aecnn::try_channel_rows(column, 3, 4);
  REQUIRE(v);
  CHECK(same_rows(*v, column, 3, 4));
  CHECK(&(*v)(4, 2, 3) == &column(4, 11));
  Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> row = column;
  CHECK(same_rows(aecnn::channel_rows(row, 4, 3), row, 4, 3));
  CHECK(aecnn::channel_rows(row, 4, 3).strides == std::array<std::ptrdiff_t, 3>{12, 3, 1});
  const auto& constant = row;
  static_assert(std::is_same_v<decltype(aecnn::channel_rows(constant, 4, 3)), tensor_view<const float>>);

  const auto bad = aecnn::try_channel_rows(column, 3, 5);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == aecnn::errc::bad_shape);
  CHECK(bad.error().message.find("12 columns") != std::string::npos);
  CHECK(bad.error().message.find("3x5") != std::string::npos);
  const std::size_t half = std::size_t{1} << (8 * sizeof(std::size_t) - 1);
  CHECK_FALSE(aecnn::try_channel_rows(column, half + 6, 2)); // wraps around to 12
  CHECK_THROWS_AS(aecnn::channel_rows(column, 1, 1), aecnn::error);
}
