// Writes the vectors of tests/data/golden (support/golden_vectors.hpp says what they are). Run by hand, once: vectors are
// frozen, and a file that a released version wrote is never written again.
//
//   aecnn_golden_generate EXAMPLE_FEATURES.npy FOLDER
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/calibrate/calibrate.hpp>
#include <aecnn/codec.hpp>
#include <aecnn/io/npy.hpp>
#include <aecnn/profile_io.hpp>

#include <codec_profiles.hpp>
#include <feature_tensors.hpp>
#include <golden_vectors.hpp>

namespace {

using aecnn::framing;
using aecnn::shape3;
using bytes = std::vector<std::byte>;
using codec_profiles::kind;

struct features {
  std::string name;
  shape3 shape;
  std::vector<std::vector<float>> tensors;
};

class writer {
public:
  explicit writer(std::filesystem::path folder)
      : folder_(std::move(folder)), good_(folder_ / "vectors.txt"), bad_(folder_ / "bad.txt") {}

  void add(const std::string& name, aecnn::profile p, const std::vector<features>& inputs) {
    aecnn::make_probe(p, feature_tensors::view(inputs[0].tensors[0], inputs[0].shape)).value();
    aecnn::save_profile(p, folder_ / (name + ".aecnn"));
    for (const auto& f : inputs) {
      std::vector<float> all;
      for (const auto& t : f.tensors) all.insert(all.end(), t.begin(), t.end());
      aecnn::io::save_npy(folder_ / (f.name + ".npy"), all, {f.tensors.size(), f.shape.channels, f.shape.height, f.shape.width});
      for (std::size_t t = 0; t < f.tensors.size(); ++t)
        for (std::size_t i = 0; i < p.operating_points.size(); ++i)
          for (const auto frame : {framing::standard, framing::none})
            for (const auto& mode : aecnn::entropy_modes)
              // The symbols are the same in every mode: those that are not the default have one tensor a point.
              if (mode == aecnn::standard_mode || t == i % f.tensors.size()) write(name, p, f, t, i, frame, mode);
    }
    if (inputs[0].shape.size() > 1000) return; // long streams fail for the same reasons
    for (std::size_t i = 0; i < p.operating_points.size(); ++i)
      for (const auto& mode : aecnn::entropy_modes)
        if (mode == aecnn::standard_mode || i == 0) damage(name, p, inputs[0], i, mode);
  }
  void finish() {
    good_.flush();
    bad_.flush();
    if (!good_ || !bad_) throw std::runtime_error("cannot write to " + folder_.string());
  }

private:
  static aecnn::decoder decoder_for(const aecnn::profile& p, std::size_t i, framing frame, aecnn::entropy_mode mode, shape3 s) {
    aecnn::decode_options o;
    o.frame = frame;
    o.operating_point = i;
    if (frame == framing::none) o.mode = mode;
    if (frame == framing::none && p.open_extents()) {
      o.height = s.height;
      o.width = s.width;
    }
    return aecnn::decoder(p, o);
  }

  void write(const std::string& name, const aecnn::profile& p, const features& f, std::size_t t, std::size_t i, framing frame,
             const aecnn::entropy_mode& mode) {
    golden::vector v;
    v.profile = name;
    v.features = f.name;
    v.tensor = t;
    v.point = i;
    v.frame = frame;
    v.mode = mode;
    aecnn::encoder e(p, {.operating_point = i, .frame = frame, .mode = mode});
    v.stream = e.encode(feature_tensors::view(f.tensors[t], f.shape));
    v.symbols = golden::hash(e.symbols());
    auto d = decoder_for(p, i, frame, mode, f.shape);
    const auto y = d.decode(v.stream);
    for (std::size_t k = 0; k < golden::sampled; ++k) v.values.push_back(y.data()[golden::sample_index(k, y.size())]);
    good_ << golden::to_line(v) << '\n';
  }

  // One damaged stream for each cause, as this version reports it.
  void damage(const std::string& name, const aecnn::profile& p, const features& f, std::size_t i, const aecnn::entropy_mode& mode) {
    for (const auto frame : {framing::standard, framing::none}) {
      aecnn::encoder e(p, {.operating_point = i, .frame = frame, .mode = mode});
      const bytes good = e.encode(feature_tensors::view(f.tensors[0], f.shape));
      const std::size_t n = good.size();
      const bool open = p.open_extents() && frame == framing::none;
      auto d = decoder_for(p, i, frame, mode, f.shape);
      const auto refuse = [&](bytes b) {
        const auto r = d.try_decode(b);
        // Without a checksum another payload may stand for another tensor.
        if (r && frame == framing::none) return;
        if (r) throw std::runtime_error("a damaged stream decodes: " + golden::to_hex(b));
        golden::bad_vector v{name, i, frame, mode, open ? f.shape.height : 0, open ? f.shape.width : 0, std::string(aecnn::name(r.error().code)), std::move(b)};
        bad_ << golden::to_line(v) << '\n';
      };
      const auto with = [&](std::size_t at, unsigned flipped) {
        bytes b = good;
        b[at] ^= static_cast<std::byte>(flipped);
        return b;
      };
      bytes longer = good;
      longer.push_back(std::byte{0});
      refuse(longer);
      longer.back() = std::byte{0x55};
      refuse(longer);
      refuse({good.begin(), good.end() - 1});
      refuse(with(n - 1, 1));
      if (frame == framing::none) continue;
      refuse({});
      refuse({good.begin(), good.begin() + 3});
      for (unsigned format = 0; format < 8; ++format)
        if (format != aecnn::first_format + mode.id) refuse(with(0, (format ^ (aecnn::first_format + mode.id)) << 5U));
      refuse(with(0, static_cast<unsigned>(i) ^ 31U));                      // operating point
      refuse(with(1, 0x80));                                                 // profile
      refuse(with(2, 1));                                                    // checksum
      refuse(with(3, 0x80));
      refuse(with(n / 2, 4));
      if (p.open_extents()) {
        refuse({good.begin(), good.begin() + 5});
        refuse(with(4, 1)); // height
        refuse(with(5, 2)); // width
        bytes huge(good.begin(), good.begin() + 4);
        for (const unsigned v : {0xffU, 0x7fU, 0xffU, 0x7fU}) huge.push_back(static_cast<std::byte>(v)); // 16384 x 16384
        refuse(huge);
        huge[5] = huge[7] = std::byte{0xff};
        huge.push_back(std::byte{1});
        refuse(huge);
      }
    }
  }

  std::filesystem::path folder_;
  std::ofstream good_, bad_;
};

std::vector<std::vector<float>> small_tensors(shape3 shape) {
  std::vector<std::vector<float>> out = {feature_tensors::make(shape, 1), feature_tensors::make(shape, 2, true)};
  out.emplace_back(shape.size()); // zeros
  out.emplace_back(shape.size(), -3.5F);
  auto& extremes = out.emplace_back(shape.size());
  for (std::size_t i = 0; i < extremes.size(); i += 3) extremes[i] = i % 2 == 0 ? 3e38F : -3e38F;
  auto& sparse = out.emplace_back(shape.size());
  for (std::size_t i = 0; i < sparse.size(); i += 37) sparse[i] = static_cast<float>(i % 11) - 5.0F;
  return out;
}

/// Points of several calibrations in one profile: Karhunen-Loeve transforms, channels as they are, and a choice per input.
aecnn::profile calibrated(const std::vector<aecnn::tensor_view<const float>>& tensors) {
  const shape3 shape = tensors.front().shape;
  aecnn::calibrate_options o;
  o.probe = false;
  o.transform = aecnn::transform_kind::klt;
  o.max_stride = 2;
  o.target_bytes = {aecnn::bytes_for_ratio(shape, 200), aecnn::bytes_for_ratio(shape, 800)};
  aecnn::profile p = aecnn::calibrate(tensors, o);
  o.transform = aecnn::transform_kind::select;
  o.target_bytes = {aecnn::bytes_for_ratio(shape, 100)};
  auto q = aecnn::calibrate(tensors, o);
  o.rate_distortion = false;
  auto r = aecnn::calibrate(tensors, o);
  for (auto* other : {&q, &r}) {
    auto point = std::move(other->operating_points[0]);
    point.decoder = other->networks[0].name = "decoder" + std::to_string(p.networks.size());
    p.networks.push_back(std::move(other->networks[0]));
    p.operating_points.push_back(std::move(point));
  }
  // The last point sends the half of its channels that efficient channel attention ranks highest.
  auto& last = p.operating_points.back();
  last.selector.kind = aecnn::selection_kind::top_k;
  last.selector.k = (last.selector.channels.size() + 1) / 2;
  last.selector.attention.kind = aecnn::attention_kind::eca;
  last.selector.attention.channels = shape.channels;
  last.selector.attention.kernel = {0.25F, 1.0F, 0.25F};
  last.entropy.mask_prior.assign(last.selector.channels.size(), 32768);
  p.name = "calibrated";
  aecnn::seal(p);
  return p;
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: " << argv[0] << " EXAMPLE_FEATURES.npy FOLDER\n";
    return 2;
  }
  try {
    writer out(argv[2]);
    const shape3 fixed{6, 9, 11};
    out.add("kinds", codec_profiles::make_all(fixed), {{"kinds", fixed, small_tensors(fixed)}});

    const shape3 first{5, 7, 6}, second{5, 1, 1}, third{5, 130, 3};
    out.add("open", codec_profiles::make({5, 0, 0}, {kind::direct, kind::projected, kind::top_k}),
            {{"open_7x6", first, small_tensors(first)},
             {"open_1x1", second, {feature_tensors::make(second, 3)}},
             {"open_130x3", third, {feature_tensors::make(third, 4)}}});

    const shape3 tiny{3, 4, 5};
    auto depths = codec_profiles::make(tiny, {kind::direct, kind::direct, kind::direct, kind::direct}, 1, 1);
    const std::uint32_t levels[] = {2, 33, 1000, 65536}, zero[] = {1, 16, 0, 32768};
    for (std::size_t i = 0; i < 4; ++i) {
      auto& o = depths.operating_points[i];
      o.quantizer.levels = o.entropy.levels = levels[i];
      o.quantizer.zero = o.entropy.zero = zero[i];
      for (auto& s : o.quantizer.scale) s *= static_cast<float>(levels[i]) / 32.0F;
      o.entropy.initial.clear();
    }
    aecnn::seal(depths);
    out.add("depths", depths, {{"depths", tiny, small_tensors(tiny)}});

    const auto batch = aecnn::io::load_features(argv[1]);
    std::vector<aecnn::tensor_view<const float>> tensors;
    for (std::size_t i = 0; i < batch.count && i < 6; ++i) tensors.push_back(batch[i]);
    features real{"calibrated", batch.shape, {}};
    for (std::size_t i = 32; i < 34; ++i) real.tensors.emplace_back(batch[i].data, batch[i].data + batch.shape.size());
    out.add("calibrated", calibrated(tensors), {real});
    out.finish();
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
