// Components that the encoder and the decoder refuse at compile time.
// case 1: selector
// case 2: quantizer
// case 3: entropy_coder
// case 4: quantizer
// case 5: entropy_coder
// case 6: reconstructor
// case 7: tensor_like
// case 8: tensor_like
// case 9: nodiscard
#include <cstddef>
#include <span>
#include <vector>

#include <aecnn/decoder.hpp>
#include <aecnn/encoder.hpp>

using aecnn::basic_decoder;
using aecnn::basic_encoder;
using aecnn::channel_selector;
using aecnn::context_coder;
using aecnn::uniform_quantizer;

struct nothing {};

/// Everything of a quantizer but the value of a symbol.
struct no_value {
  std::uint32_t levels() const;
  std::uint32_t zero() const;
  std::int32_t offset(std::size_t) const;
  std::uint32_t latents(std::size_t, float, const float*, std::int32_t*) const;
  std::uint32_t symbols(std::size_t, float, const float*, aecnn::symbol*) const;
  aecnn::symbol quantise(std::size_t, std::int32_t) const;
  std::int32_t point(std::size_t, aecnn::symbol) const;
};

void all(const aecnn::profile& p, std::vector<int>& numbers) {
  // These compile in every case.
  basic_encoder<channel_selector, uniform_quantizer, context_coder> e(p);
  basic_decoder<uniform_quantizer, context_coder, aecnn::nn::network> d(p);
  static_cast<void>(e);
  static_cast<void>(d);
  static_cast<void>(numbers);
#if AECNN_CASE == 1
  basic_encoder<nothing, uniform_quantizer, context_coder> x(p);
#elif AECNN_CASE == 2
  basic_encoder<channel_selector, no_value, context_coder> x(p);
#elif AECNN_CASE == 3
  basic_encoder<channel_selector, uniform_quantizer, nothing> x(p);
#elif AECNN_CASE == 4
  basic_decoder<no_value, context_coder, aecnn::nn::network> x(p);
#elif AECNN_CASE == 5
  basic_decoder<uniform_quantizer, nothing, aecnn::nn::network> x(p);
#elif AECNN_CASE == 6
  basic_decoder<uniform_quantizer, context_coder, nothing> x(p);
#elif AECNN_CASE == 7 // a vector has no shape
  static_cast<void>(e.encode(numbers));
#elif AECNN_CASE == 8
  static_cast<void>(d.try_decode_to(std::span<const std::byte>{}, numbers));
#elif AECNN_CASE == 9 // a failure that nobody looks at
  e.try_encode_to(aecnn::tensor_view<const float>{}, std::span<std::byte>{});
#endif
}
