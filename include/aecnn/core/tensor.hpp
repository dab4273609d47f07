// The owning tensor that the decoder returns: xtensor's fixed-rank container, row major, so [C,H,W] channels-first.
#pragma once

#if __has_include(<xtensor/xtensor.hpp>)
#include <xtensor/xtensor.hpp>
#else // xtensor 0.26 moved its headers into folders
#include <xtensor/containers/xtensor.hpp>
#endif

#include <aecnn/core/adapt_xtensor.hpp>

namespace aecnn {

/// A contiguous feature tensor [C,H,W].
template <class T>
using tensor = xt::xtensor<T, 3, xt::layout_type::row_major>;

} // namespace aecnn
