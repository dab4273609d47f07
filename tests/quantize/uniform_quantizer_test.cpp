#include <aecnn/quantize/uniform_quantizer.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <catch_compat.hpp>
#include <random.hpp>

using aecnn::errc;
using aecnn::symbol;
using aecnn::uniform_parameters;
using aecnn::uniform_quantizer;

namespace {

uniform_parameters parameters(std::uint32_t levels, std::uint32_t zero, std::size_t channels = 3) {
  uniform_parameters p;
  p.levels = levels;
  p.zero = zero;
  for (std::size_t k = 0; k < channels; ++k) {
    p.scale.push_back(256.0F / static_cast<float>(k + 1));
    p.unit.push_back(static_cast<float>(k + 1) / 256.0F);
    p.offset.push_back(static_cast<std::int32_t>(100 * k) - 50);
    p.rounding.push_back(static_cast<std::uint16_t>(128 - 20 * k));
    for (int j = 0; j < 6; ++j) p.shift.push_back(static_cast<std::int16_t>(10 * j + static_cast<int>(k)));
  }
  return p;
}

} // namespace

TEST_CASE("a symbol stands for the point of its magnitude and sign, shifted toward zero") {
  const auto p = parameters(21, 10);
  const auto q = uniform_quantizer::create(p, 3, true).value();
  CHECK(q.levels() == 21);
  CHECK(q.zero() == 10);
  for (std::size_t k = 0; k < 3; ++k)
    for (int d = -10; d <= 10; ++d) {
      const int m = std::abs(d);
      const std::size_t cell = (d < 0 ? 3 : 0) + static_cast<std::size_t>(std::min(m, 3) - 1);
      const int expected = d == 0 ? 0 : (d < 0 ? -1 : 1) * (256 * m - p.shift[6 * k + cell]);
      const auto s = static_cast<symbol>(d + 10);
      REQUIRE(q.point(k, s) == expected);
      REQUIRE(q.value(k, s) == static_cast<float>(expected + p.offset[k]) * p.unit[k]);
    }
}

TEST_CASE("quantising the points gives their symbols back, at every bit depth") {
  random_integers random(1);
  for (int bits = 1; bits <= 16; ++bits) {
    const std::uint32_t levels = 1U << bits;
    for (const std::uint32_t zero : {0U, levels / 2, levels - 1}) {
      const auto q = uniform_quantizer::create(parameters(levels, zero), 3, true).value();
      for (int n = 0; n < 500; ++n) {
        const auto s = static_cast<symbol>(n < 20 ? std::min<std::uint32_t>(static_cast<std::uint32_t>(n), levels - 1) : random.below(levels));
        const std::size_t k = random.below(3);
        // Shifts of up to 52 stay inside the cell of rounding 88.
        REQUIRE(q.quantise(k, q.point(k, s)) == s);
      }
      CHECK(q.quantise(0, std::numeric_limits<std::int32_t>::max() / 2) == levels - 1);
      CHECK(q.quantise(0, -std::numeric_limits<std::int32_t>::max() / 2) == 0);
    }
  }
}

TEST_CASE("symbols of a block are those of its latents, with factor and offset") {
  const auto p = parameters(31, 15);
  const auto q = uniform_quantizer::create(p, 3, true).value();
  random_integers random(2);
  for (std::size_t k = 0; k < 3; ++k)
    for (const float factor : {1.0F, 0.125F}) {
      float in[64];
      for (auto& v : in) v = static_cast<float>(random.between(-200, 200));
      std::int32_t latents[64];
      symbol symbols[64];
      CHECK((q.latents(k, factor, in, latents) >> 31) == 0);
      CHECK((q.symbols(k, factor, in, symbols) >> 31) == 0);
      for (std::size_t i = 0; i < 64; ++i) {
        REQUIRE(latents[i] == static_cast<std::int32_t>(in[i] * (p.scale[k] * factor)) - p.offset[k]);
        REQUIRE(symbols[i] == q.quantise(k, latents[i]));
        // An error of half a step, or the width of the dead zone, where nothing is clipped.
        const float value = in[i] * factor, step = 256 * p.unit[k];
        if (std::abs(value) < 14 * step) REQUIRE(std::abs(q.value(k, symbols[i]) - value) <= 0.9F * step);
      }
    }
}

TEST_CASE("a finer step means a smaller error") {
  random_integers random(3);
  std::vector<float> x(64 * 200);
  for (auto& v : x) v = static_cast<float>(random.between(-8000, 8000)) / 1000.0F;
  double last = 1e30;
  for (int bits = 2; bits <= 12; ++bits) {
    const std::uint32_t levels = (1U << bits) + 1;
    uniform_parameters p;
    p.levels = levels;
    p.zero = levels / 2;
    const float step = 16.0F / static_cast<float>(levels - 1);
    p.scale = {256.0F / step};
    p.unit = {step / 256.0F};
    p.rounding = {128};
    p.shift.assign(6, 0);
    const auto q = uniform_quantizer::create(p, 1, true).value();
    double squares = 0;
    for (std::size_t i = 0; i < x.size(); i += 64) {
      symbol s[64];
      q.symbols(0, 1.0F, x.data() + i, s);
      for (std::size_t j = 0; j < 64; ++j) {
        const double e = static_cast<double>(q.value(0, s[j]) - x[i + j]);
        squares += e * e;
      }
    }
    const double mean = squares / static_cast<double>(x.size());
    CHECK(mean == Approx(static_cast<double>(step) * static_cast<double>(step) / 12).epsilon(0.05));
    CHECK(mean < last);
    last = mean;
  }
}

TEST_CASE("every parameter at fault is errc::bad_field and is named") {
  const auto good = parameters(10, 4);
  REQUIRE(uniform_quantizer::check(good, 3, true).has_value());
  const auto refused = [&](const char* name, auto&& change) {
    auto p = good;
    change(p);
    CAPTURE(name);
    const auto s = uniform_quantizer::check(p, 3, true);
    REQUIRE_FALSE(s.has_value());
    CHECK(s.error().code == errc::bad_field);
    CHECK(s.error().message.find(name) != std::string::npos);
    CHECK_FALSE(uniform_quantizer::create(p, 3, true).has_value());
  };
  using limits = std::numeric_limits<float>;
  refused("levels", [](auto& p) { p.levels = 1; });
  refused("levels", [](auto& p) { p.levels = 65537; });
  refused("zero", [](auto& p) { p.zero = 10; });
  refused("scale", [](auto& p) { p.scale.pop_back(); });
  refused("scale", [](auto& p) { p.scale.clear(); });
  for (const float bad : {0.0F, -1.0F, limits::denorm_min(), limits::infinity(), limits::quiet_NaN(), -limits::quiet_NaN(), 1.3e30F}) {
    refused("scale", [&](auto& p) { p.scale[1] = bad; });
    if (bad != 1.3e30F) refused("unit", [&](auto& p) { p.unit[2] = bad; });
  }
  refused("unit", [](auto& p) { p.unit.push_back(1); });
  refused("offset", [](auto& p) { p.offset.pop_back(); });
  refused("offset", [](auto& p) { p.offset[0] = (1 << 24) + 1; });
  refused("offset", [](auto& p) { p.offset[0] = -(1 << 24) - 1; });
  refused("offset", [](auto& p) { p.offset[0] = std::numeric_limits<std::int32_t>::min(); });
  refused("rounding", [](auto& p) { p.rounding.clear(); });
  refused("rounding", [](auto& p) { p.rounding[0] = 256; });
  refused("shift", [](auto& p) { p.shift.pop_back(); });
  refused("shift", [](auto& p) { p.shift[4] = 256; });
  refused("shift", [](auto& p) { p.shift[4] = -256; });

  // Behind a projection the values have no scale of their own; offsets may be left out.
  auto p = good;
  CHECK_FALSE(uniform_quantizer::check(p, 3, false).has_value());
  p.scale.clear();
  p.offset.clear();
  const auto q = uniform_quantizer::create(p, 3, false);
  REQUIRE(q.has_value());
  CHECK(q->offset(2) == 0);
}

TEST_CASE("extreme offsets do not overflow") {
  auto p = parameters(10, 4);
  for (const std::int32_t offset : {-(1 << 24), 1 << 24}) {
    p.offset.assign(3, offset);
    const auto q = uniform_quantizer::create(p, 3, true).value();
    float in[64];
    for (std::size_t i = 0; i < 64; ++i) in[i] = i % 2 ? 3e38F : -3e38F;
    symbol s[64];
    q.symbols(1, 3e38F, in, s);
    for (std::size_t i = 0; i < 64; ++i) REQUIRE(s[i] == (i % 2 ? 9 : 0));
  }
}
