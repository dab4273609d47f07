// A profile for people and as JSON: what `calibrate` and `info` print.
#pragma once

#include <aecnn/profile.hpp>

#include "command.hpp"

namespace program {

/// The shape, the hash, and the table of operating points.
report describe(const aecnn::profile& p);

} // namespace program
