// Which entropy coder a stream uses. A mode is a small value that knows how to make its coder, so that a program compiles and links
// only the coders whose headers it includes:
//
//   standard_mode   context_coder: small and quick to learn; "default" on the command line
//   fast_mode       in fast_coder.hpp: several times faster, some percent larger
//   max_mode        in mixing_coder.hpp: several times slower, some percent smaller
//
// The symbols, and so the reconstructed tensor, are the same with each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/core/symbol.hpp>
#include <aecnn/core/tensor_view.hpp>
#include <aecnn/entropy/parameters.hpp>

namespace aecnn {

/// A coder of any mode; encode() and decode() as in entropy_coder.hpp.
class mode_coder {
public:
  virtual ~mode_coder() = default;
  virtual mode_coder* clone() const = 0;
  virtual status encode(std::span<const symbol> symbols, shape3 shape, std::span<const std::uint8_t> mask, std::vector<std::byte>& out) = 0;
  virtual status decode(std::span<const std::byte> payload, shape3 shape, std::span<std::uint8_t> mask, std::span<symbol> symbols) = 0;

protected:
  mode_coder() = default;
  mode_coder(const mode_coder&) = default;
  mode_coder& operator=(const mode_coder&) = default;
};

/// Owns a mode_coder or nothing; a copy owns a copy.
class any_coder {
public:
  any_coder() = default;
  explicit any_coder(mode_coder* owned) noexcept : coder_(owned) {}
  any_coder(const any_coder& other) : coder_(other.coder_ ? other.coder_->clone() : nullptr) {}
  any_coder(any_coder&& other) noexcept : coder_(std::exchange(other.coder_, nullptr)) {}
  any_coder& operator=(any_coder other) noexcept {
    std::swap(coder_, other.coder_);
    return *this;
  }
  ~any_coder() { delete coder_; }
  explicit operator bool() const noexcept { return coder_ != nullptr; }
  mode_coder* operator->() const noexcept { return coder_; }

private:
  mode_coder* coder_ = nullptr;
};

struct entropy_mode {
  std::uint8_t id = 0;          ///< what streams carry
  const char* name = "default"; ///< what people read
  /// Makes the coder for planes of `channels` channels; null in the standard mode.
  result<any_coder> (*create)(const context_parameters& parameters, std::size_t channels) = nullptr;
  bool slow = false; ///< takes about a microsecond a symbol: limits::max_slow_symbols_per_byte

  friend constexpr bool operator==(const entropy_mode& a, const entropy_mode& b) noexcept { return a.id == b.id; }
};

inline constexpr entropy_mode standard_mode{};

namespace detail {
/// entropy_mode::create for a coder class.
template <class Coder>
result<any_coder> make_mode_coder(const context_parameters& parameters, std::size_t channels) {
  class wrapped final : public mode_coder {
  public:
    explicit wrapped(Coder coder) : coder_(std::move(coder)) {}
    mode_coder* clone() const override { return new wrapped(*this); }
    status encode(std::span<const symbol> symbols, shape3 shape, std::span<const std::uint8_t> mask, std::vector<std::byte>& out) override {
      return coder_.encode(symbols, shape, mask, out);
    }
    status decode(std::span<const std::byte> payload, shape3 shape, std::span<std::uint8_t> mask, std::span<symbol> symbols) override {
      return coder_.decode(payload, shape, mask, symbols);
    }

  private:
    Coder coder_;
  };
  auto coder = Coder::create(parameters, channels);
  if (!coder) return coder.error();
  return any_coder(new wrapped(std::move(*coder)));
}
} // namespace detail

} // namespace aecnn
