// Payloads of symbol planes in every mode, for entropy parameters of any kind.
//
// Byte 0: bits 0 and 1 the mode, bit 2 decodes the rest, else the rest are symbols to encode and decode again; bit 3 a mask.
// Then levels, zero, planes, height, width, classes and references, and the rest.
#include <algorithm>
#include <vector>

#include <aecnn/entropy/modes.hpp>
#include <aecnn/entropy/symbol_coder.hpp>

#include <fuzz.hpp>

using namespace aecnn;

void fuzz_symbols(std::span<const std::byte> bytes) {
  fuzzing::source in(bytes);
  const std::uint8_t flags = in.u8();
  context_parameters p;
  // Few levels are the usual case; many cost time and memory.
  p.levels = 2 + (in.u8() % 16 != 0 ? in.below(40) : in.below(in.u8() == 0 ? 65535 : 2048));
  p.zero = in.below(p.levels);
  const shape3 shape{1 + in.below(4), 1 + in.below(6), 1 + in.below(6)};
  p.classes = static_cast<std::uint8_t>(1 + in.below(2));
  const std::uint8_t kinds = in.u8();
  for (std::size_t l = 0; l < shape.channels; ++l) {
    p.reference.push_back(l > 0 && (kinds >> l & 1) != 0 ? static_cast<std::uint16_t>(l - 1) : context_parameters::no_reference);
    p.channel_class.push_back(static_cast<std::uint8_t>((kinds >> 4 >> l & 1) % p.classes));
  }
  if ((flags & 8) != 0)
    for (std::size_t l = 0; l < shape.channels; ++l) p.mask_prior.push_back(static_cast<std::uint16_t>(32 + in.below(65473)));
  auto coder = symbol_coder::create(p, shape.channels).value();
  FUZZ_REQUIRE(coder.set_mode(entropy_modes[(flags & 3) % entropy_modes.size()]));

  std::vector<symbol> symbols(shape.size());
  std::vector<std::uint8_t> mask(p.mask_prior.size());
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
    symbols[i] = static_cast<symbol>(!sent || in.empty() ? p.zero : in.below(p.levels));
  }
  FUZZ_REQUIRE(coder.encode(symbols, shape, mask, payload));
  std::vector<symbol> found(symbols.size());
  std::vector<std::uint8_t> found_mask(mask.size());
  FUZZ_REQUIRE(coder.decode(payload, shape, found_mask, found));
  FUZZ_REQUIRE(found == symbols);
  FUZZ_REQUIRE(found_mask == mask);
}
