// What run.sh compiles in many ways: encodes and decodes tensors and tells all that must not depend on how it was
// compiled.
//
//   exactness run GOLDEN OUT COUNT [FEATURES.npy PROFILE.aecnn]...
//       for every profile of the golden vectors and its tensors, and up to COUNT tensors of every FEATURES.npy under
// its
//       PROFILE.aecnn, a line per tensor, operating point and mode: hash of the symbols, hash and length of the stream.
// Writes the
//       decoded tensors to OUT: per tensor a 64-bit count, then 32-bit floats, little-endian. The slow mode max has a
// quarter of the
//       tensors. And a line of the hash of what a network in integers gives; another network's floats go to OUT.
//   exactness compare OUT OUT
//       the largest difference of two such files relative to the largest magnitude of its tensor; exit status 1 above
// 1e-5.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/codec.hpp>
#include <aecnn/core/bytes.hpp>
#include <aecnn/entropy/modes.hpp>
#include <aecnn/io/file.hpp>
#include <aecnn/io/npy.hpp>
#include <aecnn/profile_io.hpp>

#include <golden_vectors.hpp>

#include "networks.hpp"

namespace {

using bytes = std::vector<std::byte>;

/// The same values channels-last in double: other loops of the encoder, the same stream.
bytes encode_channels_last(aecnn::encoder& e, const aecnn::tensor_view<const float>& x) {
  const aecnn::shape3 s = x.shape;
  std::vector<double> copy(s.size());
  for (std::size_t c = 0; c < s.channels; ++c)
    for (std::size_t i = 0; i < s.area(); ++i)
      copy[i * s.channels + c] = static_cast<double>(x.data[c * s.area() + i]);
  return e.encode(aecnn::tensor_view<const double>::hwc(copy.data(), s.channels, s.height, s.width));
}

void run(const std::string& label, const aecnn::profile& p, const aecnn::io::feature_batch& batch, std::size_t count, bytes& out) {
  aecnn::decoder d(p);
  for (std::size_t i = 0; i < p.operating_points.size(); ++i)
    for (const auto& mode : aecnn::entropy_modes) {
      aecnn::encoder e(p, {.operating_point = i, .mode = mode});
      for (std::size_t t = 0; t < batch.count && t < count; ++t) {
        if (mode == aecnn::max_mode && t % 4 != 0) continue;
        const bytes stream = e.encode(batch[t]);
        const std::uint64_t symbols = golden::hash(e.symbols());
        std::cout << label << " point " << i << " tensor " << t << " mode " << mode.name << " symbols " << golden::to_hex(symbols, 16)
                  << " stream " << golden::to_hex(golden::hash(stream), 16) << " bytes " << stream.size() << '\n';
        if (golden::hash(d.try_decode_symbols(stream).value()) != symbols) throw std::runtime_error(label + ": other symbols decoded");
        if (mode != aecnn::standard_mode) continue; // the symbols, and so the tensor, are those of the default mode
        if (encode_channels_last(e, batch[t]) != stream) throw std::runtime_error(label + ": channels-last elements give another stream");
        const auto y = d.decode(stream);
        aecnn::byte_writer w(out);
        w.u64(y.size());
        for (std::size_t k = 0; k < y.size(); ++k) w.f32(y.data()[k]);
      }
    }
}

int compare(const std::string& a_path, const std::string& b_path) {
  const bytes a_bytes = aecnn::io::try_read_file(a_path).value(), b_bytes = aecnn::io::try_read_file(b_path).value();
  aecnn::byte_reader a(a_bytes), b(b_bytes);
  double worst = 0;
  while (a.remaining() > 0 || b.remaining() > 0) {
    const std::uint64_t n = a.u64();
    if (b.u64() != n || a.failed() || b.failed()) throw std::runtime_error(b_path + ": other tensors than in " + a_path);
    double difference = 0, largest = 0;
    for (std::uint64_t k = 0; k < n; ++k) {
      const auto x = static_cast<double>(a.f32()), y = static_cast<double>(b.f32());
      difference = std::max(difference, std::abs(x - y));
      largest = std::max(largest, std::abs(x));
    }
    if (a.failed() || b.failed()) throw std::runtime_error(b_path + ": too short");
    worst = std::max(worst, largest > 0 ? difference / largest : difference);
  }
  std::cout << worst << '\n';
  return worst <= 1e-5 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    if (arguments.size() == 3 && arguments[0] == "compare") return compare(arguments[1], arguments[2]);
    if (arguments.size() < 4 || arguments[0] != "run" || arguments.size() % 2 != 0) {
      std::cerr << "usage: exactness run GOLDEN OUT COUNT [FEATURES.npy PROFILE.aecnn]... | exactness compare OUT OUT\n";
      return 2;
    }
    const std::string folder = arguments[1] + '/';
    const std::size_t count = std::stoul(arguments[3]);
    bytes out;
    std::set<std::pair<std::string, std::string>> seen;
    for (const auto& line : golden::lines_of(folder + "vectors.txt")) {
      const auto v = golden::vector_from(line);
      if (!seen.insert({v.profile, v.features}).second) continue;
      run(v.profile + ' ' + v.features, aecnn::load_profile(std::filesystem::path(folder + v.profile + ".aecnn")),
          aecnn::io::load_features(folder + v.features + ".npy"), static_cast<std::size_t>(-1), out);
    }
    for (std::size_t i = 4; i < arguments.size(); i += 2) {
      const auto p = aecnn::load_profile(std::filesystem::path(arguments[i + 1]));
      run("features " + std::to_string(i / 2 - 2), p, aecnn::io::load_features(arguments[i]), count, out);
    }
    const std::vector<float> integers = networks::run_integers(), floats = networks::run_floats();
    bytes bits;
    aecnn::byte_writer exact(bits);
    for (const float v : integers) exact.f32(v);
    std::cout << "network in integers " << golden::to_hex(golden::hash(bits), 16) << '\n';
    aecnn::byte_writer w(out);
    w.u64(floats.size());
    for (const float v : floats) w.f32(v);
    aecnn::io::try_write_file(arguments[2], out).value();
  } catch (const std::exception& e) {
    std::cerr << "exactness: " << e.what() << '\n';
    return 1;
  }
}
