// Forward declarations of the library's main types.
#pragma once

namespace aecnn {

struct limits;
struct shape3;
struct failure;
struct profile;
struct operating_point;
class error;
class uniform_quantizer;
template <class T>
class result;
template <class T>
struct tensor_view;
struct bit_model;
template <class BitModel>
class basic_context_coder;
using context_coder = basic_context_coder<bit_model>;
template <class ContextCoder>
class basic_symbol_coder;
using symbol_coder = basic_symbol_coder<context_coder>;
class channel_attention;
template <class Attention>
class basic_channel_selector;
using channel_selector = basic_channel_selector<channel_attention>;

namespace nn {
struct graph;
class network;
} // namespace nn

} // namespace aecnn
