// Failures: one code per cause, a message that names the field, what was found and what was expected.
//
// Inside the library a failure travels as a value (`result<T>`), so that everything also works in builds with
// -fno-exceptions. Public functions come in two forms: `f()` throws `aecnn::error`, `try_f()` returns `result<T>`.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include <aecnn/core/config.hpp>

namespace aecnn {

/// The causes of failure. Numbers are stable; new causes are added at the end.
enum class errc : int {
  invalid_argument = 1,     ///< an argument or option outside its documented domain
  bad_shape = 2,            ///< a tensor's rank or extents differ from what is expected
  not_finite = 3,           ///< the input tensor holds a NaN or an infinity
  limit_exceeded = 4,       ///< a size is above `aecnn::limits`
  truncated = 5,            ///< the bytes end before what they declare
  trailing_bytes = 6,       ///< bytes follow the end of what was declared
  corrupt = 7,              ///< the bytes contradict themselves (final coder state, symbol bounds, reserved bits)
  unsupported_version = 8,  ///< written by a format version that this library does not read
  wrong_profile = 9,        ///< the stream names another profile than the decoder's
  bad_operating_point = 10, ///< the profile has no operating point of that number
  checksum_mismatch = 11,   ///< the decoded symbols do not have the checksum that the header carries
  bad_format = 12,          ///< not a file of the expected kind (magic, JSON syntax, header syntax)
  missing_field = 13,       ///< a required field or tensor is absent
  bad_field = 14,           ///< a field or tensor has the wrong type, shape or value
  duplicate_name = 15,      ///< a name occurs twice
  bad_layout = 16,          ///< tensors overlap, leave holes, or lie outside the data
  unsupported = 17,         ///< a valid file that asks for what this library does not implement
  io_error = 18,            ///< the operating system refused to open, read or write a file
  probe_mismatch = 19,      ///< the profile's probe does not give the expected bytes or output
  out_of_memory = 20,       ///< an allocation failed
  buffer_too_small = 21     ///< the caller's buffer cannot hold the result
};

/// The name of a code as it is spelt in the source, for logs.
constexpr std::string_view name(errc code) noexcept {
  constexpr std::string_view names[] = {"unknown",          "invalid_argument",    "bad_shape",      "not_finite",
                                        "limit_exceeded",   "truncated",           "trailing_bytes", "corrupt",
                                        "unsupported_version", "wrong_profile",    "bad_operating_point",
                                        "checksum_mismatch", "bad_format",         "missing_field",  "bad_field",
                                        "duplicate_name",   "bad_layout",          "unsupported",    "io_error",
                                        "probe_mismatch",   "out_of_memory",       "buffer_too_small"};
  const auto i = static_cast<std::size_t>(code);
  return i < std::size(names) ? names[i] : names[0];
}

/// A failure as a value.
struct failure {
  errc code{};
  std::string message;
};

/// What every throwing function of the library throws.
class error : public std::runtime_error {
public:
  explicit error(const failure& f) : std::runtime_error(f.message), code_(f.code) {}
  errc code() const noexcept { return code_; }

private:
  errc code_;
};

namespace detail {

/// Throws `aecnn::error`; in a build without exceptions it ends the program (use the `try_` functions there).
[[noreturn]] inline void raise(const failure& f) {
#if AECNN_EXCEPTIONS
  throw error(f);
#else
  static_cast<void>(f);
  std::abort();
#endif
}

/// A piece of a message: text or a number. Not a template, so that messages cost no compile time.
class message_part {
public:
  constexpr message_part() = default;
  constexpr message_part(const char* v) : text_(v) {}                                           // NOLINT: implicit by intent
  constexpr message_part(std::string_view v) : text_(v) {}                                      // NOLINT
  message_part(const std::string& v) : text_(v) {}                                              // NOLINT
  constexpr message_part(char v) : kind_(kind::letter), value_{.letter = v} {}                   // NOLINT
  constexpr message_part(int v) : kind_(kind::integer), value_{.integer = v} {}                 // NOLINT
  constexpr message_part(long v) : kind_(kind::integer), value_{.integer = v} {}                // NOLINT
  constexpr message_part(long long v) : kind_(kind::integer), value_{.integer = v} {}           // NOLINT
  constexpr message_part(unsigned v) : kind_(kind::natural), value_{.natural = v} {}            // NOLINT
  constexpr message_part(unsigned long v) : kind_(kind::natural), value_{.natural = v} {}       // NOLINT
  constexpr message_part(unsigned long long v) : kind_(kind::natural), value_{.natural = v} {}  // NOLINT
  constexpr message_part(double v) : kind_(kind::real), value_{.real = v} {}                    // NOLINT
  void append_to(std::string& s) const {
    switch (kind_) {
    case kind::text: s.append(text_); break;
    case kind::letter: s.push_back(value_.letter); break;
    case kind::integer: s.append(std::to_string(value_.integer)); break;
    case kind::natural: s.append(std::to_string(value_.natural)); break;
    case kind::real: s.append(std::to_string(value_.real)); break;
    }
  }

private:
  enum class kind { text, letter, integer, natural, real };
  kind kind_ = kind::text;
  std::string_view text_{};
  union value {
    long long integer = 0;
    char letter;
    unsigned long long natural;
    double real;
  };
  value value_{};
};

/// Joins text and numbers into a message; only called where a failure is certain.
inline failure fail(errc code, const message_part& a, const message_part& b = {}, const message_part& c = {},
                    const message_part& d = {}, const message_part& e = {}, const message_part& f = {},
                    const message_part& g = {}, const message_part& h = {}, const message_part& i = {},
                    const message_part& j = {}, const message_part& k = {}, const message_part& l = {}) {
  failure out{code, {}};
  for (const message_part* p : {&a, &b, &c, &d, &e, &f, &g, &h, &i, &j, &k, &l}) p->append_to(out.message);
  return out;
}

} // namespace detail

/// A value or a failure (the subset of C++23's std::expected that the library needs).
template <class T>
class [[nodiscard]] result {
public:
  using value_type = T;
  result(const T& value) : value_(value), has_value_(true) {}                       // NOLINT: implicit, like std::expected
  result(T&& value) : value_(static_cast<T&&>(value)), has_value_(true) {}          // NOLINT
  result(failure f) : nothing_(), failure_(static_cast<failure&&>(f)) {}            // NOLINT
  result(const result& r) : nothing_(), failure_(r.failure_) {
    if (r.has_value_) construct(r.value_);
  }
  result(result&& r) noexcept : nothing_(), failure_(static_cast<failure&&>(r.failure_)) {
    if (r.has_value_) construct(static_cast<T&&>(r.value_));
  }
  result& operator=(const result& r) {
    if (this != &r) *this = result(r);
    return *this;
  }
  result& operator=(result&& r) noexcept {
    if (this == &r) return *this;
    destroy();
    failure_ = static_cast<failure&&>(r.failure_);
    if (r.has_value_) construct(static_cast<T&&>(r.value_));
    return *this;
  }
  ~result() { destroy(); }

  bool has_value() const noexcept { return has_value_; }
  explicit operator bool() const noexcept { return has_value_; }
  /// The value; valid only where has_value().
  T& operator*() & noexcept { return value_; }
  const T& operator*() const& noexcept { return value_; }
  T&& operator*() && noexcept { return static_cast<T&&>(value_); }
  T* operator->() noexcept { return &value_; }
  const T* operator->() const noexcept { return &value_; }
  /// The failure; valid only where !has_value().
  const failure& error() const noexcept { return failure_; }
  /// The value, or throws `aecnn::error`.
  T& value() & {
    if (!has_value_) detail::raise(failure_);
    return value_;
  }
  const T& value() const& {
    if (!has_value_) detail::raise(failure_);
    return value_;
  }
  T value() && {
    if (!has_value_) detail::raise(failure_);
    return static_cast<T&&>(value_);
  }

private:
  // A union of our own: std::optional would cost every includer more compile time than the rest of this header.
  template <class U>
  void construct(U&& v) {
    new (static_cast<void*>(&value_)) T(static_cast<U&&>(v));
    has_value_ = true;
  }
  void destroy() noexcept {
    if (has_value_) value_.~T();
    has_value_ = false;
  }
  union {
    char nothing_;
    T value_;
  };
  bool has_value_ = false;
  failure failure_;
};

/// Success or a failure.
template <>
class [[nodiscard]] result<void> {
public:
  using value_type = void;
  result() = default;
  result(failure f) : failure_(std::move(f)), failed_(true) {} // NOLINT
  bool has_value() const noexcept { return !failed_; }
  explicit operator bool() const noexcept { return !failed_; }
  const failure& error() const noexcept { return failure_; }
  void value() const {
    if (failed_) detail::raise(failure_);
  }

private:
  failure failure_;
  bool failed_ = false;
};

using status = result<void>;

namespace detail {

/// Runs f(), which returns a result, and turns a failed allocation into errc::out_of_memory.
template <class Function>
auto guarded(Function&& f) noexcept -> decltype(f()) {
#if AECNN_EXCEPTIONS
  // The message must not need an allocation itself: it is short enough for every std::string to hold in place.
  try {
    return f();
  } catch (const std::bad_alloc&) {
    return failure{errc::out_of_memory, "out of memory"};
  } catch (const std::length_error&) {
    return failure{errc::out_of_memory, "out of memory"};
  }
#else
  return f();
#endif
}

} // namespace detail
} // namespace aecnn
