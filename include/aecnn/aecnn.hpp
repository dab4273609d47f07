// Everything. Programs on a small device include encoder.hpp alone.
#pragma once

#include <aecnn/calibrate/calibrate.hpp>
#include <aecnn/codec.hpp>
#include <aecnn/core/adapt_eigen.hpp>
#include <aecnn/core/adapt_xtensor.hpp>
#include <aecnn/core/config.hpp>
#include <aecnn/decoder.hpp>
#include <aecnn/encoder.hpp>
#include <aecnn/profile_io.hpp>
#include <aecnn/bitstream/record_file.hpp>
#include <aecnn/io/npy.hpp>
#include <aecnn/nn/network.hpp>
#include <aecnn/nn/quantized_network.hpp>
#include <aecnn/nn/thread_pool.hpp>
#include <aecnn/offload/planner.hpp>
#include <aecnn/quantize/clipping.hpp>
#include <aecnn/quantize/lloyd_max.hpp>
#include <aecnn/select/importance.hpp>
