// aecnn eval: what a profile costs a task: the accuracy of a network's tail on feature tensors as they are and after the codec.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/codec.hpp>
#include <aecnn/io/npy.hpp>
#include <aecnn/profile_io.hpp>

#include "command.hpp"
#include "features.hpp"
#include "mode.hpp"
#include "network_file.hpp"
#include "operating_points.hpp"

namespace program {
namespace {

struct eval_arguments {
  std::string profile, point, tail, input, labels;
  aecnn::entropy_mode mode = aecnn::standard_mode;
};

/// [N] integers of any type.
std::vector<std::int64_t> load_labels(const std::string& path, std::size_t count) {
  const auto array = aecnn::io::load_npy(path);
  if (array.shape.size() != 1 || array.shape[0] != count)
    throw command_error("'" + path + "': array of shape " + joined(array.shape) + ", expected a label for each of " +
                        std::to_string(count) + " tensors");
  std::vector<std::int64_t> labels;
  const auto take = [&]<class T>(T) {
    for (const T v : in_file(path, array.values<T>())) {
      if (!std::in_range<std::int64_t>(v)) throw command_error("'" + path + "': a label is out of range");
      labels.push_back(static_cast<std::int64_t>(v));
    }
  };
  using enum aecnn::io::npy_type;
  switch (array.type) {
  case int8:
    take(std::int8_t{});
    break;
  case uint8:
    take(std::uint8_t{});
    break;
  case int16:
    take(std::int16_t{});
    break;
  case uint16:
    take(std::uint16_t{});
    break;
  case int32:
    take(std::int32_t{});
    break;
  case uint32:
    take(std::uint32_t{});
    break;
  case int64:
    take(std::int64_t{});
    break;
  case uint64:
    take(std::uint64_t{});
    break;
  default:
    throw command_error("'" + path + "': elements of type " + std::string(aecnn::io::npy_code(array.type)) +
                        ", expected integers");
  }
  return labels;
}

/// Counts how often the tail's largest output is the label.
class accuracy {
public:
  accuracy(const eval_arguments& a, const aecnn::shape3& shape, const std::vector<std::int64_t>& labels)
      : tail_(item_network::load(a.tail, "tail")), labels_(labels) {
    const auto out = tail_.prepare(shape);
    classes_ = aecnn::nn::element_count(out);
    if (out.empty() || out[0] != 1 || classes_ < 2)
      throw command_error("'" + a.tail + "': output of shape " + joined(out) +
                          ", expected the scores of a tensor's classes, 1xK");
    for (const std::int64_t label : labels)
      if (label < 0 || static_cast<std::uint64_t>(label) >= classes_)
        throw command_error("'" + a.labels + "': label " + std::to_string(label) + ", expected 0 to " +
                            std::to_string(classes_ - 1) + ", the classes of '" + a.tail + "'");
  }
  std::size_t classes() const noexcept { return classes_; }
  bool right(std::size_t i, std::span<const float> tensor) {
    const auto scores = tail_.run(tensor);
    return std::max_element(scores.begin(), scores.end()) - scores.begin() == labels_[i];
  }

private:
  item_network tail_;
  const std::vector<std::int64_t>& labels_;
  std::size_t classes_ = 0;
};

report eval(const eval_arguments& a) {
  const aecnn::profile p = aecnn::load_profile(a.profile);
  std::vector<std::size_t> points;
  if (a.point.empty())
    for (std::size_t i = 0; i < p.operating_points.size(); ++i) points.push_back(i);
  else
    points.push_back(find_point(p, a.profile, a.point));
  const auto features = feature_file::load(a.input);
  const std::size_t count = features.count();
  const auto labels = load_labels(a.labels, count);
  accuracy score(a, features.shape(), labels);

  // The tensors themselves, contiguous.
  const auto values = in_file(a.input, aecnn::io::load_npy(a.input).floats());
  const std::size_t size = features.shape().size();
  const auto item = [&](std::size_t i) { return std::span(values).subspan(i * size, size); };
  std::size_t reference = 0;
  for (std::size_t i = 0; i < count; ++i) reference += score.right(i, item(i)) ? 1U : 0U;

  const auto share = [&](std::size_t right) { return static_cast<double>(right) / static_cast<double>(count); };
  report r;
  r.object = {{"profile", a.profile},
              {"tail", a.tail},
              {"tensors", count},
              {"shape", {features.shape().channels, features.shape().height, features.shape().width}},
              {"classes", score.classes()},
              {"mode", a.mode.name},
              {"top1", share(reference)},
              {"operating_points", json::array()}};
  std::vector<std::vector<std::string>> rows{
      {"op", "name", "bytes", "ratio", "top-1", "lost", "relative error"},
      {"-", "uncompressed", std::to_string(4 * size), "1.0", decimal(100 * share(reference), 2) + " %", "-", "-"}};
  for (const std::size_t point : points) {
    auto codec = in_file(a.profile, aecnn::codec::create(p, {.operating_point = point, .mode = a.mode}));
    std::size_t right = 0, bytes = 0;
    double squares = 0, errors = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto fail = [&](const aecnn::failure& f) {
        throw command_error("'" + a.input + "': tensor " + std::to_string(i) + " of " + std::to_string(count) + ": " +
                            f.message);
      };
      const auto stream = features.visit(i, [&](const auto& view) { return codec.try_encode(view); });
      if (!stream) fail(stream.error());
      const auto decoded = codec.try_decode(*stream);
      if (!decoded) fail(decoded.error());
      bytes += stream->size();
      right += score.right(i, {decoded->data(), size}) ? 1U : 0U;
      for (std::size_t k = 0; k < size; ++k) {
        const double x = static_cast<double>(item(i)[k]), d = x - static_cast<double>(decoded->data()[k]);
        squares += x * x;
        errors += d * d;
      }
    }
    const double mean = static_cast<double>(bytes) / static_cast<double>(count);
    const double ratio = 4 * static_cast<double>(size) / mean;
    const double error = squares > 0 ? std::sqrt(errors / squares) : 0;
    const std::string& name = p.operating_points[point].name;
    rows.push_back({std::to_string(point), one_line(name), decimal(mean, 1), decimal(ratio, 1),
                    decimal(100 * share(right), 2) + " %", decimal(100 * (share(reference) - share(right)), 2),
                    decimal(error, 4)});
    r.object["operating_points"].push_back({{"index", point},
                                            {"name", name},
                                            {"mean_bytes", mean},
                                            {"ratio", ratio},
                                            {"top1", share(right)},
                                            {"relative_error", error}});
  }
  r.text = std::to_string(count) + " tensors of " + aecnn::to_string(features.shape()) + ", " +
           std::to_string(score.classes()) + " classes\n" + table(rows);
  return r;
}

} // namespace

void add_eval(CLI::App& program, invocation& chosen) {
  const auto options = [](CLI::App& c, eval_arguments& a) {
    c.add_option("features", a.input, "Feature tensors: .npy, [N,C,H,W], floating-point")->required();
    c.add_option("--profile", a.profile, "Profile")->required();
    c.add_option("--op", a.point, "Operating point, by number or name (all)");
    c.add_option("--tail", a.tail, "Rest of the network, from a tensor to the scores of the classes: .onnx")
        ->required();
    c.add_option("--labels", a.labels, "The right class of each tensor: .npy, [N], integers")->required();
    add_mode(c, a.mode);
  };
  add_command<eval_arguments>(program, chosen, "eval", "Accuracy of a task with and without the codec", options,
                              [](const eval_arguments& a, const invocation&) { return eval(a); });
}

} // namespace program
