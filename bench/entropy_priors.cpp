// What initial states are worth: bits a symbol against the size of a tensor, cold and with states trained on other images of the same
// network, in the modes default and max. Prints JSON.
//
//   bench_entropy_priors FEATURES.npy...
//
// Every file's tensors are min-max quantised to 8, 6, 4 and 2 bits. Tensors of 64 to 1,024 symbols are 8x8 crops from the middle of 1 to
// 16 channels at equal distances; larger ones are whole tensors, or as many channels as make 4,096 symbols. Even tensors train, odd ones
// are measured, each on its own. Sizes are those of payloads, without headers; they are the same on every machine.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/calibrate/priors.hpp>
#include <aecnn/entropy/modes.hpp>
#include <aecnn/entropy/symbol_coder.hpp>

#include "support/symbol_corpus.hpp"

namespace {

/// `channels` of the tensor's channels at equal distances, of each the h x w symbols in the middle.
bench::symbol_plane crop(const bench::symbol_plane& t, std::size_t channels, std::size_t h, std::size_t w) {
  bench::symbol_plane r{t.bits, {channels, h, w}, t.zero, {}, {}};
  for (std::size_t k = 0; k < channels; ++k)
    for (std::size_t y = 0; y < h; ++y)
      for (std::size_t x = 0; x < w; ++x) {
        const std::size_t row = (k * t.shape.channels / channels * t.shape.height + y + (t.shape.height - h) / 2);
        r.wide.push_back(t.wide[row * t.shape.width + x + (t.shape.width - w) / 2]);
      }
  return r;
}

/// The shape of a tensor of so many symbols cut from a larger one; no channels where there is none.
aecnn::shape3 shape_of(std::size_t symbols, const aecnn::shape3& s) {
  if (symbols == s.size()) return s;
  const std::size_t side = symbols <= 1024 ? 8 : 16;
  const std::size_t channels = symbols / (side * side);
  if (s.height < side || s.width < side || channels > s.channels) return {};
  return {channels, side, side};
}

struct sums {
  double symbols = 0, states = 0, files = 0, bytes[2][2] = {}; ///< by mode, cold and trained
};

std::size_t payload_bytes(const aecnn::context_parameters& p, const bench::symbol_plane& t, const aecnn::entropy_mode& mode) {
  auto coder = aecnn::symbol_coder::create(p, t.shape.channels).value();
  coder.set_mode(mode).value();
  std::vector<std::byte> payload;
  coder.encode(t.wide, t.shape, {}, payload).value();
  return payload.size();
}

void measure(const std::vector<bench::symbol_plane>& tensors, std::size_t symbols, sums& total) {
  const aecnn::shape3 shape = shape_of(symbols, tensors.front().shape);
  if (shape.channels == 0) return;
  aecnn::context_parameters trained;
  trained.levels = 1U << tensors.front().bits;
  // One zero for all: that of the training tensors' mean.
  std::size_t zero = 0, training = 0;
  for (std::size_t i = 0; i < tensors.size(); i += 2, ++training) zero += tensors[i].zero;
  trained.zero = static_cast<std::uint32_t>((zero + training / 2) / training);
  aecnn::context_parameters cold = trained;
  std::vector<std::vector<aecnn::symbol>> planes;
  for (std::size_t i = 0; i < tensors.size(); i += 2) planes.push_back(crop(tensors[i], shape.channels, shape.height, shape.width).wide);
  aecnn::assign_classes(trained, planes, shape.channels);
  aecnn::assign_references(trained, planes, shape.channels);
  aecnn::prior_statistics statistics(trained);
  for (const auto& s : planes) statistics.add(s, shape).value();
  trained.initial = statistics.train();
  total.states += static_cast<double>(trained.initial.size());
  total.files += 1;
  const aecnn::entropy_mode modes[2] = {aecnn::standard_mode, aecnn::max_mode};
  for (std::size_t i = 1; i < tensors.size(); i += 2) {
    const auto t = crop(tensors[i], shape.channels, shape.height, shape.width);
    for (int m = 0; m < 2; ++m) {
      total.bytes[m][0] += static_cast<double>(payload_bytes(cold, t, modes[m]));
      total.bytes[m][1] += static_cast<double>(payload_bytes(trained, t, modes[m]));
    }
    total.symbols += static_cast<double>(t.wide.size());
  }
}

} // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 2) {
      std::fprintf(stderr, "usage: bench_entropy_priors FEATURES.npy...\n");
      return 2;
    }
    std::map<std::pair<int, std::size_t>, sums> all;
    for (int bits : {8, 6, 4, 2})
      for (int i = 1; i < argc; ++i) {
        const auto tensors = bench::quantise_features(argv[i], bits);
        for (const std::size_t n : {64U, 128U, 256U, 512U, 1024U, 4096U, 8192U, 16384U}) measure(tensors, n, all[{-bits, n}]);
      }
    const char* separator = "[";
    for (const auto& [key, s] : all) {
      if (s.symbols == 0) continue;
      const double scale = 8 / s.symbols;
      std::printf("%s\n{\"bits\": %d, \"symbols\": %zu, \"default_cold\": %.5f, \"default_trained\": %.5f, \"max_cold\": %.5f, "
                  "\"max_trained\": %.5f, \"prior_bytes\": %.0f}",
                  separator, -key.first, key.second, s.bytes[0][0] * scale, s.bytes[0][1] * scale, s.bytes[1][0] * scale,
                  s.bytes[1][1] * scale, 2 * s.states / s.files);
      separator = ",";
    }
    std::printf("\n]\n");
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_entropy_priors: %s\n", e.what());
    return 1;
  }
}
