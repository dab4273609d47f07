// A small tensor and weights by formula, shared by the tests of attention and selection.
#pragma once

#include <aecnn/select/attention_parameters.hpp>

#include <cstddef>
#include <vector>

namespace example {

inline constexpr std::size_t channels = 12, height = 5, width = 9, hidden = 3;

/// [channels, height, width]; multiples of 1/32.
inline std::vector<float> tensor() {
  std::vector<float> x;
  for (int c = 0; c < int(channels); ++c)
    for (int y = 0; y < int(height); ++y)
      for (int i = 0; i < int(width); ++i)
        x.push_back(static_cast<float>((c * 131 + y * 17 + i * 7 + c * c * 5) % 97 - 30) / 32.0f);
  return x;
}

inline aecnn::attention_parameters attention(aecnn::attention_kind kind) {
  aecnn::attention_parameters p;
  p.kind = kind;
  p.channels = channels;
  if (kind == aecnn::attention_kind::eca) {
    for (int i = 0; i < 5; ++i) p.kernel.push_back(static_cast<float>(i * 3 % 7 - 2) / 8.0f);
    return p;
  }
  const int n = int(channels), r = int(hidden);
  p.hidden = hidden;
  for (int j = 0; j < r; ++j)
    for (int c = 0; c < n; ++c) p.w1.push_back(static_cast<float>((j * 29 + c * 13 + j * c) % 41 - 20) / 64.0f);
  for (int j = 0; j < r; ++j) p.b1.push_back(static_cast<float>(j * 7 % 5 - 2) / 16.0f);
  for (int c = 0; c < n; ++c)
    for (int j = 0; j < r; ++j) p.w2.push_back(static_cast<float>((j * 31 + c * 11 + j * c * 3) % 37 - 18) / 32.0f);
  for (int c = 0; c < n; ++c) p.b2.push_back(static_cast<float>(c * 5 % 7 - 3) / 8.0f);
  return p;
}

/// Logits of attention(cbam) on tensor(), computed with numpy in double precision.
inline const std::vector<double> cbam_logits = {-0.595859104, 0.213738336, 0.0880805122, -0.852322049,
                                                0.772020128,  0.646362305, -0.294040256, -0.419698079,
                                                0.38989936,   0.264241536, -0.676161024, 0.948181152};
inline const std::vector<double> se_logits = {-0.324252658, 0.155754937,  0.0289984809, -0.365993924,
                                              0.38224962,   0.255493164,  -0.13949924,  -0.266255697,
                                              0.213751899,  0.0869954427, -0.307996962, 0.440246582};
inline const std::vector<double> eca_logits = {0.516927083, 0.519704861, 0.438541667, 0.396267361,
                                               0.445225694, 0.475954861, 0.463194444, 0.423784722,
                                               0.433506944, 0.416579861, 0.158854167, 0.237760417};

} // namespace example
