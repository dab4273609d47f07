// aecnn encode: feature tensors to a file of streams.
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/bitstream/record_file.hpp>
#include <aecnn/analysis_encoder.hpp>
#include <aecnn/entropy/modes.hpp>
#include <aecnn/io/file.hpp>
#include <aecnn/profile_io.hpp>

#include "command.hpp"
#include "features.hpp"
#include "mode.hpp"
#include "operating_points.hpp"
#include "symbol_planes.hpp"

namespace program {
namespace {

struct encode_arguments {
  std::string profile, point = "0", input, output, symbols;
  aecnn::framing frame = aecnn::framing::standard;
  aecnn::entropy_mode mode = aecnn::standard_mode;
  quantisation quantised;
};

report encode(const encode_arguments& a) {
  if (a.quantised.scale && !(*a.quantised.scale >= 1e-30 && *a.quantised.scale <= 1e30))
    throw command_error("--scale: expected 1e-30 to 1e30");
  if (a.quantised.zero_point && (*a.quantised.zero_point < -255 || *a.quantised.zero_point > 255))
    throw command_error("--zero-point: " + std::to_string(*a.quantised.zero_point) + ", expected -255 to 255");
  const aecnn::profile p = aecnn::load_profile(a.profile);
  const std::size_t point = find_point(p, a.profile, a.point);
  const auto features = feature_file::load(a.input, a.quantised);
  auto encoder = in_file(a.profile, aecnn::analysis_encoder::create(p, {.operating_point = point, .frame = a.frame, .mode = a.mode}));

  std::vector<aecnn::symbol> symbols;
  std::vector<std::vector<std::byte>> streams;
  std::size_t stream_bytes = 0;
  for (std::size_t i = 0; i < features.count(); ++i) {
    auto stream = features.visit(i, [&](const auto& view) { return encoder.try_encode(view); });
    if (!stream)
      throw command_error("'" + a.input + "': tensor " + std::to_string(i) + " of " + std::to_string(features.count()) +
                          ": " + stream.error().message);
    stream_bytes += stream->size();
    streams.push_back(*std::move(stream));
    if (!a.symbols.empty()) symbols.insert(symbols.end(), encoder.symbols().begin(), encoder.symbols().end());
  }

  aecnn::record_file file;
  file.frame = a.frame;
  file.profile_hash = p.hash;
  if (a.frame == aecnn::framing::none) {
    file.operating_point = static_cast<std::uint32_t>(point);
    file.mode = a.mode.id;
    if (p.open_extents()) {
      file.height = features.shape().height;
      file.width = features.shape().width;
    }
  }
  file.records.assign(streams.begin(), streams.end());
  std::vector<std::byte> bytes;
  aecnn::write_record_file(file, bytes);
  aecnn::io::write_file(a.output, bytes);
  if (!a.symbols.empty()) write_symbols(a.symbols, symbols, features.count(), encoder.symbols_shape());

  const auto count = static_cast<double>(features.count());
  const double mean = static_cast<double>(stream_bytes) / count;
  const double elements = static_cast<double>(features.shape().size());
  // A bare payload may be empty; there is then no ratio.
  const bool has_ratio = stream_bytes > 0;
  const std::string& name = p.operating_points[point].name;
  report r;
  r.text = "'" + a.output + "': " + std::to_string(features.count()) + " tensors of " +
           aecnn::to_string(features.shape()) + " at operating point " + std::to_string(point) +
           (name.empty() ? "" : " (" + one_line(name) + ")") + ": " + std::to_string(stream_bytes) + " bytes, " +
           decimal(mean, 1) + " a tensor, ratio " + (has_ratio ? decimal(elements * 4 / mean, 1) : "-") +
           " to float32\n";
  r.object = {{"output", a.output},
              {"tensors", features.count()},
              {"shape", {features.shape().channels, features.shape().height, features.shape().width}},
              {"operating_point", point},
              {"name", name},
              {"mode", a.mode.name},
              {"framing", a.frame == aecnn::framing::none ? "none" : "default"},
              {"bytes", bytes.size()},
              {"stream_bytes", stream_bytes},
              {"mean_bytes", mean},
              {"bits_per_element", mean * 8 / elements},
              {"ratio", has_ratio ? json(elements * 4 / mean) : json(nullptr)}};
  if (!a.symbols.empty()) r.object["symbols"] = a.symbols;
  return r;
}

} // namespace

void add_encode(CLI::App& program, invocation& chosen) {
  const auto options = [](CLI::App& c, encode_arguments& a) {
    c.add_option("input", a.input, "Feature tensors: .npy, [N,C,H,W] or [C,H,W]; floating-point, int8 or uint8")
        ->required();
    c.add_option("--profile", a.profile, "Profile")->required();
    c.add_option("--op", a.point, "Operating point, by number or name (0)");
    add_choice(c, "--framing", a.frame, {{"default", aecnn::framing::standard}, {"none", aecnn::framing::none}},
               "Streams with headers, or bare payloads (default)");
    add_mode(c, a.mode);
    c.add_option("--scale", a.quantised.scale, "Of int8 and uint8 elements: value = (element - zero point) * scale");
    c.add_option("--zero-point", a.quantised.zero_point, "Of int8 and uint8 elements (0)");
    c.add_option("--symbols", a.symbols, "Also write the symbols: .npy, uint16 [N,L,h,w]");
    c.add_option("-o,--output", a.output, "File of streams to write")->required();
  };
  add_command<encode_arguments>(program, chosen, "encode", "Encode feature tensors", options,
                                [](const encode_arguments& a, const invocation&) { return encode(a); });
}

} // namespace program
