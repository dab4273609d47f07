// The whole encoder and the whole decoder, at one operating point of profiles that are calibrated here on a few
// tensors: 64 times smaller than 32-bit floats. Synthetic tensors; "choose" weighs every symbol's rate against its
// distortion in the encoder, "nearest" takes the nearest symbols instead, with the same profile otherwise: more bytes,
// less error.
//
// Counters: bytes of float input or output a second, stream bytes a tensor, relative_error (squared, over energy).
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

#include "support/synthetic_features.hpp"

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
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(enc.encode_to(s.tensors[calibrated_on + next], buffer));
    next = (next + 1) % measured_on;
  }
  set_counters(state, s, enc, dec);
}

void decode(benchmark::State& state, aecnn::shape3 shape, aecnn::transform_kind transform) {
  const setup& s = prepare(shape, transform);
  aecnn::encoder enc(s.profile);
  aecnn::decoder dec(s.profile);
  std::vector<std::vector<std::byte>> streams;
  for (std::size_t i = 0; i < measured_on; ++i) streams.push_back(enc.encode(s.tensors[calibrated_on + i]));
  std::vector<float> y(shape.size());
  const auto view = aecnn::tensor_view<float>::chw(y.data(), shape.channels, shape.height, shape.width);
  std::size_t next = 0;
  for (auto _ : state) {
    dec.decode_to(streams[next], view);
    benchmark::DoNotOptimize(y.data());
    next = (next + 1) % measured_on;
  }
  set_counters(state, s, enc, dec);
}

const int registered = [] {
  for (const aecnn::shape3 shape : {aecnn::shape3{16, 32, 32}, {32, 16, 16}, {256, 56, 56}, {512, 28, 28}})
    for (const auto transform : {aecnn::transform_kind::select, aecnn::transform_kind::klt}) {
      const std::string name = to_string(shape) + (transform == aecnn::transform_kind::select ? "/select" : "/klt");
      const auto add = [](const std::string& full, auto run) {
        benchmark::RegisterBenchmark(full.c_str(), run)->Unit(benchmark::kMicrosecond);
      };
      add("encode/" + name + "/choose", [=](benchmark::State& state) { encode(state, shape, transform, true); });
      add("encode/" + name + "/nearest", [=](benchmark::State& state) { encode(state, shape, transform, false); });
      add("decode/" + name, [=](benchmark::State& state) { decode(state, shape, transform); });
    }
  return 0;
}();

} // namespace
