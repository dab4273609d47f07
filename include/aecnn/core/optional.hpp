// A value that may be absent: the part of std::optional that profiles and components need. <optional> and its instances
// would take a fifth of the time in which <aecnn/encoder.hpp> compiles.
#pragma once

#include <new>
#include <utility>

namespace aecnn {

/// Holds a T or nothing. Its members behave as those of std::optional; T moves without throwing.
template <class T>
class optional {
public:
  using value_type = T;
  optional() noexcept : nothing_() {}
  optional(const T& value) : value_(value), has_value_(true) {}                // NOLINT: implicit, like std::optional
  optional(T&& value) noexcept : value_(std::move(value)), has_value_(true) {} // NOLINT
  optional(const optional& other) : nothing_() {
    if (other.has_value_) emplace(other.value_);
  }
  optional(optional&& other) noexcept : nothing_() {
    if (other.has_value_) emplace(std::move(other.value_));
  }
  optional& operator=(optional other) noexcept {
    reset();
    if (other.has_value_) emplace(std::move(other.value_));
    return *this;
  }
  ~optional() { reset(); }

  bool has_value() const noexcept { return has_value_; }
  explicit operator bool() const noexcept { return has_value_; }
  /// The value; valid only where has_value().
  T& operator*() noexcept { return value_; }
  const T& operator*() const noexcept { return value_; }
  T* operator->() noexcept { return &value_; }
  const T* operator->() const noexcept { return &value_; }

  /// Replaces what is held by T(arguments...).
  template <class... Arguments>
  T& emplace(Arguments&&... arguments) {
    reset();
    new (static_cast<void*>(&value_)) T(std::forward<Arguments>(arguments)...);
    has_value_ = true;
    return value_;
  }
  void reset() noexcept {
    if (has_value_) value_.~T();
    has_value_ = false;
  }

private:
  union {
    char nothing_;
    T value_;
  };
  bool has_value_ = false;
};

} // namespace aecnn
