#include <aecnn/entropy/entropy_coder.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <aecnn/entropy/context_coder.hpp>

#include <catch_compat.hpp>

namespace {

/// The smallest entropy coder: two bytes a symbol.
struct plain_coder {
  bool coded_mask() const { return false; }
  aecnn::status encode(std::span<const aecnn::symbol> symbols, aecnn::shape3, std::span<const std::uint8_t>, std::vector<std::byte>& out) {
    for (const auto s : symbols) {
      out.push_back(static_cast<std::byte>(s & 255));
      out.push_back(static_cast<std::byte>(s >> 8));
    }
    return {};
  }
  template <class Choose>
  aecnn::status encode_chosen(std::span<aecnn::symbol> symbols, aecnn::shape3 shape, std::span<const std::uint8_t> mask,
                              std::vector<std::byte>& out, Choose&& choose) {
    for (std::size_t i = 0; i < symbols.size(); ++i)
      symbols[i] = choose(i, i / shape.area(), [](aecnn::symbol) { return std::uint32_t{16 * 256}; });
    return encode(symbols, shape, mask, out);
  }
  aecnn::status decode(std::span<const std::byte> payload, aecnn::shape3, std::span<std::uint8_t>, std::span<aecnn::symbol> symbols) {
    if (payload.size() != 2 * symbols.size()) return aecnn::failure{aecnn::errc::corrupt, "payload: wrong length"};
    for (std::size_t i = 0; i < symbols.size(); ++i)
      symbols[i] = static_cast<aecnn::symbol>(std::to_integer<unsigned>(payload[2 * i]) | std::to_integer<unsigned>(payload[2 * i + 1]) << 8);
    return {};
  }
};

struct no_decode : plain_coder {
  aecnn::status decode(std::span<const std::byte>) { return {}; }
};
struct throwing_status : plain_coder {
  void encode(std::span<const aecnn::symbol>, aecnn::shape3, std::span<const std::uint8_t>, std::vector<std::byte>&) {}
};

} // namespace

TEST_CASE("the default coder and a coder of one's own are entropy coders, others are not") {
  CHECK(aecnn::entropy_coder<aecnn::context_coder>);
  CHECK(aecnn::entropy_coder<plain_coder>);
  CHECK_FALSE(aecnn::entropy_coder<no_decode>);
  CHECK_FALSE(aecnn::entropy_coder<throwing_status>);
  CHECK_FALSE(aecnn::entropy_coder<int>);
}

TEST_CASE("the sample coder is one that works") {
  plain_coder c;
  const std::vector<aecnn::symbol> s = {1, 65535, 0, 256};
  std::vector<std::byte> out;
  REQUIRE(c.encode(s, {1, 2, 2}, {}, out).has_value());
  std::vector<aecnn::symbol> found(4);
  REQUIRE(c.decode(out, {1, 2, 2}, {}, found).has_value());
  CHECK(found == s);
}
