// ONNX files in: a graph, which a profile can hold, or at once a network that runs.
//
//   aecnn::nn::network net = aecnn::nn::load_onnx("decoder.onnx");
//   aecnn::nn::graph g = aecnn::nn::load_onnx_graph("decoder.onnx");
//
// Operator sets 9 to 18, and of older ones the operators that have not changed since. Initialisers and Constant nodes
// of floats (float32, float16, bfloat16, double) become float32, those of integers and booleans int64. An operator of
// another domain is named "domain::Operator". External data, functions, subgraphs, strings, sparse and complex tensors
// are refused with a message that names them. Linear in the file.
//
// Needs protozero (header-only, CMake target aecnn::onnx) and exceptions; no other header of aecnn includes this one.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <protozero/exception.hpp>

#include <aecnn/core/error.hpp>
#include <aecnn/core/limits.hpp>
#include <aecnn/io/file.hpp>
#include <aecnn/nn/graph.hpp>
#include <aecnn/nn/network.hpp>
#include <aecnn/nn/onnx/model.hpp>

namespace aecnn::nn {

/// Reads the bytes of an ONNX file. errc: truncated, bad_format, unsupported_version, missing_field, bad_field,
/// bad_shape, unsupported, limit_exceeded; the message names the node, tensor or input. errc::invalid_argument where a
/// constant is not an input.
inline result<graph> try_parse_onnx(std::span<const std::byte> file, const onnx_options& options = {}) {
  return aecnn::detail::guarded([&]() -> result<graph> {
    const limits& bounds = options.bounds;
    if (file.size() > bounds.max_file_bytes)
      return aecnn::detail::fail(errc::limit_exceeded, "ONNX: ", file.size(), " bytes, at most ", bounds.max_file_bytes,
                                 " allowed (limits.max_file_bytes)");
    if (file.empty()) return failure{errc::truncated, "ONNX: the file is empty"};
    try {
      return detail::onnx_reader(options).read({reinterpret_cast<const char*>(file.data()), file.size()});
    } catch (const error& e) {
      return failure{e.code(), e.what()};
    } catch (const protozero::end_of_buffer_exception&) {
      return failure{errc::truncated, "ONNX: the file ends inside a field, or a field inside its message"};
    } catch (const protozero::exception& e) {
      return aecnn::detail::fail(errc::bad_format, "ONNX: not a protocol buffer: ", e.what());
    }
  });
}
/// As try_parse_onnx(); throws aecnn::error.
inline graph parse_onnx(std::span<const std::byte> file, const onnx_options& options = {}) {
  return try_parse_onnx(file, options).value();
}

/// Reads an ONNX file; also errc::io_error. The message begins with the file's name.
inline result<graph> try_load_onnx_graph(const std::filesystem::path& path, const onnx_options& options = {}) {
  return aecnn::detail::guarded([&]() -> result<graph> {
    const auto file = io::try_read_file(path, options.bounds);
    if (!file) return file.error();
    return io::detail::in_file(path, try_parse_onnx(*file, options));
  });
}
/// As try_load_onnx_graph(); throws aecnn::error.
inline graph load_onnx_graph(const std::filesystem::path& path, const onnx_options& options = {}) {
  return try_load_onnx_graph(path, options).value();
}

/// A network from the bytes of an ONNX file, prepared where the file declares the shapes of all inputs. The errors are
/// those of try_parse_onnx and of network::create.
inline result<network> try_load_onnx(std::span<const std::byte> file, const network_options& options = {}) {
  return aecnn::detail::guarded([&]() -> result<network> {
    auto g = try_parse_onnx(file, {.bounds = options.bounds, .constants = {}});
    if (!g) return g.error();
    return network::create(std::make_shared<const graph>(*std::move(g)), options);
  });
}
/// The same from a file; also errc::io_error. The message begins with the file's name.
inline result<network> try_load_onnx(const std::filesystem::path& path, const network_options& options = {}) {
  return aecnn::detail::guarded([&]() -> result<network> {
    const auto file = io::try_read_file(path, options.bounds);
    if (!file) return file.error();
    return io::detail::in_file(path, try_load_onnx(std::span(*file), options));
  });
}
/// As try_load_onnx(); throws aecnn::error.
inline network load_onnx(std::span<const std::byte> file, const network_options& options = {}) {
  return try_load_onnx(file, options).value();
}
inline network load_onnx(const std::filesystem::path& path, const network_options& options = {}) {
  return try_load_onnx(path, options).value();
}

} // namespace aecnn::nn
