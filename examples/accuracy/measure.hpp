// Measures a case: every image through head, encoder, bytes, decoder and tail, at each operating point of each method.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <time.h> // POSIX

#include <aecnn/codec.hpp>
#include <aecnn/profile_io.hpp>

#include "case_file.hpp"
#include "coding.hpp"
#include "feature_source.hpp"
#include "input_error.hpp"

namespace accuracy {

struct measure_options {
  std::size_t limit = 0; ///< number of images, 0 for all
  std::size_t threads = 2;
};

/// What one operating point does to the images of a case, or what the network does without a codec.
struct measurement {
  std::string method;
  std::optional<std::string> point{};    ///< empty without a codec
  std::size_t images = 0, raw_bytes = 0; ///< raw_bytes: of the float32 tensor
  double bytes = 0, bytes_bare = 0;      ///< means
  std::size_t right = 0;
  std::optional<std::size_t> reference_right{};     ///< of the network without a codec
  double encode_us = 0, decode_us = 0, tail_us = 0; ///< medians of processor time; 0 where there is no codec
  std::optional<double> head_us{};                  ///< empty where tensors come from a file
};

/// The rest of a network, which says whether it recognises what a feature tensor shows.
class classifier {
public:
  classifier(const path& file, const aecnn::shape3& shape) : tail_(item_network::load(file)) {
    tail_.prepare(shape);
    const auto out = tail_.output_extents();
    classes_ = aecnn::nn::element_count(out);
    if (classes_ < 2 || std::cmp_not_equal(classes_, std::ranges::max(out)) || out[0] != 1)
      fail(file, "output of shape " + text_of(out) + ", expected the scores of the classes, [1,K]");
  }
  const path& file() const noexcept { return tail_.file(); }
  std::size_t classes() const noexcept { return classes_; }
  bool recognises(std::span<const float> features, std::int64_t label) {
    const auto scores = tail_.run(features);
    return std::max_element(scores.begin(), scores.end()) - scores.begin() == label;
  }

private:
  item_network tail_;
  std::size_t classes_ = 0;
};

/// All networks and codecs of a case. Copies share the weights; use one per thread.
class pipeline {
public:
  explicit pipeline(const case_description& c) : source_(c) {
    if (c.reference_tail) reference_ = tail_at(*c.reference_tail);
    for (const method_description& m : c.methods) add(m);
    if (!reference_ && points_.empty()) fail(c.file, "neither 'reference_tail' nor 'methods', expected at least one");
    for (const classifier& t : tails_)
      for (std::size_t i = 0; i < source_.count(); ++i)
        if (source_.label(i) < 0 || std::cmp_greater_equal(source_.label(i), t.classes()))
          fail(c.file, "label " + std::to_string(source_.label(i)) + " of image " + std::to_string(i) +
                           ", expected 0 to " + std::to_string(t.classes() - 1) + ", the classes of '" +
                           t.file().string() + "'");
  }

  std::size_t count() const noexcept { return source_.count(); }

  /// One measurement for the network without a codec, where there is a reference, and one an operating point.
  std::vector<measurement> measurements() const {
    std::vector<measurement> all;
    const std::size_t raw = source_.shape().size() * sizeof(float);
    if (reference_) all.push_back({.method = "uncompressed", .raw_bytes = raw});
    for (const coded_path& p : points_) all.push_back({.method = p.method, .point = p.code.name(), .raw_bytes = raw});
    return all;
  }

  /// Adds image i to the sums of the measurements: right answers, and bytes.
  void add_image(std::size_t i, std::span<measurement> sums) {
    source_.load(i);
    const auto features = source_.features();
    auto sum = sums.begin();
    if (reference_) {
      sum->bytes += static_cast<double>(sum->raw_bytes);
      sum->bytes_bare += static_cast<double>(sum->raw_bytes);
      sum->right += tails_[*reference_].recognises(features, source_.label(i)) ? 1U : 0U;
      ++sum;
    }
    for (coded_path& p : points_) {
      try {
        sum->bytes += static_cast<double>(p.code.encode(features).size());
        sum->bytes_bare += static_cast<double>(p.code.bare_bytes(features));
        const auto decoded = p.code.decode(decoders_[p.decoder]);
        sum->right += tails_[p.tail].recognises(decoded, source_.label(i)) ? 1U : 0U;
      } catch (const std::exception& e) {
        throw input_error(p.method + ", operating point '" + p.code.name() + "', image " + std::to_string(i) + ": " +
                          e.what());
      }
      ++sum;
    }
  }

  /// Sets the times of the measurements: medians over the first `images`, step by step, as each has its caches alone on
  /// a device or a server.
  void time(std::size_t images, std::span<measurement> all) {
    std::vector<std::vector<float>> features;
    std::vector<double> head;
    for (std::size_t i = 0; i < images; ++i) {
      source_.load(i);
      std::span<const float> x;
      head.push_back(microseconds([&] { x = source_.features(); }));
      features.emplace_back(x.begin(), x.end());
    }
    std::vector<double> tail(tails_.size());
    for (std::size_t t = 0; t < tails_.size(); ++t)
      tail[t] = median_over(features, [&](const auto& x) { tails_[t].recognises(x, 0); });
    auto m = all.begin();
    if (reference_) (m++)->tail_us = tail[*reference_];
    for (coded_path& p : points_) {
      m->tail_us = tail[p.tail];
      std::vector<double> encode, decode;
      for (const auto& x : features) {
        encode.push_back(microseconds([&] { p.code.encode(x); }));
        decode.push_back(microseconds([&] { p.code.decode(decoders_[p.decoder]); }));
      }
      m->encode_us = median(std::move(encode));
      m->decode_us = median(std::move(decode));
      ++m;
    }
    if (source_.has_head())
      for (const double us = median(std::move(head)); measurement & each : all) each.head_us = us;
  }

private:
  struct coded_path {
    std::string method;
    std::size_t decoder, tail; ///< positions in decoders_ and tails_
    coding code;
  };

  /// The position of a tail, which is loaded where it is new.
  std::size_t tail_at(const path& file) {
    for (std::size_t i = 0; i < tails_.size(); ++i)
      if (tails_[i].file() == file) return i;
    tails_.emplace_back(file, source_.shape());
    return tails_.size() - 1;
  }

  void add(const method_description& m) {
    const aecnn::profile p = checked(aecnn::try_load_profile(m.profile));
    const aecnn::shape3 shape = source_.shape();
    if (p.shape.channels != shape.channels || (!p.open_extents() && p.shape != shape))
      fail(m.profile, "profile for tensors of " + aecnn::to_string(p.shape) + ", expected " + aecnn::to_string(shape));
    if (p.probe) in_file(m.profile, aecnn::try_verify_probe(p));
    for (const point_description& own : m.points)
      if (std::ranges::none_of(p.operating_points, [&](const auto& o) { return o.name == own.name; }))
        fail(m.profile, "no operating point '" + own.name + "', which the case describes");
    decoders_.push_back(in_file(m.profile, aecnn::decoder::create(p)));
    for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
      const auto own =
          std::ranges::find_if(m.points, [&](const point_description& d) { return d.name == p.operating_points[i].name; });
      const bool has_own = own != m.points.end();
      const std::size_t tail = tail_at(has_own && !own->tail.empty() ? own->tail : m.tail);
      points_.push_back({m.method, decoders_.size() - 1, tail, coding(m.profile, p, i, has_own ? own->mode : aecnn::standard_mode, shape)});
    }
  }

  /// Microseconds of processor time that f() takes: on a busy machine the clock on the wall would make long steps look
  /// longer in relation to short ones, which are seldom interrupted.
  template <class Function>
  static double microseconds(Function&& f) {
    const double start = processor_time();
    f();
    return processor_time() - start;
  }
  static double processor_time() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e6 * static_cast<double>(t.tv_sec) + 1e-3 * static_cast<double>(t.tv_nsec);
  }
  static double median(std::vector<double> v) {
    const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
    std::nth_element(v.begin(), middle, v.end());
    return *middle;
  }
  template <class Items, class Function>
  static double median_over(const Items& items, Function&& f) {
    std::vector<double> times;
    for (const auto& item : items) times.push_back(microseconds([&] { f(item); }));
    return median(std::move(times));
  }

  feature_source source_;
  std::vector<classifier> tails_;
  std::optional<std::size_t> reference_; ///< position in tails_
  std::vector<aecnn::decoder> decoders_; ///< one a method
  std::vector<coded_path> points_;
};

/// Times first, on one thread, then counts on `options.threads`, which share the images.
inline std::vector<measurement> measure(const case_description& c, const measure_options& options) {
  constexpr std::size_t most_timed = 200;
  pipeline main(c);
  const std::size_t count = options.limit == 0 ? main.count() : std::min(options.limit, main.count());
  auto all = main.measurements();
  main.time(std::min(count, most_timed), all);

  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&](pipeline& p) {
    try {
      auto sums = p.measurements();
      for (std::size_t i = next++; i < count; i = next++) p.add_image(i, sums);
      const std::lock_guard lock(mutex);
      for (std::size_t k = 0; k < all.size(); ++k) {
        all[k].right += sums[k].right;
        all[k].bytes += sums[k].bytes; // whole numbers, so that their order does not matter
        all[k].bytes_bare += sums[k].bytes_bare;
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  {
    std::vector<pipeline> copies(std::min(options.threads, count) - 1, main);
    std::vector<std::jthread> threads;
    for (pipeline& copy : copies) threads.emplace_back([&work, &copy] { work(copy); });
    work(main);
  }
  if (failure) std::rethrow_exception(failure);
  for (measurement& m : all) {
    m.images = count;
    m.bytes /= static_cast<double>(count);
    m.bytes_bare /= static_cast<double>(count);
    if (all[0].point == std::nullopt) m.reference_right = all[0].right;
  }
  return all;
}

} // namespace accuracy
