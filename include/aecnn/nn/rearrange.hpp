// Operators that move elements: DepthToSpace, Concat along the channels, Identity. Cost: one copy of the output.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <aecnn/core/error.hpp>
#include <aecnn/core/instruction_set.hpp>
#include <aecnn/nn/node_reader.hpp>
#include <aecnn/nn/operation.hpp>

namespace aecnn::nn {

/// [C,H,W] to [C / b^2, H * b, W * b]. Pixel (y * b + i, x * b + j) of channel c comes from pixel (y, x) of channel
/// (i * b + j) * C / b^2 + c (DCR: depth, column, row) or c * b^2 + i * b + j (CRD: PyTorch's pixel shuffle).
class depth_to_space_operation final : public operation {
public:
  depth_to_space_operation(std::size_t block, bool channel_first) : block_(block), channel_first_(channel_first) {}
  result<shape3> output_shape(std::span<const shape3> in) const override {
    if (in[0].channels % (block_ * block_) != 0)
      return aecnn::detail::fail(errc::bad_shape, "input has ", in[0].channels, " channels, expected a multiple of ",
                                 block_ * block_);
    return shape3{in[0].channels / (block_ * block_), in[0].height * block_, in[0].width * block_};
  }
  void run(std::span<const operand> in, float* out, shape3 shape, float*) const noexcept override {
    const shape3& from = in[0].shape;
    for (std::size_t c = 0; c < shape.channels; ++c)
      for (std::size_t i = 0; i < block_; ++i)
        for (std::size_t j = 0; j < block_; ++j) {
          const std::size_t k = i * block_ + j;
          const float* p =
              in[0].data + (channel_first_ ? c * block_ * block_ + k : k * shape.channels + c) * from.area();
          float* q = out + c * shape.area() + i * shape.width + j;
          for (std::size_t y = 0; y < from.height; ++y, p += from.width, q += block_ * shape.width)
            for (std::size_t x = 0; x < from.width; ++x) q[x * block_] = p[x];
        }
  }

private:
  std::size_t block_;
  bool channel_first_;
};

class concat_operation final : public operation {
public:
  result<shape3> output_shape(std::span<const shape3> in) const override {
    shape3 out = in[0];
    for (const shape3& s : in.subspan(1)) {
      if (s.height != out.height || s.width != out.width)
        return aecnn::detail::fail(errc::bad_shape, "inputs have shapes ", aecnn::to_string(in[0]), " and ",
                                   aecnn::to_string(s), ", expected equal height and width");
      out.channels += s.channels;
    }
    return out;
  }
  void run(std::span<const operand> in, float* out, shape3, float*) const noexcept override {
    for (const operand& o : in) out = std::copy_n(o.data, o.shape.size(), out);
  }
};

class identity_operation final : public operation {
public:
  result<shape3> output_shape(std::span<const shape3> in) const override { return in[0]; }
  void run(std::span<const operand> in, float* out, shape3 shape, float*) const noexcept override {
    if (in[0].data != out) std::copy_n(in[0].data, shape.size(), out);
  }
  bool in_place() const override { return true; }
};

inline result<std::unique_ptr<operation>> make_depth_to_space(node_reader& r, instruction_set) {
  r.expect_attributes({"blocksize", "mode"});
  r.expect_inputs(1, 1);
  r.expect_activation(0);
  if (!r.has_attribute("blocksize")) r.fail(errc::missing_field, "attribute 'blocksize' is missing");
  const auto block = r.integer("blocksize", 1, 1, 1 << 8);
  const std::string mode = r.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") r.fail(errc::bad_field, "attribute 'mode' is '", mode, "', expected DCR or CRD");
  if (r.failed()) return r.error();
  return std::unique_ptr<operation>(
      std::make_unique<depth_to_space_operation>(static_cast<std::size_t>(block), mode == "CRD"));
}

inline result<std::unique_ptr<operation>> make_concat(node_reader& r, instruction_set) {
  r.expect_attributes({"axis"});
  r.expect_inputs(1, static_cast<std::size_t>(-1));
  for (std::size_t i = 0; i < r.input_count(); ++i) r.expect_activation(i);
  if (!r.has_attribute("axis")) r.fail(errc::missing_field, "attribute 'axis' is missing");
  const auto axis = r.integer("axis", 1, -4, 3);
  if (axis != 1 && axis != -3) r.fail(errc::unsupported, "attribute 'axis' is ", axis, ", expected 1 (channels)");
  if (r.failed()) return r.error();
  return std::unique_ptr<operation>(std::make_unique<concat_operation>());
}

inline result<std::unique_ptr<operation>> make_identity(node_reader& r, instruction_set) {
  r.expect_attributes({});
  r.expect_inputs(1, 1);
  r.expect_activation(0);
  if (r.failed()) return r.error();
  return std::unique_ptr<operation>(std::make_unique<identity_operation>());
}

} // namespace aecnn::nn
