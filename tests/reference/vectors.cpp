// Writes what check.py decodes with the reference decoder, into a folder:
//   planes.jsonl      random planes of symbols of every kind, their payloads in every mode and checksums, and damaged
//                     payloads with what the library says of them
//   profile<i>.aecnn  profiles of every kind, with record files profile<i>*.aec of all modes
//   records.jsonl     symbols and values (the bits of binary32) that the records of these files stand for
//   headers.jsonl     headers, good and bad, of a profile with open extents
// The same on every machine.
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <aecnn/bitstream/checksum.hpp>
#include <aecnn/bitstream/record_file.hpp>
#include <aecnn/encoder.hpp>
#include <aecnn/entropy/context_coder.hpp>
#include <aecnn/entropy/modes.hpp>
#include <aecnn/entropy/symbol_coder.hpp>
#include <aecnn/io/file.hpp>
#include <aecnn/profile_io.hpp>
#include <aecnn/quantize/uniform_quantizer.hpp>

#include <example_profiles.hpp>

namespace {

using aecnn::symbol;
using payload = std::vector<std::byte>;

/// SplitMix64.
class random {
public:
  explicit random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  /// 0 to n - 1.
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>((bits() >> 32) * n >> 32); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }

private:
  std::uint64_t state_;
};

std::string hexadecimal(std::span<const std::byte> bytes) {
  std::string s;
  for (const std::byte b : bytes)
    for (const int shift : {4, 0}) s += "0123456789abcdef"[(std::to_integer<unsigned>(b) >> shift) & 15];
  return s;
}

/// One JSON object, member by member.
class object {
public:
  template <class T>
  object& add(std::string_view key, const T& value) {
    text_ += text_.empty() ? "{\"" : ", \"";
    text_ += key;
    text_ += "\": ";
    put(value);
    return *this;
  }
  std::string line() const { return text_ + "}\n"; }

private:
  void put(const char* s) { text_ += '"' + std::string(s) + '"'; }
  void put(std::string_view s) { text_ += '"' + std::string(s) + '"'; }
  void put(const std::string& s) { text_ += '"' + s + '"'; }
  void put(const payload& bytes) { put(hexadecimal(bytes)); }
  template <class T>
    requires std::is_integral_v<T>
  void put(T v) { text_ += std::to_string(v); }
  template <class T>
  void put(const std::vector<T>& v) {
    text_ += '[';
    for (std::size_t i = 0; i < v.size(); ++i) {
      if (i > 0) text_ += ',';
      put(v[i]);
    }
    text_ += ']';
  }
  std::string text_;
};

void write_text(const std::filesystem::path& path, std::string_view text) {
  aecnn::io::write_file(path, std::as_bytes(std::span(text.data(), text.size())));
}

/// Numbers of levels: the smallest, the largest, and those around the changes of the layout.
std::uint32_t random_levels(random& r) {
  constexpr std::array<std::uint32_t, 16> some = {2, 3, 4, 5, 8, 15, 16, 17, 18, 31, 32, 33, 256, 257, 65535, 65536};
  if (r.one_in(2)) return some[r.below(some.size())];
  const std::uint32_t bits = 1 + r.below(16);
  return 2 + r.below((1u << bits) - 1);
}

std::uint32_t random_zero(random& r, std::uint32_t levels) {
  switch (r.below(4)) {
  case 0:
    return 0;
  case 1:
    return levels / 2;
  case 2:
    return levels - 1;
  default:
    return r.below(levels);
  }
}

/// Planes with some structure: rare or frequent, small or large distances, repeated from the left or not.
std::vector<symbol> random_symbols(random& r, const aecnn::context_parameters& p, aecnn::shape3 shape,
                                   std::span<const std::uint8_t> mask) {
  std::vector<symbol> s(shape.size(), static_cast<symbol>(p.zero));
  for (std::size_t c = 0; c < shape.channels; ++c) {
    if (!mask.empty() && mask[c] == 0) continue;
    const std::uint32_t rarity = 1 + r.below(6), spread = 1 + r.below(17), copies = 1 + r.below(8);
    for (std::size_t i = c * shape.area(); i < (c + 1) * shape.area(); ++i) {
      if (!r.one_in(rarity)) continue;
      if (i > c * shape.area() && r.one_in(copies)) {
        s[i] = s[i - 1];
        continue;
      }
      const std::int64_t magnitude = r.below(1u << spread) + 1;
      const std::int64_t d = r.one_in(2) ? -magnitude : magnitude;
      const std::int64_t q = p.zero + d;
      s[i] = static_cast<symbol>(q < 0 ? 0 : q >= p.levels ? p.levels - 1 : q);
    }
  }
  return s;
}

/// A copy with one kind of damage, which may by chance be none.
payload damaged(random& r, payload b) {
  switch (r.below(8)) {
  case 0:
    if (!b.empty()) b.pop_back();
    break;
  case 1:
    b.push_back(std::byte{0});
    break;
  case 2:
    b.push_back(static_cast<std::byte>(1 + r.below(255)));
    break;
  case 3:
    if (!b.empty()) b[r.below(static_cast<std::uint32_t>(b.size()))] ^= static_cast<std::byte>(1u << r.below(8));
    break;
  case 4:
    b.resize(b.size() + 9, static_cast<std::byte>(1 + r.below(255)));
    break;
  case 5: // zeros to the end of all that is read, and more
    b.resize(b.size() + 12);
    b.push_back(std::byte{1});
    break;
  case 6:
    if (!b.empty()) b.back() = static_cast<std::byte>(std::to_integer<unsigned>(b.back()) - 1);
    break;
  default:
    b.resize(r.below(24));
    for (auto& x : b) x = static_cast<std::byte>(r.one_in(3) ? 255 : r.below(256));
  }
  return b;
}

/// An encoder that ends at the first plain bits, with the lowest code that is in the interval but above all of their
/// values: range is no multiple of their number.
class above_plain_bits {
public:
  void encode(unsigned bit, aecnn::bit_model& m) {
    if (found) return;
    const std::uint64_t split = (range_ >> 16) * m.p1();
    m.update(bit);
    if (bit == 0) add(split);
    range_ = bit ? split : range_ - split;
    if (range_ >> 32 == 0) {
      put(4);
      low_ <<= 32;
      range_ <<= 32;
    }
  }
  void encode_bits(std::uint32_t, int count) {
    if (found || range_ % (1u << count) == 0) return;
    add((range_ >> count) << count);
    put(8);
    found = true;
  }
  payload bytes;
  bool found = false;

private:
  void add(std::uint64_t v) {
    low_ += v;
    if (low_ < v)
      for (std::size_t i = bytes.size(); i-- > 0;)
        if ((bytes[i] = static_cast<std::byte>(std::to_integer<unsigned>(bytes[i]) + 1)) != std::byte{0}) break;
  }
  void put(int count) {
    for (int i = 0; i < count; ++i) bytes.push_back(static_cast<std::byte>(low_ >> (56 - 8 * i) & 255));
  }
  std::uint64_t low_ = 0, range_ = ~std::uint64_t{0};
};

/// An object with what the library makes of a payload.
object verdict(aecnn::symbol_coder& coder, const payload& bytes, aecnn::shape3 shape, std::size_t mask_size) {
  std::vector<std::uint8_t> mask(mask_size);
  std::vector<symbol> symbols(shape.size());
  const auto decoded = coder.decode(bytes, shape, mask, symbols);
  object o;
  o.add("payload", bytes);
  if (decoded)
    o.add("mask", mask).add("symbols", symbols);
  else
    o.add("error", aecnn::name(decoded.error().code));
  return o;
}

/// How many planes of a mode: one of `one_in` is large, up to `largest` rows and columns, for models to settle.
struct amount {
  int planes = 0;
  std::uint32_t one_in = 0, largest = 0;
  int damaged = 0; ///< copies of each payload
};

/// Payloads of random planes, good and damaged.
void add_planes(random& r, const aecnn::entropy_mode& mode, amount n, std::string& text) {
  for (int number = 0; number < n.planes; ++number) {
    aecnn::context_parameters p;
    p.levels = random_levels(r);
    p.zero = random_zero(r, p.levels);
    const std::uint32_t extent = r.one_in(n.one_in) ? n.largest : 7;
    const aecnn::shape3 shape{1 + r.below(5), 1 + r.below(extent), 1 + r.below(extent)};
    if (r.one_in(2)) {
      p.classes = static_cast<std::uint8_t>(1 + r.below(3));
      for (std::size_t c = 0; c < shape.channels; ++c)
        p.channel_class.push_back(static_cast<std::uint8_t>(r.below(p.classes)));
    }
    if (r.one_in(2))
      for (std::size_t c = 0; c < shape.channels; ++c)
        p.reference.push_back(c == 0 || r.one_in(4)
                                  ? aecnn::context_parameters::no_reference
                                  : static_cast<std::uint16_t>(r.below(static_cast<std::uint32_t>(c))));
    std::vector<std::uint8_t> mask;
    if (r.one_in(3))
      for (std::size_t c = 0; c < shape.channels; ++c) {
        p.mask_prior.push_back(static_cast<std::uint16_t>(32 + r.below(65504 - 32 + 1)));
        mask.push_back(static_cast<std::uint8_t>(r.below(2)));
      }
    // Packed states by a formula that check.py repeats; 0: none.
    const std::uint32_t factor = r.one_in(2) ? 0 : 2 * r.below(32768) + 1;
    if (factor != 0) {
      const std::uint32_t states = p.classes * aecnn::context_layout(p.levels, p.zero).state_count();
      for (std::uint32_t i = 0; i < states; ++i) p.initial.push_back(static_cast<std::uint16_t>(factor * i));
    }
    auto coder = aecnn::symbol_coder::create(p, shape.channels).value();
    coder.set_mode(mode).value();
    const auto symbols = random_symbols(r, p, shape, mask);
    payload bytes;
    coder.encode(symbols, shape, mask, bytes).value();
    const std::uint64_t hash = r.bits();
    const std::uint32_t point = r.below(32);

    object o;
    o.add("mode", +mode.id);
    o.add("levels", p.levels).add("zero", p.zero).add("classes", +p.classes).add("channel_class", p.channel_class);
    o.add("reference", p.reference).add("mask_prior", p.mask_prior).add("factor", factor);
    o.add("shape", std::vector<std::size_t>{shape.channels, shape.height, shape.width});
    o.add("payload", bytes).add("mask", mask).add("symbols", symbols);
    o.add("hash", std::to_string(hash)).add("point", point);
    o.add("checksum", aecnn::symbol_checksum(symbols, hash, point));
    const std::size_t height = 1 + r.below(1 << 14), width = 1 + r.below(1 << 14);
    o.add("extents", std::vector<std::size_t>{height, width});
    o.add("open_checksum", aecnn::symbol_checksum(symbols, hash, point, aecnn::coded_extents(true, height, width)));
    text += o.line();
    // Lines with fewer members belong to the parameters above them.
    for (int i = 0; i < n.damaged; ++i) text += verdict(coder, damaged(r, bytes), shape, mask.size()).line();
    above_plain_bits above_plain;
    if (mode == aecnn::standard_mode) {
      auto standard = aecnn::context_coder::create(p, shape.channels).value();
      standard.run(symbols, shape, mask, above_plain).value();
    }
    if (above_plain.found) text += verdict(coder, above_plain.bytes, shape, mask.size()).line();
    // A tail that fits, behind bytes above the interval.
    for (const std::size_t filled : {std::size_t{4}, std::size_t{8}, std::size_t{12}}) {
      if (bytes.size() <= filled || n.damaged < 4) continue;
      payload above = bytes;
      for (std::size_t i = 0; i < filled; ++i) above[i] = std::byte{255};
      text += verdict(coder, above, shape, mask.size()).line();
    }
  }
}

/// Payloads whose mask has all of the unlikely bits: the bytes above the interval decode to the same mask.
void add_unlikely_mask(const aecnn::entropy_mode& mode, std::string& text) {
  aecnn::context_parameters p;
  const aecnn::shape3 shape{9, 1, 1};
  p.mask_prior.assign(shape.channels, 65504);
  auto coder = aecnn::symbol_coder::create(p, shape.channels).value();
  coder.set_mode(mode).value();
  const std::vector<std::uint8_t> mask(shape.channels, 0);
  const std::vector<symbol> symbols(shape.channels, 0);
  payload bytes;
  coder.encode(symbols, shape, mask, bytes).value();
  object o;
  o.add("mode", +mode.id)
      .add("levels", 2)
      .add("zero", 0)
      .add("classes", 1)
      .add("channel_class", p.channel_class)
      .add("reference", p.reference);
  o.add("mask_prior", p.mask_prior).add("factor", 0).add("shape", std::vector<std::size_t>{9, 1, 1});
  o.add("payload", bytes).add("mask", mask).add("symbols", symbols);
  text += o.line();
  for (std::size_t i = 0; i < 8 && i < bytes.size(); ++i) bytes[i] = std::byte{255};
  text += verdict(coder, bytes, shape, mask.size()).line();
}

void write_planes(const std::filesystem::path& folder) {
  random r(1);
  std::string text;
  // The reference decoder of the mode max is slow.
  add_planes(r, aecnn::standard_mode, {600, 40, 32, 6}, text);
  add_planes(r, aecnn::fast_mode, {400, 10, 48, 6}, text);
  add_planes(r, aecnn::fast_mode, {10, 1, 120, 0}, text); // many lanes, large tables
  add_planes(r, aecnn::max_mode, {200, 14, 24, 2}, text);
  for (const auto& mode : aecnn::entropy_modes) add_unlikely_mask(mode, text);
  write_text(folder / "planes.jsonl", text);
}

/// Appends the records of one encoder to a file and what they stand for to `text`.
void encode_records(const aecnn::profile& p, std::size_t point, aecnn::framing frame, const aecnn::entropy_mode& mode, random& r,
                    std::vector<payload>& streams, std::size_t height, std::size_t width, const std::string& file,
                    std::string& text) {
  aecnn::encoder encoder(p, {.operating_point = point, .frame = frame, .mode = mode});
  const auto& o = p.operating_points[point];
  const auto quantise = aecnn::uniform_quantizer::create(o.quantizer, o.latents(), !o.projection).value();
  for (int n = 0; n < 3; ++n) {
    std::vector<float> x;
    const float amplitude = n == 0 ? 0.0f : n == 1 ? 0.02f : 2.0f;
    for (std::size_t i = 0; i < p.shape.channels * height * width; ++i)
      x.push_back(amplitude * (static_cast<float>(r.below(2001)) - 1000.0f) / 1000.0f);
    const auto view = aecnn::tensor_view<const float>::chw(x.data(), p.shape.channels, height, width);
    streams.push_back(encoder.encode(view));
    const auto shape = encoder.symbols_shape();
    const std::vector<symbol> symbols(encoder.symbols().begin(), encoder.symbols().end());
    std::vector<std::uint32_t> values;
    for (std::size_t i = 0; i < symbols.size(); ++i)
      values.push_back(std::bit_cast<std::uint32_t>(quantise.value(i / shape.area(), symbols[i])));
    object line;
    line.add("file", file).add("record", streams.size() - 1).add("mode", +mode.id).add("point", point);
    line.add("shape", std::vector<std::size_t>{shape.channels, shape.height, shape.width});
    text += line.add("symbols", symbols).add("values", values).line();
  }
}

void write_records(const std::filesystem::path& folder) {
  random r(2);
  std::string text;
  const auto profiles = example_profiles::all();
  for (std::size_t i = 0; i < profiles.size(); ++i) {
    const auto& p = profiles[i];
    const std::string name = "profile" + std::to_string(i);
    aecnn::save_profile(p, folder / (name + ".aecnn"));
    const auto save = [&](const std::string& file, const aecnn::record_file& f, const std::vector<payload>& streams) {
      aecnn::record_file full = f;
      full.profile_hash = p.hash;
      full.records.assign(streams.begin(), streams.end());
      payload bytes;
      aecnn::write_record_file(full, bytes);
      aecnn::io::write_file(folder / file, bytes);
    };
    std::vector<payload> all;
    for (std::size_t point = 0; point < p.operating_points.size(); ++point)
      for (const auto& mode : aecnn::entropy_modes) {
        const std::uint32_t highest = mode == aecnn::max_mode ? 20 : 200;
        const std::size_t height = p.open_extents() ? 1 + r.below(highest) : p.shape.height;
        const std::size_t width = p.open_extents() ? 1 + r.below(9) : p.shape.width;
        encode_records(p, point, aecnn::framing::standard, mode, r, all, height, width, name + ".aec", text);
        std::vector<payload> bare;
        const std::string file = name + "_bare" + std::to_string(point) + "_" + mode.name + ".aec";
        encode_records(p, point, aecnn::framing::none, mode, r, bare, height, width, file, text);
        aecnn::record_file f;
        f.frame = aecnn::framing::none;
        f.operating_point = static_cast<std::uint32_t>(point);
        f.mode = mode.id;
        if (p.open_extents()) {
          f.height = height;
          f.width = width;
        }
        save(file, f, bare);
      }
    save(name + ".aec", {}, all);
  }
  write_text(folder / "records.jsonl", text);
}

void write_headers(const std::filesystem::path& folder) {
  random r(3);
  std::string text;
  for (int n = 0; n < 2000; ++n) {
    const bool open = r.one_in(2);
    aecnn::stream_header h;
    h.operating_point = r.below(32);
    h.mode = static_cast<std::uint8_t>(r.below(aecnn::formats));
    h.profile_id = static_cast<std::uint8_t>(r.below(256));
    h.checksum = static_cast<std::uint16_t>(r.below(65536));
    h.height = 1 + r.below(1u << (1 + r.below(14)));
    h.width = 1 + r.below(1u << (1 + r.below(14)));
    if (r.one_in(20)) h.height = aecnn::max_header_extent + r.below(2);
    if (r.one_in(20)) h.width = aecnn::max_header_extent + r.below(2);
    payload bytes;
    aecnn::write_header(h, open, bytes);
    for (int i = 0; i < 2; ++i) {
      aecnn::byte_reader reader(bytes);
      const auto read = aecnn::read_header(reader, open, {});
      object o;
      o.add("open", open ? 1 : 0).add("header", bytes);
      if (read)
        o.add("fields", std::vector<std::size_t>{read->mode, read->operating_point, read->profile_id, read->checksum, read->height,
                                                 read->width, reader.remaining()});
      else
        o.add("error", aecnn::name(read.error().code));
      text += o.line();
      if (r.one_in(2)) bytes.push_back(static_cast<std::byte>(r.below(256)));
      bytes.resize(r.below(static_cast<std::uint32_t>(bytes.size()) + 1));
      if (!bytes.empty() && r.one_in(2)) bytes.back() ^= static_cast<std::byte>(1u << r.below(8));
      if (!bytes.empty() && r.one_in(8)) bytes[0] ^= static_cast<std::byte>(1u << r.below(8));
      if (bytes.size() > 4 && r.one_in(4)) bytes.insert(bytes.end(), {std::byte{0x80}, std::byte{0}, std::byte{1}});
    }
  }
  write_text(folder / "headers.jsonl", text);
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: vectors FOLDER\n";
    return 2;
  }
  try {
    write_planes(argv[1]);
    write_records(argv[1]);
    write_headers(argv[1]);
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
  return 0;
}
