#include "harness/probe/held_back.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/probe/own_thread.h"
#include "harness/probe/recorder.h"

namespace trireme {
namespace {

// What the program registered, and until when which of it is not said. Pages that nobody touches cost nothing.
struct Registration {
  uint64_t until[2];
  uint64_t data;
  int set;
  uint32_t events;
  bool registered;
  bool absent;  // taken out of the set while nothing of it may be said
};
Registration registrations[kDescriptors];

// Those that a thread of ours will let go.
constexpr int kHeldAtOnce = 1024;
int held_fds[kHeldAtOnce];
int held_count = 0;
uint32_t held_changed = 0;  // a futex
bool held_locked = false;
bool releaser_runs = false;

constexpr uint32_t kReadEvents = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLRDNORM | EPOLLRDBAND;
constexpr uint32_t kWriteEvents = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;

class HeldLock {
 public:
  HeldLock() {
    while (__atomic_test_and_set(&held_locked, __ATOMIC_ACQUIRE)) sched_yield();
  }
  ~HeldLock() { __atomic_clear(&held_locked, __ATOMIC_RELEASE); }
  HeldLock(const HeldLock&) = delete;
  HeldLock& operator=(const HeldLock&) = delete;
};

Registration* RegistrationOf(int fd) {
  return static_cast<unsigned>(fd) < kDescriptors ? &registrations[fd] : nullptr;
}

bool IsHeld(const Registration& registration, Direction direction, uint64_t now) {
  return __atomic_load_n(&registration.until[direction], __ATOMIC_RELAXED) > now;
}

uint32_t AllowedEvents(const Registration& registration, uint64_t now) {
  uint32_t events = registration.events;
  if (IsHeld(registration, kRead, now)) events &= ~kReadEvents;
  if (IsHeld(registration, kWrite, now)) events &= ~kWriteEvents;
  return events;
}

bool SaysNothing(uint32_t events) { return (events & (kReadEvents | kWriteEvents)) == 0; }

int Control(int set, int operation, int fd, uint32_t events, uint64_t data) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = data;
  return static_cast<int>(syscall(SYS_epoll_ctl, set, operation, fd, &event));
}

// Tells the set what may be said of the descriptor now. Even EPOLL_CTL_MOD with the same events makes it look again.
void Update(int fd, Registration& registration) {
  if (!registration.registered) return;
  const uint32_t events = AllowedEvents(registration, Now());
  // A hang-up is said of whatever is in the set: so it leaves it where nothing may be said.
  const bool absent = SaysNothing(events) && !SaysNothing(registration.events);
  const int operation = absent                ? EPOLL_CTL_DEL
                        : registration.absent ? EPOLL_CTL_ADD
                                              : EPOLL_CTL_MOD;
  if (!(absent && registration.absent))
    Control(registration.set, operation, fd, events, registration.data);
  registration.absent = absent;
}

// Lets go whose time is over. When the next one's is; ~0: never.
uint64_t ReleaseDue() {
  const HeldLock lock;
  const uint64_t now = Now();
  uint64_t next = ~uint64_t{0};
  int kept = 0;
  for (int i = 0; i < held_count; ++i) {
    Registration& registration = registrations[held_fds[i]];
    bool held = false;
    bool over = false;
    for (const Direction direction : kDirections) {
      uint64_t& until = registration.until[direction];
      if (until == 0) continue;
      if (until > now) {
        held = true;
        if (until < next) next = until;
      } else {
        __atomic_store_n(&until, 0, __ATOMIC_RELEASE);
        over = true;
      }
    }
    if (over) Update(held_fds[i], registration);
    if (held) held_fds[kept++] = held_fds[i];
  }
  __atomic_store_n(&held_count, kept, __ATOMIC_RELEASE);
  return next;
}

void* RunReleaser(void*) {
  NameOwnThread();
  for (;;) {
    const uint32_t seen = __atomic_load_n(&held_changed, __ATOMIC_ACQUIRE);
    const uint64_t next = ReleaseDue();
    const uint64_t now = Now();
    const uint64_t rest = next == ~uint64_t{0} ? 3600000000000u : next > now ? next - now : 0;
    const timespec timeout = {.tv_sec = static_cast<time_t>(rest / 1000000000u),
                              .tv_nsec = static_cast<long>(rest % 1000000000u)};
    if (rest != 0)
      syscall(SYS_futex, &held_changed, FUTEX_WAIT_PRIVATE, seen, &timeout, nullptr, 0);
  }
  return nullptr;
}

void StartReleaser() {
  if (__atomic_exchange_n(&releaser_runs, true, __ATOMIC_ACQ_REL)) return;
  if (!StartOwnThread(RunReleaser)) __atomic_store_n(&releaser_runs, false, __ATOMIC_RELEASE);
}

}  // namespace

void HoldBack(int fd, Direction direction, uint64_t until) {
  Registration* registration = RegistrationOf(fd);
  if (registration == nullptr) return;
  StartReleaser();
  {
    const HeldLock lock;
    if (held_count == kHeldAtOnce) return;
    bool listed = false;
    for (int i = 0; i < held_count; ++i) listed = listed || held_fds[i] == fd;
    if (!listed) held_fds[held_count++] = fd;
    __atomic_store_n(&registration->until[direction], until, __ATOMIC_RELEASE);
    Update(fd, *registration);
  }
  __atomic_add_fetch(&held_changed, 1, __ATOMIC_RELEASE);
  syscall(SYS_futex, &held_changed, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

void CopyHeldBack(int fd, int copy) {
  ForgetHeldBack(copy);
  if (!AnyHeldBack()) return;
  for (const Direction direction : kDirections)
    if (const uint64_t until = HeldBackUntil(fd, direction); until != 0)
      HoldBack(copy, direction, until);
}

uint64_t HeldBackUntil(int fd, Direction direction) {
  const Registration* registration = RegistrationOf(fd);
  if (registration == nullptr) return 0;
  const uint64_t until = __atomic_load_n(&registration->until[direction], __ATOMIC_ACQUIRE);
  return until != 0 && until > Now() ? until : 0;
}

bool AnyHeldBack() { return __atomic_load_n(&held_count, __ATOMIC_ACQUIRE) != 0; }

int RegisterAllowed(int set, int operation, int fd, epoll_event* event) {
  Registration* registration = RegistrationOf(fd);
  if (registration == nullptr || (event == nullptr && operation != EPOLL_CTL_DEL))
    return static_cast<int>(syscall(SYS_epoll_ctl, set, operation, fd, event));
  const HeldLock lock;
  const bool same = registration->registered && registration->set == set;
  if (operation == EPOLL_CTL_DEL) {
    const bool absent = same && registration->absent;
    if (same) registration->registered = registration->absent = false;
    return absent ? 0 : static_cast<int>(syscall(SYS_epoll_ctl, set, operation, fd, event));
  }
  if (same && registration->absent && operation == EPOLL_CTL_ADD) {
    errno = EEXIST;
    return -1;
  }
  const bool was_absent = same && registration->absent;
  Registration wanted = *registration;
  wanted.set = set;
  wanted.events = event->events;
  wanted.data = event->data.u64;
  const uint32_t events = AllowedEvents(wanted, Now());
  wanted.absent = SaysNothing(events) && !SaysNothing(wanted.events);
  wanted.registered = true;
  // Also where nothing may be said: whether it can be registered at all is for the kernel to say.
  const int real = was_absent ? EPOLL_CTL_ADD : operation;
  const int result = Control(set, real, fd, events, wanted.data);
  if (result != 0) return result;
  if (wanted.absent) Control(set, EPOLL_CTL_DEL, fd, 0, 0);
  *registration = wanted;
  return 0;
}

void LookAgain(int fd) {
  Registration* registration = RegistrationOf(fd);
  if (registration == nullptr || (registration->events & EPOLLET) == 0) return;
  const HeldLock lock;
  Update(fd, *registration);
}

HiddenFromPoll::HiddenFromPoll(pollfd* fds, nfds_t count) : fds_(fds), count_(count) {
  for (nfds_t i = 0; i < count_; ++i) {
    if (fds_[i].fd < 0) continue;
    const bool reads = (fds_[i].events & POLLIN) != 0;
    const uint64_t until = HeldBackUntil(fds_[i].fd, reads ? kRead : kWrite);
    if (until == 0) continue;
    if (until < until_) until_ = until;
    // A negative number is passed over; it is ours where this bit, which the kernel ignores, is set.
    fds_[i].fd = ~fds_[i].fd;
    fds_[i].events = static_cast<short>(fds_[i].events | POLLREMOVE);
  }
}

HiddenFromPoll::~HiddenFromPoll() {
  if (until_ == ~uint64_t{0}) return;
  for (nfds_t i = 0; i < count_; ++i) {
    if (fds_[i].fd >= 0 || (fds_[i].events & POLLREMOVE) == 0) continue;
    fds_[i].fd = ~fds_[i].fd;
    fds_[i].events = static_cast<short>(fds_[i].events & ~POLLREMOVE);
    fds_[i].revents = 0;
  }
}

uint64_t HideFromSelect(int count, fd_set* reads, fd_set* writes) {
  uint64_t first = ~uint64_t{0};
  const auto hide = [&](int fd, fd_set* set, Direction direction) {
    const uint64_t until = set != nullptr && FD_ISSET(fd, set) ? HeldBackUntil(fd, direction) : 0;
    if (until == 0) return;
    FD_CLR(fd, set);
    if (until < first) first = until;
  };
  for (int fd = 0; fd < count && fd < FD_SETSIZE; ++fd) {
    hide(fd, reads, kRead);
    hide(fd, writes, kWrite);
  }
  return first;
}

void ForgetHeldBack(int fd) {
  Registration* registration = RegistrationOf(fd);
  if (registration == nullptr) return;
  if (registration->registered || registration->until[0] != 0 || registration->until[1] != 0)
    *registration = {};
}

void LetGoAllHeldBack() {
  const HeldLock lock;
  for (int i = 0; i < held_count; ++i) {
    Registration& registration = registrations[held_fds[i]];
    for (uint64_t& until : registration.until) __atomic_store_n(&until, 0, __ATOMIC_RELEASE);
    Update(held_fds[i], registration);
  }
  __atomic_store_n(&held_count, 0, __ATOMIC_RELEASE);
}

void ForgetAllHeldBackInChild() {
  for (int i = 0; i < held_count; ++i) registrations[held_fds[i]] = {};
  held_count = 0;
  held_locked = false;
  releaser_runs = false;
}

}  // namespace trireme
