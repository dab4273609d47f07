// The description of a case, a JSON file: which images go through which network, split where, and the codecs between.
//
//   {"data": "caltech101", "backbone": "mobilenetv2", "split": "features.13",     names, for the output
//    "images": "caltech101/test_images.npz",                                      in the folder of the data
//    "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],                             of red, green, blue in [0,1]
//    "head": {"onnx": "head.onnx"},
//    "reference_tail": "tail_reference.onnx",                                     optional
//    "methods": [{"method": "aecnn", "profile": "a.aecnn", "tail": "a_tail.onnx",
//                 "points": [{"name": "1024x", "tail": "a_tail_1024x.onnx",       optional: points with a tail of their own,
//                             "mode": "fast"}]}]}                                 or an entropy mode other than the default
//
// A head that comes with the data is built: {"safetensors": "backbones/x.safetensors", "build": "mobilenet_v2_keras",
// "layer": "features.13"}. A case that needs no folder of data has "features" and "labels" (.npy) in the place of
// "images", "mean", "std" and "head". Names of files are relative to the description, but "images" and "safetensors" to
// the folder of the data.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <aecnn/core/limits.hpp>
#include <aecnn/entropy/modes.hpp>
#include <aecnn/io/file.hpp>
#include <aecnn/io/json_document.hpp>
#include <aecnn/io/json_field.hpp>

#include "input_error.hpp"

namespace accuracy {

using std::filesystem::path;

/// What is special about an operating point.
struct point_description {
  std::string name;
  path tail; ///< empty: the method's
  aecnn::entropy_mode mode;
};

struct method_description {
  std::string method;
  path profile, tail;
  std::vector<point_description> points;
};

/// A head: an ONNX file, or weights and the name of the architecture and of its last layer.
struct head_description {
  path onnx;
  path safetensors; ///< empty where `onnx` is not
  std::string build, layer;
};

struct image_input {
  path images;
  std::array<float, 3> mean{}, deviation{};
  head_description head;
};

struct feature_input {
  path features, labels;
};

struct case_description {
  std::string name; ///< of the file, without .json
  path file;
  std::string data, backbone, split;
  std::optional<image_input> images;
  std::optional<feature_input> features; ///< where `images` is empty
  std::optional<path> reference_tail;
  std::vector<method_description> methods;

  /// The files that are not committed with the description.
  std::vector<path> data_files() const {
    std::vector<path> files;
    if (images) files.push_back(images->images);
    if (images && !images->head.safetensors.empty()) files.push_back(images->head.safetensors);
    return files;
  }
};

namespace detail {

inline constexpr std::size_t longest_text = 1024, most_methods = 64;

inline std::array<float, 3> read_colour(const aecnn::io::json_field& f, bool above_zero) {
  std::array<float, 3> values{};
  std::size_t count = 0;
  f.each(3, [&](const aecnn::io::json_field& e, std::size_t i) {
    values[i] = static_cast<float>(e.number());
    if (above_zero && !(values[i] > 0)) e.fail(aecnn::errc::bad_field, "0, expected a number above 0");
    ++count;
  });
  if (count != 3) f.fail(aecnn::errc::bad_field, count, " numbers, expected 3: red, green, blue");
  return values;
}

inline image_input read_image_input(const aecnn::io::json_field& root, const path& folder, const path& data) {
  image_input in;
  in.images = data / root["images"].text(longest_text);
  in.mean = read_colour(root["mean"], false);
  in.deviation = read_colour(root["std"], true);
  const auto head = root["head"];
  if (head.has("onnx")) {
    head.expect_members({"onnx"});
    in.head.onnx = folder / head["onnx"].text(longest_text);
  } else {
    head.expect_members({"safetensors", "build", "layer"});
    in.head.safetensors = data / head["safetensors"].text(longest_text);
    in.head.build = head["build"].text(longest_text);
    in.head.layer = head["layer"].text(longest_text);
  }
  return in;
}

} // namespace detail

/// Reads a description; `data` is the folder of the data.
inline case_description read_case(const path& file, const path& data) {
  using aecnn::io::json_field;
  const aecnn::limits bounds;
  const auto bytes = checked(aecnn::io::try_read_file(file, bounds));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto document = in_file(file, aecnn::io::json_document::parse(text, bounds, "case"));

  std::optional<aecnn::failure> why;
  const json_field root(document, why);
  const path folder = file.parent_path();
  const auto beside = [&](const json_field& f) { return folder / f.text(detail::longest_text); };
  case_description c;
  c.name = file.stem().string();
  c.file = file;
  const bool shipped = root.has("features");
  if (shipped)
    root.expect_members({"data", "backbone", "split", "features", "labels", "reference_tail", "methods"});
  else
    root.expect_members({"data", "backbone", "split", "images", "mean", "std", "head", "reference_tail", "methods"});
  c.data = root["data"].text(detail::longest_text);
  c.backbone = root["backbone"].text(detail::longest_text);
  c.split = root["split"].text(detail::longest_text);
  if (shipped)
    c.features = {beside(root["features"]), beside(root["labels"])};
  else
    c.images = detail::read_image_input(root, folder, data);
  if (root.has("reference_tail")) c.reference_tail = beside(root["reference_tail"]);
  root["methods"].each(detail::most_methods, [&](const json_field& m, std::size_t) {
    m.expect_members({"method", "profile", "tail", "points"});
    method_description d{m["method"].text(detail::longest_text), beside(m["profile"]), beside(m["tail"]), {}};
    if (m.has("points"))
      m["points"].each(bounds.max_operating_points, [&](const json_field& p, std::size_t) {
        p.expect_members({"name", "tail", "mode"});
        point_description own{p["name"].text(bounds.max_name_bytes), {}, aecnn::standard_mode};
        if (p.has("tail")) own.tail = beside(p["tail"]);
        if (p.has("mode")) {
          const auto field = p["mode"];
          const std::string name = field.text(bounds.max_name_bytes);
          if (const auto* mode = aecnn::find_mode(name))
            own.mode = *mode;
          else
            field.fail(aecnn::errc::bad_field, "'", name, "', expected default, fast or max");
        }
        d.points.push_back(std::move(own));
      });
    c.methods.push_back(std::move(d));
  });
  if (why) fail(file, why->message);
  return c;
}

} // namespace accuracy
