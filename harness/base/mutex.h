#ifndef TRIREME_HARNESS_BASE_MUTEX_H_
#define TRIREME_HARNESS_BASE_MUTEX_H_

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define TRIREME_ATTRIBUTE(x) __attribute__((x))
#else
#define TRIREME_ATTRIBUTE(x)
#endif
#define TRIREME_CAPABILITY(x) TRIREME_ATTRIBUTE(capability(x))
#define TRIREME_SCOPED_CAPABILITY TRIREME_ATTRIBUTE(scoped_lockable)
#define TRIREME_GUARDED_BY(x) TRIREME_ATTRIBUTE(guarded_by(x))
#define TRIREME_REQUIRES(...) TRIREME_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define TRIREME_EXCLUDES(...) TRIREME_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define TRIREME_ACQUIRE(...) TRIREME_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define TRIREME_TRY_ACQUIRE(...) TRIREME_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define TRIREME_RELEASE(...) TRIREME_ATTRIBUTE(release_capability(__VA_ARGS__))

namespace trireme {

// std::mutex with its locks in the types, so that Clang checks who holds what.
class TRIREME_CAPABILITY("mutex") Mutex {
 public:
  void Lock() TRIREME_ACQUIRE() { mutex_.lock(); }
  bool TryLock() TRIREME_TRY_ACQUIRE(true) { return mutex_.try_lock(); }
  void Unlock() TRIREME_RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class TRIREME_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) TRIREME_ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() TRIREME_RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

class CondVar {
 public:
  // May return for no reason; wait in a loop that tests the condition.
  void Wait(Mutex& mutex) TRIREME_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // False when `deadline` passed.
  bool WaitUntil(Mutex& mutex, std::chrono::steady_clock::time_point deadline)
      TRIREME_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool in_time = condition_.wait_until(lock, deadline) == std::cv_status::no_timeout;
    lock.release();
    return in_time;
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_MUTEX_H_
