// Writes into a folder what the consumers need: a profile's file, its source text, and the streams that it gives.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <aecnn/encoder.hpp>
#include <aecnn/io/file.hpp>
#include <aecnn/io/profile_source.hpp>
#include <aecnn/profile_io.hpp>

#include <example_profiles.hpp>

#include "example_tensor.hpp"

namespace {
void write_text(const std::filesystem::path& path, std::string_view text) {
  aecnn::io::write_file(path, std::as_bytes(std::span(text.data(), text.size())));
}
} // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  try {
    const aecnn::profile p = example_profiles::large_profile();
    aecnn::save_profile(p, folder / "example.aecnn");
    write_text(folder / "example_profile.hpp", aecnn::io::profile_source(p, "example_profile"));

    const auto x = example_tensor();
    std::string streams = "#include <cstdint>\n#include <vector>\n\n"
                          "inline const std::vector<std::vector<std::uint8_t>> expected_streams = {\n";
    for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
      aecnn::encoder encoder(p, {.operating_point = i});
      streams += "  {";
      for (const std::byte b : encoder.encode(example_view(x)))
        streams += std::to_string(std::to_integer<int>(b)) + ",";
      streams += "},\n";
    }
    write_text(folder / "expected_streams.hpp", streams + "};\n");
  } catch (const aecnn::error& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
  return 0;
}
