// The tensors of a safetensors file as fields of a structure: one description, "this vector is the tensor of that name,
// with these extents", serves reading and writing, so that the two cannot differ. Reading is strict: dtype and shape
// must be exactly the expected ones, and a tensor that belongs to no field is an error. Only weights of networks have a
// choice: floats that all fit into 16 bits are stored so.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <aecnn/core/bytes.hpp>
#include <aecnn/core/error.hpp>
#include <aecnn/core/fixed_point.hpp>
#include <aecnn/io/element.hpp>
#include <aecnn/io/safetensors.hpp>
#include <aecnn/nn/graph.hpp>

namespace aecnn::io {

/// An extent that is read from the file, at least 1. At most one in a tensor.
inline constexpr std::size_t any_extent = static_cast<std::size_t>(-1);

/// Fills fields from a file's tensors. The first failure is remembered; later fields are then left alone.
class tensor_reader {
public:
  static constexpr bool reading = true;
  tensor_reader(const safetensors& file, std::optional<failure>& why)
      : file_(&file), why_(&why), used_(file.entries.size(), 0) {}

  /// The tensor becomes the vector: errc::missing_field; errc::bad_field where dtype or shape is another.
  template <class T>
  void required(const std::string& name, std::vector<T>& v, std::initializer_list<std::size_t> shape) {
    using element = std::conditional_t<std::is_same_v<T, std::byte>, std::uint8_t, T>;
    const safetensors_entry* e = take(name);
    if (e == nullptr) {
      if (!*why_) *why_ = aecnn::detail::fail(errc::missing_field, "tensor ", detail::json_quoted(name), " is missing");
      return;
    }
    bool matches = e->type == dtype_of<element>() && e->shape.size() == shape.size();
    std::size_t d = 0;
    for (const std::size_t extent : shape) {
      matches = matches && (extent == any_extent ? e->shape[d] > 0 : e->shape[d] == extent);
      ++d;
    }
    if (!matches) {
      std::string expected;
      for (const std::size_t extent : shape)
        expected.append(expected.empty() ? "" : ", ")
            .append(extent == any_extent ? "at least 1" : std::to_string(extent));
      *why_ = aecnn::detail::fail(errc::bad_field, "tensor ", detail::json_quoted(name), ": ", io::name(e->type),
                                  " of shape ", detail::shape_text(e->shape), ", expected ",
                                  io::name(dtype_of<element>()), " of shape (", expected, ")");
      return;
    }
    fill(name, v);
  }
  /// As required(); no tensor is an empty vector.
  template <class T>
  void optional(const std::string& name, std::vector<T>& v, std::initializer_list<std::size_t> shape) {
    if (file_->find(name) != nullptr) required(name, v, shape);
  }
  /// A tensor of one element and no dimensions.
  template <class T>
  void scalar(const std::string& name, T& v) {
    std::vector<T> one;
    required(name, one, {});
    if (one.size() == 1) v = one[0];
  }
  /// A tensor of floats (of 32 bits, or finite ones of 16) or 64-bit integers of any shape, a scalar included; the
  /// dtype says which.
  void weight(const std::string& name, nn::weight& w) {
    const safetensors_entry* e = take(name);
    if (*why_) return;
    if (e == nullptr || (e->type != dtype::float32 && e->type != dtype::float16 && e->type != dtype::int64)) {
      *why_ = aecnn::detail::fail(e == nullptr ? errc::missing_field : errc::bad_field, "tensor ",
                                  detail::json_quoted(name), e == nullptr ? ": missing" : ": expected F32, F16 or I64");
      return;
    }
    for (const std::size_t extent : e->shape) w.shape.push_back(static_cast<std::int64_t>(extent));
    w.type = e->type == dtype::int64 ? nn::element_type::int64 : nn::element_type::float32;
    if (w.type == nn::element_type::int64)
      fill(name, w.integers);
    else
      fill(name, w.values);
    if (e->type == dtype::float16 && !*why_ && !all_finite(w.values.data(), w.values.size()))
      *why_ = aecnn::detail::fail(errc::bad_field, "tensor ", detail::json_quoted(name),
                                  ": an infinity or NaN in F16, expected finite elements");
  }
  /// errc::bad_field where a tensor was not asked for.
  void expect_all_used() {
    for (std::size_t i = 0; i < used_.size() && !*why_; ++i)
      if (used_[i] == 0)
        *why_ = aecnn::detail::fail(errc::bad_field, "tensor ", detail::json_quoted(file_->entries[i].name),
                                    " belongs to no field of the profile");
  }

private:
  const safetensors_entry* take(const std::string& name) {
    const safetensors_entry* e = *why_ ? nullptr : file_->find(name);
    if (e == nullptr) return nullptr;
    // Also what keeps a file from having one large tensor copied many times.
    if (std::exchange(used_[static_cast<std::size_t>(e - file_->entries.data())], std::uint8_t{1}) == 0) return e;
    *why_ = aecnn::detail::fail(errc::duplicate_name, "tensor ", detail::json_quoted(name), " is named twice");
    return nullptr;
  }
  template <class T>
  void fill(const std::string& name, std::vector<T>& v) {
    const auto keep = [&](auto values) {
      if (values)
        v = *std::move(values);
      else
        *why_ = values.error();
    };
    if constexpr (std::is_same_v<T, std::byte>) {
      if (const auto raw = file_->bytes(name))
        v.assign(raw->begin(), raw->end());
      else
        *why_ = raw.error();
    } else if constexpr (std::is_same_v<T, float>) {
      keep(file_->floats(name));
    } else {
      keep(file_->template integers<T>(name));
    }
  }

  const safetensors* file_;
  std::optional<failure>* why_;
  std::vector<std::uint8_t> used_;
};

/// Adds fields to a file's content; same calls as tensor_reader.
class tensor_writer {
public:
  static constexpr bool reading = false;
  tensor_writer(safetensors& file, std::optional<failure>& why) : file_(&file), why_(&why) {}

  template <class T>
  void required(const std::string& name, const std::vector<T>& v, std::initializer_list<std::size_t> shape) {
    std::vector<std::size_t> extents(shape);
    std::size_t known = 1;
    for (const std::size_t extent : extents) known *= extent == any_extent ? 1 : extent;
    for (std::size_t& extent : extents)
      if (extent == any_extent) extent = known == 0 ? 0 : v.size() / known;
    add(name, extents, v);
  }
  template <class T>
  void optional(const std::string& name, const std::vector<T>& v, std::initializer_list<std::size_t> shape) {
    if (!v.empty()) required(name, v, shape);
  }
  template <class T>
  void scalar(const std::string& name, const T& v) {
    add(name, {}, std::vector<T>{v});
  }
  void weight(const std::string& name, const nn::weight& w) {
    std::vector<std::size_t> extents;
    for (const std::int64_t extent : w.shape) extents.push_back(static_cast<std::size_t>(extent));
    if (w.type == nn::element_type::int64) return add(name, extents, w.integers);
    if (w.values.empty() || !std::all_of(w.values.begin(), w.values.end(), fits_half))
      return add(name, extents, w.values);
    std::vector<std::uint16_t> halves(w.values.size());
    std::transform(w.values.begin(), w.values.end(), halves.begin(), float_to_half);
    std::vector<std::byte> bytes;
    detail::append_little_endian(bytes, std::span<const std::uint16_t>(halves));
    if (*why_) return;
    if (auto added = file_->try_add(name, dtype::float16, extents, bytes); !added) *why_ = added.error();
  }

private:
  template <class T>
  void add(const std::string& name, const std::vector<std::size_t>& extents, const std::vector<T>& v) {
    if (*why_) return;
    status added;
    if constexpr (std::is_same_v<T, std::byte>)
      added = file_->try_add(name, dtype::uint8, extents, v);
    else
      added = file_->try_add(name, extents, v);
    if (!added) *why_ = added.error();
  }

  safetensors* file_;
  std::optional<failure>* why_;
};

} // namespace aecnn::io
