// Forward declarations of the library's main types.
#pragma once

namespace aecnn {

struct limits;
struct shape3;
struct failure;
struct profile;
struct operating_point;
class error;
class channel_selector;
class uniform_quantizer;
class context_coder;
template <class T>
class result;
template <class T>
struct tensor_view;

namespace nn {
struct graph;
class network;
} // namespace nn

} // namespace aecnn
