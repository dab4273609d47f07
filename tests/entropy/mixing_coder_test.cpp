// What holds for every coder is in symbol_coder_test.cpp.
#include <aecnn/entropy/mixing_coder.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/entropy/entropy_coder.hpp>

#include <catch_compat.hpp>
#include <golden_vectors.hpp>
#include <symbol_planes.hpp>

using aecnn::context_parameters;
using aecnn::mixing_coder;
using aecnn::shape3;
using bytes = std::vector<std::byte>;

namespace {

struct ideal_length {
  double bits = 0;
  unsigned code(unsigned bit, std::uint32_t p1) {
    bits -= std::log2((bit ? p1 : 65536 - p1) / 65536.0);
    return bit;
  }
};

} // namespace

TEST_CASE("a mixing coder is an entropy coder") { CHECK(aecnn::entropy_coder<mixing_coder>); }

TEST_CASE("a mixing coder's payload is less than a byte above the ideal length of its model") {
  for (const auto levels : {2U, 4U, 16U, 256U, 4096U, 65536U})
    for (const auto zero : {0U, levels / 2})
      for (const auto kind : all_contents)
        for (const auto& shape : {shape3{1, 1, 1}, shape3{4, 9, 13}}) {
          context_parameters p;
          p.levels = levels;
          p.zero = zero;
          auto coder = mixing_coder::create(p, shape.channels).value();
          const auto s = make_symbols(shape, levels, zero, kind, levels);
          bytes out;
          REQUIRE(coder.encode(s, shape, {}, out).has_value());
          ideal_length ideal;
          REQUIRE(coder.run(s, shape, {}, ideal).has_value());
          CAPTURE(levels, zero, static_cast<int>(kind), ideal.bits);
          REQUIRE(8.0 * static_cast<double>(out.size()) <= ideal.bits * 1.001 + 8);
        }
}

TEST_CASE("mixing beats the default coder on smooth planes and costs little on noise") {
  const shape3 shape{8, 32, 32};
  const auto size = [&](std::uint32_t levels, content kind, auto create) {
    context_parameters p;
    p.levels = levels;
    p.zero = levels / 2;
    auto coder = create(p);
    bytes out;
    coder.encode(make_symbols(shape, levels, levels / 2, kind, 5), shape, {}, out).value();
    return static_cast<double>(out.size());
  };
  const auto standard = [](const context_parameters& p) { return aecnn::context_coder::create(p, 8).value(); };
  const auto mixing = [](const context_parameters& p) { return mixing_coder::create(p, 8).value(); };
  CHECK(size(33, content::smooth, mixing) < 0.97 * size(33, content::smooth, standard));
  CHECK(size(200, content::smooth, mixing) < 0.9 * size(200, content::smooth, standard));
  CHECK(size(33, content::random, mixing) < 1.02 * size(33, content::random, standard));
  CHECK(size(33, content::random, mixing) < 1.06 * std::log2(33) * static_cast<double>(shape.size()) / 8);
}

TEST_CASE("payloads of the mode max are what they were: the format is frozen by these hashes") {
  struct sample {
    std::uint32_t levels, zero;
    bool rich;
    std::uint64_t expected;
  };
  for (const auto& [levels, zero, rich, expected] :
       {sample{2, 0, false, 0xb299db7af213d3d4U},
        sample{4, 0, true, 0x34ecd7953f8d179U},
        sample{16, 7, false, 0x8c615a98a1ff2f10U},
        sample{256, 0, false, 0xa8df7669eee9f18bU},
        sample{255, 128, true, 0xfd0f62c8a54e0714U},
        sample{65536, 0, false, 0x640a25ec8d102dd2U}}) {
    const shape3 shape{5, 12, 11};
    context_parameters p;
    if (rich) p = rich_parameters(levels, zero, 5, false, 3);
    p.levels = levels;
    p.zero = zero;
    auto coder = mixing_coder::create(p, 5).value();
    bytes all;
    for (const auto kind : all_contents) REQUIRE(coder.encode(make_symbols(shape, levels, zero, kind, 77), shape, {}, all).has_value());
    CAPTURE(levels, zero, rich);
    CHECK(golden::hash(all) == expected);
  }
}
