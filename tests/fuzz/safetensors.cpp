// safetensors files, as they are.
#include <algorithm>

#include <aecnn/io/safetensors.hpp>

#include <fuzz.hpp>

using namespace aecnn;

void fuzz_safetensors(std::span<const std::byte> bytes) {
  const auto file = [&] {
    const fuzzing::allocation_limit limit(fuzzing::allowance(bytes.size()));
    return io::try_parse_safetensors(bytes);
  }();
  if (!file) {
    FUZZ_REQUIRE(!file.error().message.empty());
    return;
  }
  for (const auto& e : file->entries) {
    const auto raw = file->bytes(e.name);
    FUZZ_REQUIRE(raw.has_value());
    static_cast<void>(file->floats(e.name));
    static_cast<void>(file->integers<std::uint16_t>(e.name));
    static_cast<void>(file->integers<std::int64_t>(e.name));
  }
  const auto written = io::try_serialize(*file);
  FUZZ_REQUIRE(written.has_value());
  const auto again = io::try_parse_safetensors(*written);
  FUZZ_REQUIRE(again.has_value());
  // Files are written with the widest types first.
  FUZZ_REQUIRE(again->entries.size() == file->entries.size());
  for (const auto& e : file->entries) {
    const auto* same = again->find(e.name);
    FUZZ_REQUIRE(same != nullptr && same->type == e.type && same->shape == e.shape);
    FUZZ_REQUIRE(std::ranges::equal(again->bytes(e.name).value(), file->bytes(e.name).value()));
  }
  FUZZ_REQUIRE(again->metadata == file->metadata);
}
