#ifndef TRIREME_HARNESS_PROBE_NEXT_H_
#define TRIREME_HARNESS_PROBE_NEXT_H_

#include <dlfcn.h>

// dlsym moved to libc in glibc 2.34; the old version of the symbol serves both.
#if defined(__x86_64__)
__asm__(".symver dlsym,dlsym@GLIBC_2.2.5");
#elif defined(__aarch64__)
__asm__(".symver dlsym,dlsym@GLIBC_2.17");
#endif

namespace trireme {

// The function of that name that the program would have called without us; looked up when it is first called, which may
// be before any constructor has run. Null where this C library has none.
template <typename Function>
class Next {
 public:
  constexpr explicit Next(const char* name) : name_(name) {}

  Function* get() {
    void* found = __atomic_load_n(&found_, __ATOMIC_ACQUIRE);
    if (found == nullptr) {
      found = dlsym(RTLD_NEXT, name_);
      __atomic_store_n(&found_, found, __ATOMIC_RELEASE);
    }
    return reinterpret_cast<Function*>(found);
  }
  template <typename... Arguments>
  auto operator()(Arguments... arguments) {
    return get()(arguments...);
  }

 private:
  const char* name_;
  void* found_ = nullptr;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_NEXT_H_
