// The library compiled without exceptions and run-time type information, the codec also run: what would throw is only reached through
// the try_ functions. Exit status 0 where everything is as it should be, else the number of the first check that failed.
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include <aecnn/aecnn.hpp>
#include <aecnn/codec.hpp>
#include <aecnn/core/config.hpp>
#include <aecnn/profile_io.hpp>

#include <codec_profiles.hpp>
#include <feature_tensors.hpp>

static_assert(AECNN_EXCEPTIONS == 0);
#if defined(__cpp_rtti)
#error "compiled with run-time type information"
#endif

int main() {
  int number = 0, failed = 0;
  const auto check = [&](bool ok) {
    ++number;
    if (!ok && failed == 0) failed = number;
  };
  const aecnn::shape3 shape{8, 9, 10};
  const auto p = codec_profiles::make_all(shape);
  const auto x = feature_tensors::make(shape, 1);
  auto d = aecnn::decoder::create(p);
  check(d.has_value());
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    auto e = aecnn::encoder::create(p, {.operating_point = i});
    check(e.has_value());
    const auto stream = e->try_encode(feature_tensors::view(x, shape));
    check(stream.has_value());
    const auto symbols = d->try_decode_symbols(*stream);
    check(symbols.has_value() && symbols->size() == e->symbols().size());
    for (std::size_t n = 0; n < symbols->size(); ++n) check((*symbols)[n] == e->symbols()[n]);
    const auto y = d->try_decode(*stream);
    check(y.has_value() && y->size() == shape.size());
    std::vector<float> z(shape.size());
    check(d->try_decode_to(*stream, aecnn::tensor_view<float>::chw(z.data(), 8, 9, 10)).has_value());
    check(z.back() == y->data()[shape.size() - 1]);

    const auto damaged = d->try_decode(std::span(*stream).first(stream->size() - 1));
    check(!damaged && !damaged.error().message.empty());
    const std::vector<float> bad(shape.size(), std::numeric_limits<float>::infinity());
    const auto refused = e->try_encode(feature_tensors::view(bad, shape));
    check(!refused && refused.error().code == aecnn::errc::not_finite);
    std::vector<std::byte> small(3);
    const auto full = e->try_encode_to(feature_tensors::view(x, shape), small);
    check(!full && full.error().code == aecnn::errc::buffer_too_small);
  }
  check(!aecnn::encoder::create(p, {.operating_point = 9}));
  auto probed = p;
  check(aecnn::make_probe(probed, feature_tensors::view(x, shape)).has_value());
  check(aecnn::try_verify_probe(probed).has_value());
  auto file = aecnn::try_serialize_profile(probed);
  check(file.has_value());
  const auto loaded = aecnn::try_load_profile(std::span<const std::byte>(*file));
  check(loaded.has_value() && loaded->hash == p.hash);
  check(aecnn::try_verify_probe(*loaded).has_value());
  file->resize(file->size() / 2);
  check(!aecnn::try_load_profile(std::span<const std::byte>(*file)));
  for (std::size_t i = 20; i < 400; ++i) (*file)[i] = std::byte{'{'};
  check(!aecnn::try_load_profile(std::span<const std::byte>(*file)));
  return failed < 255 ? failed : 255;
}
