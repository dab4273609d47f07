// aecnn pack: a profile around networks that were trained elsewhere.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/calibrate/pack.hpp>
#include <aecnn/io/file.hpp>
#include <aecnn/nn/onnx.hpp>
#include <aecnn/profile_io.hpp>
#include <aecnn/select/ranking.hpp>

#include "calibration_files.hpp"
#include "command.hpp"
#include "network_file.hpp"
#include "profile_report.hpp"

namespace program {
namespace {

struct pack_arguments {
  std::string decoder, analysis, attention, channels, output, name;
  std::vector<std::string> inputs;
  int bits = 8;
  std::optional<double> step;
  std::uint32_t lambda = 0;
  bool float16 = false, open_extents = false, no_probe = false;
};

/// "3,1,7" as channel numbers below `most`, sorted.
std::vector<std::uint16_t> parse_channels(const std::string& text, std::size_t most) {
  std::vector<std::uint16_t> channels;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string item = text.substr(begin, end - begin);
    const bool digits = !item.empty() && item.size() < 6 && item.find_first_not_of("0123456789") == std::string::npos;
    if (!digits || std::stoul(item) >= most)
      throw command_error("--channels: '" + text + "', expected numbers of 0 to " + std::to_string(most - 1) +
                          ", separated by commas");
    channels.push_back(static_cast<std::uint16_t>(std::stoul(item)));
    begin = end + 1;
  }
  std::sort(channels.begin(), channels.end());
  if (const auto twice = std::adjacent_find(channels.begin(), channels.end()); twice != channels.end())
    throw command_error("--channels: '" + text + "': " + std::to_string(*twice) + " occurs twice");
  return channels;
}

/// Mean attention of each channel over the tensors.
std::vector<double> attention_scores(const pack_arguments& a, const calibration_files& samples) {
  auto attention = item_network::load(a.attention, "channel attention");
  const aecnn::shape3 shape = samples.shape();
  const auto out = attention.prepare(shape);
  if (aecnn::nn::element_count(out) != shape.channels || out.size() < 2 ||
      static_cast<std::size_t>(out[1]) != shape.channels)
    throw command_error("'" + a.attention + "': output of shape " + joined(out) + " for tensors of " +
                        aecnn::to_string(shape) + ", expected a weight for each channel, 1x" +
                        std::to_string(shape.channels) + "x1x1");
  std::vector<double> scores(shape.channels);
  for (const auto& batch : samples.files)
    for (std::size_t i = 0; i < batch.count; ++i) {
      const auto weights = attention.run(std::span(batch.values).subspan(i * shape.size(), shape.size()));
      for (std::size_t c = 0; c < scores.size(); ++c) scores[c] += static_cast<double>(weights[c]);
    }
  for (double& s : scores) {
    s /= static_cast<double>(samples.tensors.size());
    if (!std::isfinite(s)) throw command_error("'" + a.attention + "': gives a NaN or an infinity");
  }
  return scores;
}

std::vector<std::uint16_t> choose_channels(const pack_arguments& a, const calibration_files& samples) {
  const std::size_t all = samples.shape().channels;
  if (a.attention.empty()) return parse_channels(a.channels, all);
  if (a.channels.find(',') != std::string::npos)
    throw command_error("--attention '" + a.attention +
                        "': without effect on a list of channels, expected how many "
                        "of them in --channels");
  const std::size_t count = parse_channels(a.channels, all + 1)[0];
  if (count == 0) throw command_error("--channels: 0, expected at least 1");
  auto order = aecnn::rank_channels(attention_scores(a, samples));
  order.resize(count);
  std::sort(order.begin(), order.end());
  return order;
}

/// A single convolution runs in integers; anything else is a network.
void set_analysis(const pack_arguments& a, aecnn::pack_options& options) {
  auto graph = aecnn::nn::load_onnx_graph(a.analysis);
  auto layer = aecnn::try_analysis_layer(graph);
  if (layer || layer.error().code != aecnn::errc::unsupported)
    options.analysis = in_file(a.analysis, std::move(layer));
  else
    options.analysis_network = std::move(graph);
}

report pack(const pack_arguments& a) {
  check_output(a.output);
  const auto samples = calibration_files::load(a.inputs);
  aecnn::pack_options options;
  options.decoder = aecnn::nn::load_onnx_graph(a.decoder);
  if (!a.analysis.empty())
    set_analysis(a, options);
  options.channels = choose_channels(a, samples);
  options.name = a.name.empty() ? std::filesystem::path(a.output).stem().string() : a.name;
  options.bits = a.bits;
  options.step = a.step;
  options.lambda = a.lambda;
  options.float16 = a.float16;
  options.open_extents = a.open_extents;
  options.probe = !a.no_probe;
  auto packed = aecnn::try_pack(samples.tensors, options);
  const bool analysis_fails = !packed && packed.error().message.starts_with("analysis network");
  const auto p = in_file(analysis_fails ? a.analysis : a.decoder, std::move(packed));
  const auto bytes = aecnn::serialize_profile(p);
  aecnn::io::write_file(a.output, bytes);

  report r = describe(p);
  std::string list;
  for (const auto c : options.channels) list += (list.empty() ? "" : ",") + std::to_string(c);
  r.text = "'" + a.output + "': " + std::to_string(bytes.size()) + " bytes, from " +
           std::to_string(samples.tensors.size()) + " tensors, channels " + list + '\n' + r.text;
  r.object["output"] = a.output;
  r.object["bytes"] = bytes.size();
  r.object["tensors"] = samples.tensors.size();
  r.object["channels"] = options.channels;
  return r;
}

} // namespace

void add_pack(CLI::App& program, invocation& chosen) {
  const auto options = [](CLI::App& c, pack_arguments& a) {
    c.add_option("--decoder", a.decoder, "Network from the latents [1,L,h,w] to the tensor [1,C,H,W]: .onnx")
        ->required();
    c.add_option("--analysis", a.analysis,
                 "Network from the channels that are sent to the latents: .onnx; one Conv with kernel = stride runs in "
                 "integers, anything else in floating point");
    c.add_option("--attention", a.attention,
                 "Network from a tensor [1,C,H,W] to the importance of its channels, [1,C,1,1] or [1,C]: .onnx");
    c.add_option("--channels", a.channels,
                 "Channels that are sent, 0,3,7; with --attention how many, the most important ones")
        ->required();
    auto* bits = c.add_option("--bits", a.bits, "Levels of a latent: 2^bits (8)")->check(CLI::Range(1, 16));
    c.add_option("--step", a.step,
                 "Step of every latent in the place of a range: what a network needs that was trained with rounding")
        ->check(CLI::Range(1e-20, 1e20))
        ->excludes(bits);
    c.add_option("--lambda", a.lambda,
                 "Price of a bit in the encoder's choice of symbols, in 1/65536 squared steps (0)");
    c.add_flag("--float16", a.float16, "Round the decoder's weights to float16: half the file");
    c.add_option("--calibrate", a.inputs, "Feature tensors of one shape: .npy, [N,C,H,W] or [C,H,W], floating-point")
        ->required();
    c.add_option("--name", a.name, "Name of the profile, for people (the output file's)");
    c.add_flag("--open-extents", a.open_extents, "Let the profile encode tensors of any height and width");
    c.add_flag("--no-probe", a.no_probe, "Leave out the self-check");
    c.add_option("-o,--output", a.output, "Profile to write")->required();
  };
  add_command<pack_arguments>(program, chosen, "pack", "Make a profile from networks that were trained elsewhere",
                              options, [](const pack_arguments& a, const invocation&) { return pack(a); });
}

} // namespace program
