// Quickstart: calibrates a profile on one half of a set of real feature tensors, encodes and decodes the other half,
// and prints what it costs and what it loses at every operating point.
//
//   quickstart FOLDER      the folder of resnet56_stage2.npy: examples/data
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <aecnn/aecnn.hpp>

namespace {

using feature_view = aecnn::tensor_view<const float>; // pointer, shape [C,H,W] and strides

/// Microseconds that f() takes.
template <class Function>
double microseconds(Function&& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> v) {
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

/// Calibrates on `samples` for a ladder of ratios, by way of a file, as a real program would have it.
aecnn::profile make_profile(const std::vector<feature_view>& samples, aecnn::transform_kind transform,
                            const std::filesystem::path& file) {
  aecnn::calibrate_options options;
  options.name = "ResNet-56, stage 2";
  options.transform = transform;
  for (const double ratio : {16, 32, 64, 128, 256, 512, 1024})
    options.target_bytes.push_back(aecnn::bytes_for_ratio(samples.front().shape, ratio));
  aecnn::save_profile(aecnn::calibrate(samples, options), file);
  return aecnn::load_profile(file);
}

/// Encodes and decodes `tensors` at every operating point of the profile.
void print_table(const aecnn::profile& profile, const std::vector<feature_view>& tensors) {
  std::printf("%8s %13s %8s %8s %12s %9s %10s %10s\n", "point", "bytes/tensor", "ratio", "ratio to", "bits/element",
              "relative", "encode", "decode");
  std::printf("%8s %13s %8s %8s %12s %9s %10s %10s\n", "", "", "to f32", "8 bits", "", "error", "us", "us");
  const double elements = static_cast<double>(profile.shape.size());
  for (std::size_t point = 0; point < profile.operating_points.size(); ++point) {
    aecnn::encoder encoder(profile, {.operating_point = point}); // the device
    aecnn::decoder decoder(profile);                             // the server: reads the point from the stream
    std::vector<std::byte> stream;
    aecnn::tensor<float> y;
    std::vector<double> encode_times, decode_times;
    double bytes = 0, squared_error = 0, energy = 0;
    for (const feature_view& x : tensors) {
      encode_times.push_back(microseconds([&] { stream = encoder.encode(x); }));
      decode_times.push_back(microseconds([&] { y = decoder.decode(stream); }));
      bytes += static_cast<double>(stream.size());
      for (std::size_t i = 0; i < y.size(); ++i) {
        const double original = static_cast<double>(x.data[i]),
                     difference = original - static_cast<double>(y.data()[i]);
        squared_error += difference * difference;
        energy += original * original;
      }
    }
    bytes /= static_cast<double>(tensors.size());
    std::printf("%8s %13.1f %8.1f %8.1f %12.4f %9.4f %10.1f %10.1f\n", profile.operating_points[point].name.c_str(),
                bytes, 4 * elements / bytes, elements / bytes, 8 * bytes / elements, std::sqrt(squared_error / energy),
                median(encode_times), median(decode_times));
  }
}

/// The entropy modes at one operating point: the same symbols and tensors, other bytes and times.
void print_modes(const aecnn::profile& profile, std::size_t point, const std::vector<feature_view>& tensors) {
  std::printf("\nEntropy modes at %s:", profile.operating_points[point].name.c_str());
  for (const aecnn::entropy_mode& mode : aecnn::entropy_modes) {
    aecnn::encoder encoder(profile, {.operating_point = point, .mode = mode});
    aecnn::decoder decoder(profile);
    std::vector<std::byte> stream;
    std::vector<double> encode_times, decode_times;
    double bytes = 0;
    for (const feature_view& x : tensors) {
      encode_times.push_back(microseconds([&] { stream = encoder.encode(x); }));
      decode_times.push_back(microseconds([&] { decoder.decode(stream); }));
      bytes += static_cast<double>(stream.size()) / static_cast<double>(tensors.size());
    }
    std::printf("%s %s %.1f bytes, %.0f and %.0f us", mode == aecnn::standard_mode ? "" : ";", mode.name, bytes, median(encode_times),
                median(decode_times));
  }
  std::printf("\n");
}

} // namespace

int main(int argc, char** argv) {
  try {
    const std::filesystem::path folder = argc > 1 ? argv[1] : "examples/data";
    const aecnn::io::feature_batch features = aecnn::io::load_features(folder / "resnet56_stage2.npy");
    std::vector<feature_view> samples, others;
    for (std::size_t i = 0; i < features.count; ++i) (i < features.count / 2 ? samples : others).push_back(features[i]);
    std::printf(
        "%zu feature tensors of %s, float32: %zu bytes each. Calibrated on %zu of them, measured on the other %zu.\n",
        features.count, aecnn::to_string(features.shape).c_str(), features.shape.size() * sizeof(float), samples.size(),
        others.size());
    std::printf(
        "Relative error: sqrt(sum (x - y)^2 / sum x^2) over all elements. Times: median over the tensors, one core.\n");

    const auto file =
        std::filesystem::temp_directory_path() / ("quickstart" + std::to_string(std::random_device()()) + ".aecnn");
    for (const auto transform : {aecnn::transform_kind::klt, aecnn::transform_kind::select}) {
      const aecnn::profile profile = make_profile(samples, transform, file);
      std::printf("\n%s (profile file: %ju bytes)\n",
                  transform == aecnn::transform_kind::klt
                      ? "klt: the device projects all channels of small pixel blocks"
                      : "select: the device sends some channels, the server predicts the others",
                  static_cast<std::uintmax_t>(std::filesystem::file_size(file)));
      print_table(profile, others);
      print_modes(profile, 0, others);
    }
    std::filesystem::remove(file);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "quickstart: %s\n", e.what());
    return 1;
  }
}
