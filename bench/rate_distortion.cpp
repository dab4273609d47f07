// Rate and distortion of calibrated profiles on real feature tensors, as CSV on the standard output.
//
//   bench_rate_distortion FEATURES.npy [--calibrate N]
//
// Calibrates on the first N tensors (half of them unless given) and measures on the others:
//   equal  for each of uniform 8-, 6-, 4- and 2-bit min-max quantisation of all channels with zstd -19, profiles whose
//          mean stream on the measured tensors is not longer than the alternative's mean frame; the ranges that the
//          alternative has to send beside its frame are not counted
//   ladder compression ratios of 16 to 1024 against 32-bit floats
// Ours is every byte of the stream, header included. The progress goes to the standard error. Exit status 1 where a
// profile has not less error at equal bytes, or a payload is not within 2 % + 4 bytes of the ideal code length.
//
// Columns: data, part, codec (zstd, select, klt), rate, bytes (mean a tensor), mse, relative_error (squared error over
// energy), zstd_bytes and zstd_mse of the same rate, excess_bytes (the largest over the tensors of payload, the stream
// without its header, less the ideal code length of its models), allowance_payload and allowance_stream (the largest
// over the tensors of the distance between payload or stream and the ideal code length, as a share of 2 % + 4 bytes),
// seconds (calibration's).
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/calibrate/calibrate.hpp>
#include <aecnn/codec.hpp>
#include <aecnn/io/npy.hpp>

#include "support/min_max.hpp"
#include "support/zstd.hpp"

namespace {

using tensors = std::span<const aecnn::tensor_view<const float>>;

std::span<const float> elements(const aecnn::tensor_view<const float>& x) { return {x.data, x.shape.size()}; }

/// Means over tensors.
struct measurement {
  double bytes = 0, mse = 0, relative_error = 0;
  double excess_bytes = -1e300; ///< largest payload less ideal code length
  double allowance_payload = 0,
         allowance_stream = 0; ///< largest distance from the ideal code length over 2 % + 4 bytes
};

class squared_error {
public:
  void add(std::span<const float> x, std::span<const float> y) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double v = static_cast<double>(x[i]), e = v - static_cast<double>(y[i]);
      error_ += e * e;
      energy_ += v * v;
    }
    count_ += static_cast<double>(x.size());
  }
  double mean() const { return error_ / count_; }
  double relative() const { return energy_ > 0 ? error_ / energy_ : 0; }

private:
  double error_ = 0, energy_ = 0, count_ = 0;
};

/// Adds up -log2 of the probability of every decision, in floating point, and lets the models learn.
struct ideal_length {
  double bits = 0;
  void encode(unsigned bit, aecnn::bit_model& m) {
    const double p1 = static_cast<double>(m.p1()) / 65536;
    bits -= std::log2(bit != 0 ? p1 : 1 - p1);
    m.update(bit);
  }
  void encode_bits(std::uint32_t, int count) { bits += count; }
};

measurement measure_zstd(tensors data, int bits) {
  bench::zstd_codec zstd(19);
  measurement m;
  squared_error error;
  for (const auto& x : data) {
    const bench::min_max_symbols q = bench::quantise_min_max(elements(x), bits);
    std::size_t bytes = zstd.compress(q.symbols).size();
    if (8 % bits == 0 && bits < 8) bytes = std::min(bytes, zstd.compress(bench::pack_symbols(q.symbols, bits)).size());
    m.bytes += static_cast<double>(bytes) / static_cast<double>(data.size());
    std::vector<float> y(q.symbols.size());
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = q.value(i);
    error.add(elements(x), y);
  }
  m.mse = error.mean();
  m.relative_error = error.relative();
  return m;
}

measurement measure(const aecnn::profile& p, std::size_t point, tensors data) {
  aecnn::encoder enc(p, {.operating_point = point});
  aecnn::decoder dec(p);
  const aecnn::operating_point& o = p.operating_points[point];
  auto models = aecnn::context_coder::create(o.entropy, o.latents()).value();
  aecnn::encoder bare(p, {.operating_point = point, .frame = aecnn::framing::none});
  const auto header = static_cast<double>(enc.encode(data.front()).size() - bare.encode(data.front()).size());
  measurement m;
  squared_error error;
  for (const auto& x : data) {
    const std::vector<std::byte> stream = enc.encode(x);
    const auto bytes = static_cast<double>(stream.size());
    m.bytes += bytes / static_cast<double>(data.size());
    ideal_length ideal;
    models.run(enc.symbols(), enc.symbols_shape(), {}, ideal).value();
    const double best = ideal.bits / 8, allowed = 0.02 * best + 4, payload = bytes - header;
    m.excess_bytes = std::max(m.excess_bytes, payload - best);
    m.allowance_payload = std::max(m.allowance_payload, std::abs(payload - best) / allowed);
    m.allowance_stream = std::max(m.allowance_stream, std::abs(bytes - best) / allowed);
    const aecnn::tensor<float> y = dec.decode(stream);
    error.add(elements(x), std::span<const float>(y.data(), y.size()));
  }
  m.mse = error.mean();
  m.relative_error = error.relative();
  return m;
}

struct timed_profile {
  aecnn::profile profile;
  double seconds = 0;
};

timed_profile calibrate(tensors data, aecnn::transform_kind transform, std::vector<double> target_bytes) {
  aecnn::calibrate_options options;
  options.target_bytes = std::move(target_bytes);
  options.transform = transform;
  options.probe = false;
  const auto start = std::chrono::steady_clock::now();
  aecnn::profile p = aecnn::calibrate(data, options);
  return {std::move(p), std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()};
}

struct report {
  std::string data;

  void header() const {
    std::puts("data,part,codec,rate,bytes,mse,relative_error,zstd_bytes,zstd_mse,excess_bytes,allowance_payload,"
              "allowance_stream,seconds");
  }
  void row(const char* part, const char* codec, const std::string& rate, const measurement& m,
           const measurement* zstd = nullptr, double seconds = 0) const {
    std::printf("%s,%s,%s,%s,%.2f,%.6g,%.6g,", data.c_str(), part, codec, rate.c_str(), m.bytes, m.mse,
                m.relative_error);
    if (zstd != nullptr)
      std::printf("%.2f,%.6g,", zstd->bytes, zstd->mse);
    else
      std::printf(",,");
    if (codec == std::string("zstd"))
      std::printf(",,,\n");
    else
      std::printf("%.2f,%.3f,%.3f,%.1f\n", m.excess_bytes, m.allowance_payload, m.allowance_stream, seconds);
    std::fflush(stdout);
  }
};

/// Whether the profiles keep what this program's first lines say.
bool run(const std::filesystem::path& path, std::size_t count) {
  const aecnn::io::feature_batch batch = aecnn::io::load_features(path);
  std::vector<aecnn::tensor_view<const float>> all;
  for (std::size_t i = 0; i < batch.count; ++i) all.push_back(batch[i]);
  if (count == 0) count = all.size() / 2;
  if (count == 0 || count >= all.size())
    throw std::runtime_error("--calibrate: expected fewer tensors than the file has");
  const tensors seen = tensors(all).first(count), unseen = tensors(all).subspan(count);
  const report out{path.stem().string()};
  out.header();

  bool ahead = true;
  const int bits[] = {8, 6, 4, 2};
  std::vector<measurement> zstd;
  std::vector<double> targets;
  for (const int b : bits) {
    zstd.push_back(measure_zstd(unseen, b));
    out.row("equal", "zstd", std::to_string(b) + " bit", zstd.back());
    targets.push_back(0.97 * measure_zstd(seen, b).bytes);
  }
  struct named {
    const char* name;
    aecnn::transform_kind kind;
  };
  const named transforms[] = {{"select", aecnn::transform_kind::select}, {"klt", aecnn::transform_kind::klt}};
  for (const auto& [name, kind] : transforms) {
    const timed_profile ours = calibrate(seen, kind, targets);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      measurement m = measure(ours.profile, i, unseen);
      double seconds = ours.seconds / static_cast<double>(targets.size()), target = targets[i];
      // The measured tensors may be busier than those calibrated on: ask for less until the mean is not above zstd's.
      for (int attempt = 0; attempt < 4 && m.bytes > zstd[i].bytes; ++attempt) {
        target *= 0.99 * zstd[i].bytes / m.bytes;
        const timed_profile again = calibrate(seen, kind, {target});
        m = measure(again.profile, 0, unseen);
        seconds = again.seconds;
      }
      out.row("equal", name, std::to_string(bits[i]) + " bit", m, &zstd[i], seconds);
      ahead = ahead && m.bytes <= zstd[i].bytes && m.mse < zstd[i].mse && m.allowance_payload <= 1;
      std::fprintf(stderr, "%s %s %d bit: %.1f bytes of %.1f, squared error %.3f of the alternative's\n",
                   out.data.c_str(), name, bits[i], m.bytes, zstd[i].bytes, m.mse / zstd[i].mse);
    }
  }
  std::vector<double> ladder;
  std::vector<int> ratios;
  for (int ratio = 16; ratio <= 1024; ratio *= 2) {
    const double target = aecnn::bytes_for_ratio(batch.shape, ratio);
    if (target < 8) break;
    ratios.push_back(ratio);
    ladder.push_back(target);
  }
  for (const auto& [name, kind] : transforms) {
    const timed_profile ours = calibrate(seen, kind, ladder);
    std::fprintf(stderr, "%s %s ladder: %.1f s\n", out.data.c_str(), name, ours.seconds);
    for (std::size_t i = 0; i < ladder.size(); ++i) {
      const measurement m = measure(ours.profile, i, unseen);
      out.row("ladder", name, std::to_string(ratios[i]) + "x", m, nullptr,
              ours.seconds / static_cast<double>(ladder.size()));
      ahead = ahead && m.allowance_payload <= 1;
    }
  }
  return ahead;
}

} // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> given(arguments + 1, arguments + count);
  const bool with_count = given.size() == 3 && given[1] == "--calibrate";
  const std::size_t calibrated = with_count ? std::strtoul(given[2].c_str(), nullptr, 10) : 0;
  if (given.size() != 1 && calibrated == 0) {
    std::fputs("usage: bench_rate_distortion FEATURES.npy [--calibrate N]\n", stderr);
    return 2;
  }
  try {
    return run(given[0], calibrated) ? 0 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
