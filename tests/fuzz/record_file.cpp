// Files of many streams, as they are.
#include <algorithm>
#include <vector>

#include <aecnn/bitstream/record_file.hpp>

#include <fuzz.hpp>

using namespace aecnn;

void fuzz_record_file(std::span<const std::byte> bytes) {
  const auto file = [&] {
    const fuzzing::allocation_limit limit(fuzzing::allowance(bytes.size()));
    return try_parse_record_file(bytes);
  }();
  if (!file) {
    FUZZ_REQUIRE(!file.error().message.empty());
    return;
  }
  std::vector<std::byte> again;
  write_record_file(*file, again);
  FUZZ_REQUIRE(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
}
