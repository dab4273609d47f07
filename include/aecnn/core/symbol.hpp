// The type that quantisers hand to entropy coders.
#pragma once

#include <cstdint>

namespace aecnn {

/// A quantised symbol: 0..levels-1, where levels is 2 to 65536.
using symbol = std::uint16_t;

} // namespace aecnn
