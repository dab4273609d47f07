// safetensors files, as they are.
#include <string>

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
  FUZZ_REQUIRE(again->data == file->data);
  FUZZ_REQUIRE(again->metadata == file->metadata);
}
