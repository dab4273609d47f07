// Uniform scalar quantisation with a dead zone and learned reconstruction points, per channel.
//
// A latent v is a value in 1/256 of its channel's step, less the channel's offset, as an integer. The symbol's distance from
// zero is d = sign(v) floor((|v| + rounding) / 256), clipped to the levels: rounding 128 is the nearest level, less widens the
// dead zone around zero. The value of d is sign(d) (256 |d| - shift) + offset in the same unit; the shifts move the points of
// magnitude 1, 2 and above toward zero, where more of a peaked density lies (Lloyd 1982: each point the mean of its cell).
// All decisions are integer arithmetic after one floating-point product (core/fixed_point.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/fixed_point.hpp>
#include <aecnn/core/symbol.hpp>
#include <aecnn/quantize/uniform_kernel.hpp>

namespace aecnn {

/// Parameters of uniform_quantizer; per-channel vectors have one entry per channel.
struct uniform_parameters {
  std::uint32_t levels = 2;           ///< 2 to 65536
  std::uint32_t zero = 0;             ///< the symbol of zero; below levels
  std::vector<float> scale;           ///< 256 / step: a normal number above 0 and at most 2^100; empty behind a projection
  std::vector<float> unit;            ///< step / 256: finite and above 0
  std::vector<std::int32_t> offset;   ///< in units, magnitude at most 2^24; empty: 0
  std::vector<std::uint16_t> rounding; ///< 0..255
  std::vector<std::int16_t> shift;    ///< [channels][2][3]: for d > 0 then d < 0, magnitudes 1, 2, 3 and above; -255..255
};

/// The default quantizer component (see `quantizer` in concepts.hpp).
class uniform_quantizer {
public:
  using parameters = uniform_parameters;
  /// Units in a step.
  static constexpr std::int32_t units_per_step = 256;

  /// errc::bad_field names the parameter at fault. `direct`: values are quantised without a projection, so scale is needed.
  template <class Parameters = parameters>
  static status check(const Parameters& p, std::size_t channels, bool direct) {
    const auto size = [&](const char* name, std::size_t found, std::size_t expected) -> status {
      if (found == expected) return {};
      return detail::fail(errc::bad_field, "quantizer ", name, ": ", found, " entries, expected ", expected);
    };
    if (p.levels < 2 || p.levels > 65536)
      return detail::fail(errc::bad_field, "quantizer levels: ", p.levels, ", expected 2 to 65536");
    if (p.zero >= p.levels) return detail::fail(errc::bad_field, "quantizer zero: ", p.zero, ", expected below ", p.levels);
    if (auto s = size("scale", p.scale.size(), direct ? channels : 0); !s) return s;
    if (auto s = size("unit", p.unit.size(), channels); !s) return s;
    if (auto s = size("offset", p.offset.size(), p.offset.empty() ? 0 : channels); !s) return s;
    if (auto s = size("rounding", p.rounding.size(), channels); !s) return s;
    if (auto s = size("shift", p.shift.size(), 6 * channels); !s) return s;
    for (const float v : p.scale)
      if (!positive_normal(v, power_of_two(100))) return detail::fail(errc::bad_field, "quantizer scale: ", v, ", expected 2^-126 to 2^100");
    for (const float v : p.unit)
      if (!positive_normal(v, power_of_two(127))) return detail::fail(errc::bad_field, "quantizer unit: ", v, ", expected a normal number above 0");
    for (const auto v : p.offset)
      if (v < -(1 << 24) || v > (1 << 24)) return detail::fail(errc::bad_field, "quantizer offset: ", v, ", expected at most 2^24 in magnitude");
    for (const auto v : p.rounding)
      if (v > 255) return detail::fail(errc::bad_field, "quantizer rounding: ", v, ", expected 0 to 255");
    for (const auto v : p.shift)
      if (v < -255 || v > 255) return detail::fail(errc::bad_field, "quantizer shift: ", v, ", expected -255 to 255");
    return {};
  }
  template <class Parameters = parameters>
  static result<uniform_quantizer> create(const Parameters& p, std::size_t channels, bool direct) {
    if (auto s = check(p, channels, direct); !s) return s.error();
    return uniform_quantizer(p);
  }

  std::uint32_t levels() const noexcept { return p_.levels; }
  std::uint32_t zero() const noexcept { return p_.zero; }
  std::int32_t offset(std::size_t channel) const noexcept { return p_.offset.empty() ? 0 : p_.offset[channel]; }

  /// The latents of 64 values `block[i] * factor`. The top bit of the result is set where one of them is not finite.
  std::uint32_t latents(std::size_t channel, float factor, const float* block, std::int32_t* out) const noexcept {
    return kernels_.latents(block, rule(channel, factor), out);
  }
  /// The symbols of 64 values `block[i] * factor`: nearest levels inside the dead-zone rule. Result as that of latents().
  std::uint32_t symbols(std::size_t channel, float factor, const float* block, symbol* out) const noexcept {
    return kernels_.symbols(block, rule(channel, factor), out);
  }
  /// The symbol of a latent.
  symbol quantise(std::size_t channel, std::int32_t latent) const noexcept {
    return detail::latent_symbol(latent, {1.0F, 0, p_.rounding[channel], low(), high()});
  }

  /// The latent that a symbol stands for, in units, without the offset.
  std::int32_t point(std::size_t channel, symbol s) const noexcept {
    const std::int32_t d = s - static_cast<std::int32_t>(p_.zero);
    if (d == 0) return 0;
    const std::int32_t m = d < 0 ? -d : d;
    const std::int32_t v = m * units_per_step - p_.shift[channel * 6 + (d < 0 ? 3u : 0u) + (m < 3 ? static_cast<std::size_t>(m) - 1 : 2u)];
    return d < 0 ? -v : v;
  }
  /// The value that a symbol stands for.
  float value(std::size_t channel, symbol s) const noexcept {
    return static_cast<float>(point(channel, s) + offset(channel)) * p_.unit[channel];
  }

private:
  template <class Parameters>
  explicit uniform_quantizer(const Parameters& p) : p_(p), kernels_(detail::choose_quantise_kernels(best_instruction_set())) {}
  detail::quantise_rule rule(std::size_t channel, float factor) const noexcept {
    return {joint_scale(p_.scale[channel], factor), offset(channel), p_.rounding[channel], low(), high()};
  }
  std::int32_t low() const noexcept { return -static_cast<std::int32_t>(p_.zero); }
  std::int32_t high() const noexcept { return static_cast<std::int32_t>(p_.levels - 1 - p_.zero); }
  parameters p_;
  detail::quantise_kernels kernels_;
};

} // namespace aecnn
