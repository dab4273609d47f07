// Corrupts the golden streams and profiles and checks what comes of it:
//
//   corruption streams GOLDEN           every single-bit flip and every beginning of every golden stream, with and without a header
//   corruption profiles GOLDEN [EVERY]  every EVERYth single-bit flip (1) and every beginning of every golden profile
//   corruption random GOLDEN COUNT      COUNT random corruptions of the golden streams that have the default header
//
// Each gives an error with a message, or a tensor of the right shape. The default header's checksum has 16 bits: of corrupted streams no
// more than one in 65536 may give other symbols without an error. A profile that loads has the content hash that it had.
// Prints counts; the exit status is 0 only where all of this holds.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/codec.hpp>
#include <aecnn/io/file.hpp>
#include <aecnn/io/npy.hpp>
#include <aecnn/profile_io.hpp>

#include <golden_vectors.hpp>

namespace {

using aecnn::framing;
using bytes = std::vector<std::byte>;

/// What became of corrupted inputs.
struct counts {
  std::uint64_t tried = 0, refused = 0, same = 0, other = 0;
  std::map<std::string, std::uint64_t> errors;

  void refuse(const aecnn::failure& e) {
    if (e.message.empty()) throw std::runtime_error("an error without a message: " + std::string(aecnn::name(e.code)));
    ++refused;
    ++errors[std::string(aecnn::name(e.code))];
  }
  void print(const char* what) const {
    std::printf("%s: %llu tried, %llu refused, %llu with the symbols they had, %llu with others\n", what,
                static_cast<unsigned long long>(tried), static_cast<unsigned long long>(refused), static_cast<unsigned long long>(same),
                static_cast<unsigned long long>(other));
    for (const auto& [code, n] : errors) std::printf("  %-20s %llu\n", code.c_str(), static_cast<unsigned long long>(n));
  }
};

/// A golden stream with the decoder that is meant to get it.
struct stream_case {
  golden::vector v;
  aecnn::shape3 shape;
  bool open = false; ///< extents are in the header
  aecnn::decoder decoder;
};

std::vector<stream_case> streams_of(const std::string& folder) {
  std::map<std::string, aecnn::profile> profiles;
  std::vector<stream_case> cases;
  for (const auto& line : golden::lines_of(folder + "/vectors.txt")) {
    auto v = golden::vector_from(line);
    auto at = profiles.find(v.profile);
    if (at == profiles.end()) at = profiles.emplace(v.profile, aecnn::load_profile(std::filesystem::path(folder + '/' + v.profile + ".aecnn"))).first;
    const auto shape = aecnn::io::load_features(folder + '/' + v.features + ".npy").shape;
    aecnn::decode_options o;
    o.frame = v.frame;
    o.operating_point = v.point;
    const bool bare = v.frame == framing::none, open = at->second.open_extents();
    if (bare) o.mode = v.mode;
    if (bare && open) {
      o.height = shape.height;
      o.width = shape.width;
    }
    aecnn::decoder d(at->second, o);
    cases.push_back({std::move(v), shape, open && !bare, std::move(d)});
  }
  return cases;
}

/// Decodes a corrupted stream; with `reconstruct` to a tensor, else to symbols only.
void decode(stream_case& c, const bytes& stream, bool reconstruct, counts& n) {
  ++n.tried;
  const auto check = [&](const auto& decoded) {
    if (!decoded) {
      n.refuse(decoded.error());
      return false;
    }
    ++(golden::hash(c.decoder.symbols()) == c.v.symbols ? n.same : n.other);
    // A changed header may name other extents; the number of channels is the profile's.
    const aecnn::shape3 shape = c.decoder.shape();
    if (shape.channels != c.shape.channels || (!c.open && shape != c.shape)) throw std::runtime_error("a tensor of another shape");
    return true;
  };
  if (!reconstruct) {
    check(c.decoder.try_decode_symbols(stream));
    return;
  }
  const auto y = c.decoder.try_decode(stream);
  if (!check(y)) return;
  const aecnn::shape3 shape = c.decoder.shape();
  if (y->shape(0) != shape.channels || y->shape(1) != shape.height || y->shape(2) != shape.width)
    throw std::runtime_error("a tensor without the shape that its decoder names");
}

/// Of `n` streams with a checksum, whether no more give other symbols than 16 bits let through: the mean and six standard deviations.
bool within_checksum(const counts& n) {
  const double expected = static_cast<double>(n.tried) / 65536;
  std::printf("  other symbols without an error: %llu, a checksum of 16 bits lets through %.1f of so many\n",
              static_cast<unsigned long long>(n.other), expected);
  return static_cast<double>(n.other) <= expected + 6 * std::sqrt(expected) + 1;
}

bool run_streams(const std::string& folder) {
  std::map<std::string, counts> by_kind;
  for (auto& c : streams_of(folder)) {
    const bool bare = c.v.frame == framing::none;
    counts& n = by_kind[std::string(c.v.mode.name) + (bare ? ", bare payloads" : ", default header")];
    for (std::size_t bit = 0; bit < 8 * c.v.stream.size(); ++bit) {
      bytes s = c.v.stream;
      s[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      decode(c, s, true, n);
    }
    for (std::size_t size = 0; size < c.v.stream.size(); ++size)
      decode(c, bytes(c.v.stream.begin(), c.v.stream.begin() + static_cast<std::ptrdiff_t>(size)), true, n);
  }
  bool good = by_kind.size() == 6;
  for (const auto& [kind, n] : by_kind) {
    n.print(kind.c_str());
    if (kind.ends_with("header")) good = within_checksum(n) && good;
    good = good && n.refused > 0;
  }
  return good;
}

bool run_profiles(const std::string& folder, std::size_t every) {
  std::map<std::string, std::vector<stream_case>> cases;
  for (auto& c : streams_of(folder)) {
    const std::string name = c.v.profile;
    cases[name].push_back(std::move(c));
  }
  bool good = cases.size() == 4;
  for (auto& [name, streams] : cases) {
    const bytes file = aecnn::io::try_read_file(folder + '/' + name + ".aecnn").value();
    const aecnn::profile original = aecnn::try_load_profile(file).value();
    counts n;
    const auto load = [&](std::span<const std::byte> changed) {
      ++n.tried;
      const auto p = aecnn::try_load_profile(changed);
      if (!p) {
        n.refuse(p.error());
        return;
      }
      if (p->hash != original.hash) throw std::runtime_error(name + ": loaded with another hash");
      // What was changed is no part of the content: a name, or a figure about an operating point.
      aecnn::decoder d(*p);
      const auto& v = streams.front().v;
      const auto symbols = d.try_decode_symbols(v.stream);
      if (!symbols) throw std::runtime_error(name + ": loaded, but does not decode its streams");
      ++(golden::hash(*symbols) == v.symbols ? n.same : n.other);
    };
    bytes changed = file;
    for (std::size_t bit = 0; bit < 8 * file.size(); bit += every) {
      changed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      load(changed);
      changed[bit / 8] = file[bit / 8];
    }
    for (std::size_t size = 0; size < file.size(); ++size) load(std::span<const std::byte>(file).first(size));
    n.print(name.c_str());
    good = good && n.other == 0 && n.refused >= file.size();
  }
  return good;
}

/// One of: a few flipped bits, a burst of other bytes, bytes cut out, bytes put in, two bytes exchanged, the end cut off.
void corrupt(bytes& s, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const auto at = [&](std::size_t i) { return s.begin() + static_cast<std::ptrdiff_t>(i); };
  const std::size_t place = below(s.size()), length = 1 + below(std::min<std::size_t>(8, s.size() - place));
  switch (below(6)) {
  case 0:
    for (std::size_t i = 0; i < length; ++i) s[below(s.size())] ^= static_cast<std::byte>(1U << below(8));
    break;
  case 1:
    for (std::size_t i = 0; i < length; ++i) s[place + i] = static_cast<std::byte>(random() & 255);
    break;
  case 2: s.erase(at(place), at(place + length)); break;
  case 3: s.insert(at(place), length, static_cast<std::byte>(random() & 255)); break;
  case 4: std::swap(s[place], s[below(s.size())]); break;
  default: s.resize(place); break;
  }
}

bool run_random(const std::string& folder, std::uint64_t count) {
  auto cases = streams_of(folder);
  std::erase_if(cases, [](const stream_case& c) { return c.v.frame == framing::none; });
  std::mt19937_64 random(1);
  counts n;
  while (n.tried < count) {
    stream_case& c = cases[random() % cases.size()];
    bytes s = c.v.stream;
    do corrupt(s, random);
    while (s == c.v.stream);
    decode(c, s, false, n);
  }
  n.print("random corruptions, default header");
  return within_checksum(n);
}

} // namespace

int main(int argc, char** argv) {
  try {
    const std::string what = argc > 2 ? argv[1] : "", folder = argc > 2 ? argv[2] : "";
    const std::uint64_t number = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
    bool good = false;
    if (what == "streams" && argc == 3)
      good = run_streams(folder);
    else if (what == "profiles" && argc <= 4 && number > 0)
      good = run_profiles(folder, static_cast<std::size_t>(number));
    else if (what == "random" && argc == 4 && number > 0)
      good = run_random(folder, number);
    else
      throw std::runtime_error("usage: corruption streams GOLDEN | profiles GOLDEN [EVERY] | random GOLDEN COUNT");
    std::puts(good ? "all as promised" : "NOT as promised");
    return good ? 0 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "corruption: %s\n", e.what());
    return 1;
  }
}
