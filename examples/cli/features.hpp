// The feature tensors of an .npy file, floating-point or quantised to 8 bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include <aecnn/core/tensor_view.hpp>
#include <aecnn/io/npy.hpp>

#include "command.hpp"

namespace program {

/// How 8-bit elements stand for values: (element - zero_point) * scale.
struct quantisation {
  std::optional<double> scale;
  std::optional<int> zero_point;
};

/// N tensors of one shape.
class feature_file {
public:
  /// Reads [N,C,H,W] or [C,H,W] with N, C, H, W at least 1: float16, float32 or float64, or with a scale int8 or uint8.
  static feature_file load(const std::filesystem::path& path, const quantisation& q = {}) {
    const auto array = aecnn::io::load_npy(path);
    const auto& extents = array.shape;
    const auto refuse = [&](const std::string& found, const char* expected) {
      throw command_error("'" + path.string() + "': " + found + ", expected " + expected);
    };
    if (extents.size() != 3 && extents.size() != 4)
      refuse("array of shape " + joined(extents), "feature tensors [N,C,H,W] or [C,H,W]");
    if (array.data.empty())
      refuse("array of shape " + joined(extents), "at least one tensor with extents of at least 1");
    feature_file f;
    f.count_ = extents.size() == 4 ? extents[0] : 1;
    f.shape_ = {extents[extents.size() - 3], extents[extents.size() - 2], extents[extents.size() - 1]};
    f.scale_ = static_cast<float>(q.scale.value_or(1));
    f.zero_point_ = q.zero_point.value_or(0);
    const std::string found = "elements of type " + std::string(aecnn::io::npy_code(array.type));
    const bool int8 = array.type == aecnn::io::npy_type::int8, uint8 = array.type == aecnn::io::npy_type::uint8;
    if (int8 || uint8) {
      if (!q.scale) refuse(found, "--scale (and --zero-point) with them");
    } else if (q.scale || q.zero_point) {
      refuse(found, "i1 or u1 with --scale and --zero-point");
    }
    if (int8)
      f.elements_ = in_file(path, array.values<std::int8_t>());
    else if (uint8)
      f.elements_ = in_file(path, array.values<std::uint8_t>());
    else
      f.elements_ = in_file(path, array.floats());
    return f;
  }

  std::size_t count() const noexcept { return count_; }
  const aecnn::shape3& shape() const noexcept { return shape_; }

  /// Calls f(view) with tensor i: a tensor_view<const float> or a quantized_view.
  template <class Function>
  auto visit(std::size_t i, Function&& f) const {
    return std::visit(
        [&]<class T>(const std::vector<T>& v) {
          const auto view = aecnn::tensor_view<const T>::chw(v.data() + i * shape_.size(), shape_.channels,
                                                             shape_.height, shape_.width);
          if constexpr (std::is_same_v<T, float>)
            return f(view);
          else
            return f(aecnn::quantized_view<const T>{view, scale_, zero_point_});
        },
        elements_);
  }

private:
  std::size_t count_ = 0;
  aecnn::shape3 shape_{};
  float scale_ = 1;
  std::int32_t zero_point_ = 0;
  std::variant<std::vector<float>, std::vector<std::int8_t>, std::vector<std::uint8_t>> elements_;
};

} // namespace program
