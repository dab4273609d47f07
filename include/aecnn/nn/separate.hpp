// For one source of a program that defines AECNN_SEPARATE_NETWORK (core/config.hpp): defines what the other sources
// only declare.
// Without the macro it defines nothing.
#pragma once

#include <aecnn/core/error.hpp>
#include <aecnn/nn/compile.hpp>
#include <aecnn/nn/compile_inline.hpp>
#include <aecnn/nn/operators.hpp>
#include <aecnn/nn/operators/standard.hpp>

#if defined(AECNN_SEPARATE_NETWORK)

namespace aecnn::nn {

result<program> compile(const compilation& c) { return detail::compile(c); }
const operator_set& operator_set::standard() { return detail::standard_operators(); }

} // namespace aecnn::nn

#endif
