// Writes the first inputs of every fuzz target: FOLDER/<target>/<name>. What fuzzing found since lies beside them and is kept.
//
//   aecnn_fuzz_seeds FOLDER
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <aecnn/bitstream/record_file.hpp>
#include <aecnn/codec.hpp>
#include <aecnn/io/npy.hpp>
#include <aecnn/profile_io.hpp>

#include <codec_profiles.hpp>
#include <example_profiles.hpp>
#include <random.hpp>
#ifdef AECNN_WITH_ONNX
#include <onnx_files.hpp>
#endif

namespace {

using namespace aecnn;
using bytes = std::vector<std::byte>;

class folder {
public:
  folder(const std::filesystem::path& parent, const std::string& target) : path_(parent / target) {
    std::filesystem::create_directories(path_);
  }
  void add(const std::string& name, std::initializer_list<int> first, std::span<const std::byte> rest) const {
    std::ofstream out(path_ / name, std::ios::binary);
    for (const int b : first) out.put(static_cast<char>(b));
    out.write(reinterpret_cast<const char*>(rest.data()), static_cast<std::streamsize>(rest.size()));
    if (!out.flush()) throw std::runtime_error("cannot write " + (path_ / name).string());
  }

private:
  std::filesystem::path path_;
};

bytes random_bytes(std::size_t n, std::uint64_t seed) {
  random_integers random(seed);
  bytes b;
  for (std::size_t i = 0; i < n; ++i) b.push_back(static_cast<std::byte>(random.below(256)));
  return b;
}

void streams(const std::filesystem::path& parent) {
  const folder to(parent, "stream"), records(parent, "record_file");
  for (const bool open : {false, true}) {
    const profile p = codec_profiles::make_all(open ? shape3{5, 0, 0} : shape3{5, 4, 3});
    const shape3 shape = open ? shape3{5, 4, 4} : p.shape;
    random_integers random(open ? 2 : 1);
    std::vector<float> x(shape.size());
    for (float& v : x) v = static_cast<float>(random.between(-64, 64)) / 32.0F;
    record_file file;
    std::vector<bytes> kept;
    for (int point = 0; point < 5; ++point)
      for (int mode = 0; mode < 3; ++mode)
        for (const bool bare : {false, true}) {
          encode_options o;
          o.operating_point = static_cast<std::size_t>(point);
          o.frame = bare ? framing::none : framing::standard;
          o.mode = entropy_modes[static_cast<std::size_t>(mode)];
          encoder e(p, o);
          const bytes stream = e.encode(tensor_view<const float>::chw(x.data(), shape.channels, shape.height, shape.width));
          const std::string name = std::string(open ? "open" : "fixed") + (bare ? "_bare" : "") + "_point" + std::to_string(point) +
                                   "_" + std::string(o.mode.name);
          to.add(name, {(open ? 1 : 0) | (bare ? 2 : 4) | mode << 3, point}, stream);
          if (!bare && mode == 0) kept.push_back(stream);
        }
    file.profile_hash = p.hash;
    for (const auto& k : kept) file.records.emplace_back(k);
    bytes out;
    write_record_file(file, out);
    records.add(open ? "open" : "fixed", {}, out);
    file.frame = framing::none;
    file.operating_point = 3;
    file.mode = 1;
    file.height = file.width = open ? 4 : 0;
    out.clear();
    write_record_file(file, out);
    records.add(open ? "open_bare" : "fixed_bare", {}, out);
  }
}

void symbols(const std::filesystem::path& parent) {
  const folder to(parent, "symbols");
  for (int flags = 0; flags < 16; ++flags)
    if ((flags & 3) != 3)
      for (const int alphabet : {0, 7, 24, 45}) // 2, 16, 17 and 257 levels
        to.add("flags" + std::to_string(flags) + "_alphabet" + std::to_string(alphabet), {flags, alphabet},
               random_bytes(200, static_cast<std::uint64_t>(flags * 100 + alphabet)));
}

void profiles(const std::filesystem::path& parent) {
  const folder to(parent, "profile"), tensors(parent, "safetensors");
  std::vector<profile> all = {example_profiles::small_profile(), example_profiles::large_profile()};
  for (const auto k : codec_profiles::all_kinds) all.push_back(codec_profiles::make({3, 4, 5}, {k}, 2, 3));
  all.push_back(codec_profiles::make({2, 0, 0}, {codec_profiles::kind::projected}, 1, 2));
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bytes file = try_serialize_profile(all[i]).value();
    to.add("file" + std::to_string(i), {1}, file);
    std::uint64_t length = 0;
    for (unsigned b = 0; b < 8; ++b) length |= std::to_integer<std::uint64_t>(file[b]) << (8 * b);
    bytes parts(file.begin() + 8, file.begin() + 8 + static_cast<std::ptrdiff_t>(length));
    parts.push_back({});
    parts.insert(parts.end(), file.begin() + 8 + static_cast<std::ptrdiff_t>(length), file.end());
    to.add("parts" + std::to_string(i), {2}, parts);
    if (i == 0 || i == 2) tensors.add("profile" + std::to_string(i), {}, file);
  }
  io::safetensors s;
  s.set_metadata("key", "text \"quoted\" \xc3\xa9");
  const auto put = [&](const char* name, auto values) { s.add(name, {values.size()}, values); };
  put("f32", std::vector<float>{1, -2.5F});
  put("f64", std::vector<double>{1e300});
  put("i8", std::vector<std::int8_t>{-1, 2, 3});
  put("u16", std::vector<std::uint16_t>{65535});
  put("i64", std::vector<std::int64_t>{-1});
  put("empty", std::vector<float>{});
  tensors.add("types", {}, io::try_serialize(s).value());
}

void arrays(const std::filesystem::path& parent) {
  const folder to(parent, "npy");
  to.add("f4", {}, io::try_format_npy(std::vector<float>{1, 2, 3, 4, 5, 6}, {1, 1, 2, 3}).value());
  to.add("f8", {}, io::try_format_npy(std::vector<double>{1, 2}, {2}).value());
  to.add("i8", {}, io::try_format_npy(std::vector<std::int8_t>{1, 2}, {1, 2, 1}).value());
  to.add("u2", {}, io::try_format_npy(std::vector<std::uint16_t>{7}, {}).value());
  to.add("empty", {}, io::try_format_npy(std::vector<float>{}, {0, 3, 2, 2}).value());
}

void networks([[maybe_unused]] const std::filesystem::path& parent) {
#ifdef AECNN_WITH_ONNX
  using namespace onnx_files;
  const folder to(parent, "onnx");
  const auto add = [&](const char* name, const parts& p) {
    const std::string file = model(p);
    to.add(name, {}, std::as_bytes(std::span(file)));
  };
  add("convolution", convolution());
  const auto values = [](std::size_t n) { return raw(std::vector<std::uint32_t>(n, 0x3e800000)); };
  parts p;
  p.inputs = {value("x", {1, 3, 4, 4})};
  p.outputs = {value("y")};
  p.initializers = {raw_tensor("w", 1, {4, 3, 3, 3}, values(108)), raw_tensor("b", 1, {4}, values(4)),
                    raw_tensor("d", 1, {4, 1, 3, 3}, values(36)), raw_tensor("m", 1, {4, 2}, values(8))};
  const auto list = [](const char* name, std::vector<int> v) {
    return attribute(name, 7, [&](pbf_writer& w) {
      for (const int i : v) w.add_int64(8, i);
    });
  };
  p.nodes = {node("Conv", {"x", "w", "b"}, {"c"}, {list("pads", {1, 1, 1, 1}), list("strides", {2, 2})}),
             node("Relu", {"c"}, {"r"}),
             node("Conv", {"r", "d"}, {"e"}, {list("pads", {1, 1, 1, 1}), integer("group", 4)}),
             node("Add", {"r", "e"}, {"s"}),
             node("GlobalAveragePool", {"s"}, {"g"}),
             node("Flatten", {"g"}, {"f"}, {integer("axis", 1)}),
             node("MatMul", {"f", "m"}, {"y"})};
  add("residual", p);
  p.nodes = {node("MaxPool", {"x"}, {"a"}, {list("kernel_shape", {2, 2})}), node("Shape", {"a"}, {"h"}),
             node("Reshape", {"a", "h"}, {"q"}), node("Transpose", {"q"}, {"t"}, {list("perm", {0, 2, 3, 1})}),
             node("Softmax", {"t"}, {"y"}, {integer("axis", 3)})};
  add("shapes", p);
  p.nodes = {node("Slice", {"x", "z", "n"}, {"a"}), node("Concat", {"a", "x"}, {"c"}, {integer("axis", 1)}),
             node("DepthToSpace", {"c"}, {"y"}, {integer("blocksize", 2)})};
  p.initializers = {raw_tensor("z", 7, {4}, raw<std::uint64_t>({0, 0, 0, 0})), raw_tensor("n", 7, {4}, raw<std::uint64_t>({1, 1, 4, 4}))};
  add("slices", p);
#endif
}

void tensors(const std::filesystem::path& parent) {
  const folder to(parent, "end_to_end");
  for (int kind = 0; kind < 5; ++kind)
    for (int mode = 0; mode < 3; ++mode)
      to.add("kind" + std::to_string(kind) + "_mode" + std::to_string(mode), {kind, mode, 5, 6, mode},
             random_bytes(150, static_cast<std::uint64_t>(10 * kind + mode)));
}

} // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw std::runtime_error("usage: aecnn_fuzz_seeds FOLDER");
    const std::filesystem::path parent = argv[1];
    streams(parent);
    symbols(parent);
    profiles(parent);
    arrays(parent);
    networks(parent);
    tensors(parent);
    return 0;
  } catch (const std::exception& e) {
    std::cerr << "aecnn_fuzz_seeds: " << e.what() << '\n';
    return 1;
  }
}
