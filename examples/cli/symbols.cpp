// aecnn symbols: the entropy coder alone, on planes of 8-bit symbols. Both directions report sizes and speeds.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/entropy/modes.hpp>
#include <aecnn/entropy/symbol_coder.hpp>
#include <aecnn/io/file.hpp>

#include "command.hpp"
#include "mode.hpp"
#include "symbol_file.hpp"

namespace program {
namespace {

struct symbols_arguments {
  std::string input, output, shape;
  aecnn::entropy_mode mode = aecnn::standard_mode;
  bool mode_given = false; ///< decode: checked
  unsigned levels = 0; ///< 0: not given
  unsigned repeat = 3;
};

aecnn::symbol_coder make_coder(const symbol_file& f) {
  aecnn::context_parameters p;
  p.levels = f.levels;
  p.zero = f.zero;
  auto coder = aecnn::symbol_coder::create(p, f.shape.channels).value();
  coder.set_mode(f.mode).value();
  return coder;
}

std::vector<std::byte> encode_payload(const symbol_file& f, std::span<const aecnn::symbol> symbols) {
  std::vector<std::byte> payload;
  make_coder(f).encode(symbols, f.shape, {}, payload).value();
  return payload;
}

/// Seconds of the fastest of `repeat` calls.
template <class Function>
double fastest(unsigned repeat, Function&& f) {
  double best = 0;
  for (unsigned i = 0; i < repeat; ++i) {
    const auto start = std::chrono::steady_clock::now();
    f();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = i == 0 ? seconds : std::min(best, seconds);
  }
  return std::max(best, 1e-9); // a clock may be too coarse for a few symbols
}

/// Sizes, and speeds in memory: from and to 16-bit symbols, coder and buffers at hand.
report measure(const symbols_arguments& a, const symbol_file& f, std::span<const aecnn::symbol> symbols,
               std::size_t file_bytes) {
  auto coder = make_coder(f);
  std::vector<std::byte> payload;
  std::vector<aecnn::symbol> decoded(symbols.size());
  payload.reserve(f.payload.size() + 16);
  const double encoding = fastest(a.repeat, [&] {
    payload.clear();
    coder.encode(symbols, f.shape, {}, payload).value();
  });
  const double decoding = fastest(a.repeat, [&] { coder.decode(f.payload, f.shape, {}, decoded).value(); });
  if (!std::equal(decoded.begin(), decoded.end(), symbols.begin(), symbols.end()))
    throw command_error("'" + a.input + "': the decoded symbols are not the encoded ones");
  const double count = static_cast<double>(symbols.size()), megabytes = count / 1e6;
  const double bits = static_cast<double>(file_bytes) * 8 / count;
  report r;
  r.text = "'" + a.output + "': " + aecnn::to_string(f.shape) + " symbols of " + std::to_string(f.levels) +
           " levels, coded in " + std::to_string(file_bytes) + " bytes, " + decimal(bits, 4) +
           " bits a symbol; encoder " + decimal(megabytes / encoding, 1) + " MB/s, decoder " +
           decimal(megabytes / decoding, 1) + " MB/s\n";
  r.object = {{"output", a.output},
              {"shape", {f.shape.channels, f.shape.height, f.shape.width}},
              {"levels", f.levels},
              {"mode", f.mode.name},
              {"symbols", symbols.size()},
              {"bytes", file_bytes},
              {"bits_per_symbol", bits},
              {"encode_mb_per_s", megabytes / encoding},
              {"decode_mb_per_s", megabytes / decoding}};
  return r;
}

void check_arguments(const symbols_arguments& a) {
  if (a.levels == 1 || a.levels > 256)
    throw command_error("--levels: " + std::to_string(a.levels) + ", expected 2 to 256");
  if (a.repeat < 1) throw command_error("--repeat: 0, expected at least 1");
}

report encode(const symbols_arguments& a) {
  check_arguments(a);
  if (a.levels == 0) throw command_error("--levels: 0, expected 2 to 256");
  symbol_file f;
  f.levels = a.levels;
  f.mode = a.mode;
  f.shape = parse_shape("--shape", a.shape);
  const auto bytes = aecnn::io::read_file(a.input);
  if (bytes.size() != f.shape.size())
    throw command_error("'" + a.input + "': " + std::to_string(bytes.size()) + " bytes, expected " +
                        std::to_string(f.shape.size()) + ", one for each symbol of " + aecnn::to_string(f.shape));
  std::vector<aecnn::symbol> symbols(bytes.size());
  std::array<std::size_t, 256> counts{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    symbols[i] = std::to_integer<aecnn::symbol>(bytes[i]);
    if (symbols[i] >= f.levels)
      throw command_error("'" + a.input + "': symbol " + std::to_string(symbols[i]) + " at byte " + std::to_string(i) +
                          ", expected below " + std::to_string(f.levels));
    ++counts[symbols[i]];
  }
  // The coder codes distances from one symbol: the lowest, or the most frequent, whatever takes fewer bytes.
  auto payload = encode_payload(f, symbols);
  const auto frequent = static_cast<std::uint32_t>(std::max_element(counts.begin(), counts.end()) - counts.begin());
  if (frequent != 0) {
    auto other = f;
    other.zero = frequent;
    if (auto shorter = encode_payload(other, symbols); shorter.size() < payload.size()) {
      payload = std::move(shorter);
      f = other;
    }
  }
  f.payload = payload;
  const auto file = format_symbol_file(f);
  auto r = measure(a, f, symbols, file.size());
  aecnn::io::write_file(a.output, file);
  return r;
}

report decode(const symbols_arguments& a) {
  check_arguments(a);
  const auto bytes = aecnn::io::read_file(a.input);
  const auto f = in_file(a.input, parse_symbol_file(bytes));
  if (!a.shape.empty() && parse_shape("--shape", a.shape) != f.shape)
    throw command_error("'" + a.input + "': symbols of " + aecnn::to_string(f.shape) + ", expected --shape " + a.shape);
  if (a.levels != 0 && a.levels != f.levels)
    throw command_error("'" + a.input + "': symbols of " + std::to_string(f.levels) + " levels, expected --levels " +
                        std::to_string(a.levels));
  if (a.mode_given && a.mode != f.mode)
    throw command_error("'" + a.input + "': symbols of mode " + f.mode.name + ", expected --mode " + a.mode.name);
  std::vector<aecnn::symbol> symbols(f.shape.size());
  in_file(a.input, make_coder(f).decode(f.payload, f.shape, {}, symbols));
  std::vector<std::byte> plane(symbols.size());
  for (std::size_t i = 0; i < plane.size(); ++i) plane[i] = static_cast<std::byte>(symbols[i]);
  auto r = measure(a, f, symbols, bytes.size());
  aecnn::io::write_file(a.output, plane);
  return r;
}

} // namespace

void add_symbols(CLI::App& program, invocation& chosen) {
  CLI::App* group = program.add_subcommand("symbols", "The entropy coder alone, on planes of 8-bit symbols");
  group->require_subcommand(1);
  const auto options = [](CLI::App& c, symbols_arguments& a, bool encoding) {
    c.add_option("input", a.input,
                 encoding ? "Symbols [C,H,W], one byte each" : "File of symbols, as symbols encode writes it")
        ->required();
    add_mode(c, a.mode)->each([&a](const std::string&) { a.mode_given = true; });
    c.add_option("--shape", a.shape, encoding ? "CxHxW" : "CxHxW, checked")->required(encoding);
    c.add_option("--levels", a.levels, encoding ? "Symbols are below it: 2 to 256" : "2 to 256, checked")
        ->required(encoding);
    c.add_option("--repeat", a.repeat, "Runs, of which the fastest gives the speed (3)");
    c.add_option("-o,--output", a.output, encoding ? "File of symbols to write" : "Symbols to write, one byte each")
        ->required();
  };
  add_command<symbols_arguments>(
      *group, chosen, "encode", "Encode a plane of symbols",
      [options](CLI::App& c, symbols_arguments& a) { options(c, a, true); },
      [](const symbols_arguments& a, const invocation&) { return encode(a); });
  add_command<symbols_arguments>(
      *group, chosen, "decode", "Decode a plane of symbols",
      [options](CLI::App& c, symbols_arguments& a) { options(c, a, false); },
      [](const symbols_arguments& a, const invocation&) { return decode(a); });
}

} // namespace program
