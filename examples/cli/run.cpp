// aecnn run: arrays through a network, and how long that takes.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/io/npy.hpp>
#include <aecnn/nn/quantized_network.hpp>
#include <aecnn/nn/thread_pool.hpp>

#include "command.hpp"
#include "network_file.hpp"

namespace program {
namespace {

struct run_arguments {
  std::string network;
  std::vector<std::string> inputs, outputs;
  std::optional<std::string> samples; ///< none runs the network in floats
  std::size_t threads = 1, repeat = 1;
  bool exact = false;
};

double since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The shapes to run with: those of the arrays; a batch of 1 is added where the network declares one more extent.
std::vector<std::vector<std::int64_t>> shapes_for(const run_arguments& a, const aecnn::nn::graph& g,
                                                  const std::vector<float_array>& arrays) {
  if (arrays.size() != g.inputs.size()) {
    std::string names;
    for (const auto& n : g.inputs) names += (names.empty() ? "'" : ", '") + n + "'";
    throw command_error("'" + a.network + "': " + std::to_string(arrays.size()) + " arrays for " +
                        std::to_string(g.inputs.size()) + " inputs, expected one for each of " + names);
  }
  std::vector<std::vector<std::int64_t>> shapes;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    shapes.push_back(arrays[i].shape);
    if (!g.input_shapes.empty() && shapes[i].size() + 1 == g.input_shapes[i].size() && g.input_shapes[i][0] <= 1)
      shapes[i].insert(shapes[i].begin(), 1);
  }
  return shapes;
}

/// How many items the arrays hold for a network that takes one at a time; 1 where it takes them as they are.
std::size_t item_count(const aecnn::nn::graph& g, const std::vector<std::vector<std::int64_t>>& shapes) {
  std::int64_t items = 0;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const bool one = !g.input_shapes.empty() && !g.input_shapes[i].empty() && g.input_shapes[i][0] == 1;
    if (!one || shapes[i].size() != g.input_shapes[i].size() || (i > 0 && shapes[i][0] != items)) return 1;
    items = shapes[i][0];
  }
  return static_cast<std::size_t>(std::max<std::int64_t>(items, 1));
}

struct calibration {
  aecnn::nn::quantization integers;
  std::size_t samples;
  double seconds;
};

/// Chooses the network's integers by the samples of the file `path`: items of the input, or a batch of any size where the
/// network takes it.
calibration calibrate(const run_arguments& a, const std::string& path, const aecnn::nn::graph& g,
                      const aecnn::nn::network_options& options) {
  if (g.inputs.size() != 1 || g.outputs.size() != 1)
    throw command_error("--int8: '" + a.network + "' has " + std::to_string(g.inputs.size()) + " inputs and " +
                        std::to_string(g.outputs.size()) + " outputs, expected 1 and 1");
  std::vector<float_array> arrays;
  arrays.push_back(float_array::load(path));
  auto shapes = shapes_for(a, g, arrays);
  const std::size_t items = item_count(g, shapes);
  auto& shape = shapes[0];
  const std::size_t count = shape.empty() ? 0 : static_cast<std::size_t>(shape[0]);
  if (items > 1) shape[0] = 1;
  const std::span<const float> values(arrays[0].values);
  std::vector<std::span<const float>> samples;
  for (std::size_t i = 0; i < items; ++i)
    samples.push_back(values.subspan(i * (values.size() / items), values.size() / items));
  aecnn::nn::quantization_options how;
  how.network = options;
  const auto start = std::chrono::steady_clock::now();
  auto integers = aecnn::nn::calibrate_quantization(g, samples, shape, how);
  if (!integers)
    throw command_error("--int8: '" + a.network + "' with the samples of '" + path + "': " + integers.error().message);
  return {std::move(*integers), count, since(start)};
}

aecnn::status run_item(aecnn::nn::network& net, std::span<const std::span<const float>> in,
                       std::span<const std::span<float>> out) {
  return net.run_to(in, out);
}
aecnn::status run_item(aecnn::nn::quantized_network& net, std::span<const std::span<const float>> in,
                       std::span<const std::span<float>> out) {
  return net.run_to(in[0], out[0]);
}

/// Runs the network that `create` makes; reading its file took `reading` seconds.
template <class Create>
report run(const run_arguments& a, const std::vector<float_array>& arrays, double reading, const Create& create) {
  const auto start = std::chrono::steady_clock::now();
  auto net = in_file(a.network, create());
  const auto& g = *net.source();
  auto shapes = shapes_for(a, g, arrays);
  const std::size_t items = item_count(g, shapes);
  if (items > 1)
    for (auto& shape : shapes) shape[0] = 1;
  if (!std::equal(shapes.begin(), shapes.end(), net.input_shapes().begin(), net.input_shapes().end()))
    in_file(a.network, net.prepare(shapes));
  const double load = reading + since(start);
  if (!a.outputs.empty() && a.outputs.size() != g.outputs.size())
    throw command_error("--output: " + std::to_string(a.outputs.size()) + " files for " +
                        std::to_string(g.outputs.size()) + " outputs of '" + a.network + "', expected one for each");
  std::vector<std::vector<std::int64_t>> out_shapes(net.output_shapes().begin(), net.output_shapes().end());
  for (auto& shape : out_shapes) {
    if (items == 1) continue;
    if (shape.empty() || shape[0] != 1)
      throw command_error("'" + a.network + "': output of shape " + joined(shape) + " for one of " +
                          std::to_string(items) + " items, expected a first extent of 1");
    shape[0] = static_cast<std::int64_t>(items);
  }

  std::optional<aecnn::nn::thread_pool> pool;
  if (a.threads > 1) net.use(&pool.emplace(a.threads));
  std::vector<std::vector<float>> found;
  for (const auto& shape : out_shapes) found.emplace_back(aecnn::nn::element_count(shape));
  const auto part = [&](auto& values, std::size_t item) {
    const std::size_t size = values.size() / items;
    return std::span(values).subspan(item * size, size);
  };
  std::vector<std::span<const float>> in(arrays.size());
  std::vector<std::span<float>> out(found.size());
  std::vector<double> seconds;
  for (std::size_t k = 0; k < a.repeat * items; ++k) {
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = part(arrays[i].values, k % items);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = part(found[i], k % items);
    const auto begin = std::chrono::steady_clock::now();
    const auto done = run_item(net, in, out);
    seconds.push_back(since(begin));
    in_file(a.network, done);
  }
  net.use(nullptr);
  std::sort(seconds.begin(), seconds.end());
  const std::size_t half = seconds.size() / 2;
  const double median = seconds.size() % 2 == 1 ? seconds[half] : (seconds[half - 1] + seconds[half]) / 2;

  report r;
  r.object = {{"network", a.network}, {"inputs", json::array()}, {"outputs", json::array()}};
  for (std::size_t i = 0; i < g.inputs.size(); ++i) {
    r.object["inputs"].push_back({{"name", g.inputs[i]}, {"shape", arrays[i].shape}});
    r.text += "input '" + one_line(g.inputs[i]) + "': " + joined(arrays[i].shape) + '\n';
  }
  for (std::size_t i = 0; i < g.outputs.size(); ++i) {
    const auto& shape = out_shapes[i];
    json output{{"name", g.outputs[i]}, {"shape", shape}};
    r.text += "output '" + one_line(g.outputs[i]) + "': " + joined(shape);
    if (!a.outputs.empty()) {
      aecnn::io::save_npy(a.outputs[i], found[i], std::vector<std::size_t>(shape.begin(), shape.end()));
      output["file"] = a.outputs[i];
      r.text += ", '" + a.outputs[i] + "'";
    }
    r.text += '\n';
    r.object["outputs"].push_back(std::move(output));
  }
  r.text += "loaded in " + decimal(1e3 * load, 2) + " ms; " + std::to_string(seconds.size()) +
            (seconds.size() == 1 ? " run" : " runs") + " on " + std::to_string(a.threads) +
            (a.threads == 1 ? " thread" : " threads") + ": median " + decimal(1e6 * median, 1) + " us, minimum " +
            decimal(1e6 * seconds[0], 1) + " us\n";
  r.object["threads"] = a.threads;
  r.object["runs"] = seconds.size();
  r.object["load_ms"] = 1e3 * load;
  r.object["median_us"] = 1e6 * median;
  r.object["minimum_us"] = 1e6 * seconds[0];
  r.object["multiply_adds"] = net.multiply_adds();
  return r;
}

report run(const run_arguments& a) {
  namespace nn = aecnn::nn;
  std::vector<float_array> arrays;
  for (const auto& path : a.inputs) arrays.push_back(float_array::load(path));

  const auto start = std::chrono::steady_clock::now();
  nn::network_options options;
  options.exact = a.exact;
  options.bounds = network_limits();
  const auto g = std::make_shared<const nn::graph>(nn::load_onnx_graph(a.network, {.bounds = options.bounds}));
  const double reading = since(start);
  if (!a.samples) return run(a, arrays, reading, [&] { return nn::network::create(g, options); });

  auto chosen = calibrate(a, *a.samples, *g, options);
  report r =
      run(a, arrays, reading, [&] { return nn::quantized_network::create(g, std::move(chosen.integers), options); });
  r.text += "int8, calibrated with " + std::to_string(chosen.samples) + (chosen.samples == 1 ? " sample" : " samples") +
            " of '" + *a.samples + "' in " + decimal(1e3 * chosen.seconds, 2) + " ms\n";
  r.object["calibration"] = {{"file", *a.samples}, {"samples", chosen.samples}, {"ms", 1e3 * chosen.seconds}};
  return r;
}

} // namespace

void add_run(CLI::App& program, invocation& chosen) {
  const auto options = [](CLI::App& c, run_arguments& a) {
    c.add_option("network", a.network, "Network: .onnx")->required();
    c.add_option("inputs", a.inputs, "An array for each input of the network: .npy, floating-point")->required();
    c.add_option("-o,--output", a.outputs, "File to write, .npy; once for each output of the network")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    c.add_option("--threads", a.threads, "Threads, the calling one included (1)")->check(CLI::Range(1, 32));
    c.add_option("--repeat", a.repeat, "Times that the arrays are run (1)")->check(CLI::Range(1, 1000000));
    auto* exact = c.add_flag("--exact", a.exact, "Without Winograd's convolutions: slower, smaller rounding errors");
    c.add_option("--int8", a.samples, "Run in integers, calibrated with the samples in this array of inputs: .npy")
        ->excludes(exact);
  };
  add_command<run_arguments>(program, chosen, "run", "Run a network on arrays", options,
                             [](const run_arguments& a, const invocation&) { return run(a); });
}

} // namespace program
