// The whole encoder and the whole decoder, at one operating point of profiles that are calibrated here on a few tensors:
// 64 times smaller than 32-bit floats. Synthetic tensors; "choose" weighs every symbol's rate against its distortion in
// the encoder, "nearest" takes the nearest symbols instead, with the same profile otherwise: more bytes, less error.
//
// Counters: bytes of float input or output a second, stream bytes a tensor, relative_error (squared, over energy);
// where zstd is found, zstd_share, the speed as a share of min-max quantisation to 8 bits with zstd -3 on the same
// tensors, and zstd_bytes, the bytes of that.
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include <aecnn/calibrate/calibrate.hpp>
#include <aecnn/codec.hpp>

#include "support/paired_time.hpp"
#include "support/synthetic_features.hpp"
#if AECNN_BENCH_ZSTD
#include "support/min_max.hpp"
#include "support/zstd.hpp"
#endif

namespace {

constexpr std::size_t calibrated_on = 3, measured_on = 2;

struct setup {
  bench::feature_tensors tensors; ///< those measured on are the last
  aecnn::profile profile;
};

const setup& prepare(aecnn::shape3 shape, aecnn::transform_kind transform) {
  static std::map<std::pair<std::size_t, aecnn::transform_kind>, setup> made;
  const std::pair key{shape.channels, transform};
  if (const auto found = made.find(key); found != made.end()) return found->second;
  setup s;
  s.tensors = bench::synthetic_features(shape, calibrated_on + measured_on);
  aecnn::calibrate_options options;
  options.target_bytes = {aecnn::bytes_for_ratio(shape, 64)};
  options.transform = transform;
  options.rank = aecnn::rank_kind::energy;
  options.probe = false;
  options.max_stride = shape.channels > 64 ? 1 : 2;
  const auto views = s.tensors.views();
  s.profile = aecnn::calibrate(std::span(views).first(calibrated_on), options);
  return made.emplace(key, std::move(s)).first->second;
}

void set_counters(benchmark::State& state, const setup& s, aecnn::encoder& enc, aecnn::decoder& dec) {
  double bytes = 0, error = 0, energy = 0;
  for (std::size_t i = calibrated_on; i < s.tensors.values.size(); ++i) {
    const auto stream = enc.encode(s.tensors[i]);
    const auto y = dec.decode(stream);
    bytes += static_cast<double>(stream.size());
    for (std::size_t k = 0; k < y.size(); ++k) {
      const double v = static_cast<double>(s.tensors.values[i][k]), e = v - static_cast<double>(y.data()[k]);
      error += e * e;
      energy += v * v;
    }
  }
  state.counters["bytes"] = bytes / measured_on;
  state.counters["relative_error"] = error / energy;
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(4 * s.tensors.shape.size()));
}

#if AECNN_BENCH_ZSTD
constexpr const char* share = "zstd_share";

/// What the encoder and the decoder are compared with, on the tensors that they are measured on.
class alternative {
public:
  explicit alternative(const setup& s) : tensors_(&s.tensors), rebuilt_(s.tensors.shape.size()) {
    for (std::size_t i = 0; i < measured_on; ++i) {
      const auto frame = compress(i);
      frames_.emplace_back(frame.begin(), frame.end());
    }
  }
  std::span<const std::uint8_t> compress(std::size_t i) {
    bench::quantise_min_max(tensors_->values[calibrated_on + i], 8, symbols_);
    return zstd_.compress(symbols_.symbols);
  }
  /// Mean length of the frames.
  double bytes() const {
    double sum = 0;
    for (const auto& f : frames_) sum += static_cast<double>(f.size());
    return sum / measured_on;
  }
  const float* decompress(std::size_t i) {
    zstd_.decompress(frames_[i], symbols_.symbols);
    for (std::size_t k = 0; k < rebuilt_.size(); ++k) rebuilt_[k] = symbols_.value(k);
    return rebuilt_.data();
  }

private:
  const bench::feature_tensors* tensors_;
  bench::zstd_codec zstd_{3};
  bench::min_max_symbols symbols_;
  std::vector<std::vector<std::uint8_t>> frames_;
  std::vector<float> rebuilt_;
};
#else
constexpr const char* share = nullptr;

struct alternative {
  explicit alternative(const setup&) {}
  double bytes() const { return 0; }
  int compress(std::size_t) { return 0; }
  int decompress(std::size_t) { return 0; }
};
#endif

/// Calls f for the next of the measured tensors, in turn.
template <class Function>
auto for_the_next(Function f) {
  return [f, next = std::size_t{0}]() mutable {
    f(next);
    next = (next + 1) % measured_on;
  };
}

void encode(benchmark::State& state, aecnn::shape3 shape, aecnn::transform_kind transform, bool choose) {
  const setup& s = prepare(shape, transform);
  aecnn::profile p = s.profile;
  if (!choose) {
    p.operating_points[0].lambda = 0;
    seal(p);
  }
  aecnn::encoder enc(p);
  aecnn::decoder dec(p);
  std::vector<std::byte> buffer(4 * shape.size() + 64);
  alternative other(s);
  bench::compare(state, share, 2 * measured_on, for_the_next([&](std::size_t i) {
                   benchmark::DoNotOptimize(enc.encode_to(s.tensors[calibrated_on + i], buffer));
                 }),
                 for_the_next([&](std::size_t i) { benchmark::DoNotOptimize(other.compress(i)); }));
  set_counters(state, s, enc, dec);
  if (share != nullptr) state.counters["zstd_bytes"] = other.bytes();
}

void decode(benchmark::State& state, aecnn::shape3 shape, aecnn::transform_kind transform) {
  const setup& s = prepare(shape, transform);
  aecnn::encoder enc(s.profile);
  aecnn::decoder dec(s.profile);
  std::vector<std::vector<std::byte>> streams;
  for (std::size_t i = 0; i < measured_on; ++i) streams.push_back(enc.encode(s.tensors[calibrated_on + i]));
  std::vector<float> y(shape.size());
  const auto view = aecnn::tensor_view<float>::chw(y.data(), shape.channels, shape.height, shape.width);
  alternative other(s);
  bench::compare(state, share, 2 * measured_on, for_the_next([&](std::size_t i) {
                   dec.decode_to(streams[i], view);
                   benchmark::DoNotOptimize(y.data());
                 }),
                 for_the_next([&](std::size_t i) { benchmark::DoNotOptimize(other.decompress(i)); }));
  set_counters(state, s, enc, dec);
  if (share != nullptr) state.counters["zstd_bytes"] = other.bytes();
}

const int registered = [] {
  for (const aecnn::shape3 shape : {aecnn::shape3{16, 32, 32}, {32, 16, 16}, {256, 56, 56}, {512, 28, 28}})
    for (const auto transform : {aecnn::transform_kind::select, aecnn::transform_kind::klt}) {
      const std::string name = to_string(shape) + (transform == aecnn::transform_kind::select ? "/select" : "/klt");
      const auto add = [](const std::string& full, auto run) {
        benchmark::RegisterBenchmark(full.c_str(), run)->UseManualTime()->Unit(benchmark::kMicrosecond);
      };
      add("encode/" + name + "/choose", [=](benchmark::State& state) { encode(state, shape, transform, true); });
      add("encode/" + name + "/nearest", [=](benchmark::State& state) { encode(state, shape, transform, false); });
      add("decode/" + name, [=](benchmark::State& state) { decode(state, shape, transform); });
    }
  return 0;
}();

} // namespace
