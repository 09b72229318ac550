// Tells AddressSanitizer and ThreadSanitizer of each switch between fibers. Only in builds under
// one of them.
//
// Boost as distributions build it says nothing: AddressSanitizer then takes a fiber's stack for the
// thread's, and leaves the marks of dead frames on it when an exception passes, and ThreadSanitizer
// mixes the frames of all fibers. Boost's own support needs a build of it with another way to
// switch (ucontext). But every switch, also within libboost_fiber.so, goes through the three
// functions of libboost_context.so that are defined here again and found first by the dynamic
// linker.
#include <dlfcn.h>

#include <boost/context/detail/fcontext.hpp>
#include <map>

#include "harness/base/mutex.h"

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#endif

namespace trireme {
namespace {

using boost::context::detail::fcontext_t;
using boost::context::detail::transfer_t;
using Entry = void (*)(transfer_t);
using OnTop = transfer_t (*)(transfer_t);

struct Stack {
  const char* bottom = nullptr;
  size_t size = 0;
  Entry entry = nullptr;       // null: the thread's own stack
  void* tsan_fiber = nullptr;  // what ThreadSanitizer knows it by
};

// The stacks of fibers, and the own one of the thread that runs them: there is one such thread in a
// process. Of a fiber that has ended the stack stays until another one takes its place.
class Stacks {
 public:
  static Stacks& Get() {
    static Stacks& stacks = *new Stacks();
    return stacks;
  }

  void Add(const Stack& stack) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    for (auto old = fibers_.lower_bound(stack.bottom);
         old != fibers_.end() && old->first < stack.bottom + stack.size; old = fibers_.erase(old))
      Forget(old->second);
    fibers_[stack.bottom] = stack;
  }

  Stack Find(const void* place) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    const char* const address = static_cast<const char*>(place);
    const auto after = fibers_.upper_bound(address);
    if (after == fibers_.begin()) return thread_;
    const Stack& stack = std::prev(after)->second;
    return address < stack.bottom + stack.size ? stack : thread_;
  }

  void SetThread(const Stack& stack) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    thread_ = stack;
  }

 private:
  static void Forget([[maybe_unused]] const Stack& stack) {
#if __has_feature(thread_sanitizer)
    __tsan_destroy_fiber(stack.tsan_fiber);
#endif
  }

  Mutex mutex_;
  std::map<const char*, Stack> fibers_ TRIREME_GUARDED_BY(mutex_);  // by their bottom
  Stack thread_ TRIREME_GUARDED_BY(mutex_);
};

// Before a switch. What it gives is for Arrive(), when the caller goes on. Inlined, since
// ThreadSanitizer would count the return from it to the fiber that is switched to.
[[gnu::always_inline]] inline void* Leave(const void* to) {
  void* fake_stack = nullptr;
#if __has_feature(thread_sanitizer)
  if (Stacks::Get().Find(&fake_stack).entry == nullptr)
    Stacks::Get().SetThread({.tsan_fiber = __tsan_get_current_fiber()});
#endif
  [[maybe_unused]] const Stack stack = Stacks::Get().Find(to);
#if __has_feature(address_sanitizer)
  __sanitizer_start_switch_fiber(&fake_stack, stack.bottom, stack.size);
#endif
#if __has_feature(thread_sanitizer)
  __tsan_switch_to_fiber(stack.tsan_fiber, 0);
#endif
  return fake_stack;
}

// After a switch: `from` is where it came from.
void Arrive([[maybe_unused]] void* fake_stack, [[maybe_unused]] const void* from) {
#if __has_feature(address_sanitizer)
  Stack left;
  const void* bottom = nullptr;
  __sanitizer_finish_switch_fiber(fake_stack, &bottom, &left.size);
  left.bottom = static_cast<const char*>(bottom);
  if (from != nullptr && Stacks::Get().Find(from).entry == nullptr) Stacks::Get().SetThread(left);
#endif
}

void Begin(transfer_t from) {
  Arrive(nullptr, from.fctx);
  Stacks::Get().Find(&from).entry(from);
}

template <typename F>
F Next(const char* name) {
  return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name));
}

}  // namespace
}  // namespace trireme

namespace boost::context::detail {

extern "C" fcontext_t make_fcontext(void* top, std::size_t size, void (*entry)(transfer_t)) {
  static const auto next =
      trireme::Next<fcontext_t (*)(void*, std::size_t, trireme::Entry)>("make_fcontext");
  trireme::Stack stack = {
      .bottom = static_cast<const char*>(top) - size, .size = size, .entry = entry};
#if __has_feature(address_sanitizer)
  __asan_unpoison_memory_region(stack.bottom, size);  // of marks that an earlier fiber left there
#endif
#if __has_feature(thread_sanitizer)
  stack.tsan_fiber = __tsan_create_fiber(0);
#endif
  trireme::Stacks::Get().Add(stack);
  return next(top, size, trireme::Begin);
}

extern "C" transfer_t jump_fcontext(fcontext_t const to, void* data) {
  static const auto next = trireme::Next<transfer_t (*)(fcontext_t, void*)>("jump_fcontext");
  void* const fake_stack = trireme::Leave(to);
  const transfer_t from = next(to, data);
  trireme::Arrive(fake_stack, from.fctx);
  return from;
}

// `run` is called on the other stack, before its own switch returns there and is finished.
extern "C" transfer_t ontop_fcontext(fcontext_t const to, void* data, trireme::OnTop run) {
  static const auto next =
      trireme::Next<transfer_t (*)(fcontext_t, void*, trireme::OnTop)>("ontop_fcontext");
  void* const fake_stack = trireme::Leave(to);
  const transfer_t from = next(to, data, run);
  trireme::Arrive(fake_stack, from.fctx);
  return from;
}

}  // namespace boost::context::detail
