// Corrects a probability by what it turned out to be worth: in every context a curve over the logistic domain, 33 points
// interpolated, of which the two next to the prediction move towards the bit. Starts as the identity. Also known as secondary
// symbol estimation or adaptive probability map (Mahoney, paq6, 2004). Integers only, O(1) per bit.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <aecnn/core/buffer.hpp>
#include <aecnn/entropy/logistic.hpp>

namespace aecnn {

class adaptive_map {
public:
  /// Where the last refine() looked.
  struct place {
    std::uint16_t* low = nullptr; ///< the point below the prediction; the one above follows it
    std::int32_t weight = 0;      ///< of the one above, in 1/128
  };

  adaptive_map() = default;
  explicit adaptive_map(std::size_t contexts) {
    detail::resize(curves_, contexts);
    reset();
  }

  void reset() noexcept {
    std::array<std::uint16_t, points> identity{};
    for (std::size_t k = 0; k < points; ++k) identity[k] = static_cast<std::uint16_t>(squash(static_cast<std::int32_t>(k) * 128 - 2048));
    for (auto& curve : curves_) curve = identity;
  }

  /// The corrected probability, in 1/65536, of a prediction x in 1/256 nats, |x| <= max_stretch.
  std::uint32_t refine(std::size_t context, std::int32_t x, place& at) noexcept {
    const auto z = static_cast<std::uint32_t>(x + 2048);
    at = {curves_[context].data() + (z >> 7), static_cast<std::int32_t>(z & 127)};
    return (at.low[0] * static_cast<std::uint32_t>(128 - at.weight) + at.low[1] * static_cast<std::uint32_t>(at.weight)) >> 7;
  }

  /// Moves the points at a place towards a bit, by up to 1/64, in proportion to their weight.
  static void update(const place& at, unsigned bit) noexcept {
    const std::int32_t target = bit ? 65535 : 0;
    at.low[0] = static_cast<std::uint16_t>(at.low[0] + (target - at.low[0]) * (128 - at.weight) / 8192);
    at.low[1] = static_cast<std::uint16_t>(at.low[1] + (target - at.low[1]) * at.weight / 8192);
  }

private:
  static constexpr std::size_t points = 33;
  std::vector<std::array<std::uint16_t, points>> curves_;
};

} // namespace aecnn
