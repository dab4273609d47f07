// A program that uses the whole library, as one that has it installed or as a subproject would.
#include <cstddef>
#include <cstdio>
#include <vector>

#include <aecnn/aecnn.hpp>

namespace {

/// Encodes and decodes one tensor with the profile in a file.
int round_trip(const char* path) {
  const aecnn::profile profile = aecnn::load_profile(path);
  aecnn::encoder encoder(profile);
  aecnn::decoder decoder(profile);
  aecnn::tensor<float> x = xt::zeros<float>({64, 8, 8});
  const std::vector<std::byte> bytes = encoder.encode(x);
  const aecnn::tensor<float> y = decoder.decode(bytes);
  return y.shape() == x.shape() ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  if (argc > 1) return round_trip(argv[1]);
  // Without a profile: the library says so through its own exception.
  try {
    return round_trip("no_such_file.aecnn");
  } catch (const aecnn::error& e) {
    std::printf("%s\n", e.what());
    return e.code() == aecnn::errc::io_error ? 0 : 1;
  }
}
