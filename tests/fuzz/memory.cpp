// Counts what operator new gives out. Under AddressSanitizer the memory still is malloc's, so that it is watched as ever. ThreadSanitizer
// brings operators of its own: nothing is counted.
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>

#include <malloc.h>

#include <fuzz.hpp>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FUZZ_NOTHING_COUNTED
#endif
#endif

namespace {
std::atomic<std::size_t> live{0}, peak{0}, most{static_cast<std::size_t>(-1)};
#ifndef FUZZ_NOTHING_COUNTED

void* allocate(std::size_t size, std::size_t alignment) {
  void* p = alignment > alignof(std::max_align_t) ? std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)
                                                  : std::malloc(size > 0 ? size : 1);
  if (p == nullptr) throw std::bad_alloc();
  const std::size_t now = live += malloc_usable_size(p);
  if (now > most) {
    most = static_cast<std::size_t>(-1);
    std::fprintf(stderr, "allocation of %zu bytes: more than this input may take\n", size);
    std::abort();
  }
  for (std::size_t before = peak; now > before && !peak.compare_exchange_weak(before, now);) {
  }
  return p;
}
void release(void* p) noexcept {
  if (p == nullptr) return;
  live -= malloc_usable_size(p);
  std::free(p);
}
#endif
} // namespace

namespace fuzzing {
std::size_t live_bytes() noexcept { return live; }
std::size_t peak_bytes() noexcept { return peak; }
void reset_peak() noexcept { peak = live.load(); }
void limit_live_bytes(std::size_t bytes) noexcept { most = bytes; }
} // namespace fuzzing

#ifndef FUZZ_NOTHING_COUNTED
void* operator new(std::size_t size) { return allocate(size, 0); }
void* operator new[](std::size_t size) { return allocate(size, 0); }
void* operator new(std::size_t size, std::align_val_t a) { return allocate(size, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t size, std::align_val_t a) { return allocate(size, static_cast<std::size_t>(a)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, 0); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, 0); }
void operator delete(void* p, const std::nothrow_t&) noexcept { release(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { release(p); }
void operator delete(void* p) noexcept { release(p); }
void operator delete[](void* p) noexcept { release(p); }
void operator delete(void* p, std::size_t) noexcept { release(p); }
void operator delete[](void* p, std::size_t) noexcept { release(p); }
void operator delete(void* p, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { release(p); }
#endif
