// Counts this program's allocations and makes them fail on demand. Defines the replaceable allocation functions: include it in
// one file of a program.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#if defined(__clang__) && defined(__x86_64__)
#include <mm_malloc.h> // declares posix_memalign in a way that clang takes before the definition below, but not after it
#endif

namespace allocations {

inline std::atomic<long> count{0};
/// How many more allocations succeed; negative: all.
inline std::atomic<long> budget{-1};

/// Whether this allocation is to succeed.
inline bool admit() {
  ++count;
  long left = budget.load();
  while (left > 0 && !budget.compare_exchange_weak(left, left - 1)) {
  }
  return left != 0;
}

/// Lets n allocations succeed while it lives.
class only {
public:
  explicit only(long n) { budget = n; }
  ~only() { budget = -1; }
  only(const only&) = delete;
  only& operator=(const only&) = delete;
};

/// The number of allocations in f().
template <class F>
long in(F&& f) {
  const long before = count;
  f();
  return count - before;
}

} // namespace allocations

#if defined(__SANITIZE_ADDRESS__)
#define AECNN_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define AECNN_TEST_SANITIZED 1
#endif
#endif

#if defined(__GLIBC__) && !defined(AECNN_TEST_SANITIZED)
// Everything ends in malloc, the standard library's operator new and Eigen's aligned memory too.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void* malloc(std::size_t n) noexcept { return allocations::admit() ? __libc_malloc(n) : nullptr; }
void* calloc(std::size_t n, std::size_t size) noexcept { return allocations::admit() ? __libc_calloc(n, size) : nullptr; }
void* realloc(void* p, std::size_t n) noexcept { return allocations::admit() ? __libc_realloc(p, n) : nullptr; }
void* memalign(std::size_t alignment, std::size_t n) noexcept {
  return allocations::admit() ? __libc_memalign(alignment, n) : nullptr;
}
void* aligned_alloc(std::size_t alignment, std::size_t n) noexcept { return memalign(alignment, n); }
int posix_memalign(void** p, std::size_t alignment, std::size_t n) noexcept {
  void* memory = memalign(alignment, n);
  if (memory == nullptr) return 12; // ENOMEM
  *p = memory;
  return 0;
}
}
#else
void* operator new(std::size_t n) {
  void* p = allocations::admit() ? std::malloc(n > 0 ? n : 1) : nullptr;
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
void* operator new[](std::size_t n) { return operator new(n); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return allocations::admit() ? std::malloc(n > 0 ? n : 1) : nullptr; }
void* operator new[](std::size_t n, const std::nothrow_t& t) noexcept { return operator new(n, t); }
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
#endif
