// Element-wise functions on floats without branches, so that loops over them vectorise. The exponential follows Cephes'
// expf: x = n ln 2 + r, a polynomial for exp(r); error at most 2 units in the last place. NaN stays NaN.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace aecnn::nn::detail {

/// e^x; infinity above 88.73, 0 below -104.
inline float exponential(float x) noexcept {
  x = x < -104.0F ? -104.0F : x;
  x = x > 89.0F ? 89.0F : x;
  constexpr float shift = 12582912.0F; // 1.5 * 2^23: adding it rounds to an integer in the low bits
  const float shifted = x * 1.44269504088896341F + shift;
  const float n = shifted - shift;
  const float r = (x - n * 0.693359375F) - n * -2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  // 2^n in two factors, because n runs from -150 to 128.
  const std::uint32_t whole = std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(shift) + 512U;
  const std::uint32_t half = whole >> 1;
  const float first = std::bit_cast<float>((half + 127U - 256U) << 23);
  const float second = std::bit_cast<float>((whole - half + 127U - 256U) << 23);
  return p * first * second;
}

inline float sigmoid(float x) noexcept { return 1.0F / (1.0F + exponential(-x)); }

/// Cephes' tanhf: a polynomial up to 0.625, 1 - 2 / (e^2x + 1) above.
inline float hyperbolic_tangent(float x) noexcept {
  const float magnitude = x < 0 ? -x : x;
  const float far = 1.0F - 2.0F / (exponential(magnitude + magnitude) + 1.0F);
  const float z = x * x;
  float p = -5.70498872745e-3F;
  p = p * z + 2.06390887954e-2F;
  p = p * z - 5.37397155531e-2F;
  p = p * z + 1.33314422036e-1F;
  p = p * z - 3.33332819422e-1F;
  const float near = p * z * x + x;
  const float signed_far = x < 0 ? -far : far;
  return magnitude > 0.625F ? signed_far : near;
}

/// min(max(x, low), high); NaN stays NaN.
inline float clamp(float x, float low, float high) noexcept {
  x = x < low ? low : x;
  return x > high ? high : x;
}

} // namespace aecnn::nn::detail
