#include <aecnn/calibrate/reconstruction.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <aecnn/nn/network.hpp>

#include <catch_compat.hpp>
#include <random.hpp>

using aecnn::ridge_statistics;
using Eigen::Index;
using Eigen::MatrixXd;

namespace {

MatrixXd random_matrix(random_integers& random, Index rows, Index columns) {
  MatrixXd m(rows, columns);
  for (Index i = 0; i < m.size(); ++i) m.data()[i] = random.between(-1000, 1000) / 500.0;
  return m;
}

/// A tensor's latents, and what a hidden linear map makes of their neighbourhoods.
struct sample {
  MatrixXd latents, target;
};
MatrixXd apply(const MatrixXd& weights, const MatrixXd& latents, Index h, Index w, Index side) {
  const Index reach = side / 2, l = latents.rows();
  MatrixXd out(weights.rows(), latents.cols());
  for (Index y = 0; y < h; ++y)
    for (Index x = 0; x < w; ++x)
      for (Index o = 0; o < weights.rows(); ++o) {
        double sum = weights(o, l * side * side); // the constant
        for (Index k = 0; k < l; ++k)
          for (Index i = -reach; i <= reach; ++i)
            for (Index j = -reach; j <= reach; ++j)
              if (y + i >= 0 && y + i < h && x + j >= 0 && x + j < w)
                sum += weights(o, (k * side + i + reach) * side + j + reach) * latents(k, (y + i) * w + x + j);
        out(o, y * w + x) = sum;
      }
  return out;
}

} // namespace

TEST_CASE("the regression finds a linear map of each pixel or of its neighbourhood") {
  random_integers random(1);
  for (const Index side : {1, 3}) {
    const Index latents = 3, outputs = 5, h = 9, w = 8;
    const MatrixXd hidden = random_matrix(random, outputs, latents * side * side + 1);
    ridge_statistics sums(3, 5, static_cast<std::size_t>(side));
    double energy = 0;
    for (int t = 0; t < 8; ++t) {
      const MatrixXd z = random_matrix(random, latents, h * w), y = apply(hidden, z, h, w, side);
      sums.add(z, 9, 8, y);
      energy += y.squaredNorm();
    }
    const auto s = sums.solve();
    REQUIRE(s.weights.rows() == outputs);
    REQUIRE(s.weights.cols() == hidden.cols());
    CHECK((s.weights - hidden).cwiseAbs().maxCoeff() < 1e-4);
    CHECK(s.error >= -1e-6 * energy);
    CHECK(s.error < 1e-6 * energy);
  }
}

TEST_CASE("what cannot be explained stays as the error, and noise is not fitted") {
  random_integers random(2);
  ridge_statistics sums(4, 2, 1);
  double energy = 0;
  for (int t = 0; t < 6; ++t) {
    const MatrixXd y = random_matrix(random, 2, 100);
    sums.add(random_matrix(random, 4, 100), 10, 10, y);
    energy += y.squaredNorm();
  }
  const auto s = sums.solve();
  CHECK(s.error <= energy * (1 + 1e-9));
  CHECK(s.error > 0.95 * energy);
  CHECK(s.weights.cwiseAbs().maxCoeff() < 0.2);
}

TEST_CASE("fewer samples than unknowns leave the prior as it is") {
  random_integers random(3);
  ridge_statistics sums(20, 2, 3);
  for (int t = 0; t < 2; ++t) sums.add(random_matrix(random, 20, 20), 4, 5, random_matrix(random, 2, 20));
  CHECK(sums.solve().weights.isZero());
  ridge_statistics one(2, 2, 1);
  one.add(random_matrix(random, 2, 20), 4, 5, random_matrix(random, 2, 20));
  CHECK(one.solve().weights.isZero()); // a single tensor cannot be cross-validated
}

TEST_CASE("merged statistics are those of one pass, in any order") {
  random_integers random(4);
  std::vector<sample> data;
  for (int t = 0; t < 16; ++t) data.push_back({random_matrix(random, 3, 30), random_matrix(random, 4, 30)});
  const auto sums_of = [&](std::size_t first, std::size_t last) {
    ridge_statistics s(3, 4, 3);
    for (std::size_t t = first; t < last; ++t) s.add(data[t].latents, 5, 6, data[t].target);
    return s;
  };
  const auto whole = sums_of(0, 16).solve();
  auto a = sums_of(0, 4);
  a.merge(sums_of(4, 12));
  a.merge(sums_of(12, 16));
  auto b = sums_of(12, 16);
  auto c = sums_of(4, 12);
  c.merge(sums_of(0, 4));
  b.merge(c);
  for (const auto& found : {a.solve(), b.solve()}) {
    CHECK((found.weights - whole.weights).cwiseAbs().maxCoeff() < 1e-9);
    CHECK(found.error == Approx(whole.error));
  }
}

TEST_CASE("the network of a linear decoder computes it") {
  random_integers random(5);
  for (const std::size_t side : {1U, 3U})
    for (const std::size_t stride : {1U, 2U, 3U})
      for (const bool relu : {false, true}) {
        CAPTURE(side, stride, relu);
        const std::size_t latents = 4, channels = 3, h = 5, w = 6, taps = stride * stride;
        aecnn::linear_decoder d;
        d.side = side;
        d.weights = random_matrix(random, static_cast<Index>(channels * taps), static_cast<Index>(latents * side * side));
        d.bias = random_matrix(random, static_cast<Index>(channels * taps), 1);
        const auto g = aecnn::decoder_network(d, latents, stride, relu, "name");
        CHECK(g.name == "name");
        auto net = aecnn::nn::network::create(g, {}).value();
        REQUIRE(net.prepare({latents, h, w}).has_value());
        REQUIRE(net.output_shape() == aecnn::shape3{channels, h * stride, w * stride});
        const MatrixXd z = random_matrix(random, static_cast<Index>(latents), static_cast<Index>(h * w));
        std::vector<float> in, out(channels * h * w * taps);
        for (Index k = 0; k < z.rows(); ++k)
          for (Index i = 0; i < z.cols(); ++i) in.push_back(static_cast<float>(z(k, i)));
        REQUIRE(net.run_to(in, out).has_value());
        MatrixXd all(d.weights.rows(), d.weights.cols() + 1);
        all << d.weights, d.bias;
        const MatrixXd expected = apply(all, z, static_cast<Index>(h), static_cast<Index>(w), static_cast<Index>(side));
        for (std::size_t c = 0; c < channels; ++c)
          for (std::size_t y = 0; y < h * stride; ++y)
            for (std::size_t x = 0; x < w * stride; ++x) {
              double v = expected(static_cast<Index>(c * taps + y % stride * stride + x % stride),
                                  static_cast<Index>(y / stride * w + x / stride));
              if (relu) v = std::max(v, 0.0);
              REQUIRE(static_cast<double>(out[(c * h * stride + y) * w * stride + x]) == Approx(v).margin(1e-4));
            }
      }
}
