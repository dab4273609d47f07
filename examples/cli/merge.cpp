// aecnn merge: one profile with the operating points of several.
#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <aecnn/calibrate/merge.hpp>
#include <aecnn/io/file.hpp>
#include <aecnn/profile_io.hpp>

#include "calibration_files.hpp"
#include "command.hpp"
#include "profile_report.hpp"

namespace program {
namespace {

struct merge_arguments {
  std::vector<std::string> inputs;
  std::string output, name, names;
};

report merge(const merge_arguments& a) {
  check_output(a.output);
  std::vector<aecnn::profile> profiles;
  for (const auto& path : a.inputs) profiles.push_back(aecnn::load_profile(path));
  aecnn::merge_options options;
  options.name = a.name;
  for (std::size_t begin = 0; !a.names.empty() && begin <= a.names.size();) {
    const std::size_t end = std::min(a.names.find(',', begin), a.names.size());
    options.names.push_back(a.names.substr(begin, end - begin));
    begin = end + 1;
  }
  const auto merged = aecnn::try_merge(profiles, options);
  if (!merged) {
    std::string list;
    for (const auto& path : a.inputs) list += (list.empty() ? "'" : ", '") + path + "'";
    throw command_error(list + ": " + merged.error().message);
  }
  const auto bytes = aecnn::serialize_profile(*merged);
  aecnn::io::write_file(a.output, bytes);

  report r = describe(*merged);
  r.text = "'" + a.output + "': " + std::to_string(bytes.size()) + " bytes, from " + std::to_string(profiles.size()) +
           " profiles\n" + r.text;
  r.object["output"] = a.output;
  r.object["bytes"] = bytes.size();
  r.object["profiles"] = a.inputs;
  return r;
}

} // namespace

void add_merge(CLI::App& program, invocation& chosen) {
  const auto options = [](CLI::App& c, merge_arguments& a) {
    c.add_option("profiles", a.inputs, "Profiles for tensors of one shape; their operating points in this order")
        ->required();
    c.add_option("--name", a.name, "Name of the profile, for people (the first profile's)");
    c.add_option("--names", a.names, "Names of all operating points, joined by commas (those that they have)");
    c.add_option("-o,--output", a.output, "Profile to write")->required();
  };
  add_command<merge_arguments>(program, chosen, "merge", "Make one profile of several", options,
                               [](const merge_arguments& a, const invocation&) { return merge(a); });
}

} // namespace program
