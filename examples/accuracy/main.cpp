// What compression costs a task, measured from end to end without Python: image, head, encoder, bytes, decoder, tail,
// top-1. Prints one JSON object a line: one an operating point, and one for the network without a codec. A case whose
// data are not there is left out with a line on stderr.
//
//   accuracy CASES [DATA] [--case NAME] [--threads T] [--limit N]
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <new>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "case_file.hpp"
#include "input_error.hpp"
#include "measure.hpp"

namespace {

using json = nlohmann::ordered_json;

struct arguments {
  std::filesystem::path cases, data;
  std::string name;
  accuracy::measure_options options;
};

/// With so many decimals at most, so that lines stay readable.
double rounded(double v, int decimals) {
  const double scale = std::pow(10.0, decimals);
  return std::round(v * scale) / scale;
}

json object_of(const accuracy::case_description& c, const accuracy::measurement& m) {
  const auto percent = [&](std::size_t right) {
    return 100 * static_cast<double>(right) / static_cast<double>(m.images);
  };
  const bool coded = m.point.has_value();
  json o{{"case", c.name}, {"data", c.data}, {"backbone", c.backbone}, {"split", c.split}, {"method", m.method}};
  o["operating_point"] = coded ? json(*m.point) : json();
  o["images"] = m.images;
  o["bytes"] = rounded(m.bytes, 3);
  o["bytes_bare"] = rounded(m.bytes_bare, 3);
  o["ratio"] = rounded(static_cast<double>(m.raw_bytes) / m.bytes, 3);
  o["top1"] = rounded(percent(m.right), 3);
  o["top1_reference"] = m.reference_right ? json(rounded(percent(*m.reference_right), 3)) : json();
  o["lost"] = m.reference_right ? json(rounded(percent(*m.reference_right) - percent(m.right), 3)) : json();
  o["encode_us"] = coded ? json(rounded(m.encode_us, 2)) : json();
  o["decode_us"] = coded ? json(rounded(m.decode_us, 2)) : json();
  o["head_us"] = m.head_us ? json(rounded(*m.head_us, 2)) : json();
  o["tail_us"] = rounded(m.tail_us, 2);
  return o;
}

/// The descriptions in a folder, by name.
std::vector<std::filesystem::path> case_files(const arguments& a) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(a.cases, error))
    if (entry.path().extension() == ".json" && (a.name.empty() || entry.path().stem() == a.name))
      files.push_back(entry.path());
  if (error) accuracy::fail(a.cases, "is not a folder that can be read: " + error.message());
  if (files.empty())
    accuracy::fail(a.cases, "no description of a case, expected " + (a.name.empty() ? "*" : a.name) + ".json");
  std::sort(files.begin(), files.end());
  return files;
}

/// Whether the data of a case are there; says so where they are not.
bool data_are_there(const accuracy::case_description& c, const arguments& a) {
  for (const auto& file : c.data_files()) {
    if (!a.data.empty() && std::filesystem::exists(file)) continue;
    const std::string why =
        a.data.empty() ? "needs a folder of data with '" + file.string() + "'" : "'" + file.string() + "' is not there";
    if (!a.name.empty()) accuracy::fail(c.file, why);
    std::fprintf(stderr, "accuracy: %s is left out: %s\n", c.name.c_str(), why.c_str());
    return false;
  }
  return true;
}

void run(const arguments& a) {
  if (!a.data.empty() && !std::filesystem::is_directory(a.data)) accuracy::fail(a.data, "is not a folder of data");
  for (const auto& file : case_files(a)) {
    const auto c = accuracy::read_case(file, a.data);
    if (!data_are_there(c, a)) continue;
    for (const auto& m : accuracy::measure(c, a.options)) {
      const std::string line = object_of(c, m).dump() + '\n';
      if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() || std::fflush(stdout) != 0)
        throw accuracy::input_error("cannot write to standard output");
    }
  }
}

int fail(const std::string& message) {
  std::fprintf(stderr, "accuracy: %s\n", message.c_str());
  return 1;
}

} // namespace

int main(int argc, char** argv) {
  try {
    CLI::App app{"Accuracy and bytes of networks that are split between device and server", "accuracy"};
    arguments a;
    app.add_option("cases", a.cases, "Folder of the cases' descriptions, *.json")->required();
    app.add_option("data", a.data, "Folder of the data that the cases name");
    app.add_option("--case", a.name, "This case alone, by its file's name without .json");
    app.add_option("--threads", a.options.threads, "Threads that share the images (2)")->check(CLI::Range(1, 256));
    app.add_option("--limit", a.options.limit, "The first so many images of each case alone (all)")
        ->check(CLI::PositiveNumber);
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& help) {
      return app.exit(help);
    } catch (const CLI::Error& usage) {
      return fail(std::string(usage.what()) + " (see accuracy --help)");
    }
    run(a);
    return 0;
  } catch (const std::bad_alloc&) {
    return fail("out of memory");
  } catch (const std::exception& e) {
    return fail(e.what());
  }
}
