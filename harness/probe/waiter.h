#ifndef TRIREME_HARNESS_PROBE_WAITER_H_
#define TRIREME_HARNESS_PROBE_WAITER_H_

#include <stdint.h>

namespace trireme {

// The word in trireme_object that says who waits; see there.
class Waiter {
 public:
  enum State : uint64_t { kInside = 1, kTold = 2, kRegistered = 3 };

  explicit Waiter(uint64_t word) : word_(word) {}
  // Without a task it is the thread.
  Waiter(State state, uint32_t process, uint32_t task, uint32_t thread, bool wants_one)
      : word_(uint64_t{state} << 62 | uint64_t{process & 0x3fffff} << 40 |
              (task == 0 ? kIsThread | thread : task) | (wants_one ? kWantsOne : 0)) {}

  uint64_t word() const { return word_; }
  State state() const { return static_cast<State>(word_ >> 62); }
  uint32_t process() const { return static_cast<uint32_t>(word_ >> 40) & 0x3fffff; }
  bool is_thread() const { return (word_ & kIsThread) != 0; }
  uint32_t task() const { return is_thread() ? 0 : static_cast<uint32_t>(word_); }
  // It asked for one byte, or one count of an eventfd: what is handed out there is a token, no message.
  bool wants_one() const { return (word_ & kWantsOne) != 0; }
  // What its loop reads for it does not end its wait.
  bool stands() const { return (word_ & kStands) != 0; }
  // What else runs in its thread may read too: it waits on, and neither has met the other.
  bool shares_thread() const { return (word_ & kSharesThread) != 0; }
  // Another thread began to read too while this one was inside its call, which may be one that does not wait.
  bool overlapped() const { return (word_ & kOverlapped) != 0; }
  bool IsSameAs(Waiter other) const { return ((word_ ^ other.word_) & kWho) == 0; }
  Waiter Wanting(bool one) const { return Waiter(word_ | (one ? kWantsOne : 0)); }
  Waiter Standing() const { return Waiter(word_ | kStands); }
  Waiter Overlapped() const { return Waiter(word_ | kOverlapped); }
  Waiter NotOverlapped() const { return Waiter(word_ & ~kOverlapped); }
  Waiter SharingThread() const { return Waiter(word_ | kSharesThread); }
  Waiter In(State state) const {
    return Waiter((word_ & ~(uint64_t{3} << 62)) | uint64_t{state} << 62);
  }

 private:
  static constexpr uint64_t kIsThread = uint64_t{1} << 39;
  static constexpr uint64_t kWantsOne = uint64_t{1} << 38;
  static constexpr uint64_t kStands = uint64_t{1} << 37;
  static constexpr uint64_t kSharesThread = uint64_t{1} << 36;
  static constexpr uint64_t kOverlapped = uint64_t{1} << 35;
  static constexpr uint64_t kWho =
      ((uint64_t{1} << 62) - 1) & ~(kWantsOne | kStands | kSharesThread | kOverlapped);

  uint64_t word_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_WAITER_H_
