#include <aecnn/io/profile_source.hpp>

#include <string>

#include <catch_compat.hpp>
#include <example_profiles.hpp>

using aecnn::errc;
using aecnn::profile;

TEST_CASE("source text of the device's side", "[profile_source]") {
  const profile p = example_profiles::large_profile();
  const std::string text = aecnn::io::profile_source(p, "camera_profile");
  CHECK(text == aecnn::io::profile_source(p, "camera_profile"));
  CHECK(text.find("inline aecnn::profile camera_profile() {") != std::string::npos);
  CHECK(text.find("p.hash = 0x" + aecnn::io::detail::to_hex(p.hash) + "U;") != std::string::npos);
  CHECK(text.find("op0_quantizer_scale[] = {\n  0x1.9p+6F, 0x1.953334p+6F,") != std::string::npos);
  CHECK(text.find("\"large \\342\\202\\254 \\042quoted\\042 \\134 \\011\"") != std::string::npos);
  for (const char* header : {"nlohmann", "safetensors", "profile_io"}) CHECK(text.find(header) == std::string::npos);
  // Networks stay on the server: the server's profile has the same source with the networks or without them.
  auto device = p;
  device.networks.clear();
  device.probe.reset();
  CHECK(aecnn::io::profile_source(device, "camera_profile") == text);

  for (const char* name : {"", "1st", "a-b", "a b", "_a", "a__b", "a::b", "\xc3\xa9"}) {
    INFO(name);
    CHECK(aecnn::io::try_profile_source(p, name).error().code == errc::invalid_argument);
  }
  device.operating_points[0].quantizer.levels = 0;
  CHECK(aecnn::io::try_profile_source(device, "f").error().code == errc::bad_field);
}
