// What calibration is asked for.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <aecnn/core/limits.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/select/attention_parameters.hpp>

namespace aecnn {

/// How the device reduces a tensor before quantisation.
enum class transform_kind {
  select, ///< sends some channels as they are; the decoder predicts the others: least work on the device
  klt     ///< projects all channels of small pixel blocks on their principal directions: smallest error
};

/// By what channels are ranked for transform_kind::select.
enum class rank_kind {
  attention,     ///< mean channel attention (AECNN, ICC 2023)
  energy,        ///< mean of squares
  variance,      ///< variance
  reconstruction ///< greedy choice of the channels that best predict all channels linearly
};

struct calibrate_options {
  std::vector<double> target_bytes; ///< an operating point each: mean length of a stream, header included; at most 32
  transform_kind transform = transform_kind::select;
  rank_kind rank = rank_kind::reconstruction;
  /// Trained attention for rank_kind::attention. Without it: average and maximum pooling alone, which is channel
  /// attention (CBAM) whose perceptron is the identity.
  std::optional<attention_parameters> attention;
  std::string name;             ///< profile::name
  bool open_extents = false;    ///< leave height and width open; needs no more than tensors of one shape to calibrate on
  bool rate_distortion = true;  ///< let the encoder weigh every symbol's rate against its distortion; false encodes faster
  bool probe = true;            ///< put a self-check into the profile
  std::size_t max_stride = 4;   ///< klt: largest side of the pixel blocks, 1 to 8
  /// Called with the stage's name and the fraction done of the whole calibration.
  std::function<void(std::string_view stage, double fraction)> progress;
  limits bounds{};
};

/// Mean stream length for a compression ratio against 32-bit floats.
inline double bytes_for_ratio(const shape3& shape, double ratio) {
  return static_cast<double>(shape.size()) * 4.0 / ratio;
}

} // namespace aecnn
