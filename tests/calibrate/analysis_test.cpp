#include <aecnn/calibrate/analysis.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

#include <catch_compat.hpp>
#include <feature_tensors.hpp>

using aecnn::shape3;

namespace {

using feature_view = aecnn::tensor_view<const float>;

struct data_set {
  std::vector<std::vector<float>> values;
  std::vector<feature_view> tensors;
  data_set(shape3 s, std::size_t count, bool rectified) {
    for (std::size_t i = 0; i < count; ++i) values.push_back(feature_tensors::make(s, i, rectified));
    for (const auto& v : values) tensors.push_back(feature_tensors::view(v, s));
  }
};

double distance_from_identity(const Eigen::MatrixXd& m) { return (m - Eigen::MatrixXd::Identity(m.rows(), m.cols())).cwiseAbs().maxCoeff(); }

} // namespace

TEST_CASE("the cosine transform is orthonormal and its first row constant") {
  for (std::size_t n = 1; n <= 16; ++n) {
    const Eigen::MatrixXd d = aecnn::detail::cosine_transform(n);
    CHECK(distance_from_identity(d * d.transpose()) < 1e-12);
    for (Eigen::Index i = 0; i < d.cols(); ++i) CHECK(d(0, i) == Approx(1 / std::sqrt(static_cast<double>(n))));
  }
}

TEST_CASE("patches hold the pixels in the order channel, row, column, the last ones repeated") {
  const shape3 shape{2, 3, 5};
  std::vector<float> x;
  for (int i = 0; i < 30; ++i) x.push_back(static_cast<float>(i));
  const Eigen::MatrixXd p = aecnn::detail::patches(feature_tensors::view(x, shape), 2);
  REQUIRE(p.rows() == 8);
  REQUIRE(p.cols() == 2 * 3);
  for (Eigen::Index c = 0; c < 2; ++c)
    for (Eigen::Index y = 0; y < 2; ++y)
      for (Eigen::Index u = 0; u < 3; ++u)
        for (Eigen::Index a = 0; a < 2; ++a)
          for (Eigen::Index b = 0; b < 2; ++b) {
            const auto row = std::min<Eigen::Index>(2 * y + a, 2), column = std::min<Eigen::Index>(2 * u + b, 4);
            REQUIRE(p(c * 4 + a * 2 + b, y * 3 + u) == static_cast<double>(c * 15 + row * 5 + column));
          }
}

TEST_CASE("the transform is orthonormal, sorted by variance, and its latents are uncorrelated with these variances") {
  const data_set data({6, 9, 10}, 10, false);
  for (const std::size_t stride : {1U, 2U, 3U}) {
    CAPTURE(stride);
    const auto a = aecnn::klt_analysis(data.tensors, stride, 1000);
    CHECK(a.stride == stride);
    CHECK(a.orthonormal);
    CHECK(a.channels.empty());
    REQUIRE(a.latents() == 6 * stride * stride);
    CHECK(distance_from_identity(a.rows * a.rows.transpose()) < 1e-9);
    for (Eigen::Index l = 1; l < a.variance.size(); ++l) CHECK(a.variance(l) <= a.variance(l - 1));
    // Statistics of the latents themselves.
    Eigen::VectorXd sum = Eigen::VectorXd::Zero(a.rows.rows()), squares = sum;
    double count = 0, energy = 0;
    for (const auto& x : data.tensors) {
      const Eigen::MatrixXd z = a.rows * aecnn::detail::patches(x, stride);
      sum += z.rowwise().sum();
      squares += z.rowwise().squaredNorm();
      count += static_cast<double>(z.cols());
      energy += (aecnn::detail::patches(x, stride).colwise() - a.patch_mean).squaredNorm();
    }
    const Eigen::VectorXd mean = sum / count, variance = squares / count - mean.cwiseProduct(mean);
    CHECK((mean - a.mean).cwiseAbs().maxCoeff() < 1e-9);
    CHECK((variance - a.variance).cwiseAbs().maxCoeff() < 1e-6 * variance.maxCoeff());
    CHECK(variance.sum() == Approx(energy / count)); // orthonormal and complete: nothing is lost
  }
}

TEST_CASE("few latents hold more variance than any few channels") {
  const data_set data({8, 10, 10}, 10, false);
  const auto klt = aecnn::klt_analysis(data.tensors, 1, 3);
  REQUIRE(klt.latents() == 3);
  const auto all = aecnn::select_analysis(data.tensors, {0, 1, 2, 3, 4, 5, 6, 7});
  std::vector<double> v(all.variance.begin(), all.variance.end());
  std::sort(v.rbegin(), v.rend());
  CHECK(klt.variance.sum() > v[0] + v[1] + v[2]);
}

TEST_CASE("directions without variance are left out, but for one") {
  const std::vector<float> zeros(2 * 16);
  const std::vector<feature_view> tensors(3, feature_tensors::view(zeros, {2, 4, 4}));
  CHECK(aecnn::klt_analysis(tensors, 2, 100).latents() == 1);
  // Two channels that are the same: half of the directions.
  data_set data({2, 8, 8}, 5, false);
  for (auto& v : data.values)
    for (std::size_t i = 0; i < 64; ++i) v[64 + i] = v[i];
  CHECK(aecnn::klt_analysis(data.tensors, 1, 100).latents() == 1);
}

TEST_CASE("selected channels are unit rows with the channels' moments") {
  const data_set data({5, 6, 7}, 4, true);
  const auto a = aecnn::select_analysis(data.tensors, {1, 4});
  CHECK(a.stride == 1);
  CHECK_FALSE(a.orthonormal);
  CHECK(a.channels == std::vector<std::uint16_t>{1, 4});
  REQUIRE(a.rows.rows() == 2);
  REQUIRE(a.rows.cols() == 5);
  CHECK(a.rows.sum() == 2);
  CHECK(a.rows(0, 1) == 1);
  CHECK(a.rows(1, 4) == 1);
  for (const auto& [row, channel] : {std::pair<Eigen::Index, std::size_t>{0, 1}, {1, 4}}) {
    double sum = 0, squares = 0;
    for (const auto& v : data.values)
      for (std::size_t i = 0; i < 42; ++i) {
        const auto x = static_cast<double>(v[channel * 42 + i]);
        sum += x;
        squares += x * x;
      }
    CHECK(a.mean(row) == Approx(sum / 168));
    CHECK(a.variance(row) == Approx(squares / 168 - sum * sum / 168 / 168));
  }
  CHECK(aecnn::select_analysis(data.tensors, {0, 1, 2, 3, 4}).orthonormal);
}
