// aecnn decode: a file of streams to feature tensors.
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include <aecnn/bitstream/record_file.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/decoder.hpp>
#include <aecnn/io/file.hpp>
#include <aecnn/io/npy.hpp>
#include <aecnn/profile_io.hpp>

#include "command.hpp"
#include "symbol_planes.hpp"

namespace program {
namespace {

struct decode_arguments {
  std::string profile, input, output, symbols;
};

report decode(const decode_arguments& a) {
  const aecnn::limits bounds;
  const aecnn::profile p = aecnn::load_profile(a.profile);
  const auto bytes = aecnn::io::read_file(a.input);
  const auto file = in_file(a.input, aecnn::try_parse_record_file(bytes));
  const auto refuse = [&](const std::string& what) { throw command_error("'" + a.input + "': " + what); };
  if (file.profile_hash != p.hash)
    refuse("written with the profile of content hash " + hexadecimal(file.profile_hash) + ", expected " +
           hexadecimal(p.hash) + ", that of '" + a.profile + "'");
  if (file.records.empty()) refuse("no records, expected at least 1");
  aecnn::decode_options options;
  options.frame = file.frame;
  options.operating_point = file.operating_point;
  options.mode = aecnn::entropy_modes[file.mode];
  options.height = file.height;
  options.width = file.width;
  if (file.frame == aecnn::framing::none) {
    if (file.operating_point >= p.operating_points.size())
      refuse("operating point " + std::to_string(file.operating_point) + ", expected below " +
             std::to_string(p.operating_points.size()));
    if ((file.height != 0 && file.width != 0) != p.open_extents())
      refuse("extents " + std::to_string(file.height) + "x" + std::to_string(file.width) + ", expected " +
             (p.open_extents() ? "both above 0" : "0x0 with a profile that fixes them"));
  }
  auto decoder = in_file(a.profile, aecnn::decoder::create(p, options));

  std::vector<float> values;
  std::vector<aecnn::symbol> symbols;
  aecnn::shape3 shape{}, planes{};
  std::set<std::size_t> points;
  const std::size_t count = file.records.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::string record = "record " + std::to_string(i) + " of " + std::to_string(count) + ": ";
    const auto y = decoder.try_decode(file.records[i]);
    if (!y) refuse(record + y.error().message);
    if (i == 0) {
      // A few bytes may stand for many elements: the sum of them is bounded, too.
      shape = decoder.shape();
      if (shape.size() > bounds.max_file_bytes / sizeof(float) / count)
        refuse(std::to_string(count) + " tensors of " + aecnn::to_string(shape) + ", expected at most " +
               std::to_string(bounds.max_file_bytes) + " bytes of elements");
      values.reserve(count * shape.size());
    }
    if (decoder.shape() != shape)
      refuse(record + "tensor of " + aecnn::to_string(decoder.shape()) + ", expected " + aecnn::to_string(shape) +
             " as in record 0");
    values.insert(values.end(), y->begin(), y->end());
    points.insert(decoder.operating_point_index());
    if (a.symbols.empty()) continue;
    if (i == 0) planes = decoder.symbols_shape();
    if (decoder.symbols_shape() != planes)
      refuse(record + "symbols of " + aecnn::to_string(decoder.symbols_shape()) + ", expected " +
             aecnn::to_string(planes) + " as in record 0 for --symbols");
    symbols.insert(symbols.end(), decoder.symbols().begin(), decoder.symbols().end());
  }
  const auto array = aecnn::io::format_npy(values, {count, shape.channels, shape.height, shape.width});
  aecnn::io::write_file(a.output, array);
  if (!a.symbols.empty()) write_symbols(a.symbols, symbols, count, planes);

  report r;
  r.text = "'" + a.output + "': " + std::to_string(count) + " tensors of " + aecnn::to_string(shape) + '\n';
  r.object = {{"output", a.output},
              {"tensors", count},
              {"shape", {shape.channels, shape.height, shape.width}},
              {"operating_points", points},
              {"bytes", array.size()}};
  if (!a.symbols.empty()) r.object["symbols"] = a.symbols;
  return r;
}

} // namespace

void add_decode(CLI::App& program, invocation& chosen) {
  const auto options = [](CLI::App& c, decode_arguments& a) {
    c.add_option("input", a.input, "File of streams, as encode writes it")->required();
    c.add_option("--profile", a.profile, "Profile that the streams were written with")->required();
    c.add_option("--symbols", a.symbols, "Also write the symbols: .npy, uint16 [N,L,h,w]");
    c.add_option("-o,--output", a.output, "Feature tensors to write: .npy, float32 [N,C,H,W]")->required();
  };
  add_command<decode_arguments>(program, chosen, "decode", "Decode feature tensors", options,
                                [](const decode_arguments& a, const invocation&) { return decode(a); });
}

} // namespace program
