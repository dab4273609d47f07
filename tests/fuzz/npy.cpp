// .npy files, as they are.
#include <aecnn/io/npy.hpp>

#include <fuzz.hpp>

using namespace aecnn;

void fuzz_npy(std::span<const std::byte> bytes) {
  const auto array = [&] {
    const fuzzing::allocation_limit limit(fuzzing::allowance(bytes.size()));
    return io::try_parse_npy(bytes);
  }();
  if (!array) {
    FUZZ_REQUIRE(!array.error().message.empty());
    return;
  }
  const auto written = io::try_format_npy(*array);
  FUZZ_REQUIRE(written.has_value());
  const auto again = io::try_parse_npy(*written);
  FUZZ_REQUIRE(again.has_value());
  FUZZ_REQUIRE(again->type == array->type && again->shape == array->shape && again->data == array->data);
  const auto features = io::try_to_features(*array);
  if (features) FUZZ_REQUIRE(features->values.size() == features->count * features->shape.size());
}
