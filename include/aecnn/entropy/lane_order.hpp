// The order in which interleaved lanes take the symbols. Sent channels are cut into bands of rows where there are fewer channels than
// lanes; the bands of all channels, channel after channel, are the units. A group is as many units as there are lanes; lane i takes
// unit i of each group, and all lanes of a group advance together, symbol by symbol in raster order. So the lanes of a step
// lie in different units, and what a lane has decoded is all that its next context needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/core/buffer.hpp>
#include <aecnn/core/tensor_view.hpp>

namespace aecnn::detail {

inline constexpr std::uint32_t max_lanes = 32;
/// Below this many symbols there is one lane, and the header does not name their number.
inline constexpr std::size_t min_symbols_of_lanes = 1024;

/// As many lanes as any payload of planes of that shape has: no more than units, of which there are no more than rows.
constexpr std::size_t most_lanes(shape3 shape) noexcept {
  std::size_t lanes = 1;
  while (shape.size() >= min_symbols_of_lanes && lanes < max_lanes && 2 * lanes <= shape.channels * shape.height) lanes *= 2;
  return lanes;
}

/// A band of rows of one channel.
struct lane_unit {
  std::uint32_t channel = 0;
  std::uint32_t first_row = 0, rows = 0;
};

/// The units of a tensor of which some channels are sent.
class lane_order {
public:
  /// Lists the channels that are sent.
  void start(shape3 shape, const std::uint8_t* mask) {
    shape_ = shape;
    sent_ = 0;
    resize(channels_, shape.channels);
    for (std::size_t c = 0; c < shape.channels; ++c)
      if (mask == nullptr || mask[c] != 0) channels_[sent_++] = static_cast<std::uint32_t>(c);
    set_lanes(1);
  }
  /// lanes: a power of two, at most max_lanes.
  void set_lanes(std::uint32_t lanes) noexcept {
    lanes_ = lanes;
    const std::size_t sharing = sent_ == 0 ? lanes : sent_, wanted = (lanes + sharing - 1) / sharing;
    rows_ = (shape_.height + wanted - 1) / wanted;
    bands_ = rows_ == 0 ? 0 : (shape_.height + rows_ - 1) / rows_;
  }
  std::size_t sent() const noexcept { return sent_; }
  std::uint32_t channel(std::size_t i) const noexcept { return channels_[i]; }
  std::size_t symbols() const noexcept { return sent_ * shape_.area(); }
  std::uint32_t lanes() const noexcept { return lanes_; }
  std::size_t bands() const noexcept { return bands_; }
  /// Rows of every band but the last of a channel, which may have fewer.
  std::size_t band_rows() const noexcept { return rows_; }
  std::size_t units() const noexcept { return sent_ * bands_; }
  std::size_t groups() const noexcept { return (units() + lanes_ - 1) / lanes_; }
  /// Units of group g: lanes() but in the last one.
  std::uint32_t group_units(std::size_t g) const noexcept {
    const std::size_t left = units() - g * lanes_;
    return static_cast<std::uint32_t>(left < lanes_ ? left : lanes_);
  }
  lane_unit unit(std::size_t u) const noexcept {
    const std::size_t first = u % bands_ * rows_;
    const std::size_t left = shape_.height - first;
    return {channels_[u / bands_], static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(left < rows_ ? left : rows_)};
  }

private:
  shape3 shape_{};
  std::size_t sent_ = 0, bands_ = 1, rows_ = 1;
  std::uint32_t lanes_ = 1;
  std::vector<std::uint32_t> channels_;
};

} // namespace aecnn::detail
