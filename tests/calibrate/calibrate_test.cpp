#include <aecnn/calibrate/calibrate.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <aecnn/codec.hpp>
#include <aecnn/io/npy.hpp>
#include <aecnn/profile_io.hpp>

#include <catch_compat.hpp>
#include <feature_tensors.hpp>

using aecnn::calibrate_options;
using aecnn::errc;
using aecnn::rank_kind;
using aecnn::shape3;
using aecnn::transform_kind;
using feature_view = aecnn::tensor_view<const float>;

namespace {

/// Tensors of one synthetic network.
struct data_set {
  shape3 shape;
  std::vector<std::vector<float>> values;
  std::vector<feature_view> tensors;
  data_set(shape3 s, std::size_t count, bool rectified, std::uint64_t seed = 0) : shape(s) {
    for (std::size_t i = 0; i < count; ++i) values.push_back(feature_tensors::make(s, seed + i, rectified));
    look();
  }
  data_set(shape3 s, std::vector<std::vector<float>> v) : shape(s), values(std::move(v)) { look(); }
  data_set(const data_set& other) : data_set(other.shape, other.values) {}
  data_set& operator=(const data_set&) = delete;

private:
  void look() {
    for (const auto& v : values) tensors.push_back(feature_tensors::view(v, shape));
  }
};

struct outcome {
  double bytes = 0; ///< mean stream length
  double error = 0; ///< sum (x - y)^2 / sum x^2
};
outcome measure(const aecnn::profile& p, std::size_t point, std::span<const feature_view> tensors) {
  aecnn::codec c(p, {.operating_point = point});
  outcome o;
  double squares = 0;
  for (const auto& x : tensors) {
    const auto stream = c.encode(x);
    o.bytes += static_cast<double>(stream.size()) / static_cast<double>(tensors.size());
    const auto y = c.decode(stream);
    for (std::size_t i = 0; i < y.size(); ++i) {
      const double e = static_cast<double>(y.data()[i]) - static_cast<double>(x.data[i]);
      o.error += e * e;
      squares += static_cast<double>(x.data[i]) * static_cast<double>(x.data[i]);
    }
  }
  o.error /= squares > 0 ? squares : 1;
  return o;
}

const shape3 usual{12, 12, 12};

template <class Result>
errc code_of(const Result& r) {
  REQUIRE_FALSE(r.has_value());
  CHECK_FALSE(r.error().message.empty());
  return r.error().code;
}

} // namespace

TEST_CASE("target rates are met within 3 percent and a higher rate means a smaller error") {
  for (const bool rectified : {false, true})
    for (const auto transform : {transform_kind::select, transform_kind::klt}) {
      CAPTURE(rectified, static_cast<int>(transform));
      const data_set data(usual, 24, rectified);
      calibrate_options o;
      o.target_bytes = {400, 150, 60};
      o.transform = transform;
      o.name = "synthetic";
      const auto p = aecnn::calibrate(data.tensors, o);
      CHECK(p.name == "synthetic");
      CHECK(p.shape == usual);
      REQUIRE(p.operating_points.size() == 3);
      REQUIRE(p.networks.size() == 3);
      CHECK(aecnn::check(p).has_value());
      CHECK(p.hash == aecnn::content_hash(p));
      double last = 0;
      for (std::size_t i = 0; i < 3; ++i) {
        const auto found = measure(p, i, data.tensors);
        CAPTURE(o.target_bytes[i], found.bytes, found.error, p.operating_points[i].expected_bytes, p.operating_points[i].expected_error);
        CHECK(p.operating_points[i].expected_bytes == Approx(o.target_bytes[i]).epsilon(0.03));
        // The final states were learnt from all tensors, those of the estimate from half of them: streams may be shorter.
        CHECK(found.bytes < o.target_bytes[i] * 1.03);
        CHECK(found.bytes > o.target_bytes[i] * 0.85);
        CHECK(found.error > last);
        CHECK(found.error < 1);
        CHECK(p.operating_points[i].expected_error == Approx(found.error).epsilon(0.25));
        last = found.error;
      }
      // Tensors that were not seen are not much worse.
      const data_set unseen(usual, 12, rectified, 1000);
      for (std::size_t i = 0; i < 3; ++i) {
        const auto seen = measure(p, i, data.tensors), found = measure(p, i, unseen.tensors);
        CAPTURE(seen.bytes, found.bytes, seen.error, found.error);
        CHECK(found.bytes < 1.3 * seen.bytes + 10);
        CHECK(found.error < 1.5 * seen.error);
      }
    }
}

TEST_CASE("at equal bytes the transform has a smaller error than channels sent as they are") {
  const data_set data(usual, 24, false);
  calibrate_options o;
  o.target_bytes = {300, 100};
  o.probe = false;
  const auto select = aecnn::calibrate(data.tensors, o);
  o.transform = transform_kind::klt;
  const auto klt = aecnn::calibrate(data.tensors, o);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto a = measure(select, i, data.tensors), b = measure(klt, i, data.tensors);
    CAPTURE(a.bytes, b.bytes, a.error, b.error);
    CHECK(b.error < a.error);
    CHECK(b.bytes < 1.05 * a.bytes);
  }
}

TEST_CASE("the reconstruction ranking is no worse than energy, variance and attention") {
  const data_set data(usual, 24, true);
  calibrate_options o;
  o.target_bytes = {120};
  o.probe = false;
  o.rank = rank_kind::reconstruction;
  const double best = measure(aecnn::calibrate(data.tensors, o), 0, data.tensors).error;
  for (const auto rank : {rank_kind::energy, rank_kind::variance, rank_kind::attention}) {
    o.rank = rank;
    const double other = measure(aecnn::calibrate(data.tensors, o), 0, data.tensors).error;
    CAPTURE(static_cast<int>(rank), best, other);
    CHECK(best < 1.1 * other);
  }
}

TEST_CASE("real feature tensors: rates are met and other images decode with a similar error") {
  if (!std::filesystem::exists(AECNN_EXAMPLE_DATA "/resnet56_stage2.npy")) {
    SUCCEED("the examples' data are not there");
    return;
  }
  const auto batch = aecnn::io::load_features(AECNN_EXAMPLE_DATA "/resnet56_stage2.npy");
  std::vector<feature_view> first, second;
  for (std::size_t i = 0; i < 16; ++i) {
    first.push_back(batch[2 * i]);
    second.push_back(batch[2 * i + 1]);
  }
  calibrate_options o;
  o.transform = transform_kind::klt;
  o.max_stride = 2;
  o.target_bytes = {aecnn::bytes_for_ratio(batch.shape, 128)};
  const auto p = aecnn::calibrate(first, o);
  const auto seen = measure(p, 0, first), unseen = measure(p, 0, second);
  CAPTURE(seen.bytes, unseen.bytes, seen.error, unseen.error);
  CHECK(p.operating_points[0].name == "128x");
  CHECK(seen.bytes < 1.03 * o.target_bytes[0]);
  CHECK(unseen.bytes < 1.5 * o.target_bytes[0]); // sixteen tensors are few
  CHECK(unseen.error < 1.2 * seen.error);
  CHECK(seen.error < 0.25);
  CHECK(aecnn::try_verify_probe(p).has_value());
}

TEST_CASE("a calibrated profile's probe verifies, also after saving and loading, and a tampered one does not") {
  const data_set data(usual, 8, true);
  for (const auto transform : {transform_kind::select, transform_kind::klt}) {
    calibrate_options o;
    o.target_bytes = {200, 80};
    o.transform = transform;
    const auto p = aecnn::calibrate(data.tensors, o);
    REQUIRE(p.probe.has_value());
    CHECK(aecnn::try_verify_probe(p).has_value());
    const auto file = aecnn::serialize_profile(p);
    const auto loaded = aecnn::load_profile(std::span<const std::byte>(file));
    CHECK(loaded.hash == p.hash);
    CHECK(aecnn::try_verify_probe(loaded).has_value());
    CHECK((aecnn::serialize_profile(loaded) == file));
    for (std::size_t i = 0; i < 2; ++i) {
      aecnn::encoder a(p, {.operating_point = i}), b(loaded, {.operating_point = i});
      for (const auto& x : data.tensors) CHECK((a.encode(x) == b.encode(x)));
    }
    auto tampered = p;
    tampered.networks[1].weights[0].values[0] += 1;
    CHECK(code_of(aecnn::try_verify_probe(tampered)) == errc::probe_mismatch);
    tampered = p;
    tampered.probe->streams[0].back() ^= std::byte{1};
    CHECK(code_of(aecnn::try_verify_probe(tampered)) == errc::probe_mismatch);
    tampered = p;
    tampered.probe->outputs[1][0] += 1;
    CHECK(code_of(aecnn::try_verify_probe(tampered)) == errc::probe_mismatch);
  }
  calibrate_options o;
  o.target_bytes = {100};
  o.probe = false;
  CHECK_FALSE(aecnn::calibrate(data.tensors, o).probe.has_value());
}

TEST_CASE("calibration is deterministic") {
  const data_set data(usual, 8, true);
  calibrate_options o;
  o.target_bytes = {150};
  for (const auto transform : {transform_kind::select, transform_kind::klt}) {
    o.transform = transform;
    CHECK((aecnn::serialize_profile(aecnn::calibrate(data.tensors, o)) == aecnn::serialize_profile(aecnn::calibrate(data.tensors, o))));
  }
}

TEST_CASE("progress rises from 0 to 1 and names its stages") {
  const data_set data(usual, 6, false);
  for (const auto transform : {transform_kind::select, transform_kind::klt}) {
    std::vector<double> fractions;
    std::vector<std::string> stages;
    calibrate_options o;
    o.target_bytes = {200, 100, 50};
    o.transform = transform;
    o.progress = [&](std::string_view stage, double fraction) {
      stages.emplace_back(stage);
      fractions.push_back(fraction);
    };
    static_cast<void>(aecnn::calibrate(data.tensors, o));
    REQUIRE(fractions.size() > 5);
    CHECK(fractions.front() == 0);
    CHECK(fractions.back() == 1);
    CHECK(std::is_sorted(fractions.begin(), fractions.end()));
    for (const auto& s : stages) CHECK_FALSE(s.empty());
  }
}

TEST_CASE("degenerate data sets give profiles that work") {
  const auto filled = [](shape3 s, std::size_t count, float v) { return data_set(s, std::vector<std::vector<float>>(count, std::vector<float>(s.size(), v))); };
  std::vector<data_set> sets = {
      filled({4, 6, 6}, 5, 0.0F),                    // zeros
      filled({4, 6, 6}, 5, 3.0F),                    // a constant
      filled({4, 6, 6}, 5, -3.1F),                   // one whose square is no float
      filled({4, 6, 6}, 5, 1e-30F),                  // tiny
      filled({4, 6, 6}, 5, 1e17F),                   // huge
      data_set({6, 7, 5}, 1, true),                  // one tensor
      data_set({6, 7, 5}, 2, false),
      data_set({32, 1, 1}, 20, true),                // no spatial extent
      data_set({1, 10, 10}, 10, false),              // one channel
      data_set({1, 1, 1}, 10, false),                // one number
      data_set({3, 1, 17}, 6, false),
      data_set({3, 17, 1}, 6, true),
      data_set({5, 3, 9}, 6, true),
  };
  // One channel that alone is not zero.
  sets.push_back(filled({4, 5, 5}, 6, 0.0F));
  for (auto& v : sets.back().values)
    for (std::size_t i = 0; i < 25; ++i) v[50 + i] = static_cast<float>(i % 7);
  for (std::size_t n = 0; n < sets.size(); ++n)
    for (const auto transform : {transform_kind::select, transform_kind::klt})
      for (const auto rank : {rank_kind::reconstruction, rank_kind::energy, rank_kind::attention}) {
        if (transform == transform_kind::klt && rank != rank_kind::reconstruction) continue;
        for (const double target : {8.0, 60.0}) {
          CAPTURE(n, to_string(sets[n].shape), static_cast<int>(transform), static_cast<int>(rank), target);
          calibrate_options o;
          o.target_bytes = {target};
          o.transform = transform;
          o.rank = rank;
          const auto p = aecnn::try_calibrate(sets[n].tensors, o);
          if (!p) FAIL(p.error().message);
          CHECK(aecnn::check(*p).has_value());
          CHECK(aecnn::try_verify_probe(*p).has_value());
          const auto found = measure(*p, 0, sets[n].tensors);
          CAPTURE(found.bytes, found.error);
          CHECK(std::isfinite(found.error));
          CHECK(found.error <= 1.05);
          CHECK(found.bytes <= std::max(1.25 * target, target + 3));
        }
      }
}

TEST_CASE("constant and zero tensors are reproduced") {
  for (const float v : {0.0F, 3.0F, -3.0F}) {
    const shape3 s{4, 6, 6};
    const data_set data(s, std::vector<std::vector<float>>(5, std::vector<float>(s.size(), v)));
    for (const auto transform : {transform_kind::select, transform_kind::klt}) {
      calibrate_options o;
      o.target_bytes = {30};
      o.transform = transform;
      const auto p = aecnn::calibrate(data.tensors, o);
      aecnn::codec c(p);
      const auto y = c.decode(c.encode(data.tensors[0]));
      for (const float found : y) CHECK(found == Approx(v).margin(0.02));
    }
  }
}

TEST_CASE("open extents: a profile from tensors of one shape codes tensors of others") {
  const data_set data(usual, 12, true);
  for (const auto transform : {transform_kind::select, transform_kind::klt}) {
    calibrate_options o;
    o.target_bytes = {150};
    o.transform = transform;
    o.open_extents = true;
    const auto p = aecnn::calibrate(data.tensors, o);
    CHECK(p.shape == shape3{12, 0, 0});
    CHECK(aecnn::try_verify_probe(p).has_value());
    aecnn::codec c(p);
    for (const auto& shape : {shape3{12, 12, 12}, shape3{12, 1, 1}, shape3{12, 13, 7}, shape3{12, 30, 20}}) {
      const auto x = feature_tensors::make(shape, 5, true);
      const auto y = c.decode(c.encode(feature_tensors::view(x, shape)));
      REQUIRE(y.shape()[1] == shape.height);
      REQUIRE(y.shape()[2] == shape.width);
      double error = 0, squares = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        error += std::pow(static_cast<double>(x[i] - y.data()[i]), 2);
        squares += std::pow(static_cast<double>(x[i]), 2);
      }
      CHECK(error < 0.8 * squares);
    }
  }
}

TEST_CASE("options shape the profile") {
  const data_set data(usual, 8, true);
  calibrate_options o;
  o.target_bytes = {150};
  o.rate_distortion = false;
  CHECK(aecnn::calibrate(data.tensors, o).operating_points[0].lambda == 0);
  o.rate_distortion = true;
  CHECK(aecnn::calibrate(data.tensors, o).operating_points[0].lambda > 0);
  o.transform = transform_kind::klt;
  o.max_stride = 1;
  CHECK(aecnn::calibrate(data.tensors, o).operating_points[0].stride() == 1);
  // Attention that prefers the last channels.
  o.transform = transform_kind::select;
  o.rank = rank_kind::attention;
  o.target_bytes = {40};
  auto& a = o.attention.emplace();
  a.kind = aecnn::attention_kind::se;
  a.channels = 12;
  a.hidden = 1;
  a.w1.assign(12, 0.0F);
  a.b1 = {1.0F};
  for (int c = 0; c < 12; ++c) a.w2.push_back(static_cast<float>(c));
  const auto p = aecnn::calibrate(data.tensors, o);
  const auto& channels = p.operating_points[0].selector.channels;
  REQUIRE(!channels.empty());
  for (std::size_t i = 0; i < channels.size(); ++i) CHECK(channels[i] == 12 - channels.size() + i);
  a.channels = 11;
  CHECK(code_of(aecnn::try_calibrate(data.tensors, o)) == errc::bad_shape);
}

TEST_CASE("inputs that cannot be calibrated on are refused by their cause") {
  const data_set data(usual, 4, true);
  const auto code = [&](std::span<const feature_view> tensors, auto&& change) {
    calibrate_options o;
    o.target_bytes = {100};
    change(o);
    return code_of(aecnn::try_calibrate(tensors, o));
  };
  const auto as_is = [](auto&) {};
  CHECK(code({}, as_is) == errc::invalid_argument);
  CHECK(code(data.tensors, [](auto& o) { o.target_bytes.clear(); }) == errc::invalid_argument);
  CHECK(code(data.tensors, [](auto& o) { o.target_bytes.assign(33, 100); }) == errc::invalid_argument);
  for (const double bad : {0.0, 4.0, -1.0, 1e13, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    CHECK(code(data.tensors, [&](auto& o) { o.target_bytes = {100, bad}; }) == errc::invalid_argument);
  CHECK(code(data.tensors, [](auto& o) { o.max_stride = 0; }) == errc::invalid_argument);
  CHECK(code(data.tensors, [](auto& o) { o.max_stride = 9; }) == errc::invalid_argument);
  CHECK(code(data.tensors, [](auto& o) { o.bounds.max_elements = 100; }) == errc::bad_shape);
  data_set huge(usual, 4, true);
  huge.values[1][5] = -2e18F;
  CHECK(code(huge.tensors, as_is) == errc::invalid_argument);
  auto mixed = data.tensors;
  mixed[2].shape.height = 11;
  CHECK(code(mixed, as_is) == errc::bad_shape);
  for (const auto& shape : {shape3{0, 12, 12}, shape3{12, 0, 12}, shape3{12, 12, 0}}) {
    std::vector<feature_view> empty(3, feature_tensors::view(data.values[0], shape));
    CHECK(code(empty, as_is) == errc::bad_shape);
  }
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()})
    for (const std::size_t at : {std::size_t{0}, usual.size() - 1}) {
      data_set damaged(usual, 4, true);
      damaged.values[3][at] = bad;
      for (const auto transform : {transform_kind::select, transform_kind::klt})
        CHECK(code(damaged.tensors, [&](auto& o) { o.transform = transform; }) == errc::not_finite);
    }
  calibrate_options none;
  CHECK_THROWS_AS(aecnn::calibrate(data.tensors, none), aecnn::error);
}

TEST_CASE("strided tensors calibrate to the same profile") {
  const data_set data(usual, 6, true);
  std::vector<feature_tensors::relaid<float>> memory;
  const int order[3] = {1, 2, 0};
  for (const auto& v : data.values) memory.emplace_back(v, usual, order, 1, 4, 0.0F);
  std::vector<feature_view> strided;
  for (auto& m : memory) strided.emplace_back(m.view());
  calibrate_options o;
  o.target_bytes = {120};
  CHECK((aecnn::serialize_profile(aecnn::calibrate(strided, o)) == aecnn::serialize_profile(aecnn::calibrate(data.tensors, o))));
}
