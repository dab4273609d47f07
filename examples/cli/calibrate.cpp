// aecnn calibrate: a profile from sample feature tensors.
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

#include <aecnn/calibrate/calibrate.hpp>
#include <aecnn/core/fixed_point.hpp>
#include <aecnn/io/file.hpp>
#include <aecnn/io/npy.hpp>
#include <aecnn/io/safetensors.hpp>
#include <aecnn/profile_io.hpp>

#include "calibration_files.hpp"
#include "command.hpp"
#include "profile_report.hpp"

namespace program {
namespace {

struct calibrate_arguments {
  std::vector<std::string> inputs;
  std::string ratios, bytes, output, name, attention;
  aecnn::attention_kind attention_kind = aecnn::attention_kind::cbam;
  aecnn::calibrate_options options;
  bool no_rate_distortion = false, no_probe = false;
};

/// A bar on the terminal that standard error is, else nothing. Leaves no trace.
class progress_bar {
public:
  explicit progress_bar(bool wanted) : shown_(wanted && is_terminal()) {}
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;
  ~progress_bar() {
    if (percent_ >= 0) std::fputs("\r\033[K", stderr);
  }
  void show(std::string_view stage, double fraction) {
    const int percent = static_cast<int>(100 * std::clamp(fraction, 0.0, 1.0));
    if (!shown_ || (percent == percent_ && stage == stage_)) return;
    percent_ = percent;
    stage_ = stage;
    const auto done = static_cast<std::size_t>(percent * width / 100);
    std::fprintf(stderr, "\r[%s%s] %3d %%  %s\033[K", std::string(done, '#').c_str(),
                 std::string(static_cast<std::size_t>(width) - done, '.').c_str(), percent, stage_.c_str());
    std::fflush(stderr);
  }

private:
  static bool is_terminal() {
#if __has_include(<unistd.h>)
    return ::isatty(STDERR_FILENO) == 1;
#else
    return false;
#endif
  }
  static constexpr int width = 40;
  bool shown_;
  int percent_ = -1;
  std::string stage_;
};

/// Attention weights from the tensors w1 [hidden,C], w2 [C,hidden], b1 and b2 (optional), or kernel (ECA).
aecnn::attention_parameters load_attention(const std::string& path, aecnn::attention_kind kind, std::size_t channels) {
  const auto file = in_file(path, aecnn::io::try_load_safetensors(path));
  aecnn::attention_parameters a;
  a.channels = channels;
  if (file.find("kernel") != nullptr) {
    a.kind = aecnn::attention_kind::eca;
    a.kernel = in_file(path, file.floats("kernel"));
  } else {
    a.kind = kind;
    a.w1 = in_file(path, file.floats("w1"));
    a.w2 = in_file(path, file.floats("w2"));
    if (file.find("b1") != nullptr) a.b1 = in_file(path, file.floats("b1"));
    if (file.find("b2") != nullptr) a.b2 = in_file(path, file.floats("b2"));
    const auto shape = in_file(path, file.shape("w1"));
    a.hidden = shape.empty() ? 0 : shape[0];
  }
  in_file(path, aecnn::check(a));
  return a;
}

report calibrate(const calibrate_arguments& a, bool as_json) {
  if (a.ratios.empty() == a.bytes.empty()) throw command_error("calibrate: expected either --ratio or --bytes");
  const auto targets = a.bytes.empty() ? parse_numbers("--ratio", a.ratios) : parse_numbers("--bytes", a.bytes);
  if (!a.attention.empty() && a.options.rank != aecnn::rank_kind::attention)
    throw command_error("--attention '" + a.attention + "': without effect, expected --rank attention with it");
  check_output(a.output);

  const auto samples = calibration_files::load(a.inputs);
  const auto& tensors = samples.tensors;
  const aecnn::shape3 shape = samples.shape();
  aecnn::calibrate_options options = a.options;
  for (const double t : targets) options.target_bytes.push_back(a.bytes.empty() ? aecnn::bytes_for_ratio(shape, t) : t);
  options.name = a.name.empty() ? std::filesystem::path(a.output).stem().string() : a.name;
  options.rate_distortion = !a.no_rate_distortion;
  options.probe = !a.no_probe;
  if (!a.attention.empty()) options.attention = load_attention(a.attention, a.attention_kind, shape.channels);

  std::optional<aecnn::profile> p;
  {
    progress_bar bar(!as_json);
    options.progress = [&](std::string_view stage, double fraction) { bar.show(stage, fraction); };
    const std::string what =
        a.inputs.front() + (a.inputs.size() > 1 ? "' and the files after it, '" + a.inputs.back() : "");
    p = in_file(what, aecnn::try_calibrate(tensors, options));
  }
  const auto bytes = aecnn::serialize_profile(*p);
  aecnn::io::write_file(a.output, bytes);

  report r = describe(*p);
  r.text = "'" + a.output + "': " + std::to_string(bytes.size()) + " bytes, from " + std::to_string(tensors.size()) +
           " tensors\n" + r.text;
  r.object["output"] = a.output;
  r.object["bytes"] = bytes.size();
  r.object["tensors"] = tensors.size();
  return r;
}

} // namespace

void add_calibrate(CLI::App& program, invocation& chosen) {
  const auto options = [](CLI::App& c, calibrate_arguments& a) {
    c.add_option("inputs", a.inputs, "Feature tensors of one shape: .npy, [N,C,H,W] or [C,H,W], floating-point")
        ->required();
    auto* ratio =
        c.add_option("--ratio", a.ratios, "Operating points by the ratio of float32 bytes to stream bytes: 16,64,256");
    c.add_option("--bytes", a.bytes, "Operating points by the mean bytes of a stream: 512,128")->excludes(ratio);
    c.add_option("-o,--output", a.output, "Profile to write")->required();
    add_choice(c, "--transform", a.options.transform,
               {{"select", aecnn::transform_kind::select}, {"klt", aecnn::transform_kind::klt}},
               "Send some channels as they are, or project all of them (select)");
    add_choice(c, "--rank", a.options.rank,
               {{"attention", aecnn::rank_kind::attention},
                {"energy", aecnn::rank_kind::energy},
                {"variance", aecnn::rank_kind::variance},
                {"reconstruction", aecnn::rank_kind::reconstruction}},
               "What makes a channel worth sending; reconstruction: that it predicts the others (reconstruction)");
    c.add_option(
        "--attention", a.attention,
        "Trained attention for --rank attention: safetensors with w1, w2 and perhaps b1, b2, or with kernel (ECA)");
    add_choice(c, "--attention-kind", a.attention_kind,
               {{"cbam", aecnn::attention_kind::cbam}, {"se", aecnn::attention_kind::se}},
               "What w1 and w2 were trained as (cbam)");
    c.add_option("--name", a.name, "Name of the profile, for people (the output file's)");
    c.add_option("--max-stride", a.options.max_stride, "klt: largest side of the pixel blocks, 1 to 8 (4)");
    c.add_flag("--open-extents", a.options.open_extents, "Let the profile encode tensors of any height and width");
    c.add_flag("--no-rate-distortion", a.no_rate_distortion,
               "Nearest symbols: encodes faster, more bytes at equal error");
    c.add_flag("--no-probe", a.no_probe, "Leave out the self-check");
  };
  add_command<calibrate_arguments>(
      program, chosen, "calibrate", "Make a profile from sample feature tensors", options,
      [](const calibrate_arguments& a, const invocation& i) { return calibrate(a, i.as_json); });
}

} // namespace program
