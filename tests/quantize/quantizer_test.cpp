#include <aecnn/quantize/quantizer.hpp>

#include <cstddef>
#include <cstdint>

#include <aecnn/quantize/uniform_quantizer.hpp>

#include <catch_compat.hpp>

namespace {

/// The sign of a value.
struct sign_quantizer {
  std::uint32_t levels() const { return 3; }
  std::uint32_t zero() const { return 1; }
  std::int32_t offset(std::size_t) const { return 0; }
  std::uint32_t latents(std::size_t, float, const float* in, std::int32_t* out) const {
    for (int i = 0; i < 64; ++i) out[i] = in[i] > 0 ? 1 : in[i] < 0 ? -1 : 0;
    return 0;
  }
  std::uint32_t symbols(std::size_t k, float factor, const float* in, aecnn::symbol* out) const {
    std::int32_t v[64];
    latents(k, factor, in, v);
    for (int i = 0; i < 64; ++i) out[i] = quantise(k, v[i]);
    return 0;
  }
  aecnn::symbol quantise(std::size_t, std::int32_t v) const { return static_cast<aecnn::symbol>(v + 1); }
  std::int32_t point(std::size_t, aecnn::symbol s) const { return s - 1; }
  float value(std::size_t k, aecnn::symbol s) const { return static_cast<float>(point(k, s)); }
};
struct without_value : sign_quantizer {
  void value(std::size_t, aecnn::symbol) const {}
};
struct wide_symbols : sign_quantizer {
  std::uint32_t quantise(std::size_t, std::int32_t v) const { return static_cast<std::uint32_t>(v + 1); }
};

} // namespace

TEST_CASE("the default and a quantizer of one's own are quantizers, others are not") {
  CHECK(aecnn::quantizer<aecnn::uniform_quantizer>);
  CHECK(aecnn::quantizer<sign_quantizer>);
  CHECK_FALSE(aecnn::quantizer<without_value>);
  CHECK_FALSE(aecnn::quantizer<wide_symbols>);
  CHECK_FALSE(aecnn::quantizer<float>);
}

TEST_CASE("the sample quantizer is one that works") {
  const sign_quantizer q;
  float in[64] = {1, -2};
  aecnn::symbol s[64];
  q.symbols(0, 1, in, s);
  CHECK(s[0] == 2);
  CHECK(s[1] == 0);
  CHECK(s[2] == q.zero());
  CHECK(q.value(0, s[1]) == -1);
}
