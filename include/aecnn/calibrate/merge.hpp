// Several profiles of one tensor shape as one with all their operating points: networks that were trained one by one,
// each packed on its own, become a ladder that a stream chooses from. Linear in the profiles, but for the probe, which is
// encoded and decoded once at every point.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/codec.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/nn/graph.hpp>
#include <aecnn/profile.hpp>

namespace aecnn {

struct merge_options {
  std::string name;               ///< profile::name; empty: the first profile's
  std::vector<std::string> names; ///< of all operating points, in their order; empty: they keep theirs
  limits bounds{};
};

namespace detail {

/// Adds networks under names of their own, one of each content.
class network_pool {
public:
  explicit network_pool(std::vector<nn::graph>& networks) : networks_(&networks) {}

  /// The name that the network has among the others: its own, or with a number where another network took that.
  std::string add(nn::graph g) {
    const std::string wanted = std::exchange(g.name, {});
    content_hasher h;
    hash_network(h, g);
    for (std::size_t i = 0; i < hashes_.size(); ++i)
      if (hashes_[i] == h.value() && same(g, (*networks_)[i])) return (*networks_)[i].name;
    g.name = wanted;
    for (int number = 1; taken(g.name); ++number) g.name = wanted + '.' + std::to_string(number);
    hashes_.push_back(h.value());
    networks_->push_back(std::move(g));
    return networks_->back().name;
  }

private:
  /// Networks whose hashes are the same: equal but for the names.
  static bool same(const nn::graph& a, const nn::graph& b) {
    return a.inputs == b.inputs && a.outputs == b.outputs && a.nodes == b.nodes && a.weights == b.weights;
  }
  bool taken(const std::string& name) const {
    for (const nn::graph& g : *networks_)
      if (g.name == name) return true;
    return false;
  }

  std::vector<nn::graph>* networks_;
  std::vector<std::uint64_t> hashes_;
};

inline result<profile> merge_profiles(std::span<const profile> profiles, const merge_options& options) {
  if (profiles.empty()) return failure{errc::invalid_argument, "merge: no profiles"};
  profile merged;
  merged.name = options.name.empty() ? profiles[0].name : options.name;
  merged.shape = profiles[0].shape;
  network_pool pool(merged.networks);
  for (std::size_t i = 0; i < profiles.size(); ++i) {
    const profile& p = profiles[i];
    if (p.shape != merged.shape)
      return fail(errc::bad_shape, "merge: profile ", i, " is for tensors of ", to_string(p.shape),
                  ", expected those of profile 0, ", to_string(merged.shape));
    if (p.has_decoders() != profiles[0].has_decoders())
      return fail(errc::missing_field, "merge: profile ", p.has_decoders() ? 0 : i,
                  " has no decoder networks, expected them in all profiles or in none");
    if (auto s = check(p, options.bounds); !s)
      return failure{s.error().code, "merge: profile " + std::to_string(i) + ": " + s.error().message};
    for (operating_point o : p.operating_points) {
      if (const nn::graph* decoder = p.network(o.decoder)) o.decoder = pool.add(*decoder);
      if (o.analysis) o.analysis->network = pool.add(*p.network(o.analysis->network));
      merged.operating_points.push_back(std::move(o));
    }
  }
  const std::size_t points = merged.operating_points.size();
  if (points > 32) return fail(errc::invalid_argument, "merge: ", points, " operating points, expected at most 32");
  if (!options.names.empty() && options.names.size() != points)
    return fail(errc::invalid_argument, "merge: ", options.names.size(), " names for ", points, " operating points");
  for (std::size_t i = 0; i < options.names.size(); ++i) merged.operating_points[i].name = options.names[i];
  seal(merged);
  if (auto s = check(merged, options.bounds); !s) return s.error();
  if (profiles[0].probe && merged.has_decoders()) {
    const profile_probe& first = *profiles[0].probe;
    if (auto s = fill_probe(merged, {first.height, first.width, first.scale, first.input, {}, {}}); !s)
      return s.error();
  }
  return merged;
}

} // namespace detail

/// One profile with the operating points of all, in their order, expectations included. Networks are kept once
/// where profiles share them, and renamed where only their names agree. The probe is made anew, of the first profile's
/// input, where that has one and there are decoders. errc::bad_shape where tensors differ, errc::missing_field where
/// only some have decoders, errc::invalid_argument for more than 32 points or another number of names; what check()
/// fails with.
inline result<profile> try_merge(std::span<const profile> profiles, const merge_options& options = {}) {
  return detail::guarded([&]() -> result<profile> { return detail::merge_profiles(profiles, options); });
}
/// As try_merge(); throws aecnn::error.
inline profile merge(std::span<const profile> profiles, const merge_options& options = {}) {
  return try_merge(profiles, options).value();
}

} // namespace aecnn
