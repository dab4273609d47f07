// What a test computes in floats, rounded to them also where registers are wider (x87).
#pragma once

/// v as it is in memory.
inline float stored(float v) {
  volatile float s = v;
  return s;
}
