#include <aecnn/nn/operation.hpp>

#include <catch_compat.hpp>

namespace nn = aecnn::nn;

namespace {

class plain final : public nn::operation {
public:
  plain() : operation({{nn::element_type::float32, {2, 3}}, {nn::element_type::int64, {}}}) {}
  void run(std::span<const nn::const_tensor_data>, std::span<const nn::tensor_data>, float*) const noexcept override {}
};

} // namespace

TEST_CASE("operation: one that tells nothing of itself is nothing special", "[nn]") {
  const plain p;
  REQUIRE(p.outputs().size() == 2);
  CHECK(p.outputs()[0].shape == std::vector<std::int64_t>{2, 3});
  CHECK(p.outputs()[1].type == nn::element_type::int64);
  CHECK(p.workspace() == 0);
  CHECK(p.multiply_adds() == 0);
  CHECK_FALSE(p.is_view());
  CHECK_FALSE(p.is_channel_concat());
  CHECK(p.as_convolution() == nullptr);
  CHECK(p.as_activation() == nullptr);
  CHECK(p.as_affine() == nullptr);
  CHECK(p.as_elementwise() == nullptr);
  CHECK(p.as_binary() == nullptr);
  CHECK(p.as_pooling() == nullptr);
  CHECK(p.as_strided_copy() == nullptr);
  CHECK(p.as_depth_to_space() == nullptr);
}
