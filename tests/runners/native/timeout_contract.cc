#include <atomic>
#include <limits>
#include <stdexcept>
#include <string>

#include "tests/runners/native/contract.h"

namespace trireme {
namespace {

CONTRACT(seconds_are_finite) {
  for (const double seconds : {std::numeric_limits<double>::quiet_NaN(),
                               std::numeric_limits<double>::infinity()}) {
    int refused = 0;
    try {
      co_await rt.Sleep(seconds);
    } catch (const std::invalid_argument&) {
      ++refused;
    }
    auto body = [&]() -> Task<> { co_await rt.Checkpoint(); };
    try {
      co_await rt.Timeout(seconds, body);
    } catch (const std::invalid_argument&) {
      ++refused;
    }
    EXPECT_EQ(refused, 2) << seconds;
  }
  auto body = [&]() -> Task<> { co_await rt.Sleep(-1); };
  co_await rt.Timeout(1e300, body);
}

CONTRACT(timeout_expires_in_recv) {
  std::pair<Stream, Stream> ends = co_await rt.Socketpair();
  [[maybe_unused]] Stream& mine = ends.first;
  [[maybe_unused]] Stream& theirs = ends.second;
  co_await ExpectExpires(rt, [&]() -> Task<> { co_await theirs.Recv(1); });
}

CONTRACT(timeout_expires_in_lock) {
  Lock lock = rt.Lock();
  co_await lock.Acquire();
  TaskHandle<> task = rt.Spawn([&]() -> Task<> {
    co_await ExpectExpires(rt, [&]() -> Task<> { co_await lock.Acquire(); });
  });
  co_await task.Join();
}

CONTRACT(timeout_expires_in_queue_get) {
  Queue<int> queue = rt.Queue<int>();
  co_await ExpectExpires(rt, [&]() -> Task<> { co_await queue.Get(); });
}

CONTRACT(timeout_expires_in_sleep) {
  co_await ExpectExpires(rt, [&]() -> Task<> { co_await rt.Sleep(50); });
}

CONTRACT(timeout_expires_in_join) {
  Event event = rt.Event();
  TaskHandle<> task = rt.Spawn([event]() mutable -> Task<> { co_await event.Wait(); });
  co_await ExpectExpires(rt, [&]() -> Task<> { co_await task.Join(); });
  EXPECT_FALSE(task.Done());
  event.Set();
  co_await task.Join();
}

CONTRACT(timeout_over_drip) {
  std::pair<Stream, Stream> ends = co_await rt.Socketpair();
  [[maybe_unused]] Stream& mine = ends.first;
  [[maybe_unused]] Stream& theirs = ends.second;
  TaskHandle<> dripper = rt.Spawn([&rt, stream = mine]() mutable -> Task<> {
    for (;;) {
      co_await stream.SendAll("x");
      co_await rt.Sleep(0.005);
    }
  });
  co_await ExpectExpires(
      rt, [stream = theirs]() mutable -> Task<> { co_await stream.RecvExactly(1 << 20); });
  dripper.Cancel();
  EXPECT_TRUE(co_await Raises<Cancelled>([&] { return dripper.Join(); }));
}

CONTRACT(timeout_block_without_expiry) {
  co_await rt.Timeout(0.5, [&]() -> Task<> { co_await rt.Sleep(0.001); });
  co_await rt.Sleep(0.55);
}

CONTRACT(timeout_native_exception_inside) {
  bool inside = false;
  EXPECT_TRUE(co_await Raises<TimeoutExpired>([&] {
    return rt.Timeout(0.02, [&]() -> Task<> {
      try {
        co_await rt.Sleep(50);
      } catch (const DeadlineReached&) {
        inside = true;
        throw;
      }
    });
  }));
  EXPECT_TRUE(inside);
}

CONTRACT(timeout_fires_once) {
  co_await rt.Timeout(0.02, [&]() -> Task<> {
    EXPECT_TRUE(co_await Raises<DeadlineReached>([&] { return rt.Sleep(50); }));
    co_await rt.Sleep(0.01);
  });
}

CONTRACT(nested_timeouts_inner_first) {
  const int result = co_await rt.Timeout(50, [&]() -> Task<int> {
    EXPECT_TRUE(co_await Raises<TimeoutExpired>(
        [&] { return rt.Timeout(0.02, [&]() -> Task<> { co_await rt.Sleep(50); }); }));
    co_await rt.Sleep(0.005);
    co_return 4;
  });
  EXPECT_EQ(result, 4);
}

CONTRACT(nested_timeouts_outer_first) {
  bool inner_expired = false;
  EXPECT_TRUE(co_await Raises<TimeoutExpired>([&] {
    return rt.Timeout(0.02, [&]() -> Task<> {
      try {
        co_await rt.Timeout(50, [&]() -> Task<> { co_await rt.Sleep(50); });
      } catch (const TimeoutExpired&) {
        inner_expired = true;
      }
    });
  }));
  EXPECT_FALSE(inner_expired);
}

CONTRACT_WITH_RECORDS(timeout_is_an_exception) {
  static_assert(std::is_base_of_v<std::exception, TimeoutExpired>);
  co_await rt.Timeout(0.01, [&]() -> Task<> { co_await rt.Sleep(50); });
}
CONTRACT_RECORDS(timeout_is_an_exception) {
  EXPECT_EQ(recording.One(TRIREME_END, "raised").json()["family"], "timeout");
}

CONTRACT(pool_map_order) {
  Pool pool = rt.Pool(4);
  auto work = [&rt](int item) -> Task<int> {
    co_await rt.Sleep(item % 2 == 0 ? 0.01 : 0.0);
    co_return item* item;
  };
  const std::vector<int> items = {1, 2, 3, 4, 5};
  const std::vector<int> squares = co_await pool.Map(work, items);
  EXPECT_THAT(squares, testing::ElementsAre(1, 4, 9, 16, 25));
}

CONTRACT(pool_cap) {
  Pool pool = rt.Pool(3);
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  Event full = rt.Event();  // as many are inside as may be, however long the others take to start
  co_await pool.Map(
      [&](int) -> Task<> {
        const int now = ++inside;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) continue;
        if (now == 3) full.Set();
        co_await full.Wait();
        co_await rt.Sleep(0.002);
        --inside;
      },
      std::vector<int>(10));
  EXPECT_EQ(most, 3);
}

CONTRACT(pool_of_no_place) {
  std::string message;
  try {
    [[maybe_unused]] Pool pool = rt.Pool(0);
  } catch (const std::invalid_argument& error) {
    message = error.what();
  }
  EXPECT_NE(message.find("Pool(0)"), std::string::npos) << message;
  co_return;
}

CONTRACT(pool_submit_result) {
  Pool pool = rt.Pool(2);
  TaskHandle<int> good = co_await pool.Submit([](int value) { return value + 1; }, 6);
  TaskHandle<> bad = co_await pool.Submit([] { throw std::runtime_error("bad"); });
  EXPECT_EQ(co_await good.Join(), 7);
  EXPECT_TRUE(co_await Raises<std::runtime_error>([&] { return bad.Join(); }));
}

CONTRACT(pool_join_waits) {
  Pool pool = rt.Pool(2);
  std::atomic<int> ended = 0;
  for (int i = 0; i < 4; ++i) {
    TaskHandle<> task = co_await pool.Submit([&]() -> Task<> {
      co_await rt.Sleep(0.005);
      ++ended;
    });
  }
  co_await pool.Join();
  EXPECT_EQ(ended, 4);
}

CONTRACT(pool_map_raises_first) {
  Pool pool = rt.Pool(4);
  std::atomic<int> ended = 0;
  std::string what;
  const std::vector<int> items = {0, 1, 2};
  try {
    co_await pool.Map(
        [&](int item) -> Task<int> {
          co_await rt.Sleep(item == 1 ? 0.02 : 0.0);
          ++ended;
          if (item > 0) throw std::runtime_error(std::to_string(item));
          co_return item;
        },
        items);
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
  EXPECT_EQ(what, "1");
  EXPECT_EQ(ended, 3);
}

CONTRACT(pool_map_of_nothing) {
  Pool pool = rt.Pool(1);
  EXPECT_TRUE((co_await pool.Map([](int item) { return item; }, std::vector<int>())).empty());
}

// Waits for ever and takes its time to clean up; counts what began and ended in it.
struct Lasting {
  explicit Lasting(Runtime& runtime) : rt(runtime), never(runtime.Event()) {}

  Task<> Last() {
    ++began;
    bool stopped = false;
    try {
      co_await never.Wait();
    } catch (const Cancelled&) {
      stopped = true;
    }
    co_await rt.Sleep(0.01);
    ++ended;
    if (stopped) throw Cancelled();
  }
  Task<> Map(Pool pool, int items) {
    return pool.Map([this](int) { return Last(); }, std::vector<int>(static_cast<size_t>(items)));
  }

  Runtime& rt;
  Event never;
  std::atomic<int> began = 0;
  std::atomic<int> ended = 0;
};

CONTRACT(pool_map_cancelled_ends_its_tasks) {
  for (const int items : {2, 3}) {  // the third waits for a place
    Lasting lasting(rt);
    Pool pool = rt.Pool(2);
    std::atomic<int> left = 0;
    TaskHandle<> mapper = rt.Spawn([&]() -> Task<> {
      try {
        co_await lasting.Map(pool, items);
      } catch (const Cancelled&) {
        left = lasting.ended.load();
        throw;
      }
    });
    co_await ExpectCancels(rt, mapper);
    EXPECT_EQ(lasting.began, 2);
    EXPECT_EQ(left, 2);
    co_await pool.Join();
  }
}

CONTRACT(pool_map_late_ends_its_tasks) {
  Lasting lasting(rt);
  Pool pool = rt.Pool(2);
  EXPECT_TRUE(co_await Raises<TimeoutExpired>(
      [&] { return rt.Timeout(0.05, [&] { return lasting.Map(pool, 2); }); }));
  EXPECT_EQ(lasting.began, lasting.ended);  // a busy machine may not have begun them all
  co_await pool.Join();
}

CONTRACT(lock_excludes) {
  Lock lock = rt.Lock();
  int counter = 0;
  auto add = [&]() -> Task<> {
    for (int i = 0; i < 20; ++i) {
      const Guard<Lock> guard = co_await lock.Hold();
      const int read = counter;
      co_await rt.Checkpoint();
      counter = read + 1;
    }
  };
  TaskHandle<> first = rt.Spawn(add);
  TaskHandle<> second = rt.Spawn(add);
  co_await rt.Gather(first, second);
  EXPECT_EQ(counter, 40);
}

CONTRACT(lock_released_by_exception) {
  Lock lock = rt.Lock();
  EXPECT_TRUE(co_await Raises<std::runtime_error>([&]() -> Task<> {
    const Guard<Lock> guard = co_await lock.Hold();
    throw std::runtime_error("inside");
  }));
  co_await lock.Acquire();
  lock.Release();
}

CONTRACT(rlock_reenters) {
  RLock lock = rt.RLock();
  co_await lock.Acquire();
  co_await lock.Acquire();
  TaskHandle<> other = rt.Spawn([lock]() mutable -> Task<> {
    co_await lock.Acquire();
    lock.Release();
  });
  lock.Release();
  co_await rt.Settle();
  EXPECT_FALSE(other.Done());
  lock.Release();
  co_await other.Join();
}

CONTRACT(semaphore_counts) {
  Semaphore semaphore = rt.Semaphore(2);
  co_await semaphore.Acquire();
  co_await semaphore.Acquire();
  TaskHandle<> third = rt.Spawn([semaphore]() mutable -> Task<> { co_await semaphore.Acquire(); });
  co_await rt.Settle();
  EXPECT_FALSE(third.Done());
  semaphore.Release();
  co_await third.Join();
}

CONTRACT(condition_notify_one) {
  Condition condition = rt.Condition();
  std::atomic<int> woken = 0;
  std::vector<TaskHandle<>> tasks;
  for (int i = 0; i < 3; ++i)
    tasks.push_back(rt.Spawn([&]() -> Task<> {
      const Guard<Condition> guard = co_await condition.Hold();
      co_await condition.Wait();
      ++woken;
    }));
  co_await rt.Settle();
  co_await condition.Acquire();
  condition.Notify();
  condition.Release();
  co_await rt.Settle();
  EXPECT_EQ(woken, 1);
  co_await condition.Acquire();
  condition.NotifyAll();
  condition.Release();
  co_await rt.Gather(tasks);
  EXPECT_EQ(woken, 3);
}

CONTRACT(event_set_wakes_all) {
  Event event = rt.Event();
  auto wait = [event]() mutable -> Task<> { co_await event.Wait(); };
  TaskHandle<> first = rt.Spawn(wait);
  TaskHandle<> second = rt.Spawn(wait);
  co_await rt.Settle();
  event.Set();
  co_await rt.Gather(first, second);
  co_await event.Wait();
  event.Clear();
  TaskHandle<> third = rt.Spawn(wait);
  co_await rt.Settle();
  EXPECT_FALSE(third.Done());
  event.Set();
  co_await third.Join();
}

CONTRACT(queue_fifo) {
  Queue<int> queue = rt.Queue<int>();
  for (int i = 0; i < 200; ++i) co_await queue.Put(i);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(co_await queue.Get(), i);
}

CONTRACT(queue_put_blocks_when_full) {
  Queue<std::string> queue = rt.Queue<std::string>(1);
  co_await queue.Put("a");
  TaskHandle<> putter = rt.Spawn([queue]() mutable -> Task<> { co_await queue.Put("b"); });
  co_await rt.Settle();
  EXPECT_FALSE(putter.Done());
  EXPECT_EQ(co_await queue.Get(), "a");
  co_await putter.Join();
  EXPECT_EQ(co_await queue.Get(), "b");
}

}  // namespace
}  // namespace trireme
