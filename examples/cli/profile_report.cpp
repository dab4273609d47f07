#include "profile_report.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <aecnn/nn/network.hpp>

namespace program {
namespace {

/// Multiply-adds of a point's decoder network, where the profile has it and fixes the extents.
std::optional<std::uint64_t> decoder_cost(const aecnn::profile& p, const aecnn::operating_point& o) {
  const auto* network = p.network(o.decoder);
  if (network == nullptr || p.open_extents()) return std::nullopt;
  const auto count = aecnn::nn::multiply_adds(*network, o.latent_shape(p.shape.height, p.shape.width));
  return count ? std::optional<std::uint64_t>(*count) : std::nullopt;
}

const char* name_of(aecnn::selection_kind kind) {
  switch (kind) {
  case aecnn::selection_kind::top_k:
    return "top_k";
  case aecnn::selection_kind::threshold:
    return "threshold";
  default:
    return "fixed";
  }
}

} // namespace

report describe(const aecnn::profile& p) {
  report r;
  const std::string extents = p.open_extents() ? std::to_string(p.shape.channels) + " channels, any height and width"
                                               : aecnn::to_string(p.shape);
  r.text = "profile '" + one_line(p.name) + "': tensors of " + extents + ", content hash " + hexadecimal(p.hash) + '\n';
  r.object = {{"kind", "profile"},
              {"name", p.name},
              {"hash", hexadecimal(p.hash)},
              {"shape", {p.shape.channels, p.shape.height, p.shape.width}},
              {"open_extents", p.open_extents()},
              {"probe", p.probe.has_value()},
              {"operating_points", json::array()},
              {"networks", json::array()}};
  // Expectations are means over the calibration tensors.
  std::vector<std::vector<std::string>> rows = {
      {"op", "name", "channels", "stride", "latents", "levels", "decoder MACs", "bytes", "ratio", "relative error"}};
  for (std::size_t i = 0; i < p.operating_points.size(); ++i) {
    const auto& o = p.operating_points[i];
    const auto macs = decoder_cost(p, o);
    const double ratio = o.expected_bytes > 0 ? static_cast<double>(p.shape.size()) * 4 / o.expected_bytes : 0;
    const bool has_ratio = ratio > 0, has_bytes = o.expected_bytes > 0;
    const double error = std::sqrt(o.expected_error);
    rows.push_back({std::to_string(i), one_line(o.name), std::to_string(o.selector.channels.size()),
                    std::to_string(o.stride()), std::to_string(o.latents()), std::to_string(o.quantizer.levels),
                    macs ? std::to_string(*macs) : "-", has_bytes ? decimal(o.expected_bytes, 1) : "-",
                    has_ratio ? decimal(ratio, 1) : "-", has_bytes ? decimal(error, 4) : "-"});
    r.object["operating_points"].push_back({{"index", i},
                                            {"name", o.name},
                                            {"selection", name_of(o.selector.kind)},
                                            {"channels", o.selector.channels.size()},
                                            {"stride", o.stride()},
                                            {"latents", o.latents()},
                                            {"levels", o.quantizer.levels},
                                            {"zero", o.quantizer.zero},
                                            {"lambda", o.lambda},
                                            {"decoder", o.decoder},
                                            {"decoder_multiply_adds", macs ? json(*macs) : json(nullptr)},
                                            {"expected_bytes", o.expected_bytes},
                                            {"expected_ratio", has_ratio ? json(ratio) : json(nullptr)},
                                            {"expected_error", o.expected_error},
                                            {"relative_error", error}});
  }
  r.text += table(rows);
  for (const auto& n : p.networks)
    r.object["networks"].push_back(
        {{"name", n.name}, {"nodes", n.nodes.size()}, {"parameters", aecnn::nn::parameter_count(n)}});
  return r;
}

} // namespace program
