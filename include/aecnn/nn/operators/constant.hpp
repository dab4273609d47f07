// Operators that make tensors from constants: Constant (attributes; tensors arrive as weights), ConstantOfShape, Range.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/nn/operators/common.hpp>

namespace aecnn::nn::detail {

class constant final : public operation {
public:
  constant(tensor_type type, std::vector<float> floats, std::vector<std::int64_t> integers)
      : operation(one(std::move(type))), floats_(std::move(floats)), integers_(std::move(integers)) {}
  void run(std::span<const const_tensor_data>, std::span<const tensor_data> out, float*) const noexcept override {
    for (std::size_t i = 0; i < floats_.size(); ++i) out[0].floats[i] = floats_[i];
    for (std::size_t i = 0; i < integers_.size(); ++i) out[0].integers[i] = integers_[i];
  }

private:
  std::vector<float> floats_;
  std::vector<std::int64_t> integers_;
};

inline made_operation make_constant(node_reader& r) {
  expect(r, 0, 0, {"value_float", "value_floats", "value_int", "value_ints"});
  std::size_t given = 0;
  for (const char* key : {"value_float", "value_floats", "value_int", "value_ints"}) given += r.has_attribute(key) ? 1 : 0;
  if (given != 1)
    r.fail(given == 0 ? errc::missing_field : errc::bad_field, "has ", given,
           " values, expected one of the attributes value_float, value_floats, value_int, value_ints");
  std::vector<float> reals;
  std::vector<std::int64_t> whole;
  const bool scalar = r.has_attribute("value_float") || r.has_attribute("value_int");
  const bool real = r.has_attribute("value_float") || r.has_attribute("value_floats");
  if (r.has_attribute("value_float")) reals.push_back(r.number("value_float", 0));
  if (r.has_attribute("value_floats")) reals = r.numbers("value_floats");
  if (r.has_attribute("value_int")) whole.push_back(r.integer("value_int", 0, INT64_MIN, INT64_MAX));
  if (r.has_attribute("value_ints"))
    whole = r.integer_list("value_ints", r.bounds().max_elements, INT64_MIN, INT64_MAX);
  extents shape;
  if (!scalar) shape.push_back(static_cast<std::int64_t>(real ? reals.size() : whole.size()));
  if (r.failed() || !admit(r, shape)) return r.error();
  return finish<constant>(r, tensor_type{real ? element_type::float32 : element_type::int64, std::move(shape)},
                          std::move(reals), std::move(whole));
}

/// start + step * i
class sequence final : public operation {
public:
  sequence(tensor_type type, double start, double step) : operation(one(std::move(type))), start_(start), step_(step) {}
  sequence(tensor_type type, std::int64_t start, std::int64_t step)
      : operation(one(std::move(type))), integer_start_(start), integer_step_(step) {}
  void run(std::span<const const_tensor_data>, std::span<const tensor_data> out, float*) const noexcept override {
    const std::size_t n = element_count(outputs()[0].shape);
    for (std::size_t i = 0; i < n; ++i) {
      if (outputs()[0].type == element_type::float32)
        out[0].floats[i] = static_cast<float>(start_ + static_cast<double>(i) * step_);
      else
        out[0].integers[i] = wrap(bits(integer_start_) + i * bits(integer_step_));
    }
  }

private:
  double start_ = 0, step_ = 0;
  std::int64_t integer_start_ = 0, integer_step_ = 0;
};

/// The value is the attribute `value`, a number or an integer; 0 where it is absent.
inline made_operation make_constant_of_shape(node_reader& r) {
  expect(r, 1, 1, {"value"});
  const std::span<const std::int64_t> wanted = r.constant_integers(0, "shape");
  if (wanted.size() > max_rank) r.fail(errc::limit_exceeded, "input 0 (shape) has ", wanted.size(), " elements");
  if (r.failed()) return r.error();
  extents shape(wanted.begin(), wanted.end());
  if (!admit(r, shape)) return r.error();
  const attribute* a = r.any_attribute("value");
  if (a != nullptr && a->type == attribute::kind::integer)
    return finish<sequence>(r, integers(std::move(shape)), a->integer, std::int64_t{0});
  if (a != nullptr && a->type != attribute::kind::number)
    r.fail(errc::bad_field, "attribute 'value' is a list or text, expected one number");
  const double value = a != nullptr ? static_cast<double>(a->number) : 0.0;
  return finish<sequence>(r, floats(std::move(shape)), value, 0.0);
}

inline made_operation make_range(node_reader& r) {
  expect(r, 3, 3, {});
  if (r.failed()) return r.error();
  for (std::size_t i = 0; i < 3; ++i) {
    if (r.type(i) != r.type(0)) r.fail(errc::bad_field, "input ", i, " has another element type than input 0");
    if (element_count(r.shape(i)) != 1)
      r.fail(errc::bad_shape, "input ", i, " has shape ", to_string(r.shape(i)), ", expected a scalar");
  }
  if (r.failed()) return r.error();
  const double most = static_cast<double>(max_extent);
  if (r.type(0) == element_type::float32) {
    const std::span<const float> a = r.constant_floats(0, "start"), b = r.constant_floats(1, "limit"),
                                 c = r.constant_floats(2, "delta");
    if (r.failed()) return r.error();
    const double start = static_cast<double>(a[0]), step = static_cast<double>(c[0]);
    const double count = std::ceil((static_cast<double>(b[0]) - start) / step);
    if (!(count - count == 0) || count > most)
      r.fail(errc::bad_field, "range from ", start, " by ", step, " has no end");
    if (r.failed()) return r.error();
    extents shape{count > 0 ? static_cast<std::int64_t>(count) : 0};
    if (!admit(r, shape)) return r.error();
    return finish<sequence>(r, floats(std::move(shape)), start, step);
  }
  const std::span<const std::int64_t> a = r.constant_integers(0, "start"), b = r.constant_integers(1, "limit"),
                                      c = r.constant_integers(2, "delta");
  if (r.failed()) return r.error();
  const std::int64_t start = a[0], limit = b[0], step = c[0];
  if (step == 0) r.fail(errc::bad_field, "input 2 (delta) is 0");
  if (r.failed()) return r.error();
  // Distances as unsigned numbers: they may exceed int64.
  std::uint64_t count = 0;
  if (step > 0 && limit > start) count = (bits(limit) - bits(start) - 1) / bits(step) + 1;
  if (step < 0 && limit < start) count = (bits(start) - bits(limit) - 1) / (0 - bits(step)) + 1;
  if (count > bits(max_extent)) r.fail(errc::limit_exceeded, "range has ", count, " elements");
  extents shape{wrap(count)};
  if (r.failed() || !admit(r, shape)) return r.error();
  return finish<sequence>(r, integers(std::move(shape)), start, step);
}

} // namespace aecnn::nn::detail
