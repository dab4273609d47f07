// HardShrink, y = x where |x| > lambda and 0 elsewhere, as an operator that a graph may name. An ONNX file may bring it
// too: a node of domain "example" and type "HardShrink" arrives with the name "example::HardShrink".
#include "custom_operator.hpp"

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <span>

#include <aecnn/nn/build.hpp>
#include <aecnn/nn/network.hpp>

namespace nn = aecnn::nn;

namespace {

class hard_shrink final : public nn::operation {
public:
  hard_shrink(const nn::tensor_type& type, float lambda)
      : operation({type}), size_(nn::element_count(type.shape)), lambda_(lambda) {}
  void run(std::span<const nn::const_tensor_data> in, std::span<const nn::tensor_data> out,
           float*) const noexcept override {
    for (std::size_t i = 0; i < size_; ++i) {
      const float x = in[0].floats[i];
      out[0].floats[i] = std::fabs(x) > lambda_ ? x : 0;
    }
  }

private:
  std::size_t size_;
  float lambda_;
};

/// Reads such a node: what is wrong with it is remembered by the reader, with the node's name.
aecnn::result<std::unique_ptr<nn::operation>> make_hard_shrink(nn::node_reader& r) {
  r.expect_attributes({"lambd"});
  r.expect_inputs(1, 1);
  r.expect_float(0);
  const float lambda = r.number("lambd", 0.5F);
  if (lambda < 0) r.fail(aecnn::errc::bad_field, "attribute 'lambd' is ", lambda, ", expected at least 0");
  if (r.failed()) return r.error();
  return std::unique_ptr<nn::operation>(std::make_unique<hard_shrink>(nn::tensor_type{r.type(0), r.shape(0)}, lambda));
}

} // namespace

void run_custom_operator() {
  nn::operator_set operators = nn::operator_set::standard();
  operators.add("example::HardShrink", make_hard_shrink);

  nn::graph g = nn::start("shrinking");
  std::string x = nn::conv(g, "x", {1, 1, 1, 1}, {2.0F}); // doubles
  g.nodes.push_back({"example::HardShrink", "shrink", {x}, {"y"}, {{"lambd", 1.0F}}});
  nn::finish(g, "y");

  nn::network net = nn::network::create(g, {.operators = &operators}).value();
  const nn::network::array y = net.run(nn::network::array{{{-0.75F, -0.25F, 0.0F, 0.5F, 0.625F}}});
  std::printf("operator of one's own:");
  for (const float v : y) std::printf(" %g", static_cast<double>(v));
  std::printf("\n");
}
