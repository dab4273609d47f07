// Runs a target on files, without libFuzzer:
//
//   replay TARGET PATH...
//
// PATH is a file or a folder of files. Each file is given as it is, and every beginning of at most 100 bytes of it as well, so that a
// few files are many inputs. Prints how many, the slowest and the one that allocated most, also of those of at most 100 bytes; an input
// that breaks a rule ends the program, and so does one of at most 100 bytes that takes more than 10 ms again and again. Times are the
// processor's, without those of the first input, which makes what others share.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include <fuzz.hpp>

namespace {

using target = void (*)(std::span<const std::byte>);
struct named_target {
  const char* name;
  target run;
};
constexpr named_target targets[] = {
    {"end_to_end", fuzz_end_to_end}, {"npy", fuzz_npy},       {"profile", fuzz_profile}, {"record_file", fuzz_record_file},
    {"safetensors", fuzz_safetensors}, {"stream", fuzz_stream}, {"symbols", fuzz_symbols},
#ifdef AECNN_WITH_ONNX
    {"onnx", fuzz_onnx},
#endif
};

target find_target(const std::string& name) {
  for (const auto& t : targets)
    if (name == t.name) return t.run;
  throw std::runtime_error("no target '" + name + "'");
}

struct most {
  std::size_t inputs = 0, bytes = 0;
  double ms = 0;
  std::string slowest, largest;

  void add(double input_ms, std::size_t input_bytes, const std::string& name) {
    ++inputs;
    if (input_ms > ms) {
      ms = input_ms;
      slowest = name;
    }
    if (input_bytes > bytes) {
      bytes = input_bytes;
      largest = name;
    }
  }
  void print(const char* what) const {
    std::printf("%zu inputs%s; slowest %.2f ms (%s), largest %zu bytes (%s)\n", inputs, what, ms, slowest.c_str(), bytes, largest.c_str());
  }
};
struct totals {
  bool first = true;
  most all, small;
};

constexpr double most_ms = 10; // docs/security.md

double processor_ms() { return 1000.0 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

void run(target fuzz, std::span<const std::byte> bytes, const std::string& name, totals& t) {
  const std::size_t before = fuzzing::live_bytes();
  fuzzing::reset_peak();
  const auto timed = [&] {
    const double start = processor_ms();
    fuzz(bytes);
    return processor_ms() - start;
  };
  double ms = timed();
  // Once more where something was made for this input and the next ones, or the processor was busy.
  for (int again = 0; again < 4 && bytes.size() <= 100 && ms > most_ms; ++again) ms = timed();
  if (bytes.size() <= 100 && ms > most_ms) throw std::runtime_error(name + ": takes " + std::to_string(ms) + " ms");
  const std::size_t peak = fuzzing::peak_bytes() - before;
  if (!t.first) {
    t.all.add(ms, peak, name);
    if (bytes.size() <= 100) t.small.add(ms, peak, name);
  }
  t.first = false;
}

void run_file(target fuzz, const std::filesystem::path& file, totals& t) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  const std::string name = file.filename().string();
  for (std::size_t n = 0; n < std::min<std::size_t>(bytes.size(), 101); ++n)
    run(fuzz, bytes.first(n), name + " up to " + std::to_string(n), t);
  run(fuzz, bytes, name, t);
}

} // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 3) throw std::runtime_error("usage: replay TARGET PATH...");
    const target fuzz = find_target(argv[1]);
    totals t;
    for (int i = 2; i < argc; ++i) {
      std::vector<std::filesystem::path> files;
      if (std::filesystem::is_directory(argv[i]))
        for (const auto& entry : std::filesystem::directory_iterator(argv[i])) files.push_back(entry.path());
      else
        files.emplace_back(argv[i]);
      std::sort(files.begin(), files.end());
      for (const auto& file : files) run_file(fuzz, file, t);
    }
    if (t.first) throw std::runtime_error("no files");
    t.all.print("");
    t.small.print(" of at most 100 bytes");
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "replay: %s\n", e.what());
    return 1;
  }
}
