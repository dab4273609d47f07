// The frozen vectors in tests/data/golden, which tests/golden/generate.cpp wrote:
//
//   *.aecnn        profiles
//   *.npy          feature tensors [N,C,H,W], float32
//   vectors.txt    a line per stream: profile, features, number of the tensor, operating point, framing (standard or none), mode,
//                  hash of the symbols, 16 values of the decoded tensor (float bits), the stream; all but the first six in hexadecimal
//   bad.txt        a line per damaged stream: profile, operating point, framing, mode (of bare payloads, and of the stream before it
//                  was damaged), height and width of a bare payload with open extents (else 0 0), the errc's name, the stream
//                  ("-" where it is empty)
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <aecnn/bitstream/header.hpp>
#include <aecnn/core/symbol.hpp>
#include <aecnn/entropy/modes.hpp>

namespace golden {

/// FNV-1a over the little-endian bytes.
inline std::uint64_t hash(std::span<const aecnn::symbol> symbols) {
  std::uint64_t h = 0xcbf29ce484222325U;
  for (const auto s : symbols)
    for (const unsigned b : {s & 255U, static_cast<unsigned>(s >> 8)}) h = (h ^ b) * 0x100000001b3U;
  return h;
}
inline std::uint64_t hash(std::span<const std::byte> bytes) {
  std::uint64_t h = 0xcbf29ce484222325U;
  for (const auto b : bytes) h = (h ^ std::to_integer<std::uint64_t>(b)) * 0x100000001b3U;
  return h;
}

inline std::string to_hex(std::uint64_t v, int digits) {
  std::string s;
  for (int i = digits; i-- > 0;) s += "0123456789abcdef"[(v >> (4 * i)) & 15];
  return s;
}
inline std::uint64_t from_hex(const std::string& s) { return std::stoull(s, nullptr, 16); }
inline std::string to_hex(std::span<const std::byte> bytes) {
  std::string s;
  for (const auto b : bytes) s += to_hex(std::to_integer<std::uint64_t>(b), 2);
  return s.empty() ? "-" : s;
}
inline std::vector<std::byte> bytes_from_hex(const std::string& s) {
  std::vector<std::byte> out;
  if (s == "-") return out;
  for (std::size_t i = 0; i + 1 < s.size(); i += 2) out.push_back(static_cast<std::byte>(from_hex(s.substr(i, 2))));
  return out;
}

/// Values of a decoded tensor that a vector holds.
inline constexpr std::size_t sampled = 16;
constexpr std::size_t sample_index(std::size_t i, std::size_t size) { return i * size / sampled; }

struct vector {
  std::string profile, features;
  std::size_t tensor = 0, point = 0;
  aecnn::framing frame = aecnn::framing::standard;
  aecnn::entropy_mode mode;
  std::uint64_t symbols = 0;
  std::vector<float> values;
  std::vector<std::byte> stream;
};
inline aecnn::entropy_mode mode_named(const std::string& name) {
  const auto* const mode = aecnn::find_mode(name);
  if (mode == nullptr) throw std::runtime_error("golden vectors: no mode " + name);
  return *mode;
}
inline std::string to_line(const vector& v) {
  std::string s = v.profile + ' ' + v.features + ' ' + std::to_string(v.tensor) + ' ' + std::to_string(v.point) +
                  (v.frame == aecnn::framing::none ? " none " : " standard ") + v.mode.name + ' ' + to_hex(v.symbols, 16) + ' ';
  for (const float f : v.values) s += to_hex(std::bit_cast<std::uint32_t>(f), 8);
  return s + ' ' + to_hex(v.stream);
}
inline vector vector_from(const std::string& line) {
  std::istringstream in(line);
  vector v;
  std::string frame, mode, symbols, values, stream;
  if (!(in >> v.profile >> v.features >> v.tensor >> v.point >> frame >> mode >> symbols >> values >> stream))
    throw std::runtime_error("vectors.txt: not a vector: " + line.substr(0, 80));
  v.frame = frame == "none" ? aecnn::framing::none : aecnn::framing::standard;
  v.mode = mode_named(mode);
  v.symbols = from_hex(symbols);
  for (std::size_t i = 0; i + 8 <= values.size(); i += 8)
    v.values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(from_hex(values.substr(i, 8)))));
  v.stream = bytes_from_hex(stream);
  return v;
}

struct bad_vector {
  std::string profile;
  std::size_t point = 0;
  aecnn::framing frame = aecnn::framing::standard;
  aecnn::entropy_mode mode;
  std::size_t height = 0, width = 0;
  std::string code;
  std::vector<std::byte> stream;
};
inline std::string to_line(const bad_vector& v) {
  return v.profile + ' ' + std::to_string(v.point) + (v.frame == aecnn::framing::none ? " none " : " standard ") + v.mode.name + ' ' +
         std::to_string(v.height) + ' ' + std::to_string(v.width) + ' ' + v.code + ' ' + to_hex(v.stream);
}
inline bad_vector bad_vector_from(const std::string& line) {
  std::istringstream in(line);
  bad_vector v;
  std::string frame, mode, stream;
  if (!(in >> v.profile >> v.point >> frame >> mode >> v.height >> v.width >> v.code >> stream))
    throw std::runtime_error("bad.txt: not a vector: " + line.substr(0, 80));
  v.frame = frame == "none" ? aecnn::framing::none : aecnn::framing::standard;
  v.mode = mode_named(mode);
  v.stream = bytes_from_hex(stream);
  return v;
}

inline std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    if (!line.empty() && line[0] != '#') lines.push_back(line);
  return lines;
}

} // namespace golden
