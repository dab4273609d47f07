// Cast between float32 and integers. Every floating-point type is float32 here and every integer type int64: casting to
// an integer type truncates toward zero, casting to bool tells whether an element is not 0. Cost: one operation a
// element.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <aecnn/nn/operators/common.hpp>
#include <aecnn/nn/operators/shape.hpp>

namespace aecnn::nn::detail {

/// ONNX's number of an element type as ours; `boolean` tells whether it is bool. A failure for strings and complex
/// numbers.
inline element_type read_element_type(node_reader& r, std::string_view key, std::int64_t number, bool& boolean) {
  boolean = number == 9;
  if (number == 1 || number == 10 || number == 11 || number == 16) return element_type::float32;
  if ((number >= 2 && number <= 7) || number == 9 || number == 12 || number == 13) return element_type::int64;
  r.fail(number == 8 || number == 14 || number == 15 ? errc::unsupported : errc::bad_field, "attribute '", key,
         "' names the element type ", number, ", expected a real number's");
  return element_type::float32;
}

class cast final : public operation {
public:
  cast(tensor_type out, element_type from, bool boolean)
      : operation(one(std::move(out))), from_(from), boolean_(boolean) {}
  void run(std::span<const const_tensor_data> in, std::span<const tensor_data> out, float*) const noexcept override {
    const std::size_t n = element_count(outputs()[0].shape);
    const const_tensor_data x = in[0];
    const tensor_data y = out[0];
    for (std::size_t i = 0; i < n; ++i) {
      if (outputs()[0].type == element_type::float32)
        y.floats[i] = static_cast<float>(x.integers[i]);
      else if (from_ == element_type::float32)
        y.integers[i] = boolean_ ? x.floats[i] != 0 : to_integer(static_cast<double>(x.floats[i]));
      else
        y.integers[i] = boolean_ ? x.integers[i] != 0 : x.integers[i];
    }
  }

private:
  element_type from_;
  bool boolean_;
};

inline made_operation make_cast(node_reader& r) {
  expect(r, 1, 1, {"to", "saturate"});
  r.integer("saturate", 1, 0, 1);
  if (!r.has_attribute("to")) r.fail(errc::missing_field, "attribute 'to' is missing");
  if (r.failed()) return r.error();
  bool boolean = false;
  const element_type to = read_element_type(r, "to", r.integer("to", 1, INT64_MIN, INT64_MAX), boolean);
  if (r.failed() || !admit(r, r.shape(0))) return r.error();
  if (to == r.type(0) && !boolean) return finish_view(r, r.shape(0));
  return finish<cast>(r, tensor_type{to, r.shape(0)}, r.type(0), boolean);
}

} // namespace aecnn::nn::detail
