// Payloads of symbol planes in every mode, for entropy parameters of any kind.
//
// Byte 0: bits 0 and 1 the mode, bit 2 decodes the rest, else the rest are symbols to encode and decode again; bit 3 a mask.
// Byte 1: the alphabet; byte 2: planes, classes and references; bytes 3 and 4: height and width. Then the rest.
#include <map>
#include <tuple>
#include <vector>

#include <aecnn/entropy/modes.hpp>
#include <aecnn/entropy/symbol_coder.hpp>

#include <fuzz.hpp>

using namespace aecnn;

namespace {

constexpr std::uint32_t alphabets[] = {2, 3, 4, 5, 7, 8, 15, 16, 17, 33, 40, 64, 255, 257, 2048, 65536};

std::uint32_t zero_of(std::uint8_t alphabet) {
  const std::uint32_t levels = alphabets[alphabet & 15];
  return alphabet < 16 ? 0 : alphabet < 32 ? levels / 2 : levels - 1;
}

/// Coders are kept for the next input of the same kind: what one leaves behind must not disturb the next.
symbol_coder& coder_of(std::uint8_t alphabet, std::uint8_t kind, bool masked) {
  static std::map<std::tuple<std::uint8_t, std::uint8_t, bool>, symbol_coder> made;
  if (made.size() > 100) made.clear();
  const auto key = std::tuple(alphabet, kind, masked);
  if (const auto at = made.find(key); at != made.end()) return at->second;
  context_parameters p;
  p.levels = alphabets[alphabet & 15];
  p.zero = zero_of(alphabet);
  const std::size_t planes = 1 + (kind & 3U);
  p.classes = static_cast<std::uint8_t>(1 + (kind >> 2 & 1));
  for (std::size_t l = 0; l < planes; ++l) {
    p.reference.push_back(l > 0 && (kind >> 3 & 1) != 0 ? static_cast<std::uint16_t>(l - 1) : context_parameters::no_reference);
    p.channel_class.push_back(static_cast<std::uint8_t>(l % p.classes));
    if (masked) p.mask_prior.push_back(static_cast<std::uint16_t>(32 + 21000 * l));
  }
  return made.emplace(key, symbol_coder::create(p, planes).value()).first->second;
}

} // namespace

void fuzz_symbols(std::span<const std::byte> bytes) {
  fuzzing::source in(bytes);
  const std::uint8_t flags = in.u8(), alphabet = in.u8() % 48, kind = in.u8() & 15;
  const bool masked = (flags & 8) != 0;
  symbol_coder& coder = coder_of(alphabet, kind, masked);
  const std::uint32_t levels = alphabets[alphabet & 15];
  const auto zero = static_cast<symbol>(zero_of(alphabet));
  const shape3 shape{1 + (kind & 3U), 1 + in.below(6), 1 + in.below(6)};
  FUZZ_REQUIRE(coder.set_mode(entropy_modes[(flags & 3) % entropy_modes.size()]));

  std::vector<symbol> symbols(shape.size());
  std::vector<std::uint8_t> mask(masked ? shape.channels : 0);
  std::vector<std::byte> payload;
  if ((flags & 4) != 0) {
    payload.assign(in.rest().begin(), in.rest().end());
    if (!coder.decode(payload, shape, mask, symbols)) return;
    // There is one payload for given symbols; the mode fast may choose among tables.
    if ((flags & 3) == fast_mode.id) return;
    std::vector<std::byte> again;
    FUZZ_REQUIRE(coder.encode(symbols, shape, mask, again));
    FUZZ_REQUIRE(again == payload);
    return;
  }
  for (auto& m : mask) m = in.u8() & 1;
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    const std::size_t l = i / shape.area();
    const bool sent = mask.empty() || mask[l] != 0;
    symbols[i] = !sent || in.empty() ? zero : static_cast<symbol>(in.below(levels));
  }
  FUZZ_REQUIRE(coder.encode(symbols, shape, mask, payload));
  std::vector<symbol> found(symbols.size());
  std::vector<std::uint8_t> found_mask(mask.size());
  FUZZ_REQUIRE(coder.decode(payload, shape, found_mask, found));
  FUZZ_REQUIRE(found == symbols);
  FUZZ_REQUIRE(found_mask == mask);
}
