// Encodes, corrupts and decodes for as long as it is told, with profiles of random shapes and kinds that several threads share:
//
//   soak SECONDS [THREADS [SEED]]
//
// A round makes profiles, a decoder of each and a pool of threads, runs THREADS threads (2) on all of them and drops everything.
// Checked: symbols arrive as they were sent; the same tensor gives the same stream, and the same stream the same tensor, whoever encodes
// and decodes it; networks give the same on one thread and on the pool that all threads share; a corrupted stream gives an error with a message or a tensor of the right shape; other
// symbols get past the checksum no more often than 16 bits let them; and once a round is over no more memory is live than was after
// the first. Prints a line for every tenth of the time; the exit status is 0 only where all of this holds.
#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include <aecnn/codec.hpp>
#include <aecnn/nn/thread_pool.hpp>
#include <aecnn/profile_io.hpp>

#include <codec_profiles.hpp>
#include <feature_tensors.hpp>
#include <fuzz.hpp>
#include <random.hpp>

using namespace aecnn;

namespace {

struct totals {
  std::atomic<std::uint64_t> streams{0}, bytes{0}, corrupted{0}, refused{0}, undetected{0};
};

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

/// What all threads of a round share.
struct shared {
  profile p;
  std::vector<float> features;
  shape3 shape;
  std::optional<decoder> prototype;
  std::optional<nn::network> network; ///< a decoder's, with what it gives for `input` on one thread
  std::vector<float> input, output;
  /// By operating point and mode: the stream and the tensor that whoever is first gets.
  struct result {
    std::vector<std::byte> stream;
    std::vector<float> values;
  };
  std::mutex guard;
  std::vector<std::optional<result>> results;
};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::ranges::equal(a, b, [](float x, float y) { return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y); });
}

std::unique_ptr<shared> make_shared_state(random_integers& random) {
  auto s = std::make_unique<shared>();
  s->shape = {1 + random.below(24), 1 + random.below(24), 1 + random.below(24)};
  const bool open = random.below(3) == 0;
  const shape3 declared{s->shape.channels, open ? 0 : s->shape.height, open ? 0 : s->shape.width};
  std::vector<codec_profiles::kind> kinds(std::begin(codec_profiles::all_kinds), std::end(codec_profiles::all_kinds));
  // By way of a file, as devices and servers get theirs.
  s->p = load_profile(serialize_profile(
      codec_profiles::make(declared, kinds, 1 + random.below(3), 1 + random.below(60), 1 + random.below(3))));
  s->features = feature_tensors::make(s->shape, random.next(), random.below(2) == 0);
  s->prototype.emplace(s->p);
  const std::size_t latents = s->p.operating_points.front().latents();
  const shape3 input{latents, 16 + random.below(40), 16 + random.below(40)};
  s->network.emplace(nn::network::create(s->p.networks.front()).value());
  s->network->prepare(input).value();
  s->input = feature_tensors::make(input, random.next());
  s->output.resize(s->network->output_shape().size());
  s->network->run_to(s->input, s->output).value();
  s->results.resize(s->p.operating_points.size() * entropy_modes.size());
  return s;
}

void corrupt(std::vector<std::byte>& stream, random_integers& random) {
  const auto at = [&] { return random.below(static_cast<std::uint32_t>(stream.size())); };
  switch (random.below(4)) {
  case 0: stream[at()] ^= static_cast<std::byte>(1U << random.below(8)); break;
  case 1: stream.resize(at()); break;
  case 2: stream.insert(stream.begin() + at(), static_cast<std::byte>(random.below(256))); break;
  default:
    for (std::uint32_t i = 0, n = 1 + random.below(8); i < n; ++i) stream[at()] = static_cast<std::byte>(random.below(256));
  }
}

void decode_corrupted(decoder& d, const shared& s, std::vector<std::byte> stream, const std::vector<symbol>& sent, random_integers& random,
                      totals& t) {
  const std::vector<std::byte> original = stream;
  while (stream == original) corrupt(stream, random);
  ++t.corrupted;
  const auto y = d.try_decode(stream);
  if (!y) {
    require(!y.error().message.empty(), "an error without a message");
    ++t.refused;
    return;
  }
  const shape3 shape = d.shape();
  require(shape.channels == s.shape.channels && (s.p.open_extents() || shape == s.shape), "a tensor of another shape");
  require(y->shape(0) == shape.channels && y->shape(1) == shape.height && y->shape(2) == shape.width, "a tensor of a wrong shape");
  if (!std::ranges::equal(d.symbols(), sent)) ++t.undetected;
}

void work(std::vector<std::unique_ptr<shared>>& states, nn::executor& pool, std::uint64_t seed, std::size_t iterations, totals& t) {
  random_integers random(seed);
  std::vector<decoder> decoders;
  std::vector<nn::network> networks;
  for (const auto& s : states) {
    decoders.push_back(*s->prototype);
    networks.push_back(*s->network);
    if (random.below(4) != 0) networks.back().use(&pool);
  }
  for (std::size_t i = 0; i < iterations; ++i) {
    const std::size_t k = random.below(static_cast<std::uint32_t>(states.size()));
    shared& s = *states[k];
    std::vector<float> output(s.output.size());
    networks[k].run_to(s.input, output).value();
    require(same_bits(output, s.output), "a network gives something else on several threads");
    encode_options o;
    o.operating_point = random.below(static_cast<std::uint32_t>(s.p.operating_points.size()));
    // The slowest mode less often.
    const std::size_t mode = random.below(8) == 0 ? 2 : random.below(2);
    o.mode = entropy_modes[mode];
    encoder e(s.p, o);
    const auto x = tensor_view<const float>::chw(s.features.data(), s.shape.channels, s.shape.height, s.shape.width);
    for (int again = 0; again < 4; ++again) {
      const auto stream = e.encode(x);
      const auto y = decoders[k].decode(stream);
      const std::vector<symbol> sent(e.symbols().begin(), e.symbols().end());
      require(std::ranges::equal(decoders[k].symbols(), sent), "other symbols than were sent");
      ++t.streams;
      t.bytes += stream.size();
      {
        const std::vector<float> values(y.begin(), y.end());
        const std::lock_guard lock(s.guard);
        auto& first = s.results[o.operating_point * entropy_modes.size() + mode];
        if (!first) first = {stream, values};
        require(first->stream == stream, "another stream of the same tensor");
        require(same_bits(first->values, values), "another tensor of the same stream");
      }
      for (int n = 0; n < 4; ++n) decode_corrupted(decoders[k], s, stream, sent, random, t);
    }
  }
}

void run_round(std::uint64_t seed, std::size_t threads, std::size_t iterations, totals& t) {
  random_integers random(seed);
  nn::thread_pool pool(threads, 0);
  std::vector<std::unique_ptr<shared>> states;
  for (int i = 0; i < 3; ++i) states.push_back(make_shared_state(random));
  std::vector<std::exception_ptr> failed(threads);
  {
    std::vector<std::jthread> running;
    for (std::size_t i = 0; i < threads; ++i)
      running.emplace_back([&, i, from = random.next()] {
        try {
          work(states, pool, from, iterations, t);
        } catch (...) {
          failed[i] = std::current_exception();
        }
      });
  }
  for (const auto& f : failed)
    if (f) std::rethrow_exception(f);
}

/// Pages in memory, in MiB; 0 where the system does not tell.
double resident_mib() {
  std::ifstream in("/proc/self/statm");
  double all = 0, resident = 0;
  in >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1048576;
}

} // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
  try {
    const double seconds = argc > 1 ? std::atof(argv[1]) : 0;
    const std::size_t threads = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 2;
    if (argc > 4 || seconds <= 0 || threads == 0) throw std::runtime_error("usage: soak SECONDS [THREADS [SEED]]");
    totals t;
    const auto start = std::chrono::steady_clock::now();
    const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
    std::size_t rounds = 0, live = 0, printed = 0;
    do {
      run_round(seed++, threads, 20, t);
      ++rounds;
      // The first round makes what stays: tables, and what the threading library keeps.
      if (rounds == 1) live = fuzzing::live_bytes();
      require(fuzzing::live_bytes() <= live, "memory of a round is still live after it");
      const auto tenth = static_cast<std::size_t>(10 * elapsed() / seconds);
      if (tenth > printed || rounds == 1) {
        std::printf("%7.0f s, %zu rounds, %zu bytes live, %.0f MiB resident\n", elapsed(), rounds, fuzzing::live_bytes(), resident_mib());
        std::fflush(stdout);
        printed = tenth;
      }
    } while (elapsed() < seconds);
    const double expected = static_cast<double>(t.corrupted) / 65536;
    std::printf("%llu streams of %.0f bytes; %llu corrupted, %llu refused, %llu with other symbols (16 bits let through %.1f)\n",
                static_cast<unsigned long long>(t.streams), static_cast<double>(t.bytes) / static_cast<double>(t.streams),
                static_cast<unsigned long long>(t.corrupted), static_cast<unsigned long long>(t.refused),
                static_cast<unsigned long long>(t.undetected), expected);
    require(static_cast<double>(t.undetected) <= expected + 6 * std::sqrt(expected) + 2, "too much gets past the checksum");
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "soak: %s (round of seed %llu)\n", e.what(), static_cast<unsigned long long>(seed > 0 ? seed - 1 : 0));
    return 1;
  }
}
