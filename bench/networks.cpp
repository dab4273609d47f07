// Times networks beside ONNX Runtime, both in float32 or both in int8, in one run (alternating, with one thread):
//   bench_networks FOLDER [--threads T] [--seconds S] [--exact | --int8] [NAME...]
// FOLDER is what bench/report/export_networks.py wrote; all its networks where none is named. The environment variable
// AECNN_ONNXRUNTIME names libonnxruntime.so (npm install onnxruntime-node brings one); without it only this library is
// timed. In int8 it runs the QLinearConv form of the network, NAME.qlinear.onnx; where there is none only this library is
// timed. Prints one JSON object a network: medians and minima in microseconds of run() alone, milliseconds to load, the
// largest error relative to the largest output, and bytes of activations. Input and output lie at 64 bytes, as other
// engines allocate theirs.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <dirent.h>
#include <dlfcn.h>
#include <sched.h>
#include <unistd.h>
#endif

#include <aecnn/io/file.hpp>
#include <aecnn/io/npy.hpp>
#include <aecnn/nn/network.hpp>
#include <aecnn/nn/onnx.hpp>
#include <aecnn/nn/quantized_network.hpp>
#include <aecnn/nn/thread_pool.hpp>

namespace {

double microseconds() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// What the files of ONNX Runtime's integer networks are called after the network's name.
constexpr const char* integer_form = ".qlinear.onnx";

struct options {
  std::filesystem::path folder;
  std::size_t threads = 1;
  double seconds = 1;
  bool exact = false, int8 = false;
  std::vector<std::string> names;
};

/// Floats at a multiple of 64 bytes.
class floats {
public:
  explicit floats(std::size_t n)
      : size_(n), data_(static_cast<float*>(std::aligned_alloc(64, (n * 4 + 127) / 64 * 64)), std::free) {
    std::fill_n(data_.get(), n, 0.0F);
  }
  float* data() { return data_.get(); }
  std::size_t size() const { return size_; }

private:
  std::size_t size_;
  std::unique_ptr<float, void (*)(void*)> data_;
};

struct tensor {
  std::vector<std::int64_t> shape;
  floats values;
};
tensor read_tensor(const std::filesystem::path& path) {
  const auto array = aecnn::io::parse_npy(aecnn::io::read_file(path));
  tensor t{{array.shape.begin(), array.shape.end()}, floats(array.data.size() / sizeof(float))};
  std::memcpy(t.values.data(), array.data.data(), array.data.size());
  return t;
}

double largest_error(floats& found, floats& expected) {
  double error = 0, largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    error = std::max(error, std::fabs(static_cast<double>(found.data()[i]) - static_cast<double>(expected.data()[i])));
    largest = std::max(largest, std::fabs(static_cast<double>(expected.data()[i])));
  }
  return error / largest;
}

#if defined(__linux__)

/// ONNX Runtime through its C interface, whose table of functions only ever grows at its end; the numbers are places in
/// it.
class onnx_runtime {
public:
  onnx_runtime(const char* library, const std::filesystem::path& network, std::size_t threads, tensor& in,
               tensor& out) {
    void* const handle = dlopen(library, RTLD_NOW);
    if (handle == nullptr) throw std::runtime_error(dlerror());
    struct entry {
      void** (*table)(std::uint32_t version);
      const char* (*version)();
    };
    const auto get = reinterpret_cast<const entry* (*)()>(dlsym(handle, "OrtGetApiBase"));
    if (get == nullptr) throw std::runtime_error("no ONNX Runtime in the library");
    table_ = get()->table(17);
    static void* environment = nullptr;
    if (environment == nullptr) expect(call<void*>(create_env, 3, "bench", &environment));
    void *settings = nullptr, *memory = nullptr;
    expect(call<void*>(create_session_options, &settings));
    expect(call<void*>(set_optimization, settings, 99));
    expect(call<void*>(set_threads, settings, static_cast<int>(threads)));
    expect(call<void*>(create_session, environment, network.c_str(), settings, &session_));
    expect(call<void*>(create_cpu_memory, 1, 0, &memory));
    for (auto [t, value] : {std::pair{&in, &in_}, std::pair{&out, &out_}})
      expect(call<void*>(create_tensor, memory, static_cast<void*>(t->values.data()), t->values.size() * sizeof(float),
                         t->shape.data(), t->shape.size(), 1, value));
  }
  void run() {
    const char *in = "x", *out = "y";
    expect(call<void*>(run_session, session_, static_cast<void*>(nullptr), &in, const_cast<const void* const*>(&in_),
                       std::size_t{1}, &out, std::size_t{1}, &out_));
  }

private:
  enum {
    error_message = 2,
    create_env = 3,
    create_session = 7,
    run_session = 9,
    create_session_options = 10,
    set_optimization = 23,
    set_threads = 24,
    create_tensor = 49,
    create_cpu_memory = 69
  };
  template <class Result, class... Arguments>
  Result call(int place, Arguments... arguments) {
    return reinterpret_cast<Result (*)(Arguments...)>(table_[place])(arguments...);
  }
  void expect(void* status) {
    if (status != nullptr) throw std::runtime_error(call<const char*>(error_message, status));
  }
  void** table_ = nullptr;
  void *session_ = nullptr, *in_ = nullptr, *out_ = nullptr;
};

/// The main thread on the first processor, all others on the second, so that two spinning threads never share one.
void pin_two() {
  DIR* const tasks = opendir("/proc/self/task");
  if (tasks == nullptr) return;
  while (const dirent* e = readdir(tasks)) {
    const int task = std::atoi(e->d_name);
    if (task == 0) continue;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(task == getpid() ? 0 : 1, &set);
    sched_setaffinity(task, sizeof set, &set);
  }
  closedir(tasks);
}

#else
class onnx_runtime {
public:
  onnx_runtime(const char*, const std::filesystem::path&, std::size_t, tensor&, tensor&) {
    throw std::runtime_error("AECNN_ONNXRUNTIME is supported on Linux only");
  }
  void run() {}
};
void pin_two() {}
#endif

struct timing {
  std::vector<double> samples;
  template <class Run>
  void add(const Run& run) {
    for (int i = 0; i < 3; ++i) run();
    for (int i = 0; i < 10; ++i) {
      const double start = microseconds();
      run();
      samples.push_back(microseconds() - start);
    }
  }
  double median() {
    std::nth_element(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2), samples.end());
    return samples[samples.size() / 2];
  }
  double least() const { return *std::min_element(samples.begin(), samples.end()); }
};

void measure(const options& o, const std::string& name) {
  namespace nn = aecnn::nn;
  const auto file = o.folder / (name + ".onnx");
  const double start = microseconds();
  nn::network_options settings;
  settings.exact = o.exact;
  nn::network net = nn::load_onnx(file, settings);
  const double load = (microseconds() - start) / 1000;
  tensor in = read_tensor(o.folder / (name + ".in.npy")), expected = read_tensor(o.folder / (name + ".out.npy"));
  tensor out{expected.shape, floats(expected.values.size())}, other{expected.shape, floats(expected.values.size())};
  std::unique_ptr<nn::thread_pool> pool;
  if (o.threads > 1) {
    pool = std::make_unique<nn::thread_pool>(o.threads);
    net.use(pool.get());
  }
  const std::span<const float> from(in.values.data(), in.values.size());
  const std::span<float> to(out.values.data(), out.values.size());
  nn::quantized_network integers;
  if (o.int8) { // calibrated on its own input: only the time counts here
    const std::span<const float> samples[] = {from};
    const auto unsupported = [&](const aecnn::failure& why) {
      if (why.code != aecnn::errc::unsupported) throw std::runtime_error(why.message);
      std::printf("{\"network\":\"%s\",\"unsupported\":true}\n", name.c_str());
    };
    auto q = nn::calibrate_quantization(*net.source(), samples, in.shape);
    if (!q) return unsupported(q.error());
    auto made = nn::quantized_network::create(*net.source(), std::move(*q), settings);
    if (!made) return unsupported(made.error());
    integers = std::move(*made);
    if (pool) integers.use(pool.get());
  }
  const auto ours = [&] { (o.int8 ? integers.run_to(from, to) : net.run_to(from, to)).value(); };
  ours();
  // One after another where there are several threads: those of both spin while they wait, and would keep each other from
  // the processors.
  timing a, b;
  const auto time_both = [&](onnx_runtime* peer, bool mine) {
    const timing& counted = mine ? a : b;
    for (const double begin = microseconds();
         microseconds() - begin < o.seconds * 1e6 || counted.samples.size() < 30;) {
      if (mine) a.add(ours);
      if (peer != nullptr) b.add([&] { peer->run(); });
    }
  };
  const char* const library = std::getenv("AECNN_ONNXRUNTIME");
  const auto peer_file = o.int8 ? o.folder / (name + integer_form) : file;
  const bool compare = library != nullptr && *library != 0 && std::filesystem::exists(peer_file);
  if (o.threads > 1) {
    if (o.threads == 2) pin_two();
    time_both(nullptr, true);
    net.use(nullptr);
    integers.use(nullptr);
    pool.reset();
  }
  std::unique_ptr<onnx_runtime> peer;
  if (compare) {
    peer = std::make_unique<onnx_runtime>(library, peer_file, o.threads, in, other);
    peer->run();
    if (o.threads == 2) pin_two();
  }
  if (o.threads == 1 || compare) time_both(peer.get(), o.threads == 1);
  std::printf(
      "{\"network\":\"%s\",\"threads\":%zu,\"median_us\":%.1f,\"least_us\":%.1f,\"load_ms\":%.2f,\"error\":%.1e,"
      "\"activation_bytes\":%zu",
      name.c_str(), o.threads, a.median(), a.least(), load, largest_error(out.values, expected.values),
      net.activation_bytes());
  if (peer)
    std::printf(
        ",\"onnxruntime_median_us\":%.1f,\"onnxruntime_least_us\":%.1f,\"onnxruntime_error\":%.1e,\"ratio\":%.2f",
        b.median(), b.least(), largest_error(other.values, expected.values), b.median() / a.median());
  std::puts("}");
  std::fflush(stdout);
}

options parse(int argc, char** argv) {
  options o;
  for (int i = 1; i < argc; ++i) {
    const std::string a = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 == argc) throw std::runtime_error(a + ": a value is missing");
      return argv[++i];
    };
    if (a == "--threads")
      o.threads = std::stoul(value());
    else if (a == "--seconds")
      o.seconds = std::stod(value());
    else if (a == "--exact")
      o.exact = true;
    else if (a == "--int8")
      o.int8 = true;
    else if (o.folder.empty())
      o.folder = a;
    else
      o.names.push_back(a);
  }
  if (o.folder.empty() || o.threads == 0)
    throw std::runtime_error("usage: bench_networks FOLDER [--threads T] [--seconds S] [--exact | --int8] [NAME...]");
  if (o.names.empty())
    for (const auto& e : std::filesystem::directory_iterator(o.folder))
      if (const std::string file = e.path().filename().string();
          file.ends_with(".onnx") && !file.ends_with(integer_form))
        o.names.push_back(e.path().stem().string());
  std::sort(o.names.begin(), o.names.end());
  return o;
}

} // namespace

int main(int argc, char** argv) {
  try {
    const options o = parse(argc, argv);
    for (const std::string& name : o.names) measure(o, name);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_networks: %s\n", e.what());
    return 1;
  }
}
