// aecnn info: what is in a profile, a file of streams, a file of symbols, an .npy file or an ONNX file.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <aecnn/bitstream/record_file.hpp>
#include <aecnn/codec.hpp>
#include <aecnn/io/file.hpp>
#include <aecnn/io/npy.hpp>
#include <aecnn/io/profile_source.hpp>
#include <aecnn/profile_io.hpp>

#include "command.hpp"
#if PROGRAM_READS_ONNX
#include "network_info.hpp"
#endif
#include "profile_report.hpp"
#include "symbol_file.hpp"

namespace program {
namespace {

struct info_arguments {
  std::string input, function = "device_profile";
  bool emit_header = false, verify = false;
};

report profile_info(const info_arguments& a, std::span<const std::byte> bytes) {
  const auto p = in_file(a.input, aecnn::try_load_profile(bytes));
  if (a.verify) in_file(a.input, aecnn::try_verify_probe(p));
  if (a.emit_header) {
    const std::string source = in_file(a.input, aecnn::io::try_profile_source(p, a.function));
    return {source, {{"kind", "header"}, {"function", a.function}, {"hash", hexadecimal(p.hash)}, {"source", source}}};
  }
  report r = describe(p);
  r.object["bytes"] = bytes.size();
  if (a.verify) {
    r.object["verified"] = true;
    r.text += "the probe gives the expected streams and tensors\n";
  }
  return r;
}

report streams_info(const info_arguments& a, std::span<const std::byte> bytes) {
  const auto file = in_file(a.input, aecnn::try_parse_record_file(bytes));
  const bool bare = file.frame == aecnn::framing::none;
  std::size_t total = 0, least = file.records.empty() ? 0 : file.records.front().size(), most = 0;
  std::set<std::uint32_t> points;
  std::set<std::string> modes;
  const auto add = [&](std::uint32_t point, std::uint8_t mode) {
    points.insert(point);
    modes.insert(aecnn::entropy_modes[mode].name);
  };
  if (bare) add(file.operating_point, file.mode);
  for (const auto& record : file.records) {
    total += record.size();
    least = std::min(least, record.size());
    most = std::max(most, record.size());
    aecnn::byte_reader reader(record);
    if (bare) continue;
    const auto header = in_file(a.input, aecnn::read_header_start(reader));
    add(header.operating_point, header.mode);
  }
  const std::size_t count = file.records.size();
  const double mean = count == 0 ? 0 : static_cast<double>(total) / static_cast<double>(count);
  std::string mode_names;
  for (const auto& m : modes) mode_names += (mode_names.empty() ? "" : ", ") + m;
  std::string names;
  for (const auto point : points) names += (names.empty() ? "" : ", ") + std::to_string(point);
  report r;
  r.text = std::to_string(count) + (bare ? " bare payloads" : " streams") + " of the profile of content hash " +
           hexadecimal(file.profile_hash) + ", operating points: " + (names.empty() ? "-" : names) + ", modes: " + (mode_names.empty() ? "-" : mode_names) + '\n' +
           std::to_string(total) + " bytes: " + std::to_string(least) + " to " + std::to_string(most) + " each, mean " +
           decimal(mean, 1) + '\n';
  r.object = {{"kind", "streams"},
              {"framing", bare ? "none" : "default"},
              {"profile_hash", hexadecimal(file.profile_hash)},
              {"records", count},
              {"operating_points", points},
              {"modes", modes},
              {"bytes", bytes.size()},
              {"stream_bytes", total},
              {"min_bytes", least},
              {"mean_bytes", mean},
              {"max_bytes", most}};
  return r;
}

report symbols_info(const info_arguments& a, std::span<const std::byte> bytes) {
  const auto f = in_file(a.input, parse_symbol_file(bytes));
  const double bits = static_cast<double>(bytes.size()) * 8 / static_cast<double>(f.shape.size());
  report r;
  r.text = aecnn::to_string(f.shape) + " symbols of " + std::to_string(f.levels) + " levels, mode " + f.mode.name + ", in " +
           std::to_string(bytes.size()) + " bytes, " + decimal(bits, 4) + " bits a symbol\n";
  r.object = {{"kind", "symbols"},     {"shape", {f.shape.channels, f.shape.height, f.shape.width}},
              {"levels", f.levels},    {"mode", f.mode.name},
              {"bytes", bytes.size()}, {"bits_per_symbol", bits}};
  return r;
}

/// What is said of an array's elements; not-finite ones are counted and left out.
struct element_summary {
  std::size_t count = 0, zeros = 0, not_finite = 0;
  double low = std::numeric_limits<double>::infinity(), high = -low, sum = 0;
  void add(double v) {
    ++count;
    if (!std::isfinite(v)) {
      ++not_finite;
      return;
    }
    zeros += v == 0 ? 1 : 0;
    low = std::min(low, v);
    high = std::max(high, v);
    sum += v;
  }
};

template <class T>
void add_all(const aecnn::io::npy_array& array, element_summary& s) {
  for (const T v : array.values<T>().value()) s.add(static_cast<double>(v));
}

report array_info(const info_arguments& a, std::span<const std::byte> bytes) {
  const auto array = in_file(a.input, aecnn::io::try_parse_npy(bytes));
  element_summary s;
  switch (array.type) {
    using enum aecnn::io::npy_type;
  case float16:
    for (const float v : array.floats().value()) s.add(static_cast<double>(v));
    break;
  case float32:
    add_all<float>(array, s);
    break;
  case float64:
    add_all<double>(array, s);
    break;
  case int8:
    add_all<std::int8_t>(array, s);
    break;
  case uint8:
    add_all<std::uint8_t>(array, s);
    break;
  case int16:
    add_all<std::int16_t>(array, s);
    break;
  case uint16:
    add_all<std::uint16_t>(array, s);
    break;
  case int32:
    add_all<std::int32_t>(array, s);
    break;
  case uint32:
    add_all<std::uint32_t>(array, s);
    break;
  case int64:
    add_all<std::int64_t>(array, s);
    break;
  case uint64:
    add_all<std::uint64_t>(array, s);
    break;
  }
  const std::string type(aecnn::io::npy_code(array.type));
  const std::size_t finite = s.count - s.not_finite;
  const auto known = [&](double v) { return finite > 0 ? json(v) : json(nullptr); };
  const double mean = s.sum / static_cast<double>(finite);
  const double zeros = static_cast<double>(s.zeros) / static_cast<double>(s.count);
  report r;
  r.text = "array of " + type + ", shape " + joined(array.shape) + '\n';
  if (finite > 0)
    r.text += "min " + decimal(s.low, 6) + ", max " + decimal(s.high, 6) + ", mean " + decimal(mean, 6) + ", zeros " +
              decimal(100 * zeros, 2) + " %\n";
  if (s.not_finite > 0) r.text += std::to_string(s.not_finite) + " elements are NaN or infinite\n";
  r.object = {{"kind", "npy"},
              {"dtype", type},
              {"shape", array.shape},
              {"bytes", bytes.size()},
              {"min", known(s.low)},
              {"max", known(s.high)},
              {"mean", known(mean)},
              {"zeros", s.count > 0 ? json(zeros) : json(nullptr)},
              {"not_finite", s.not_finite}};
  return r;
}

report info(const info_arguments& a) {
  const auto bytes = aecnn::io::read_file(a.input);
  const auto starts_with = [&](std::string_view magic) {
    return bytes.size() >= magic.size() &&
           std::equal(magic.begin(), magic.end(), bytes.begin(),
                      [](char c, std::byte b) { return static_cast<std::byte>(c) == b; });
  };
  const bool array = starts_with("\x93NUMPY"), streams = starts_with("AECF"), symbols = starts_with("AECS");
#if PROGRAM_READS_ONNX
  // An ONNX file starts with the field ir_version, a profile with the length of its header and that header's brace.
  if (!a.emit_header && !a.verify && starts_with("\x08") && (bytes.size() < 9 || bytes[8] != std::byte{'{'}))
    return network_info(a.input, bytes);
#endif
  if (a.emit_header || a.verify || !(array || streams || symbols)) {
    // A safetensors file starts with the length of its header and the header's brace.
    if (array || streams || symbols || bytes.size() < 9 || bytes[8] != std::byte{'{'})
      throw command_error("'" + a.input +
                          "': " + (bytes.empty() ? "empty, expected a profile" : "not a profile, expected one") +
                          (a.emit_header || a.verify ? "" : ", a file of streams or symbols, .npy or .onnx"));
    return profile_info(a, bytes);
  }
  return array ? array_info(a, bytes) : streams ? streams_info(a, bytes) : symbols_info(a, bytes);
}

} // namespace

void add_info(CLI::App& program, invocation& chosen) {
  const auto options = [](CLI::App& c, info_arguments& a) {
    c.add_option("input", a.input, "Profile, file of streams or symbols, .npy or .onnx")->required();
    auto* header = c.add_flag("--emit-header", a.emit_header, "Print a C++ header with the device's side of a profile");
    c.add_option("--function", a.function, "Name of the header's function (device_profile)")->needs(header);
    c.add_flag("--verify", a.verify, "Check that a profile's probe gives the expected streams and tensors");
  };
  add_command<info_arguments>(program, chosen, "info", "Look into a file", options,
                              [](const info_arguments& a, const invocation&) { return info(a); });
}

} // namespace program
