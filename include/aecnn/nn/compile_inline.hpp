// The definition behind compile.hpp, with every kernel and operator.
#pragma once

#include <utility>

#include <aecnn/core/error.hpp>
#include <aecnn/nn/infer.hpp>
#include <aecnn/nn/kernels/kernels.hpp>
#include <aecnn/nn/lower.hpp>
#include <aecnn/nn/operators/standard.hpp>
#include <aecnn/nn/program.hpp>

namespace aecnn::nn::detail {

template <class Compilation>
result<program> compile(const Compilation& c) {
  auto typed = infer(c.source, c.order, c.input_shapes, c.operators, c.bounds);
  if (!typed) return typed.error();
  return lower(std::move(*typed), {&kernels_for(c.highest), c.exact});
}

} // namespace aecnn::nn::detail
