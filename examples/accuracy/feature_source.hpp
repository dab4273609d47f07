// Where feature tensors come from: images through the head of a network, or a file of tensors.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/core/tensor_view.hpp>
#include <aecnn/io/npy.hpp>
#include <aecnn/io/safetensors.hpp>
#include <aecnn/nn/network.hpp>
#include <aecnn/nn/onnx.hpp>

#include "case_file.hpp"
#include "input_error.hpp"
#include "jpeg.hpp"
#include "mobilenet_v2.hpp"
#include "npz.hpp"

namespace accuracy {

/// The elements of a vector [N] of integers of any type.
inline std::vector<std::int64_t> integers_of(const aecnn::io::npy_array& array, const path& file,
                                             const std::string& name) {
  std::vector<std::int64_t> out;
  const auto take = [&]<class T>(T) {
    const auto values = array.values<T>();
    if (values) out.assign(values->begin(), values->end());
    return values.has_value();
  };
  if (array.shape.size() != 1)
    fail(file, name + " of rank " + std::to_string(array.shape.size()) + ", expected a vector of integers");
  if (!take(std::uint8_t{}) && !take(std::uint16_t{}) && !take(std::uint32_t{}) && !take(std::uint64_t{}) &&
      !take(std::int8_t{}) && !take(std::int16_t{}) && !take(std::int32_t{}) && !take(std::int64_t{}))
    fail(file, name + " of type " + std::string(aecnn::io::npy_code(array.type)) + ", expected integers");
  return out;
}

inline std::string text_of(std::span<const std::int64_t> extents) {
  return aecnn::nn::to_string(std::vector<std::int64_t>(extents.begin(), extents.end()));
}

/// A network of one input and one output that is run item by item.
class item_network {
public:
  item_network(path file, const aecnn::nn::graph& graph) : file_(std::move(file)) {
    if (graph.inputs.size() != 1 || graph.outputs.size() != 1)
      fail(file_, std::to_string(graph.inputs.size()) + " inputs and " + std::to_string(graph.outputs.size()) +
                      " outputs, expected 1 and 1");
    net_ = in_file(file_, aecnn::nn::network::create(graph));
  }
  static item_network load(const path& file) { return {file, checked(aecnn::nn::try_load_onnx_graph(file))}; }

  const path& file() const noexcept { return file_; }
  void prepare(const aecnn::shape3& input) {
    in_file(file_, net_.prepare(input));
    output_.resize(aecnn::nn::element_count(net_.output_shapes()[0]));
  }
  aecnn::shape3 output_shape() const noexcept { return net_.output_shape(); }
  std::span<const std::int64_t> output_extents() const noexcept { return net_.output_shapes()[0]; }
  /// The output for one item, valid until the next call.
  std::span<const float> run(std::span<const float> item) {
    in_file(file_, net_.run_to(item, output_));
    return output_;
  }

private:
  path file_;
  aecnn::nn::network net_;
  std::vector<float> output_;
};

/// The images of a data set, as files of JPEG or as pixels, with their labels.
class image_set {
public:
  explicit image_set(const path& file) : file_(file) {
    const npz_file archive(file);
    labels_ = integers_of(archive.load("labels"), file, "array 'labels'");
    if (archive.has("jpeg")) {
      auto jpeg = archive.load("jpeg");
      if (jpeg.type != aecnn::io::npy_type::uint8 || jpeg.shape.size() != 1)
        fail(file, "array 'jpeg' is not a vector of uint8");
      bytes_ = std::move(jpeg.data);
      offsets_ = integers_of(archive.load("offsets"), file, "array 'offsets'");
      if (offsets_.size() != labels_.size() + 1)
        fail(file, "array 'offsets' of " + std::to_string(offsets_.size()) + " elements, expected one more than the " +
                       std::to_string(labels_.size()) + " labels");
      for (std::size_t i = 0; i + 1 < offsets_.size(); ++i)
        if (offsets_[i] < 0 || offsets_[i + 1] < offsets_[i] || std::cmp_greater(offsets_[i + 1], bytes_.size()))
          fail(file, "array 'offsets', element " + std::to_string(i) + ": not a range of the " +
                         std::to_string(bytes_.size()) + " bytes of 'jpeg'");
    } else {
      auto pixels = archive.load("images");
      const auto& s = pixels.shape;
      if (pixels.type != aecnn::io::npy_type::uint8 || s.size() != 4 || s[0] != labels_.size() || s[3] != 3)
        fail(file, "array 'images' is not uint8 [N,H,W,3] of " + std::to_string(labels_.size()) + " images");
      height_ = s[1];
      width_ = s[2];
      bytes_ = std::move(pixels.data);
    }
    if (labels_.empty()) fail(file, "no images, expected at least 1");
  }

  const path& file() const noexcept { return file_; }
  const std::vector<std::int64_t>& labels() const noexcept { return labels_; }

  /// Image i; valid until the decoder's next call or the next call with the same `pixels`.
  const image& load(std::size_t i, jpeg_decoder& decoder, image& pixels) const {
    if (!offsets_.empty()) {
      const auto begin = static_cast<std::size_t>(offsets_[i]), end = static_cast<std::size_t>(offsets_[i + 1]);
      try {
        return decoder.decode(std::span(bytes_).subspan(begin, end - begin));
      } catch (const input_error& e) {
        fail(file_, "image " + std::to_string(i) + ": " + e.what());
      }
    }
    pixels.height = height_;
    pixels.width = width_;
    pixels.pixels.resize(height_ * width_ * 3);
    for (std::size_t k = 0; k < pixels.pixels.size(); ++k)
      pixels.pixels[k] = std::to_integer<std::uint8_t>(bytes_[i * pixels.pixels.size() + k]);
    return pixels;
  }

private:
  path file_;
  std::vector<std::int64_t> labels_, offsets_;
  std::vector<std::byte> bytes_; ///< JPEG files back to back, or pixels [N,H,W,3]
  std::size_t height_ = 0, width_ = 0;
};

/// Gives the feature tensors of a case one by one. Copies share what was read; use one per thread.
class feature_source {
public:
  explicit feature_source(const case_description& c) {
    if (c.features) {
      auto batch = checked(aecnn::io::try_load_features(c.features->features));
      labels_ = std::make_shared<const std::vector<std::int64_t>>(
          integers_of(checked(aecnn::io::try_load_npy(c.features->labels)), c.features->labels, "array"));
      if (labels_->size() != batch.count || batch.values.empty())
        fail(c.features->labels, std::to_string(labels_->size()) + " labels, expected one for each of the " +
                                     std::to_string(batch.count) + " tensors of '" + c.features->features.string() +
                                     "'");
      shape_ = batch.shape;
      features_ = std::make_shared<const aecnn::io::feature_batch>(std::move(batch));
      return;
    }
    const image_input& in = *c.images;
    auto images = std::make_shared<const image_set>(in.images);
    labels_ = std::shared_ptr<const std::vector<std::int64_t>>(images, &images->labels());
    images_ = std::move(images);
    for (std::size_t colour = 0; colour < 3; ++colour)
      for (std::size_t v = 0; v < 256; ++v)
        normalised_[colour][v] = (static_cast<float>(v) / 255.0F - in.mean[colour]) / in.deviation[colour];
    head_ = load_head(c.file, in.head);
    decoder_ = std::make_unique<jpeg_decoder>();
    const image& first = images_->load(0, *decoder_, pixels_);
    image_shape_ = {3, first.height, first.width};
    head_->prepare(image_shape_);
    shape_ = head_->output_shape();
    if (shape_.size() == 0)
      fail(head_->file(),
           "output of shape " + text_of(head_->output_extents()) + ", expected a feature tensor [1,C,H,W]");
    input_.resize(image_shape_.size());
  }
  feature_source(const feature_source& other)
      : labels_(other.labels_), features_(other.features_), images_(other.images_), head_(other.head_),
        decoder_(other.decoder_ ? std::make_unique<jpeg_decoder>() : nullptr), normalised_(other.normalised_),
        image_shape_(other.image_shape_), shape_(other.shape_), input_(other.input_) {}
  feature_source& operator=(const feature_source&) = delete;

  std::size_t count() const noexcept { return labels_->size(); }
  std::int64_t label(std::size_t i) const { return (*labels_)[i]; }
  const aecnn::shape3& shape() const noexcept { return shape_; }
  bool has_head() const noexcept { return head_.has_value(); }

  /// Reads image i and makes it the head's input; nothing to do for tensors of a file.
  void load(std::size_t i) {
    item_ = i;
    if (!head_) return;
    const image& in = images_->load(i, *decoder_, pixels_);
    if (in.height != image_shape_.height || in.width != image_shape_.width)
      fail(images_->file(), "image " + std::to_string(i) + " of " + std::to_string(in.height) + "x" +
                                std::to_string(in.width) + ", expected " + std::to_string(image_shape_.height) + "x" +
                                std::to_string(image_shape_.width) + " like image 0");
    const std::size_t area = image_shape_.area();
    for (std::size_t colour = 0; colour < 3; ++colour)
      for (std::size_t k = 0; k < area; ++k) input_[colour * area + k] = normalised_[colour][in.pixels[3 * k + colour]];
  }
  /// The feature tensor [C,H,W] of what load() has read, valid until the next call.
  std::span<const float> features() {
    if (head_) return head_->run(input_);
    return std::span(features_->values).subspan(item_ * shape_.size(), shape_.size());
  }

private:
  static item_network load_head(const path& description, const head_description& head) {
    if (head.safetensors.empty()) return item_network::load(head.onnx);
    if (head.build != "mobilenet_v2_keras")
      fail(description, "head.build: '" + head.build + "', expected mobilenet_v2_keras");
    const auto weights = checked(aecnn::io::try_load_safetensors(head.safetensors));
    return {head.safetensors, mobilenet_v2::head(weights, head.safetensors, head.layer)};
  }

  std::shared_ptr<const std::vector<std::int64_t>> labels_;
  std::shared_ptr<const aecnn::io::feature_batch> features_; ///< null where there is a head
  std::shared_ptr<const image_set> images_;
  std::optional<item_network> head_;
  std::unique_ptr<jpeg_decoder> decoder_;
  std::array<std::array<float, 256>, 3> normalised_{};
  aecnn::shape3 image_shape_{}, shape_{};
  std::vector<float> input_;
  image pixels_;
  std::size_t item_ = 0;
};

} // namespace accuracy
